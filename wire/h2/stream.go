package h2

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
)

// responseWriter is what a handler of x/net can do with its stream, as far as this adapter uses it.
type responseWriter interface {
	http.ResponseWriter
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// past is a deadline that has been missed already: setting it ends waits at once.
var past = time.Unix(1, 0)

// stream is one request and its answer; it is the exchange.Sink of its exchange.
type stream struct {
	conn        *serverConn
	ctx         context.Context // ends when the client resets the stream or leaves
	head        head
	body        body
	reading     alarm // waits for the request body, perhaps in a pump
	writing     alarm // waits for the client to take the response
	interrupted atomic.Bool

	mu sync.Mutex     // guards rw against alarms and Interrupt: it may not be touched once the handler has returned
	rw responseWriter // nil: the exchange is over
}

// newStream returns a stream that begin and end make ready for one exchange after the other.
func newStream() any {
	s := new(stream)
	s.reading.ring = s.stopReading
	s.writing.ring = s.reset
	return s
}

func (s *stream) begin(c *serverConn, w http.ResponseWriter, in *http.Request) {
	s.conn, s.ctx = c, in.Context()
	s.interrupted.Store(false)
	s.mu.Lock()
	s.rw = w.(responseWriter)
	s.mu.Unlock()
}

// end lets go of net/http; after it no other goroutine can reach it through the stream.
func (s *stream) end() {
	s.reading.stop()
	s.writing.stop()
	s.mu.Lock()
	s.rw = nil
	s.mu.Unlock()
	s.conn, s.ctx = nil, nil
	s.head.room = nil
	clear(s.head.keys)
}

// exchange makes an exchange of a request, runs the handler on it and reports whether it was complete.
func (s *stream) exchange(in *http.Request) (complete bool) {
	server := s.conn.server
	x := exchange.Acquire()
	x.Conn, x.Sink, x.Now = &s.conn.info, s, time.Now()
	hasBody, err := s.head.read(x, in)
	switch {
	case err != nil:
		x.Fault, x.Cause = err, err
	case hasBody:
		s.body = body{stream: s, in: in, size: s.head.length, patience: server.Timeouts.Body, given: &x.Facts.Entry.BytesIn, trailers: &x.Req.Trailers}
		x.Req.Body = &s.body
	}
	complete = server.Handler(x)
	x.Join()
	x.Release()
	s.body.release()
	return complete
}

// stopReading ends waits for the request body, this one and all others.
func (s *stream) stopReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rw != nil {
		// The error says that the connection has gone: then there is nothing to wait for.
		_ = s.rw.SetReadDeadline(past)
	}
}

// reset sends RST_STREAM with INTERNAL_ERROR, the only code that net/http has for it, and ends waits for the client.
func (s *stream) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rw != nil {
		_ = s.rw.SetWriteDeadline(past) // as above
	}
}

// Interrupt makes a read of the request body fail, this one and all others.
func (s *stream) Interrupt() {
	s.interrupted.Store(true)
	s.stopReading()
}

// Watch calls gone if the client resets the stream or leaves.
func (s *stream) Watch(gone func()) (stop func()) {
	over := make(chan struct{})
	cancel := context.AfterFunc(s.ctx, func() {
		defer close(over)
		gone()
	})
	return sync.OnceFunc(func() {
		if !cancel() {
			<-over
		}
	})
}

var _ exchange.Sink = (*stream)(nil)
