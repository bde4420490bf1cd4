package storage

import (
	"bytes"
	"math/bits"
	"sync"
)

// shard is a part of the index: the keys whose hash begins alike. Its buckets grow one by one (linear hashing), so that no
// insertion moves more than a bucket, and a key only ever moves to a bucket further on: who walks through the buckets in order,
// with pauses, meets every object that was there when it began.
type shard struct {
	mu      sync.Mutex
	buckets []*Object // the newest variants of keys, linked by chain
	keys    int
	hits    uint64
	misses  uint64
	lifting map[string]*lifting // keys that somebody looks for below
	putting []*Object           // what is here, and about to be put below
	_       [16]byte            // two shards never share a line of 64 bytes with both locks
}

// bucket is where a hash belongs.
func (h *shard) bucket(hash uint64) int {
	n := uint64(len(h.buckets))
	whole := uint64(1) << (bits.Len64(n) - 1) // this many buckets tell keys apart; those beyond are halves of the first ones
	if i := hash & (2*whole - 1); i < n {
		return int(i)
	}
	return int(hash & (whole - 1))
}

// find is the newest variant of a key.
func (h *shard) find(hash uint64, key []byte) *Object {
	if len(h.buckets) == 0 {
		return nil
	}
	for o := h.buckets[h.bucket(hash)]; o != nil; o = o.chain {
		if o.hash == hash && bytes.Equal(o.Key(), key) {
			return o
		}
	}
	return nil
}

// push makes o the newest variant of its key.
func (h *shard) push(o, newest *Object) {
	if newest == nil {
		if h.keys++; h.keys > len(h.buckets) {
			h.grow()
		}
		link := &h.buckets[h.bucket(o.hash)]
		o.chain, *link = *link, o
		return
	}
	o.older, o.partial = newest, newest.partial
	h.relink(newest, o)
}

// place makes o the oldest variant of its key.
func (h *shard) place(o, newest *Object) {
	if newest == nil {
		h.push(o, nil)
		return
	}
	for newest.older != nil {
		newest = newest.older
	}
	newest.older = o
}

// relink puts another newest variant of the key in the place of one; nil: there is no other.
func (h *shard) relink(newest, by *Object) {
	link := &h.buckets[h.bucket(newest.hash)]
	for *link != newest {
		link = &(*link).chain
	}
	if by == nil {
		*link = newest.chain
		h.keys--
	} else {
		by.chain, *link = newest.chain, by
	}
	newest.chain = nil
}

// remove takes o out. What was older than it stays linked from it, for who is going through the variants: at most variantsMax.
func (h *shard) remove(o *Object) {
	o.gone = true
	newest := h.newest(o)
	if newest == o {
		if o.older != nil {
			o.older.partial = o.partial
		}
		h.relink(o, o.older)
		return
	}
	for v := newest; v != nil; v = v.older {
		if v.older == o {
			v.older = o.older
			return
		}
	}
}

// newest is the newest variant of the key of an object that is there. It reads no key: an eviction or a sweep touches many
// objects.
func (h *shard) newest(o *Object) *Object {
	for head := h.buckets[h.bucket(o.hash)]; head != nil; head = head.chain {
		if head.hash != o.hash {
			continue
		}
		for v := head; v != nil; v = v.older {
			if v == o {
				return head
			}
		}
	}
	panic("BUG: an object that is not in its shard is removed")
}

// grow adds a bucket, and moves to it what belongs there of the one that it halves.
func (h *shard) grow() {
	n := len(h.buckets)
	h.buckets = append(h.buckets, nil)
	if n == 0 {
		return
	}
	from := n &^ (1 << (bits.Len(uint(n)) - 1))
	list := h.buckets[from]
	h.buckets[from] = nil
	for list != nil {
		o := list
		list = o.chain
		link := &h.buckets[h.bucket(o.hash)]
		o.chain, *link = *link, o
	}
}
