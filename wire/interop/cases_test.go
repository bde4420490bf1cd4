package interop_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // messages in gzip, where a call asks for it
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

// interopCase is a case of gRPC's interoperability tests, as gRPC's description of them names it.
type interopCase struct {
	name    string
	run     func(ctx context.Context, cc *grpc.ClientConn)
	options []grpc.DialOption
}

// interopCases are all of grpc-go's that need no account at a cloud. Left out are pick_first_unary, which wants an answer
// that grpc-go's own server does not give, orca_oob, whose server is made by a switch that only grpc-go's own program can reach,
// and the two soaks, of which TestCallsThroughReloads does more.
var interopCases = []interopCase{
	{name: "empty_unary", run: calls(interop.DoEmptyUnaryCall)},
	{name: "large_unary", run: calls(interop.DoLargeUnaryCall)},
	{name: "client_streaming", run: calls(interop.DoClientStreaming)},
	{name: "server_streaming", run: calls(interop.DoServerStreaming)},
	{name: "ping_pong", run: calls(interop.DoPingPong)},
	{name: "empty_stream", run: calls(interop.DoEmptyStream)},
	{name: "timeout_on_sleeping_server", run: calls(interop.DoTimeoutOnSleepingServer)},
	{name: "cancel_after_begin", run: calls(interop.DoCancelAfterBegin)},
	{name: "cancel_after_first_response", run: calls(interop.DoCancelAfterFirstResponse)},
	{name: "custom_metadata", run: calls(interop.DoCustomMetadata)},
	{name: "status_code_and_message", run: calls(interop.DoStatusCodeAndMessage)},
	{name: "special_status_message", run: calls(interop.DoSpecialStatusMessage)},
	{name: "unimplemented_method", run: interop.DoUnimplementedMethod},
	{name: "unimplemented_service", run: func(ctx context.Context, cc *grpc.ClientConn) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(cc))
	}},
	// what the server thinks of its load, in a trailer of bytes
	{name: "orca_per_rpc", run: func(ctx context.Context, cc *grpc.ClientConn) {
		interop.DoORCAPerRPCTest(ctx, testgrpc.NewTestServiceClient(cc))
	}, options: []grpc.DialOption{
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}`),
	}},
	// two of the above once more, with grpc-encoding
	{name: "large_unary_gzip", run: calls(interop.DoLargeUnaryCall, grpc.UseCompressor("gzip"))},
	{name: "ping_pong_gzip", run: calls(interop.DoPingPong, grpc.UseCompressor("gzip"))},
}

// interopMin is how many cases there must be; the first 14 are those that a server of any language has.
const interopMin = 17

// calls is a case that calls the test service.
func calls(do func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption), options ...grpc.CallOption) func(context.Context, *grpc.ClientConn) {
	return func(ctx context.Context, cc *grpc.ClientConn) { do(ctx, testgrpc.NewTestServiceClient(cc), options...) }
}

// complaint runs the case, and returns what it complains of.
func (c *interopCase) complaint(ctx context.Context, cc *grpc.ClientConn) (text complaint) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case complaint:
			text = r
		default:
			panic(r)
		}
	}()
	c.run(ctx, cc)
	return ""
}

// runInterop runs every case, each a test with a connection of its own.
func runInterop(t *testing.T, to target) {
	if len(interopCases) < interopMin {
		t.Errorf("%d cases, want %d", len(interopCases), interopMin)
	}
	for _, c := range interopCases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if text := c.complaint(ctx, to.dial(t, c.options...)); text != "" {
				t.Error(text)
			}
		})
	}
}

// TestInteropFinds shows the cases a server that has none of their methods: all but the one that wants that complain.
func TestInteropFinds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cc := target{addr: serveGRPC(t, nil, testgrpc.UnimplementedTestServiceServer{}), host: originName}.dial(t)
	for _, c := range interopCases {
		if text := c.complaint(ctx, cc); (text == "") != strings.HasPrefix(c.name, "unimplemented_") && !slices.Contains(endsEarly, c.name) {
			t.Errorf("%s complains of %q", c.name, text)
		}
	}
}

// endsEarly are the cases whose client ends the call: a server that refuses it is not noticed, or may not be.
var endsEarly = []string{"timeout_on_sleeping_server", "cancel_after_begin"}

// TestInteropDirect runs gRPC's cases without an edge: what fails here is not the edge's fault.
func TestInteropDirect(t *testing.T) {
	ca := newAuthority(t)
	clear := target{addr: interopServer(t, nil), host: originName}
	secure := target{addr: interopServer(t, ca.server(t)), host: originName, tls: ca.client()}
	t.Run("h2c", func(t *testing.T) { runInterop(t, clear) })
	t.Run("tls", func(t *testing.T) { runInterop(t, secure) })
}
