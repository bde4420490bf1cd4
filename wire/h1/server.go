package h1

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// Server serves client connections. Fill in the fields, then call Serve for each connection.
type Server struct {
	// Handler takes an exchange to its end, the answer sent to x.Sink, and reports whether it was complete. A request
	// that was refused by the parser comes with x.Fault set; only what was parsed of it is there.
	Handler  func(x *exchange.Exchange) (complete bool)
	Timeouts Timeouts
	// Panicked hears of a panic that ended a connection; nil: nobody does.
	Panicked func(what string)
	// Open counts the connections; nil: not counted.
	Open *meter.Gauge

	draining atomic.Bool
	retiring atomic.Bool // each connection has one more answer
	tunnels  wire.Tunnels
	mu       sync.Mutex
	conns    map[*serverConn]struct{}
	ended    sync.Cond // a connection left conns; its L is &mu
}

// serverConn is one client connection; it is the exchange.Sink of its exchanges.
type serverConn struct {
	server  *Server
	conn    transport.Conn
	info    exchange.Conn
	in      buffer
	frame   framing
	body    body
	out     *[]byte
	close   bool         // no request after this one
	told    bool         // the kernel took the last answer, which may still be on its way
	last    time.Time    // end of the last exchange, if its handler said so: the connection is idle from then on
	idle    atomic.Bool  // between two requests: Drain may take it away, and then interrupts
	since   atomic.Int64 // since when it has waited for a whole head, in nanoseconds since the epoch; 0: it is in an exchange
	wait    func() error
	streams atomic.Bool // the request's body may come as slowly as it likes: see Timeouts.Body

	mu        sync.Mutex // orders 100 Continue, which a pump may send, before the head
	headOut   bool
	continued bool
}

// Serve serves one connection until it ends, and closes it. tls is what its handshake settled, nil on a plain one.
//
// Its frame, and those below it down to a wait, are kept small: the collector halves the stack of an idle connection only if
// no more than a quarter of it is in use.
func (s *Server) Serve(conn net.Conn, tls *exchange.TLS) {
	c := s.newConn(conn, tls)
	if c == nil {
		return
	}
	defer c.over()
	for c.next() {
	}
	c.in.release()
}

// newConn takes a connection on; nil, and closed, while the server drains.
func (s *Server) newConn(conn net.Conn, tls *exchange.TLS) *serverConn {
	c := &serverConn{server: s, conn: transport.New(conn)}
	c.info = exchange.Conn{Client: addrPort(conn.RemoteAddr()), Local: addrPort(conn.LocalAddr()), Protocol: "h1", TLS: tls, Balancer: addrPort(transport.Announcer(conn)).Addr()}
	c.in.conn = c.conn
	c.wait = c.sendContinue
	if !s.add(c) {
		conn.Close()
		return nil
	}
	return c
}

// over closes a connection. On a panic outside the path's own fence, in the parser, the match or the log, it ends this
// connection and nothing else; what the exchange held is left to the garbage collector, since nobody knows who still
// looks at it.
func (c *serverConn) over() {
	if v := recover(); v != nil {
		c.server.tellPanic(v)
	}
	c.conn.Close()
	c.info.End()
	c.server.remove(c)
}

func (s *Server) tellPanic(v any) {
	if s.Panicked != nil {
		s.Panicked(fmt.Sprintf("%v\n%s", v, debug.Stack()))
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

func (s *Server) add(c *serverConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		s.conns = map[*serverConn]struct{}{}
		s.ended.L = &s.mu
		s.Timeouts = s.Timeouts.WithDefaults()
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

func (s *Server) remove(c *serverConn) {
	s.mu.Lock()
	delete(s.conns, c)
	if s.Open != nil {
		s.Open.Add(-1)
	}
	s.ended.Broadcast()
	s.mu.Unlock()
}

// Drain ends every connection after the exchange it is in; idle ones end now. It does not wait: see Wait.
func (s *Server) Drain() {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.idle.CompareAndSwap(true, false) {
			c.conn.Interrupt(true)
		}
	}
}

// Retire ends every connection after the next answer, which says so: a client that sends a request at the moment at which a drain
// closes its idle connection would have to send it again, or would not dare. One that sends none ends when it has been idle for too
// long. Connections that come later have one answer too. It does not wait: see Wait.
func (s *Server) Retire() { s.retiring.Store(true) }

// Part ends every tunnel of WebSocket that is between two messages, with status 1012: see wire.Tunnels.
func (s *Server) Part() { s.tunnels.Part() }

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
		c.conn.Close()
	}
}

// Shed makes room for another connection: of some that have waited for a request's head since before that time it closes the
// one that has waited longest, be it idle or slow, and reports whether there was one. A connection in an exchange is never
// closed.
func (s *Server) Shed(before time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest *serverConn
	since := before.UnixNano()
	looked := 0
	for c := range s.conns { // from a random place on
		if looked++; looked > shedSample {
			break
		}
		if at := c.since.Load(); at > 0 && at < since {
			oldest, since = c, at
		}
	}
	if oldest == nil || !oldest.since.CompareAndSwap(since, shed) {
		return false
	}
	oldest.conn.Interrupt(true)
	return true
}

// shed is the since of a connection that Shed has chosen.
const shed = -1

// next serves one request and reports whether another may follow.
func (c *serverConn) next() bool {
	now, ok := c.awaitRequest()
	if !ok {
		if c.since.Swap(0) != shed && c.told && now.Sub(c.last) < c.server.Timeouts.Drain {
			c.linger()
		}
		return false
	}
	head, err := c.readHead(now)
	if err == io.EOF || c.since.Swap(0) == shed {
		return false
	}
	x := exchange.Acquire()
	x.Conn, x.Sink, x.Now = &c.info, c, now
	c.headOut, c.continued = false, false
	if err == nil {
		err = parseRequest(head, x, &c.frame)
	}
	c.close = err != nil
	if err != nil {
		x.Fault, x.Cause = err, err
	} else {
		c.beginBody(x)
	}
	complete := c.server.Handler(x)
	x.Join()
	c.conn.Interrupt(false)
	keep := complete && !c.close && c.drain(x)
	lingers := !keep && c.mayGoOn(x)
	c.last = x.End
	x.Release()
	c.body.restore()
	c.in.recycle()
	if lingers {
		c.linger()
	}
	return keep
}

// awaitRequest waits for the first byte of a request.
func (c *serverConn) awaitRequest() (now time.Time, ok bool) {
	if c.in.r < c.in.w {
		now = time.Now()
		c.since.Store(now.UnixNano())
		return now, true
	}
	if c.last.IsZero() {
		c.last = time.Now()
	}
	c.since.Store(c.last.UnixNano())
	c.idle.Store(true)
	by := c.last.Add(c.server.Timeouts.Idle)
	// Checked after idle is set: a Drain that came before will not interrupt us.
	if c.server.draining.Load() {
		return time.Now(), false
	}
	runtime.Gosched()
	err := c.in.await(by)
	if !c.idle.CompareAndSwap(true, false) {
		// A Drain took us for idle. A request that came at the same moment is still served, once the interrupt is over.
		c.server.mu.Lock()
		c.server.mu.Unlock() //nolint:staticcheck // waits for Drain, which holds it
		if c.since.Load() != shed {
			c.conn.Interrupt(false)
		}
	}
	return time.Now(), err == nil
}

// tlsRecord is the first byte of a client that begins a TLS handshake (RFC 8446 section 5.1).
const tlsRecord = 0x16

// readHead reads the rest of a head. io.EOF says that there is none and nobody to tell.
func (c *serverConn) readHead(now time.Time) ([]byte, error) {
	by := now.Add(c.server.Timeouts.Head)
	if c.in.data[c.in.r] == tlsRecord && c.info.TLS == nil {
		return nil, errTLS // it would not speak before we do
	}
	// A client may end the request before with a CRLF too many (RFC 9112 section 2.2): one is let through.
	if c.in.data[c.in.r] == '\r' {
		for c.in.w-c.in.r < 2 {
			if err := c.in.fill(by); err != nil {
				return nil, io.EOF
			}
		}
		if c.in.data[c.in.r+1] == '\n' {
			c.in.r += 2
		}
	}
	head, err := c.in.head(by)
	switch err {
	case errHeadLarge:
		if in := c.in.data[c.in.r:c.in.w]; bytes.IndexByte(in[:min(len(in), LineBytesMax)], '\n') < 0 {
			return nil, errTargetLong
		}
		return nil, err
	case nil, errBareLine:
		return head, err
	case transport.ErrTimeout:
		return nil, errHeadSlow
	}
	return nil, io.EOF
}

func (c *serverConn) beginBody(x *exchange.Exchange) {
	kind := bodyNone
	if c.frame.chunked {
		kind = bodyChunked
	} else if c.frame.length > 0 {
		kind = bodyLength
	}
	c.body.wait, c.body.given = nil, &x.Facts.Entry.BytesIn
	c.streams.Store(false)
	c.body.calm, c.body.streams = c.server.Timeouts.Tunnel, &c.streams
	if x.Req.ExpectContinue {
		c.body.wait = c.wait
	}
	c.body.begin(&c.in, &c.frame, kind, c.server.Timeouts.Body, &x.Req.Trailers)
	if kind != bodyNone {
		x.Req.Body = &c.body
	}
	// RFC 9112 section 9.3.
	if c.frame.close || x.Req.Minor == 0 && !c.frame.keepAlive {
		c.close = true
	}
}

// drain reads what is left of the request body, within a budget, so that the next request starts behind it. False: close.
func (c *serverConn) drain(x *exchange.Exchange) bool {
	b := &c.body
	if b.kind == bodyNone || b.ended() {
		return true
	}
	if b.err != nil || x.Req.ExpectContinue && !c.continued {
		return false // nobody knows whether a client that waited for 100 sends its body now
	}
	c.streams.Store(false)
	b.patience, b.waited = c.server.Timeouts.Drain, 0
	give := time.Now().Add(b.patience)
	for total := 0; total < drainBytes && time.Now().Before(give); {
		view, err := b.Next()
		total += len(view)
		if err != nil {
			return err == io.EOF
		}
	}
	return false
}
