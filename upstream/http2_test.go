package upstream_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// origin2 is an origin of HTTP/2: net/http's server. It counts its connections.
type origin2 struct {
	*httptest.Server
	addr  string
	conns atomic.Int32
}

func newOrigin2(t testing.TB, secure bool, change func(*http.Server), h http.HandlerFunc) *origin2 {
	t.Helper()
	o := &origin2{Server: httptest.NewUnstartedServer(h)}
	o.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			o.conns.Add(1)
		}
	}
	if change != nil {
		change(o.Config)
	}
	if secure {
		o.EnableHTTP2 = true
		o.StartTLS()
	} else {
		o.Config.Protocols = new(http.Protocols)
		o.Config.Protocols.SetUnencryptedHTTP2(true)
		o.Start()
	}
	t.Cleanup(o.Close)
	o.addr = o.Listener.Addr().String()
	return o
}

// service2 is a service over HTTP/2.
func service2(addrs ...string) *spec.Service {
	s := ordered("s", addrs...)
	s.Protocol = spec.ProtocolHTTP2
	s.KeepAlive.Max = 100
	return s
}

// overTLS says that its endpoints, httptest's servers, are https.
func overTLS(s *spec.Service) *spec.Service {
	for i := range s.Endpoints {
		s.Endpoints[i].TLS = true
	}
	s.Host, s.HostName = spec.HostName, "example.com"
	return s
}

// asIs is a policy that sends nothing again.
func asIs() *spec.Policy { return &spec.Policy{Retry: &spec.Retry{Tries: 1}} }

// TestHTTP2: requests of every shape go over one connection, with and without TLS.
func TestHTTP2(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %v", secure), func(t *testing.T) {
			o := newOrigin2(t, secure, nil, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				sent()
				w.Header().Set("X-Proto", r.Proto)
				w.Header().Set("Trailer", "X-Sum")
				w.(http.Flusher).Flush() // otherwise it announces the length
				fmt.Fprintf(w, "%s %s %d", r.Method, r.URL, len(body))
				w.Header().Set("X-Sum", "7")
			})
			s := service2(o.addr)
			if secure {
				overTLS(s)
			}
			e := newEdge(t, upstream.Options{}, asIs(), []spec.Weighted{only(s)})
			for i, line := range []string{"GET /a", "POST /b", "HEAD /c", "PUT /d", "DELETE /e"} {
				var fields []string
				size := 0
				if line[0] == 'P' {
					size = 3000 << (3 * i) // the second one is pumped
					fields = []string{"", strings.Repeat("x", size)}
				}
				r, n := e.do(line, append([]string{"TE: trailers", "Connection: TE"}, fields...)...)
				want := fmt.Sprintf("%s %d", line, size)
				if line == "HEAD /c" {
					want = ""
				}
				if r.status != 200 || r.err != nil || r.body != want || r.header.Get("X-Proto") != "HTTP/2.0" || want != "" && r.trailer.Get("X-Sum") != "7" {
					t.Errorf("%s: got %d %q %v, trailer %v, %v %v", line, r.status, r.body, r.header, r.trailer, r.err, n.cause)
				}
				if n.Reused != (i > 0) || n.Asked <= 0 || n.FirstByte < n.Asked {
					t.Errorf("%s: reused is %v, asked after %v, answered after %v", line, n.Reused, n.Asked, n.FirstByte)
				}
			}
			e.settled()
			if o.conns.Load() != 1 {
				t.Errorf("%d connections, want 1", o.conns.Load())
			}
		})
	}
}

// TestHTTP2ColdStart: two hundred requests at once find no connection, and make few.
func TestHTTP2ColdStart(t *testing.T) {
	var mu sync.Mutex
	all, here := sync.NewCond(&mu), 0
	o := newOrigin2(t, false, nil, func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if here++; here == 200 {
			all.Broadcast()
		}
		for here < 200 {
			all.Wait()
		}
	})
	r := newRigOf(t, upstream.Options{}, asIs(), only(service2(o.addr)))
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if status, _, _, err := r.get(localhost); status != 200 {
				t.Errorf("got %d, %v", status, err)
			}
		})
	}
	wg.Wait()
	if n := o.conns.Load(); n > 8 {
		t.Errorf("%d connections", n)
	}
}

// TestHTTP2GoAway: an origin that says GOAWAY again and again, in the middle of traffic that may not be sent twice, loses no request.
func TestHTTP2GoAway(t *testing.T) {
	var served atomic.Int32
	o := newOrigin2(t, false, nil, func(w http.ResponseWriter, r *http.Request) {
		if served.Add(1)%50 == 0 {
			w.Header().Set("Connection", "close") // GOAWAY
		}
	})
	r := newRigOf(t, upstream.Options{}, asIs(), only(service2(o.addr)))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 60 {
				if status, _, facts, err := r.do(localhost, "POST"); status != 200 || facts.Tries != 1 {
					t.Errorf("got %d after %d tries, %v", status, facts.Tries, err)
				}
			}
		})
	}
	wg.Wait()
	if n := served.Load(); n != 16*60 {
		t.Errorf("%d requests were served, want %d", n, 16*60)
	}
	if n := o.conns.Load(); n < 5 {
		t.Errorf("%d connections: where is GOAWAY?", n)
	}
}

// TestHTTP2OneStream: an origin that carries one exchange on a connection is asked for as many as there are.
func TestHTTP2OneStream(t *testing.T) {
	o := newOrigin2(t, false, func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1} }, func(http.ResponseWriter, *http.Request) {})
	r := newRigOf(t, upstream.Options{}, asIs(), only(service2(o.addr)))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 10 {
				if status, _, facts, err := r.do(localhost, "POST"); status != 200 {
					t.Errorf("got %d after %d tries, %v", status, facts.Tries, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestHTTP2Breaks: an answer that breaks off is the exchange's alone; its connection carries the next one, unless it broke as well.
func TestHTTP2Breaks(t *testing.T) {
	var o *origin2
	seen := make(chan struct{})
	o = newOrigin2(t, false, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/before" {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, "half")
		w.(http.Flusher).Flush()
		switch r.URL.Path {
		case "/stream":
			<-seen
			panic(http.ErrAbortHandler)
		case "/connection":
			<-seen
			o.CloseClientConnections()
		}
	})
	e := newEdge(t, upstream.Options{}, asIs(), []spec.Weighted{only(service2(o.addr))})
	f := func(path string, status int, conns int32) {
		t.Helper()
		c := e.send("POST " + path)
		if _, err := c.in.Peek(1); err != nil {
			t.Error(err)
		}
		if status == 200 {
			seen <- struct{}{}
		}
		if r, n := c.get(); r.status != status || status == 200 && r.err == nil || n.kind().Side() != fault.SideOrigin {
			t.Errorf("%s: got %d %q, %v, cause %v", path, r.status, r.body, r.err, n.cause)
		}
		if r, n := e.do("POST /"); r.status != 200 || r.err != nil || n.Tries != 1 {
			t.Errorf("after %s: got %d, %v, %d tries", path, r.status, n.cause, n.Tries)
		}
		if n := o.conns.Load(); n != conns {
			t.Errorf("after %s: %d connections, want %d", path, n, conns)
		}
	}
	f("/stream", 200, 1)
	f("/before", 502, 1)
	f("/connection", 200, 2)
	e.settled()
}

// TestHTTP2NotSpoken: an origin that speaks HTTP/1.1 only gets no request, and the fault says which setting is wrong.
func TestHTTP2NotSpoken(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it got a request") }))
	defer s.Close()
	r := newRigOf(t, upstream.Options{}, asIs(), only(overTLS(service2(s.Listener.Addr().String()))))
	if _, _, _, err := r.get(localhost); fault.Of(err) != fault.OriginTLS || !strings.Contains(err.Error(), "(protocol: http2)") {
		t.Errorf("got %v", err)
	}
}

// TestHTTP2Retry: another endpoint is asked for a status that the route names, and the first one's connection stays.
func TestHTTP2Retry(t *testing.T) {
	first := newOrigin2(t, false, nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	second := newOrigin2(t, false, nil, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "second") })
	e := newEdge(t, here, policy(), []spec.Weighted{only(service2(first.addr, second.addr))})
	for range 3 {
		if r, n := e.do("GET /"); r.body != "second" || n.Tries != 2 || n.reasons() != "status" {
			t.Errorf("got %d %q, %d tries, %q", r.status, r.body, n.Tries, n.reasons())
		}
	}
	e.settled()
	if first.conns.Load() != 1 || second.conns.Load() != 1 {
		t.Errorf("%d and %d connections", first.conns.Load(), second.conns.Load())
	}
}

// TestHTTP2Hedge: the second endpoint's answer wins, the first's stream is given up, and its connection stays.
func TestHTTP2Hedge(t *testing.T) {
	var given atomic.Int32
	asked := make(chan struct{}, 9)
	first := newOrigin2(t, false, nil, func(_ http.ResponseWriter, r *http.Request) { asked <- struct{}{}; <-r.Context().Done(); given.Add(1) })
	second := newOrigin2(t, false, nil, func(w http.ResponseWriter, _ *http.Request) { <-asked; fmt.Fprint(w, "second") })
	e := newEdge(t, here, hedging(soon), []spec.Weighted{only(service2(first.addr, second.addr))})
	for range 4 {
		if r, n := e.do("GET /"); r.status != 200 || r.body != "second" || n.Hedge != exchange.HedgeWon {
			t.Errorf("got %d %q, hedge %v, %v", r.status, r.body, n.Hedge, n.cause)
		}
	}
	eventually(t, "the first endpoint hears that nobody waits", func() bool { return given.Load() == 4 })
	e.settled()
	if first.conns.Load() != 1 || second.conns.Load() != 1 {
		t.Errorf("%d and %d connections", first.conns.Load(), second.conns.Load())
	}
}

// TestHTTP2Gone: when the client leaves, its stream at the origin ends, and the connection stays.
func TestHTTP2Gone(t *testing.T) {
	came, gone := make(chan struct{}), make(chan struct{})
	o := newOrigin2(t, false, nil, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(came)
			<-r.Context().Done()
			close(gone)
		}
	})
	e := newEdge(t, upstream.Options{}, asIs(), []spec.Weighted{only(service2(o.addr))})
	c := e.send("GET /wait")
	<-came
	if n := c.leave(); n.kind() != fault.ClientGone {
		t.Errorf("got %v", n.cause)
	}
	<-gone
	if r, n := e.do("GET /"); r.status != 200 || !n.Reused {
		t.Errorf("got %d, reused is %v", r.status, n.Reused)
	}
	e.settled()
}

// TestHTTP2Health: checks go over HTTP/2, on connections of their own.
func TestHTTP2Health(t *testing.T) {
	var ill atomic.Bool
	var checks atomic.Int32
	o := newOrigin2(t, false, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			checks.Add(1)
			if r.Proto != "HTTP/2.0" || r.Host == "" || ill.Load() {
				w.WriteHeader(500)
			}
		}
	})
	s := service2(o.addr)
	s.KeepAlive.Connections = 1
	s.Health = &spec.Health{Path: "/health", StatusFrom: 200, StatusTo: 299, Interval: time.Millisecond, Timeout: 20 * time.Second, HealthyAfter: 1, UnhealthyAfter: 1}
	r := newRigOf(t, upstream.Options{}, asIs(), only(s))
	healthy := func() bool { return r.value("skerry_endpoint_healthy", "service", "s", "endpoint", o.addr) == 1 }
	eventually(t, "checks", func() bool { return checks.Load() > 3 })
	if !healthy() {
		t.Error("it is ill")
	}
	if status, _, _, err := r.get(localhost); status != 200 {
		t.Errorf("got %d, %v", status, err)
	}
	ill.Store(true)
	eventually(t, "it is ill", func() bool { return !healthy() })
	ill.Store(false)
	eventually(t, "it is well", healthy)
}

// far is an origin of HTTP/2 that says what a test wants, frame by frame.
type far struct {
	*http2.Framer
	conn net.Conn
	fail bool
}

// newFar starts one. on has every frame but SETTINGS and PING.
func newFar(t testing.TB, settings []http2.Setting, on func(f *far, frame http2.Frame)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				f := &far{Framer: http2.NewFramer(c, c), conn: c}
				f.serve(settings, on)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().String()
}

func (f *far) serve(settings []http2.Setting, on func(f *far, frame http2.Frame)) {
	if _, err := io.ReadFull(f.conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f.WriteSettings(settings...)
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				f.WritePing(true, frame.Data)
			}
		default:
			on(f, frame)
		}
	}
}

// head says 200.
func (f *far) head(id uint32, end bool) {
	var b bytes.Buffer
	hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: end})
}

// TestHTTP2Refused: what the origin refused it did not take: it is sent again there, whatever its method, a few times, and then
// elsewhere, if the route allows it.
func TestHTTP2Refused(t *testing.T) {
	f := func(name string, refuses int32, p *spec.Policy, status int, reasons string, asked int32) {
		t.Run(name, func(t *testing.T) {
			var asks atomic.Int32
			first := newFar(t, nil, func(f *far, frame http2.Frame) {
				if h, ok := frame.(*http2.HeadersFrame); ok {
					if asks.Add(1) <= refuses {
						f.WriteRSTStream(h.StreamID, http2.ErrCodeRefusedStream)
					} else {
						f.head(h.StreamID, true)
					}
				}
			})
			second := newOrigin2(t, false, nil, func(w http.ResponseWriter, r *http.Request) {
				if body, _ := io.ReadAll(r.Body); string(body) != "hello" {
					w.WriteHeader(400)
				}
			})
			e := newEdge(t, here, p, []spec.Weighted{only(service2(first, second.addr))})
			if r, n := e.do("POST /", "", "hello"); r.status != status || n.reasons() != reasons || asks.Load() != asked {
				t.Errorf("got %d, %v, reasons %q, asked %d times; want %d, %q, %d", r.status, n.cause, n.reasons(), asks.Load(), status, reasons, asked)
			}
			e.settled()
		})
	}
	f("once", 1, asIs(), 200, "", 2)
	f("always, and nobody else may be asked", 99, asIs(), 502, "", 6)
	f("always", 99, policy(), 200, "broken", 6)
}

// newWebSocket2 starts an origin that opens WebSockets over HTTP/2 and says what it hears (RFC 8441).
func newWebSocket2(t testing.TB) (addr string) {
	return newFar(t, []http2.Setting{{ID: http2.SettingEnableConnectProtocol, Val: 1}}, func(f *far, frame http2.Frame) {
		switch frame := frame.(type) {
		case *http2.HeadersFrame:
			f.head(frame.StreamID, false)
		case *http2.DataFrame:
			f.WriteData(frame.StreamID, frame.StreamEnded(), frame.Data())
		}
	})
}

// TestHTTP2Tunnel: a WebSocket is a stream among others; its connection outlives it.
func TestHTTP2Tunnel(t *testing.T) {
	e := newEdge(t, upstream.Options{}, asIs(), []spec.Weighted{only(service2(newWebSocket2(t)))})
	a, b := e.open(t), e.open(t)
	a.echo(t)
	a.leave()
	b.echo(t)
	b.leave()
	e.settled()
	if n := e.value("skerry_origin_connects_total", "result", "ok"); n != 1 {
		t.Errorf("%v connections, want 1", n)
	}
	// An origin that does not take any gets no request, and the fault says what to set.
	o := newOrigin2(t, false, nil, func(http.ResponseWriter, *http.Request) { t.Error("it got a request") })
	e = newEdge(t, upstream.Options{}, asIs(), []spec.Weighted{only(service2(o.addr))})
	if r, n := e.do("GET /", "Connection: Upgrade", "Upgrade: websocket"); r.status != 502 || !strings.Contains(n.cause.Error(), "protocol http1") {
		t.Errorf("got %d, %v", r.status, n.cause)
	}
}
