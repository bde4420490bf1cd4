package h2

import (
	"sync"

	"skerry.dev/skerry/exchange"
)

// piece is memory for what has come of a body.
type piece struct {
	next *piece
	data []byte // all of it
	r, w int    // the bytes data[r:w] are here and were not taken yet
}

var (
	pieces = sync.Pool{New: func() any { return &piece{data: make([]byte, pieceBytes)} }}
	smalls = sync.Pool{New: func() any { return &piece{data: make([]byte, smallPieceBytes)} }}
)

// inbox is what has come of a body. One goroutine, that of the connection, puts in what comes, another takes it; the
// connection's lock is held by both.
type inbox struct {
	first, last *piece
	unread      int
	came        int64 // bytes put in
	took        int64 // bytes taken since the start or the last replay
	shown       bool  // some were taken once: views of them may be about
	lost        bool  // some that were taken are gone: no replay
	end         error // what comes behind the bytes, io.EOF included; nil: not known yet
}

// put copies bytes in. size is that of the whole body, if it was announced; -1 otherwise.
func (b *inbox) put(p []byte, size int64) (held int) {
	b.unread += len(p)
	b.came += int64(len(p))
	for len(p) > 0 {
		if b.last == nil || b.last.w == len(b.last.data) {
			held += b.grow(size)
		}
		n := copy(b.last.data[b.last.w:], p)
		b.last.w += n
		p = p[n:]
	}
	return held
}

// grow adds a piece: a small one at first, for a body that is not known to be larger. When more comes before anybody has taken of
// it, a large one takes its place, so that what fits there lies in one piece.
func (b *inbox) grow(size int64) (held int) {
	if b.last == nil && size <= smallPieceBytes {
		b.first = smalls.Get().(*piece)
		b.last = b.first
		return smallPieceBytes
	}
	p := pieces.Get().(*piece)
	switch old := b.last; {
	case old == nil:
		b.first = p
	case old == b.first && len(old.data) == smallPieceBytes && !b.shown:
		p.w = copy(p.data, old.data[:old.w])
		b.first = p
		held = -old.free()
	default:
		old.next = p
	}
	b.last = p
	return held + len(p.data)
}

// take returns a view of bytes that wait; there must be some. It holds until the next take, or release.
func (b *inbox) take() (view []byte, freed int) {
	p := b.first
	for p.r == p.w { // read to its end, and full, since there is more
		b.first = p.next
		freed += p.free()
		b.lost = true
		p = b.first
	}
	b.shown = true
	view = p.data[p.r:p.w:p.w]
	b.unread -= len(view)
	b.took += int64(len(view))
	p.r = p.w
	return view, freed
}

// whole returns everything in one view, if it lies in one piece and none of it was taken.
func (b *inbox) whole() (view []byte, ok bool) {
	switch {
	case b.first == nil:
		return nil, true
	case b.first != b.last || b.first.r > 0 || b.lost:
		return nil, false
	}
	view, _ = b.take()
	return view, true
}

// replay makes everything that came be taken again, if all of it is still here.
func (b *inbox) replay() bool {
	if b.lost {
		return false
	}
	b.took = 0
	for p := b.first; p != nil; p = p.next {
		b.unread += p.r
		p.r = 0
	}
	return true
}

// release gives the memory back.
func (b *inbox) release() (freed int) {
	for p := b.first; p != nil; {
		next := p.next
		freed += p.free()
		p = next
	}
	*b = inbox{}
	return freed
}

// free gives a piece back and returns its size.
func (p *piece) free() int {
	exchange.Poison(p.data[:p.w])
	p.next, p.r, p.w = nil, 0, 0
	n := len(p.data)
	if n == smallPieceBytes {
		smalls.Put(p)
	} else {
		pieces.Put(p)
	}
	return n
}
