package peer

import (
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
)

// reserve has the kept connections that a PROXY header announced. Each belongs to a client connection, where its exchanges find it;
// what is here bounds and ends them. Lists run from the one that was kept first.
type reserve struct {
	mu          sync.Mutex
	closed      bool // nothing is kept any more
	size        int
	first, last *Conn
}

// reserved is a connection's place in a reserve.
type reserved struct {
	client     *exchange.Conn // whose it is; nil: nobody's, and it is not kept
	listed     bool
	prev, next *Conn
}

// getOwn is Get for a client connection.
func (p *Peer) getOwn(at time.Duration, client *exchange.Conn) *Conn {
	if client == nil {
		return nil
	}
	for b := client.Take(p); b != nil; b = client.Take(p) {
		c := b.(*Conn)
		switch {
		case !p.reserve.remove(c): // it was closed meanwhile
		case at < c.over:
			return c
		default:
			c.end(c.why)
		}
	}
	return nil
}

// putOwn keeps a connection for its client's; endNone says that it did. At the limit the one that was kept first gives way: a client
// that goes on asking is worth more than one that may have left.
func (p *Peer) putOwn(c *Conn) ending {
	most := p.limits.Keep.Max
	if most <= 0 {
		return endFull
	}
	if !p.reserve.add(c) {
		return endReleased
	}
	if !c.client.Keep(p, c) {
		p.reserve.remove(c)
		return endClient
	}
	for p.reserve.count() > most && p.yield() {
	}
	return endNone
}

// yield closes the connection that was kept first; false: none is.
func (p *Peer) yield() bool {
	c := p.reserve.pop()
	if c == nil {
		return false
	}
	c.end(endFull)
	return true
}

// Leave closes the connection, unless somebody has it: its client's is over.
func (c *Conn) Leave() {
	if c.peer.reserve.remove(c) {
		c.end(endClient)
	}
}

// add lists a connection, unless the reserve is closed.
func (r *reserve) add(c *Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	c.listed, c.prev = true, r.last
	if r.last != nil {
		r.last.next = c
	} else {
		r.first = c
	}
	r.last = c
	r.size++
	return true
}

// remove reports false if somebody else took the connection out.
func (r *reserve) remove(c *Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unlink(c)
}

func (r *reserve) unlink(c *Conn) bool {
	if !c.listed {
		return false
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		r.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		r.last = c.prev
	}
	c.listed, c.prev, c.next = false, nil, nil
	r.size--
	return true
}

// pop takes out the one that was kept first; nil: there is none.
func (r *reserve) pop() *Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.first
	if c != nil {
		r.unlink(c)
	}
	return c
}

// count is how many are kept.
func (r *reserve) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size
}

// expire takes out what is over at a time, and returns when the first of the rest will be.
func (r *reserve) expire(at time.Duration) (over []*Conn, next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = never
	for c := r.first; c != nil; {
		after := c.next
		if c.over <= at {
			r.unlink(c)
			over = append(over, c)
		} else {
			next = min(next, c.over)
		}
		c = after
	}
	return over, next
}

// shut lets nothing be kept any more, and returns what was.
func (r *reserve) shut() (kept []*Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for r.first != nil {
		kept = append(kept, r.first)
		r.unlink(r.first)
	}
	return kept
}
