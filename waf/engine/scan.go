package engine

import (
	"math/bits"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/transform"
)

// hit is a field that the unit of a rule matched.
type hit struct{ field, next int32 } // next: 1 more than its index in hits; 0: none

// stage is a value after the transformations up to one node of the tree.
type stage struct {
	val   []byte
	mask  match.Mask
	entry *maskEntry // of mask
	turn  int32      // the scan of a field that it was made in; 0: none
	home  int32      // the node whose value this is, if it was left as it was
	found bool       // of home: the phrases in it have been looked for
}

// scan finds which units match which fields, for the rules of this phase that the policy has in force.
func (t *Transaction) scan() {
	t.scanned = true
	clear(t.hitHead)
	clear(t.hitTail)
	t.hits = t.hits[:0]
	p := t.p.prog
	active, force := t.p.active[t.phase], t.p.force[t.phase]
	for i := range t.fields {
		if t.exhausted {
			return
		}
		f := &t.fields[i]
		l := p.classes[f.v].of(f.key)
		if !l.units.Meets(active) {
			continue
		}
		if !l.recall || len(f.val) > recallBytesMax {
			t.scanField(int32(i), l.units, active)
			continue
		}
		hash := p.recall.hash(&l, force, f.val)
		if e := p.recall.get(hash, &l, force, f.val); e != nil {
			for _, u := range e.units {
				t.addHit(u, int32(i))
			}
			continue
		}
		t.scanField(int32(i), l.units, active)
		if !t.exhausted {
			p.recall.put(hash, &l, force, f.val, t.matchedUnits)
		}
	}
}

// scanField runs the units that are left for one field.
func (t *Transaction) scanField(at int32, set, active match.Bits) {
	f := &t.fields[at]
	if !f.masked {
		f.mask, f.masked = match.MaskOf(f.val), true
	}
	e := t.entry(f.mask)
	t.matchedUnits = t.matchedUnits[:0]
	t.scanMem.Reset() // and with it the stages of the field before, or of the same one in an earlier phase
	t.turn++
	t.stages[0] = stage{val: f.val, mask: f.mask, entry: e, turn: t.turn}
	for w := range set {
		word := set[w] & active[w] & e.alive[w]
		for word != 0 {
			i := w<<6 + bits.TrailingZeros64(word)
			word &= word - 1
			if t.matches(int32(i)) {
				t.addHit(int32(i), at)
				t.matchedUnits = append(t.matchedUnits, int32(i))
			}
		}
	}
}

// matches reports whether a unit matches the field that is scanned.
func (t *Transaction) matches(i int32) bool {
	p := t.p.prog
	u := &p.units[i]
	if u.rule.src.MultiMatch {
		return t.matchesAny(u)
	}
	rx, s := u.rx, (*stage)(nil)
	if u.low != nil && t.stage(u.rule.foldAt).mask&match.MaskHigh == 0 {
		rx, s = u.low, t.stage(u.rule.folded)
	} else {
		s = t.stage(u.node)
	}
	if rx != nil && len(s.val) < rx.Min() {
		return false
	}
	if s.home != 0 && !s.entry.possible.Has(int(i)) {
		return false
	}
	switch {
	case rx != nil:
		t.spend(len(s.val))
		return rx.Match(s.val)
	case u.list >= 0:
		return t.phrases(s).Has(u.list)
	}
	t.spend(len(s.val))
	return u.op.match(t, s.val, false)
}

// phrases are the lists of which a phrase is in a value, looked for once.
func (t *Transaction) phrases(s *stage) match.Bits {
	found := t.found[s.home]
	if home := &t.stages[s.home]; !home.found {
		home.found = true
		found.Clear()
		t.spend(len(s.val))
		t.p.prog.phrases.Scan(s.val, found)
	}
	return found
}

// matchesAny is matches with multiMatch: at any stage of the transformations.
func (t *Transaction) matchesAny(u *unit) bool {
	home, least := int32(-1), u.least()
	var s *stage
	for i, node := range u.path {
		// Decoding base64 changes nearly every value, mostly to one that is too short for anything.
		if i >= u.cut && s != nil && t.p.prog.tree.nodes[node].id == transform.Base64Decode && transform.Base64Len(s.val) < least {
			return false
		}
		s = t.stage(node)
		if s.home == home {
			continue
		}
		home = s.home
		if len(s.val) < least {
			if i >= u.cut {
				return false
			}
			continue
		}
		if s.entry.possible.Has(int(u.rule.unit)) {
			t.spend(len(s.val))
			if u.op.match(t, s.val, false) {
				return true
			}
		}
	}
	return false
}

// stage is the value of the field that is scanned, after the transformations of a node, made once per scan.
func (t *Transaction) stage(node int32) *stage {
	s := &t.stages[node]
	if s.turn == t.turn {
		return s
	}
	n := t.p.prog.tree.nodes[node]
	in := t.stage(n.parent)
	if in.entry.identity(n.id) {
		*s = *in
		return s
	}
	b := t.scanMem.Alloc(n.id.Max(len(in.val)))
	out := n.id.Append(b[:0], in.val)
	t.scanMem.Trim(b, len(out))
	t.spend(len(in.val))
	mask := match.MaskOf(out)
	*s = stage{val: out, mask: mask, entry: t.entry(mask), turn: t.turn, home: node}
	return s
}

// transform is a transformation of the interpreter: a value of its own, in the request's memory.
func (t *Transaction) transform(id transform.ID, in []byte) []byte {
	if !t.reference && id.Identity(match.MaskOf(in)) {
		return in
	}
	b := t.mem.Alloc(id.Max(len(in)))
	out := id.Append(b[:0], in)
	return t.mem.Trim(b, len(out))
}

func (t *Transaction) addHit(u, at int32) {
	t.hits = append(t.hits, hit{field: at})
	n := int32(len(t.hits))
	if t.hitHead[u] == 0 {
		t.hitHead[u] = n
	} else {
		t.hits[t.hitTail[u]-1].next = n
	}
	t.hitTail[u] = n
}
