package h2

import (
	"io"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/transport"
)

// stream is one exchange on a connection, whichever side opened it. The connection's lock guards all of it but the waiters.
type stream struct {
	conn  *conn
	id    uint32
	owner interface{ ended(c *conn, id uint32) } // hears that the peer has ended it, from the goroutine that reads

	in         inbox
	size       int64 // of the body that comes, if it was announced; -1: it was not
	came       int64 // bytes of it that have come
	credit     int64 // bytes that the peer may still send
	owed       int64 // bytes that were taken here and not given back to the peer
	counted    int64 // bytes of the body that are in owed, or were: those taken once
	target     int64 // what credit and owed come to: the receive window
	remoteOver bool  // the peer has ended its side
	early      bool  // the response's head is still to come: nothing of a body may
	noBody     bool  // a byte of a body would be one too many: HEAD, 204, 304

	window    int64 // bytes that we may still send
	localOver bool  // we have ended our side
	markGen   uint64
	markAt    int // where in what waits to be written the flags of our last frame stand, if markGen is still that of the connection

	ours        bool  // we have reset it
	reset       error // why nothing more can come or go; nil: it can
	interrupted bool  // nobody wants to wait for the body any more

	urgency     uint8 // RFC 9218: 0 to 7, 3 is the default
	incremental bool
	queued      bool   // it waits to send
	heading     bool   // a head, which needs room but no window
	called      bool   // and was woken, but has not run
	turn        uint64 // when it last had its turn among incremental ones

	call    *messages // of a call's answer, as they leave; nil: it is none. Of the goroutine that sends
	parting bool      // the call is to end between two of them, and waits for no window there

	readable waiter // for the one who takes the body, or waits for a head
	writable waiter // for the one who sends
}

// begin makes a stream ready for an exchange.
func (s *stream) begin(c *conn, id uint32, owner interface{ ended(c *conn, id uint32) }) {
	readable, writable := s.readable, s.writable
	if readable.ready == nil {
		readable, writable = newWaiter(), newWaiter()
	}
	readable.clear()
	writable.clear()
	*s = stream{conn: c, id: id, owner: owner, size: -1, credit: c.receive, target: c.receive, window: c.initial, urgency: urgencyDefault,
		readable: readable, writable: writable}
}

// fail ends both directions. The caller holds the lock.
func (s *stream) fail(why error) {
	if s.reset != nil {
		return
	}
	s.reset = why
	s.remoteOver, s.localOver = true, true
	if s.in.end == nil {
		s.in.end = why
	}
	s.readable.wake()
	s.writable.wake()
}

// endRemote notes that the peer has ended its side. The caller holds the lock.
func (s *stream) endRemote() {
	s.remoteOver = true
	if s.in.end == nil {
		s.in.end = io.EOF
	}
	s.readable.wake()
}

// pull returns the next bytes of the body, waiting until by. Its errors are transport.ErrTimeout, transport.ErrInterrupted,
// and what ended the body: io.EOF or a fault.
func (s *stream) pull(by time.Time) (view []byte, err error) {
	c := s.conn
	c.mu.Lock()
	for s.in.unread == 0 {
		if err := s.in.end; err != nil {
			c.mu.Unlock()
			return nil, err
		}
		if s.interrupted {
			c.mu.Unlock()
			return nil, transport.ErrInterrupted
		}
		c.mu.Unlock()
		if !s.readable.wait(by) {
			return nil, transport.ErrTimeout
		}
		c.mu.Lock()
	}
	view, freed := s.in.take()
	said := c.giveBack(s)
	c.mu.Unlock()
	c.side.hold(-freed)
	if said {
		c.flush()
	}
	return view, nil
}

// whole waits until by for the end of the body and returns all of it in one piece; nil, if that cannot be.
func (s *stream) whole(by time.Time) (view []byte, err error) {
	c := s.conn
	c.mu.Lock()
	for s.in.end == nil {
		if s.interrupted {
			c.mu.Unlock()
			return nil, transport.ErrInterrupted
		}
		c.mu.Unlock()
		if !s.readable.wait(by) {
			return nil, transport.ErrTimeout
		}
		c.mu.Lock()
	}
	if err := s.in.end; err != io.EOF {
		c.mu.Unlock()
		return nil, err
	}
	view, ok := s.in.whole()
	said := c.giveBack(s)
	c.mu.Unlock()
	if said {
		c.flush()
	}
	if ok && view == nil {
		view = empty
	}
	return view, nil
}

var empty = []byte{}

// ready reports whether pull would return at once.
func (s *stream) ready() bool {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.in.unread > 0 || s.in.end != nil || s.interrupted
}

// replay starts the body again, if all that came of it is here.
func (s *stream) replay() bool {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.in.end != nil && s.in.end != io.EOF {
		return false
	}
	return s.in.replay()
}

// interrupt makes a pull that waits, and every later one that would, fail.
func (s *stream) interrupt() {
	c := s.conn
	c.mu.Lock()
	s.interrupted = true
	s.readable.wake()
	c.mu.Unlock()
}

// mark remembers the frame that begins at a place of what waits to be written: it may turn out to be the last. The caller holds
// the lock.
func (s *stream) mark(at int) { s.markGen, s.markAt = s.conn.gen, at+4 }

// end ends our side: on the last frame, if that has not left yet, otherwise on one of its own. The caller holds the lock.
func (s *stream) end() {
	c := s.conn
	if s.localOver {
		return
	}
	s.localOver = true
	if out := c.pending(); s.markGen == c.gen && s.markAt > 0 {
		(*out)[s.markAt] |= flagEndStream
	} else {
		*out = appendFrame(*out, 0, frameData, flagEndStream, s.id)
	}
}

// send appends a piece of the body, waiting for the peer's windows and for room. It may leave at once or with what comes
// next: flush sees to it. The peer has patience to take each 16 KB. errParted: a call is to end behind what was sent, a whole message.
func (s *stream) send(view []byte, patience time.Duration) error {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	var by time.Time
	sent := 0
	for len(view) > 0 {
		n, err := s.room(len(view), &by, patience)
		if err == nil && s.parting {
			if n = s.call.fit(view[:n]); n == 0 {
				err = errParted
			}
		}
		if err != nil {
			// Somebody may have counted on this one, to go on or to write what waits.
			c.callNext()
			c.flushAside()
			return err
		}
		out := c.pending()
		direct := n >= directBytes && !c.flushing
		if direct { // a record of TLS takes it with its header and what waits before it
			n = min(n, max(dataBytesMax-len(*out)-frameHeaderBytes, directBytes))
		}
		if s.call != nil {
			s.call.see(view[:n])
		}
		c.window -= int64(n)
		s.window -= int64(n)
		c.sent.Add(int64(n))
		if c.progress += n; c.progress >= dataBytesMax {
			c.progress, c.moved = 0, time.Now()
		}
		at := len(*out)
		*out = appendFrame(*out, n, frameData, 0, s.id)
		if direct {
			c.flushing = true
			c.write(view[:n], n < len(view))
		} else {
			*out = append(*out, view[:n]...)
			s.mark(at)
		}
		view = view[n:]
		if sent += n; sent >= dataBytesMax {
			sent, by = 0, time.Time{}
		}
	}
	c.callNext()
	return nil
}

// room waits until some of so many bytes of the body may be appended and returns how many; or, if it is none, until a head may be:
// a client that takes nothing could ask for heads without end. The caller holds the lock.
func (s *stream) room(want int, by *time.Time, patience time.Duration) (n int, err error) {
	c := s.conn
	for putOff := 0; ; {
		switch {
		case s.reset != nil:
			return 0, s.reset
		case c.broken != nil:
			return 0, c.broken
		}
		allowed := min(int64(want), s.window, c.window, dataBytesMax)
		full := c.waits() >= outBytesMax
		s.heading = want == 0
		if (allowed > 0 || s.heading) && !full && !c.yields(s) {
			c.turns++
			s.turn = c.turns
			return int(allowed), nil
		}
		if c.claim() { // nobody else would
			c.write(nil, false)
			continue
		}
		if s.parting && s.call.between() {
			return 0, errParted
		}
		if by.IsZero() {
			*by = time.Now().Add(patience)
		}
		c.queue(s)
		c.callNext()
		c.mu.Unlock()
		woken := s.writable.wait(*by)
		c.mu.Lock()
		c.unqueue(s)
		if woken {
			continue
		}
		// One that others go before is not the one that stalls; but not for ever.
		if again := c.moved.Add(patience); s.window > 0 && putOff < putOffMax && time.Now().Before(again) {
			*by = again
			putOff++
			continue
		}
		if s.reset == nil && c.broken == nil {
			c.count(stalled)
			return 0, errWrite
		}
	}
}

// appendHead appends a HEADERS frame whose block encode writes, in as many frames as it needs. The caller holds the lock.
func (s *stream) appendHead(end bool, encode func(out []byte) []byte) {
	c := s.conn
	out := c.pending()
	at := len(*out)
	flags := uint8(flagEndHeaders)
	if end {
		flags |= flagEndStream
		s.localOver = true
	}
	*out = appendFrame(*out, 0, frameHeaders, flags, s.id)
	if c.tableChanged {
		c.tableChanged = false
		*out = append(*out, noTable)
	}
	*out = encode(*out)
	s.mark(at)
	if n := len(*out) - at - frameHeaderBytes; n <= frameBytes {
		(*out)[at], (*out)[at+1], (*out)[at+2] = byte(n>>16), byte(n>>8), byte(n)
	} else {
		*out = splitBlock(*out, at, flags, s.id)
	}
}

// splitBlock lays a block that is too long for one frame out anew, behind at.
func splitBlock(out []byte, at int, flags uint8, id uint32) []byte {
	block := append([]byte(nil), out[at+frameHeaderBytes:]...)
	out = out[:at]
	kind := frameHeaders
	for first := true; first || len(block) > 0; first = false {
		n := min(len(block), frameBytes)
		f := flags &^ flagEndHeaders
		if !first {
			kind, f = frameContinuation, 0
		}
		if n == len(block) {
			f |= flagEndHeaders
		}
		out = append(appendFrame(out, n, kind, f, id), block[:n]...)
		block = block[n:]
	}
	return out
}

// appendFields appends fields but those that concern the connection or the framing (RFC 9113 section 8.2.2).
func appendFields(out []byte, fields exchange.Fields) []byte {
	for i := range fields {
		if !fields[i].ID.HopByHop() {
			out = appendField(out, &fields[i])
		}
	}
	return out
}
