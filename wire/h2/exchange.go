package h2

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/transport"
)

// serverStream is one request and its answer; it is the exchange.Sink of its exchange.
type serverStream struct {
	stream
	owner     *serverConn
	x         *exchange.Exchange
	code      errCode // of the reset, if the answer is not complete; codeNone: the client was told why
	malformed bool    // the request is, so that its stream is reset behind the answer
	connect   connect
	body      body
	trailing  trailerList // guarded by the connection's lock until the body has ended
	bare      bool        // the head has ended the stream

	watching sync.Mutex  // orders gone and the end of the watch
	gone     func()      // nil: nobody watches
	watched  *serverConn // which stream it is that somebody watches
	number   uint32

	messages messages      // that went to the client, of a call of gRPC
	stand    atomic.Uint32 // whether it may end there: notCalm, calm, parted

	streams   atomic.Bool // the request's body may come as slowly as it likes: see Timeouts.Body
	asking    sync.Mutex  // orders 100, which a pump may send, before the head
	headOut   bool
	continued bool
}

// serve runs the exchange, and makes the stream ready for another one.
func (s *serverStream) serve() {
	c := s.owner
	complete, whole := s.exchange()
	if complete {
		s.drain()
	}
	c.exchangeOver(s, complete)
	if !whole {
		return // who knows who still looks at it
	}
	s.owner, s.x = nil, nil
	s.malformed, s.bare, s.headOut, s.continued, s.connect = false, false, false, false, connect{}
	s.trailing.clear()
	s.messages = messages{}
	s.stand.Store(notCalm)
	s.body = body{}
	c.server.streams.Put(s)
}

// drain reads what is left of the request's body behind an answer that did not want it, within a budget: some clients take a
// reset for a failure even then (RFC 9113 section 8.1), and curl is one of them.
func (s *serverStream) drain() {
	if s.bare {
		return
	}
	c := s.owner
	c.mu.Lock()
	wanted := !s.remoteOver && s.localOver && !s.malformed && (s.size < 0 || s.size-s.came <= drainBytes)
	s.interrupted = false
	c.mu.Unlock()
	if !wanted || s.body.asks {
		return
	}
	c.flush()
	give := time.Now().Add(drainTime)
	for total := 0; total < drainBytes; {
		view, err := s.pull(give)
		if total += len(view); err != nil {
			return
		}
	}
}

// exchange runs the handler behind a fence: a panic outside the path's own, in the match or the log, ends the stream and
// nothing else. What the exchange held is left to the garbage collector, since nobody knows who still looks at it.
func (s *serverStream) exchange() (complete, whole bool) {
	defer func() {
		if v := recover(); v != nil {
			s.owner.server.tell(v)
			s.owner.mu.Lock()
			s.in.first, s.in.last, s.in.unread = nil, nil, 0
			s.owner.mu.Unlock()
		}
	}()
	x := s.x
	if !s.connect.on && x.Fault == nil {
		s.beginBody(x)
	}
	complete = s.owner.server.Handler(x)
	x.Join()
	x.Release()
	return complete, true
}

// beginBody makes what has come, and will, of the stream the request's body.
func (s *serverStream) beginBody(x *exchange.Exchange) {
	if s.bare {
		return
	}
	c := s.owner
	c.mu.Lock()
	size := s.size
	if s.in.end == io.EOF && len(s.trailing.fields) == 0 { // trailers need chunks in HTTP/1.1
		size = s.came
	}
	c.mu.Unlock()
	s.streams.Store(false)
	s.body = body{stream: s, size: size, patience: c.server.Timeouts.Body, calm: c.server.Timeouts.Tunnel, entry: &x.Facts.Entry,
		call: exchange.IsGRPC(x.Req.Fields.Get(exchange.NameContentType)), trailers: &x.Req.Trailers,
		asks: x.Req.ExpectContinue}
	x.Req.Body = &s.body
}

// Interim forwards a 1xx response.
func (s *serverStream) Interim(x *exchange.Exchange, status int, fields exchange.Fields) error {
	if status == 100 || s.connect.on {
		return nil // 100 is sent by the request's body when somebody asks for it
	}
	s.sendInterim(status, fields)
	return s.lost()
}

func (s *serverStream) sendInterim(status int, fields exchange.Fields) {
	c := s.owner
	c.mu.Lock()
	if s.reset == nil && !s.localOver && c.broken == nil {
		s.appendHead(false, func(out []byte) []byte { return appendFields(append(out, statuses[status]...), fields) })
		s.markAt = 0
	}
	c.mu.Unlock()
	c.flush()
}

// lost is errWrite if nobody will take the answer.
func (s *serverStream) lost() error {
	c := s.owner
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.reset != nil {
		return s.reset
	}
	return c.broken
}

// sendContinue asks for the body, unless the answer has begun: then the body is no longer wanted.
func (s *serverStream) sendContinue() error {
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.headOut {
		return errInterrupted
	}
	if !s.continued && !s.stream.ready() { // otherwise the client did not wait
		s.sendInterim(100, nil)
	}
	s.continued = true
	return nil
}

// Interrupt makes a read of the request body fail.
func (s *serverStream) Interrupt() { s.interrupt() }

// Watch calls gone if the client resets the stream or leaves.
func (s *serverStream) Watch(gone func()) (stop func()) {
	c := s.owner
	s.watching.Lock()
	s.gone, s.watched, s.number = gone, c, s.id
	s.watching.Unlock()
	c.mu.Lock()
	over := s.reset != nil
	c.mu.Unlock()
	if over || c.server.parting.Load() && (s.stand.CompareAndSwap(calm, parted) || s.stand.Load() == parted) {
		s.ended(&c.conn, s.id)
	}
	return s.unwatch
}

// WatchBeside is Watch: the goroutine that reads the connection sees what becomes of a stream, whoever reads its body.
func (s *serverStream) WatchBeside(gone func()) (stop func()) { return s.Watch(gone) }

func (s *serverStream) unwatch() {
	s.watching.Lock()
	s.gone = nil
	s.watching.Unlock()
}

// ended tells who watches that a stream has ended. This may be another one by now.
func (s *serverStream) ended(c *conn, id uint32) {
	s.watching.Lock()
	defer s.watching.Unlock()
	if s.gone != nil && &s.watched.conn == c && s.number == id {
		s.gone()
		s.gone = nil
	}
}

// Send writes the answer.
func (s *serverStream) Send(x *exchange.Exchange) error {
	r := &x.Resp
	if x.Req.ExpectContinue {
		s.asking.Lock()
		s.headOut = true
		s.asking.Unlock()
	}
	if s.connect.on {
		return s.sendConnect(x)
	}
	r.Started = true
	s.streams.Store(true)
	size, length := sizes(x)
	err := s.sendHead(x, size == noBody, length)
	if err == nil && size != noBody {
		err = s.sendBody(x, size)
	}
	return err
}

// noBody is the size of an answer that has no body on the wire.
const noBody = -2

// sizes returns the size of the body that follows a head, -1 if unknown or noBody, and the Content-Length to announce, -1 for
// none.
func sizes(x *exchange.Exchange) (size, length int64) {
	r := &x.Resp
	if r.Body == nil {
		size = noBody
	} else {
		size = r.Body.Size()
	}
	switch {
	case r.Status == 204:
		return noBody, -1
	case r.Status == 304 || x.Req.Method == exchange.MethodHead:
		return noBody, max(size, r.Length, -1)
	case r.Body == nil:
		return noBody, r.Length
	}
	return size, max(size, -1)
}

// sendHead appends the head.
func (s *serverStream) sendHead(x *exchange.Exchange, end bool, length int64) error {
	c := s.owner
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &x.Resp
	s.heed(r.Fields)
	var by time.Time
	if _, err := s.room(0, &by, c.server.Timeouts.Write); err != nil {
		c.callNext() // somebody may have counted on this one
		return err
	}
	if !s.malformed && (!x.Req.ExpectContinue || s.continued) {
		c.letFinish(&s.stream)
	}
	s.appendHead(end, func(out []byte) []byte {
		out = appendFields(append(out, statuses[r.Status]...), r.Fields)
		if r.Fields.Get(exchange.NameDate) == nil {
			out = appendDate(out, x.Now)
		}
		if length >= 0 {
			out = appendLength(out, length)
		}
		return out
	})
	c.callNext()
	return nil
}

// heed takes the priority that the origin gives its answer (RFC 9218 section 5). The caller holds the lock.
func (s *serverStream) heed(fields exchange.Fields) {
	if p := fields.Get(exchange.NamePriority); p != nil {
		s.urgency, s.incremental = parsePriority(p, s.urgency, s.incremental)
	}
}

// sendBody sends the body: small pieces wait for what comes next, unless that would take time.
func (s *serverStream) sendBody(x *exchange.Exchange, size int64) error {
	r, b := &x.Resp, x.Resp.Body
	call, last := s.isCall(x, size), false
	if call {
		s.follow()
	}
	for {
		if ready, ok := b.(exchange.Ready); !ok || !ready.Ready() {
			s.owner.flush()
		}
		view, err := b.Next()
		if call {
			view, last = s.admit(view, err)
		}
		if len(view) > 0 {
			if size >= 0 && r.Sent+int64(len(view)) > size {
				return errShortBody
			}
			switch err := s.send(view, s.owner.server.Timeouts.Write); {
			case err == errParted:
				return s.part(x, err)
			case err != nil:
				return errWrite
			}
			r.Sent += int64(len(view))
			if call {
				s.sent()
			}
		}
		switch {
		case err == io.EOF && size >= 0 && r.Sent != size:
			return errShortBody
		case err == io.EOF:
			return s.finishBody(x)
		case last, call && s.parts(b, err):
			return s.part(x, err)
		case err != nil:
			return err // the client gets what there was before the reset
		}
	}
}

// finishBody ends the answer, with trailers if there are any that the client wants.
func (s *serverStream) finishBody(x *exchange.Exchange) error {
	c := s.owner
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.reset != nil, c.broken != nil:
		return errWrite
	}
	if len(x.Resp.Trailers) == 0 || !x.Req.AllowTrailers {
		s.end()
		return nil
	}
	s.appendHead(true, func(out []byte) []byte {
		for i := range x.Resp.Trailers {
			if f := &x.Resp.Trailers[i]; !f.ID.NotInTrailer() && !f.ID.HopByHop() {
				out = appendField(out, f)
			}
		}
		return out
	})
	return nil
}

// body is a request body.
type body struct {
	stream   *serverStream
	size     int64 // announced, or known because all of it is here; -1: unknown
	asks     bool  // the client waits for 100 before it sends it
	err      error
	patience time.Duration
	calm     time.Duration        // the same for a stream
	waited   time.Duration        // for the client, over all; what others take to use the bytes does not count
	passed   int64                // bytes returned since the start or the last Replay
	entry    *exchange.EntryFacts // BytesIn becomes the most that passed has been
	call     bool                 // it says that it is gRPC's
	trailers *exchange.Fields
}

// Size is the announced length, -1 if there is none.
func (b *body) Size() int64 { return b.size }

// Close does nothing: the client is told to stop once the exchange is over.
func (b *body) Close() error { return nil }

// Ready reports whether Next would answer without waiting.
func (b *body) Ready() bool { return b.err != nil || b.stream.ready() }

// Replay starts again, if what was read is still in memory.
func (b *body) Replay() bool {
	if b.err != nil && b.err != io.EOF || !b.stream.replay() {
		return false
	}
	b.err, b.passed = nil, 0
	*b.trailers = (*b.trailers)[:0]
	return true
}

// Next returns the next bytes.
func (b *body) Next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	if b.asks {
		b.asks = false
		if err := b.stream.sendContinue(); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	view, err := b.stream.pull(began.Add(b.wait()))
	if err == transport.ErrTimeout && b.stream.streams.Load() && time.Since(began) < b.calm {
		view, err = b.stream.pull(began.Add(b.calm)) // it has become a stream since: the answer has begun
	}
	if err != nil {
		return nil, b.ended(err)
	}
	b.waited += time.Since(began)
	b.count(len(view))
	return view, nil
}

// Whole returns the whole body as one view, waiting for what is still to come of it, if its length is known and it fits
// one piece; nil otherwise, with nothing read.
func (b *body) Whole() ([]byte, error) {
	if b.size < 0 || b.size > pieceBytes || b.passed > 0 || b.err != nil {
		return nil, nil
	}
	if b.asks {
		b.asks = false
		if err := b.stream.sendContinue(); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	view, err := b.stream.whole(began.Add(b.wait()))
	if err != nil {
		return nil, b.ended(err)
	}
	b.waited += time.Since(began)
	if view == nil {
		return nil, nil
	}
	b.count(len(view))
	b.settle()
	return view, nil
}

// settle takes in the trailers of a body that has been read to its end.
func (b *body) settle() {
	*b.trailers = append((*b.trailers)[:0], b.stream.trailing.fields...)
	b.err = io.EOF
}

// count notes that bytes leave.
func (b *body) count(n int) {
	b.passed += int64(n)
	b.entry.BytesIn = max(b.entry.BytesIn, b.passed)
}

// wait is the patience for the next bytes, never longer than the minimum rate allows.
func (b *body) wait() time.Duration {
	if b.stream.streams.Load() || b.call && b.entry.Calls {
		return b.calm
	}
	slowest := b.patience + time.Duration(b.passed/bodyRateMin)*time.Second - b.waited
	return max(min(b.patience, slowest), 0)
}

// ended says how a body ended.
func (b *body) ended(err error) error {
	switch err {
	case io.EOF:
		b.settle()
		return io.EOF
	case transport.ErrInterrupted: // says nothing about the body: it may be read again
		return errInterrupted
	case transport.ErrTimeout:
		err = errClientSlow
	}
	b.err = err
	return err
}

var (
	_ exchange.Body  = (*body)(nil)
	_ exchange.Ready = (*body)(nil)
	_ exchange.Whole = (*body)(nil)
	_ exchange.Sink  = (*serverStream)(nil)

	_ exchange.Beside = (*serverStream)(nil)
)
