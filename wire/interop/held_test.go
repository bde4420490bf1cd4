package interop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"

	"skerry.dev/skerry/edge"
)

// reloads is how often a plan is replaced in the tests that hold something through it.
const reloads = 20

// releaseField says which release of the spec an answer was made by.
const releaseField = "x-release"

// release is the policy that says it.
func release(n int) string {
	return fmt.Sprintf("  headers: {response: {set: {X-Release: %q}}}\n", fmt.Sprint(n))
}

// held is a stream that a test holds: each step sends something and gets it back, end closes it from the client's side.
type held struct {
	name string
	step func(n int) error
	end  func() error
}

// TestHeldThroughReloads: streams of gRPC and WebSockets, by every way a client may come and an origin may be asked, live
// through reloads of their own route. What begins meanwhile is served by the new plan.
func TestHeldThroughReloads(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	calls, sockets := "http://"+interopServer(t, nil), origin(t, http.HandlerFunc(echoSocket))
	behind := openEdge(t, edge.Options{}, entrypoint{name: "far", protocol: "http1", endpoint: sockets}.String())
	text := func(n int) string {
		return entrypoint{name: "calls", endpoint: calls, policy: release(n)}.String() +
			entrypoint{name: "sockets", protocol: "http1", endpoint: sockets, policy: release(n)}.String() +
			entrypoint{name: "far", endpoint: "http://" + behind.h2c.String(), policy: release(n)}.String() // by extended CONNECT
	}
	e := openEdge(t, edge.Options{}, text(0))
	var conns atomic.Int64
	tls, h2c := e.overTLS("calls"), e.overH2C("calls")
	tls.conns, h2c.conns = &conns, &conns
	asking := testgrpc.NewTestServiceClient(tls.dial(t))
	all := []held{
		heldCall(t, ctx, "gRPC over TLS", tls),
		heldCall(t, ctx, "gRPC over h2c", h2c),
		heldSocket(t, ctx, "WebSocket over TLS and HTTP/1.1", e.overTLS("sockets"), false),
		heldSocket(t, ctx, "WebSocket over TLS and HTTP/2", e.overTLS("sockets"), true),
		heldSocket(t, ctx, "WebSocket over plain HTTP/1.1", e.overH2C("sockets"), false),
		heldSocket(t, ctx, "WebSocket over h2c", e.overH2C("sockets"), true),
		heldSocket(t, ctx, "WebSocket over TLS and HTTP/1.1 to HTTP/2", e.overTLS("far"), false),
		heldSocket(t, ctx, "WebSocket over HTTP/2 to HTTP/2", e.overTLS("far"), true),
	}
	for n := range reloads + 1 {
		if n > 0 {
			e.activate(t, text(n))
		}
		for _, h := range all {
			if err := h.step(n); err != nil {
				t.Fatalf("%s after %d reloads: %v", h.name, n, err)
			}
		}
		var head metadata.MD
		if _, err := asking.EmptyCall(ctx, &testgrpc.Empty{}, grpc.Header(&head)); err != nil || strings.Join(head[releaseField], ",") != fmt.Sprint(n) {
			t.Fatalf("a call after %d reloads: %v, release %v", n, err, head[releaseField])
		}
	}
	for _, h := range all {
		if err := h.end(); err != nil {
			t.Errorf("%s: its end: %v", h.name, err)
		}
	}
	if conns.Load() != 3 {
		t.Errorf("%d connections for three clients of gRPC", conns.Load())
	}
}

// heldCall is a stream of gRPC, whose head was made by release 0.
func heldCall(t *testing.T, ctx context.Context, name string, to target) held {
	t.Helper()
	stream, err := testgrpc.NewTestServiceClient(to.dial(t)).FullDuplexCall(ctx)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	step := func(n int) error {
		size := int32(n * n * n)
		err := stream.Send(&testgrpc.StreamingOutputCallRequest{ResponseParameters: []*testgrpc.ResponseParameters{{Size: size}},
			Payload: &testgrpc.Payload{Body: make([]byte, size)}})
		if err != nil {
			return err
		}
		m, err := stream.Recv()
		if err == nil && len(m.GetPayload().GetBody()) != int(size) {
			err = fmt.Errorf("a message of %d bytes, want %d", len(m.GetPayload().GetBody()), size)
		}
		return err
	}
	end := func() error {
		head, err := stream.Header()
		if err != nil || strings.Join(head[releaseField], ",") != "0" {
			return fmt.Errorf("its head: %w, release %v", err, head[releaseField])
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		if m, err := stream.Recv(); err != io.EOF {
			return fmt.Errorf("%v, %w, want the end", m, err)
		}
		return nil
	}
	return held{name, step, end}
}

// heldSocket is a WebSocket.
func heldSocket(t *testing.T, ctx context.Context, name string, to target, http2 bool) held {
	t.Helper()
	c := to.dialSocket(t, ctx, http2)
	c.SetReadLimit(1 << 20)
	step := func(n int) error {
		text := strings.Repeat("x", n*n*n)
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return err
		}
		_, got, err := c.Read(ctx)
		if err == nil && string(got) != text {
			err = errors.New("another message than it was sent")
		}
		return err
	}
	return held{name, step, func() error { return c.Close(websocket.StatusNormalClosure, "done") }}
}
