package waf

import (
	"io"

	"skerry.dev/skerry/exchange"
)

// held is a body that is in memory, or its beginning.
type held struct {
	keeper   *Keeper
	inner    exchange.Body
	buf      []byte
	taken    int    // of the keeper's memory
	rest     []byte // what follows buf: a view of inner that holds until its next call
	whole    bool   // buf is all of it
	trailers bool   // they follow it; only a body of unknown size may have them
	viewed   bool   // others have views of buf: it stays until release
	err      error  // how inner ended, if not at its end
	next     part   // what Next returns
}

// part is where in a held body its reader is.
type part uint8

const (
	partBuf   part = iota // before buf
	partRest              // before rest
	partInner             // behind them
)

// grow makes room for n more bytes, at most for most of them, and reports whether there is memory. It takes no more than twice
// what has come: what was announced may never come.
func (h *held) grow(n, most int) bool {
	if len(h.buf)+n <= cap(h.buf) {
		return true
	}
	want := max(2*cap(h.buf), len(h.buf)+n, chunkBytes)
	if size := h.inner.Size(); size >= 0 && size < int64(most) {
		most = int(size)
	}
	want = max(min(want, most), len(h.buf)+n)
	if !h.keeper.hold(want - h.taken) {
		return false
	}
	h.taken = want
	grown := make([]byte, len(h.buf), want)
	copy(grown, h.buf)
	exchange.Poison(h.buf)
	h.buf = grown
	return true
}

// ended is what a body has come to when fill returns.
type ended uint8

const (
	endWhole  ended = iota // all of it is in buf
	endLarge               // it has more than most bytes
	endMemory              // there is no memory for more
	endBroken              // its reading failed: err
)

// fill reads the body into memory, at most a number of bytes. What it took beyond them is in rest.
func (h *held) fill(most int) ended {
	for {
		view, err := h.inner.Next()
		if room := most - len(h.buf); len(view) > room {
			h.rest, view = view[room:], view[:room]
		}
		if len(view) > 0 && !h.grow(len(view), most) {
			// Both parts are one piece of inner's memory still.
			h.rest = view[: len(view)+len(h.rest) : len(view)+len(h.rest)]
			h.err = failure(err)
			return endMemory
		}
		h.buf = append(h.buf, view...)
		switch {
		case len(h.rest) > 0:
			h.err = failure(err)
			return endLarge
		case err == io.EOF:
			h.whole = true
			return endWhole
		case err != nil:
			h.err = err
			return endBroken
		}
	}
}

// failure is an error that is not the end; that one inner says again.
func failure(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// release gives the memory back. Nobody may hold the body, or a view of it, any more.
func (h *held) release() {
	h.free()
	*h = held{}
}

// free gives the memory of buf back; it cannot be read again.
func (h *held) free() {
	exchange.Poison(h.buf)
	if h.taken > 0 {
		h.keeper.release(h.taken)
	}
	h.buf, h.taken = nil, 0
}

// Next returns all that is held, then what follows.
func (h *held) Next() ([]byte, error) {
	if h.next == partBuf {
		h.next = partRest
		if len(h.buf) > 0 {
			return h.buf, nil
		}
	}
	if h.whole {
		return nil, io.EOF
	}
	if h.next == partRest {
		h.next = partInner
		if !h.viewed {
			h.free() // a large body may take minutes to pass
		}
		if len(h.rest) > 0 {
			return h.rest, nil
		}
	}
	h.rest = nil
	if h.err != nil {
		return nil, h.err
	}
	return h.inner.Next()
}

// Size is the number of bytes, -1 if that is unknown or trailers follow.
func (h *held) Size() int64 {
	switch {
	case !h.whole:
		return h.inner.Size()
	case h.trailers:
		return -1
	}
	return int64(len(h.buf))
}

// Ready reports whether Next would answer without waiting.
func (h *held) Ready() bool {
	if h.whole || h.err != nil || h.next == partBuf && len(h.buf) > 0 || h.next != partInner && len(h.rest) > 0 {
		return true
	}
	r, ok := h.inner.(exchange.Ready)
	return ok && r.Ready()
}

// Whole returns all of it, if it is in memory and was not begun.
func (h *held) Whole() ([]byte, error) {
	if !h.whole || h.trailers || h.next != partBuf {
		return nil, nil
	}
	h.next = partInner
	if h.buf == nil {
		return []byte{}, nil
	}
	return h.buf, nil
}

// Replay starts again, if all that was read is in memory.
func (h *held) Replay() bool {
	if !h.whole && h.next == partInner {
		return false
	}
	h.next = partBuf
	return true
}

// Check reports whether what has come of it is well formed.
func (h *held) Check() error {
	if c, ok := h.inner.(exchange.Checked); ok && !h.whole {
		return c.Check()
	}
	return nil
}

// Close closes what follows.
func (h *held) Close() error { return h.inner.Close() }

var (
	_ exchange.Body    = (*held)(nil)
	_ exchange.Ready   = (*held)(nil)
	_ exchange.Whole   = (*held)(nil)
	_ exchange.Checked = (*held)(nil)
)
