package h2

import (
	"runtime"
	"sync"
	"time"
)

// outBuffer is memory for frames that wait to be written.
type outBuffer struct{ bytes []byte }

var outBuffers = sync.Pool{New: func() any { return &outBuffer{make([]byte, 0, outBufferBytes)} }}

// recycle gives the memory back, unless it has grown too large.
func (b *outBuffer) recycle() {
	if cap(b.bytes) <= 4*outBufferBytes {
		b.bytes = b.bytes[:0]
		outBuffers.Put(b)
	}
}

// waits is how many bytes wait to be written. The caller holds the lock.
func (c *conn) waits() int {
	if c.out == nil {
		return 0
	}
	return len(c.out.bytes)
}

// pending is what waits to be written; frames are appended to it. The caller holds the lock.
func (c *conn) pending() *[]byte {
	if c.out == nil {
		c.out = outBuffers.Get().(*outBuffer)
	}
	return &c.out.bytes
}

// flush writes what waits, unless somebody else is at it, who will write this too. It yields first: what other streams that
// are ready have to say gathers meanwhile and leaves in the same system call and the same TLS record.
func (c *conn) flush() {
	c.mu.Lock()
	mine := c.claim()
	c.mu.Unlock()
	c.flushClaimed(mine)
}

// flushClaimed is flush for a caller who knows whether it is the one who writes.
func (c *conn) flushClaimed(mine bool) {
	if !mine {
		return
	}
	runtime.Gosched()
	c.mu.Lock()
	c.write(nil, false)
	c.mu.Unlock()
}

// claim makes the caller the one who writes, if something waits that nobody writes. The caller holds the lock.
func (c *conn) claim() bool {
	if c.flushing || c.waits() == 0 || c.broken != nil {
		return false
	}
	c.flushing = true
	return true
}

// write writes what waits, view, whose header stands there, behind it, and what comes meanwhile, until nothing waits or a stream that waited for room is
// there to go on: no exchange works for the others for ever. A caller who has more to send goes on itself, so that those that wait
// do not come before what is more urgent. The caller has set flushing, and holds the lock, which is free while the kernel works.
func (c *conn) write(view []byte, more bool) {
	for c.broken == nil && c.waits() > 0 {
		out := c.out
		c.out = nil
		c.gen++
		c.own = 0
		c.mu.Unlock()
		_, err := c.net.Write(out.bytes, view, nil, c.patience)
		out.recycle()
		c.mu.Lock()
		view = nil
		if err != nil {
			c.breakOff(errWrite)
			break
		}
		if len(c.waiting) > 0 && (more || c.callNext()) {
			break
		}
	}
	c.flushing = false
	if c.written != nil {
		close(c.written)
		c.written = nil
	}
	if !more {
		c.callNext()
	}
}

// queue has a stream wait for its turn to send. The caller holds the lock.
func (c *conn) queue(s *stream) {
	s.queued, s.called = true, false
	c.waiting = append(c.waiting, s)
}

// unqueue ends that. The caller holds the lock.
func (c *conn) unqueue(s *stream) {
	s.queued, s.called = false, false
	for i, o := range c.waiting {
		if o == s {
			last := len(c.waiting) - 1
			c.waiting[i] = c.waiting[last]
			c.waiting[last] = nil
			c.waiting = c.waiting[:last]
			break
		}
	}
}

// callNext wakes the stream whose turn it is, if there is room, and reports whether one is on its way. It is one at a time, for
// they would run in any order: who was called calls the next, once it has taken its room, or none. The caller holds the lock.
func (c *conn) callNext() (any bool) {
	if len(c.waiting) == 0 {
		return false
	}
	for _, s := range c.waiting {
		if s.called {
			return true
		}
	}
	if c.waits() >= outBytesMax {
		return false
	}
	s := c.best()
	if s == nil {
		return false
	}
	s.called = true
	s.writable.wake()
	return true
}

// yields reports whether a stream that waits goes before one that does not. The caller holds the lock.
func (c *conn) yields(s *stream) bool {
	if len(c.waiting) == 0 {
		return false
	}
	o := c.best()
	return o != nil && o.before(s)
}

// best is the stream that goes first of those that could send (RFC 9218 section 10): one with a head; the most urgent; among those, first
// the ones that are of use only as a whole, the oldest first; then the incremental ones in turn.
func (c *conn) best() (best *stream) {
	for _, s := range c.waiting {
		if !s.heading && (s.window <= 0 || c.window <= 0) {
			continue
		}
		if best == nil || s.before(best) {
			best = s
		}
	}
	return best
}

func (s *stream) before(o *stream) bool {
	switch {
	case s.heading != o.heading:
		return s.heading
	case s.urgency != o.urgency:
		return s.urgency < o.urgency
	case s.incremental != o.incremental:
		return o.incremental
	case s.incremental:
		return s.turn < o.turn
	}
	return s.id < o.id
}

// ownFrames appends frames that answer the peer's: acknowledgements and resets. The error says that it makes us answer
// without reading what we say. The caller, who reads the connection, holds the lock.
func (c *conn) ownFrames(frames []byte) error {
	if c.own += len(frames); c.own > ownBytesMax {
		return c.defend(unread)
	}
	out := c.pending()
	*out = append(*out, frames...)
	c.said = true
	return nil
}

// flushSoon has somebody else flush: the goroutine that reads never waits for a peer that does not.
func (c *conn) flushSoon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushAside()
}

// flushAside is flushSoon for a caller that holds the lock.
func (c *conn) flushAside() {
	if c.claim() {
		go c.writer()
	}
}

// farewell sends what waits, gives it a moment to leave, and reports whether nobody writes any more: a write that is stuck holds
// TLS.
func (c *conn) farewell(patience time.Duration) bool {
	c.mu.Lock()
	if c.claim() {
		c.patience = patience
		c.write(nil, false)
	}
	if !c.flushing || c.broken != nil {
		c.mu.Unlock()
		return true
	}
	written := make(chan struct{})
	c.written = written
	c.mu.Unlock()
	left := time.NewTimer(patience)
	defer left.Stop()
	select {
	case <-written:
		return true
	case <-left.C:
		return false
	}
}
