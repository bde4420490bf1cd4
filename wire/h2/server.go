package h2

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
)

// Server serves client connections. Fill in the fields, then call Serve for each connection.
type Server struct {
	// Handler takes an exchange to its end, the answer sent to x.Sink, and reports whether it was complete; if not, the
	// stream is reset. Each stream has a goroutine of its own. A request that was refused comes with x.Fault set; only
	// what was read of it is there.
	Handler  func(x *exchange.Exchange) (complete bool)
	Timeouts Timeouts
	// Panicked hears of a panic that ended a stream or a connection; nil: nobody does.
	Panicked func(what string)
	// Open counts the connections; nil: not counted.
	Open *meter.Gauge
	// Resets counts the streams that clients have reset; nil: not counted.
	Resets *meter.Counter
	// Refused counts the requests that never became an exchange, because x/net refused them by itself (the package
	// comment says which), when their connection has ended; nil: not counted.
	Refused *meter.Counter

	streams  sync.Pool
	x        *http2.Server
	http     *http.Server // x's settings, and its way to shut down
	draining atomic.Bool
	mu       sync.Mutex
	conns    map[*serverConn]struct{}
	ended    sync.Cond // a connection left conns; its L is &mu
}

// serverConn is one client connection; it is the http.Handler of its streams.
type serverConn struct {
	server *Server
	info   exchange.Conn
	wire   *wire

	mu     sync.Mutex
	served uint64    // requests that became an exchange
	open   int       // exchanges that are not over
	over   bool      // x/net has ended: no exchange begins any more
	idle   sync.Cond // open has become 0; its L is &mu
}

// Serve serves one connection until it ends, and closes it. On TLS the handshake is over and has settled on h2, and
// info says what else it has settled; on plain TCP the client starts with its preface (prior knowledge, RFC 9113
// section 3.3) and info is nil.
func (s *Server) Serve(conn net.Conn, info *exchange.TLS) {
	c := &serverConn{server: s, wire: newWire(s, conn)}
	c.idle.L = &c.mu
	c.info = exchange.Conn{Client: addrPort(conn.RemoteAddr()), Local: addrPort(conn.LocalAddr()), Protocol: "h2", TLS: info}
	if !s.add(c) {
		c.wire.Close()
		return
	}
	defer s.remove(c)
	defer c.finish()
	defer s.fence()
	s.x.ServeConn(c.wire.forX(), &http2.ServeConnOpts{BaseConfig: s.http, Handler: c})
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// fence ends a connection, and nothing else, on a panic of x/net's loop.
func (s *Server) fence() {
	if v := recover(); v != nil {
		s.tell(v)
	}
}

func (s *Server) tell(panicked any) {
	if s.Panicked != nil {
		s.Panicked(fmt.Sprintf("%v\n%s", panicked, debug.Stack()))
	}
}

func (s *Server) add(c *serverConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		s.setUp()
	}
	if s.draining.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	if s.Open != nil {
		s.Open.Add(1)
	}
	return true
}

// setUp makes the servers of net/http and x/net, which hold settings and know the connections for Drain.
func (s *Server) setUp() {
	s.conns = map[*serverConn]struct{}{}
	s.ended.L = &s.mu
	s.Timeouts = s.Timeouts.WithDefaults()
	s.streams.New = newStream
	s.http = &http.Server{MaxHeaderBytes: headerListBytes}
	s.http.ErrorLog = zero(s.http.ErrorLog)
	s.http.ErrorLog.SetOutput(io.Discard) // otherwise every client's mistake is a line on the process's stderr
	s.http.ConnState = func(c net.Conn, state http.ConnState) { c.(interface{ noteState(http.ConnState) }).noteState(state) }
	s.x = &http2.Server{
		MaxConcurrentStreams:         streamsMax,
		MaxReadFrameSize:             frameBytes,
		MaxUploadBufferPerStream:     uploadStreamBytes,
		MaxUploadBufferPerConnection: uploadConnBytes,
		IdleTimeout:                  s.Timeouts.Idle,
		ReadIdleTimeout:              s.Timeouts.Silence,
		PingTimeout:                  pingWait,
	}
	if err := http2.ConfigureServer(s.http, s.x); err != nil {
		panic("BUG: x/net refuses its settings: " + err.Error())
	}
}

// zero returns a new value of the type that p points to: a logger is made without importing one.
func zero[T any](*T) *T { return new(T) }

func (s *Server) remove(c *serverConn) {
	s.mu.Lock()
	delete(s.conns, c)
	if s.Open != nil {
		s.Open.Add(-1)
	}
	s.ended.Broadcast()
	s.mu.Unlock()
}

// Drain tells every client by GOAWAY that the connection takes no more requests; the ones in flight come to their end,
// and a second later the connection is closed. Draining does not wait: see Wait.
func (s *Server) Drain() {
	s.draining.Store(true)
	s.mu.Lock()
	server := s.http
	s.mu.Unlock()
	if server != nil {
		// x/net listens for the shutdown of a server that, for net/http, has neither listeners nor connections: it returns
		// at once and cannot fail.
		_ = server.Shutdown(context.Background())
	}
}

// Wait returns when every connection has ended.
func (s *Server) Wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns) > 0 {
		s.ended.Wait()
	}
}

// Close closes every connection now, whatever it is in.
func (s *Server) Close() {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.wire.Close()
	}
}

// ServeHTTP serves one stream.
func (c *serverConn) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	if !c.enter() {
		return // nobody is there to answer to
	}
	defer c.leave()
	s := c.server.streams.Get().(*stream)
	s.begin(c, w, in)
	if c.exchange(s, in) {
		s.end()
		c.server.streams.Put(s)
		return
	}
	s.reset()
	s.end()
}

// exchange is stream.exchange with a fence: a panic outside the path's own, in the match or the log, ends the stream and
// nothing else. What the exchange held is left to the garbage collector, since nobody knows who still looks at it.
func (c *serverConn) exchange(s *stream, in *http.Request) (complete bool) {
	defer func() {
		if v := recover(); v != nil {
			c.server.tell(v)
		}
	}()
	return s.exchange(in)
}

// enter begins an exchange, unless x/net has ended already.
func (c *serverConn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.served++
	c.open++
	return true
}

func (c *serverConn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open--; c.open == 0 {
		c.idle.Broadcast()
	}
}

// finish closes the connection and waits for its exchanges, which x/net does not.
func (c *serverConn) finish() {
	c.wire.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for c.open > 0 {
		c.idle.Wait()
	}
	if counter := c.server.Refused; counter != nil {
		counter.Add(c.wire.scan.streams.Load() - c.served)
	}
}
