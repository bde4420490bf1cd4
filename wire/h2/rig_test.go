package h2_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/wire/h2"
	"skerry.dev/skerry/wire/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a server with its listener.
type rig struct {
	t       testing.TB
	server  h2.Server
	l       net.Listener
	serving sync.WaitGroup

	open     meter.Gauge
	meters   *meter.Set
	panicked chan string
}

// serve starts a server whose exchanges run along stages behind a gate that turns refused requests around.
func serve(t testing.TB, stages ...exchange.Stage) *rig {
	t.Helper()
	path := exchange.NewPath(render, append([]exchange.Stage{gate{}}, stages...)...)
	return serveHandler(t, path.Run)
}

func serveHandler(t testing.TB, handler func(*exchange.Exchange) bool) *rig {
	t.Helper()
	r := newRig(t, handler)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.l = l
	r.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.serving.Go(func() { r.server.Serve(c, nil) })
		}
	})
	return r
}

func newRig(t testing.TB, handler func(*exchange.Exchange) bool) *rig {
	r := &rig{t: t, panicked: make(chan string, 4), meters: meter.NewSet()}
	r.server.Open, r.server.Meters = &r.open, r.meters
	r.server.Panicked = func(what string) { r.panicked <- what }
	r.server.Handler = func(x *exchange.Exchange) bool {
		complete := handler(x)
		x.End = time.Now()
		return complete
	}
	t.Cleanup(r.stop)
	return r
}

func (r *rig) stop() {
	if r.l != nil {
		r.l.Close()
	}
	r.server.Close()
	r.serving.Wait()
}

// Client and Stop make a rig a wiretest.Proxy.
func (r *rig) Client() (net.Conn, error) { return net.Dial("tcp", r.l.Addr().String()) }
func (r *rig) Stop()                     { r.stop() }

// client connects and says hello.
func (r *rig) client(settings ...http2.Setting) *wiretest.H2 {
	r.t.Helper()
	c, err := r.Client()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return wiretest.NewH2(&gathering{Conn: c}, settings...)
}

// gathering is a connection on which several writes can leave as one.
type gathering struct {
	net.Conn
	on   bool
	held []byte
}

func (g *gathering) Write(p []byte) (int, error) {
	if g.on {
		g.held = append(g.held, p...)
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// together makes all frames that send sends leave at once.
func together[T any](send func(c *wiretest.H2) T) func(c *wiretest.H2) T {
	return func(c *wiretest.H2) T {
		g := c.Conn.(*gathering)
		g.on = true
		got := send(c)
		g.on = false
		_, _ = g.Conn.Write(g.held) // a server that does not take it is found by what it answers
		g.held = nil
		return got
	}
}

// pipeClient is client on a pipe, for tests in a synctest bubble.
func (r *rig) pipeClient(settings ...http2.Setting) *wiretest.H2 {
	r.t.Helper()
	near, far := bufferedPipe()
	r.serving.Go(func() { r.server.Serve(far, nil) })
	h := wiretest.NewH2(&gathering{Conn: near}, settings...)
	h.Patience = 24 * time.Hour
	return h
}

// peer is a client made of frames, on a pipe that holds what was not read yet.
func (r *rig) peer(settings ...http2.Setting) *peer {
	r.t.Helper()
	near, far := bufferedPipe()
	r.serving.Go(func() { r.server.Serve(far, nil) })
	r.t.Cleanup(func() { near.Close() })
	return clientPeer(r.t, near, settings...)
}

// defended is how often a defence was counted.
func (r *rig) defended(name string) uint64 {
	return r.meters.Counter("skerry_h2_defended_total", "Streams and connections of HTTP/2 that were cut off by a defence.", "defence", name).Value()
}

// unsent opens a stream for its client, but sends nothing of it; it returns the header block.
func unsent(c *wiretest.H2, fields ...string) (id uint32, block []byte) {
	g := c.Conn.(*gathering)
	g.on = true
	id = c.Ask(true, fields...)
	for held := g.held; len(held) > 0; {
		n := 9 + int(held[0])<<16 + int(held[1])<<8 + int(held[2])
		block = append(block, held[9:n]...)
		held = held[n:]
	}
	g.on, g.held = false, nil
	return id, block
}

// gate turns a request around that was refused.
type gate struct{}

func (gate) Name() string { return "gate" }

func (gate) Request(x *exchange.Exchange) exchange.Verdict {
	if x.Fault != nil {
		return x.Fail(x.Fault)
	}
	return exchange.Next
}

func render(x *exchange.Exchange) { x.Resp.Status = fault.Of(x.Fault).Status() }

// answer is a last stage that is a function.
type answer func(x *exchange.Exchange) exchange.Verdict

func (answer) Name() string { return "answer" }

func (a answer) Request(x *exchange.Exchange) exchange.Verdict { return a(x) }
