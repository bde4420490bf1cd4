package h1

import (
	"io"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// bodyKind is how a body is delimited (RFC 9112 section 6.3).
type bodyKind uint8

const (
	bodyNone    bodyKind = iota
	bodyLength           // Content-Length
	bodyChunked          // Transfer-Encoding: chunked
	bodyToEnd            // until the connection ends; responses only
)

// body is a message body on a connection, request or response. It is the exchange.Body of the codec.
type body struct {
	buf      *buffer
	kind     bodyKind
	size     int64 // announced; -1: unknown
	left     int64 // bytes of the body, or of the chunk, still to come
	state    chunkState
	overhead int
	trailers *exchange.Fields
	response bool    // whose fault an error is
	client   *Client // of a response: who watches for its taker
	err      error

	start    int // in buf: where the body begins
	room     *[bufferBytes]byte
	main     []byte       // the connection's own data while room is in its place
	lost     bool         // bytes have been overwritten: no replay
	wait     func() error // called once, when somebody asks for the body: 100-continue
	waiting  bool
	patience time.Duration
	until    time.Time     // of a response: when all of it must be there; zero: any time
	age      time.Time     // the same, for a stream that is old enough
	waited   time.Duration // for the connection, over all; what others take to use the bytes does not count
	read     int64         // bytes taken from the connection for it
	passed   int64         // bytes that Next returned since the start or the last Replay
	given    *int64        // the most that passed has been; nil: nobody wants to know
	dry      bool          // nothing may be read from the connection: see Check
	calm     time.Duration // of a request that is a stream: how long its client may be silent
	streams  *atomic.Bool  // whether it is one; nil: of a response
}

// begin prepares a body behind a head that has just been consumed from buf.
func (b *body) begin(buf *buffer, f *framing, kind bodyKind, patience time.Duration, trailers *exchange.Fields) {
	*b = body{buf: buf, kind: kind, size: -1, start: buf.r, patience: patience, trailers: trailers,
		response: b.response, client: b.client, wait: b.wait, given: b.given, calm: b.calm, streams: b.streams}
	switch kind {
	case bodyNone:
		b.err, b.size = io.EOF, 0
	case bodyLength:
		b.size, b.left = f.length, f.length
		if f.length == 0 {
			b.err = io.EOF
		}
	case bodyChunked:
		b.state = chunkSize
	}
}

// Size is the announced length, -1 if there is none.
func (b *body) Size() int64 { return b.size }

// Close does nothing: the connection decides what becomes of what was not read.
func (b *body) Close() error { return nil }

// ended reports whether the whole body has been read.
func (b *body) ended() bool { return b.err == io.EOF }

// Replay starts again, if what was read is still in the buffer.
func (b *body) Replay() bool {
	if b.lost || b.err != nil && b.err != io.EOF {
		return false
	}
	if b.kind == bodyNone {
		return true
	}
	b.buf.r = b.start
	b.err, b.overhead, b.passed = nil, 0, 0
	*b.trailers = (*b.trailers)[:0]
	b.left, b.state = b.size, chunkSize
	if b.size == 0 {
		b.err = io.EOF
	}
	return true
}

// Ready reports whether Next would answer without waiting. It may say no too often, never yes.
func (b *body) Ready() bool {
	switch {
	case b.err != nil:
		return true
	case b.kind == bodyChunked:
		return b.chunkReady()
	}
	return b.buf.r < b.buf.w
}

// Next returns the next bytes.
func (b *body) Next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	if b.wait != nil && !b.waiting && !b.dry {
		b.waiting = true
		if err := b.wait(); err != nil {
			return nil, err
		}
	}
	var view []byte
	var err error
	switch b.kind {
	case bodyChunked:
		view, err = b.nextChunk()
	case bodyToEnd:
		view, err = b.take(int64(bufferBytes))
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
	default:
		if view, err = b.take(b.left); err == nil {
			b.left -= int64(len(view))
			if b.left == 0 {
				b.err = io.EOF // told at the next call
			}
		}
	}
	b.count(int64(len(view)))
	// A wait that was cut short says nothing about the body: it may be pulled again.
	if err != nil && err != errInterrupted {
		b.err = err
	}
	return view, err
}

// count notes bytes that leave.
func (b *body) count(n int64) {
	if b.passed += n; b.given != nil {
		*b.given = max(*b.given, b.passed)
	}
}

// take returns between 1 and most bytes, and reads from the connection only if none are there.
func (b *body) take(most int64) ([]byte, error) {
	if b.buf.r == b.buf.w {
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
	n := int64(b.buf.w - b.buf.r)
	if n > most {
		n = most
	}
	view := b.buf.data[b.buf.r : b.buf.r+int(n) : b.buf.r+int(n)]
	b.buf.r += int(n)
	return view, nil
}

// fill reads once from the connection, behind what is there if that is possible without losing it.
func (b *body) fill() error {
	if b.dry {
		return errInterrupted
	}
	if b.buf.w == len(b.buf.data) || b.lost && b.buf.r == b.buf.w {
		b.makeRoom()
	}
	before, now := b.buf.w, time.Now()
	err := b.buf.fill(b.firstDeadline(now))
	if err == transport.ErrTimeout && (b.look() || b.streaming(now)) {
		err = b.buf.fill(b.deadline(now))
	}
	b.read += int64(b.buf.w - before)
	if !b.response {
		b.waited += time.Since(now)
	}
	return b.wrap(err, now)
}

// makeRoom lets the next read overwrite the body's consumed bytes; if a large head left too little, in a buffer of its own.
func (b *body) makeRoom() {
	b.lost = true
	rest := b.buf.data[b.buf.r:b.buf.w]
	if len(b.buf.data)-b.start < roomBytes && b.room == nil {
		b.room = buffers.Get().(*[bufferBytes]byte)
		b.main, b.buf.data, b.start = b.buf.data, b.room[:], 0
	}
	b.buf.r, b.buf.w = b.start, b.start+copy(b.buf.data[b.start:], rest)
}

// restore puts the connection's own memory back, once the message is over; what follows it goes along.
func (b *body) restore() {
	if b.room == nil {
		return
	}
	rest := b.buf.data[b.buf.r:b.buf.w]
	b.buf.data = b.main
	b.buf.r, b.buf.w = 0, copy(b.buf.data, rest)
	buffers.Put(b.room)
	b.room, b.main = nil, nil
}

// deadline is patience from now, and for requests never later than the minimum rate allows.
func (b *body) deadline(now time.Time) time.Time {
	if b.response {
		return b.bounded(now.Add(b.patience))
	}
	if b.streams != nil && b.streams.Load() {
		return now.Add(b.calm)
	}
	slowest := b.patience + time.Duration(b.read/bodyRateMin)*time.Second - b.waited
	return now.Add(min(b.patience, slowest))
}

// streaming reports whether a request's body has become a stream since a wait began: its answer has, and who answers before
// the end wants more of it.
func (b *body) streaming(since time.Time) bool {
	return b.streams != nil && b.streams.Load() && time.Since(since) < b.calm
}

// firstDeadline is deadline, or the moment at which somebody should begin to watch for who takes a response: an origin
// that streams may be silent for long, and nothing is written that would fail.
func (b *body) firstDeadline(now time.Time) time.Time {
	if b.client != nil && b.client.canWatch() && b.patience > goneAfter {
		return b.bounded(now.Add(goneAfter))
	}
	return b.deadline(now)
}

// bounded is by, but not later than until and age.
func (b *body) bounded(by time.Time) time.Time {
	if !b.until.IsZero() && b.until.Before(by) {
		by = b.until
	}
	if !b.age.IsZero() && b.age.Before(by) {
		by = b.age
	}
	return by
}

// look begins to watch, and reports whether the deadline that passed was the first.
func (b *body) look() bool {
	if b.client == nil || !b.client.canWatch() || b.patience <= goneAfter {
		return false
	}
	b.client.watchClient()
	return true
}

// wrap says what an error of the connection means for the body; began is when the wait for it did.
func (b *body) wrap(err error, began time.Time) error {
	switch {
	case err == nil:
		return nil
	case b.client != nil && b.client.abandoned.Load():
		return wire.ErrAbandoned
	case err == transport.ErrInterrupted && b.client != nil && b.client.gone.Load():
		return errClientLeft
	case err == transport.ErrInterrupted && b.client != nil && b.client.pumping:
		if <-b.client.pumped; b.client.pumpErr != nil { // it has interrupted us
			return b.client.pumpErr
		}
		return errInterrupted
	case err == transport.ErrInterrupted:
		return errInterrupted
	case err == transport.ErrTimeout && !b.until.IsZero() && !began.Before(b.until):
		return wire.ErrTaker // it was not the origin that was waited for when the time was up
	case err == transport.ErrTimeout && !b.until.IsZero() && !time.Now().Before(b.until):
		return wire.ErrWhole
	case err == transport.ErrTimeout && !b.age.IsZero() && !time.Now().Before(b.age):
		return wire.ErrAge
	case err == transport.ErrTimeout && b.response:
		return fault.New(fault.OriginStalled, "the origin sent nothing of its response body for "+b.patience.String()+" (timeouts.idle)")
	case err == transport.ErrTimeout:
		return errClientSlow
	case err == io.EOF && b.kind == bodyToEnd:
		return io.ErrUnexpectedEOF
	case b.response:
		return errOriginEarlyEnd
	}
	return errClientBody
}

// Whole returns the whole body as one view, reading what is still to come of it, if its length is announced and fits
// the buffer; nil otherwise, with nothing read.
func (b *body) Whole() ([]byte, error) {
	if b.kind != bodyLength || b.lost || b.size > int64(len(b.buf.data)-b.start) || b.left != b.size {
		return nil, nil
	}
	for int64(b.buf.w-b.start) < b.size {
		if err := b.fill(); err != nil {
			if err != errInterrupted {
				b.err = err
			}
			return nil, err
		}
	}
	end := b.start + int(b.size)
	b.count(b.size)
	b.buf.r, b.left, b.err = end, 0, io.EOF
	return b.buf.data[b.start:end:end], nil
}
