package interop_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

// flow is a stream through which numbered messages go to the origin and back, without a pause.
type flow struct {
	name  string
	send  func(n int64) error
	take  func() (int64, error)
	close func() error // says that no more is sent

	sent, came atomic.Int64
	places     chan struct{} // of messages that are on their way
	quit       chan struct{}
	gone       chan struct{} // closed when nothing comes any more
	over       chan error    // what ended it: io.EOF after the end of both sides
}

const (
	flowing = 4                     // messages of a flow that are on their way at once, at most
	pace    = 10 * time.Millisecond // from one to the next
)

// start has messages go. Each that comes must be the one behind the last.
func (f *flow) start() {
	f.places, f.quit, f.gone, f.over = make(chan struct{}, flowing), make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for n := int64(1); ; n++ {
			<-tick.C
			select {
			case f.places <- struct{}{}:
			case <-f.gone:
				return
			case <-f.quit:
				_ = f.close() // the other side will tell
				return
			}
			f.sent.Store(n)
			if f.send(n) != nil {
				return
			}
		}
	}()
	go func() {
		defer close(f.gone)
		for want := int64(1); ; want++ {
			n, err := f.take()
			if err == nil && n != want {
				err = fmt.Errorf("message %d came where %d should", n, want)
			}
			if err != nil {
				f.over <- err
				return
			}
			f.came.Store(n)
			<-f.places
		}
	}()
}

// goesOn waits until many more messages have come.
func (f *flow) goesOn(t *testing.T) {
	t.Helper()
	from, by := f.came.Load(), time.Now().Add(patience)
	for f.came.Load() < from+flowing+2 { // some of them were sent since
		select {
		case err := <-f.over:
			t.Fatalf("%s ended after %d messages: %v", f.name, f.came.Load(), err)
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(by) {
			t.Fatalf("%s stands still after %d messages", f.name, f.came.Load())
		}
	}
}

// finish ends it from the client's side; every message must have come back.
func (f *flow) finish(t *testing.T) {
	t.Helper()
	close(f.quit)
	err := f.ended(t)
	if err != io.EOF || f.came.Load() != f.sent.Load() {
		t.Errorf("%s: %d of %d messages came back, then %v", f.name, f.came.Load(), f.sent.Load(), err)
	}
}

// ended waits for its end, and returns what it was.
func (f *flow) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-f.over:
		return err
	case <-time.After(patience):
		t.Fatalf("%s has not ended", f.name)
		return nil
	}
}

// numbered is a message of some length that says which one it is.
func numbered(n int64) []byte {
	return fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", int(n*n%10_000)))
}

// callFlow is a bidirectional call of gRPC.
func callFlow(t *testing.T, ctx context.Context, name string, to target) *flow {
	t.Helper()
	stream, err := testgrpc.NewTestServiceClient(to.dial(t)).FullDuplexCall(ctx)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	f := &flow{name: name, close: stream.CloseSend, send: func(n int64) error {
		return stream.Send(&testgrpc.StreamingOutputCallRequest{Payload: &testgrpc.Payload{Body: numbered(n)}})
	}, take: func() (n int64, err error) {
		m, err := stream.Recv()
		if err == nil {
			_, err = fmt.Sscan(string(m.GetPayload().GetBody()), &n)
		}
		return n, err
	}}
	f.start()
	return f
}

// socketFlow is a WebSocket. It is closed behind the last message: what a close handshake finds on its way is thrown away.
func socketFlow(t *testing.T, ctx context.Context, name string, to target, http2 bool) *flow {
	t.Helper()
	c := to.dialSocket(t, ctx, http2)
	c.SetReadLimit(1 << 20)
	const last = "last"
	f := &flow{name: name, send: func(n int64) error {
		return c.Write(ctx, websocket.MessageText, numbered(n))
	}, close: func() error { return c.Write(ctx, websocket.MessageText, []byte(last)) }, take: func() (n int64, err error) {
		_, text, err := c.Read(ctx)
		if string(text) == last {
			return 0, cmp.Or(c.Close(websocket.StatusNormalClosure, ""), io.EOF)
		}
		if err == nil {
			_, err = fmt.Sscan(string(text), &n)
		}
		return n, err
	}}
	f.start()
	return f
}

// TestHeldThroughReplacements: streams of gRPC and WebSockets, by every way a client may come, live through three replacements of
// the process while messages go both ways. Not one is lost or comes twice, and no stream is begun anew. When the oldest process must
// end, calls end with UNAVAILABLE and WebSockets with 1012, behind whole messages; those of younger processes go on.
func TestHeldThroughReplacements(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var begun atomic.Int64
	calls := serveGRPC(t, nil, &echoing{begun: &begun})
	sockets := origin(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		begun.Add(1)
		echoSocket(w, q)
	}))
	r := startRow(t, entrypoint{name: "calls", profile: "api", endpoint: "http://" + calls}.String()+
		entrypoint{name: "sockets", profile: "api", protocol: "http1", endpoint: sockets, policy: "  websocket: on\n"}.String(), "--upgrade-trial", "50ms")
	secure := r.trusting()
	open := func() []*flow {
		tls, h2c := target{addr: r.https, host: "calls.test", tls: secure}, target{addr: r.h2c, host: "calls.test"}
		plain, tlsSocket, h2cSocket := target{addr: r.http, host: "sockets.test"}, target{addr: r.https, host: "sockets.test", tls: secure}, target{addr: r.h2c, host: "sockets.test"}
		return []*flow{
			callFlow(t, ctx, "gRPC over TLS", tls),
			callFlow(t, ctx, "gRPC over h2c", h2c),
			socketFlow(t, ctx, "WebSocket over plain HTTP/1.1", plain, false),
			socketFlow(t, ctx, "WebSocket over TLS and HTTP/1.1", tlsSocket, false),
			socketFlow(t, ctx, "WebSocket over TLS and HTTP/2", tlsSocket, true),
			socketFlow(t, ctx, "WebSocket over h2c", h2cSocket, true),
		}
	}
	oldest := open()
	silent, err := testgrpc.NewTestServiceClient(target{addr: r.https, host: "calls.test", tls: secure}.dial(t)).FullDuplexCall(ctx) // without an answer
	if err != nil {
		t.Fatal(err)
	}
	for by := time.Now().Add(patience); int(begun.Load()) <= len(oldest); time.Sleep(time.Millisecond) {
		if time.Now().After(by) {
			t.Fatal("not all streams have begun")
		}
	}
	all := oldest
	replace := func() {
		r.replace()
		for _, f := range all {
			f.goesOn(t)
		}
	}
	for range 3 {
		replace()
	}
	if int(begun.Load()) != len(all)+1 {
		t.Errorf("%d streams at the origin, want %d", begun.Load(), len(all)+1)
	}
	younger := open()
	all = append(all, younger...)
	replace()
	youngest := open()
	all = append(younger, youngest...)
	replace() // the third old process is one too many
	for _, f := range oldest {
		err := f.ended(t)
		if strings.HasPrefix(f.name, "gRPC") {
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "The edge ended the stream") {
				t.Errorf("%s ends with %v, want UNAVAILABLE", f.name, err)
			}
		} else if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
			t.Errorf("%s ends with %v, want status 1012", f.name, err)
		}
	}
	if _, err := silent.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("a call without an answer ends with %v, want UNAVAILABLE", err)
	}
	r.await(`(stopped): 1 connection cut off`)
	for _, f := range all {
		f.goesOn(t)
		f.finish(t)
	}
	if want := len(oldest) + 1 + len(all); int(begun.Load()) != want {
		t.Errorf("%d streams at the origin, want %d", begun.Load(), want)
	}
	r.loggedEnds(len(oldest))
}

// loggedEnds waits until the log says of so many streams that the edge ended them because its process did.
func (r *row) loggedEnds(want int) {
	r.t.Helper()
	for by := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(r.dir, "log"))
		if err != nil {
			r.t.Fatal(err)
		}
		if got := strings.Count(string(text), `"fault":"draining"`); got == want {
			return
		} else if time.Now().After(by) {
			r.t.Fatalf("the log says of %d streams that the edge ended them, want %d:\n%s", got, want, text)
		}
	}
}

// echoing is a server whose streams send back what they get.
type echoing struct {
	testgrpc.UnimplementedTestServiceServer
	begun *atomic.Int64
}

// FullDuplexCall implements testgrpc.TestServiceServer.
func (e *echoing) FullDuplexCall(stream grpc.BidiStreamingServer[testgrpc.StreamingOutputCallRequest, testgrpc.StreamingOutputCallResponse]) error {
	e.begun.Add(1)
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{Payload: m.GetPayload()}); err != nil {
			return err
		}
	}
}
