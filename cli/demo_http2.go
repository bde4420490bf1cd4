package cli

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h2"
)

const greeterHost = "greeter.localhost"

// demoGreeter is a service of HTTP/2, as gRPC needs it, and its entrypoint.
const demoGreeter = `apiVersion: skerry.dev/v1
kind: Service
metadata: {name: greeter, owner: team-greeter}
spec: {protocol: http2, endpoints: ["http://%s"]}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: greeter, owner: team-greeter}
spec: {hosts: [greeter.localhost], profile: api, websocket: on, service: greeter}
`

// stepStreams calls a method of gRPC and opens a WebSocket, both on one connection of HTTP/2.
func stepStreams(w *presenter, s *demoStage) {
	c, err := s.callHTTP2(greeterHost)
	if err != nil {
		w.check(false, "a connection of HTTP/2: %v", err)
		return
	}
	defer c.Close()
	status, trailer, message, err := greet(c, "/demo.Greeter/Greet", "you")
	w.check(err == nil && status == 200 && trailer == "0" && message == "hello, you",
		"POST %s over HTTP/2 → %d %q, grpc-status: %s in the trailers", s.client(greeterHost).url("/demo.Greeter/Greet"), status, message, trailer)
	line, found := s.logged(`"path":"/demo.Greeter/Greet"`, `"proto":"h2"`, `"grpc_status":0`)
	w.check(found, "the log has the call's status, and whose time it took")
	w.detail("%s", excerpt(line, `"first_byte_ms"`, `,"user_agent"`))
	back, err := chat(c, "/chat", "a message of a WebSocket")
	w.check(err == nil && back == "a message of a WebSocket", "a WebSocket on the same connection (RFC 8441): %q came back", back)
}

// callHTTP2 opens a connection to the edge by which HTTP/2 is spoken.
func (s *demoStage) callHTTP2(host string) (*h2.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{ServerName: host, RootCAs: s.roots, NextProtos: []string{"h2"}}}
	conn, err := d.DialContext(ctx, "tcp", s.https)
	if err != nil {
		return nil, err
	}
	return h2.NewClient(conn, h2.ClientOptions{}), nil
}

// ask sends a request of HTTP/2 and hands over what came of it, while it is open.
func ask(c *h2.Client, path string, prepare func(*exchange.Request), use func(*exchange.Response) error) error {
	call := c.Begin()
	if call == nil {
		return errors.New("the edge takes no more requests on the connection")
	}
	x := exchange.Acquire()
	defer x.Release()
	defer call.End(x)
	x.Now = time.Now()
	x.Req.Method, x.Req.MethodName = exchange.MethodGet, []byte("GET")
	x.Req.Fields.AddNamed([]byte("User-Agent"), []byte("skerry-demo"))
	prepare(&x.Req)
	q := wire.Request{Host: []byte(greeterHost), Path: []byte(path), Patience: demoPatience, FirstByte: demoPatience, Now: x.Now}
	if _, err := call.Send(x, &q); err != nil {
		return err
	}
	if err := call.Receive(x); err != nil {
		return err
	}
	return use(&x.Resp)
}

// greet calls a method of gRPC with one message.
func greet(c *h2.Client, path, name string) (status int, trailer, message string, err error) {
	err = ask(c, path, func(r *exchange.Request) {
		r.Method, r.MethodName = exchange.MethodPost, []byte("POST")
		r.Fields.AddNamed([]byte("Content-Type"), []byte("application/grpc"))
		r.AllowTrailers = true
		r.Body = exchange.NewBytes(grpcMessage(name))
	}, func(r *exchange.Response) error {
		body, err := readAll(r.Body)
		status, trailer = r.Status, string(r.Trailers.Get(exchange.NameGrpcStatus))
		message = string(body[min(grpcPrefixBytes, len(body)):])
		return err
	})
	return status, trailer, message, err
}

// chat opens a WebSocket, sends some bytes and returns what comes back.
func chat(c *h2.Client, path, say string) (back string, err error) {
	err = ask(c, path, func(r *exchange.Request) {
		r.Upgrade = []byte("websocket")
		r.Fields.AddNamed([]byte("Sec-WebSocket-Version"), []byte("13"))
	}, func(r *exchange.Response) error {
		if r.Tunnel == nil {
			return fmt.Errorf("status %d", r.Status)
		}
		if err := r.Tunnel.Send([]byte(say), demoPatience); err != nil {
			return err
		}
		for by := time.Now().Add(demoPatience); len(back) < len(say) && time.Now().Before(by); {
			view, err := r.Tunnel.Receive(by)
			if back += string(view); err != nil {
				return err
			}
		}
		r.Tunnel.End()
		if _, err := r.Tunnel.Receive(time.Now().Add(demoPatience)); err != io.EOF {
			return fmt.Errorf("the tunnel did not end: %v", err)
		}
		return nil
	})
	return back, err
}

// grpcPrefixBytes is what stands before a message of gRPC: whether it is compressed, and its length.
const grpcPrefixBytes = 5

// grpcMessage is a short message of gRPC.
func grpcMessage(text string) []byte {
	return append([]byte{0, 0, 0, 0, byte(len(text))}, text...)
}

// readAll reads a body to its end.
func readAll(b exchange.Body) (all []byte, err error) {
	for b != nil {
		view, err := b.Next()
		all = append(all, view...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// newGreeter starts a service that speaks HTTP/2.
func newGreeter() (*sample, error) {
	s := &sample{name: "greeter", addr: "127.0.0.1:0", stage: greeterStage{}, http2: true}
	return s, s.start()
}

// greeterStage answers calls of gRPC, and opens WebSockets that say everything back.
type greeterStage struct{}

func (greeterStage) Name() string { return "greeter" }

func (greeterStage) Request(x *exchange.Exchange) exchange.Verdict {
	if x.Fault != nil {
		return x.Fail(x.Fault)
	}
	if x.Req.Upgrade != nil {
		x.Answer(101)
		x.Resp.Fields.AddNamed([]byte("Sec-WebSocket-Accept"), socketAccept(x.Req.Fields.Get(exchange.NameSecWebSocketKey)))
		x.Resp.Tunnel = newEcho()
		return exchange.Respond
	}
	body, err := readAll(x.Req.Body)
	if err != nil {
		return x.Fail(err)
	}
	x.Answer(200)
	x.Resp.Fields.AddNamed([]byte("Content-Type"), []byte("application/grpc"))
	x.Resp.Body = exchange.NewBytes(grpcMessage("hello, " + string(body[min(grpcPrefixBytes, len(body)):])))
	x.Resp.Trailers.AddNamed([]byte("Grpc-Status"), []byte("0"))
	return exchange.Respond
}

// socketAccept is what a service answers to a WebSocket's key (RFC 6455 section 4.2.2).
func socketAccept(key []byte) []byte {
	sum := sha1.Sum(append(bytes.Clone(key), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	return base64.StdEncoding.AppendEncode(nil, sum[:])
}

// echo is the service's end of a tunnel, which says everything back.
type echo struct {
	said chan []byte
	wake chan struct{}
	over chan struct{}
	end  func() // closes over
}

func newEcho() *echo {
	e := &echo{said: make(chan []byte, 1), wake: make(chan struct{}, 1), over: make(chan struct{})}
	e.end = sync.OnceFunc(func() { close(e.over) })
	return e
}

// Receive returns what Send was given.
func (e *echo) Receive(by time.Time) ([]byte, error) {
	left := time.NewTimer(time.Until(by))
	defer left.Stop()
	select {
	case view := <-e.said:
		return view, nil
	case <-e.over:
		return nil, io.EOF
	case <-e.wake:
	case <-left.C:
	}
	return nil, nil
}

// Send keeps a copy for Receive.
func (e *echo) Send(view []byte, patience time.Duration) error {
	left := time.NewTimer(patience)
	defer left.Stop()
	select {
	case e.said <- bytes.Clone(view):
		return nil
	case <-e.over:
	case <-left.C:
	}
	return io.ErrClosedPipe
}

// Wake makes Receive return.
func (e *echo) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// End ends both ways: nothing is left to say when nothing more comes.
func (e *echo) End() { e.end() }

// Break ends both ways.
func (e *echo) Break() { e.end() }

var _ exchange.Tunnel = (*echo)(nil)
