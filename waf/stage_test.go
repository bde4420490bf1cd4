package waf

import (
	"errors"
	"io"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/meter"
)

var errEnd = io.EOF

// long is JSON of about that size, in pieces of 8 KB.
func long(size int) (texts []string) {
	texts = append(texts, `{"a":"`)
	for n := 0; n < size; n += 8 << 10 {
		texts = append(texts, strings.Repeat("word ", 8<<10/5))
	}
	return append(texts, `"}`)
}

// TestBudget: bodies of all entrypoints share one budget; beyond it 503, or the body passes where limits pass, and what was taken
// comes back.
func TestBudget(t *testing.T) {
	set := meter.NewSet()
	k := keeperOf(t, Options{Meters: set, HeldBytes: 100 << 10})
	refuse, pass := stageOf(t, k, ""), stageOf(t, k, "  waf: {onLimit: pass}\n")
	var inner, passed, gone *exchangetest.Recorder
	var forwarded string
	texts := long(60 << 10)
	outer := pieces(texts...)
	last := outer.pieces[len(texts)-1]
	outer.pieces[len(texts)-1] = func() []byte {
		if n := total(set, "skerry_firewall_held_bytes", ""); n != 64<<10 {
			t.Errorf("%v bytes held for 60 KB", n)
		}
		inner, _, _ = run(jsonHead, pieces(texts...), refuse)
		passed, forwarded, _ = run(jsonHead, pieces(texts...), pass)
		broken := pieces(texts[0], texts[1])
		broken.pieces = append(broken.pieces, func() []byte { panic("the client's connection") })
		gone, _, _ = run(jsonHead, broken, refuse)
		return last()
	}
	r, got, err := run(jsonHead, outer, refuse)
	if whole := strings.Join(texts, ""); err != nil || r.Status != 200 || got != whole {
		t.Errorf("the first: %v, status %d, %d bytes", err, r.Status, len(got))
	}
	if inner.Status != 503 || gone.Status != 500 {
		t.Errorf("beyond the budget: status %d, of a panic %d", inner.Status, gone.Status)
	}
	if passed.Status != 200 || forwarded != strings.Join(texts, "") {
		t.Errorf("where limits pass: status %d, %d bytes", passed.Status, len(forwarded))
	}
	if n := total(set, "skerry_firewall_held_bytes", ""); n != 0 {
		t.Errorf("%v bytes are held after all", n)
	}
	if n := total(set, "skerry_firewall_requests_total", "limit"); n != 2 {
		t.Errorf("%v requests at a limit, want 2", n)
	}
}

// TestPanic: a panic while a request or a response is judged is a 500, gives all back, and leaves nothing behind for the next.
func TestPanic(t *testing.T) {
	set := meter.NewSet()
	k := keeperOf(t, Options{Meters: set})
	s := stageOf(t, k, "  waf: {responses: on}\n")
	a, problems := NewAnswer(policyOf(t, "  waf: {responses: on}\n"), k)
	if a == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	bad := pieces(long(20 << 10)...)
	bad.pieces[2] = func() []byte { panic("BUG: of a test") }
	if r, got, err := run(jsonHead, bad, s, a); r.Status != 500 || got != "" || err != nil {
		t.Errorf("a panic in the body: status %d, %q, %v", r.Status, got, err)
	}
	x := exchangetest.Request("GET / HTTP/1.1\nHost: shop.test\n")
	answer := pieces("<html>", "more")
	answer.pieces[1] = func() []byte { panic("BUG: of a test") }
	exchange.NewPath(exchangetest.RenderText, s, a, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		x.Answer(200)
		x.Resp.Fields.Add(exchange.NameContentType, []byte("text/html"))
		x.Resp.Body = answer
		return exchange.Respond
	}}).Run(x)
	if r := exchangetest.Of(x); r.Status != 500 || !answer.closed {
		t.Errorf("a panic in the answer's body: status %d, closed %v", r.Status, answer.closed)
	}
	x.Release()
	for range 3 {
		if r, got, err := run(jsonHead, pieces(`{"a":`, `"b"}`), s, a); r.Status != 200 || got != `{"a":"b"}` || err != nil {
			t.Errorf("the next request: status %d, %q, %v", r.Status, got, err)
		}
	}
	if n := total(set, "skerry_firewall_held_bytes", ""); n != 0 {
		t.Errorf("%v bytes are held after all", n)
	}
}

// TestTransactionEnds: while the origin is asked nothing of the engine is held, unless its answer will be judged; then not while the
// client takes it.
func TestTransactionEnds(t *testing.T) {
	for _, says := range []string{"", "  waf: {responses: on}\n"} {
		k := keeperOf(t, Options{})
		stages := []exchange.Stage{stageOf(t, k, says)}
		if a, _ := NewAnswer(policyOf(t, says), k); a != nil {
			stages = append(stages, a)
		}
		asked, sent := false, false
		x := exchangetest.Request(jsonHead + "\n{}")
		stages = append(stages, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
			u := x.Facts.Firewall.Held.(*use)
			if asked = true; (u.t == nil) != (says == "") {
				t.Errorf("%q: the transaction while the origin is asked: %v", says, u.t)
			}
			x.Answer(200)
			b := pieces("x")
			b.pieces[0] = func() []byte {
				if sent = true; u.t != nil {
					t.Errorf("%q: the transaction lives while the client takes the answer", says)
				}
				return []byte("x")
			}
			x.Resp.Body = b
			return exchange.Respond
		}})
		exchange.NewPath(exchangetest.RenderText, stages...).Run(x)
		if x.Release(); !asked || !sent {
			t.Errorf("%q: asked %v, sent %v", says, asked, sent)
		}
	}
}

// TestBodyBreaks: what a body fails with is what the exchange fails with.
func TestBodyBreaks(t *testing.T) {
	k := keeperOf(t, Options{})
	b := &failing{pulled: *pieces(`{"a":`)}
	x := exchangetest.Request(jsonHead)
	defer x.Release()
	x.Req.Body = b
	exchange.NewPath(exchangetest.RenderText, stageOf(t, k, ""), &exchangetest.Origin{Answer: exchangetest.Say(200, "")}).Run(x)
	if !errors.Is(x.Cause, errBroken) {
		t.Errorf("the cause is %v", x.Cause)
	}
}

var errBroken = errors.New("the client left")

type failing struct{ pulled }

func (f *failing) Next() ([]byte, error) {
	view, err := f.pulled.Next()
	if err != nil {
		err = errBroken
	}
	return view, err
}

// TestThreshold: a share becomes a number that as many random numbers are not above.
func TestThreshold(t *testing.T) {
	for share, want := range map[float64]uint64{0: 0, 0.5: 1 << 63, 1: 1<<64 - 1, 0.25: 1 << 62} {
		if got := thresholdOf(share); got != want {
			t.Errorf("%v: got %x, want %x", share, got, want)
		}
	}
}

// TestIsName: what of a key may stand in a log.
func TestIsName(t *testing.T) {
	for key, want := range map[string]bool{
		"q": true, "user[name]": true, "json.items.0.id": true, "X-Note": true, "/*": true, "//@*": true, "ctl00$Main$txt": true,
		"": true, "../../etc/passwd": false, "a..b": false, "1' or 1=1": false, "<script>": false, "ann@example.com": false, "a b": false, "ü": false,
		strings.Repeat("a", 100): true, strings.Repeat("a", 101): false,
	} {
		if got := isName([]byte(key)); got != want {
			t.Errorf("%q: %v", key, got)
		}
	}
}

// outer is a stage around the firewall's that sees the answer last.
type outer struct{ see func(x *exchange.Exchange) }

func (o *outer) Name() string                                       { return "outer" }
func (o *outer) Request(*exchange.Exchange) exchange.Verdict        { return exchange.Next }
func (o *outer) Response(x *exchange.Exchange) (v exchange.Verdict) { o.see(x); return exchange.Next }

// TestAnswerUntouched: a response is the one that the origin gave, so that it can go from socket to socket; where answers are judged,
// that of a type which is not read.
func TestAnswerUntouched(t *testing.T) {
	f := func(says, media string, untouched bool) {
		t.Helper()
		k := keeperOf(t, Options{})
		given := pieces("x")
		saw := false
		stages := []exchange.Stage{&outer{func(x *exchange.Exchange) {
			if saw = true; (x.Resp.Body == given) != untouched {
				t.Errorf("%q, %s: the body is %T", says, media, x.Resp.Body)
			}
		}}, stageOf(t, k, says)}
		if a, _ := NewAnswer(policyOf(t, says), k); a != nil {
			stages = append(stages, a)
		}
		stages = append(stages, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
			x.Answer(200)
			x.Resp.Fields.Add(exchange.NameContentType, []byte(media))
			x.Resp.Body = given
			return exchange.Respond
		}})
		x := exchangetest.Request("GET / HTTP/1.1\nHost: shop.test\nUser-Agent: t\nAccept: */*\n")
		defer x.Release()
		exchange.NewPath(exchangetest.RenderText, stages...).Run(x)
		if r := exchangetest.Of(x); !saw || r.Status != 200 || r.Body != "x" {
			t.Errorf("%q, %s: status %d, %q", says, media, r.Status, r.Body)
		}
	}
	const judged = "  waf: {responses: on}\n"
	f("", "text/html", true)
	f("  waf: detect\n", "text/html", true)
	f(judged, "text/html", false)
	f(judged, "text/event-stream", true)
	f(judged, "image/png", true)
}

// TestAnswerOff: without responses there is no second stage.
func TestAnswerOff(t *testing.T) {
	k := keeperOf(t, Options{})
	for _, says := range []string{"", "  waf: off\n", "  waf: {mode: off, responses: on}\n"} {
		if a, problems := NewAnswer(policyOf(t, says), k); a != nil || len(problems) > 0 {
			t.Errorf("%q: %v %v", says, a, problems)
		}
	}
}
