package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
)

// Listener is one address to listen on.
type Listener struct {
	Addr string      // host:port; port 0 picks a free one
	TLS  *cert.Store // what handshakes get; nil: plain HTTP
	H2C  bool        // on a plain address: HTTP/2 too, for clients that begin with its preface (prior knowledge, RFC 9113 section 3.3)
	// Proxy: nobody but Options.Trusted may connect, and every connection begins with a PROXY header of version 1 or 2. The client
	// that it names is who the connection comes from: for limits, and in RemoteAddr. Whatever else comes is closed. LocalAddr stays
	// the socket's own: certificates belong to addresses of this machine, and what a balancer is reached at, it may not even know.
	Proxy bool
}

// Options are the settings of a Set. The zero value takes every default.
type Options struct {
	// Conns bounds the open connections; 0: a quarter of the descriptors that the process may have. At the limit one more
	// per address waits in hand, the others in the system's backlog, which is kinder than to reset them.
	Conns int
	// PerAddress bounds those of one client address, an IPv6 address by its /64; 0: a quarter of Conns, at least 16. Beyond
	// it a connection is closed at once.
	PerAddress int
	// Trusted are the addresses of trusted proxies: they have no limit of their own, and are believed in what their PROXY header
	// says.
	Trusted []netip.Prefix
	// Full is called when a connection finds no place, and again every 100 ms while it waits. It should close one connection
	// that only waits for its client, and has done so since before that time, and says whether it did. nil: only handshakes
	// give way. Listeners call it at once.
	Full func(before time.Time) bool
	// Handshake is the longest a TLS handshake may take, from accept to its end, a PROXY header in front of it included, and the
	// longest such a header may take on a plain address; 0: 10 s. Beyond it: close.
	Handshake time.Duration
	// Preface is the longest a client of an H2C address may take, from accept on, until its bytes say which protocol it speaks: the
	// first one, but for HTTP/2 itself; 0: 10 s. Beyond it: close.
	Preface time.Duration
	// Meters gets the counters and events; nil: a new one.
	Meters *meter.Set
	// Listen opens an address, host:port, of a kind: http, https or h2c; nil: net.Listen. Its listeners return *net.TCPConn.
	Listen func(kind, addr string) (net.Listener, error)
}

// Handler serves a connection and closes it. t is what the handshake settled, nil on a plain address; protocol is what
// ALPN chose ("h2", "http/1.1"), empty if the client offered nothing. On a plain address it is empty too, or "h2" if that
// is an H2C one and the client has sent the preface, all of which is still to be read. With TLS, c is a *tls.Conn without
// deadlines whose handshake is done.
type Handler func(c net.Conn, t *exchange.TLS, protocol string)

// Set is the open listeners of an edge.
type Set struct {
	listeners []net.Listener
	kinds     []Listener      // of listeners, in their order
	turns     []chan struct{} // get something at each turn of a listener's loop, if there is room
	full      func(before time.Time) bool
	meters    *meter.Set
	patience  time.Duration // for handshakes
	preface   time.Duration // for what tells protocols apart
	grace     time.Duration // handshakeGrace, but in tests
	slots     chan struct{} // one per connection that may be open
	addresses addresses
	shaking   handshakes
	waited    *meter.Counter
	shed      *meter.Counter
	refused   *meter.Counter
	silent    *meter.Counter
	refusals  meter.Rarely       // refused was told of
	headers   map[string]*result // PROXY headers, by what came of them; nil: no listener asks for any
	closed    chan struct{}
	once      sync.Once
	accepting sync.WaitGroup
	conns     sync.WaitGroup
}

// Open listens on every address, or on none and says why.
func Open(listeners []Listener, opt Options) (*Set, error) {
	if opt.Conns <= 0 {
		opt.Conns = defaultConns()
	}
	if opt.PerAddress <= 0 {
		opt.PerAddress = max(opt.Conns/perAddressShare, connsMin)
	}
	if opt.Handshake <= 0 {
		opt.Handshake = handshakeMax
	}
	if opt.Preface <= 0 {
		opt.Preface = prefaceMax
	}
	if opt.Meters == nil {
		opt.Meters = meter.NewSet()
	}
	if opt.Listen == nil {
		opt.Listen = func(_, addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
	}
	s := &Set{
		full: opt.Full, meters: opt.Meters, patience: opt.Handshake, preface: opt.Preface, grace: handshakeGrace,
		slots: make(chan struct{}, opt.Conns), closed: make(chan struct{}),
	}
	s.addresses.open(opt.PerAddress, opt.Trusted)
	s.waited = s.meters.Counter("skerry_connections_waited_total", "Client connections that had to wait for a place, at the limit on connections.")
	s.shed = s.meters.Counter("skerry_handshakes_shed_total", "TLS handshakes, PROXY headers and clients that had not said which protocol they speak, that gave way to another connection, at the limit on connections.")
	s.silent = s.meters.Counter("skerry_protocol_unknown_total", "Connections to an address for HTTP/1.1 and HTTP/2 that were closed because their client had not said in time which it speaks.")
	s.refused = s.meters.Counter("skerry_connections_refused_total", "Client connections closed at once, by the limit they met.", "reason", "per_address")
	if slices.ContainsFunc(listeners, func(l Listener) bool { return l.Proxy }) {
		s.registerIntroductions()
	}
	for _, one := range listeners {
		if one.Proxy && len(opt.Trusted) == 0 {
			s.Close()
			return nil, fmt.Errorf("listen on %s: --proxy-protocol needs --trusted-proxies: nobody else is believed about who a client is", one.Addr)
		}
		l, err := opt.Listen(one.kind(), one.Addr)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("listen on %s (--%s): %w", one.Addr, one.kind(), err)
		}
		s.listeners, s.kinds = append(s.listeners, l), append(s.kinds, one)
		s.turns = append(s.turns, make(chan struct{}, 1))
	}
	return s, nil
}

// kind is what an address is for.
func (l *Listener) kind() string {
	switch {
	case l.TLS != nil:
		return "https"
	case l.H2C:
		return "h2c"
	}
	return "http"
}

func defaultConns() int {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil || lim.Cur > connsWithoutLimit*descriptorsPerConn {
		return connsWithoutLimit
	}
	return max(int(lim.Cur)/descriptorsPerConn, connsMin)
}

// Addrs returns the addresses that were opened, in the order of the listeners, ports filled in.
func (s *Set) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Serve accepts connections in the background and calls handle for each, in a goroutine of its own, after the handshake
// if the address has one, and after a look at what the client sends if that decides on the protocol.
func (s *Set) Serve(handle Handler) {
	for i, l := range s.listeners {
		s.accepting.Go(func() { s.accept(l, s.turns[i], &s.kinds[i], handle) })
	}
}

// nudger is a listener whose Accept returns os.ErrDeadlineExceeded once when it is nudged. False: nobody is to accept just now.
type nudger interface{ Nudge() bool }

// Alive returns when every loop that accepts connections has turned once, or ctx is done. One that waits for room, at the limit on
// connections, turns too; of a listener that cannot be nudged nothing is asked.
func (s *Set) Alive(ctx context.Context) {
	for i, l := range s.listeners {
		select {
		case <-s.turns[i]: // one of before
		default:
		}
		if n, ok := l.(nudger); !ok || !n.Nudge() {
			continue
		}
		select {
		case <-s.turns[i]:
		case <-s.closed:
		case <-ctx.Done():
		}
	}
}

// turn notes that a loop does not stand still.
func turn(turns chan<- struct{}) {
	select {
	case turns <- struct{}{}:
	default:
	}
}

func (s *Set) accept(l net.Listener, turns chan<- struct{}, kind *Listener, handle Handler) {
	accepted := s.meters.Counter("skerry_connections_accepted_total", "Client connections accepted.", "address", l.Addr().String())
	var pause time.Duration
	for {
		c, err := l.Accept()
		turn(turns)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				continue // nudged
			}
			pause = min(max(2*pause, 5*time.Millisecond), acceptBackoffMax)
			s.meters.Events().Add("accept_failed", fmt.Sprintf("accept on %v: %v; next try in %v", l.Addr(), err, pause))
			select {
			case <-time.After(pause):
			case <-s.closed:
				return
			}
			continue
		}
		pause = 0
		accepted.Inc()
		from := clientOf(c)
		if kind.Proxy && !s.addresses.trusted.Contains(from) {
			s.unwelcome(c, from)
			continue
		}
		if !s.addresses.take(from) {
			c.Close()
			s.refuse(from)
			continue
		}
		if !s.place(turns) {
			s.addresses.give(from)
			c.Close()
			return
		}
		s.conns.Go(func() { s.serve(c, from, kind, handle) })
	}
}

// serve has a connection handled. The goroutine of a handshake ends with it: its stack has grown to several times what the
// connection needs from then on, perhaps for hours of being idle.
func (s *Set) serve(c net.Conn, from netip.Addr, kind *Listener, handle Handler) {
	since := time.Now()
	if kind.Proxy {
		if c, from = s.introduced(c, from, since); c == nil {
			s.leave(from)
			return
		}
	}
	if kind.TLS == nil {
		defer s.leave(from)
		protocol := ""
		if kind.H2C {
			c, protocol = s.tellApart(c, since)
		}
		if c != nil {
			handle(c, nil, protocol)
		}
		return
	}
	t, session := s.handshake(c, since, kind.TLS)
	if session == nil {
		s.leave(from)
		return
	}
	settled, protocol := tlsOf(session), session.Protocol
	s.conns.Go(func() {
		defer s.leave(from)
		handle(t, settled, protocol)
	})
}

// leave gives a connection's place back.
func (s *Set) leave(from netip.Addr) {
	s.addresses.give(from)
	<-s.slots
}

// place waits until there is room for one more connection, and makes some by shedding others. False: the set was closed.
func (s *Set) place(turns chan<- struct{}) bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
	}
	s.waited.Inc()
	again := time.NewTicker(shedPause)
	defer again.Stop()
	for {
		s.makeRoom()
		turn(turns)
		select {
		case s.slots <- struct{}{}:
			return true
		case <-s.closed:
			return false
		case <-again.C:
		}
	}
}

// makeRoom closes one connection that nobody would miss: a handshake that takes long, or else what has waited longest, be it a
// handshake or known to Full. A client that has not said which protocol it speaks counts as a handshake. Where one kind always
// came before the other, a flood of the other would cost those who have just come.
func (s *Set) makeRoom() {
	now := time.Now()
	if s.shaking.closeOldest(now.Add(-s.grace)) {
		s.shed.Inc()
		return
	}
	if s.full != nil && s.full(s.shaking.oldest(now)) {
		return
	}
	if s.shaking.closeOldest(now) {
		s.shed.Inc()
	}
}

// refuse counts a connection that its address's limit refused, and tells of it once in a while.
func (s *Set) refuse(from netip.Addr) {
	s.refused.Inc()
	if s.refusals.Due(time.Now(), refusedEventEvery) {
		s.meters.Events().Add("connections_refused", fmt.Sprintf("%v has %d connections open, the limit for one address: more are closed at once; "+
			"a trusted proxy is exempt", from, s.addresses.most))
	}
}

// Close stops accepting. Connections that are open go on, handshakes too; but one whose client has not said yet which protocol
// it speaks is idle, and ends.
func (s *Set) Close() {
	s.once.Do(func() {
		close(s.closed)
		for _, l := range s.listeners {
			l.Close()
		}
	})
	s.accepting.Wait()
	s.shaking.endIdle()
}

// Retire stops accepting and loses nobody, for another process goes on with the same sockets: what is open goes on, what waits for a
// place gets one when there is room, and who has not said yet which protocol it speaks has its time. Close may follow.
func (s *Set) Retire() {
	for _, l := range s.listeners {
		l.Close()
	}
}

// Abort closes every connection that has not been handed over, and those that come later: for the end of a drain.
func (s *Set) Abort() { s.shaking.abort() }

// Wait returns when nothing is accepted any more and every handler has returned. Call it after Close or Retire.
func (s *Set) Wait() {
	s.accepting.Wait()
	s.conns.Wait()
}
