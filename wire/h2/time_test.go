package h2_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/wire/wiretest"
)

// bubble runs f with a client in a bubble, where the clock is exact, and expects it to take so long.
func bubble(t *testing.T, name string, want time.Duration, stage answer, f func(t *testing.T, c *wiretest.H2), settings ...http2.Setting) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			path := exchange.NewPath(render, gate{}, stage)
			r := newRig(t, path.Run)
			c := r.pipeClient(settings...)
			// Not later: an acknowledgement within a header block would be an error of its own.
			c.Until(func() bool { return len(c.Settings) > 0 })
			start := time.Now()
			f(t, c)
			if took := time.Since(start); took != want {
				t.Errorf("it took %v, want %v", took, want)
			}
			c.Conn.Close()
			r.stop()
		})
	})
}

// TestTime: every deadline fires when it should and not before.
func TestTime(t *testing.T) {
	const s = time.Second
	say := answer(exchangetest.Say(200, "hi"))
	closed := func(t *testing.T, c *wiretest.H2) {
		t.Helper()
		if c.Until(func() bool { return false }); c.Closed == nil {
			t.Error("the connection stays open")
		}
	}
	bubble(t, "idle from the start", 75*s, say, func(t *testing.T, c *wiretest.H2) {
		if closed(t, c); c.GoAway == nil || *c.GoAway != http2.ErrCodeNo {
			t.Errorf("no GOAWAY: %v", c.GoAway)
		}
	})
	bubble(t, "idle after an exchange", 20*s+75*s, say, func(t *testing.T, c *wiretest.H2) {
		time.Sleep(20 * s)
		if a := c.Await(c.Get()); a.Status != "200" {
			t.Errorf("got %v", a)
		}
		closed(t, c)
	})
	bubble(t, "a header block that never ends", 10*s, say, func(t *testing.T, c *wiretest.H2) {
		block := c.Block(ask()...)
		c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:5], EndStream: true})
		closed(t, c)
	})
	bubble(t, "a header block byte by byte", 10*s, say, func(t *testing.T, c *wiretest.H2) {
		block := c.Block(ask("x-a", "0123456789")...)
		c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:1], EndStream: true})
		for i := 1; i < 9; i++ {
			time.Sleep(s)
			c.WriteContinuation(1, false, block[i:i+1])
		}
		closed(t, c)
	})
	bubble(t, "a frame header that never ends", 10*s, say, func(t *testing.T, c *wiretest.H2) {
		c.Conn.Write([]byte{0, 0, 8, 6})
		closed(t, c)
	})
	bubble(t, "a DATA frame that never ends", 30*s, say, func(t *testing.T, c *wiretest.H2) {
		c.Slow = true // a WINDOW_UPDATE would be a part of it
		c.Post()
		c.Conn.Write([]byte{0, 0, 8, 0, 0, 0, 0, 0, 1, 'a'})
		closed(t, c)
	})
	bubble(t, "a client that does not answer a PING", 45*s, answer(func(x *exchange.Exchange) exchange.Verdict {
		time.Sleep(50 * s)
		return exchange.Abort
	}), func(t *testing.T, c *wiretest.H2) {
		c.Get()
		for {
			if _, err := c.ReadFrame(); err != nil {
				return
			}
		}
	})
}

// TestBodyTime: the same for request bodies, whose time is the client's and nobody else's.
func TestBodyTime(t *testing.T) {
	const s = time.Second
	bubble(t, "a body that stalls", 30*s, answer(echo), func(t *testing.T, c *wiretest.H2) {
		id := c.Post()
		c.Data(id, false, "abc")
		if a := c.Await(id); a.Status != "408" {
			t.Errorf("got %v, want 408", a)
		}
	})
	bubble(t, "a client that is silent once its answer has begun", 10*time.Minute, func(x *exchange.Exchange) exchange.Verdict {
		x.Answer(200)
		x.Resp.Body = x.Req.Body
		return exchange.Respond
	}, func(t *testing.T, c *wiretest.H2) {
		id := c.Post()
		c.Listen(10 * time.Minute)
		c.Data(id, true, "late")
		if a := c.Await(id); a.Status != "200" || a.Body != "late" || !a.Ended {
			t.Errorf("got %v, want 200", a)
		}
	})
	bubble(t, "gRPC that no service may be of", 30*s, answer(echo), func(t *testing.T, c *wiretest.H2) {
		if a := c.Await(c.Post("content-type", "application/grpc")); a.Status != "408" {
			t.Errorf("got %v, want 408", a)
		}
	})
	bubble(t, "a silent gRPC client", 70*time.Minute, func(x *exchange.Exchange) exchange.Verdict {
		x.Facts.Entry.Calls = true
		return echo(x)
	}, func(t *testing.T, c *wiretest.H2) {
		id := c.Post("content-type", "application/grpc+proto")
		c.Listen(10 * time.Minute)
		c.Data(id, false, "a")
		c.Patience = 2 * time.Hour
		if a := c.Await(id); a.Status != "408" {
			t.Errorf("got %v, want 408", a)
		}
	})
	bubble(t, "a body below the minimum rate", 30*s, answer(echo), func(t *testing.T, c *wiretest.H2) {
		id := c.Post()
		for range 29 {
			c.Data(id, false, "a")
			c.Listen(s)
		}
		if a := c.Await(id); a.Status != "408" {
			t.Errorf("got %v, want 408", a)
		}
	})
	bubble(t, "a body above it", 100*s, answer(echo), func(t *testing.T, c *wiretest.H2) {
		id := c.Post()
		for range 5 {
			c.Listen(20 * s)
			c.Data(id, false, strings.Repeat("a", 240*20))
		}
		c.Data(id, true, "")
		if a := c.Await(id); a.Status != "200" {
			t.Errorf("got %v, want 200", a)
		}
	})
	bubble(t, "time that the edge takes is not the client's", 90*s, answer(func(x *exchange.Exchange) exchange.Verdict {
		time.Sleep(90 * s)
		return echo(x)
	}), func(t *testing.T, c *wiretest.H2) {
		id := c.Post()
		c.Data(id, true, "abc")
		if a := c.Await(id); a.Status != "200" {
			t.Errorf("got %v, want 200", a)
		}
	})
}

// TestSlowTakers: a client that takes nothing of its answer loses the stream, not the connection, after 60 s.
func TestSlowTakers(t *testing.T) {
	const s = time.Second
	closedWindow := http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}
	reset := func(t *testing.T, c *wiretest.H2) {
		a := c.Await(c.Get())
		if a.Reset == nil || a.Body != "" {
			t.Errorf("got %v, want a reset", a)
		}
		if next := c.Await(c.Ask(true, ask(":method", "HEAD")...)); next.Status != "200" {
			t.Errorf("after it: %v, %v", next, c.Closed)
		}
	}
	for name, size := range map[string]int{"small": 10, "large": 100 << 10} {
		bubble(t, name, 60*s, answer(exchangetest.Say(200, strings.Repeat("a", size))), reset, closedWindow)
	}
	bubble(t, "slow, but steady", 3*59*s, answer(exchangetest.Say(200, strings.Repeat("a", 48<<10))), func(t *testing.T, c *wiretest.H2) {
		c.Slow = true
		id := c.Get()
		for range 3 {
			c.Listen(59 * s)
			c.WriteWindowUpdate(id, 16<<10)
		}
		if a := c.Await(id); len(a.Body) != 48<<10 || !a.Ended {
			t.Errorf("got %v", a)
		}
	}, closedWindow)
	bubble(t, "a stream that is silent for an hour", time.Hour, respond(func(*exchange.Exchange) exchange.Body {
		from := make(chan string)
		time.AfterFunc(time.Hour, func() { from <- "late"; close(from) })
		return &pieces{from: from, size: -1}
	}), func(t *testing.T, c *wiretest.H2) {
		if a := c.Await(c.Get()); a.Body != "late" || !a.Ended {
			t.Errorf("got %v", a)
		}
	})
}
