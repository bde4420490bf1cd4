package match

import "bytes"

// A walk is a search underway: the state s of table t stands before value[at].
type walk struct {
	t     *table
	s     uint32
	at    int
	since int // where the table's service began to count
}

// The answers of a part of a search.
type verdict uint8

const (
	goOn verdict = iota
	found
	never
)

// Match says whether the pattern is found in value. It allocates nothing once it has seen values of this kind, and never
// waits.
func (r *Regexp) Match(value []byte) bool {
	if len(value) < r.min {
		return false
	}
	if r.prog == nil {
		return r.Slow(value)
	}
	t := r.table.Load()
	columns, pause := &r.prog.bytes, r.pause
	s, i, since := t.first, 0, 0
	if s == pause {
		i = r.skip.to(value)
	}
	for {
		for i < len(value) {
			to := t.load(s + uint32(columns[value[i]]))
			if to <= pause {
				if to <= moveFound {
					break
				}
				i += r.skip.to(value[i+1:])
			}
			s = to
			i++
		}
		w, v := r.turn(walk{t, s, i, since}, value)
		if v != goOn {
			return v == found
		}
		t, s, i, since = w.t, w.s, w.at, w.since
	}
}

// turn does what the table cannot do by one look at a byte: characters of several bytes, the end, what is not known yet.
func (r *Regexp) turn(w walk, value []byte) (walk, verdict) {
	col, size := uint8(r.prog.end), 0
	if w.at < len(value) {
		col, size = r.prog.next(value[w.at:])
	}
	to := w.t.load(w.s + uint32(col))
	if to == moveUnknown {
		if !r.build.TryLock() {
			return r.alone(w, value)
		}
		var ok bool
		r.build.served += int64(w.at - w.since)
		w.since = w.at
		to, ok = r.move(w.t, w.s, col)
		t := r.table.Load()
		r.build.Unlock()
		if !ok {
			return r.alone(w, value)
		}
		w.t = t
	}
	switch to {
	case moveFound:
		return w, found
	case moveDead:
		return w, never
	}
	w.s = to
	w.at += size
	return w, goOn
}

// alone goes on without the table: because somebody else is extending it, or because it may not grow. It asks again from
// time to time.
func (r *Regexp) alone(w walk, value []byte) (walk, verdict) {
	work := r.tables.borrow(len(r.prog.leaves))
	defer r.tables.work.Put(work)
	from := w.t.state(w.s)
	work.from.load(from.leaves)
	left := from.left
	for again := w.at + aloneBytes; w.at < len(value); {
		col, size := r.prog.next(value[w.at:])
		var is bool
		if left, is = r.prog.step(work, left, col); is {
			return w, found
		}
		work.swap()
		w.at += size
		if r.prog.dead(&work.from, left) {
			return w, never
		}
		if w.at < again || !r.build.TryLock() {
			continue
		}
		s, ok := r.intern(&work.from, left)
		t := r.table.Load()
		r.build.Unlock()
		if ok {
			return walk{t, s, w.at, w.at}, goOn
		}
		again = w.at + aloneBytes
	}
	if _, is := r.prog.step(work, left, uint8(r.prog.end)); is {
		return w, found
	}
	return w, never
}

// skip knows the bytes with which something begins.
type skip struct {
	only int // the only one; -1: there are others, or none
	stop [256]bool
}

// to is how many bytes from the start of value nothing begins at.
func (k *skip) to(value []byte) int {
	if k.only >= 0 {
		if n := bytes.IndexByte(value, byte(k.only)); n >= 0 {
			return n
		}
		return len(value)
	}
	for i, c := range value {
		if k.stop[c] {
			return i
		}
	}
	return len(value)
}

// frequent is the characters that texts are full of. To stop at one of them costs more than to look at each.
const frequent = " etaoinshr"

// newSkip finds where to stop. It is nil if one would stop too often.
func newSkip(p *program) *skip {
	k, stops := &skip{only: -1}, make([]bool, p.end)
	for col := 1; col < p.end; col++ {
		c := &p.start[kindOther][col]
		stops[col] = c.match || len(c.leaves) > 0 || !p.plain && p.left[p.kind[col]] != kindOther
	}
	multi := false // something begins at a character of several bytes: stop at each, one byte alone does not say which it is
	for _, col := range p.runs {
		multi = multi || stops[col]
	}
	n, often := 0, 0
	for c := range 256 {
		if col := p.bytes[c]; col != 0 {
			k.stop[c] = stops[col]
		} else {
			k.stop[c] = multi
		}
		if k.stop[c] {
			n, k.only = n+1, c
			if bytes.IndexByte([]byte(frequent), byte(c)) >= 0 {
				often++
			}
		}
	}
	if n != 1 {
		k.only = -1
	}
	if often > 1 {
		return nil
	}
	return k
}
