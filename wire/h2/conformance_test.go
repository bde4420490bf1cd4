package h2_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
	"skerry.dev/skerry/wire/wiretest"
)

// TestConformance is the table of all protocols.
func TestConformance(t *testing.T) { wiretest.Test(t, start, wiretest.HTTP2{}) }

// TestConformanceBytewise is the same from clients whose bytes come one by one.
func TestConformanceBytewise(t *testing.T) { wiretest.Test(t, start, wiretest.HTTP2{Bytewise: true}) }

// TestConformanceTimes is the part of it in which time passes.
func TestConformanceTimes(t *testing.T) {
	wiretest.TestTimes(t, synctest.Test, startPipes, wiretest.HTTP2{})
}

// origin is a last stage that asks an origin over HTTP/1.1, on a kept connection if there is one.
type origin struct {
	dial func() (net.Conn, error)

	mu   sync.Mutex
	kept []*h1.Client
}

func (o *origin) Name() string { return "origin" }

func (o *origin) client() (*h1.Client, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := len(o.kept); n > 0 {
		c := o.kept[n-1]
		o.kept = o.kept[:n-1]
		return c, nil
	}
	raw, err := o.dial()
	if err != nil {
		return nil, fault.Wrap(fault.OriginUnreachable, "dial", err)
	}
	return h1.NewClient(transport.New(raw)), nil
}

func (o *origin) Request(x *exchange.Exchange) exchange.Verdict {
	for {
		x.Facts.Origin.Tries++
		c, err := o.client()
		if err != nil {
			return x.Fail(err)
		}
		_, err = c.Send(x, &wire.Request{Host: x.Req.Authority, Path: x.Req.Path, Patience: time.Minute, FirstByte: 30 * time.Second, Now: x.Now})
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

func (o *origin) Done(x *exchange.Exchange) {
	c, ok := x.Facts.Origin.Held.(*h1.Client)
	if !ok {
		return
	}
	x.Facts.Origin.Held = nil
	if !c.End(x) {
		c.Close()
		return
	}
	o.mu.Lock()
	o.kept = append(o.kept, c)
	o.mu.Unlock()
}

// proxy is a rig with an origin.
type proxy struct {
	*rig
	origin *origin
}

func (p proxy) Stop() {
	p.rig.stop()
	for _, c := range p.origin.kept {
		c.Close()
	}
	p.origin.kept = nil
}

func start(t testing.TB, o wiretest.Origin) wiretest.Proxy {
	to := &origin{dial: o.Dial}
	return proxy{serve(t, to), to}
}

// pipeProxy is proxy on pipes.
type pipeProxy struct{ proxy }

func (p pipeProxy) Client() (net.Conn, error) {
	near, far := bufferedPipe()
	p.serving.Go(func() { p.server.Serve(far, nil) })
	return near, nil
}

func startPipes(t testing.TB, o wiretest.Origin) wiretest.Proxy {
	to := &origin{dial: o.Dial}
	path := exchange.NewPath(render, gate{}, to)
	return pipeProxy{proxy{newRig(t, path.Run), to}}
}

// TestWitnesses runs the five witness stages between sockets.
func TestWitnesses(t *testing.T) { exchangetest.Witnesses(t, serveWitness) }

func serveWitness(t *testing.T, path *exchange.Path, request string) exchangetest.Result {
	t.Helper()
	over := make(chan bool, 1)
	r := serveHandler(t, func(x *exchange.Exchange) bool {
		complete := path.Run(x)
		over <- complete
		return complete
	})
	defer r.stop()
	h := r.client()
	fields, body := translate(request)
	id := h.Ask(body == "", fields...)
	if body != "" {
		h.Data(id, true, body)
	}
	a := h.Await(id)
	var status int
	fmt.Sscan(a.Status, &status)
	got := exchangetest.Result{Status: status, Body: a.Body, Complete: <-over && a.Ended && a.Reset == nil}
	h.Conn.Close()
	r.server.Drain()
	r.server.Wait() // the exchange is released then
	return got
}

// translate says a request of HTTP/1.1, written with LF, in fields of HTTP/2.
func translate(request string) (fields []string, body string) {
	head, body, _ := strings.Cut(request, "\n\n")
	line, rest, _ := strings.Cut(head, "\n")
	words := strings.Fields(line)
	fields = []string{":method", words[0], ":scheme", "http", ":path", words[1]}
	var behind []string
	for field := range strings.Lines(rest) {
		name, value, _ := strings.Cut(strings.TrimSuffix(field, "\n"), ": ")
		switch name = strings.ToLower(name); name {
		case "host":
			fields = append(fields, ":authority", value)
		case "transfer-encoding":
		default:
			behind = append(behind, name, value)
		}
	}
	return append(fields, behind...), body
}
