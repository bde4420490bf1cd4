package upstream_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// wreck is a way in which a try fails at the first endpoint.
type wreck struct {
	name   string
	script script // nil: nobody listens
	kept   bool   // the connection carried a request before
	policy func(*spec.Timeouts)
	reason exchange.Reason
	needs  int    // how harmless a request must be for a second try: see harm
	status int    // that the client gets without one
	only   string // the one of bodies that it is about; empty: all
}

// How harmless it is to send a request again.
const (
	unsafe     = iota // never
	idempotent        // if no byte of a response came
	safe              // always
)

var wrecks = []wreck{
	{"refused", nil, false, nil, exchange.ReasonConnect, unsafe, 0, ""},
	{"a kept connection dies", func(c *call) bool { return c.nth == 1 && speak(fine)(c) }, true, nil, exchange.ReasonDied, idempotent, 502, ""},
	{"a new connection dies", func(*call) bool { return false }, false, nil, exchange.ReasonBroken, idempotent, 502, ""},
	{"a kept connection dies after a byte", func(c *call) bool { return c.nth == 1 && speak(fine)(c) || c.say("H") && false }, true, nil, exchange.ReasonInvalid, safe, 502, ""},
	{"a new connection dies after a byte", func(c *call) bool { return c.say("H") && false }, false, nil, exchange.ReasonInvalid, safe, 502, ""},
	{"garbage", func(c *call) bool { c.say("garbage\r\n\r\n"); return c.gone() }, false, nil, exchange.ReasonInvalid, safe, 502, ""},
	{"an interim response, then the end", func(c *call) bool { return c.say("HTTP/1.1 103 Early Hints\r\n\r\n") && false }, false, nil, exchange.ReasonInvalid, safe, 502, ""},
	{"502", refuse("502"), false, nil, exchange.ReasonStatus, safe, 502, ""},
	{"503", refuse("503"), false, nil, exchange.ReasonStatus, safe, 503, ""},
	{"no answer, firstByte", (*call).gone, false, func(t *spec.Timeouts) { t.FirstByte = ample }, exchange.ReasonTimeout, safe, 504, ""},
	{"no answer, try", (*call).gone, false, func(t *spec.Timeouts) { t.Try = ample }, exchange.ReasonTimeout, safe, 504, ""},
	{"no answer, a try that ends before the wait for 100", (*call).gone, false, func(t *spec.Timeouts) { t.Try = patience }, exchange.ReasonTimeout, safe, 504, waits},
}

// refuse answers with a status, asks for no body that waits for 100, and closes the connection.
func refuse(status string) script {
	return func(c *call) bool {
		if c.Header.Get("Expect") == "" {
			io.Copy(io.Discard, c.Body)
		}
		return c.say("HTTP/1.1 "+status+" No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno") && false
	}
}

// patience is less than an origin has for 100, a second: a body that waits for that has not been asked for.
const patience = 850 * time.Millisecond

const waits = "a body that waits for 100"

const key = "Idempotency-Key: 1"

// posts are the requests of the table: how harmless they are, and whether the route opted POST in.
var posts = []struct {
	line  string
	keyed bool
	opt   bool
	harm  int
}{
	{"GET /", false, false, safe}, {"HEAD /", false, false, safe}, {"OPTIONS /", false, false, safe},
	{"PUT /", false, false, idempotent}, {"DELETE /", false, true, idempotent}, {"PUT /", true, true, idempotent},
	{"POST /", false, false, unsafe}, {"POST /", true, false, unsafe}, {"POST /", false, true, unsafe}, {"POST /", true, true, safe},
	{"PATCH /", false, true, unsafe}, {"PATCH /", true, true, safe}, {"MKCOL /", true, true, unsafe},
}

// bodies are the ways of a request's body. A body that does not go in one piece is gone after a try, but not one that
// nobody has asked for yet.
var bodies = []struct {
	name   string
	fields []string
	gone   func(w *wreck) bool
}{
	{"no body", nil, func(*wreck) bool { return false }},
	{"a small body", []string{"", "hello"}, func(*wreck) bool { return false }},
	{"chunks", []string{"Transfer-Encoding: chunked", "", "5\r\nhello\r\n0\r\n\r\n"}, func(*wreck) bool { return true }},
	{"a large body", []string{"", strings.Repeat("x", 40_000)}, func(*wreck) bool { return true }},
	{waits, []string{"Expect: 100-continue", "", "hello"}, func(w *wreck) bool { return w.policy != nil && w.only == "" }}, // it is sent when the origin is silent for too long
}

// TestPOST: how often origins see a request, and what its client gets, for every method, body and failure of the first
// endpoint. Nothing is sent twice that must not be; what may be is sent to the second endpoint once.
func TestPOST(t *testing.T) {
	for i := range wrecks {
		w := &wrecks[i]
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			var both sync.WaitGroup
			both.Go(func() { tryPosts(t, w, false) })
			tryPosts(t, w, true)
			both.Wait()
		})
	}
}

func tryPosts(t *testing.T, w *wreck, opt bool) {
	second := newOrigin(t, speak(fine))
	first := &origin{addr: refuses(t)}
	if w.script != nil {
		first = newOrigin(t, w.script)
	}
	s := ordered("s", first.addr, second.addr)
	s.KeepAlive.Max = 100
	if w.policy != nil {
		w.policy(&s.Timeouts)
	}
	p := policy()
	p.Retry.IdempotencyKey = opt
	e := newEdge(t, here, p, []spec.Weighted{only(s)})
	var all sync.WaitGroup
	for _, post := range posts {
		for _, body := range bodies {
			if post.opt != opt || w.only != "" && w.only != body.name {
				continue
			}
			fields := body.fields
			if post.keyed {
				fields = append([]string{key}, fields...)
			}
			again := w.reason == exchange.ReasonConnect || post.harm >= w.needs && !body.gone(w)
			name := fmt.Sprintf("%s, key %v, opted in %v, %s", post.line, post.keyed, post.opt, body.name)
			ask := func() { tryPost(t, e, w, name, again, [2]*origin{first, second}, post.line, fields) }
			if w.kept { // one after the other: it must be that connection
				ask()
			} else {
				all.Go(ask)
			}
		}
	}
	all.Wait()
	e.settled()
}

func tryPost(t *testing.T, e *edge, w *wreck, name string, again bool, at [2]*origin, line string, fields []string) {
	if w.kept {
		if r, n := e.do("GET /"); r.status != 200 || n.Tries != 1 {
			t.Errorf("%s: the request before: %d after %d tries", name, r.status, n.Tries)
		}
	}
	c := e.send(line, fields...)
	r, n := c.get()
	want, tries, seen, reasons := w.status, 1, [2]int{1, 0}, "|not_repeatable"
	if again {
		want, tries, seen, reasons = 200, 2, [2]int{1, 1}, w.reason.String()
	}
	if w.script == nil {
		seen[0] = 0
	}
	if got := [2]int{at[0].of(c.ask), at[1].of(c.ask)}; got != seen {
		t.Errorf("%s: the endpoints saw it %v times, want %v", name, got, seen)
	}
	if r.status != want || n.Tries != tries || n.reasons() != reasons || !again && n.Reused != w.kept {
		t.Errorf("%s: got %d, tries %d, reasons %q, reused %v, cause %v; want %d, %d, %q", name, r.status, n.Tries, n.reasons(), n.Reused, n.cause, want, tries, reasons)
	}
}

// TestPOSTBytes: what the second endpoint gets is the request, to its last byte, also where the first took part of it.
func TestPOSTBytes(t *testing.T) {
	got := make(chan string, 1)
	second := newOrigin(t, func(c *call) bool {
		body, _ := io.ReadAll(c.Body)
		got <- c.Method + " " + c.Header.Get("X-Field") + " " + string(body)
		return c.say(fine)
	})
	f := func(line string, fields ...string) {
		t.Helper()
		first := newOrigin(t, func(c *call) bool { io.Copy(io.Discard, c.Body); return false })
		e := newEdge(t, here, policy(), []spec.Weighted{only(ordered("s", first.addr, second.addr))})
		body := strings.Repeat("hello", 1000)
		if r, n := e.do(line, append(fields, "X-Field: v", "", body)...); r.status != 200 || n.Tries != 2 {
			t.Fatalf("%s: %d after %d tries", line, r.status, n.Tries)
		}
		if want := strings.Fields(line)[0] + " v " + body; <-got != want {
			t.Errorf("%s: the second endpoint got something else", line)
		}
	}
	f("PUT /")
	f("DELETE /")
}
