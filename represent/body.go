package represent

import (
	"io"
	"sync"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// A Source is the bytes of a representation. View returns some of them, at least one, from an offset on: in memory a view,
// which may reach farther than buf is long; otherwise as many as it likes, read into buf. If buf is empty, a source that
// needs one returns nothing. The view holds as long as the source, or until buf is used again.
//
// A Source that is an io.Closer is closed once, with its body.
type Source interface {
	View(off int64, buf []byte) ([]byte, error)
}

// piece is some text and then some bytes of the source.
type piece struct {
	head []byte
	Span
}

// Body is an exchange.Body of bytes of a Source. Its size is settled when it is made: if the source has less, the body ends
// with an error. It takes memory to read into, 64 KB, only if the source needs some.
type Body struct {
	src    Source   // nil: closed
	one    [1]piece // where pieces usually is
	pieces []piece
	size   int64
	at     int   // which piece
	headed bool  // its head is out
	done   int64 // bytes of its span that are out
	buf    *[]byte
}

var bufs = sync.Pool{New: func() any { b := make([]byte, pieceBytes); return &b }}

var (
	errShort   = fault.New(fault.OriginIncomplete, "what is stored is shorter than it was announced")
	errNothing = fault.New(fault.Internal, "BUG: a source gave no bytes, no end and no error")
	errClosed  = fault.New(fault.Internal, "BUG: a body was read after it was closed")
)

// NewBody returns a body of one part of a source, or of the whole: the Span from 0 to its size.
func NewBody(src Source, part Span) *Body {
	b := &Body{src: src, size: part.To - part.From}
	b.one[0].Span = part
	b.pieces = b.one[:]
	return b
}

// Next returns the next bytes.
func (b *Body) Next() ([]byte, error) {
	for ; b.at < len(b.pieces); b.at, b.headed, b.done = b.at+1, false, 0 {
		p := &b.pieces[b.at]
		if !b.headed && len(p.head) > 0 {
			b.headed = true
			return p.head, nil
		}
		if left := p.To - p.From - b.done; left > 0 {
			view, err := b.view(p.From+b.done, left)
			b.done += int64(len(view))
			return view, err
		}
	}
	return nil, io.EOF
}

// view returns at least one and at most n bytes of the source, or an error.
func (b *Body) view(from, n int64) (view []byte, err error) {
	if b.src == nil {
		return nil, errClosed
	}
	if b.buf == nil {
		if view, err = b.src.View(from, nil); len(view) == 0 && err == nil {
			b.buf = bufs.Get().(*[]byte)
		}
	}
	if b.buf != nil {
		view, err = b.src.View(from, (*b.buf)[:min(n, pieceBytes)])
	}
	return checked(view, n, err)
}

// checked cuts a view to n bytes. A source that ends in front of them is an error, and no end of the body.
func checked(view []byte, n int64, err error) ([]byte, error) {
	view = view[:min(int64(len(view)), n)]
	switch {
	case err == io.EOF && len(view) > 0:
		err = nil
	case err == io.EOF:
		err = errShort
	case err == nil && len(view) == 0:
		err = errNothing
	}
	return view, err
}

// Size is the number of bytes of all parts and what is between them.
func (b *Body) Size() int64 { return b.size }

// Ready reports that Next waits for nobody but the disk.
func (b *Body) Ready() bool { return true }

// Whole returns all of it if it is one part, nothing of it is out and it fits the memory to read into.
func (b *Body) Whole() ([]byte, error) {
	if len(b.pieces) != 1 || b.size > pieceBytes || b.done > 0 || b.at > 0 {
		return nil, nil
	}
	if b.size == 0 {
		return []byte{}, nil
	}
	view, err := b.Next()
	if err != nil || b.done == b.size {
		return view, err
	}
	return b.gather(view)
}

// gather returns all of a body that came in smaller pieces, of which the first is there.
func (b *Body) gather(first []byte) ([]byte, error) {
	if b.buf == nil {
		b.buf = bufs.Get().(*[]byte)
	}
	all := (*b.buf)[:b.size]
	copy(all, first) // which may be there already
	for b.done < b.size {
		view, err := b.src.View(b.pieces[0].From+b.done, all[b.done:])
		view, err = checked(view, b.size-b.done, err)
		b.done += int64(copy(all[b.done:], view))
		if err != nil {
			return all[:b.done], err
		}
	}
	return all, nil
}

// Replay starts again: the source is at hand until Close.
func (b *Body) Replay() bool {
	if b.src == nil {
		return false
	}
	b.at, b.headed, b.done = 0, false, 0
	return true
}

// Close lets go of the source and gives the memory back.
func (b *Body) Close() error {
	if b.buf != nil {
		exchange.Poison(*b.buf)
		bufs.Put(b.buf)
		b.buf = nil
	}
	if c, ok := b.src.(io.Closer); ok {
		c.Close()
	}
	b.src = nil
	return nil
}
