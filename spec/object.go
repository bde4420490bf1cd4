package spec

// A field is one row of the table of an object, P is the type of pointers to it. All that is generic over pointers alone is made once.
type field[P any] struct{ *slot }

// A slot is a field that knows no types: its object is given as a P.
type slot struct {
	name, doc string
	owner     string // the object whose table has the row; empty: the one it stands in
	need      bool
	at        func(object any) cell
	is        *form
	or        any // the default, a pointer to it; nil: there is none
}

// A cell is where the value of a field is kept: pointers into a val.
type cell struct {
	v any
	*mark
}

// row describes one field: its name, where its value is kept, what may stand there, and one sentence about it.
func row[P, V any](name string, at func(P) *val[V], is shape[V], doc string) field[P] {
	return field[P]{&slot{name: name, doc: doc, at: cellOf(at), is: is.is}}
}

// rowOr is a row with a default.
func rowOr[P, V any](name string, at func(P) *val[V], is shape[V], or V, doc string) field[P] {
	return field[P]{&slot{name: name, doc: doc, at: cellOf(at), is: is.is, or: &or}}
}

// cellOf is where a row keeps its value. Inlined, each row would have a function of its own.
//
//go:noinline
func cellOf[P, V any](at func(P) *val[V]) func(any) cell {
	return func(object any) cell {
		v := at(object.(P))
		return cell{&v.V, &v.mark}
	}
}

// needed marks a row without which the object says nothing.
func (f field[P]) needed() field[P] {
	f.need = true
	return f
}

// lift makes the rows of an object rows of another one that holds it; they keep their first owner.
func lift[P, Q any](owner string, rows []field[Q], at func(P) Q) []field[P] {
	up, inner := make([]field[P], len(rows)), untyped(at)
	for i, r := range rows {
		up[i].slot = r.within(inner)
		up[i].owner = owner
	}
	return up
}

// within is the slot for an object that holds the one it is of.
func (s *slot) within(inner func(any) any) *slot {
	up, at := *s, s.at
	up.at = func(object any) cell { return at(inner(object)) }
	return &up
}

func (s *slot) read(l *log, n *node, object any) {
	c, before := s.at(object), l.count()
	c.At = n.at
	c.Set = s.is.read(l, n, c.v)
	c.Clean = l.count() == before
}

// broken notes that the field is there, though no value of it is: others need not ask for it.
func (s *slot) broken(object any, where Pos) { s.at(object).At = where }

// clear forgets what a first of two lines said.
func (s *slot) clear(object any) { assign(s.at(object).v, nil) }

func (s *slot) write(object any) any {
	if c := s.at(object); c.Set {
		return s.is.write(c.v)
	}
	return nil
}

func (s *slot) describe(d *describer) map[string]any {
	out := s.is.describe(d)
	if s.or != nil && s.is.fill == nil {
		if w := s.is.write(s.or); w != nil {
			out["default"] = w
		}
	}
	return out
}

func (s *slot) fill(object any, path string, f *filler) {
	c := s.at(object)
	if s.or != nil && !c.given() {
		assign(c.v, s.or)
		*c.mark = mark{Set: true}
	}
	switch {
	case !c.Set:
	case s.is.fill != nil:
		s.is.fill(c.v, path, f)
	case s.is.brief != nil:
		f.note(path, s.is.brief(c.v), c.At)
	default:
		f.note(path, s.is.write(c.v), c.At)
	}
}

// An object is a mapping with a table of fields.
type object[T any] struct {
	name, doc string
	fields    []field[*T]
	elsewhere map[string]string          // what to do with a field that other objects have
	check     func(l *log, at Pos, v *T) // what no single field can know; may be nil
}

func (o object[T]) shape() shape[T] {
	return shape[T]{newObjectForm(o.name, o.doc, o.fields, o.elsewhere, o.check)}
}

// An objectForm is an object that knows no types.
type objectForm struct {
	name, doc string
	rows      []*slot
	names     []string // of the rows
	byName    map[string]*slot
	elsewhere map[string]string
	check     func(l *log, at Pos, object any)
}

func newObjectForm[P any](name, doc string, fields []field[P], elsewhere map[string]string, check func(*log, Pos, P)) *form {
	t := &objectForm{name: name, doc: doc, byName: make(map[string]*slot, len(fields)), elsewhere: elsewhere}
	for _, f := range fields {
		t.rows, t.names = append(t.rows, f.slot), append(t.names, f.name)
		t.byName[f.name] = f.slot
	}
	if check != nil {
		t.check = func(l *log, at Pos, v any) { check(l, at, v.(P)) }
	}
	return &form{read: t.read, write: t.write, describe: t.describe, fill: t.fill}
}

func (t *objectForm) fill(object any, path string, f *filler) {
	for _, s := range t.rows {
		s.fill(object, path+"."+s.name, f)
	}
}

func (t *objectForm) read(l *log, n *node, object any) bool {
	if !mapping(l, n, t.name) {
		return false
	}
	there := map[string]bool{}
	for _, e := range n.entries {
		name := e.key.text
		s := t.byName[name]
		if s == nil {
			l.refuse(e.key.at, orElse(t.elsewhere[name], instead(name, "field", t.names)), "unknown field %q in %s", clip(name), t.name)
			name = nearest(name, t.names)
		} else if e.value.kind == nullNode {
			l.refuse(e.key.at, "give it one, or remove the line", "%q has no value", name)
		} else {
			if there[name] {
				s.clear(object)
			}
			s.read(l, e.value, object)
		}
		if there[name] = true; t.byName[name] != nil && (s == nil || e.value.kind == nullNode) {
			t.byName[name].broken(object, e.key.at)
		}
	}
	for _, s := range t.rows {
		if s.need && !there[s.name] {
			l.refuse(n.at, "add it: "+s.doc, "%s needs %q", t.name, s.name)
		}
	}
	if t.check != nil {
		t.check(l, n.at, object)
	}
	return true
}

func (t *objectForm) write(object any) any {
	var out ordered
	for _, s := range t.rows {
		if w := s.write(object); w != nil {
			out = append(out, member{s.name, w})
		}
	}
	if out == nil {
		return nil
	}
	return out
}

func (t *objectForm) describe(d *describer) map[string]any {
	if d.defs[t.name] == nil {
		def := map[string]any{"type": "object", "description": t.doc, "additionalProperties": false}
		d.defs[t.name] = def // before the fields: an object may hold itself
		props, need := map[string]any{}, []string{}
		for _, s := range t.rows {
			d.row(t.name, s.owner, s.name)
			p := s.describe(d)
			p["description"] = s.doc
			props[s.name] = p
			if s.need {
				need = append(need, s.name)
			}
		}
		def["properties"] = props
		if len(need) > 0 {
			def["required"] = need
		}
	}
	return map[string]any{"$ref": "#/$defs/" + t.name}
}

// mapping reports keys that stand twice, and anything that is no mapping.
func mapping(l *log, n *node, what string) bool {
	if n.kind != mapNode {
		l.refuse(n.at, "", "%s must be a mapping, this is %s", what, n.what())
		return false
	}
	seen := make(map[string]Pos, len(n.entries))
	for _, e := range n.entries {
		if at, twice := seen[e.key.text]; twice {
			l.refuse(e.key.at, "remove one of them", "%q stands twice, first at line %d", clip(e.key.text), at.Line)
			continue
		}
		seen[e.key.text] = e.key.at
	}
	return true
}
