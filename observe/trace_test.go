package observe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
)

// sampled is an exchange that becomes a span.
func sampled() *exchange.Exchange {
	x := sample()
	x.Route = "shop/default"
	x.Facts.Trace = exchange.TraceFacts{Span: [8]byte{0xab, 7: 2}, Sampled: true}
	return x
}

// exported returns what a receiver gets for what f traces. In a bubble no machine is too slow for Close.
func exported(t *testing.T, opt observe.TracerOptions, f func(*observe.Tracer)) []request {
	t.Helper()
	var to receiver
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		to.begin = time.Now()
		server := &http.Server{Handler: &to}
		go server.Serve(p)
		defer server.Close()
		opt.Endpoint, opt.Dial = "http://collector:4318"+opt.Endpoint, p.Dial
		tracer, err := observe.NewTracer(opt)
		if err != nil {
			t.Fatal(err)
		}
		f(tracer)
		if err := tracer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return to.all()
}

func TestRequestToTheReceiver(t *testing.T) {
	x := sampled()
	defer x.Release()
	opt := observe.TracerOptions{Service: "edge", Version: "1.2", Headers: map[string]string{"authorization": "Bearer t0ken"}}
	got := exported(t, opt, func(tr *observe.Tracer) { tr.Exchange(x, x.Now.Add(12_345_678)) })
	if len(got) != 1 {
		t.Fatalf("%d requests, want 1", len(got))
	}
	r := got[0]
	h := http.Header{"Authorization": {"Bearer t0ken"}, "Content-Type": {"application/x-protobuf"}, "User-Agent": {"skerry/1.2"}}
	r.header.Del("Content-Length")
	if diff := cmp.Diff(h, r.header); r.path != "POST /v1/traces" || diff != "" {
		t.Errorf("%s with (-want +got):\n%s", r.path, diff)
	}
	resource := r.data.ResourceSpans[0]
	if got := listed(resource.Resource.Attributes); !strings.HasPrefix(got, "service.name \"edge\"\nservice.version \"1.2\"\nhost.name ") {
		t.Errorf("the resource is %s", got)
	}
	if scope := resource.ScopeSpans[0].Scope; scope.Name != "skerry" || scope.Version != "1.2" {
		t.Errorf("the scope is %v", scope)
	}
	s := spansOf(r.data)[0]
	if !bytes.Equal(s.TraceId, x.Facts.RequestID[:]) || !bytes.Equal(s.SpanId, x.Facts.Trace.Span[:]) || len(s.ParentSpanId) != 0 || s.Flags&0xff != 1 {
		t.Errorf("trace %x, span %x, parent %x, flags %x", s.TraceId, s.SpanId, s.ParentSpanId, s.Flags)
	}
	begin := uint64(start.UnixNano())
	if s.Kind != tracepb.Span_SPAN_KIND_SERVER || s.StartTimeUnixNano != begin || s.EndTimeUnixNano != begin+12_345_678 {
		t.Errorf("%v from %d to %d", s.Kind, s.StartTimeUnixNano, s.EndTimeUnixNano)
	}
}

func TestEndpointWithAPath(t *testing.T) {
	f := func(endpoint, want string) {
		t.Helper()
		x := sampled()
		defer x.Release()
		got := exported(t, observe.TracerOptions{Endpoint: endpoint}, func(tr *observe.Tracer) { tr.Exchange(x, x.Now) })
		if len(got) != 1 || got[0].path != "POST "+want {
			t.Errorf("%q: %v, want one POST %s", endpoint, got, want)
		}
	}
	f("", "/v1/traces")
	f("/", "/v1/traces")
	f("/otlp/spans", "/otlp/spans")
	f("?tenant=7", "/v1/traces?tenant=7")
}

const ordinary = `http.request.method "GET"
url.scheme "http"
url.path "/cart/42"
server.address "shop.example.com"
http.response.status_code 200
client.address "192.0.2.7"
network.protocol.version "1.1"
user_agent.original "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
http.route "/cart/*"
skerry.entrypoint "shop"
skerry.route "default"
skerry.service "cart"
skerry.endpoint "10.0.0.5:8080"
skerry.tries 1
skerry.origin.status_code 200
skerry.origin.first_byte_ms 3.456789
skerry.edge_ms 0.456789
skerry.origin_ms 3
`

func TestSpans(t *testing.T) {
	// f traces an exchange and compares name, status and attributes; edits are old, new, old, new … of the ordinary span.
	f := func(edit func(*exchange.Exchange), name string, failed bool, edits ...string) {
		t.Helper()
		x := sampled()
		defer x.Release()
		x.Req.Minor = 1
		edit(x)
		got := exported(t, observe.TracerOptions{}, func(tr *observe.Tracer) { tr.Exchange(x, x.Now.Add(-1)) })
		s := spansOf(got[0].data)[0]
		want := strings.NewReplacer(edits...).Replace(ordinary)
		if diff := cmp.Diff(want, listed(s.Attributes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if is := s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR; s.Name != name || is != failed {
			t.Errorf("%q, error %v, want %q, error %v", s.Name, is, name, failed)
		}
		if s.EndTimeUnixNano != s.StartTimeUnixNano {
			t.Errorf("a clock that went backwards made a span from %d to %d", s.StartTimeUnixNano, s.EndTimeUnixNano)
		}
	}
	status := func(n int) string { return fmt.Sprint("status_code ", n, "\nclient") }
	const well, last = "status_code 200\nclient", "origin_ms 3\n"
	const agent = "Firefox/140.0\"\n"

	f(func(*exchange.Exchange) {}, "GET shop/default", false)
	f(func(x *exchange.Exchange) { x.Req.Minor = 0 }, "GET shop/default", false, `"1.1"`, `"1.0"`)
	f(func(x *exchange.Exchange) {
		x.Conn = &exchange.Conn{Client: x.Conn.Client, Protocol: "h2", TLS: &exchange.TLS{Version: 0x0304}}
		x.Req.Host, x.Req.Port = []byte("[2001:db8::1]"), 8443
	}, "GET shop/default", false, `"1.1"`, `"2"`, `"http"`, `"https"`, `"shop.example.com"`, "\"2001:db8::1\"\nserver.port 8443")
	f(func(x *exchange.Exchange) {
		x.Facts.Client = exchange.ClientFacts{Addr: netip.MustParseAddr("2001:db8::7"), HTTPS: true, Trusted: true}
	}, "GET shop/default", false, `"http"`, `"https"`, `client.address "192.0.2.7"`, "client.address \"2001:db8::7\"\nnetwork.peer.address \"192.0.2.7\"")
	f(func(x *exchange.Exchange) {
		x.Conn = &exchange.Conn{Client: x.Conn.Client, Protocol: "h1", Balancer: netip.MustParseAddr("fe80::1%eth0")}
	}, "GET shop/default", false, `client.address "192.0.2.7"`, "client.address \"192.0.2.7\"\nskerry.balancer \"fe80::1\"")
	// What a client invents makes neither names nor text that a receiver refuses.
	f(func(x *exchange.Exchange) {
		x.Req.Method, x.Req.MethodName = exchange.MethodOther, []byte("get")
		x.Req.Path = []byte("/\xff\xc3\xa9")
		x.Req.Sent.Set(exchange.NameUserAgent, []byte("\xffcurl"))
	}, "HTTP shop/default", false, `method "GET"`, "method \"_OTHER\"\nhttp.request.method_original \"get\"", "/cart/42", "/\ufffdé",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "\ufffdcurl")
	f(func(x *exchange.Exchange) { x.Facts.Origin = askedAgain() }, "GET shop/default", false, ordinary[strings.Index(ordinary, "skerry.endpoint"):],
		`skerry.endpoint "10.0.0.6:8080"
skerry.locality "eu-1/b"
skerry.picked "failover,spill"
skerry.class "critical"
skerry.queued_ms 1.234567
skerry.tries 3
skerry.retried "status,hedge"
skerry.refused "tries"
skerry.hedge "won"
skerry.origin.status_code 503
skerry.origin.first_byte_ms 9.876543
skerry.edge_ms 6.54321
skerry.origin_ms 3.333333
skerry.mirror "cart-next"
`)
	f(func(x *exchange.Exchange) { x.Facts.Origin.GRPC, x.Facts.Origin.Asked = 1, 0 }, "GET shop/default", false,
		"skerry.edge_ms 0.456789\nskerry.origin_ms 3\n", "skerry.grpc_status \"0\"\n")
	// Errors are those of the server.
	f(func(x *exchange.Exchange) { x.Resp.Status, x.Facts.Origin.Status = 503, 503 }, "GET shop/default", true,
		well, status(503), "origin.status_code 200", "origin.status_code 503", agent, agent+"error.type \"503\"\n")
	f(func(x *exchange.Exchange) {
		x.Resp.Status, x.Facts.Origin.Status = 504, 0
		x.Cause = fault.New(fault.OriginTimeout, "no head within 30s")
	}, "GET shop/default", true, well, status(504), agent, agent+"error.type \"origin_timeout\"\n",
		"skerry.origin.status_code 200\nskerry.origin.first_byte_ms 3.456789\nskerry.edge_ms 0.456789\nskerry.origin_ms 3\n", "skerry.edge_ms 0.456789\nskerry.fault \"origin_timeout\"\n")
	f(func(x *exchange.Exchange) { x.Cause = fault.New(fault.OriginIncomplete, "it closed early") }, "GET shop/default", true,
		agent, agent+"error.type \"origin_incomplete\"\n", last, last+"skerry.fault \"origin_incomplete\"\n")
	f(func(x *exchange.Exchange) { x.Cause = fault.New(fault.OriginTimeout, "a stage answered") }, "GET shop/default", false,
		last, last+"skerry.fault \"origin_timeout\"\n")
	f(func(x *exchange.Exchange) { x.Resp.Status, x.Cause = 0, fault.New(fault.ClientGone, "") }, "GET shop/default", false,
		"http.response.status_code 200\n", "", last, last+"skerry.fault \"client_gone\"\n")
	f(func(x *exchange.Exchange) { x.Resp.Status, x.Cause = 0, errors.New("?") }, "GET shop/default", true,
		"http.response.status_code 200\n", "", agent, agent+"error.type \"internal\"\n", last, last+"skerry.fault \"internal\"\n")
	f(func(x *exchange.Exchange) {
		x.Route, x.Facts.Entry, x.Facts.Origin = "", exchange.EntryFacts{}, exchange.OriginFacts{}
		x.Resp.Status, x.Cause = 404, fault.New(fault.NoEntrypoint, "")
	}, "GET", false, well, status(404), `http.route "/cart/*"
skerry.entrypoint "shop"
skerry.route "default"
skerry.service "cart"
skerry.endpoint "10.0.0.5:8080"
skerry.tries 1
skerry.origin.status_code 200
skerry.origin.first_byte_ms 3.456789
skerry.edge_ms 0.456789
skerry.origin_ms 3
`, "skerry.fault \"no_entrypoint\"\n")
}

// TestSpansKeepNoViews: with -tags poison Release overwrites what a span must have copied.
func TestSpansKeepNoViews(t *testing.T) {
	got := exported(t, observe.TracerOptions{}, func(tr *observe.Tracer) {
		for i := range 3 {
			x := sampled()
			x.Req.Minor = 1
			path := fmt.Appendf(nil, "/cart/%d", i)
			x.Req.Path = path
			tr.Exchange(x, x.Now)
			clear(path)
			clear(x.Req.MethodName)
			clear(x.Req.Host)
			clear(x.Req.Sent.Get(exchange.NameUserAgent))
			x.Release()
		}
	})
	for i, s := range spansOf(got[0].data) {
		want := strings.Replace(ordinary, "/cart/42", fmt.Sprint("/cart/", i), 1)
		if diff := cmp.Diff(want, listed(s.Attributes)); diff != "" {
			t.Errorf("span %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestOnlySampledExchangesBecomeSpans(t *testing.T) {
	got := exported(t, observe.TracerOptions{}, func(tr *observe.Tracer) {
		f := func(edit func(*exchange.Facts)) {
			x := sampled()
			defer x.Release()
			edit(&x.Facts)
			tr.Exchange(x, x.Now)
		}
		f(func(f *exchange.Facts) { f.Trace.Sampled = false })
		f(func(f *exchange.Facts) { f.Trace.Span = [8]byte{} })
		f(func(f *exchange.Facts) { f.RequestID = [16]byte{} })
	})
	if len(got) != 0 {
		t.Errorf("%d requests, want none", len(got))
	}
}

func TestWhenBatchesAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t, nil)
		f := func(pause time.Duration, spans int, want string) {
			t.Helper()
			time.Sleep(pause)
			x := sampled()
			defer x.Release()
			for range spans {
				tr.Exchange(x, x.Now)
			}
			synctest.Wait()
			if got := tr.to.times(); got != want {
				t.Fatalf("requests %s, want %s", got, want)
			}
		}
		f(time.Hour, 1, "")
		f(4*time.Second, 2, "")
		f(time.Second, 0, "1h0m5s:3")
		f(time.Hour, 511, "1h0m5s:3")
		f(0, 1, "1h0m5s:3") // full, but nobody knows before the next
		f(0, 1, "1h0m5s:3 2h0m5s:512")
		f(5*time.Second, 0, "1h0m5s:3 2h0m5s:512 2h0m10s:1")
		f(0, 1+2*512, "1h0m5s:3 2h0m5s:512 2h0m10s:1 2h0m10s:512 2h0m10s:512")
		if err := tr.end(); err != nil {
			t.Error(err)
		}
		if got := counts(tr.set); got != "1541 exported, 0 full, 0 failed, 0 rejected" || tr.events() != nil {
			t.Error(got, tr.events())
		}
	})
}

func (tr *traced) events() []string { return events(tr.set) }

func TestLargeSpansFillABatchEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTraced(t, nil)
		x := sampled()
		defer x.Release()
		x.Req.Path = bytes.Repeat([]byte("/é"), 5000) // cut to 2 KB
		for range 100 {
			tr.Exchange(x, x.Now)
		}
		synctest.Wait()
		if got := tr.to.times(); got != "0s:61" {
			t.Errorf("requests %s", got)
		}
		for _, kv := range spansOf(tr.to.all()[0].data)[60].Attributes {
			if v := kv.Value.GetStringValue(); kv.Key == "url.path" && v != string(x.Req.Path[:2047]) {
				t.Errorf("a path of %d bytes", len(v))
			}
		}
		if err := tr.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestManyExchangesOneTracer(t *testing.T) {
	to := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer to.Close()
	set := meter.NewSet()
	tr, err := observe.NewTracer(observe.TracerOptions{Endpoint: to.URL, Meters: set})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			x := sampled()
			defer x.Release()
			for range 2000 {
				tr.Exchange(x, time.Now())
			}
		})
	}
	wg.Wait()
	for end := time.Now().Add(20 * time.Second); set.Counter("skerry_spans_exported_total", "").Value() == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // Close does not wait for long
	}
	tr.Close(context.Background()) // a slow machine may lose some
	var exported, full, failed int
	if _, err := fmt.Sscanf(counts(set), "%d exported, %d full, %d failed", &exported, &full, &failed); err != nil {
		t.Fatal(err)
	}
	if exported+full+failed != 16_000 || exported == 0 {
		t.Errorf("%s, want 16000 together", counts(set))
	}
}

func TestTracerOptions(t *testing.T) {
	const secret = "hunter2"
	f := func(endpoint, name, value, want string) {
		t.Helper()
		tr, err := observe.NewTracer(observe.TracerOptions{Endpoint: endpoint, Headers: map[string]string{name: value}})
		if err == nil {
			tr.Close(context.Background())
			t.Errorf("%s with %s is taken, want an error with %q", endpoint, name, want)
			return
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%v, want %q and no secret", err, want)
		}
	}
	f("", "X-A", "", "http://HOST:PORT")
	f("collector:4318", "X-A", "", "http://HOST:PORT")
	f("http://", "X-A", "", "http://HOST:PORT")
	f("http://:4318", "X-A", "", "http://HOST:PORT")
	f("grpc://collector:4317", "X-A", "", "http://HOST:PORT")
	f("http://u:"+secret+"@collector", "X-A", "", "header")
	f("http://u:"+secret+"@collector:port", "X-A", "", "no URL")
	f("http://collector/#x", "X-A", "", "fragment")
	f("http://collector", "", "", "name of a header")
	f("http://collector", "X A", secret, "name of a header")
	f("http://collector", "X-A", secret+"\r\nX-B: c", "X-A has a control character")
	f("http://collector", "content-type", secret, "Content-Type is the exporter's own")
	f("http://collector", "host", secret, "Host is the exporter's own")
}
