package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
)

// rulesPatience is how long the origin waits for the edge to close. Nothing takes that long unless it is broken.
const rulesPatience = 10 * time.Second

// ruleless is a response that breaks the rules, or whose connection must not be used again for another reason.
type ruleless struct {
	name, response string
	ends           bool       // the origin closes after it
	kind           fault.Kind // as which it is counted
	head           bool       // the response head was good: the client has got it when the body breaks
	good           bool       // the whole answer is; only the connection is not kept
}

// rulesAreBroken is the table.
var rulesAreBroken = []ruleless{
	{name: "no HTTP", response: "\x16\x03\x01 what is this\r\n\r\n", kind: fault.OriginProtocol},
	{name: "nothing", ends: true, kind: fault.OriginClosed},
	{name: "half a head", response: "HTTP/1.1 200 OK\r\nContent-Le", ends: true, kind: fault.OriginClosed},
	{name: "two lengths", response: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!", kind: fault.OriginProtocol},
	{name: "a length that is no number", response: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", kind: fault.OriginProtocol},
	{name: "a bare LF", response: "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", kind: fault.OriginProtocol},
	{name: "folding", response: "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nhi", kind: fault.OriginProtocol},
	{name: "a space before the colon", response: "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", kind: fault.OriginProtocol},
	{name: "another version", response: "HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", kind: fault.OriginProtocol},
	{name: "a status of two digits", response: "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nhi", kind: fault.OriginProtocol},
	{name: "a coding that nobody asked for", response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", kind: fault.OriginProtocol},
	{name: "another protocol unasked", response: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", kind: fault.OriginProtocol},
	{name: "a head without end", response: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20), kind: fault.OriginHeadTooLarge},
	{name: "interim responses without end", response: strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000), kind: fault.OriginProtocol},
	{name: "a body that ends early", response: "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi", ends: true, kind: fault.OriginIncomplete, head: true},
	{name: "a chunk of no size", response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nx\r\n\r\n", kind: fault.OriginProtocol, head: true},
	{name: "chunks that end early", response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", ends: true, kind: fault.OriginIncomplete, head: true},
	{name: "a length and chunks", response: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", good: true},
	{name: "more than announced", response: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", good: true},
}

// TestBrokenRules: an origin that breaks the rules of responses gets its connection closed and never again a request over it; the
// client gets 502 and Proxy-Status, or sees that its body is not whole; and it is counted by kind.
func TestBrokenRules(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	b := openBehind(t, edge.Options{}, fmt.Sprintf(behindSpec, "", "  endpoints: [\"http://"+l.Addr().String()+"\"]\n  ejection: off\n"))
	for i, c := range rulesAreBroken {
		t.Run(c.name, func(t *testing.T) { c.run(t, b, l, i%3) })
	}
}

// one takes the next connection and answers its first request. What is left of the connection it returns.
func (c *ruleless) one(l net.Listener, response string) (conn net.Conn, r *bufio.Reader, err error) {
	if conn, err = l.Accept(); err != nil {
		return nil, nil, err
	}
	conn.SetDeadline(time.Now().Add(rulesPatience))
	r = bufio.NewReader(conn)
	q, err := http.ReadRequest(r)
	if err == nil {
		_, err = io.Copy(io.Discard, q.Body)
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	_, _ = io.WriteString(conn, response) // the edge may have closed before the end
	return conn, r, nil
}

func (c *ruleless) run(t *testing.T, b *behind, l net.Listener, way int) {
	counted := func() float64 { return b.total("skerry_endpoint_failures_total", "kind", c.kind.Name()) }
	all := func() float64 { return b.total("skerry_endpoint_failures_total") }
	had, hadAll := counted(), all()
	closed := make(chan error, 1)
	go func() {
		conn, r, err := c.one(l, c.response)
		if err == nil {
			defer conn.Close()
			if c.ends {
				conn.(*net.TCPConn).CloseWrite()
			}
			if n, _ := io.Copy(io.Discard, r); n > 0 { // until the edge closes, with or without a reset
				err = fmt.Errorf("%d bytes came on it after the answer", n)
			}
		}
		closed <- err
	}()
	r := b.ask(way, question{id: c.name[:1], method: "POST", body: "order"})
	switch {
	case c.good && (r.err != nil || r.status != 200 || r.body != "hi"):
		t.Errorf("%v %q, want a good answer", &r, r.body)
	case c.head && (r.err == nil || r.status != 200):
		t.Errorf("%v %q, want a body that breaks off", &r, r.body)
	case !c.good && !c.head:
		want := "error=" + c.kind.ProxyStatus()
		if got := r.fields.Get("Proxy-Status"); r.status != c.kind.Status() || !strings.Contains(got, want) {
			t.Errorf("%v, Proxy-Status %q; want %d, %s", &r, got, c.kind.Status(), want)
		}
	}
	if c.name == "more than announced" { // what came unasked is seen when the connection is to be used again
		go c.again(l)
		if r := b.ask(way, question{id: "next", method: "POST", body: "order"}); r.status != 200 || r.body != "fine" {
			t.Errorf("%v %q on the next request", &r, r.body)
		}
	}
	if err := <-closed; err != nil {
		t.Errorf("the connection: %v", err)
	}
	if !c.good {
		b.until("it is counted as "+c.kind.Name(), func() bool { return counted() == had+1 })
	}
	if n := all() - hadAll; !c.good && n != 1 || c.good && n != 0 {
		t.Errorf("%.0f failures are counted", n)
	}
	go c.again(l)
	if r := b.ask(way, question{id: "last", method: "POST", body: "order"}); r.status != 200 || r.body != "fine" {
		t.Errorf("%v %q on a new connection", &r, r.body)
	}
}

// again is the origin behaving well, once.
func (c *ruleless) again(l net.Listener) {
	if conn, _, err := c.one(l, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine"); err == nil {
		conn.Close()
	}
}
