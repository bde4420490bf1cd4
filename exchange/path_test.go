package exchange_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWitnesses(t *testing.T) { exchangetest.Witnesses(t, exchangetest.Direct) }

const get = "GET /x HTTP/1.1\nHost: a\n"

// hooks is a stage that notes its hooks and decides by functions.
type hooks struct {
	name     string
	trace    *[]string
	request  func(*exchange.Exchange) exchange.Verdict
	response func(*exchange.Exchange) exchange.Verdict
}

func (h *hooks) Name() string { return h.name }

func (h *hooks) Request(x *exchange.Exchange) exchange.Verdict {
	*h.trace = append(*h.trace, h.name+">")
	if h.request == nil {
		return exchange.Next
	}
	return h.request(x)
}

func (h *hooks) Response(x *exchange.Exchange) exchange.Verdict {
	*h.trace = append(*h.trace, "<"+h.name)
	if h.response == nil {
		return exchange.Next
	}
	return h.response(x)
}

func (h *hooks) Done(*exchange.Exchange) { *h.trace = append(*h.trace, h.name+".") }

func TestPathOrder(t *testing.T) {
	type verdict = func(*exchange.Exchange) exchange.Verdict
	say := exchangetest.Say(200, "ok")
	abort := func(*exchange.Exchange) exchange.Verdict { return exchange.Abort }
	f := func(what string, b, bResponse, c verdict, wantTrace string, wantStatus int, wantComplete bool) {
		t.Helper()
		var trace []string
		p := exchange.NewPath(exchangetest.RenderText,
			&hooks{name: "a", trace: &trace}, &hooks{name: "b", trace: &trace, request: b, response: bResponse}, &hooks{name: "c", trace: &trace, request: c})
		x := exchangetest.Request(get)
		defer x.Release()
		complete := p.Run(x)
		if got := strings.Join(trace, " "); got != wantTrace || complete != wantComplete || exchangetest.Of(x).Status != wantStatus {
			t.Errorf("%s: %s %d %v, want %s %d %v", what, got, exchangetest.Of(x).Status, complete, wantTrace, wantStatus, wantComplete)
		}
	}
	boom := func(*exchange.Exchange) exchange.Verdict { panic("boom") }
	f("all say Next", nil, nil, nil, "a> b> c> <c <b <a c. b. a.", 500, true)
	f("the last answers", nil, nil, say, "a> b> c> <c <b <a c. b. a.", 200, true)
	f("an early answer", say, nil, nil, "a> b> <b <a b. a.", 200, true)
	f("abort in a request", abort, nil, nil, "a> b> b. a.", 0, false)
	f("abort in a response", nil, abort, say, "a> b> c> <c <b c. b. a.", 0, false)
	f("a fault", exchangetest.Break(fault.Overloaded), nil, nil, "a> b> <b <a b. a.", 503, true)
	f("an answer replaced by a fault", nil, exchangetest.Break(fault.OriginProtocol), say, "a> b> c> <c <b <a c. b. a.", 502, true)
	f("an answer replaced by another", nil, exchangetest.Say(203, ""), say, "a> b> c> <c <b <a c. b. a.", 203, true)
	f("a panic in a request", boom, nil, nil, "a> b> <b <a b. a.", 500, true)
	f("a panic in a response", nil, boom, say, "a> b> c> <c <b <a c. b. a.", 500, true)
	f("Respond without an answer", func(*exchange.Exchange) exchange.Verdict { return exchange.Respond }, nil, nil, "a> b> <b <a b. a.", 500, true)
}

// closer is a body that counts its Close calls and may panic in them.
type closer struct {
	exchange.Bytes
	closed int
	bad    bool
}

func (c *closer) Close() error {
	c.closed++
	if c.bad {
		panic("boom")
	}
	return nil
}

func TestBodyIsClosed(t *testing.T) {
	f := func(what string, bad bool, gone error, response func(*exchange.Exchange) exchange.Verdict) {
		t.Helper()
		body := &closer{Bytes: *exchange.NewBytes([]byte("hello")), bad: bad}
		var trace []string
		p := exchange.NewPath(exchangetest.RenderText, &hooks{name: "a", trace: &trace, response: response}, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
			x.Answer(200)
			x.Resp.Body = body
			return exchange.Respond
		}})
		x := exchangetest.Request(get)
		defer x.Release()
		exchangetest.Of(x).Gone = gone
		p.Run(x)
		if body.closed != 1 {
			t.Errorf("%s: the body was closed %d times", what, body.closed)
		}
		if got := strings.Join(trace, " "); got != "a> <a a." {
			t.Errorf("%s: %s", what, got)
		}
	}
	abort := func(*exchange.Exchange) exchange.Verdict { return exchange.Abort }
	gone := fault.New(fault.ClientGone, "a test")
	for _, bad := range []bool{false, true} {
		f("sent", bad, nil, nil)
		f("client gone", bad, gone, nil)
		f("aborted", bad, nil, abort)
		f("replaced", bad, nil, exchangetest.Say(203, "other"))
		f("failed", bad, nil, exchangetest.Break(fault.Overloaded))
		f("panic", bad, nil, func(*exchange.Exchange) exchange.Verdict { panic("boom") })
	}
}

func TestBrokenAnswerIsNotComplete(t *testing.T) {
	gone := fault.New(fault.ClientGone, "a test")
	x := exchangetest.Request(get)
	defer x.Release()
	exchangetest.Of(x).Gone = gone
	p := exchange.NewPath(exchangetest.RenderText, &exchangetest.Origin{Answer: exchangetest.Say(200, "hello")})
	if p.Run(x) || !errors.Is(x.Cause, gone) || x.Fault != nil {
		t.Errorf("cause %v, fault %v", x.Cause, x.Fault)
	}
}

func TestPanickingRenderer(t *testing.T) {
	x := exchangetest.Request(get)
	defer x.Release()
	origin := &exchangetest.Origin{Answer: exchangetest.Break(fault.Overloaded)}
	p := exchange.NewPath(func(*exchange.Exchange) { panic("boom") }, origin)
	if p.Run(x) {
		t.Error("complete, though nothing was sent")
	}
	if r := exchangetest.Of(x); r.Sends != 0 || fault.Of(x.Cause) != fault.Overloaded {
		t.Errorf("%d sends, cause %v", r.Sends, x.Cause)
	}
	origin.Check(t, "origin", 1)
}

func TestAnswerKeepsTheCause(t *testing.T) {
	x := exchangetest.Request(get)
	defer x.Release()
	x.Fail(fault.New(fault.OriginRefused, "first"))
	x.Fail(fault.New(fault.OriginTimeout, "second"))
	if fault.Of(x.Fault) != fault.OriginTimeout || fault.Of(x.Cause) != fault.OriginRefused {
		t.Error(x.Fault, x.Cause)
	}
	x.Answer(204)
	if x.Fault != nil || fault.Of(x.Cause) != fault.OriginRefused || x.Resp.Length != -1 {
		t.Error(x.Fault, x.Cause, x.Resp.Length)
	}
}

func TestFreshExchangeAnnouncesNoLength(t *testing.T) {
	for range 100 { // some of them new, some used before
		x := exchange.Acquire()
		if x.Resp.Length != -1 || x.Resp.Status != 0 || x.Fault != nil {
			t.Fatalf("length %d, status %d, fault %v", x.Resp.Length, x.Resp.Status, x.Fault)
		}
		defer x.Release()
	}
}

func TestReleaseWaitsForHelpers(t *testing.T) {
	x := exchange.Acquire()
	start, done := make(chan struct{}), false
	x.Go(func() { <-start; done = true })
	close(start)
	x.Release()
	if !done {
		t.Error("Release did not wait")
	}
}

// idle is a stage that does nothing in any hook.
type idle struct{}

func (idle) Name() string                                 { return "idle" }
func (idle) Request(*exchange.Exchange) exchange.Verdict  { return exchange.Next }
func (idle) Response(*exchange.Exchange) exchange.Verdict { return exchange.Next }
func (idle) Done(*exchange.Exchange)                      {}

// answer answers without a body.
type answer struct{}

func (answer) Name() string { return "answer" }
func (answer) Request(x *exchange.Exchange) exchange.Verdict {
	x.Answer(204)
	return exchange.Respond
}

func sevenIdle() *exchange.Path {
	return exchange.NewPath(exchangetest.RenderText, idle{}, idle{}, idle{}, idle{}, idle{}, idle{}, idle{}, answer{})
}

func TestRunDoesNotAllocate(t *testing.T) {
	p := sevenIdle()
	if got := fmt.Sprint(p.Names()); got != "[idle idle idle idle idle idle idle answer]" {
		t.Error(got)
	}
	run := func() {
		x := exchange.Acquire()
		p.Run(x)
		x.Release()
	}
	run()
	if n := testing.AllocsPerRun(1000, run); n != 0 && !instrumented {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRunSevenIdleStages(b *testing.B) {
	p := sevenIdle()
	b.ReportAllocs()
	for b.Loop() {
		x := exchange.Acquire()
		p.Run(x)
		x.Release()
	}
}

// BenchmarkReferenceSevenHandlers is the same number of steps in the form of net/http's middleware.
func BenchmarkReferenceSevenHandlers(b *testing.B) {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	for range 7 {
		next := h
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	}
	r := httptest.NewRequest("GET", "/", nil)
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
