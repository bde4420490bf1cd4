package match

import (
	"sync"
	"sync/atomic"
)

// Tables bounds the memory that the tables of many patterns take together. At the bound no table grows: a pattern whose table is
// full begins it anew in the room that it has, or searches without it, several times slower.
type Tables struct {
	max  atomic.Int64
	used atomic.Int64
	work sync.Pool // *work
}

// NewTables allows tables of the given size in bytes; 0: TablesBytesMax.
func NewTables(bytesMax int64) *Tables {
	t := &Tables{}
	t.Bound(bytesMax)
	return t
}

// Bound sets what they may take; 0: TablesBytesMax. What is taken stays so.
func (t *Tables) Bound(bytesMax int64) {
	if bytesMax <= 0 {
		bytesMax = TablesBytesMax
	}
	t.max.Store(bytesMax)
}

// Bytes is what the tables take now.
func (t *Tables) Bytes() int64 { return t.used.Load() }

// reserve takes n bytes if there are so many left.
func (t *Tables) reserve(n int64) bool {
	if t.used.Add(n) <= t.max.Load() {
		return true
	}
	t.used.Add(-n)
	return false
}

// borrow gives the memory for one search; give it back to work.
func (t *Tables) borrow(leaves int) *work {
	w, _ := t.work.Get().(*work)
	if w == nil {
		w = &work{}
	}
	w.fit(leaves)
	return w
}
