package limit_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/limit"
	"skerry.dev/skerry/wire/h1"
)

// edge is a server of HTTP/1.1 with a limit stage in front of an origin that reads the body and answers with its size.
type edge struct {
	server h1.Server
	asked  int   // how often the origin was
	size   int64 // of the last body, as the origin was told
	broken error // how the last body broke off
	served chan struct{}
	client net.Conn
	answer *bufio.Reader

	mu   sync.Mutex
	last seen
}

// seen is what the origin saw.
type seen struct {
	asked  int   // how often it was
	size   int64 // of the last body, as it was told
	broken error // how the last body broke off
}

func (e *edge) seen() seen {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

func newEdge(t *testing.T, s *limit.Stage) *edge {
	e := &edge{served: make(chan struct{})}
	path := exchange.NewPath(exchangetest.RenderText, s, &exchangetest.Origin{Answer: e.origin})
	e.server.Handler = func(x *exchange.Exchange) bool { return path.Run(x) }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if e.client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	go func() { defer close(e.served); e.server.Serve(c, nil) }()
	e.answer = bufio.NewReader(e.client)
	t.Cleanup(func() {
		e.client.Close()
		<-e.served
	})
	return e
}

// origin reads the body beside the exchange's goroutine, as a pump does.
func (e *edge) origin(x *exchange.Exchange) exchange.Verdict {
	var text string
	var size int64
	var broken error
	if b := x.Req.Body; b != nil {
		size = b.Size()
		x.Go(func() { text, broken = readAll(b) })
		x.Join()
	}
	e.mu.Lock()
	e.last = seen{e.last.asked + 1, size, broken}
	e.mu.Unlock()
	if broken != nil {
		return x.Fail(broken)
	}
	x.Answer(200)
	x.Resp.Body = x.InMemory(fmt.Appendf(nil, "%d bytes", len(text)))
	return exchange.Respond
}

// send writes and, if want is not empty, reads an answer.
func (e *edge) send(t *testing.T, request, want string) *http.Response {
	t.Helper()
	if _, err := io.WriteString(e.client, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	if want == "" {
		return nil
	}
	r, err := http.ReadResponse(e.answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if got := fmt.Sprintf("%d %s", r.StatusCode, body); got != want || err != nil {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	return r
}

const chunked = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n"

// chunks is data as chunks of at most a thousand bytes, without the last one.
func chunks(data string) string {
	var b strings.Builder
	for len(data) > 0 {
		n := min(1000, len(data))
		fmt.Fprintf(&b, "%x\n%s\n", n, data[:n])
		data = data[n:]
	}
	return b.String()
}

func TestSmallLimitOnTheWire(t *testing.T) {
	e := newEdge(t, bounded(t, 50_000))
	e.send(t, chunked+"\n"+chunks(strings.Repeat("x", 49_000)), "")
	e.send(t, chunks(strings.Repeat("y", 1000))+"0\n\n", "200 50000 bytes")
	if o := e.seen(); o.asked != 1 || o.size != 50_000 {
		t.Errorf("the origin was asked %d times and told of %d bytes", o.asked, o.size)
	}
	e.send(t, chunked+"Expect: 100-continue\n\n", "100 ")
	e.send(t, chunks("abc")+"0\n\n", "200 3 bytes")
	e.send(t, chunked+"\n"+chunks(strings.Repeat("x", 50_001))+"0\n\n", "413 fault body_too_large")
	e.send(t, "POST / HTTP/1.1\nHost: a\nContent-Length: 50001\n\n"+strings.Repeat("x", 50_001), "413 fault body_too_large")
	e.send(t, "POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc", "200 3 bytes")
	e.send(t, chunked+"\n3\nabcXY", "400 fault bad_framing")
	if o := e.seen(); o.asked != 3 {
		t.Errorf("the origin was asked %d times, want 3: what is too large or malformed must not reach it", o.asked)
	}
}

// A malformed chunk that came with the head reaches no origin, though the limit leaves the body to be streamed.
func TestMalformedUnderALargeLimit(t *testing.T) {
	e := newEdge(t, bounded(t, 1<<20))
	e.send(t, chunked+"\n3\nabc\nZZ\n", "400 fault bad_framing")
	if o := e.seen(); o.asked != 0 {
		t.Errorf("the origin was asked %d times", o.asked)
	}
}

// A client that announces too much and waits for 100 hears 413 and never sends.
func TestRefusedBefore100(t *testing.T) {
	e := newEdge(t, bounded(t, 1000))
	r := e.send(t, "POST / HTTP/1.1\nHost: a\nContent-Length: 1001\nExpect: 100-continue\n\n", "413 fault body_too_large")
	if o := e.seen(); o.asked != 0 || !r.Close {
		t.Errorf("the origin was asked %d times, connection closed: %v", o.asked, r.Close)
	}
}

func TestLargeLimitOnTheWire(t *testing.T) {
	e := newEdge(t, bounded(t, 200_000))
	e.send(t, chunked+"\n"+chunks("abc")+"0\n\n", "200 3 bytes")
	if o := e.seen(); o.size != 3 {
		t.Errorf("of a body that came with its head the origin was told %d bytes", o.size)
	}
	e.send(t, chunked+"\n"+chunks(strings.Repeat("x", 200_000))+"0\n\n", "200 200000 bytes")
	if o := e.seen(); o.size != -1 {
		t.Errorf("of a large body the origin was told %d bytes", o.size)
	}
	e.send(t, chunked+"\n"+chunks(strings.Repeat("x", 200_001))+"0\n\n", "413 fault body_too_large")
	if o := e.seen(); o.asked != 3 || fault.Of(o.broken) != fault.BodyTooLarge {
		t.Errorf("the origin was asked %d times, and the body broke off with %v", o.asked, o.broken)
	}
}

// The same bytes come out whatever packets they come in.
func TestPackets(t *testing.T) {
	e := newEdge(t, bounded(t, 100_000))
	e.client.(*net.TCPConn).SetNoDelay(true)
	request := []byte(strings.ReplaceAll(chunked+"\n"+chunks(strings.Repeat("z", 5000))+"0\nChecksum: 1\n\n", "\n", "\r\n"))
	for size := 1; size < len(request); size = size*3 + 1 {
		for rest := request; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if _, err := io.Copy(e.client, bytes.NewReader(rest[:min(size, len(rest))])); err != nil {
				t.Fatal(err)
			}
		}
		e.send(t, "", "200 5000 bytes")
	}
}
