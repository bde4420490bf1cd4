package match

import (
	"math/bits"
	"sync/atomic"
)

// Memo remembers what was found out about masks. It holds a bounded number of them and forgets none: when it is full, what
// is new is not remembered. Any number of goroutines may use it at once; none ever waits.
type Memo[T any] struct {
	slots []atomic.Pointer[memoEntry[T]] // open addressing, a power of two, at most half full
	shift int                            // of the hash, so that it indexes slots
	left  atomic.Int64                   // entries that still fit
}

type memoEntry[T any] struct {
	mask  Mask
	value T
}

// NewMemo is a memo for at most the given number of masks, at least one.
func NewMemo[T any](entries int) *Memo[T] {
	entries = max(entries, 1)
	size := 1 << bits.Len(uint(2*entries-1))
	m := &Memo[T]{slots: make([]atomic.Pointer[memoEntry[T]], size), shift: 64 - bits.Len(uint(size-1))}
	m.left.Store(int64(entries))
	return m
}

// slot is where the search for a mask begins.
func (m *Memo[T]) slot(mask Mask) uint64 { return uint64(mask) * 0x9e3779b97f4a7c15 >> m.shift }

// Get returns what is remembered about a mask. The value is shared: do not write to it.
func (m *Memo[T]) Get(mask Mask) (*T, bool) {
	last := uint64(len(m.slots) - 1)
	for i := m.slot(mask); ; i++ {
		e := m.slots[i&last].Load()
		if e == nil {
			return nil, false
		}
		if e.mask == mask {
			return &e.value, true
		}
	}
}

// Put remembers value for mask, and returns what is remembered now: the value of whoever was first. If the memo is full,
// it returns the value given, which is not remembered.
func (m *Memo[T]) Put(mask Mask, value T) *T {
	e := &memoEntry[T]{mask, value}
	if m.left.Add(-1) < 0 {
		m.left.Add(1)
		if was, ok := m.Get(mask); ok {
			return was
		}
		return &e.value
	}
	last := uint64(len(m.slots) - 1)
	for i := m.slot(mask); ; i++ {
		slot := &m.slots[i&last]
		was := slot.Load()
		if was == nil {
			if slot.CompareAndSwap(nil, e) {
				return &e.value
			}
			was = slot.Load()
		}
		if was.mask == mask {
			m.left.Add(1)
			return &was.value
		}
	}
}

// Len is how many masks are remembered.
func (m *Memo[T]) Len() int {
	n := 0
	for i := range m.slots {
		if m.slots[i].Load() != nil {
			n++
		}
	}
	return n
}

// Full says whether nothing more will be remembered.
func (m *Memo[T]) Full() bool { return m.left.Load() <= 0 }
