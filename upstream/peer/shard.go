package peer

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// shard is one stack of kept connections: a processor's own, as far as one can tell in Go.
type shard struct {
	some atomic.Bool // something is kept: for those who only look, and written only when that changes

	mu     sync.Mutex
	closed bool    // nothing is kept any more
	room   int     // places of Keep.Max that are this shard's, used or not
	kept   []*Conn // the last used last
	_      [shardBytes - 48]byte
}

// token stands for a processor. A sync.Pool gives back what was put into it on the same processor, nearly always; that is the
// cheapest way to learn where one runs. After a collection that found it unused, a new token is dealt to the next shard in turn.
type token struct{ at uint32 }

// shardCount is how many shards serve so many processors: a power of two.
func shardCount(processors int) int {
	return min(1<<bits.Len(uint(max(processors, 1)-1)), shardsMax)
}

// own is the index of this processor's shard.
func (p *Peer) own() uint32 {
	if p.mask == 0 {
		return 0
	}
	t := p.keeper.tokens.Get().(*token)
	at := t.at
	p.keeper.tokens.Put(t)
	return at & p.mask
}

// take returns a kept connection: of the own shard, otherwise of the next one that has any; nil if none has.
func (p *Peer) take() *Conn {
	own := p.own()
	for i := range uint32(len(p.shards)) {
		if c := p.shards[(own+i)&p.mask].pop(); c != nil {
			return c
		}
	}
	return nil
}

// pop takes the connection that was used last; it locks only if there seems to be one.
func (s *shard) pop() *Conn {
	if !s.some.Load() {
		return nil
	}
	s.mu.Lock()
	n := len(s.kept) - 1
	if n < 0 {
		s.mu.Unlock()
		return nil
	}
	c := s.kept[n]
	s.kept[n] = nil
	s.kept = s.kept[:n]
	if n == 0 {
		s.some.Store(false)
	}
	s.mu.Unlock()
	return c
}

// put keeps a connection in the own shard, or for its client; endNone says that it did.
//
// The bound on all shards together costs no count that every processor writes: places belong to shards, and stay with them. A
// shard that has none left takes one that nobody has, or that another does not use.
func (p *Peer) put(c *Conn) ending {
	if p.announces() {
		return p.putOwn(c)
	}
	s := &p.shards[p.own()]
	why := s.push(c, 0)
	if why == endFull && p.claim() {
		why = s.push(c, 1)
	}
	return why
}

// push keeps a connection if there is room, after so many places have become the shard's.
func (s *shard) push(c *Conn, more int) ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return endReleased
	}
	if s.room += more; s.room <= len(s.kept) {
		return endFull
	}
	if s.kept = append(s.kept, c); len(s.kept) == 1 {
		s.some.Store(true)
	}
	return endNone
}

// claim takes one place from those that nobody has, or from a shard that does not use it.
func (p *Peer) claim() bool {
	for n := p.spare.Load(); n > 0; n = p.spare.Load() {
		if p.spare.CompareAndSwap(n, n-1) {
			return true
		}
	}
	for i := range p.shards {
		if p.shards[i].cede() {
			return true
		}
	}
	return false
}

// cede gives up a place that is not used, if there is one.
func (s *shard) cede() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room <= len(s.kept) {
		return false
	}
	s.room--
	return true
}

// size is how many are kept.
func (s *shard) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept)
}

// expire takes out what is over at a time, and returns when the first of the rest will be.
func (s *shard) expire(at time.Duration) (over []*Conn, next time.Duration) {
	next = never
	if !s.some.Load() {
		return nil, next
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.kept[:0]
	for _, c := range s.kept {
		if c.over <= at {
			over = append(over, c)
			continue
		}
		rest = append(rest, c)
		next = min(next, c.over)
	}
	clear(s.kept[len(rest):])
	s.kept = rest
	s.some.Store(len(rest) > 0)
	return over, next
}

// shutKept closes what is kept; nothing is kept afterwards.
func (p *Peer) shutKept(why ending) {
	for _, c := range p.reserve.shut() {
		c.end(why)
	}
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		kept := s.kept
		s.kept, s.closed = nil, true
		s.some.Store(false)
		s.mu.Unlock()
		for _, c := range kept {
			c.end(why)
		}
	}
}
