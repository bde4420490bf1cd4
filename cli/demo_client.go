package cli

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
)

// demoClient is one connection to the edge of the demo. It is made anew after the edge has closed it.
type demoClient struct {
	stage *demoStage
	plain bool // HTTP, not HTTPS
	host  string
	agent string // its User-Agent
	conn  *h1.Client
}

// client returns a client of a host that trusts the local CA.
func (s *demoStage) client(host string) *demoClient {
	return &demoClient{stage: s, host: host, agent: "skerry-demo"}
}

// crowd sends n requests at once, each on a connection of its own. One that got no answer has status 0.
func (s *demoStage) crowd(n int, host, path, agent string) <-chan answer {
	answers := make(chan answer, n)
	for range n {
		go func() {
			c := s.client(host)
			c.agent = agent
			defer c.close()
			a, err := c.get(path)
			if err != nil {
				a.status = 0
			}
			answers <- a
		}()
	}
	return answers
}

// answer is what a demoClient got.
type answer struct {
	status int
	fields map[string]string // by name in lower case
	body   string
}

// dial connects, and shakes hands as a browser does.
func (c *demoClient) dial() (net.Conn, error) {
	addr := c.stage.https
	if c.plain {
		addr = c.stage.http
	}
	raw, err := net.DialTimeout("tcp", addr, demoPatience)
	if err != nil || c.plain {
		return raw, err
	}
	t := tls.Client(raw, &tls.Config{ServerName: c.host, RootCAs: c.stage.roots, NextProtos: []string{"http/1.1"}})
	ctx, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return t, nil
}

// url is what a path of the client's host is called.
func (c *demoClient) url(path string) string {
	if c.plain {
		return "http://" + c.authority() + path
	}
	return "https://" + c.authority() + path
}

func (c *demoClient) authority() string {
	addr := c.stage.https
	if c.plain {
		addr = c.stage.http
	}
	_, port, _ := net.SplitHostPort(addr) // it is one of ours
	return net.JoinHostPort(c.host, port)
}

// get asks for a path; fields are names and values in turn.
func (c *demoClient) get(path string, fields ...string) (answer, error) {
	if c.conn == nil {
		raw, err := c.dial()
		if err != nil {
			return answer{}, err
		}
		c.conn = h1.NewClient(transport.New(raw))
	}
	x := exchange.Acquire()
	defer x.Release()
	x.Now = time.Now()
	x.Req.Method, x.Req.MethodName = exchange.MethodGet, []byte("GET")
	x.Req.Fields.AddNamed([]byte("User-Agent"), []byte(c.agent))
	for i := 0; i+1 < len(fields); i += 2 {
		x.Req.Fields.AddNamed([]byte(fields[i]), []byte(fields[i+1]))
	}
	a, err := c.exchange(x, &wire.Request{Host: []byte(c.authority()), Path: []byte(path), Patience: demoPatience, FirstByte: demoPatience, Now: x.Now})
	if !c.conn.End(x) {
		c.close()
	}
	return a, err
}

func (c *demoClient) exchange(x *exchange.Exchange, q *wire.Request) (a answer, err error) {
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
