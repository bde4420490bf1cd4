package interop_test

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

const (
	// window is how much either end of gRPC takes on a stream before somebody reads it.
	window = 1<<16 - 1
	// messageBytes is how long a message of numberedAnswer is with its head. It divides window.
	messageBytes = window / 17
)

// numberedAnswer is a message of messageBytes that says which one it is.
func numberedAnswer(n int) *testgrpc.StreamingOutputCallResponse {
	body := make([]byte, messageBytes-5-6) // heads: of the message, and of two fields
	body[0], body[1] = byte(n>>8), byte(n)
	return &testgrpc.StreamingOutputCallResponse{Payload: &testgrpc.Payload{Body: body}}
}

// stuck is a server whose calls come to a stop: one side takes nothing more.
type stuck struct {
	testgrpc.UnimplementedTestServiceServer
	sent atomic.Int64 // messages of StreamingOutputCall, and one more that waits
}

// FullDuplexCall implements testgrpc.TestServiceServer: it takes one message, and answers.
func (s *stuck) FullDuplexCall(stream grpc.BidiStreamingServer[testgrpc.StreamingOutputCallRequest, testgrpc.StreamingOutputCallResponse]) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

// StreamingOutputCall implements testgrpc.TestServiceServer: it has no end.
func (s *stuck) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[testgrpc.StreamingOutputCallResponse]) error {
	for n := 0; ; n++ {
		s.sent.Add(1)
		if err := stream.Send(numberedAnswer(n)); err != nil {
			return err
		}
	}
}

// standsStill waits until a count does not grow any more.
func standsStill(t *testing.T, n *atomic.Int64, atLeast int64) {
	t.Helper()
	const still = time.Second // as long as a busy machine may stand still
	last, since, by := int64(0), time.Now(), time.Now().Add(patience)
	for last < atLeast || time.Since(since) < still {
		if time.Now().After(by) {
			t.Fatalf("%d messages were sent, at least %d should be", n.Load(), atLeast)
		}
		time.Sleep(5 * time.Millisecond)
		if now := n.Load(); now != last {
			last, since = now, time.Now()
		}
	}
}

// TestPartedStuck: when the process must end, calls that stand still since one side takes nothing more end with UNAVAILABLE behind their last
// whole message: one whose messages the origin does not take, and one whose messages the client does not take.
func TestPartedStuck(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	server := &stuck{}
	calls := serveGRPC(t, nil, server, grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(1<<20))
	r := startRow(t, entrypoint{name: "calls", profile: "api", endpoint: "http://" + calls}.String(), "--drain-timeout", "50ms")
	client := testgrpc.NewTestServiceClient(target{addr: r.https, host: "calls.test", tls: r.trusting()}.dial(t,
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(1<<20)))
	unavailable := func(what string, err error) {
		t.Helper()
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "The edge ended the stream") {
			t.Errorf("%s ends with %v, want UNAVAILABLE", what, err)
		}
	}

	up, err := client.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		for up.Send(&testgrpc.StreamingOutputCallRequest{Payload: &testgrpc.Payload{Body: make([]byte, 1000)}}) == nil {
			sent.Add(1)
		}
	}()
	if _, err := up.Recv(); err != nil {
		t.Fatal(err)
	}
	down, err := client.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{})
	if err != nil {
		t.Fatal(err)
	}
	standsStill(t, &sent, 2*window/1000) // more than the origin and the client's library take
	standsStill(t, &server.sent, 2*window/messageBytes)

	if err := syscall.Kill(r.newest, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.await(`(stopped): `)
	_, err = up.Recv()
	unavailable("a call that the origin takes nothing of", err)
	<-sending
	came := 0
	for ; ; came++ {
		m, err := down.Recv()
		if err != nil {
			unavailable("a call that the client takes nothing of", err)
			break
		}
		if body := m.GetPayload().GetBody(); int(body[0])<<8+int(body[1]) != came {
			t.Fatalf("message %d came where %d should", int(body[0])<<8+int(body[1]), came)
		}
	}
	if came != window/messageBytes {
		t.Errorf("%d messages came, want %d", came, window/messageBytes)
	}
	r.loggedEnds(2)
}
