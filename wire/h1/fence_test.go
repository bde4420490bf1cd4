package h1_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"skerry.dev/skerry/exchange"
)

// bombBody panics when it is pulled.
type bombBody struct{ exchange.Body }

func (bombBody) Next() ([]byte, error) { panic("the body blew up") }

// bomb is a stage that wraps the request body in one.
type bomb struct{}

func (bomb) Name() string { return "bomb" }

func (bomb) Request(x *exchange.Exchange) exchange.Verdict {
	if x.Req.Body != nil {
		x.Req.Body = bombBody{x.Req.Body}
	}
	return exchange.Next
}

// sinkhole is an origin that reads and says nothing; whole counts requests that came to their end.
func sinkhole(t *testing.T, whole *atomic.Int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				if _, err := io.Copy(io.Discard, req.Body); err == nil {
					whole.Add(1)
					_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
				}
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func ask(t *testing.T, p *proxy, request string) (status int, err error) {
	t.Helper()
	c, err := p.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// TestPumpPanic: a panic in a request body that a pump pulls, outside the path's fence, fails that exchange alone.
func TestPumpPanic(t *testing.T) {
	var whole atomic.Int64
	origin := sinkhole(t, &whole)
	p := newProxy(func() (net.Conn, error) { return net.Dial("tcp", origin) }, bomb{})
	defer listen(t, p).Stop()
	status, err := ask(t, p, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	if err != nil || status != 500 {
		t.Errorf("got %d, %v; want 500", status, err)
	}
	if whole.Load() != 0 {
		t.Error("the origin got a whole request")
	}
	if status, err := ask(t, p, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil || status != 204 {
		t.Errorf("after it: got %d, %v; want 204", status, err)
	}
}

// TestConnectionFence: a panic outside every path ends its connection and is told; the others go on.
func TestConnectionFence(t *testing.T) {
	p := newProxy(func() (net.Conn, error) { return nil, io.EOF })
	told := make(chan string, 1)
	p.server.Panicked = func(what string) { told <- what }
	p.after = func(x *exchange.Exchange) {
		if string(x.Req.Path) == "/boom" {
			panic("the log blew up")
		}
	}
	defer listen(t, p).Stop()
	if status, err := ask(t, p, "GET /boom HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil || status == 0 {
		t.Errorf("the answer, which had been sent, was lost: %d, %v", status, err)
	}
	if what := <-told; !strings.HasPrefix(what, "the log blew up\n") || !strings.Contains(what, "fence_test.go") {
		t.Errorf("told %q, want the panic and where it was", what)
	}
	if status, err := ask(t, p, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil || status != 502 {
		t.Errorf("after it: got %d, %v; want 502", status, err)
	}
}
