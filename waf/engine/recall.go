package engine

import (
	"hash/maphash"
	"sync/atomic"
)

// recall remembers what the scan found in values that come again and again: names, and fields that a browser sends with every
// request. What is found depends on nothing but the value, on which units look at it and on which are in force: all three are
// compared, the value as a whole.
//
// It is bounded and nobody waits. A value is remembered when it comes a second time; one that was of use since its place was last
// asked for by another keeps it, so that a flood of new values drives out nothing that is used.
type recall struct {
	seed  maphash.Seed
	seen  [recallSlots]atomic.Uint32 // what asked for the place last, by a part of its hash
	slots [recallSlots]atomic.Pointer[recalled]
}

// recalled is what was found in one value.
type recalled struct {
	look, force uint32 // which units look, which are in force
	value       string
	units       []int32 // that matched
	used        atomic.Bool
}

func newRecall() *recall { return &recall{seed: maphash.MakeSeed()} }

// hash is where a value has its place.
func (r *recall) hash(l *look, force uint32, value []byte) uint64 {
	return maphash.Bytes(r.seed, value) ^ uint64(l.id)*0x9e3779b97f4a7c15 ^ uint64(force)*0xd6e8feb86659fd93
}

// get is what was found in a value; nil: nobody remembers.
func (r *recall) get(hash uint64, l *look, force uint32, value []byte) *recalled {
	e := r.slots[hash%recallSlots].Load()
	if e == nil || e.look != l.id || e.force != force || e.value != string(value) {
		return nil
	}
	if !e.used.Load() {
		e.used.Store(true)
	}
	return e
}

// put remembers what was found, if the value has come before and its place is to be had.
func (r *recall) put(hash uint64, l *look, force uint32, value []byte, units []int32) {
	at, tag := hash%recallSlots, uint32(hash>>32)|1
	if r.seen[at].Swap(tag) != tag {
		return
	}
	old := r.slots[at].Load()
	if old != nil && old.used.Swap(false) {
		return
	}
	e := &recalled{look: l.id, force: force, value: string(value), units: append([]int32(nil), units...)}
	r.slots[at].CompareAndSwap(old, e)
}
