package h1_test

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
	"skerry.dev/skerry/wire/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// proxy is the smallest proxy: a server, a path with one stage, and clients to one origin. It keeps what may be kept
// and retries nothing.
type proxy struct {
	server    h1.Server
	path      *exchange.Path
	dial      func() (net.Conn, error)
	listener  net.Listener // nil on pipes
	patience  time.Duration
	firstByte time.Duration
	serving   sync.WaitGroup

	after func(x *exchange.Exchange)      // looks at an exchange when it is over; set before the first one
	bound func(wire.Request) wire.Request // bounds a request to the origin; nil: nobody does

	mu   sync.Mutex
	kept []*h1.Client
}

// start is the wiretest.Start of HTTP/1.1 between TCP sockets.
func start(t testing.TB, o wiretest.Origin) wiretest.Proxy {
	p := newProxy(o.Dial)
	p.server.Timeouts.Drain = 15 * time.Second // a script goes on in time with the rest of what was answered, on a busy machine too
	return listen(t, p)
}

func listen(t testing.TB, p *proxy) wiretest.Proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.listener = l
	p.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.server.Serve(c, nil) })
		}
	})
	return p
}

// startPipes is start on pipes.
func startPipes(_ testing.TB, o wiretest.Origin) wiretest.Proxy { return newProxy(o.Dial) }

func newProxy(dial func() (net.Conn, error), before ...exchange.Stage) *proxy {
	p := &proxy{dial: dial, patience: 60 * time.Second, firstByte: 30 * time.Second}
	p.path = exchange.NewPath(render, append(append([]exchange.Stage{gate{}}, before...), p)...)
	p.server.Handler = p.serve
	return p
}

func (p *proxy) serve(x *exchange.Exchange) bool {
	complete := p.path.Run(x)
	x.End = time.Now()
	if p.after != nil {
		p.after(x)
	}
	return complete
}

// gate turns a request around that the parser refused.
type gate struct{}

func (gate) Name() string { return "gate" }

func (gate) Request(x *exchange.Exchange) exchange.Verdict {
	if x.Fault != nil {
		return x.Fail(x.Fault)
	}
	return exchange.Next
}

func render(x *exchange.Exchange) { x.Resp.Status = fault.Of(x.Fault).Status() }

// Client connects to the proxy.
func (p *proxy) Client() (net.Conn, error) {
	if p.listener != nil {
		return net.Dial("tcp", p.listener.Addr().String())
	}
	near, far := net.Pipe()
	p.serving.Go(func() { p.server.Serve(far, nil) })
	return near, nil
}

// Stop ends it.
func (p *proxy) Stop() {
	if p.listener != nil {
		p.listener.Close()
	}
	p.server.Close()
	p.serving.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.kept {
		c.Close()
	}
	p.kept = nil
}

func (p *proxy) Name() string { return "proxy" }

func (p *proxy) client() (*h1.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.kept); n > 0 {
		c := p.kept[n-1]
		p.kept = p.kept[:n-1]
		return c, nil
	}
	raw, err := p.dial()
	if err != nil {
		return nil, fault.Wrap(fault.OriginUnreachable, "dial", err)
	}
	return h1.NewClient(transport.New(raw)), nil
}

func (p *proxy) Request(x *exchange.Exchange) exchange.Verdict {
	for {
		x.Facts.Origin.Tries++
		c, err := p.client()
		if err != nil {
			return x.Fail(err)
		}
		q := wire.Request{Host: x.Req.Authority, Path: x.Req.Path, Patience: p.patience, FirstByte: p.firstByte, Now: x.Now}
		if p.bound != nil {
			q = p.bound(q)
		}
		_, err = c.Send(x, &q)
		if err == nil {
			err = c.Receive(x)
		}
		if err == nil {
			x.Facts.Origin.Held = c
			return exchange.Respond
		}
		c.End(x)
		c.Close()
		if errors.Is(err, transport.ErrStale) && (x.Req.Body == nil || x.Req.Body.Replay()) {
			continue
		}
		if fault.Of(err) == fault.Internal {
			err = fault.Wrap(fault.OriginClosed, "send", err)
		}
		return x.Fail(err)
	}
}

func (p *proxy) Done(x *exchange.Exchange) {
	c, ok := x.Facts.Origin.Held.(*h1.Client)
	if !ok {
		return
	}
	x.Facts.Origin.Held = nil
	if !c.End(x) {
		c.Close()
		return
	}
	p.mu.Lock()
	p.kept = append(p.kept, c)
	p.mu.Unlock()
}
