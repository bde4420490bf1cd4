package observe_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
)

// A receiver is an OTLP/HTTP server that reads every request with the published messages.
type receiver struct {
	answer func(w http.ResponseWriter, r *http.Request, nth int) // nil: 200

	mu       sync.Mutex
	begin    time.Time
	requests []request
}

// request is one that a receiver got.
type request struct {
	at     time.Duration // since the receiver began
	path   string
	header http.Header
	data   *tracepb.TracesData
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	data := new(tracepb.TracesData)
	if err == nil {
		err = proto.Unmarshal(body, data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.requests = append(r.requests, request{time.Since(r.begin), req.Method + " " + req.RequestURI, req.Header, data})
	n := len(r.requests)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(w, req, n)
	}
}

func (r *receiver) all() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.requests...)
}

// times are when the requests came, and how many spans they held.
func (r *receiver) times() string {
	var b strings.Builder
	for _, req := range r.all() {
		fmt.Fprintf(&b, "%v:%d ", req.at, len(spansOf(req.data)))
	}
	return strings.TrimSpace(b.String())
}

func spansOf(data *tracepb.TracesData) (all []*tracepb.Span) {
	for _, resource := range data.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			all = append(all, scope.Spans...)
		}
	}
	return all
}

// listed prints attributes in their order.
func listed(attributes []*commonpb.KeyValue) string {
	var b strings.Builder
	for _, kv := range attributes {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			fmt.Fprintf(&b, "%s %q\n", kv.Key, v.StringValue)
		case *commonpb.AnyValue_IntValue:
			fmt.Fprintf(&b, "%s %d\n", kv.Key, v.IntValue)
		case *commonpb.AnyValue_DoubleValue:
			fmt.Fprintf(&b, "%s %v\n", kv.Key, v.DoubleValue)
		}
	}
	return b.String()
}

// pipes is a network without sockets, so that a receiver fits into a bubble of synctest.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

// traced is a tracer with a receiver, in a bubble. end closes both; the error is the tracer's.
type traced struct {
	*observe.Tracer
	to  *receiver
	set *meter.Set
	end func() error
}

func newTraced(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, nth int)) *traced {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	to := &receiver{answer: answer, begin: time.Now()}
	server := &http.Server{Handler: to}
	go server.Serve(p)
	set := meter.NewSet()
	tracer, err := observe.NewTracer(observe.TracerOptions{Endpoint: "http://collector:4318", Meters: set, Dial: p.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return &traced{tracer, to, set, func() error {
		defer server.Close()
		return tracer.Close(context.Background())
	}}
}

// counts are what became of the spans: exported, and dropped as full, failed and rejected.
func counts(set *meter.Set) string {
	lost := func(reason string) uint64 {
		return set.Counter("skerry_spans_dropped_total", "", "reason", reason).Value()
	}
	return fmt.Sprintf("%d exported, %d full, %d failed, %d rejected", set.Counter("skerry_spans_exported_total", "").Value(),
		lost("full"), lost("failed"), lost("rejected"))
}

// events are the texts of what was told about the receiver.
func events(set *meter.Set) (texts []string) {
	for _, e := range set.Events().Since(0) {
		texts = append(texts, e.Kind+": "+e.Text)
	}
	return texts
}
