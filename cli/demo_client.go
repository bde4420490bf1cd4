package cli

import (
	"io"
	"net"
	"strings"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
)

// demoClient is one connection to the edge of the demo. It is made anew after the edge has closed it.
type demoClient struct {
	addr string
	conn *h1.Client
}

// answer is what a demoClient got.
type answer struct {
	status int
	fields map[string]string // by name in lower case
	body   string
}

// get asks for a path of a host; accept may be empty.
func (c *demoClient) get(host, path, accept string) (answer, error) {
	if c.conn == nil {
		raw, err := net.DialTimeout("tcp", c.addr, demoPatience)
		if err != nil {
			return answer{}, err
		}
		c.conn = h1.NewClient(transport.New(raw))
	}
	x := exchange.Acquire()
	defer x.Release()
	x.Now = time.Now()
	x.Req.Method, x.Req.MethodName = exchange.MethodGet, []byte("GET")
	x.Req.Fields.AddNamed([]byte("User-Agent"), []byte("skerry-demo"))
	if accept != "" {
		x.Req.Fields.AddNamed([]byte("Accept"), []byte(accept))
	}
	a, err := c.exchange(x, &h1.Request{Host: []byte(host), Path: []byte(path), Patience: demoPatience, FirstByte: demoPatience, Now: x.Now})
	if !c.conn.End(x) {
		c.close()
	}
	return a, err
}

func (c *demoClient) exchange(x *exchange.Exchange, q *h1.Request) (a answer, err error) {
	if _, err := c.conn.Send(x, q); err != nil {
		return a, err
	}
	if err := c.conn.Receive(x); err != nil {
		return a, err
	}
	a.status, a.fields = x.Resp.Status, map[string]string{}
	for _, f := range x.Resp.Fields {
		a.fields[strings.ToLower(string(f.Name))] = string(f.Value)
	}
	var body []byte
	for x.Resp.Body != nil {
		view, err := x.Resp.Body.Next()
		body = append(body, view...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return a, err
		}
	}
	a.body = string(body)
	return a, nil
}

func (c *demoClient) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
