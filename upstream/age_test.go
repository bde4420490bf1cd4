package upstream_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// aged is a policy whose streams get as old as brief.
func aged() *spec.Policy {
	p, age := asIs(), brief
	p.StreamAge = &age
	return p
}

// TestStreamAge: a body that still comes, and a tunnel, end when they are as old as a stream may get, over both protocols, and that
// is nobody's failure. What is over before is none of its business.
func TestStreamAge(t *testing.T) {
	stream := newOrigin(t, func(c *call) bool {
		for ok := c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); ok; ok = c.say("1\r\nx\r\n") {
			time.Sleep(brief / 10)
		}
		return false
	})
	stream2 := newFar(t, nil, func(f *far, frame http2.Frame) {
		if h, ok := frame.(*http2.HeadersFrame); ok {
			f.head(h.StreamID, false)
		}
	})
	tunnel := newOrigin(t, func(c *call) bool {
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(c.conn, c.in)
		return false
	})
	f := func(name string, kind fault.Kind, s *spec.Service, how func(e *edge) note) {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, upstream.Options{}, aged(), []spec.Weighted{only(s)})
			in(t, brief, func() {
				if n := how(e); n.cause == nil || kind == fault.StreamAge && (n.kind() != kind || !strings.Contains(n.cause.Error(), "(streamAge)")) {
					t.Errorf("got %v", n.cause)
				}
			})
			e.settled()
			if n := e.value("skerry_endpoint_failures_total", "service", s.Meta.Name, "endpoint", e.keep.Pools()[0].Endpoints[0].Address, "kind", fault.StreamAge.Name()); n != 0 {
				t.Error("the endpoint is blamed")
			}
		})
	}
	body := func(e *edge) note { _, n := e.do("GET /"); return n }
	websocket := func(e *edge) note { return e.upgrade(t).note() }
	// Of a tunnel the side that is broken off may be heard first.
	f("body", fault.StreamAge, service("s", stream.addr), body)
	f("body over http2", fault.StreamAge, service2(stream2), body)
	f("tunnel", fault.Internal, service("s", tunnel.addr), websocket)
	f("tunnel over http2", fault.Internal, service2(newWebSocket2(t)), websocket)
	e := newEdge(t, upstream.Options{}, aged(), []spec.Weighted{only(service("s", newOrigin(t, func(c *call) bool { time.Sleep(2 * brief); return speak(fine)(c) }).addr))})
	if r, n := e.do("GET /"); r.status != 200 || r.err != nil {
		t.Errorf("an answer that comes late, but at once: %d, %v", r.status, n.cause)
	}
}

// TestAsked: the log can tell what the edge, and the client, took of the time to first byte from what the origin took.
func TestAsked(t *testing.T) {
	came := make(chan time.Time, 1)
	h1 := newOrigin(t, func(c *call) bool {
		if c.URL.Path == "/early" {
			return speak(fine)(&call{Request: &http.Request{Header: http.Header{}, Body: http.NoBody}, conn: c.conn, in: c.in}) && c.gone()
		}
		io.Copy(io.Discard, c.Body)
		came <- time.Now()
		sent()
		time.Sleep(brief)
		return c.say(fine)
	})
	h2 := newOrigin2(t, false, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		}
		io.Copy(io.Discard, r.Body)
		if r.URL.Path != "/early" {
			came <- time.Now()
			sent()
			time.Sleep(brief)
		}
	})
	f := func(name string, s *spec.Service) {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, upstream.Options{}, asIs(), []spec.Weighted{only(s)})
			for range 2 {
				began := time.Now()
				_, n := e.do("GET /")
				if most := (<-came).Sub(began); n.Asked <= 0 || n.Asked > most || n.FirstByte-n.Asked < brief {
					t.Errorf("GET: asked after %v, %v at most, answered after %v", n.Asked, most, n.FirstByte)
				}
			}
			c := e.send("POST /", "Transfer-Encoding: chunked", "", "5\r\nhello\r\n")
			<-c.begun
			time.Sleep(brief)
			io.WriteString(c.conn, "5\r\nhello\r\n0\r\n\r\n")
			if _, n := c.get(); n.Asked < brief*9/10 || n.FirstByte-n.Asked < brief {
				t.Errorf("a slow POST: asked after %v, answered after %v", n.Asked, n.FirstByte)
			}
			<-came
			c = e.send("POST /early", "Transfer-Encoding: chunked", "", "5\r\nhello\r\n")
			if _, err := c.in.Peek(1); err != nil {
				t.Error(err)
			}
			if n := c.leave(); n.Asked != 0 || n.FirstByte == 0 {
				t.Errorf("an early answer: asked after %v, answered after %v", n.Asked, n.FirstByte)
			}
			e.settled()
		})
	}
	f("http1", service("s", h1.addr))
	f("http2", service2(h2.addr))
}
