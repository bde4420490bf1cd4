package spec

// This file is about objects of the policy that are merged field by field: the firewall and the cache. A nearer document replaces what
// it names, and keeps the rest of a farther one.

// A part is a field that is merged by itself, not with the whole of the object that holds it.
type part[D, M any] struct {
	field[D]
	set   func(*D) (Pos, bool) // whether a document sets it, and where
	take  func(from *D, into *M)
	tell  func(from *M, into *D)
	brief func(*D) string // its value on one line
}

func partOf[D, M, V any](name string, at func(*D) *val[V], in func(*M) *V, is shape[V], doc string) part[D, M] {
	return part[D, M]{
		field: row(name, at, is, doc),
		set:   func(d *D) (Pos, bool) { v := at(d); return v.At, v.Set },
		take:  func(d *D, m *M) { *in(m) = at(d).V },
		tell:  func(m *M, d *D) { *at(d) = said(*in(m)) },
		brief: func(d *D) string {
			if is.brief != nil {
				return is.brief(at(d).V)
			}
			return oneLine(is.write(at(d).V))
		},
	}
}

// within makes parts of an object parts of the one that holds it, by dotted names.
func within[D, M, N, O any](name string, parts []part[D, M], at func(*N) *val[D], in func(*O) *M) (out []part[N, O]) {
	for _, p := range parts {
		out = append(out, part[N, O]{
			field: field[N]{name: name + "." + p.name},
			set:   func(d *N) (Pos, bool) { return p.set(&at(d).V) },
			take:  func(d *N, m *O) { p.take(&at(d).V, in(m)) },
			tell:  func(m *O, d *N) { at(d).Set = true; p.tell(in(m), &at(d).V) },
			brief: func(d *N) string { return p.brief(&at(d).V) },
		})
	}
	return out
}

func fieldsOfParts[D, M any](parts []part[D, M]) (out []field[D]) {
	for _, p := range parts {
		out = append(out, p.field)
	}
	return out
}

// layParts lays what a document says over a copy of what is in force, nil: nothing. far and rows are the sources of the parts, by
// the same index; path is where the object stands.
func layParts[D, M any](parts []part[D, M], path string, base *M, far []Source, d *D, from string) (merged *M, rows []Source) {
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
func partsAsWritten[D, M any](parts []part[D, M], d val[D]) *M {
	if !d.Set {
		return nil
	}
	m, _ := layParts(parts, "", nil, nil, &d.V, "")
	return m
}

// docOfParts is an object of the model as a document says it; nil: not at all. Its first part is its mode: nothing else is said of one
// that is off.
func docOfParts[D, M any](parts []part[D, M], m *M, isOff func(*M) bool) (d val[D]) {
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
