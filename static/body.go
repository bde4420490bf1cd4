package static

import (
	"io"
	"os"
	"sync"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// piece is some text and then some bytes of the file.
type piece struct {
	head []byte
	span
}

// body is an exchange.Body of pieces of a file. Its size is settled when it is made: a file that has grown is cut there,
// one that has become shorter ends the answer with an error.
type body struct {
	file   *os.File
	entry  *entry   // held; nil: closed
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
	errShrunk     = fault.New(fault.OriginIncomplete, "the file became shorter while it was sent")
	errBodyClosed = fault.New(fault.Internal, "BUG: a file was read after it was closed")
)

// newBody returns a body of one part of a variant, whose entry it releases.
func newBody(v *variant, part span) *body {
	b := &body{file: v.open, entry: v.entry, size: part.to - part.from}
	b.one[0].span = part
	b.pieces = b.one[:]
	return b
}

// newParts returns a body of several pieces of a variant, whose entry it releases.
func newParts(v *variant, pieces []piece) *body {
	b := &body{file: v.open, entry: v.entry, pieces: pieces}
	for i := range pieces {
		b.size += int64(len(pieces[i].head)) + pieces[i].to - pieces[i].from
	}
	return b
}

// Next returns the next piece, at most pieceBytes.
func (b *body) Next() ([]byte, error) {
	for ; b.at < len(b.pieces); b.at, b.headed, b.done = b.at+1, false, 0 {
		p := &b.pieces[b.at]
		if !b.headed && len(p.head) > 0 {
			b.headed = true
			return p.head, nil
		}
		if left := p.to - p.from - b.done; left > 0 {
			view, err := b.read(p.from+b.done, min(left, pieceBytes))
			b.done += int64(len(view))
			return view, err
		}
	}
	return nil, io.EOF
}

// read reads n bytes, or as many as there are before an error.
func (b *body) read(from, n int64) ([]byte, error) {
	if b.entry == nil {
		return nil, errBodyClosed
	}
	if b.buf == nil {
		b.buf = bufs.Get().(*[]byte)
	}
	got, err := b.file.ReadAt((*b.buf)[:n], from)
	switch {
	case int64(got) == n:
		err = nil
	case err == io.EOF:
		err = errShrunk
	default:
		err = fault.Wrap(fault.OriginIncomplete, "the file cannot be read on", err)
	}
	return (*b.buf)[:got], err
}

// Size is the number of bytes of all pieces.
func (b *body) Size() int64 { return b.size }

// Ready reports that Next waits for nobody but the disk.
func (b *body) Ready() bool { return true }

// Whole returns all of it if it is one piece of the file that fits the buffer.
func (b *body) Whole() ([]byte, error) {
	if len(b.pieces) != 1 || b.size > pieceBytes || b.done > 0 {
		return nil, nil
	}
	view, err := b.Next()
	if err == io.EOF {
		return []byte{}, nil
	}
	return view, err
}

// Replay starts again: the file is at hand until Close.
func (b *body) Replay() bool {
	if b.entry == nil {
		return false
	}
	b.at, b.headed, b.done = 0, false, 0
	return true
}

// Close lets go of the file and gives the buffer back.
func (b *body) Close() error {
	if b.buf != nil {
		exchange.Poison(*b.buf)
		bufs.Put(b.buf)
		b.buf = nil
	}
	if b.entry != nil {
		b.entry.release()
		b.entry = nil
	}
	return nil
}
