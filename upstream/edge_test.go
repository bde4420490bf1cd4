package upstream_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
	"skerry.dev/skerry/wire/h1"
)

// edge is a stage behind an HTTP/1.1 server, for clients over TCP. What it noted about a request is found by its X-Ask.
type edge struct {
	*rig
	t        testing.TB
	server   h1.Server
	listener net.Listener
	serving  sync.WaitGroup
	asks     atomic.Int64
	clients  sync.Map // X-Ask: *client
}

// note is what is known of an exchange when it is over.
type note struct {
	exchange.OriginFacts
	cause error
}

// kind is what the exchange ended with; Internal stands for nothing.
func (n note) kind() fault.Kind { return fault.Of(n.cause) }

// reasons are those of the tries, and of the one that was not made behind a bar.
func (n note) reasons() string {
	s := string(exchange.AppendReasons(nil, n.Reasons[:]))
	if n.Refused != exchange.ReasonNone {
		s += "|" + n.Refused.String()
	}
	return s
}

// noter is a stage before upstream that takes the notes.
type noter struct{ e *edge }

func (noter) Name() string { return "noter" }
func (n noter) Request(x *exchange.Exchange) exchange.Verdict {
	if c := n.of(x); c != nil {
		close(c.begun)
	}
	return exchange.Next
}
func (n noter) Done(x *exchange.Exchange) {
	if c := n.of(x); c != nil {
		c.notes <- note{x.Facts.Origin, x.Cause}
	}
}

// of is the client whose exchange it is.
func (n noter) of(x *exchange.Exchange) *client {
	c, _ := n.e.clients.Load(string(x.Req.Sent.Find([]byte("X-Ask"))))
	found, _ := c.(*client)
	return found
}

// newEdge starts a server in front of services. Stages of between stand before upstream, and see its answers after it.
func newEdge(t testing.TB, o upstream.Options, p *spec.Policy, to []spec.Weighted, between ...exchange.Stage) *edge {
	t.Helper()
	e := &edge{rig: newRigOf(t, o, p, to...), t: t}
	stages := append(append([]exchange.Stage{noter{e}}, between...), e.stage)
	e.server.Handler = exchange.NewPath(func(x *exchange.Exchange) { x.Resp.Status = fault.Of(x.Fault).Status() }, stages...).Run
	var err error
	if e.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	e.serving.Go(func() {
		for {
			c, err := e.listener.Accept()
			if err != nil {
				return
			}
			e.serving.Go(func() { e.server.Serve(c, nil) })
		}
	})
	t.Cleanup(func() {
		e.listener.Close()
		e.server.Close()
		e.serving.Wait()
	})
	return e
}

// ordered puts endpoints into an order of preference: the first is asked first, the others after it.
func ordered(name string, addrs ...string) *spec.Service {
	s := service(name, addrs...)
	for i := range s.Endpoints {
		s.Endpoints[i].Region = "there"
	}
	s.Endpoints[0].Region = "here"
	s.RetryBudget = spec.RetryBudget{Share: 1, PerSecond: 1000}
	return s
}

// here is the options of an edge that prefers the first endpoint of ordered.
var here = upstream.Options{Region: "here"}

// client is a client's connection that has sent a request.
type client struct {
	t     testing.TB
	conn  net.Conn
	in    *bufio.Reader
	ask   string
	sent  *http.Request // for who reads the answer
	begun chan struct{} // closed when the exchange has begun
	notes chan note
	body  string // that waits for 100
}

// reply is what a client got.
type reply struct {
	status  int
	body    string
	header  http.Header
	trailer http.Header
	err     error // of the body
}

// send sends "METHOD /path", fields of "Name: value", an empty string and the body. A body goes with its length, after 100 if
// the fields expect it; one whose fields have a coding goes as it is.
func (e *edge) send(line string, fields ...string) *client {
	e.t.Helper()
	conn, err := net.Dial("tcp", e.listener.Addr().String())
	if err != nil {
		e.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(time.Minute))
	c := &client{t: e.t, conn: conn, in: bufio.NewReader(conn), ask: fmt.Sprint(e.asks.Add(1)), begun: make(chan struct{}), notes: make(chan note, 1)}
	method, _, _ := strings.Cut(line, " ")
	c.sent = &http.Request{Method: method}
	e.clients.Store(c.ask, c)
	var head strings.Builder
	fmt.Fprintf(&head, "%s HTTP/1.1\r\nHost: a\r\nX-Ask: %s\r\n", line, c.ask)
	raw, expects := false, false
	for i, f := range fields {
		if f == "" {
			c.body = strings.Join(fields[i+1:], "")
			break
		}
		raw = raw || strings.HasPrefix(f, "Transfer-Encoding:")
		expects = expects || strings.HasPrefix(f, "Expect:")
		head.WriteString(f + "\r\n")
	}
	if c.body != "" && !raw {
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(c.body))
	}
	head.WriteString("\r\n")
	if !expects {
		head.WriteString(c.body)
		c.body = ""
	}
	if _, err := io.WriteString(conn, head.String()); err != nil {
		e.t.Error(err)
	}
	return c
}

// get reads the answer and waits until the exchange is over.
func (c *client) get() (reply, note) {
	c.t.Helper()
	defer c.conn.Close()
	var r reply
	for {
		res, err := http.ReadResponse(c.in, c.sent)
		if err != nil {
			r.err = err
			break
		}
		if res.StatusCode == 100 {
			io.WriteString(c.conn, c.body)
			continue
		}
		if res.StatusCode < 200 && res.StatusCode != 101 {
			continue
		}
		r.status, r.header = res.StatusCode, res.Header
		if res.StatusCode != 101 {
			var body []byte
			body, r.err = io.ReadAll(res.Body)
			r.body, r.trailer = string(body), res.Trailer
		}
		break
	}
	return r, c.note()
}

// leave hangs up and waits until the exchange is over.
func (c *client) leave() note {
	c.t.Helper()
	c.conn.Close()
	return c.note()
}

func (c *client) note() note {
	c.t.Helper()
	select {
	case n := <-c.notes:
		return n
	case <-time.After(time.Minute):
		c.t.Error("the exchange is not over")
		return note{}
	}
}

// do is send and get.
func (e *edge) do(line string, fields ...string) (reply, note) {
	e.t.Helper()
	return e.send(line, fields...).get()
}

// idle reports what is not as it must be when every exchange is over: open requests, and connections that nobody keeps.
func (e *edge) idle() (wrong string) {
	for _, v := range e.keep.Pools() {
		if v.Open != 0 {
			wrong += fmt.Sprintf("service %s: %d open requests; ", v.Service, v.Open)
		}
		for _, p := range v.Endpoints {
			if p.Open != 0 || p.Connections != p.Kept {
				wrong += fmt.Sprintf("%s: %d open requests, %d connections, %d kept; ", p.Address, p.Open, p.Connections, p.Kept)
			}
		}
	}
	return wrong
}

// settled waits until everything is given back.
func (e *edge) settled() {
	e.t.Helper()
	eventually(e.t, "everything is given back", func() bool { return e.idle() == "" }, e.idle)
}

// eventually waits for what comes from elsewhere, and cannot be awaited.
func eventually(t testing.TB, what string, f func() bool, say ...func() string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			for _, more := range say {
				what += ": " + more()
			}
			t.Fatal("not after 10 s: " + what)
		}
	}
}

// value is that of a series, 0 if there is none; labels are name, value pairs.
func (r *rig) value(name string, labels ...string) float64 {
	for _, m := range r.set.All() {
		if m.Name != name || len(m.Labels) != len(labels)/2 {
			continue
		}
		same := true
		for i, l := range m.Labels {
			same = same && l.Name == labels[2*i] && l.Value == labels[2*i+1]
		}
		switch {
		case !same:
		case m.Counter != nil:
			return float64(m.Counter.Value())
		case m.Gauge != nil:
			return float64(m.Gauge.Value())
		case m.Func != nil:
			return m.Func()
		}
	}
	return 0
}
