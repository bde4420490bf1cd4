package h1_test

import (
	"io"
	"net"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/wiretest"
)

// TestClientGone: a client that leaves while the origin is silent, before its head or within its body, ends the request at
// the origin.
func TestClientGone(t *testing.T) {
	over := make(chan fault.Kind, 8)
	with := func(t testing.TB, o wiretest.Origin) wiretest.Proxy {
		p := newProxy(o.Dial)
		p.after = func(x *exchange.Exchange) { over <- fault.Of(x.Cause) }
		return listen(t, p)
	}
	f := func(name string, script ...wiretest.Step) {
		t.Run(name, func(t *testing.T) {
			wiretest.NewRig(t, with).Play(script...)
			if kind := <-over; kind != fault.ClientGone {
				t.Errorf("ended as %s", kind.Name())
			}
		})
	}
	f("before the head", send(get), arrives(get), wiretest.ClientHangsUp(), originClosed())
	post := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	f("after a body in chunks", send(post), arrives(post), wiretest.ClientHangsUp(), originClosed())
	head := "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
	f("within the body", send(get), arrives(get), answer(head), gets(head), wiretest.ClientHangsUp(), originClosed())
	large := "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc"
	f("within a large body", send(get), arrives(get), answer(large), gets(large), wiretest.ClientHangsUp(), originClosed())
}

// late is a stage that is long in coming to its end.
type late struct{}

func (late) Name() string { return "late" }

func (late) Request(x *exchange.Exchange) exchange.Verdict {
	x.Now = x.Now.Add(-time.Second)
	return exchange.Next
}

// TestSentLate: a request that was held up for longer than an origin may be silent before somebody looks after its client
// is sent nevertheless, on a new connection and on a kept one.
func TestSentLate(t *testing.T) {
	with := func(t testing.TB, o wiretest.Origin) wiretest.Proxy { return listen(t, newProxy(o.Dial, late{})) }
	fine := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	wiretest.NewRig(t, with).Play(send(get), arrives(get), answer(fine), gets(fine), send(get), arrives(get), answer(fine), gets(fine))
}

// TestShed: of connections that wait for a head, the one that has waited longest goes; one in an exchange never does.
func TestShed(t *testing.T) {
	begun := make(begun, 8)
	p := newProxy(nil, begun, echo{})
	listen(t, p)
	defer p.Stop()
	if p.server.Shed(time.Now()) {
		t.Error("something was shed where nothing is")
	}
	busy := exchanging(t, p, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nab") // its body stays away
	<-begun
	slow, far := net.Pipe() // which says when something was read
	defer slow.Close()
	p.serving.Go(func() { p.server.Serve(far, nil) })
	if _, err := io.WriteString(slow, "GET / HT"); err != nil {
		t.Fatal(err)
	}
	idle := exchanging(t, p, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nab")
	if _, err := io.ReadAtLeast(idle, make([]byte, 500), 30); err != nil {
		t.Fatal(err)
	}
	for by := time.Now().Add(20 * time.Second); p.server.Waiting() != 2; time.Sleep(time.Millisecond) { // its exchange is over a moment later
		if time.Now().After(by) {
			t.Fatalf("%d connections wait for a head", p.server.Waiting())
		}
	}
	if p.server.Shed(time.Now().Add(-time.Hour)) {
		t.Error("something was shed that does not wait for so long")
	}
	ends := func(name string, c net.Conn) {
		t.Helper()
		if !p.server.Shed(time.Now()) {
			t.Errorf("%s: nothing was shed", name)
		}
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("%s: %v, want a clean end", name, err)
		}
	}
	ends("a slow head", slow)
	ends("an idle connection", idle)
	if _, err := io.WriteString(busy, "cde"); err != nil {
		t.Fatal(err)
	}
	if n, err := io.ReadAtLeast(busy, make([]byte, 500), 30); err != nil {
		t.Errorf("the busy connection: %d bytes, %v", n, err)
	}
}

// TestHandshakeOnPlain: a TLS client on a plain port is told at once; it would wait for us.
func TestHandshakeOnPlain(t *testing.T) {
	wiretest.NewRig(t, start).Play(send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), gets(edge(400)), clientClosed())
}

// begun is a stage that tells of each exchange.
type begun chan struct{}

func (begun) Name() string { return "begun" }

func (b begun) Request(*exchange.Exchange) exchange.Verdict {
	b <- struct{}{}
	return exchange.Next
}

// exchanging opens a connection and sends something.
func exchanging(t *testing.T, p *proxy, text string) net.Conn {
	t.Helper()
	c, err := p.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}
