package peer

import (
	"crypto/tls"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/h2"
	"skerry.dev/skerry/wire/transport"
)

// Conn is what one exchange has of a peer's connections: all of one of HTTP/1.1, or a place on one of HTTP/2. It belongs to that
// exchange from Get or Dial to Keep or Close, and is not used afterwards; where Close may come twice it says so.
//
// Its methods from Send to End promise what those of h1.Client do.
type Conn struct {
	peer *Peer

	// of HTTP/2
	line *line    // nil: this is HTTP/1.1
	call *h2.Call // nil: End has been called

	// of HTTP/1.1
	own     *h1.Client
	tls     *tls.Conn     // nil: plain
	ends    time.Duration // its age: no new request from then on
	left    int           // requests it may still carry
	carried bool          // it has carried one to its end
	beside  bool          // it does not count as open
	reserved
	over   time.Duration // while it is kept: no new request from then on
	why    ending        // what over would be
	closed atomic.Bool
}

// ending is why a connection was closed; its text is a label.
type ending uint8

const (
	endNone     ending = iota
	endUse             // by who used it: something was not whole
	endIdle            // unused for keepAlive.idle
	endAge             // older than keepAlive.age
	endRequests        // keepAlive.requests were carried
	endOrigin          // the origin's own limit, from Keep-Alive
	endFull            // keepAlive.max others are kept, or keepAlive.connections are open and one is to be made
	endReleased        // nobody holds the peer any more
	endStopped         // the keeper has stopped
	endGone            // one of HTTP/2 that the origin ended: GOAWAY, or it broke
	endClient          // it was announced as one client's, whose own connection is over, or not known
	endings
)

var endingTexts = [endings]string{"", "use", "idle", "age", "requests", "keep_alive", "full", "released", "stopped", "origin", "client"}

// String is the ending as metrics print it.
func (e ending) String() string { return endingTexts[e] }

// conns are those of HTTP/2 that nobody has.
var conns = sync.Pool{New: func() any { return new(Conn) }}

// newConn returns a connection of HTTP/1.1.
func (p *Peer) newConn(raw net.Conn, secure *tls.Conn) *Conn {
	c := &Conn{own: h1.NewClient(transport.New(raw)), peer: p, tls: secure, ends: p.ends(), left: math.MaxInt}
	if n := p.limits.Keep.Requests; n > 0 {
		c.left = n
	}
	return c
}

// ends is when a connection that is made now will be too old.
func (p *Peer) ends() time.Duration {
	age := p.limits.Keep.Age
	if age <= 0 {
		return never
	}
	return p.keeper.at(time.Now()) + age - rand.N(age/ageSpread+1)
}

// Shared reports whether this is a place on a connection that others use as well.
func (c *Conn) Shared() bool { return c.line != nil }

// Send writes the request. Beyond what h1.Client promises, transport.ErrStale also comes from Receive: an origin of HTTP/2 says
// only then that it did not take the request.
func (c *Conn) Send(x *exchange.Exchange, q *wire.Request) (sent int64, err error) {
	if c.line != nil {
		return c.call.Send(x, q)
	}
	return c.own.Send(x, q)
}

// Receive reads the final response head into x.Resp and prepares its body; interim responses go to x.Sink.
func (c *Conn) Receive(x *exchange.Exchange) error {
	if c.line != nil {
		return c.call.Receive(x)
	}
	return c.own.Receive(x)
}

// Asked returns when the last byte of the request was sent, or nearly; ok is false while it is still being sent. It holds from
// Receive to End.
func (c *Conn) Asked() (at time.Time, ok bool) {
	if c.line != nil {
		return c.call.Asked()
	}
	return c.own.Asked()
}

// Pumped reports whether the request's body was too large to be sent in one piece: some of it is gone.
func (c *Conn) Pumped() bool {
	if c.line != nil {
		return c.call.Pumped()
	}
	return c.own.Pumped()
}

// Abandon ends the exchange that is under way, from any goroutine, until End.
func (c *Conn) Abandon() {
	if c.line != nil {
		c.call.Abandon()
		return
	}
	c.own.Abandon()
}

// Adopt makes the exchange that is under way that of x.
func (c *Conn) Adopt(x *exchange.Exchange) {
	if c.line != nil {
		c.call.Adopt(x)
		return
	}
	c.own.Adopt(x)
}

// End closes the exchange and reports whether the connection may carry another: then Keep, otherwise Close.
func (c *Conn) End(x *exchange.Exchange) (reusable bool) {
	if c.line == nil {
		return c.own.End(x)
	}
	if reusable = c.call.End(x); reusable {
		c.line.worked()
	}
	c.call = nil
	return reusable
}

// Keep gives the connection back for the next request, after End has said that it may carry one, or if it was not used. It closes
// it if it is too old, has carried enough requests, the origin would close it soon, enough others are kept, it was announced as that
// of a client whose own connection is over or not known, or the peer was released. now is the time; a time before it, such as when
// the exchange began, makes it be kept for that much less.
func (c *Conn) Keep(now time.Time) {
	p := c.peer
	if c.line != nil {
		c.Close()
		return
	}
	if why := c.rest(p.keeper.at(now)); why != endNone {
		c.end(why)
		return
	}
	over := c.over // c is another's once it is kept
	if why := p.put(c); why != endNone {
		c.end(why)
		return
	}
	if over < time.Duration(p.due.Load()) {
		p.keeper.expect(p, over)
	}
}

// rest finds out until when the connection may be kept, or why it may not.
func (c *Conn) rest(at time.Duration) ending {
	if c.peer.announces() && c.client == nil {
		return endClient
	}
	timeout, requests := c.own.KeepAlive()
	why := endRequests
	c.carried = true
	if c.left--; requests >= 0 && requests < c.left {
		c.left, why = requests, endOrigin
	}
	if c.left <= 0 {
		return why
	}
	c.over, c.why = at+c.peer.limits.Keep.Idle, endIdle
	if timeout >= 0 {
		if by := at + early(timeout); by < c.over {
			c.over, c.why = by, endOrigin
		}
	}
	if c.ends < c.over {
		c.over, c.why = c.ends, endAge
	}
	if c.over <= at {
		return c.why
	}
	return endNone
}

// early is when to let go of a connection that its origin keeps for so long: a second before, because a request that is on its
// way then would be lost; half the time where there is no second to spare.
func early(timeout time.Duration) time.Duration { return max(timeout-time.Second, timeout/2) }

// Close closes a connection of HTTP/1.1, or of DialBeside: at any time, and more than once. A place on a shared connection is
// given back, once, and the exchange on it, if it is not over, ended; the connection goes on.
func (c *Conn) Close() error {
	switch {
	case c.line == nil:
		return c.end(endUse)
	case c.line.beside:
		return c.line.end(endUse)
	}
	c.leave()
	return nil
}

// leave gives a place on a shared connection back.
func (c *Conn) leave() {
	l := c.line
	if c.call != nil {
		x := exchange.Acquire()
		c.call.Abandon()
		c.call.End(x)
		x.Release()
	}
	c.peer, c.line, c.call = nil, nil, nil
	conns.Put(c)
	l.back()
}

func (c *Conn) end(why ending) error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	err := c.own.Close()
	c.peer.ended(c, c.beside, why)
	return err
}

// ended notes that a connection is closed.
func (p *Peer) ended(c connection, beside bool, why ending) {
	p.keeper.remove(c)
	if !beside {
		p.open.Add(-1)
	}
	p.keeper.closed[why].Inc()
}
