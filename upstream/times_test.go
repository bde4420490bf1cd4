package upstream_test

import (
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// brief is a bound that passes in a test, and before which nothing need come.
const brief = 150 * time.Millisecond

// ample is one before which something must come, also on a machine that stands still for two seconds.
const ample = 2200 * time.Millisecond

// TestAmple runs all at once what waits for such bounds.
func TestAmple(t *testing.T) {
	var all sync.WaitGroup
	for name, f := range map[string]func(*testing.T){
		"whole, with several tries": wholeOfTries, "whole, bodies": wholeOfBodies, "whole, in the queue": wholeInQueue, "whole, tunnels": wholeNotOfTunnels,
		"try": tryAndNext, "try after names": tryAfterNames, "slow upload": slowUploadTakesNoPlace, "slow clients": slowClientHurtsNobody, "hurried endpoint": hurriedEndpoint,
	} {
		all.Go(func() { t.Run(name, f) })
	}
	all.Wait()
}

// timed is a service with a bound on whole exchanges.
func timed(addrs ...string) *spec.Service {
	s := ordered("s", addrs...)
	s.Timeouts.Whole = brief
	return s
}

// in runs f and reports what took less than a bound, or so much more that it was another one: all others are longer.
func in(t *testing.T, bound time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took < bound*9/10 || took > bound+10*time.Second {
		t.Errorf("it took %v, and the bound is %v", took, bound)
	}
}

// TestWhole: timeouts.whole bounds connecting and the wait for a head.
func TestWhole(t *testing.T) {
	dead, _ := deaf(t)
	other := newOrigin(t, speak(fine)).addr
	connect := timed(dead, other)
	connect.Endpoints[0].TLS = true
	wholeOver(t, "connect", connect, 504, "|whole_timeout")
	wholeOver(t, "head", timed(newOrigin(t, (*call).gone).addr, other), 504, "|whole_timeout")
}

// wholeOver expects timeouts.whole to end an exchange with a service. If also is another kind than the usual one, that will do.
func wholeOver(t *testing.T, name string, s *spec.Service, status int, reasons string, also ...fault.Kind) {
	t.Run(name, func(t *testing.T) {
		e := newEdge(t, here, policy(), []spec.Weighted{only(s)})
		in(t, s.Timeouts.Whole, func() {
			r, n := e.do("GET /")
			if r.status != status || n.kind() != fault.OriginTimeout && !slices.Contains(also, n.kind()) || n.reasons() != reasons || !strings.Contains(n.cause.Error(), "timeouts.whole") {
				t.Errorf("got %d, %v, reasons %q; want %d, %q", r.status, n.cause, n.reasons(), status, reasons)
			}
			if status == 200 && r.err == nil {
				t.Error("the client took half a body for a whole one")
			}
		})
		e.settled()
	})
}

// wholeOfTries: it bounds all tries together. The second one begins well before its end.
func wholeOfTries(t *testing.T) {
	s := timed(newOrigin(t, (*call).gone).addr, newOrigin(t, (*call).gone).addr, newOrigin(t, (*call).gone).addr)
	s.Timeouts.Try, s.Timeouts.Whole = ample+2*brief, 2*ample+3*brief
	wholeOver(t, "all", s, 504, "timeout|whole_timeout")
}

// wholeOfBodies: it bounds bodies, whose heads come well before its end.
func wholeOfBodies(t *testing.T) {
	half := timed(newOrigin(t, func(c *call) bool { c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"); return c.gone() }).addr)
	drips := timed(newOrigin(t, func(c *call) bool {
		for ok := c.say("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"); ok; ok = c.say("x") {
			time.Sleep(brief / 10)
		}
		return false
	}).addr)
	half.Timeouts.Whole, drips.Timeouts.Whole = ample, ample
	var both sync.WaitGroup
	both.Go(func() { wholeOver(t, "body", half, 200, "") })
	// When the time is up a drop may be on its way to the client, who is waited for then.
	both.Go(func() { wholeOver(t, "a body that drips", drips, 200, "", fault.SlowClient) })
	both.Wait()
}

// wholeInQueue: the time that a request waits for a place counts. Of two that wait for the place of one that came before, the
// newer gets it, and the other's time is over first.
func wholeInQueue(t *testing.T) {
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	o := newOrigin(t, func(c *call) bool {
		entered <- struct{}{}
		if c.of == 1 {
			<-leave
			return c.say(fine)
		}
		return c.gone()
	})
	s := bounded(1, 5, o.addr)
	s.Timeouts.Whole = 2 * ample
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	holder := e.send("GET /")
	<-entered
	older := e.send("GET /")
	e.waiting(t, 1)
	time.Sleep(ample)
	newer := e.send("GET /")
	e.waiting(t, 2)
	close(leave)
	<-entered
	r, n := older.get()
	if r.status != 504 || n.kind() != fault.OriginTimeout || n.reasons() != "|whole_timeout" || n.Tries != 0 || n.Queued == 0 {
		t.Errorf("got %d, %v, reasons %q, tries %d, queued %v", r.status, n.cause, n.reasons(), n.Tries, n.Queued)
	}
	if r, n := newer.get(); r.status != 504 || n.Tries != 1 || n.Queued == 0 {
		t.Errorf("who got the place got %d after %d tries, queued %v", r.status, n.Tries, n.Queued)
	}
	if r, n := holder.get(); r.status != 200 || n.Tries != 1 {
		t.Errorf("who had the place got %d after %d tries", r.status, n.Tries)
	}
	e.settled()
}

// wholeNotOfTunnels: a tunnel that is open may live for longer.
func wholeNotOfTunnels(t *testing.T) {
	o := newOrigin(t, func(c *call) bool {
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(c.conn, c.in)
		return false
	})
	s := timed(o.addr)
	s.Timeouts.Whole = ample
	e := newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)})
	c := e.open(t)
	time.Sleep(ample + brief)
	c.echo(t)
	c.leave()
	e.settled()
}

// tryAndNext: a try that takes too long is given up, and the next has as much time for itself; connecting counts.
func tryAndNext(t *testing.T) {
	dead, _ := deaf(t)
	s := ordered("s", dead, newOrigin(t, speak(fine)).addr)
	s.Endpoints[0].TLS = true
	s.Timeouts.Try = ample
	e := newEdge(t, here, policy(), []spec.Weighted{only(s)})
	in(t, ample, func() {
		if r, n := e.do("POST /", "", "hello"); r.status != 200 || n.reasons() != "connect" || n.Tries != 2 {
			t.Errorf("got %d, %v, reasons %q", r.status, n.cause, n.reasons())
		}
	})
	e.settled()
}

// TestConnect: timeouts.connect bounds the handshake of TLS as well.
func TestConnect(t *testing.T) {
	dead, _ := deaf(t)
	s := ordered("s", dead)
	s.Endpoints[0].TLS = true
	s.Timeouts.Connect = brief
	e := newEdge(t, here, policy(), []spec.Weighted{only(s)})
	in(t, brief, func() {
		if r, n := e.do("GET /"); r.status != 504 || n.kind() != fault.OriginConnectTimeout || !strings.Contains(n.cause.Error(), "timeouts.connect") {
			t.Errorf("got %d, %v", r.status, n.cause)
		}
	})
	e.settled()
}
