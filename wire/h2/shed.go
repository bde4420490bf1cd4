package h2

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

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
// request was lost, unless it is in the middle of a frame. A connection with an open stream is never closed, nor one whose
// client has yet to take what was written: Timeouts.Write bounds that. A request that comes in the same moment is still
// served.
func (s *Server) Shed(before time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _ := s.longest(before.UnixNano())
	if c == nil {
		return false
	}
	c.wire.leaving.Store(chosen)
	c.wire.fast.Interrupt(true)
	return true
}

// longest looks at some connections. Without one that has waited since before that time it returns nil and that time.
func (s *Server) longest(before int64) (c *serverConn, since int64) {
	since = before
	looked := 0
	for one := range s.conns { // from a random place on
		if looked++; looked > shedSample {
			break
		}
		w := one.wire
		if at := w.since.Load(); at > 0 && at < since && !w.writing.Load() && w.leaving.Load() == stays {
			c, since = one, at
		}
	}
	return c, since
}

// wait is what a wire knows of having nothing to do.
type wait struct {
	since   atomic.Int64 // since when no stream is open, in nanoseconds since the epoch; 0: one is
	writing atomic.Bool  // the client has yet to take something
	leaving atomic.Int32 // one of the states below
	say     []byte       // what x/net is still to read, as if it had come from the client
}

// How a connection leaves that Shed closes. x/net can end a single connection in good order only when its client asks for
// it, by GOAWAY: so that is what it reads. Whatever it has buffered leaves before its own GOAWAY.
const (
	stays  = iota
	chosen // by Shed: the reader is to find out
	told   // x/net reads the client's GOAWAY, and opens no stream after it; when its own has left, the connection ends
)

// farewell is a client's GOAWAY without error (RFC 9113 section 6.8).
var farewell = []byte{0, 0, 8, byte(http2.FrameGoAway), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// noteState hears from x/net's loop when the first stream opens and when the last one has closed. While the loop works on a
// frame, nobody is in Read.
func (w *wait) noteState(state http.ConnState) {
	switch state {
	case http.StateIdle:
		w.since.Store(time.Now().UnixNano())
	case http.StateActive:
		w.since.Store(0)
	}
}

// leave goes on where a Read was interrupted, and reports whether the connection is to end. between says that the client is
// at the start of a frame.
func (w *wait) leave(between bool) (end bool) {
	switch w.leaving.Load() {
	case told:
		return true
	case chosen:
		if w.since.Load() == 0 { // a stream was quicker
			w.leaving.Store(stays)
			return false
		}
		if !between {
			return true
		}
		w.say = farewell
		w.leaving.Store(told)
	}
	return false
}

// lastWord reports whether these bytes, about to leave, end in the GOAWAY that Shed waits for.
func (w *wait) lastWord(p []byte) bool {
	const start = frameHeaderBytes
	return w.leaving.Load() == told && len(p) >= len(farewell) && bytes.Equal(p[len(p)-len(farewell):][:start], farewell[:start])
}
