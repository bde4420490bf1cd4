package h2

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
)

var bodyBuffers = sync.Pool{New: func() any { return new([bodyBufferBytes]byte) }}

// body is a request body. It is read into a buffer of its own, from the start on until that is full: so a small one is
// at hand in one piece and can be read again.
type body struct {
	stream *stream
	in     *http.Request
	size   int64 // announced; -1: unknown
	buf    *[bodyBufferBytes]byte
	r, w   int   // the bytes buf[r:w] are here and were not returned yet
	lost   bool  // bytes have been overwritten: no replay
	end    error // what comes behind buf[:w], io.EOF included; nil: not known yet

	patience time.Duration
	waited   time.Duration // for the client, over all; what others take to use the bytes does not count
	read     int64         // bytes that came
	passed   int64         // bytes returned since the start or the last Replay
	given    *int64        // the most that passed has been
	trailers *exchange.Fields
}

// Size is the announced length, -1 if there is none.
func (b *body) Size() int64 { return b.size }

// Close does nothing: net/http tells the client to stop once the exchange is over.
func (b *body) Close() error { return nil }

// Ready reports whether Next would answer without waiting. What net/http holds back is not known here, so it says no
// too often.
func (b *body) Ready() bool { return b.r < b.w || b.end != nil }

// Replay starts again, if what was read is still in the buffer.
func (b *body) Replay() bool {
	if b.lost || b.end != nil && b.end != io.EOF {
		return false
	}
	b.r, b.passed = 0, 0
	return true
}

// Next returns the next bytes.
func (b *body) Next() ([]byte, error) {
	if b.r == b.w && b.end == nil {
		if b.buf != nil && b.w == len(b.buf) && b.read != b.size { // at its size only the end is to come
			b.lost, b.r, b.w = true, 0, 0
		}
		b.fill()
	}
	if b.r == b.w {
		return nil, b.end
	}
	view := b.buf[b.r:b.w:b.w]
	b.count(b.w)
	return view, nil
}

// Whole returns the whole body as one view, reading what is still to come of it, if its length is announced and fits
// the buffer; nil otherwise, with nothing read.
func (b *body) Whole() ([]byte, error) {
	if b.size < 0 || b.size > bodyBufferBytes || b.r > 0 {
		return nil, nil
	}
	// Also the end is waited for: only then is it known that the body is not longer than announced.
	for b.end == nil {
		b.fill()
	}
	if b.end != io.EOF {
		return nil, b.end
	}
	b.count(b.w)
	return b.buf[:b.w:b.w], nil
}

// count notes that everything up to buf[to] leaves.
func (b *body) count(to int) {
	b.passed += int64(to - b.r)
	b.r = to
	*b.given = max(*b.given, b.passed)
}

// fill reads once behind what there is; the caller has seen to it that there is room, but for the end of a body that
// fills the buffer exactly.
func (b *body) fill() {
	if b.buf == nil {
		b.buf = bodyBuffers.Get().(*[bodyBufferBytes]byte)
	}
	var past [1]byte // x/net does not let a body become longer than announced, so nothing ever comes here
	room := b.buf[b.w:]
	if len(room) == 0 {
		room = past[:]
	}
	began := time.Now()
	b.stream.reading.set(b.wait())
	n, err := b.in.Body.Read(room)
	b.stream.reading.stop()
	b.waited += time.Since(began)
	b.read += int64(n)
	switch {
	case b.w+n > len(b.buf):
		b.end = errLength
	case err == nil:
		b.w += n
	default:
		b.w += n
		b.end = b.ended(err)
	}
}

// wait is the patience for the next bytes, never longer than the minimum rate allows.
func (b *body) wait() time.Duration {
	slowest := b.patience + time.Duration(b.read/bodyRateMin)*time.Second - b.waited
	return max(min(b.patience, slowest), 0)
}

// ended says how a body ended, and takes in its trailers.
func (b *body) ended(err error) error {
	switch {
	case err == io.EOF && b.size >= 0 && b.read != b.size:
		return errLength
	case err == io.EOF:
		if err := readTrailers(b.trailers, b.in.Trailer); err != nil {
			return err
		}
		return io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded) && b.stream.interrupted.Load():
		return errInterrupted
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errClientSlow
	case strings.Contains(err.Error(), "Content-Length"): // x/net has counted, and has no type for it
		return errLength
	}
	return errClientBody
}

// release gives the memory back.
func (b *body) release() {
	if b.buf != nil {
		exchange.Poison(b.buf[:])
		bodyBuffers.Put(b.buf)
	}
	*b = body{}
}

var (
	_ exchange.Body  = (*body)(nil)
	_ exchange.Ready = (*body)(nil)
	_ exchange.Whole = (*body)(nil)
)
