package h2_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/wire/h2"
	"skerry.dev/skerry/wire/wiretest"
)

// asked is a connection that tells when somebody asks what it stands on, as a server does with one that is new to it.
type asked struct {
	net.Conn
	then func()
}

func (a asked) NetConn() net.Conn {
	a.then()
	return a.Conn
}

// TestNewcomerAtTheEnd: a connection that comes in the moment in which the server drains, closes or sheds is no trouble.
func TestNewcomerAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(*h2.Server){
		"drain": (*h2.Server).Drain,
		"close": (*h2.Server).Close,
		"shed":  func(s *h2.Server) { s.Shed(time.Now().Add(time.Hour)); s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, exchange.NewPath(render, answer(exchangetest.Say(200, ""))).Run)
			first, _ := net.Pipe()
			first.Close()
			r.server.Serve(first, nil) // so that it is set up
			near, far := net.Pipe()
			defer near.Close()
			r.server.Serve(asked{far, func() { end(&r.server) }}, nil)
			if _, err := near.Write([]byte("x")); err == nil {
				t.Error("the connection is open")
			}
			if n := r.open.Value(); n != 0 {
				t.Errorf("%d connections are counted as open", n)
			}
		})
	}
}

// TestDrainIgnoresLateStreams: whatever a client sends on streams that it opened behind the last one costs those that are served
// nothing (RFC 9113 section 6.8), and their bodies count for the connection's window.
func TestDrainIgnoresLateStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		served := 0
		r := newRig(t, exchange.NewPath(render, answer(func(x *exchange.Exchange) exchange.Verdict {
			served++
			<-release
			return exchangetest.Say(200, "done")(x)
		})).Run)
		c := r.pipeClient()
		first := c.Get()
		synctest.Wait()
		r.server.Drain()
		c.Listen(2 * time.Second) // until the last word
		for range 20 {
			late := c.Post()
			c.Data(late, false, string(make([]byte, 60<<10))) // in all more than the window, if none came back
			c.WriteWindowUpdate(late, 1)
			c.Headers(late, true, "x-trailer", "1")
			c.WriteRSTStream(late, http2.ErrCodeCancel)
			c.Listen(time.Millisecond)
		}
		close(release)
		if a := c.Await(first); a.Status != "200" || a.Body != "done" || !a.Ended {
			t.Errorf("got %v, %v, GOAWAY %v", a, c.Closed, c.GoAway)
		}
		if c.Until(func() bool { return false }); c.GoAway == nil || *c.GoAway != http2.ErrCodeNo {
			t.Errorf("the connection ended with %v", c.GoAway)
		}
		if served != 1 {
			t.Errorf("%d requests were served", served)
		}
		r.stop()
	})
}

// TestUnreadHeads: a client that asks for answers without a body, and reads none, gets no more of our memory than for bodies.
func TestUnreadHeads(t *testing.T) {
	var served atomic.Int64
	field := exchange.Field{Name: []byte("X-Large"), Value: make([]byte, 8000)}
	for i := range field.Value {
		field.Value[i] = 'x'
	}
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		served.Add(1)
		defer func() { x.Resp.Fields = append(x.Resp.Fields, field) }()
		return exchangetest.Say(200, "")(x)
	}))
	c := r.client()
	if err := c.Conn.(*gathering).Conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	const requests, inKernel = 4000, 1200
	for asked := int64(0); asked < requests; { // never more at once than there may be
		for range 50 {
			c.Ask(true, ask(":method", "HEAD")...)
		}
		asked += 50
		for last := int64(-1); served.Load() < asked && last != served.Load(); time.Sleep(100 * time.Millisecond) {
			last = served.Load()
		}
		if served.Load() < asked {
			break // nothing moves any more
		}
	}
	if n := served.Load(); n > inKernel || c.Broken != nil {
		t.Errorf("%d of %d answers of 8 KB were made for a client that read none, %v", n, requests, c.Broken)
	}
}

// TestCreditComesBack: whatever becomes of a body, what came of it goes back to the connection's window: otherwise uploads would stop
// for good once connWindow had been lost.
func TestCreditComesBack(t *testing.T) {
	body := strings.Repeat("x", 40<<10)
	padded := func(c *wiretest.H2, id uint32, end bool) {
		for rest := body; rest != ""; rest = rest[10<<10:] {
			c.WriteDataPadded(id, end && len(rest) == 10<<10, []byte(rest[:10<<10]), make([]byte, 255))
		}
	}
	take := func(x *exchange.Exchange) { _, _, _ = readAll(x.Req.Body) }
	leave := func(*exchange.Exchange) {}
	f := func(name string, look func(x *exchange.Exchange), send func(c *wiretest.H2)) {
		t.Run(name, func(t *testing.T) {
			r := serveHandler(t, func(x *exchange.Exchange) bool {
				if x.Fault == nil && x.Req.Body != nil {
					look(x)
				}
				x.Answer(204)
				return x.Sink.Send(x) == nil
			})
			c := r.client()
			for i := range 40 { // 1.6 MB, three times the window
				send(c)
				if a := c.Await(c.Get()); a.Status != "204" {
					t.Fatalf("after %d bodies: %v, %v, GOAWAY %v", i+1, a, c.Closed, c.GoAway)
				}
			}
		})
	}
	whole := func(c *wiretest.H2, fields ...string) {
		id := c.Post(fields...)
		c.Data(id, true, body)
		c.Await(id)
	}
	f("taken", take, func(c *wiretest.H2) { whole(c) })
	f("taken twice", func(x *exchange.Exchange) { take(x); x.Req.Body.Replay(); take(x) }, func(c *wiretest.H2) { whole(c) })
	f("left", leave, func(c *wiretest.H2) { whole(c) })
	f("left, and more to come", leave, func(c *wiretest.H2) {
		id := c.Post("content-length", "1000000")
		c.Data(id, false, body)
		c.Await(id)
	})
	f("with padding", take, func(c *wiretest.H2) { id := c.Post(); padded(c, id, true); c.Await(id) })
	f("with padding, left", leave, func(c *wiretest.H2) { id := c.Post(); padded(c, id, true); c.Await(id) })
	f("with trailers", take, func(c *wiretest.H2) {
		id := c.Post()
		c.Data(id, false, body)
		c.Headers(id, true, "x", "y")
		c.Await(id)
	})
	f("of a request that is refused", take, func(c *wiretest.H2) { whole(c, "x-a", "\x00") })
	f("longer than announced", take, func(c *wiretest.H2) { whole(c, "content-length", "3") })
	f("reset in its middle", take, func(c *wiretest.H2) {
		id := c.Post()
		c.Data(id, false, body)
		c.WriteRSTStream(id, http2.ErrCodeCancel)
	})
	f("on a stream that was reset for a violation", take, func(c *wiretest.H2) {
		id := c.Post()
		c.WriteWindowUpdate(id, 0)
		c.Data(id, false, body)
		padded(c, id, false)
	})
}
