package upstream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

const no503 = "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"

// several starts endpoints with the same script.
func several(t testing.TB, n int, s script) (all []*origin, addrs []string) {
	for range n {
		o := newOrigin(t, s)
		all, addrs = append(all, o), append(addrs, o.addr)
	}
	return all, addrs
}

// TestOutage: while every endpoint fails, tries stay within the budget: its share of the requests, and what it always has.
func TestOutage(t *testing.T) {
	f := func(name string, s script, kind fault.Kind) {
		t.Run(name, func(t *testing.T) {
			const requests, share, perSecond = 300, 0.2, 5
			all, addrs := several(t, 3, s)
			svc := service("s", addrs...)
			svc.RetryBudget = spec.RetryBudget{Share: share, PerSecond: perSecond}
			r := newRig(t, only(svc))
			began, refused, tries := time.Now(), 0, 0
			for range requests {
				_, _, facts, err := r.get(localhost)
				if kind != fault.Internal && fault.Of(err) != kind {
					t.Fatalf("got %v, want %s", err, kind.Name())
				}
				tries += facts.Tries
				if facts.Refused == exchange.ReasonBudget {
					refused++
				}
			}
			seen := 0
			for _, o := range all {
				seen += int(o.requests.Load())
			}
			most := int(requests*(1+share) + perSecond*(1+time.Since(began).Seconds()) + 1)
			if seen != tries || seen > most || seen < requests*(1+share)-1 {
				t.Errorf("%d requests were %d tries, seen %d times; want the same, %d at most and no fewer than the budget's share", requests, tries, seen, most)
			}
			if refused == 0 || r.value("skerry_retries_refused_total", "service", "s", "reason", "budget") != float64(refused) {
				t.Errorf("%d tries were refused for the budget; the counter says %v", refused, r.value("skerry_retries_refused_total", "service", "s", "reason", "budget"))
			}
		})
	}
	f("503", func(c *call) bool { return c.say(no503) }, fault.Internal)
	f("dies", func(*call) bool { return false }, fault.OriginClosed)
	f("garbage", func(c *call) bool { return c.say("garbage\r\n\r\n") && false }, fault.OriginProtocol)
}

// TestTries: how many endpoints are asked, never one twice, and why it ended.
func TestTries(t *testing.T) {
	f := func(endpoints, tries int, want string) {
		t.Run(fmt.Sprintf("%d of %d", tries, endpoints), func(t *testing.T) {
			all, addrs := several(t, endpoints, func(c *call) bool { return c.say(no503) })
			s := service("s", addrs...)
			s.RetryBudget = spec.RetryBudget{PerSecond: 1000}
			p := policy()
			p.Retry.Tries = tries
			for _, by := range []spec.BalanceBy{spec.ByRoundRobin, spec.ByPowerOfTwo, spec.ByLeastRequests, spec.ByMaglev} {
				s.Balance.By = by
				e := newEdge(t, upstream.Options{}, p, []spec.Weighted{only(s)})
				for range 10 {
					c := e.send("GET /")
					r, n := c.get()
					asked := 0
					for _, o := range all {
						if o.of(c.ask) > 1 {
							t.Errorf("%s: an endpoint was asked %d times", by, o.of(c.ask))
						}
						asked += o.of(c.ask)
						delete(o.asked, c.ask)
					}
					if r.status != 503 || r.body != "no" || asked != min(tries, endpoints) || n.Tries != asked || n.reasons() != want {
						t.Errorf("%s: got %d, %d endpoints asked, tries %d, reasons %q, want %q", by, r.status, asked, n.Tries, n.reasons(), want)
					}
				}
			}
		})
	}
	f(6, 5, "status,status,status,status|tries")
	f(6, 2, "status|tries")
	f(3, 5, "status,status|no_endpoint")
	f(1, 3, "|no_endpoint")
	f(3, 1, "")
}

// TestStatusThenFailure: the endpoint that is asked in place of an answer may fail as well; the client gets what came last.
func TestStatusThenFailure(t *testing.T) {
	f := func(name string, second string, status int, reasons string) {
		t.Helper()
		first := newOrigin(t, func(c *call) bool { return c.say(no503) })
		e := newEdge(t, here, policy(), []spec.Weighted{only(ordered("s", first.addr, second))})
		if r, n := e.do("GET /"); r.status != status || n.reasons() != reasons || n.Tries != 2 {
			t.Errorf("%s: got %d, tries %d, reasons %q, want %d, %q", name, r.status, n.Tries, n.reasons(), status, reasons)
		}
		e.settled()
	}
	f("refused", refuses(t), 502, "status|no_endpoint")
	f("dies", newOrigin(t, func(*call) bool { return false }).addr, 502, "status|no_endpoint")
	f("garbage", newOrigin(t, func(c *call) bool { return c.say("garbage\r\n\r\n") && false }).addr, 502, "status|no_endpoint")
	f("503 too", newOrigin(t, func(c *call) bool { return c.say(no503) }).addr, 503, "status|no_endpoint")
	f("404", newOrigin(t, speak("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")).addr, 404, "status")
}

// TestDropped: of an answer that another endpoint is asked in place of, the connection is kept if it was small.
func TestDropped(t *testing.T) {
	f := func(name, answer string, conns int32) {
		t.Helper()
		first, second := newOrigin(t, func(c *call) bool { return c.say(answer) }), newOrigin(t, speak(fine))
		e := newEdge(t, here, policy(), []spec.Weighted{only(ordered("s", first.addr, second.addr))})
		for range 4 {
			if r, n := e.do("GET /"); r.status != 200 || r.body != "hi" || n.reasons() != "status" || r.header.Get("X-First") != "" {
				t.Errorf("%s: got %d %q %v, reasons %q", name, r.status, r.body, r.header, n.reasons())
			}
		}
		if got := first.conns.Load(); got != conns || second.conns.Load() != 1 {
			t.Errorf("%s: %d connections for four answers that were dropped, want %d; %d of the one that was taken, want 1", name, got, conns, second.conns.Load())
		}
		e.settled()
	}
	f("small", "HTTP/1.1 503 No\r\nX-First: 1\r\nContent-Length: 2\r\n\r\nno", 1)
	f("chunks", "HTTP/1.1 503 No\r\nX-First: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 1)
	f("none", "HTTP/1.1 503 No\r\nX-First: 1\r\nContent-Length: 0\r\n\r\n", 1)
	f("large", "HTTP/1.1 503 No\r\nX-First: 1\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 1_000_000), 4)
	f("half", "HTTP/1.1 503 No\r\nX-First: 1\r\nContent-Length: 9\r\n\r\nno", 4)
}

// TestRetriedStatuses: a status that is asked again is a failure of the endpoint only if it says that it does not work.
func TestRetriedStatuses(t *testing.T) {
	f := func(status int, ejects bool) {
		t.Helper()
		first, second := newOrigin(t, refuse(fmt.Sprint(status))), newOrigin(t, speak(fine))
		s := ordered("s", first.addr, second.addr)
		s.Ejection = spec.Ejection{Failures: 2, Time: time.Minute, Share: 0.5}
		p := policy()
		p.Retry.Statuses = []int{429, 500, 502, 503, 504}
		e := newEdge(t, here, p, []spec.Weighted{only(s)})
		for range 4 {
			if r, _ := e.do("GET /"); r.status != 200 {
				t.Errorf("%d: the client got %d", status, r.status)
			}
		}
		if got := e.value("skerry_endpoint_ejected", "service", "s", "endpoint", first.addr) == 1; got != ejects {
			t.Errorf("%d: ejected is %v, want %v", status, got, ejects)
		}
	}
	f(429, false)
	f(500, true)
	f(502, true)
	f(503, true)
	f(504, true)
}

// TestMirrorOnce: a copy is sent once, also where a request would be sent again because a kept connection died.
func TestMirrorOnce(t *testing.T) {
	o := newOrigin(t, func(c *call) bool { return c.nth == 1 && c.say(fine) })
	k := newKeeper(t, upstream.Options{})
	l := k.Lease()
	defer l.Release()
	stage, problems := upstream.NewMirror(&spec.Mirror{Service: service("s", o.addr)}, policy(), "e/r", l)
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	r := &rig{keep: k, stage: stage}
	if _, _, _, err := r.get(localhost); err != nil {
		t.Fatal(err)
	}
	if _, _, facts, err := r.get(localhost); fault.Of(err) != fault.OriginClosed || facts.Tries != 1 || !facts.Reused {
		t.Errorf("got %v after %d tries, reused %v; want one that fails", err, facts.Tries, facts.Reused)
	}
	if n := o.requests.Load(); n != 2 {
		t.Errorf("the origin saw %d requests, want 2", n)
	}
}

// TestSameAddressTwice: an address that stands in a service twice is asked once for a request.
func TestSameAddressTwice(t *testing.T) {
	o := newOrigin(t, func(c *call) bool { return c.say(no503) })
	s := service("s", o.addr, o.addr)
	s.RetryBudget = spec.RetryBudget{PerSecond: 1000}
	r := newRig(t, only(s))
	for range 4 {
		_, _, facts, err := r.get(localhost)
		if err != nil || facts.Tries != 1 {
			t.Errorf("%v after %d tries of one address", err, facts.Tries)
		}
	}
}
