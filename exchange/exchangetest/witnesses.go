package exchangetest

import (
	"fmt"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// Result is what the client of one exchange saw.
type Result struct {
	Status   int
	Body     string
	Complete bool // the answer came to its end, and the connection could be used again
}

// A Serve runs one request, in the form of Request, along a path and returns when the exchange was released. A nil
// render of the path is not possible, so Witnesses makes whole paths.
type Serve func(t *testing.T, path *exchange.Path, request string) Result

// Direct is a Serve without a socket.
func Direct(t *testing.T, path *exchange.Path, request string) Result {
	t.Helper()
	x := Request(request)
	r := Of(x)
	complete := path.Run(x)
	x.Release()
	if r.Sends > 1 {
		t.Errorf("the answer was sent %d times", r.Sends)
	}
	return Result{r.Status, r.Body, complete}
}

// RenderText is a renderer of faults for tests: the status and one line.
func RenderText(x *exchange.Exchange) {
	k := fault.Of(x.Fault)
	x.Resp.Status = k.Status()
	x.Resp.Body = x.InMemory([]byte("fault " + k.Name()))
}

const plainGet = "GET /x HTTP/1.1\nHost: a\nAccept: text/plain\n"

// Witnesses runs the five witness stages through serve and asserts, beside what the client sees, that Done ran exactly
// once for every stage that ran and that no body stayed open. The caller looks for leaked goroutines in TestMain.
func Witnesses(t *testing.T, serve Serve) {
	t.Run("body is buffered and replayed", func(t *testing.T) { witnessBuffer(t, serve) })
	t.Run("response body is wrapped", func(t *testing.T) { witnessWrap(t, serve) })
	t.Run("fault is replaced", func(t *testing.T) { witnessStored(t, serve) })
	t.Run("tail outlives the client", func(t *testing.T) { witnessRefresh(t, serve) })
	for _, hook := range []string{InRequest, InResponse, InBody, InClose, InDone} {
		t.Run("panic in "+hook, func(t *testing.T) { witnessPanic(t, serve, hook) })
	}
}

func check(t *testing.T, got Result, status int, body string, complete bool) {
	t.Helper()
	if want := (Result{status, body, complete}); got != want {
		t.Errorf("the client saw %+v, want %+v", got, want)
	}
}

func witnessBuffer(t *testing.T, serve Serve) {
	buffer := NewBuffer(1 << 20)
	origin := &Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		first, err := readAll(x.Req.Body, 1<<20)
		if err != nil {
			return x.Fail(err)
		}
		text := string(first)
		if !x.Req.Body.Replay() {
			return x.Fail(fault.New(fault.Internal, "the body cannot be replayed"))
		}
		second, err := readAll(x.Req.Body, 1<<20)
		if err != nil {
			return x.Fail(err)
		}
		return Say(200, fmt.Sprintf("%s|%s", text, second))(x)
	}}
	path := exchange.NewPath(RenderText, buffer, origin)
	check(t, serve(t, path, "POST /x HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello"), 200, "hello|hello", true)
	buffer.Check(t, "buffer", 1)
	origin.Check(t, "origin", 1)
}

func witnessWrap(t *testing.T, serve Serve) {
	wrap, origin := NewWrap(), &Origin{Answer: Say(200, "hello")}
	path := exchange.NewPath(RenderText, wrap, origin)
	check(t, serve(t, path, plainGet), 200, "HELLO", true)
	wrap.Check(t, "wrap", 1)
	origin.Check(t, "origin", 1)
}

func witnessStored(t *testing.T, serve Serve) {
	stored, wrap, origin := NewStored("from memory"), NewWrap(), &Origin{Answer: Break(fault.OriginRefused)}
	path := exchange.NewPath(RenderText, stored, wrap, origin)
	check(t, serve(t, path, plainGet), 200, "from memory", true)
	stored.Check(t, "stored", 1)
	wrap.Check(t, "wrap", 1)
	origin.Check(t, "origin", 1)
}

func witnessRefresh(t *testing.T, serve Serve) {
	var saw string
	origin := &Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		if x.Conn != nil || x.Sink != nil {
			t.Error("the tail has a client")
		}
		saw = Dump(x)
		return Say(200, "fresh")(x)
	}}
	wrap := NewWrap()
	refresh := NewRefresh("stale", exchange.NewPath(RenderText, wrap, origin))
	check(t, serve(t, exchange.NewPath(RenderText, refresh), plainGet), 200, "stale", true)
	origin.Check(t, "origin before the tail ran", 0)
	// The released exchange serves someone else before the tail runs.
	check(t, serve(t, exchange.NewPath(RenderText, &Origin{Answer: Say(200, "other")}), "GET /other HTTP/1.1\nHost: b\nAccept: other\n"), 200, "other", true)
	refresh.Close()
	if want := "GET /x\nHost: a\nAccept: text/plain\n"; saw != want {
		t.Errorf("the tail's origin saw\n%swant\n%s", saw, want)
	}
	refresh.Check(t, "refresh", 1)
	wrap.Check(t, "wrap", 1)
	origin.Check(t, "origin", 1)
}

func witnessPanic(t *testing.T, serve Serve, hook string) {
	before, bad, after := NewWrap(), NewPanic(hook), NewWrap()
	origin := &Origin{Answer: Say(200, "hello")}
	path := exchange.NewPath(RenderText, before, bad, after, origin)
	got, reached := serve(t, path, plainGet), 1
	switch hook {
	case InRequest:
		reached = 0
		check(t, got, 500, "fault panic", true)
	case InResponse:
		check(t, got, 500, "fault panic", true)
	case InBody:
		if got.Complete || got.Body != "" {
			t.Errorf("the client saw %+v of a broken answer", got)
		}
	case InClose, InDone: // the answer was whole; whether the connection goes on is the sink's choice
		if got.Status != 200 || got.Body != "HELLO" {
			t.Errorf("the client saw %+v", got)
		}
	}
	before.Check(t, "before", 1)
	bad.Check(t, "panic", 1)
	after.Check(t, "after", reached)
	origin.Check(t, "origin", reached)
}
