package interop_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"skerry.dev/skerry/edge"
)

// waiting is a server whose calls tell that they are there, and end when they are cancelled.
type waiting struct {
	testgrpc.UnimplementedTestServiceServer
	begun chan context.Context // the calls'; one that nobody takes is not begun
}

// wait is a call.
func (w *waiting) wait(ctx context.Context) error {
	select {
	case w.begun <- ctx:
		<-ctx.Done()
	case <-ctx.Done():
	}
	return ctx.Err()
}

// UnaryCall implements testgrpc.TestServiceServer.
func (w *waiting) UnaryCall(ctx context.Context, _ *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	return nil, w.wait(ctx)
}

// FullDuplexCall implements testgrpc.TestServiceServer: it answers the first message, and then waits.
func (w *waiting) FullDuplexCall(stream testgrpc.TestService_FullDuplexCallServer) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
		return err
	}
	return w.wait(stream.Context())
}

// StreamingInputCall implements testgrpc.TestServiceServer: it waits while the client still sends.
func (w *waiting) StreamingInputCall(stream testgrpc.TestService_StreamingInputCallServer) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	return w.wait(stream.Context())
}

// call is a way to call; it returns when the call is over.
type call func(ctx context.Context, cc *grpc.ClientConn) error

// waitingCalls are those in which the client waits: for the head, for the next message, and while its request has not ended.
var waitingCalls = map[string]call{
	"unary": func(ctx context.Context, cc *grpc.ClientConn) error {
		_, err := testgrpc.NewTestServiceClient(cc).UnaryCall(ctx, &testgrpc.SimpleRequest{})
		return err
	},
	"duplex": func(ctx context.Context, cc *grpc.ClientConn) error {
		stream, err := testgrpc.NewTestServiceClient(cc).FullDuplexCall(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&testgrpc.StreamingOutputCallRequest{}); err != nil {
			return err
		}
		if _, err := stream.Recv(); err != nil {
			return err
		}
		_, err = stream.Recv()
		return err
	},
	"input": func(ctx context.Context, cc *grpc.ClientConn) error {
		stream, err := testgrpc.NewTestServiceClient(cc).StreamingInputCall(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&testgrpc.StreamingInputCallRequest{}); err != nil {
			return err
		}
		return stream.RecvMsg(&testgrpc.StreamingInputCallResponse{})
	},
}

// TestCancel: a client that cancels, or closes its connection, cancels the call at the origin.
func TestCancel(t *testing.T) {
	w := &waiting{begun: make(chan context.Context)}
	e := openEdge(t, edge.Options{}, entrypoint{name: "plain", endpoint: "http://" + serveGRPC(t, nil, w)}.String()+
		entrypoint{name: "api", profile: "api", endpoint: "http://" + serveGRPC(t, nil, w)}.String())
	f := func(name string, to target, do call) {
		t.Run(name+"/cancel", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			w.ends(t, codes.Canceled, cancel, func() error { return do(ctx, to.dial(t)) })
		})
		t.Run(name+"/close", func(t *testing.T) {
			cc := to.dial(t)
			w.ends(t, codes.Canceled, func() { cc.Close() }, func() error { return do(t.Context(), cc) })
		})
	}
	for name, do := range waitingCalls {
		f("tls/plain/"+name, e.overTLS("plain"), do)
		f("tls/api/"+name, e.overTLS("api"), do)
		f("h2c/plain/"+name, e.overH2C("plain"), do)
	}
}

// ends makes a call, ends it when the origin has it, and waits until the origin knows.
func (w *waiting) ends(t *testing.T, want codes.Code, end func(), do func() error) {
	t.Helper()
	over := make(chan error, 1)
	go func() { over <- do() }()
	give := time.NewTimer(patience)
	defer give.Stop()
	var call context.Context
	select {
	case call = <-w.begun:
	case err := <-over:
		t.Fatalf("the call ended before it was at the origin: %v", err)
	case <-give.C:
		t.Fatal("the origin was not called")
	}
	end()
	select {
	case <-call.Done():
	case <-give.C:
		t.Fatal("the origin was not told")
	}
	if err := <-over; status.Code(err) != want {
		t.Errorf("the client got %v, want %v", err, want)
	}
}

// TestDeadline: the origin is told the client's deadline, and when it has passed the call is cancelled there. This origin is none of
// grpc-go, which would end the call by itself, some microseconds sooner or later than the client.
func TestDeadline(t *testing.T) {
	h := &hearing{begun: make(chan *http.Request)}
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	e := openEdge(t, edge.Options{}, entrypoint{name: "api", profile: "api", endpoint: s.URL}.String())
	for name, do := range waitingCalls {
		t.Run(name, func(t *testing.T) { h.deadline(t, e.overTLS("api").dial(t), do) })
	}
}

// deadline makes calls with a deadline until one is long enough for this machine to get to the origin.
func (h *hearing) deadline(t *testing.T, cc *grpc.ClientConn, do call) {
	for after := 50 * time.Millisecond; after < patience; after *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		defer cancel()
		over := make(chan error, 1)
		go func() { over <- do(ctx, cc) }()
		var r *http.Request
		select {
		case r = <-h.begun:
		case <-over:
			continue
		}
		if left, err := timeout(r); err != nil || left > after || left < after/1000 {
			t.Errorf("the origin is told of %v, %v, when the client had %v", left, err, after)
		}
		if err := <-over; status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("the client got %v", err)
		}
		select {
		case <-r.Context().Done():
		case <-time.After(patience):
			t.Error("the origin was not told that the client had gone")
		}
		return
	}
	t.Fatal("the origin was not called")
}

// timeout is what a request says of its deadline, in the words of gRPC over HTTP/2.
func timeout(r *http.Request) (time.Duration, error) {
	text := r.Header.Get("Grpc-Timeout")
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': 1}
	if len(text) < 2 || units[text[len(text)-1]] == 0 {
		return 0, fmt.Errorf("grpc-timeout is %q", text)
	}
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	return time.Duration(n) * units[text[len(text)-1]], err
}

// hearing is an origin of calls that tells of them and lets them wait for the client to leave. It knows of gRPC that a message
// without anything in it is five zero bytes.
type hearing struct {
	begun chan *http.Request
}

// ServeHTTP implements http.Handler.
func (h *hearing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	message := make([]byte, 5)
	if _, err := io.ReadFull(r.Body, message); err != nil {
		return // the client has left
	}
	if strings.HasSuffix(r.URL.Path, "/FullDuplexCall") {
		w.Header().Set("Content-Type", "application/grpc")
		w.Write(message)
		http.NewResponseController(w).Flush()
	}
	select {
	case h.begun <- r:
		<-r.Context().Done()
	case <-r.Context().Done():
	}
}
