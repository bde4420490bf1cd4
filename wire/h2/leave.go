package h2

import (
	"sync/atomic"
	"time"
)

// leavingState is how a connection of a server comes to its end.
type leavingState struct {
	idleAt atomic.Int64 // since when no exchange is open, in nanoseconds since the epoch; 0: one is
	chosen atomic.Bool  // Shed wants it to leave
	notice time.Time    // when the client was told that it would; zero: it was not. Of the goroutine that reads
	final  bool         // it was told which stream was the last; guarded by mu
}

// drainPing is what a PING says behind the notice of a drain; its answer says that the notice was heard.
const drainPing = "skerry\x00d"

// idlePing is what a PING says to a client that has been silent.
const idlePing = "skerry\x00i"

// idleSince notes since when no exchange is open; the zero time: one is.
func (c *serverConn) idleSince(t time.Time) {
	if t.IsZero() {
		c.idleAt.Store(0)
	} else {
		c.idleAt.Store(t.UnixNano())
	}
}

// leaves reports whether Shed has chosen the connection, and no request was quicker.
func (c *serverConn) leaves() bool { return c.chosen.Load() && c.idleAt.Load() != 0 }

// pause starts what has come, and does what is due.
func (c *serverConn) pause(now time.Time) (by time.Time, err error) {
	c.start()
	since := c.idleAt.Load()
	t := &c.server.Timeouts
	if c.chosen.Load() {
		if since != 0 {
			return by, violation(codeNone, "the edge needs the place of an idle connection")
		}
		c.chosen.Store(false)
	}
	if c.server.draining.Load() {
		if by, err = c.drain(now); err != nil {
			return by, err
		}
	}
	var next time.Time
	switch {
	case since != 0 && !c.block.on && !c.body.on:
		if next = time.Unix(0, since).Add(t.Idle); !now.Before(next) {
			return by, violation(codeNone, "no request for as long as a connection may be idle (Timeouts.Idle)")
		}
	case !c.asked.IsZero():
		if next = c.asked.Add(pingWait); !now.Before(next) {
			return by, violation(codeNone, "the client does not answer PING")
		}
	default:
		if next = c.last.Add(t.Silence); !now.Before(next) {
			c.say(appendPing(nil, 0, []byte(idlePing)))
			c.asked = now
			next = now.Add(pingWait)
		}
	}
	if by.IsZero() || next.Before(by) {
		by = next
	}
	return by, nil
}

// say writes frames of our own.
func (c *conn) say(frames []byte) {
	c.mu.Lock()
	out := c.pending()
	*out = append(*out, frames...)
	c.mu.Unlock()
	c.flushSoon()
}

// drain brings the connection to its end in good order: notice, last word, and close when nothing is open.
func (c *serverConn) drain(now time.Time) (by time.Time, err error) {
	if c.notice.IsZero() {
		c.notice = now
		c.say(appendPing(appendGoAway(nil, streamIDMax, codeNone), 0, []byte(drainPing)))
	}
	if by = c.notice.Add(noticeWait); !c.aware && now.Before(by) {
		return by, nil
	}
	c.mu.Lock()
	first := !c.final
	c.final = true
	last, open := c.taken, c.open
	c.mu.Unlock()
	if open == 0 {
		return by, violation(codeNone, "the edge drains")
	}
	if first {
		c.say(appendGoAway(nil, last, codeNone))
	}
	return time.Time{}, nil
}

// Waiting returns since when that one of some connections has waited that Shed would close now, and before if there is none.
func (s *Server) Waiting(before time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, since := s.longest(before.UnixNano()); since != before.UnixNano() {
		return time.Unix(0, since)
	}
	return before
}

// Shed makes room for another connection: of some that have waited for a request since before that time it closes the one
// that has waited longest, be it idle or slow, and reports whether there was one. Its client learns by GOAWAY that no
// request was lost. A connection with an open exchange is never closed. A request that comes in the same moment is still
// served.
func (s *Server) Shed(before time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _ := s.longest(before.UnixNano())
	if c == nil {
		return false
	}
	c.chosen.Store(true)
	c.net.Interrupt(true)
	return true
}

// writes reports whether the client has yet to take something: perhaps the end of an answer. Timeouts.Write bounds that.
func (c *conn) writes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flushing || c.waits() > 0
}

// longest looks at some connections. Without one that has waited since before that time it returns nil and that time.
func (s *Server) longest(before int64) (c *serverConn, since int64) {
	since = before
	looked := 0
	for one := range s.conns { // from a random place on
		if looked++; looked > shedSample {
			break
		}
		if at := one.idleAt.Load(); at > 0 && at < since && !one.chosen.Load() && !one.writes() {
			c, since = one, at
		}
	}
	return c, since
}
