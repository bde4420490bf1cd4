package upstream_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// hedging is policy with a second endpoint after a time.
func hedging(after time.Duration) *spec.Policy {
	p := policy()
	p.Hedge = &spec.Hedge{After: after}
	return p
}

// soon is when a second endpoint is asked.
const soon = 20 * time.Millisecond

// answer is a whole one with a body.
func answer(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// after answers when a channel says so, or the connection's other side has ended it.
func after(ready <-chan struct{}, s script) script {
	return func(c *call) bool {
		<-ready
		return s(c)
	}
}

// TestHedgeWins: when the first endpoint is slow the second answers, with all that it says; its connection is kept, the first's
// is closed at once.
func TestHedgeWins(t *testing.T) {
	asked := make(chan struct{}, 9)
	first := newOrigin(t, func(c *call) bool { asked <- struct{}{}; return c.gone() })
	second := newOrigin(t, after(asked, speak("HTTP/1.1 200 OK\r\nX-Second: 1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\nX-Sum: 7\r\n\r\n")))
	e := newEdge(t, here, hedging(soon), []spec.Weighted{only(ordered("s", first.addr, second.addr))})
	for i := range 4 {
		r, n := e.do("GET /", "TE: trailers", "Connection: TE")
		if r.status != 200 || r.body != "second" || r.header.Get("X-Second") != "1" || r.trailer.Get("X-Sum") != "7" {
			t.Errorf("got %d %q %v %v", r.status, r.body, r.header, r.trailer)
		}
		if n.Hedge != exchange.HedgeWon || n.Tries != 2 || n.reasons() != "hedge" || n.Endpoint != second.addr || n.Reused != (i > 0) || n.Status != 200 {
			t.Errorf("request %d: %+v", i, n)
		}
	}
	eventually(t, "the first endpoint's connections are closed", func() bool { return first.closed.Load() == 4 })
	if second.conns.Load() != 1 {
		t.Errorf("%d connections to the second endpoint, want one that is kept", second.conns.Load())
	}
	e.settled()
	if got := e.value("skerry_hedges_total", "service", "s", "outcome", "won"); got != 4 {
		t.Errorf("%v hedges were counted as won, want 4", got)
	}
}

// TestHedgeLoses: the first endpoint may still win; then the second's connection is closed.
func TestHedgeLoses(t *testing.T) {
	ready := make(chan struct{}, 9)
	first := newOrigin(t, after(ready, speak(answer("first"))))
	second := newOrigin(t, func(c *call) bool { ready <- struct{}{}; return c.gone() })
	e := newEdge(t, here, hedging(soon), []spec.Weighted{only(ordered("s", first.addr, second.addr))})
	for i := range 4 {
		r, n := e.do("GET /")
		if r.status != 200 || r.body != "first" || n.Hedge != exchange.HedgeLost || n.Tries != 2 || n.reasons() != "hedge" || n.Endpoint != first.addr || n.Reused != (i > 0) {
			t.Errorf("request %d: got %d %q, %+v", i, r.status, r.body, n)
		}
	}
	eventually(t, "the second endpoint's connections are closed", func() bool { return second.closed.Load() == 4 })
	if first.conns.Load() != 1 {
		t.Errorf("%d connections to the first endpoint, want one that is kept", first.conns.Load())
	}
	e.settled()
}

// TestHedgeFails: what the hedge comes to does not matter while the first endpoint may still answer; nor does the first's
// failure while the hedge may.
func TestHedgeFails(t *testing.T) {
	f := func(name string, slow, quick script, body string, hedge exchange.HedgeOutcome, reasons string) {
		t.Run(name, func(t *testing.T) {
			asked := make(chan struct{}, 1)
			first := newOrigin(t, after(asked, slow))
			second := newOrigin(t, func(c *call) bool { defer close(asked); return quick(c) })
			e := newEdge(t, here, hedging(soon), []spec.Weighted{only(ordered("s", first.addr, second.addr))})
			r, n := e.do("GET /")
			if r.body != body || n.Hedge != hedge || n.reasons() != reasons || n.Tries != 2 {
				t.Errorf("got %d %q, hedge %v, tries %d, reasons %q; want %q, %v, %q", r.status, r.body, n.Hedge, n.Tries, n.reasons(), body, hedge, reasons)
			}
			e.settled()
		})
	}
	late := func(s script) script { return func(c *call) bool { time.Sleep(2 * soon); return s(c) } }
	die := func(*call) bool { return false }
	garbage := func(c *call) bool { return c.say("garbage\r\n\r\n") && false }
	f("dies, first late", late(speak(answer("first"))), die, "first", exchange.HedgeLost, "hedge")
	f("garbage, first late", late(speak(answer("first"))), garbage, "first", exchange.HedgeLost, "hedge")
	f("503, first late", late(speak(answer("first"))), refuse("503"), "first", exchange.HedgeLost, "hedge")
	f("first dies, hedge late", die, late(speak(answer("second"))), "second", exchange.HedgeWon, "hedge")
	f("both die", die, die, "", exchange.HedgeLost, "hedge|no_endpoint")
	f("garbage, then 503", late(garbage), refuse("503"), "", exchange.HedgeLost, "hedge|no_endpoint")
}

// TestHedgeAfterStatus: a first endpoint that says 503 while the hedge is under way does not win over it.
func TestHedgeAfterStatus(t *testing.T) {
	asked, said := make(chan struct{}), make(chan struct{})
	first := newOrigin(t, func(c *call) bool { <-asked; defer close(said); return c.say(no503) })
	second := newOrigin(t, func(c *call) bool {
		close(asked)
		for <-said; !inside("upstream.(*use).race", "upstream.(*attempt).run"); time.Sleep(time.Millisecond) { // until the first attempt is over
		}
		return c.say(answer("second"))
	})
	e := newEdge(t, here, hedging(soon), []spec.Weighted{only(ordered("s", first.addr, second.addr))})
	if r, n := e.do("GET /"); r.status != 200 || r.body != "second" || n.Hedge != exchange.HedgeWon {
		t.Errorf("got %d %q, hedge %v, reasons %q", r.status, r.body, n.Hedge, n.reasons())
	}
	if got := e.value("skerry_endpoint_failures_total", "service", "s", "endpoint", first.addr, "kind", "status"); got != 1 {
		t.Errorf("%v failures of the first endpoint, want 1", got)
	}
	e.settled()
}

// TestNoHedge: requests that are not to be sent to two endpoints are not, and what a hedge would need of the budget stays.
func TestNoHedge(t *testing.T) {
	f := func(name string, endpoints int, budget spec.RetryBudget, refused float64, line string, fields ...string) {
		t.Run(name, func(t *testing.T) {
			reasons := ""
			if refused > 0 {
				reasons = "|budget"
			}
			var e *edge
			counted := func() float64 { return e.value("skerry_retries_refused_total", "service", "s", "reason", "budget") }
			slow := func(c *call) bool {
				time.Sleep(3 * soon)
				for end := time.Now().Add(20 * time.Second); counted() < refused && time.Now().Before(end); { // until it was time for a second
					time.Sleep(time.Millisecond)
				}
				return speak(answer("ok"))(c)
			}
			all, addrs := several(t, endpoints, slow)
			s := ordered("s", addrs...)
			s.RetryBudget = budget
			e = newEdge(t, here, hedging(soon), []spec.Weighted{only(s)})
			c := e.send(line, fields...)
			if r, n := c.get(); r.status != 200 || n.Tries != 1 || n.Hedge != exchange.HedgeNone || n.reasons() != reasons {
				t.Errorf("got %d, tries %d, hedge %v, reasons %q", r.status, n.Tries, n.Hedge, n.reasons())
			}
			for i, o := range all {
				if want := max(0, 1-i); o.of(c.ask) != want {
					t.Errorf("endpoint %d saw it %d times, want %d", i, o.of(c.ask), want)
				}
			}
			if got := counted(); got != refused {
				t.Errorf("%v hedges were refused for the budget, want %v", got, refused)
			}
			e.settled()
		})
	}
	plenty := spec.RetryBudget{PerSecond: 100}
	f("POST", 2, plenty, 0, "POST /")
	f("POST with a key", 2, plenty, 0, "POST /", key)
	f("an extension method", 2, plenty, 0, "MKCOL /")
	f("PUT with a body", 2, plenty, 0, "PUT /", "", "hello")
	f("GET with a body", 2, plenty, 0, "GET /", "", "hello")
	f("no budget", 2, spec.RetryBudget{}, 1, "GET /")
	f("one endpoint", 1, plenty, 0, "GET /")
}

// TestHedgeOfOneKeepsBudget: a service with one endpoint spends nothing on hedges that cannot be.
func TestHedgeOfOneKeepsBudget(t *testing.T) {
	o := newOrigin(t, func(c *call) bool {
		if c.of == 1 {
			time.Sleep(3 * soon)
			return c.say(fine)
		}
		return c.nth == 1 && c.say(fine)
	})
	s := service("s", o.addr)
	s.RetryBudget = spec.RetryBudget{PerSecond: 1} // one try, at first
	e := newEdge(t, upstream.Options{}, hedging(soon), []spec.Weighted{only(s)})
	e.do("GET /")
	if r, n := e.do("GET /"); r.status != 200 || n.reasons() != "died" {
		t.Errorf("got %d, reasons %q: the try was spent", r.status, n.reasons())
	}
}

// TestHedgeClientGone: when the client leaves while two endpoints are silent, both connections are closed, long before any timeout.
func TestHedgeClientGone(t *testing.T) {
	both := make(chan struct{}, 2)
	silent := func(c *call) bool { both <- struct{}{}; return c.gone() }
	all, addrs := several(t, 2, silent)
	e := newEdge(t, here, hedging(soon), []spec.Weighted{only(ordered("s", addrs...))})
	c := e.send("GET /")
	<-both
	<-both
	began := time.Now()
	n := c.leave()
	if took := time.Since(began); took > 15*time.Second || n.kind() != fault.ClientGone || n.Tries != 2 {
		t.Errorf("over after %v with %v, tries %d", took, n.cause, n.Tries)
	}
	e.settled()
	eventually(t, "both connections are closed", func() bool { return all[0].closed.Load() == 1 && all[1].closed.Load() == 1 })
}

// deaf accepts connections and never says anything: a TLS handshake with it hangs.
func deaf(t testing.TB) (addr string, came <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan struct{}, 16)
	var mu sync.Mutex
	var conns []net.Conn
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			accepted <- struct{}{}
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
		for _, c := range conns {
			c.Close()
		}
	})
	return l.Addr().String(), accepted
}

// TestHedgeInDial: an attempt that still makes its connection is given up as well, on either side.
func TestHedgeInDial(t *testing.T) {
	f := func(name string, hang int, hedge exchange.HedgeOutcome) {
		t.Run(name, func(t *testing.T) {
			dead, came := deaf(t)
			o := newOrigin(t, func(c *call) bool {
				<-came // the other attempt has begun
				return c.say(answer("ok"))
			})
			addrs := []string{o.addr, o.addr}
			addrs[hang] = dead
			s := ordered("s", addrs...)
			s.Endpoints[hang].TLS = true
			s.Timeouts.Connect = time.Minute
			e := newEdge(t, here, hedging(soon), []spec.Weighted{only(s)})
			began := time.Now()
			r, n := e.do("GET /")
			if took := time.Since(began); r.body != "ok" || n.Hedge != hedge || took > 30*time.Second {
				t.Errorf("got %q after %v, hedge %v", r.body, took, n.Hedge)
			}
			e.settled()
		})
	}
	f("the first hangs", 0, exchange.HedgeWon)
	f("the second hangs", 1, exchange.HedgeLost)
}

// bomb is the sink of a client that takes no interim response.
type bomb struct{ exchange.Discard }

func (bomb) Interim(*exchange.Exchange, int, exchange.Fields) error { panic("BUG: interim") }

// TestHedgePanic: a panic in the first attempt ends the second before anything of theirs serves another exchange.
func TestHedgePanic(t *testing.T) {
	asked := make(chan struct{})
	first := newOrigin(t, func(c *call) bool { <-asked; c.say("HTTP/1.1 103 Early Hints\r\n\r\n"); return c.gone() })
	second := newOrigin(t, func(c *call) bool { close(asked); return c.gone() })
	r := newRigOf(t, here, hedging(soon), only(ordered("s", first.addr, second.addr)))
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	x.Sink, x.Now = bomb{}, time.Now()
	began := time.Now()
	exchange.NewPath(exchangetest.RenderText, r.stage).Run(x)
	if took := time.Since(began); fault.Of(x.Cause) != fault.Panicked || took > 15*time.Second {
		t.Errorf("over after %v with %v", took, x.Cause)
	}
	x.Release()
	e := &edge{rig: r, t: t}
	e.settled()
}

// TestHedgeRace: endpoints that answer at about the time of the hedge, or die then. Whatever happens, there is one answer, it
// is whole and of one endpoint, and everything is given back.
func TestHedgeRace(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const about = 2 * time.Millisecond
	body := strings.Repeat("x", 20_000)
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	at := func(name string) script {
		return func(c *call) bool {
			time.Sleep(about/2 + time.Duration(draw(int(about))))
			switch draw(20) {
			case 0:
				return false
			case 1:
				return c.say("HTTP/1.1 200") && false
			case 2:
				return c.say(no503)
			}
			return c.say(answer(name + body))
		}
	}
	all := []*origin{newOrigin(t, at("a")), newOrigin(t, at("b")), newOrigin(t, at("c"))}
	s := service("s", all[0].addr, all[1].addr, all[2].addr)
	s.RetryBudget = spec.RetryBudget{PerSecond: 100_000}
	e := newEdge(t, upstream.Options{}, hedging(about), []spec.Weighted{only(s)})
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 150 {
				c := e.send("GET /")
				r, n := c.get()
				seen := 0
				for i, o := range all {
					if o.of(c.ask) > 2 { // once, and again if a kept connection died and nobody else was left
						t.Errorf("endpoint %d saw a request %d times", i, o.of(c.ask))
					}
					seen += o.of(c.ask)
					if r.status == 200 && n.Endpoint == o.addr && r.body != string(rune('a'+i))+body {
						t.Errorf("%s answered, and the body is %.20q, %d bytes, %v", o.addr, r.body, len(r.body), r.err)
					}
				}
				if r.status == 0 || n.Tries > 4 || seen > n.Tries {
					t.Errorf("got %d (%v), tries %d, seen %d times, %+v", r.status, r.err, n.Tries, seen, n)
				}
			}
		})
	}
	running.Wait()
	e.settled()
	won, lost := e.value("skerry_hedges_total", "service", "s", "outcome", "won"), e.value("skerry_hedges_total", "service", "s", "outcome", "lost")
	t.Logf("%v hedges won, %v lost", won, lost)
	if won == 0 || lost == 0 {
		t.Error("the race had one winner only")
	}
}
