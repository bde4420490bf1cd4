package interop_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"skerry.dev/skerry/edge"
)

// answering is a server whose unary calls wait for the gate, where there is one.
type answering struct {
	testgrpc.UnimplementedTestServiceServer
	gate  chan struct{}
	begun chan struct{} // gets one for each call that waits, as many as it has room for
	some  chan struct{} // closed by call number someCalls, where there is one
	calls atomic.Int64
}

// someCalls is how many show that calls come.
const someCalls = 100

// UnaryCall implements testgrpc.TestServiceServer: it answers with what it was sent.
func (a *answering) UnaryCall(ctx context.Context, r *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	if a.calls.Add(1) == someCalls && a.some != nil {
		close(a.some)
	}
	if a.gate != nil {
		select {
		case a.begun <- struct{}{}:
		default: // the test has seen enough
		}
		select {
		case <-a.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &testgrpc.SimpleResponse{Payload: r.GetPayload()}, nil
}

// unary makes a call whose answer must be what it sends.
func unary(ctx context.Context, cc *grpc.ClientConn, text string) error {
	r, err := testgrpc.NewTestServiceClient(cc).UnaryCall(ctx, &testgrpc.SimpleRequest{Payload: &testgrpc.Payload{Body: []byte(text)}})
	if err != nil {
		return err
	}
	if got := string(r.GetPayload().GetBody()); got != text {
		return fmt.Errorf("the answer of another call: %q, want %q", got, text)
	}
	return nil
}

// clients are connections, each of which a number of calls share.
func clients(t *testing.T, n int, to target) (all []*grpc.ClientConn) {
	for range n {
		all = append(all, to.dial(t))
	}
	return all
}

// TestCallsThroughReloads: of 1,000 calls on 4 connections during 20 reloads none fails and no connection is made anew, though the
// origins tell their connections to go away all the time.
func TestCallsThroughReloads(t *testing.T) {
	const calls, conns, each = 1000, 4, 8
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	goes := grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 50 * time.Millisecond, MaxConnectionAgeGrace: patience})
	one, two := serveGRPC(t, nil, &answering{}, goes), serveGRPC(t, nil, &answering{}, goes)
	text := func(n int) string {
		return entrypoint{name: "calls", profile: "api", endpoint: "http://" + one + ", http://" + two, policy: release(n)}.String()
	}
	e := openEdge(t, edge.Options{}, text(0))
	var made, next, failed atomic.Int64
	done := make(chan struct{}, calls)
	to := e.overTLS("calls")
	to.conns = &made
	var busy sync.WaitGroup
	for _, cc := range clients(t, conns, to) {
		for range each {
			busy.Go(func() {
				for n := next.Add(1); n <= calls; n = next.Add(1) {
					if err := unary(ctx, cc, fmt.Sprintf("call %d", n)); err != nil {
						failed.Add(1)
						t.Errorf("call %d: %v", n, err)
					}
					done <- struct{}{}
				}
			})
		}
	}
	for n := range reloads {
		for range calls / reloads {
			<-done
		}
		e.activate(t, text(n+1))
	}
	busy.Wait()
	if failed.Load() != 0 || made.Load() != conns {
		t.Errorf("%d of %d calls failed, on %d connections where %d were enough", failed.Load(), calls, made.Load(), conns)
	}
}

// TestDrainInFlight: when the edge leaves, each of 200 calls that wait for the origin gets its answer; one that comes later is
// refused in the way that lets a client ask somewhere else, or answered.
func TestDrainInFlight(t *testing.T) {
	const calls, conns = 200, 4
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a := &answering{gate: make(chan struct{}), begun: make(chan struct{}, calls)}
	e := openEdge(t, edge.Options{}, entrypoint{name: "calls", endpoint: "http://" + serveGRPC(t, nil, a)}.String())
	all := append(clients(t, conns/2, e.overTLS("calls")), clients(t, conns/2, e.overH2C("calls"))...)
	var busy sync.WaitGroup
	for n := range calls {
		busy.Go(func() {
			if err := unary(ctx, all[n%conns], fmt.Sprintf("call %d", n)); err != nil {
				t.Errorf("call %d was in flight, and got %v", n, err)
			}
		})
	}
	for range calls {
		<-a.begun
	}
	cut := make(chan int, 1)
	go func() { cut <- e.Drain() }()
	for _, cc := range all {
		awaitRefusal(t, ctx, cc)
	}
	close(a.gate)
	busy.Wait()
	if n := <-cut; n != 0 {
		t.Errorf("%d connections were cut", n)
	}
}

// awaitRefusal calls until a call is refused because the edge leaves.
func awaitRefusal(t *testing.T, ctx context.Context, cc *grpc.ClientConn) {
	t.Helper()
	for ctx.Err() == nil {
		// A call that the edge still takes waits at the origin, so it gives up.
		brief, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		err := unary(brief, cc, "late")
		cancel()
		switch status.Code(err) {
		case codes.Unavailable:
			return
		case codes.DeadlineExceeded:
		default:
			t.Errorf("a call of a client that the edge has left: %v", err)
			return
		}
	}
	t.Error("the edge takes calls though it leaves")
}

// TestOriginLeaves: an origin that ends in the proper way (GOAWAY, then what is in flight) costs no call.
func TestOriginLeaves(t *testing.T) {
	const conns, each = 4, 8
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	leaving, staying := &answering{some: make(chan struct{})}, &answering{}
	one, server := serverOf(t, nil, leaving)
	two := serveGRPC(t, nil, staying)
	e := openEdge(t, edge.Options{}, entrypoint{name: "calls", endpoint: "http://" + one + ", http://" + two}.String())
	var busy sync.WaitGroup
	gone := make(chan struct{})
	for i, cc := range clients(t, conns, e.overTLS("calls")) {
		for range each {
			busy.Go(func() {
				for left := someCalls; left > 0; {
					select {
					case <-gone:
						left-- // enough to see that the rest works without it
					default:
					}
					if err := unary(ctx, cc, fmt.Sprintf("client %d", i)); err != nil {
						t.Errorf("client %d: %v", i, err)
						return
					}
				}
			})
		}
	}
	select {
	case <-leaving.some:
	case <-ctx.Done():
		t.Error("the origin that is to leave was hardly called")
	}
	server.GracefulStop()
	close(gone)
	busy.Wait()
	if n := staying.calls.Load(); n < conns*each*someCalls/2 {
		t.Errorf("%d calls to the origin that stays", n)
	}
}
