package upstream_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// brief is a bound that passes in a test.
const brief = 150 * time.Millisecond

// timed is a service with a bound on whole exchanges.
func timed(addrs ...string) *spec.Service {
	s := ordered("s", addrs...)
	s.Timeouts.Whole = brief
	return s
}

// in runs f and reports what took much less or more than brief.
func in(t *testing.T, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took < brief*9/10 || took > brief+3*time.Second {
		t.Errorf("it took %v, and the bound is %v", took, brief)
	}
}

// TestWhole: timeouts.whole bounds connecting, the wait for a head, bodies, waits for a place and all tries together.
func TestWhole(t *testing.T) {
	f := func(name string, s *spec.Service, status int, kind fault.Kind, reasons string) {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, here, policy(), []spec.Weighted{only(s)})
			in(t, func() {
				r, n := e.do("GET /")
				if r.status != status || n.kind() != kind || n.reasons() != reasons || !strings.Contains(n.cause.Error(), "timeouts.whole") {
					t.Errorf("got %d, %v, reasons %q; want %d, %s, %q", r.status, n.cause, n.reasons(), status, kind.Name(), reasons)
				}
				if status == 200 && r.err == nil {
					t.Error("the client took half a body for a whole one")
				}
			})
			e.settled()
		})
	}
	dead, _ := deaf(t)
	other := newOrigin(t, speak(fine)).addr
	connect := timed(dead, other)
	connect.Endpoints[0].TLS = true
	f("connect", connect, 504, fault.OriginTimeout, "|whole_timeout")
	silent := newOrigin(t, (*call).gone).addr
	f("head", timed(silent, other), 504, fault.OriginTimeout, "|whole_timeout")
	tries := timed(silent, newOrigin(t, (*call).gone).addr, newOrigin(t, (*call).gone).addr)
	tries.Timeouts.Try = brief * 2 / 3
	f("tries", tries, 504, fault.OriginTimeout, "timeout|whole_timeout")
	f("body", timed(newOrigin(t, func(c *call) bool { c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"); return c.gone() }).addr), 200, fault.OriginTimeout, "")
	f("a body that drips", timed(newOrigin(t, func(c *call) bool {
		for ok := c.say("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"); ok; ok = c.say("x") {
			time.Sleep(brief / 10)
		}
		return false
	}).addr), 200, fault.OriginTimeout, "")
}

// TestWholeInQueue: the time that a request waits for a place counts. Of two that wait for the place of one that came before, the
// newer gets it, and the other's time is over first.
func TestWholeInQueue(t *testing.T) {
	entered := make(chan struct{}, 2)
	o := newOrigin(t, func(c *call) bool { entered <- struct{}{}; return c.gone() })
	s := bounded(1, 5, o.addr)
	const step = 3 * brief // long enough for a busy machine to keep the order
	s.Timeouts.Whole = 2 * step
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	holder := e.send("GET /")
	<-entered
	time.Sleep(step)
	older := e.send("GET /")
	e.waiting(t, 1)
	time.Sleep(step / 2)
	newer := e.send("GET /")
	r, n := older.get()
	if r.status != 504 || n.kind() != fault.OriginTimeout || n.reasons() != "|whole_timeout" || n.Tries != 0 || n.Queued == 0 {
		t.Errorf("got %d, %v, reasons %q, tries %d, queued %v", r.status, n.cause, n.reasons(), n.Tries, n.Queued)
	}
	for _, c := range []*client{holder, newer} {
		if r, n := c.get(); r.status != 504 || n.Tries != 1 {
			t.Errorf("who had the place got %d after %d tries", r.status, n.Tries)
		}
	}
	e.settled()
}

// TestWholeNotOfTunnels: a tunnel that is open may live for longer.
func TestWholeNotOfTunnels(t *testing.T) {
	o := newOrigin(t, func(c *call) bool {
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(c.conn, c.in)
		return false
	})
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(timed(o.addr))})
	c := e.open(t)
	time.Sleep(2 * brief)
	c.echo(t)
	c.leave()
	e.settled()
}

// TestTry: a try that takes too long is given up, and the next has as much time for itself; connecting counts.
func TestTry(t *testing.T) {
	dead, _ := deaf(t)
	s := ordered("s", dead, newOrigin(t, speak(fine)).addr)
	s.Endpoints[0].TLS = true
	s.Timeouts.Try, s.Timeouts.Connect = brief, 20*time.Second
	e := newEdge(t, here, policy(), []spec.Weighted{only(s)})
	in(t, func() {
		if r, n := e.do("POST /", "", "hello"); r.status != 200 || n.reasons() != "connect" || n.Tries != 2 {
			t.Errorf("got %d, %v, reasons %q", r.status, n.cause, n.reasons())
		}
	})
	e.settled()
	s = ordered("s", dead)
	s.Endpoints[0].TLS = true
	s.Timeouts.Connect = brief
	e = newEdge(t, here, policy(), []spec.Weighted{only(s)})
	in(t, func() {
		if r, n := e.do("GET /"); r.status != 504 || n.kind() != fault.OriginConnectTimeout || !strings.Contains(n.cause.Error(), "timeouts.connect") {
			t.Errorf("got %d, %v", r.status, n.cause)
		}
	})
	e.settled()
}
