package h2

import (
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
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
	// Meters gets the counters of what clients were cut off for, and of streams; nil: nobody counts.
	Meters *meter.Set
	// BodyBytes bounds the memory of request bodies that nobody has taken yet; 0: 256 MB. Beyond three quarters of it new requests
	// with a body get 503, beyond all of it those whose body goes on.
	BodyBytes int64
	// WindowBytes is by how much windows may be larger than 64 KB, together; 0: 64 MB. Beyond it they stay small.
	WindowBytes int64

	meters   meters
	noMemory *fault.Error // beyond BodyBytes
	workers  workers
	streams  sync.Pool
	bodies   atomic.Int64 // memory of request bodies
	windows  atomic.Int64 // by which windows are larger than their first size
	draining atomic.Bool
	retiring atomic.Bool // draining, but connections that come later are served and drained too
	parting  atomic.Bool // calls of gRPC end between two messages
	tunnels  wire.Tunnels
	mu       sync.Mutex
	conns    map[*serverConn]struct{}
	ended    sync.Cond // a connection left conns; its L is &mu
}

// Serve serves one connection until it ends, and closes it. On TLS the handshake is over and has settled on h2, and
// info says what else it has settled; on plain TCP the client starts with its preface (prior knowledge, RFC 9113
// section 3.3) and info is nil.
func (s *Server) Serve(conn net.Conn, info *exchange.TLS) {
	c := &serverConn{server: s}
	c.init(conn, c, streamWindow, connWindow) // before anybody knows of it: Drain, Close and Shed interrupt what they find
	if !s.add(c) {
		conn.Close()
		return
	}
	c.meters, c.patience = &s.meters, s.Timeouts.Write
	c.info = exchange.Conn{Client: addrPort(conn.RemoteAddr()), Local: addrPort(conn.LocalAddr()), Protocol: "h2", TLS: info,
		Balancer: addrPort(transport.Announcer(conn)).Addr()}
	defer s.remove(c)
	defer c.info.End()
	defer c.finish()
	c.greet()
	c.ending = c.serve()
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
	if s.draining.Load() && !s.retiring.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	if s.Open != nil {
		s.Open.Add(1)
	}
	return true
}

func (s *Server) setUp() {
	s.conns = map[*serverConn]struct{}{}
	s.ended.L = &s.mu
	s.Timeouts = s.Timeouts.WithDefaults()
	if s.BodyBytes == 0 {
		s.BodyBytes = bodiesBytesMax
	}
	if s.WindowBytes == 0 {
		s.WindowBytes = windowsBytesMax
	}
	s.noMemory = fault.New(fault.Overloaded,
		fmt.Sprintf("request bodies over HTTP/2 that no service has taken yet fill the memory there is for them: %d bytes in all (--memory)", s.BodyBytes))
	s.meters.timeouts = &s.Timeouts
	s.streams.New = func() any { return new(serverStream) }
	if s.Meters != nil {
		s.meters.register(s.Meters)
		s.meters.resets = s.Meters.Counter("skerry_h2_resets_total", "Streams that clients have reset.")
	}
}

func (s *Server) remove(c *serverConn) {
	s.mu.Lock()
	delete(s.conns, c)
	if s.Open != nil {
		s.Open.Add(-1)
	}
	s.rest()
	s.ended.Broadcast()
	s.mu.Unlock()
}

// Drain tells every client by GOAWAY that the connection is about to take no more requests, waits for each to have heard that,
// tells it which request was the last, and closes a connection when its last exchange is over (RFC 9113 section 6.8). Draining
// does not wait: see Wait.
func (s *Server) Drain() {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.net.Interrupt(true)
	}
	s.rest()
}

// Retire is Drain for a server whose listeners have gone to another process, which may still get connections that had been accepted
// before: their clients, too, are told in good order. Close ends it.
func (s *Server) Retire() {
	s.retiring.Store(true)
	s.Drain()
}

// rest ends the workers when nothing can come any more. The caller holds the lock.
func (s *Server) rest() {
	if len(s.conns) == 0 && s.draining.Load() && !s.retiring.Load() {
		s.workers.close()
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
	s.retiring.Store(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.net.Close()
	}
	s.rest()
}

// serverConn is one client connection.
type serverConn struct {
	conn
	server *Server
	info   exchange.Conn
	fresh  []*serverStream // opened by what is being dealt with: they start when all of it is
	leavingState
	ending error // why it is not read any more

	open  int       // exchanges that are not over; guarded by mu
	empty sync.Cond // open has become 0; its L is &mu
}

// greet sends the settings.
func (c *serverConn) greet() {
	c.empty.L = &c.mu
	c.mu.Lock()
	out := c.pending()
	*out = appendSettings(*out, settingStreams, streamsMax, settingHeaderList, headerListBytes, settingConnect, 1, settingNoPriorities, 1)
	*out = appendWindowUpdate(*out, 0, connWindow-windowDefault)
	c.mu.Unlock()
	c.last = time.Now()
	c.idleSince(c.last)
	c.flush()
}

// serve reads the preface, then frames.
func (c *serverConn) serve() (why error) {
	defer func() {
		if v := recover(); v != nil {
			c.server.tell(v)
			why = violation(codeInternal, "BUG: a panic")
		}
	}()
	if err := c.readPreface(time.Now().Add(c.server.Timeouts.Head)); err != nil {
		return err
	}
	c.r = len(preface)
	if err := c.frames(); err != nil {
		return err
	}
	return c.read()
}

// readPreface waits for what a client's connection begins with (RFC 9113 section 3.4).
func (c *serverConn) readPreface(by time.Time) error {
	for {
		n := min(c.w, len(preface))
		if string(c.data[:n]) != preface[:n] {
			return violation(codeProtocol, "the connection preface is wrong (RFC 9113 section 3.4)")
		}
		if n == len(preface) {
			return nil
		}
		switch err := c.fill(by); err {
		case nil:
		case transport.ErrTimeout:
			c.count(slowFrame)
			return violation(codeNone, "the connection preface did not come in time (Timeouts.Head)")
		case transport.ErrInterrupted:
			if c.server.draining.Load() && !c.server.retiring.Load() || c.leaves() {
				return violation(codeNone, "the edge drains, or needs the place of an idle connection")
			}
			c.net.Interrupt(false)
		default:
			return err
		}
	}
}

// finish ends what is still open, and waits for it.
func (c *serverConn) finish() {
	c.start()
	c.shutdown(c.ending)
	c.mu.Lock()
	for c.open > 0 {
		c.empty.Wait()
	}
	c.mu.Unlock()
	c.net.Close()
}

// head opens a stream, or takes the trailers of one.
func (c *serverConn) head(id uint32, l *fieldList, end bool) error {
	c.mu.Lock()
	s := c.streams.get(id)
	final, broken := c.final, c.broken
	switch {
	case broken != nil: // nobody would hear the answer
		c.mu.Unlock()
		return broken
	case s != nil:
		err := c.trailers(s, l, end)
		c.mu.Unlock()
		return err
	case id%2 == 0:
		c.mu.Unlock()
		return violation(codeProtocol, "a client's stream with an even number")
	case id <= c.newest:
		reset, known := c.history.find(id)
		c.mu.Unlock()
		return c.late(reset, known)
	}
	c.newest = id
	full := c.open >= streamsMax
	if final { // it is not dealt with, as GOAWAY has said, nor is what follows it (RFC 9113 section 6.8)
		c.history.add(id, true)
	} else if c.taken = id; !full {
		c.open++
	}
	c.mu.Unlock()
	if final {
		return c.idler()
	}
	c.tick(&c.flood.opened)
	if full {
		c.count(refusedStream)
		return c.refuse(id, codeRefused)
	}
	c.begin(id, l, end)
	return nil
}

// late is a header block on a stream that is not open any more.
func (c *serverConn) late(reset, known bool) error {
	switch {
	case reset:
		return c.idler() // trailers that were under way
	case known:
		return violation(codeStreamClosed, "HEADERS on a stream that is closed")
	}
	return violation(codeProtocol, "a stream's number is not above those before it (RFC 9113 section 5.1.1)")
}

// begin makes a stream and its exchange, which start makes run.
func (c *serverConn) begin(id uint32, l *fieldList, end bool) {
	s := c.server.streams.Get().(*serverStream)
	s.stream.begin(&c.conn, id, s)
	s.owner, s.code, s.bare = c, codeInternal, end
	x := exchange.Acquire()
	x.Conn, x.Sink, x.Now = &c.info, s, c.last
	s.x = x
	err := s.readHead(x, l, end)
	if err == nil && !end && s.size != 0 && c.server.bodies.Load() > c.server.BodyBytes/4*3 {
		c.count(memory)
		err = c.server.noMemory
	}
	if err != nil {
		x.Fault, x.Cause = err, err
	}
	c.mu.Lock()
	c.idleSince(time.Time{})
	c.streams.put(&s.stream)
	if end {
		s.endRemote()
	}
	c.mu.Unlock()
	c.fresh = append(c.fresh, s)
}

// start has the streams run that were opened: at once, but after everything that came with them, so that a small body is there.
func (c *serverConn) start() {
	for i, s := range c.fresh {
		c.fresh[i] = nil
		c.server.workers.run(s)
	}
	c.fresh = c.fresh[:0]
}

// trailers takes what comes behind a body. The caller holds the lock.
func (c *serverConn) trailers(s *stream, l *fieldList, end bool) error {
	switch {
	case s.reset != nil && s.ours:
		return nil
	case s.reset != nil:
		return c.refuseLocked(s.id, codeStreamClosed)
	case s.remoteOver:
		return c.provoked(s, codeStreamClosed, errPeerFrames)
	case !end:
		return c.provoked(s, codeProtocol, errPeerFrames)
	case s.size >= 0 && s.came != s.size:
		return c.provoked(s, codeProtocol, errLength)
	}
	if err := readTrailers(&s.owner.(*serverStream).trailing, l); err != nil {
		return c.provoked(s, codeProtocol, err)
	}
	s.endRemote()
	return nil
}

// goAway is nothing to us: a client opens streams, or does not.
func (c *serverConn) goAway(uint32, errCode) {}

// hold counts memory of bodies.
func (c *serverConn) hold(n int) (why error) {
	if n != 0 && c.server.bodies.Add(int64(n)) > c.server.BodyBytes && n > 0 {
		c.count(memory)
		return c.server.noMemory
	}
	return nil
}

// widen counts the windows of all connections.
func (c *serverConn) widen(by int64) (may bool) {
	if c.server.windows.Add(by) > c.server.WindowBytes && by > 0 {
		c.server.windows.Add(-by)
		return false
	}
	return true
}

// exchangeOver ends an exchange's part in its connection.
func (c *serverConn) exchangeOver(s *serverStream, complete bool) {
	c.mu.Lock()
	switch {
	case s.reset != nil:
	case !complete && s.code != codeNone || !s.localOver:
		c.resetStream(&s.stream, s.code, errWrite)
	case s.malformed:
		c.resetStream(&s.stream, codeProtocol, errWrite)
	case !s.remoteOver:
		c.resetStream(&s.stream, codeNone, errWrite) // RFC 9113 section 8.1: the rest of the request is not wanted
	}
	freed := c.leave(&s.stream)
	c.open--
	idle := c.open == 0
	if idle {
		c.idleSince(time.Now())
		c.empty.Broadcast()
	}
	mine := c.claim()
	c.mu.Unlock()
	c.hold(-freed)
	c.flushClaimed(mine)
	if idle && c.server.draining.Load() {
		c.net.Interrupt(true) // the last one: whoever reads is to close
	}
}
