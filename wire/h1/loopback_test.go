//go:build !race && !poison

// With -race a sync.Pool forgets at random, and poison allocates: neither says anything about allocations or speed.

package h1_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"skerry.dev/skerry/wire/wiretest"
)

// loopback is a warm chain of client, proxy and origin over loopback connections, all of it without allocations of its
// own: what is measured is the proxy's.
type loopback struct {
	proxy    wiretest.Proxy
	client   net.Conn
	listener net.Listener
	ended    chan struct{}
	request  []byte
	answer   []byte // of the origin
	gets     int    // bytes that the client gets for it
	in       []byte
}

func newLoopback(t testing.TB, request, answer string) *loopback {
	l := &loopback{ended: make(chan struct{}), request: []byte(request), answer: []byte(answer), in: make([]byte, 256<<10)}
	var err error
	if l.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	go l.origin()
	l.proxy = start(t, wiretest.Origin{Dial: func() (net.Conn, error) { return net.Dial("tcp", l.listener.Addr().String()) }})
	if l.client, err = l.proxy.Client(); err != nil {
		t.Fatal(err)
	}
	l.client.Write(l.request)
	l.measure(t)
	for range 100 {
		l.exchange(t)
	}
	return l
}

// origin answers each request without a body on one connection.
func (l *loopback) origin() {
	defer close(l.ended)
	c, err := l.listener.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	in := make([]byte, 64<<10)
	for {
		n := 0
		for !bytes.HasSuffix(in[:n], []byte("\r\n\r\n")) {
			m, err := c.Read(in[n:])
			if err != nil {
				return
			}
			n += m
		}
		if _, err := c.Write(l.answer); err != nil {
			return
		}
	}
}

// measure reads the first answer, whose head shows how long the others are.
func (l *loopback) measure(t testing.TB) {
	body := len(l.answer) - bytes.Index(l.answer, []byte("\r\n\r\n")) - 4
	n := 0
	for {
		m, err := l.client.Read(l.in[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
		if end := bytes.Index(l.in[:n], []byte("\r\n\r\n")); end >= 0 && n >= end+4+body {
			l.gets = n
			return
		}
	}
}

func (l *loopback) exchange(t testing.TB) {
	if _, err := l.client.Write(l.request); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(l.client, l.in[:l.gets]); err != nil {
		t.Fatal(err)
	}
}

func (l *loopback) close() {
	l.client.Close()
	l.proxy.Stop()
	l.listener.Close()
	<-l.ended
}

const fields = "Server: o\r\nContent-Type: text/plain\r\nDate: Sun, 22 Nov 2026 06:00:00 GMT\r\n"

var (
	page1KB   = "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 1024\r\n\r\n" + strings.Repeat("a", 1024)
	page100KB = "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 102400\r\n\r\n" + strings.Repeat("a", 100<<10)
)

// TestExchangeAllocations: a whole exchange through sockets allocates nothing once everything is warm.
func TestExchangeAllocations(t *testing.T) {
	f := func(name, answer string) {
		l := newLoopback(t, get, answer)
		defer l.close()
		if n := testing.AllocsPerRun(500, func() { l.exchange(t) }); n != 0 {
			t.Errorf("%s: %v allocations per exchange, want 0", name, n)
		}
	}
	f("1 KB", page1KB)
	f("100 KB", page100KB)
	f("1 KB with Keep-Alive", strings.Replace(page1KB, "\r\n", "\r\nKeep-Alive: timeout=5, max=100\r\n", 1))
}

func BenchmarkExchange(b *testing.B) {
	f := func(name, answer string) {
		b.Run(name, func(b *testing.B) {
			l := newLoopback(b, get, answer)
			defer l.close()
			b.ReportAllocs()
			for b.Loop() {
				l.exchange(b)
			}
		})
	}
	f("1KB", page1KB)
	f("100KB", page100KB)
}
