package h2

import "time"

// dataBegins takes the header of a DATA frame, and the length of its padding, once they are there.
func (c *conn) dataBegins(f frame, rest []byte) error {
	pad, used := 0, frameHeaderBytes
	if f.has(flagPadded) {
		if f.length == 0 {
			return violation(codeProtocol, "a frame is all padding, and more (RFC 9113 section 6.1)")
		}
		if len(rest) == 0 {
			return nil
		}
		if pad, used = int(rest[0])+1, used+1; pad > f.length {
			return violation(codeProtocol, "a frame is all padding, and more (RFC 9113 section 6.1)")
		}
	}
	if f.stream == 0 {
		return violation(codeProtocol, "DATA on stream 0")
	}
	c.r += used
	c.body = arriving{stream: f.stream, left: f.length - pad, pad: max(pad-1, 0), end: f.has(flagEndStream), on: true}
	c.since = time.Now()
	if err := c.admitData(f, int64(f.length)); err != nil {
		return err
	}
	if f.length-pad > 0 || f.has(flagEndStream) {
		c.flood.useful++
	} else if err := c.idler(); err != nil {
		return err
	}
	return c.dataCome()
}

// admitData holds a frame against the windows and the state of its stream.
func (c *conn) admitData(f frame, n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.credit -= n; c.credit < 0 {
		return violation(codeFlowControl, "DATA beyond the window of the connection (connWindow)")
	}
	padding := n - int64(c.body.left)
	c.owed += padding // given back at once, or with what follows
	s := c.streams.get(f.stream)
	switch {
	case s == nil && c.idle(f.stream):
		return violation(codeProtocol, "DATA on an idle stream")
	case s == nil && c.client:
		return nil // one that we gave up
	case s == nil:
		if by, known := c.history.find(f.stream); known && by {
			return nil // it was under way when we reset the stream
		}
		return c.refuseLocked(f.stream, codeStreamClosed)
	case s.reset != nil && s.ours:
		return nil
	case s.reset != nil:
		return c.refuseLocked(f.stream, codeStreamClosed)
	case s.remoteOver:
		return c.provoked(s, codeStreamClosed, errPeerFrames)
	case s.early:
		return c.provoked(s, codeProtocol, errOriginHead)
	}
	if s.credit -= n; s.credit < 0 {
		return c.provoked(s, codeFlowControl, errPeerFrames)
	}
	s.owed += padding
	s.came += int64(c.body.left)
	if s.noBody && s.came > 0 || s.size >= 0 && (s.came > s.size || f.has(flagEndStream) && s.came != s.size) {
		return c.provoked(s, codeProtocol, errLength)
	}
	return nil
}

// dataCome passes on what is there of the payload of a DATA frame.
func (c *conn) dataCome() error {
	b := &c.body
	p := c.data[c.r:c.w]
	p = p[:min(len(p), b.left)]
	c.r += len(p)
	b.left -= len(p)
	if b.left == 0 {
		skip := min(b.pad, c.w-c.r)
		c.r += skip
		b.pad -= skip
	}
	over := b.left == 0 && b.pad == 0
	lost := 0
	c.mu.Lock()
	s := c.streams.get(b.stream)
	if s == nil || s.reset != nil || s.in.end != nil {
		lost += len(p)
	} else {
		if len(p) > 0 {
			s.in.end = c.side.hold(s.in.put(p, s.size))
		}
		if over && b.end {
			s.endRemote()
		} else if len(p) > 0 {
			s.readable.wake()
		}
	}
	said := c.returnAll(int64(lost))
	c.mu.Unlock()
	c.said = c.said || said
	if over {
		*b = arriving{}
		c.since = time.Time{}
	}
	return nil
}

// giveBack lets the peer send as much again as was taken of a stream's body, and reports whether there is something to
// write. A stream whose body is taken as fast as it comes gets a larger window, if the memory for it may be had. The caller
// holds the lock.
func (c *conn) giveBack(s *stream) (said bool) {
	n := s.in.took - s.counted // less after a replay
	if n <= 0 {
		return false
	}
	s.counted += n
	said = c.returnAll(n)
	if s.remoteOver || s.reset != nil {
		return said
	}
	if s.owed += n; s.owed < s.target/2 {
		return said
	}
	if s.target < streamWindowMax && s.in.unread == 0 && c.side.widen(streamWindowMax-s.target) {
		s.owed += streamWindowMax - s.target
		s.target = streamWindowMax
	}
	out := c.pending()
	*out = appendWindowUpdate(*out, s.id, s.owed)
	s.credit += s.owed
	s.owed = 0
	return true
}

// letFinish gives the peer a window for all that is left of an announced body, ahead of an answer that did not wait for it, as far as
// drain would read. Some clients read no frame behind the answer's end, but go on to send, and curl 7.88 is one of them: without a window
// they wait for ever. The caller holds the lock.
func (c *conn) letFinish(s *stream) {
	left, more := s.size-s.came, streamWindowMax-s.target
	if s.remoteOver || s.size < 0 || left <= s.credit || left > drainBytes || more <= 0 || !c.side.widen(more) {
		return
	}
	more += s.owed
	s.target, s.owed = streamWindowMax, 0
	s.credit += more
	out := c.pending()
	*out = appendWindowUpdate(*out, s.id, more)
}

// returnAll is the same for the window of the connection.
func (c *conn) returnAll(n int64) (said bool) {
	if c.owed += n; c.owed < c.target/2 {
		return false
	}
	out := c.pending()
	*out = appendWindowUpdate(*out, 0, c.owed)
	c.credit += c.owed
	c.owed = 0
	return true
}

// leave takes a stream out when its exchange is over. What came of its body and was not taken goes back to the connection's
// window. The caller holds the lock, flushes, and tells the side how much memory is freed.
func (c *conn) leave(s *stream) (freed int) {
	c.streams.del(s.id)
	if !s.ours {
		c.history.add(s.id, false)
	}
	if n := s.in.came - s.counted; n > 0 {
		c.returnAll(n)
	}
	freed = s.in.release()
	if s.target > c.receive {
		c.side.widen(c.receive - s.target)
	}
	return freed
}

// history remembers the streams that were closed last, and which of them by our reset: frames on those may have been under
// way.
type history struct {
	ids   [historySize]uint32
	reset [historySize]bool
	next  int
}

func (h *history) add(id uint32, reset bool) {
	h.ids[h.next], h.reset[h.next] = id, reset
	h.next = (h.next + 1) % historySize
}

// find reports whether a stream is remembered, and whether we had reset it.
func (h *history) find(id uint32) (reset, known bool) {
	for i, o := range h.ids {
		if o == id {
			return h.reset[i], true
		}
	}
	return false, false
}
