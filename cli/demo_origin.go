package cli

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/h2"
)

// sample is an endpoint of one of the demo's services. It can be stopped and started again on its address.
type sample struct {
	name   string
	addr   string
	stage  exchange.Stage
	http2  bool // it speaks that, with prior knowledge
	l      net.Listener
	server sampleServer
	conns  sync.WaitGroup
	hold   chan struct{} // closed when requests for …/hold may be answered
}

type sampleServer interface {
	Serve(net.Conn, *exchange.TLS)
	Close()
}

// newSample starts an endpoint on a free port.
func newSample(name string) (*sample, error) {
	s := &sample{name: name, addr: "127.0.0.1:0", hold: make(chan struct{})}
	s.stage = sampleStage{s.name, s.hold}
	return s, s.start()
}

func (s *sample) start() error {
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	path := exchange.NewPath(rewrite.Render, s.stage)
	handler := func(x *exchange.Exchange) bool {
		complete := path.Run(x)
		x.End = time.Now()
		return complete
	}
	var server sampleServer = &h1.Server{Handler: handler}
	if s.http2 {
		server = &h2.Server{Handler: handler}
	}
	s.addr, s.l, s.server = l.Addr().String(), l, server
	s.conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // stop closed it
			}
			s.conns.Go(func() { server.Serve(c, nil) })
		}
	})
	return nil
}

// stop ends the endpoint as a crash would: connections break, new ones are refused.
func (s *sample) stop() {
	s.l.Close()
	s.server.Close()
	s.conns.Wait()
}

// catalogueBytes is the size of the one page worth compressing.
const catalogueBytes = 26 * 1000

// sampleStage answers like a small shop.
type sampleStage struct {
	name string
	hold <-chan struct{}
}

func (s sampleStage) Name() string { return "sample" }

func (s sampleStage) Request(x *exchange.Exchange) exchange.Verdict {
	if x.Fault != nil {
		return x.Fail(x.Fault)
	}
	if bytes.HasSuffix(x.Req.Path, []byte("/hold")) {
		<-s.hold
	}
	x.Answer(200)
	x.Resp.Fields.AddNamed([]byte("Content-Type"), []byte("text/plain; charset=utf-8"))
	x.Resp.Fields.AddNamed([]byte("X-Endpoint"), []byte(s.name))
	x.Resp.Fields.AddNamed([]byte("X-Powered-By"), []byte("demo"))
	x.Resp.Fields.AddNamed([]byte("X-Client"), x.Req.Fields.Find([]byte("X-Forwarded-For")))
	body := fmt.Appendf(nil, "%s got %s %s for %s\n", s.name, x.Req.MethodName, x.Req.Path, x.Req.Fields.Find([]byte("X-Forwarded-For")))
	if string(x.Req.Path) == "/news" {
		x.Resp.Fields.AddNamed([]byte("Cache-Control"), []byte("max-age=60"))
	}
	if string(x.Req.Path) == "/catalogue" {
		body = bytes.Repeat([]byte("a lamp, a chair, a table; "), catalogueBytes/26)
	}
	if x.Req.Method != exchange.MethodHead {
		x.Resp.Body = exchange.NewBytes(body)
	}
	return exchange.Respond
}
