package cache

import (
	"io"
	"slices"
	"sync"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/represent"
)

// reader is the body of an answer that is being fetched: it gives what has come, and waits for the rest. As a Source it gives the parts
// that a range asks for.
type reader struct {
	fill   *fill
	x      *exchange.Exchange
	sink   exchange.Sink
	at     int64 // what the next Next returns; guarded by the fill's mu
	seen   bool  // something was read
	closed bool
	lost   bool // it fell so far behind that others would have had to wait
	buf    *[]byte
	p      patience
}

var readBuffers = sync.Pool{New: func() any { b := make([]byte, readBytes); return &b }}

// Next returns the next bytes.
func (r *reader) Next() ([]byte, error) {
	if r.buf == nil && r.behind() {
		r.buf = readBuffers.Get().(*[]byte)
	}
	var buf []byte
	if r.buf != nil {
		buf = *r.buf
	}
	return r.View(r.at, buf)
}

// behind reports whether what is next is not in memory any more.
func (r *reader) behind() bool {
	r.fill.mu.Lock()
	defer r.fill.mu.Unlock()
	return r.at < r.fill.base
}

// View returns bytes from an offset on, and waits for them if they have not come.
func (r *reader) View(off int64, buf []byte) ([]byte, error) {
	f := r.fill
	f.mu.Lock()
	defer f.mu.Unlock()
	r.seen = true
	defer r.p.end()
	for {
		switch {
		case r.closed, r.lost:
			return nil, errGone
		case off < f.base && len(buf) == 0:
			return nil, nil
		case off < f.come:
			view, err := f.view(off, buf)
			r.at = off + int64(len(view))
			if f.window || f.phase == private {
				f.tell() // who writes may wait for us
			}
			return view, err
		case f.broken != nil:
			return nil, f.broken
		case f.done:
			if r.x != nil {
				r.x.Resp.Trailers = append(r.x.Resp.Trailers[:0], f.trailers...)
			}
			return nil, io.EOF
		}
		change := f.change()
		f.mu.Unlock()
		r.p.sink = r.sink
		gone := r.p.wait(change) == waitGone
		f.mu.Lock()
		if gone {
			return nil, errClientGone
		}
	}
}

// Size is the length of the body, -1 if it is not known yet.
func (r *reader) Size() int64 {
	f := r.fill
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done && f.broken == nil && len(f.trailers) == 0 { // with trailers it goes out as it came: in pieces
		return f.come
	}
	return f.size
}

// Ready reports whether Next would answer at once.
func (r *reader) Ready() bool {
	f := r.fill
	f.mu.Lock()
	defer f.mu.Unlock()
	return r.at < f.come || f.done
}

// Whole returns all of the body if it has come, in one piece.
func (r *reader) Whole() ([]byte, error) {
	f := r.fill
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done || f.broken != nil || len(f.trailers) > 0 || r.seen || f.base > 0 || len(f.pieces) != 1 {
		return nil, nil
	}
	r.at, r.seen = f.come, true
	return f.pieces[0], nil
}

// Replay starts again while nothing is lost.
func (r *reader) Replay() bool {
	f := r.fill
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.closed || f.base > 0 && f.spool == nil {
		return false
	}
	r.at, r.seen = 0, false
	return true
}

// Close leaves the fill, which goes on if somebody else reads it or if it is being stored.
func (r *reader) Close() error {
	f := r.fill
	f.mu.Lock()
	if r.closed {
		f.mu.Unlock()
		return nil
	}
	r.closed = true
	if i := slices.Index(f.readers, r); i >= 0 {
		f.readers = slices.Delete(f.readers, i, i+1)
	}
	unwanted := f.unwanted()
	f.tell()
	f.mu.Unlock()
	if unwanted {
		f.abandon()
	}
	if r.buf != nil {
		exchange.Poison(*r.buf)
		readBuffers.Put(r.buf)
		r.buf = nil
	}
	return nil
}

var (
	_ exchange.Body    = (*reader)(nil)
	_ exchange.Ready   = (*reader)(nil)
	_ exchange.Whole   = (*reader)(nil)
	_ represent.Source = (*reader)(nil)
	_ io.Closer        = (*reader)(nil)
)
