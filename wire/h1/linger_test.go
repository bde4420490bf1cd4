package h1_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/transport"
)

// heldBytes is the size of an answer that stays in the kernel for a client that is slow to take it.
const heldBytes = 512 << 10

// pages is a stage that answers by itself.
type pages struct{}

func (pages) Name() string { return "pages" }

func (pages) Request(x *exchange.Exchange) exchange.Verdict {
	x.Answer(200)
	switch string(x.Req.Path) {
	case "/held":
		x.Resp.Body = x.InMemory(make([]byte, heldBytes))
	case "/cut":
		x.Resp.Body = &cutBody{x.InMemory(make([]byte, 100))}
	case "/refused":
		return x.Fail(fault.New(fault.BodyTooLarge, "a test refuses it"))
	case "/none":
		return exchange.Abort
	}
	return exchange.Respond
}

// cutBody is longer than what comes of it.
type cutBody struct{ exchange.Body }

func (b *cutBody) Size() int64 { return b.Body.Size() + 1 }

// TestAnswerSurvivesClose: an answer that the client has not taken yet is not destroyed by the end of its connection, whatever the
// connection ends for and whatever the client has sent, or sends, beyond what is answered (RFC 9112 section 9.6).
func TestAnswerSurvivesClose(t *testing.T) {
	const held = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n"
	more := strings.Repeat(held, 3000) // more than a connection's buffer holds
	f := func(name, requests string, exchanges int, end func(p *proxy)) {
		for _, secure := range []bool{false, true} {
			for _, raw := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/tls=%v,raw=%v", name, secure, raw), func(t *testing.T) {
					transport.UseRaw(raw)
					defer transport.UseRaw(true)
					survives(t, secure, requests, exchanges, end)
				})
			}
		}
	}
	none := func(*proxy) {}
	f("an answer breaks off", held+"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n", 2, none)
	f("an answer breaks off before requests", held+"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n"+more, 2, none)
	f("no answer comes", held+"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", 2, none)
	f("no answer comes before requests", held+"GET /none HTTP/1.1\r\nHost: a\r\n\r\n"+more, 2, none)
	f("a body is refused", held+"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"+more, 2, none)
	f("a large body is refused", held+"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"+strings.Repeat(" ", 2_000_000)+more, 2, none)
	f("a head is refused", held+"GET / HTTP/1.1\r\n\r\n"+more, 2, none)
	f("the client asks for the end", held+"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"+more, 2, none)
	f("the server drains", held, 1, func(p *proxy) { p.server.Drain() })
}

// survives sends requests, of which some are answered before the connection ends, then more bytes after that, and only then reads.
func survives(t *testing.T, secure bool, requests string, exchanges int, end func(p *proxy)) {
	over := make(chan struct{}, exchanges)
	p := newProxy(nil, pages{})
	p.after = func(*exchange.Exchange) { over <- struct{}{} }
	p.server.Timeouts.Drain = 20 * time.Second // a client on a busy machine may be slower than those of whom a second is enough
	client := slowClient(t, p, secure)
	defer p.Stop()
	defer client.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(client, requests)
	}()
	for range exchanges {
		<-over
	}
	end(p)
	<-sent
	for range 30 { // a reset answers what comes after the end, and is there before the answer is read
		time.Sleep(time.Millisecond)
		_, _ = io.WriteString(client, "GET /late")
	}
	in := bufio.NewReader(client)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != heldBytes || err != nil {
		t.Errorf("%d bytes, %v; want %d", n, err, heldBytes)
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Errorf("behind the answer: %v, want a clean end", err)
	}
}

// slowClient is a connection over which the kernel holds what its client does not take, part of it on the server's side.
func slowClient(t *testing.T, p *proxy, secure bool) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if !secure {
		p.serving.Go(func() { p.server.Serve(far, nil) })
		return near
	}
	server := tls.Server(transport.Under(far), &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	client := tls.Client(near, &tls.Config{InsecureSkipVerify: true})
	p.serving.Go(func() {
		if server.Handshake() == nil {
			p.server.Serve(server, &exchange.TLS{})
		}
	})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	return client
}
