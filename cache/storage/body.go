package storage

import (
	"sort"

	"skerry.dev/skerry/fault"
)

var errShort = fault.New(fault.Internal, "the body of a stored answer ends too early below memory: it is dropped")

// rest is a body that is not joined to its head: pieces in memory, or a place below.
type rest struct {
	pieces [][]byte
	ends   []int64 // of each piece, in the body
	size   int64
	bytes  int64 // of memory that it takes
	spool  Spool
	store  *Store // of a spool: whom to tell if it is broken
}

// newPieces takes pieces over. Those with much room behind them are copied: the room would count as well.
func newPieces(pieces [][]byte, size int64) *rest {
	r := &rest{size: size, pieces: make([][]byte, 0, len(pieces)), ends: make([]int64, 0, len(pieces))}
	end := int64(0)
	for _, p := range pieces {
		if len(p) == 0 {
			continue
		}
		if cap(p)-len(p) > len(p)/pieceSlack {
			p = append(make([]byte, 0, len(p)), p...)
		}
		end += int64(len(p))
		r.pieces, r.ends, r.bytes = append(r.pieces, p), append(r.ends, end), r.bytes+int64(cap(p))+pieceBytes
	}
	return r
}

// Size is the length of the body in bytes.
func (o *Object) Size() int64 {
	if o.rest != nil {
		return o.rest.size
	}
	return int64(len(o.data)) - int64(o.body)
}

// Spool is the place of the body below memory; nil if it is in memory.
func (o *Object) Spool() Spool {
	if o.rest == nil {
		return nil
	}
	return o.rest.spool
}

// Whole is the body, if it is in one piece in memory; nil otherwise, and then Size is not 0.
func (o *Object) Whole() []byte {
	switch {
	case o.rest == nil:
		return o.data[o.body:]
	case len(o.rest.pieces) == 1:
		return o.rest.pieces[0]
	}
	return nil
}

// View returns bytes of the body from an offset on, at least one before its end, none at its end: a view of memory, of any
// length, or buf with what was read from below. After an error the object is broken, and the store has dropped it.
func (o *Object) View(off int64, buf []byte) ([]byte, error) {
	r := o.rest
	switch {
	case off >= o.Size():
		return nil, nil
	case r == nil:
		return o.data[int64(o.body)+off:], nil
	case r.spool == nil:
		i := sort.Search(len(r.ends), func(i int) bool { return r.ends[i] > off })
		p := r.pieces[i]
		return p[int64(len(p))-(r.ends[i]-off):], nil
	}
	n, err := r.spool.ReadAt(buf[:min(int64(len(buf)), r.size-off)], off)
	if err == nil && n == 0 && len(buf) > 0 {
		err = errShort
	}
	if err != nil {
		r.store.Drop(o)
		return nil, err
	}
	return buf[:n], nil
}
