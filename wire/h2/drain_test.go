package h2_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/wiretest"
)

// TestDrain: a client in the middle of a request is told to go, gets its answer, and then the connection ends. What it
// asks after that is not served.
func TestDrain(t *testing.T) {
	release, there := make(chan struct{}), make(chan struct{}, 8)
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		if string(x.Req.Path) != "/quick" {
			there <- struct{}{}
			<-release
		}
		return exchangetest.Say(200, "done")(x)
	}))
	c, idle := r.client(), r.client()
	idle.Await(idle.Ask(true, ask(":path", "/quick")...))
	id := c.Get()
	<-there
	r.server.Drain()
	if c.Until(func() bool { return c.GoAway != nil }); c.GoAway == nil || *c.GoAway != http2.ErrCodeNo {
		t.Fatalf("no GOAWAY: %v", c.Closed)
	}
	late := c.Get()
	close(release)
	if a := c.Await(id); a.Body != "done" || !a.Ended {
		t.Errorf("got %v, %v", a, c.Closed)
	}
	r.server.Wait()
	for _, h := range []*wiretest.H2{c, idle} {
		if h.Until(func() bool { return false }); h.GoAway == nil {
			t.Error("a client was not told to go")
		}
	}
	if a := c.Stream(late); a.Status != "" || len(there) > 0 {
		t.Errorf("a request behind GOAWAY was served: %v", a)
	}
	// A connection that comes now is closed at once.
	near, far := net.Pipe()
	r.server.Serve(far, nil)
	if _, err := near.Read(make([]byte, 1)); err == nil {
		t.Error("a connection after Drain was served")
	}
}

// TestDrainNewcomers: connections that come in the same moment as Drain end too, and long before they would be idle.
func TestDrainNewcomers(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			path := exchange.NewPath(render, answer(exchangetest.Say(200, "")))
			r := newRig(t, path.Run)
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					c := r.pipeClient()
					c.Until(func() bool { return false })
				})
			}
			r.server.Drain()
			start := time.Now()
			clients.Wait()
			r.server.Wait()
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("the connections ended after %v", took)
			}
			r.stop()
		})
	}
}

// TestWaitsForExchanges: Wait does not return, and Serve neither, while an exchange of a connection that has gone is not over.
func TestWaitsForExchanges(t *testing.T) {
	there, release := make(chan struct{}), make(chan struct{})
	var over atomic.Bool
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		close(there)
		<-release
		over.Store(true)
		return exchange.Abort
	}))
	c := r.client()
	c.Get()
	<-there
	c.Conn.Close()
	waited := make(chan struct{})
	go func() { r.server.Wait(); close(waited) }()
	select {
	case <-waited:
		t.Error("Wait returned")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-waited
	if !over.Load() {
		t.Error("the exchange is not over")
	}
	if n := r.open.Value(); n != 0 {
		t.Errorf("%d connections are counted as open", n)
	}
}

// TestFloods: a client whose frames only make work loses the connection.
func TestFloods(t *testing.T) {
	var running, most atomic.Int64
	slow := answer(func(x *exchange.Exchange) exchange.Verdict {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if string(x.Req.Path) == "/wait" {
			gone := make(chan struct{})
			stop := x.Sink.Watch(func() { close(gone) })
			<-gone
			stop()
			return x.Fail(fault.New(fault.ClientGone, "a test"))
		}
		return exchangetest.Say(200, "")(x)
	})
	f := func(name string, times int, lives bool, send func(c *wiretest.H2, i int)) {
		t.Run(name, func(t *testing.T) {
			r := serve(t, slow)
			c := r.client()
			for i := range times {
				send(c, i)
			}
			// The write of the last frames may have met a closed connection.
			if a := c.Await(c.Get()); (a.Status == "200") != lives {
				t.Errorf("got %v, %v; want the connection to live: %v", a, c.Closed, lives)
			}
		})
	}
	rapid := func(c *wiretest.H2, _ int) {
		c.WriteRSTStream(c.Ask(true, ask(":path", "/wait")...), http2.ErrCodeCancel)
	}
	f("200 resets", 200, true, rapid)
	f("201 resets", 201, false, rapid)
	f("300 resets among 700 streams", 700, true, func(c *wiretest.H2, i int) {
		if i%7 < 3 {
			rapid(c, i)
		} else {
			c.Await(c.Get())
		}
	})
	f("900 PINGs", 900, true, func(c *wiretest.H2, _ int) { c.WritePing(false, [8]byte{}) })
	f("1100 PINGs", 1100, false, func(c *wiretest.H2, _ int) { c.WritePing(false, [8]byte{}) })
	f("1100 SETTINGS", 1100, false, func(c *wiretest.H2, _ int) { c.WriteSettings() })
	f("1100 PRIORITY", 1100, false, func(c *wiretest.H2, _ int) {
		c.WritePriority(1, http2.PriorityParam{StreamDep: 3})
	})
	f("1100 empty DATA", 1100, false, func(c *wiretest.H2, i int) {
		if i == 0 {
			c.Ask(false, ask(":method", "POST", ":path", "/wait")...)
		}
		c.WriteData(1, false, nil)
	})
	if n := most.Load(); n > 100 {
		t.Errorf("%d exchanges of one connection ran at once", n)
	}
}
