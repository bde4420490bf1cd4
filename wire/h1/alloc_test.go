//go:build !race && !poison

// With -race a sync.Pool forgets at random, and poison allocates: neither says anything about allocations or speed.

package h1

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire"
)

// browserGet is what a browser sends for a page.
var browserGet = []byte("GET /shop/item?id=4711&from=search HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Referer: https://shop.example.com/search?q=island\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n" +
	"Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nPriority: u=0, i\r\n\r\n")

var pageHead = []byte("HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sun, 22 Nov 2026 06:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 1024\r\n" +
	"Connection: keep-alive\r\nCache-Control: max-age=60\r\nETag: \"6921-400\"\r\nVary: Accept-Encoding\r\nLast-Modified: Sat, 21 Nov 2026 06:00:00 GMT\r\n\r\n")

// headRoundTrip parses a request, writes it for an origin, parses a response and writes it for the client.
func headRoundTrip(t testing.TB, c *serverConn, out []byte) {
	x := exchange.Acquire()
	x.Sink, x.Now = c, now
	if err := parseRequest(browserGet, x, &c.frame); err != nil {
		t.Fatal(err)
	}
	out = appendRequest(out[:0], x, &wire.Request{Host: x.Req.Authority, Path: x.Req.Path})
	if _, err := parseResponse(pageHead, &x.Resp, &all, &c.frame); err != nil {
		t.Fatal(err)
	}
	w := bodyWriter{}
	c.appendHead(x, out[:0], &w)
	x.Release()
}

var (
	now = time.Now()
	all exchange.Fields
)

// TestNoAllocations: heads cost no allocation on warm buffers.
func TestNoAllocations(t *testing.T) {
	c, out := &serverConn{server: &Server{}}, make([]byte, 0, outBytes)
	headRoundTrip(t, c, out)
	if n := testing.AllocsPerRun(1000, func() { headRoundTrip(t, c, out) }); n != 0 {
		t.Errorf("%v allocations for two heads in and two out, want 0", n)
	}
}

// TestRefusalNoAllocations: nor does refusing one.
func TestRefusalNoAllocations(t *testing.T) {
	c := &serverConn{server: &Server{}}
	for _, head := range []string{"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n"} {
		b := []byte(head)
		f := func() {
			x := exchange.Acquire()
			if _, err := headEnd(b, 0); err == nil && parseRequest(b, x, &c.frame) == nil {
				t.Errorf("%q is accepted", head)
			}
			x.Release()
		}
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%.40q: %v allocations", head, n)
		}
	}
}

func BenchmarkParseRequest(b *testing.B) {
	var f framing
	b.SetBytes(int64(len(browserGet)))
	b.ReportAllocs()
	for b.Loop() {
		x := exchange.Acquire()
		if err := parseRequest(browserGet, x, &f); err != nil {
			b.Fatal(err)
		}
		x.Release()
	}
}

// BenchmarkReferenceReadRequest is net/http on the same bytes.
func BenchmarkReferenceReadRequest(b *testing.B) {
	src := bytes.NewReader(nil)
	r := bufio.NewReader(nil)
	for b.Loop() {
		src.Reset(browserGet)
		r.Reset(src)
		if _, err := http.ReadRequest(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	var resp exchange.Response
	var f framing
	b.SetBytes(int64(len(pageHead)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseResponse(pageHead, &resp, &all, &f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendHead(b *testing.B) {
	c, out := &serverConn{server: &Server{}}, make([]byte, 0, outBytes)
	x := exchange.Acquire()
	defer x.Release()
	x.Req.Minor, x.Now = 1, now
	if _, err := parseResponse(pageHead, &x.Resp, &all, &c.frame); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w := bodyWriter{}
		c.appendHead(x, out[:0], &w)
	}
}
