//go:build !race && !poison

package edge_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
)

// fixed is an origin that answers each request head with the same bytes and allocates nothing.
func fixed(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := []byte(answer)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 16<<10)
				for {
					n, err := c.Read(b)
					if err != nil || !bytes.HasSuffix(b[:n], []byte("\r\n\r\n")) {
						return
					}
					if _, err := c.Write(out); err != nil {
						return
					}
				}
			}()
		}
	}()
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String()
}

// TestNoAllocations: a whole exchange on a warm connection (parse, match, the stages of profile website with header
// edits, the origin, the answer, metrics and log) allocates nothing.
func TestNoAllocations(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\nServer: o\r\nDate: Sun, 22 Nov 2026 06:34:38 GMT\r\nX-Powered-By: x\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024)
	// The reference engine, which judges a sample off the path, allocates.
	e, addr := start(t, edge.Options{Log: io.Discard}, fmt.Sprintf(released, fixed(t, answer), 1, 1)+"  waf: {shadow: 0}\n")
	defer e.Drain()
	defer e.Hurry()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	request := []byte("GET /cart?x=1 HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: test\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n" +
		"Cookie: a=b; c=d\r\nX-Forwarded-For: 1.2.3.4\r\nConnection: keep-alive\r\n\r\n")
	b := make([]byte, 16<<10)
	ask := func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		got := 0
		for end := 0; end == 0 || got < end+1024; {
			n, err := c.Read(b[got:])
			if err != nil {
				t.Fatal(err)
			}
			got += n
			if i := bytes.Index(b[:got], []byte("\r\n\r\n")); i > 0 {
				end = i + 4
			}
		}
	}
	for range 200 {
		ask()
	}
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 200 ")) || !bytes.Contains(b, []byte("\r\nX-Release: 1\r\n")) {
		t.Fatalf("got %.300s", b)
	}
	// The Date line is made once a second, and the log's writer wakes now and then: less than one in twenty exchanges.
	if n := testing.AllocsPerRun(2000, ask); n != 0 {
		t.Errorf("%v allocations per exchange, want none", n)
	}
}
