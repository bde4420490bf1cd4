package h2

import (
	"errors"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/transport"
)

// ended is a stream that was ended by the peer, or by the end of the connection. Its exchange may be over before its owner
// hears of it, and the owner another stream's.
type ended struct {
	owner interface{ ended(c *conn, id uint32) }
	id    uint32
}

// cut is why a connection ends by our own will.
type cut struct {
	code errCode
	why  string
}

func (c *cut) Error() string { return c.code.String() + ": " + c.why }

func violation(code errCode, why string) error { return &cut{code, why} }

// afterwards tells of streams that a violation has ended.
func (c *conn) afterwards() {
	for i, e := range c.ended {
		c.ended[i] = ended{}
		e.owner.ended(c, e.id)
	}
	c.ended = c.ended[:0]
}

// resetStream resets a stream, if it is open. The caller holds the lock.
func (c *conn) resetStream(s *stream, code errCode, why error) {
	if s.reset != nil {
		return
	}
	out := c.pending()
	*out = appendReset(*out, s.id, code)
	c.history.add(s.id, true)
	s.ours = true
	s.fail(why)
	c.callNext()
}

// provoked resets a stream for a violation of its peer's. The caller holds the lock.
func (c *conn) provoked(s *stream, code errCode, why error) error {
	var frame [frameHeaderBytes + resetBytes]byte
	if err := c.ownFrames(appendReset(frame[:0], s.id, code)); err != nil {
		return err
	}
	c.history.add(s.id, true)
	s.ours = true
	s.fail(why)
	c.ended = append(c.ended, ended{s.owner, s.id})
	return c.provocation()
}

// refuse resets a stream for a violation, also one that is not open any more.
func (c *conn) refuse(id uint32, code errCode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refuseLocked(id, code)
}

// refuseLocked is refuse for a caller that holds the lock.
func (c *conn) refuseLocked(id uint32, code errCode) error {
	if s := c.streams.get(id); s != nil && s.reset == nil {
		return c.provoked(s, code, errPeerFrames)
	}
	var frame [frameHeaderBytes + resetBytes]byte
	if err := c.ownFrames(appendReset(frame[:0], id, code)); err != nil {
		return err
	}
	c.history.add(id, true)
	return c.provocation()
}

// breakOff ends every stream: the connection is of no use any more. The caller holds the lock.
func (c *conn) breakOff(why error) {
	if c.broken == nil {
		c.broken = why
		c.net.Close()
	}
	for s := range c.streams.all { // those too that were opened since, by frames that had been read
		s.fail(c.lost())
	}
}

// lost is what a stream comes to when its connection has ended.
func (c *conn) lost() error {
	if c.client {
		return errOriginLost
	}
	return errClientLeft
}

// resetError is what a stream comes to that the peer has reset.
func (c *conn) resetError(code errCode) error {
	switch {
	case !c.client:
		return errClientReset
	case code == codeRefused:
		return errRefused
	case code == codeNone:
		return errStopped
	case code == codeCancel:
		return errCancelled
	}
	return fault.New(fault.OriginClosed, "the origin reset the stream: "+code.String())
}

// shutdown ends a connection that is not read any more: with GOAWAY, if that is of use, and a moment in which it can be read.
func (c *conn) shutdown(why error) {
	var own *cut
	c.mu.Lock()
	if errors.As(why, &own) && c.broken == nil {
		out := c.pending()
		*out = appendGoAway(*out, c.taken, own.code)
	}
	c.mu.Unlock()
	if own != nil && c.farewell(farewellTime) {
		c.linger()
	}
	c.mu.Lock()
	c.breakOff(c.lost())
	for s := range c.streams.all {
		c.ended = append(c.ended, ended{s.owner, s.id})
	}
	c.mu.Unlock()
	c.afterwards()
	c.block.release()
	c.r, c.w = 0, 0
	c.Return()
}

// linger closes the sending side and reads on for a moment: closing with bytes unread would reset the connection and could
// destroy what was said last.
func (c *conn) linger() {
	h, ok := c.net.(transport.HalfCloser)
	if !ok || h.CloseWrite() != nil {
		return
	}
	give := time.Now().Add(farewellTime)
	c.r, c.w = 0, 0
	scratch := c.Lend()
	for total := 0; total < lingerBytesMax; {
		n, err := c.net.Read(scratch, give)
		if total += n; err != nil && (err != transport.ErrInterrupted || !time.Now().Before(give)) {
			return
		}
		if err == transport.ErrInterrupted {
			c.net.Interrupt(false)
		}
	}
}
