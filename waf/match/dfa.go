package match

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// Values of a transition that are no state. A state is named by the index of its row, which is larger.
const (
	moveUnknown = 0
	moveDead    = 1 // nothing can be found any more
	moveFound   = 2
)

// A table is what is known of a pattern's deterministic automaton. A row is written before its name is published;
// transitions are written by the builder and read by everybody, atomically. A table that has become too small is copied
// into a larger one, and stays valid for whoever still walks it.
type table struct {
	stride uint32
	moves  []uint32 // rows
	states []state  // by row
	first  uint32   // at the beginning of a value
}

// Rows of every table: 0 is none, so that no state is named like a special value.
const rowIdle = 1 // nothing has begun

// state is the leaves that are active before a character, but for those that always are.
type state struct {
	leaves []uint16
	hash   uint32
	left   kind
}

// stateBytes is about what a state takes besides its row and its leaves: what describes it, and its place in the index.
const stateBytes = 40

func (t *table) load(at uint32) uint32      { return atomic.LoadUint32(&t.moves[at]) }
func (t *table) store(at uint32, to uint32) { atomic.StoreUint32(&t.moves[at], to) }
func (t *table) state(name uint32) *state   { return &t.states[name/t.stride] }

// builder extends the table of a pattern. It belongs to whoever holds the lock, for which nobody waits.
type builder struct {
	sync.Mutex
	work   *work
	index  []uint16 // open addressing: rows; 0 is free
	rows   int      // in use, row 0 included
	leaves int64    // bytes of the states' leaves
	era    int      // how often the table has been begun anew
	misses int64    // transitions built in this era
	served int64    // bytes walked along the table in this era, as far as known
}

// thrifty says whether building transitions pays.
func (b *builder) thrifty() bool {
	return b.era == 0 || b.misses < missesFree || b.served >= bytesPerMiss*b.misses
}

// begin makes the first table, outside of what Tables allows: it is small.
func (r *Regexp) begin() {
	r.stride = uint32(r.prog.end + 1)
	r.build.work = newWork(len(r.prog.leaves))
	r.tables.used.Add(statesFirst * r.rowBytes())
	r.renew(statesFirst)
}

// rowBytes is the memory of a state without its leaves.
func (r *Regexp) rowBytes() int64 { return 4*int64(r.stride) + stateBytes }

// renew begins an empty table.
func (r *Regexp) renew(states int) {
	b := &r.build
	r.tables.used.Add(-b.leaves)
	b.rows, b.leaves, b.misses, b.served = 1, 0, 0, 0
	b.index = make([]uint16, indexSize(states))
	t := &table{stride: r.stride, moves: make([]uint32, int(r.stride)*(states+1)), states: make([]state, states+1)}
	var none sparse
	r.put(t, &none, kindOther, none.hash(kindOther))
	t.first = rowIdle * r.stride
	if left := r.prog.left[kindText]; !r.prog.plain && left != kindOther {
		t.first = r.put(t, &none, left, none.hash(left))
	}
	r.table.Store(t)
}

func indexSize(states int) int { return 1 << bits.Len(uint(2*states+1)) }

// put adds a state to a table that has room for it.
func (r *Regexp) put(t *table, list *sparse, left kind, hash uint32) uint32 {
	b := &r.build
	row := b.rows
	t.states[row] = state{leaves: slices.Clone(list.list), hash: hash, left: left}
	b.enter(row, hash)
	b.rows++
	b.leaves += int64(2 * len(list.list))
	return uint32(row) * t.stride
}

// enter puts a row into the index.
func (b *builder) enter(row int, hash uint32) {
	last := uint32(len(b.index) - 1)
	for i := hash; ; i++ {
		if at := &b.index[i&last]; *at == 0 {
			*at = uint16(row)
			return
		}
	}
}

// intern names a state in the current table, which it may replace. It fails if there is no room, or if it does not pay.
func (r *Regexp) intern(list *sparse, left kind) (uint32, bool) {
	b, t := &r.build, r.table.Load()
	hash, last := list.hash(left), uint32(len(b.index)-1)
	for i := hash; ; i++ {
		row := b.index[i&last]
		if row == 0 {
			break
		}
		if s := &t.states[row]; s.hash == hash && s.left == left && list.equal(s.leaves) {
			return uint32(row) * r.stride, true
		}
	}
	if !b.thrifty() || !r.room(int64(2*len(list.list))) {
		return 0, false
	}
	return r.put(r.table.Load(), list, left, hash), true
}

// room makes sure that a state with so many bytes of leaves fits, and takes these bytes from Tables.
func (r *Regexp) room(leaves int64) bool {
	b := &r.build
	for b.rows == len(r.table.Load().states) {
		if !r.grow() {
			return false
		}
	}
	return r.tables.reserve(leaves) || r.restart() && r.tables.reserve(leaves)
}

// grow makes room for a state: by a table twice as large, or, if there may be none, by beginning anew.
func (r *Regexp) grow() bool {
	b, old := &r.build, r.table.Load()
	states := len(old.states) - 1
	if 2*states > statesMax || !r.tables.reserve(int64(states)*r.rowBytes()) {
		return r.restart()
	}
	t := &table{stride: r.stride, first: old.first, states: make([]state, 2*states+1)}
	t.moves = make([]uint32, int(r.stride)*(2*states+1))
	copy(t.moves, old.moves) // nobody else writes
	copy(t.states, old.states)
	b.index = make([]uint16, indexSize(2*states))
	for row := 1; row < b.rows; row++ {
		b.enter(row, t.states[row].hash)
	}
	r.table.Store(t)
	return true
}

// restart begins the table anew if it was of use.
func (r *Regexp) restart() bool {
	b := &r.build
	if b.served < bytesPerMiss*b.misses {
		return false
	}
	b.era++
	r.renew(len(r.table.Load().states) - 1)
	return true
}

// move finds or builds the transition of state s of table t over a column. The caller holds r.build. The answer belongs to
// the table that is current then; it fails if there is no room, or if it does not pay.
func (r *Regexp) move(t *table, s uint32, col uint8) (to uint32, ok bool) {
	b, from := &r.build, t.state(s)
	if !b.thrifty() {
		return 0, false
	}
	b.work.from.load(from.leaves)
	if t != r.table.Load() { // it may have another name there
		if s, ok = r.intern(&b.work.from, from.left); !ok {
			return 0, false
		}
		t = r.table.Load()
	}
	if to = t.load(s + uint32(col)); to != moveUnknown {
		return to, true
	}
	b.misses++
	left, found := r.prog.step(b.work, from.left, col)
	switch {
	case found:
		to = moveFound
	case int(col) == r.prog.end || r.prog.dead(&b.work.to, left):
		to = moveDead
	default:
		era := b.era
		if to, ok = r.intern(&b.work.to, left); !ok {
			return 0, false
		}
		if era != b.era {
			return to, true
		}
		t = r.table.Load()
	}
	t.store(s+uint32(col), to)
	return to, true
}
