package spec

// This file is about objects of the policy that are merged field by field: the firewall and the cache. A nearer document replaces what
// it names, and keeps the rest of a farther one.

// A part is a field that is merged by itself, not with the whole of the object that holds it, to which P points. In the model, an object
// to which Q points, it is a value of its own.
type part[P, Q any] struct {
	field[P]
	*link
}

// A link is the way of a part into the model and back, and knows no types: documents and models are given as pointers.
type link struct {
	slot  *slot
	in    func(m any) any  // where the model has the value
	drops func(m any)      // what else of the model a document replaces with it; nil: nothing
	tells func(m any) bool // whether the model has anything to tell; nil: it always has
	holds func(d any) cell // the object that holds the part inside the document; nil: the document itself
}

func partOf[P, Q, V any](name string, at func(P) *val[V], in func(Q) *V, is shape[V], doc string) part[P, Q] {
	f := row(name, at, is, doc)
	return part[P, Q]{f, &link{slot: f.slot, in: untyped(in)}}
}

// dropping is for a part that a model cannot have together with another one.
func (p part[P, Q]) dropping(drops func(Q)) part[P, Q] {
	p.drops = func(m any) { drops(m.(Q)) }
	return p
}

// where is for a part that a model need not have.
func (p part[P, Q]) where(tells func(Q) bool) part[P, Q] {
	p.tells = func(m any) bool { return tells(m.(Q)) }
	return p
}

// set says whether a document sets the part, and where.
func (k *link) set(d any) (Pos, bool) {
	c := k.slot.at(d)
	return c.At, c.Set
}

func (k *link) take(from, into any) {
	assign(k.in(into), k.slot.at(from).v)
	if k.drops != nil {
		k.drops(into)
	}
}

func (k *link) tell(from, into any) {
	if k.holds != nil {
		k.holds(into).Set = true
	}
	c := k.slot.at(into)
	assign(c.v, k.in(from))
	*c.mark = mark{Set: k.tells == nil || k.tells(from)}
}

// brief is the value on one line.
func (k *link) brief(d any) string { return k.slot.is.line(k.slot.at(d).v) }

// within makes parts of an object parts of the one that holds it, by dotted names.
func within[D, Q, P, R any](name string, parts []part[*D, Q], at func(P) *val[D], in func(R) Q) (out []part[P, R]) {
	holds, inner := cellOf(at), untyped(in)
	for _, p := range parts {
		k := p.within(name, holds, inner)
		out = append(out, part[P, R]{field[P]{k.slot}, k})
	}
	return out
}

// within is the link for a document and a model that hold those it is of.
func (k *link) within(name string, holds func(any) cell, inner func(any) any) *link {
	up := &link{slot: k.slot.within(func(d any) any { return holds(d).v }), in: func(m any) any { return k.in(inner(m)) }, holds: holds}
	up.slot.name = name + "." + k.slot.name
	if k.drops != nil {
		up.drops = func(m any) { k.drops(inner(m)) }
	}
	if k.tells != nil {
		up.tells = func(m any) bool { return k.tells(inner(m)) }
	}
	return up
}

func fieldsOfParts[P, Q any](parts []part[P, Q]) (out []field[P]) {
	for _, p := range parts {
		out = append(out, p.field)
	}
	return out
}

// layParts lays what a document says over a copy of what is in force, nil: nothing. far and rows are the sources of the parts, by
// the same index; path is where the object stands.
func layParts[D, M any](parts []part[*D, *M], path string, base *M, far []Source, d *D, from string) (merged *M, rows []Source) {
	merged, rows = new(M), make([]Source, len(parts))
	if base != nil {
		*merged = *base
	}
	copy(rows, far)
	for i, p := range parts {
		if at, set := p.set(d); set {
			p.take(d, merged)
			rows[i] = Source{Path: path + "." + p.name, Value: p.brief(d), From: orElse(from, whence(at)), at: at}
		}
	}
	return merged, rows
}

// partsAsWritten is what a document says and nothing else; nil if it says nothing of the object.
func partsAsWritten[D, M any](parts []part[*D, *M], d val[D]) *M {
	if !d.Set {
		return nil
	}
	m, _ := layParts(parts, "", nil, nil, &d.V, "")
	return m
}

// docOfParts is an object of the model as a document says it; nil: not at all. Its first part is its mode: nothing else is said of one
// that is off.
func docOfParts[D, M any](parts []part[*D, *M], m *M, isOff func(*M) bool) (d val[D]) {
	if m == nil {
		return d
	}
	if isOff(m) {
		parts = parts[:1]
	}
	d.Set = true
	for _, p := range parts {
		p.tell(m, &d.V)
	}
	return d
}
