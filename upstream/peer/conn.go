package peer

import (
	"crypto/tls"
	"math"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
)

// Conn is a connection to a peer. It belongs to one exchange at a time, from Get or Dial to Keep or Close.
type Conn struct {
	*h1.Client
	peer    *Peer
	tls     *tls.Conn     // nil: plain
	ends    time.Duration // its age: no new request from then on
	left    int           // requests it may still carry
	carried bool          // it has carried one to its end
	beside  bool          // it does not count as open
	over    time.Duration // while it is kept: no new request from then on
	why     ending        // what over would be
	closed  atomic.Bool
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
	endFull            // keepAlive.max others are kept
	endReleased        // nobody holds the peer any more
	endStopped         // the keeper has stopped
	endings
)

var endingTexts = [endings]string{"", "use", "idle", "age", "requests", "keep_alive", "full", "released", "stopped"}

// String is the ending as metrics print it.
func (e ending) String() string { return endingTexts[e] }

func (p *Peer) newConn(raw net.Conn, secure *tls.Conn) *Conn {
	k, keep := p.keeper, p.limits.Keep
	c := &Conn{Client: h1.NewClient(transport.New(raw)), peer: p, tls: secure, ends: never, left: math.MaxInt}
	if keep.Age > 0 {
		c.ends = k.at(time.Now()) + keep.Age - rand.N(keep.Age/ageSpread+1)
	}
	if keep.Requests > 0 {
		c.left = keep.Requests
	}
	return c
}

// Keep gives the connection back for the next request, after Client.End has said that it may carry one. It closes it if it is
// too old, has carried enough requests, the origin would close it soon, enough others are kept, or the peer was released. now is
// the time; a time before it, such as when the exchange began, makes it be kept for that much less.
func (c *Conn) Keep(now time.Time) {
	p := c.peer
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
	timeout, requests := c.Client.KeepAlive()
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

// Close closes the connection. It may be called at any time and more than once.
func (c *Conn) Close() error { return c.end(endUse) }

func (c *Conn) end(why ending) error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	err := c.Client.Close()
	k := c.peer.keeper
	k.remove(c)
	if !c.beside {
		c.peer.open.Add(-1)
	}
	k.closed[why].Inc()
	return err
}
