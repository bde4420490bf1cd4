package peer

import (
	"crypto/tls"
	"math"
	"net"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h2"
)

// line is a connection of HTTP/2: it carries many exchanges at once.
type line struct {
	peer   *Peer
	client *h2.Client
	tls    *tls.Conn     // nil: plain
	ends   time.Duration // its age: no new request from then on
	beside bool          // it does not count as open, and carries one exchange

	left   atomic.Int64  // requests it may still begin
	open   atomic.Int64  // exchanges on it
	proved atomic.Bool   // it has outlived one
	why    atomic.Uint32 // the ending, once there is one
	life   atomic.Uint32
}

// The life of a line.
const (
	lineNew  uint32 = iota
	lineKept        // the keeper knows it
	lineOver
)

// newLine returns a line that the keeper knows; errStopped if it takes none any more.
func (p *Peer) newLine(raw net.Conn, secure *tls.Conn, beside bool) (*line, error) {
	l := &line{peer: p, tls: secure, ends: p.ends(), beside: beside}
	l.left.Store(math.MaxInt64)
	if n := p.limits.Keep.Requests; n > 0 {
		l.left.Store(int64(n))
	}
	l.client = h2.NewClient(raw, h2.ClientOptions{Over: l.over})
	if !p.keeper.add(l) {
		l.client.Close()
		return nil, errStopped
	}
	if !l.life.CompareAndSwap(lineNew, lineKept) { // it broke at once, and nobody has been told
		p.ended(l, beside, l.ending())
	}
	return l, nil
}

// over hears from the client that the connection is done with.
func (l *line) over() {
	if l.life.Swap(lineOver) == lineKept {
		l.peer.drop(l)
		l.peer.ended(l, l.beside, l.ending())
	}
}

// because says why the line ends; the first to say so is right.
func (l *line) because(why ending) { l.why.CompareAndSwap(uint32(endNone), uint32(why)) }

// dead reports whether the line is lost, for one whose exchange on it had that error, and has been of no use to anybody. Only then may
// somebody else than the client read from it: ErrDied says that the client has stopped.
func (l *line) dead(err error) bool {
	return !l.proved.Load() && (err == wire.ErrDied || l.life.Load() == lineOver)
}

func (l *line) ending() ending {
	if why := ending(l.why.Load()); why != endNone {
		return why
	}
	return endGone
}

// retire lets no exchange begin on the line any more; it closes when there is none.
func (l *line) retire(why ending) {
	l.because(why)
	l.peer.drop(l)
	if l.open.Load() == 0 {
		l.client.Retire()
	}
}

// end closes the line under its exchanges.
func (l *line) end(why ending) error {
	l.because(why)
	err := l.client.Close()
	l.over()
	return err
}

// place takes a place for an exchange; nil: there is none.
func (l *line) place() *Conn {
	p := l.peer
	if !l.proved.Load() && l.open.Load() >= p.carries.Load() {
		return nil // what the origin allows is not known yet
	}
	left := l.left.Add(-1)
	if left < 0 {
		return nil // keepAlive.requests have begun
	}
	call := l.client.Begin()
	if call == nil {
		l.left.Add(1)
		l.full()
		return nil
	}
	if n := l.open.Add(1); n > p.carries.Load() && l.proved.Load() {
		p.carries.Store(n)
	}
	if left == 0 {
		l.retire(endRequests)
	}
	c := conns.Get().(*Conn)
	c.peer, c.line, c.call = p, l, call
	return c
}

// full learns from there being no place.
func (l *line) full() {
	p := l.peer
	if l.client.Leaving() {
		p.drop(l)
		return
	}
	for n := max(l.open.Load(), 1); ; {
		was := p.carries.Load()
		if n >= was || p.carries.CompareAndSwap(was, n) {
			return
		}
	}
}

// back takes a place back.
func (l *line) back() {
	switch {
	case l.open.Add(-1) > 0 || l.beside:
	case l.why.Load() != uint32(endNone):
		l.client.Retire()
	default:
		l.rest()
	}
}

// worked notes that the connection outlived an exchange; the first time is news.
func (l *line) worked() {
	if !l.proved.Load() {
		l.proved.Store(true)
	}
}

// rest is for a line without exchanges: it is kept for as long as keepAlive says.
func (l *line) rest() {
	p := l.peer
	if p.surplus(l) {
		l.retire(endFull)
		return
	}
	if over := min(p.keeper.at(time.Now())+p.limits.Keep.Idle, l.ends); over < time.Duration(p.due.Load()) {
		p.keeper.expect(p, over)
	}
}

// expired reports why the line has been without exchanges for long enough, or when it will have been; never while it has some.
func (l *line) expired(now time.Duration) (why ending, next time.Duration) {
	since, ok := l.client.Quiet()
	if !ok {
		return endNone, never // it comes to rest again
	}
	next, why = l.peer.keeper.at(since)+l.peer.limits.Keep.Idle, endIdle
	if l.ends < next {
		next, why = l.ends, endAge
	}
	if next <= now {
		return why, never
	}
	return endNone, next
}
