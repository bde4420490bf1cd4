package spec

import (
	"fmt"
	"slices"
	"strings"
)

// A val is a value as a document says it, with its place. At without Set: it stands there, but is broken.
type val[T any] struct {
	V     T
	At    Pos
	Set   bool
	Clean bool // no problem was found anywhere inside it
}

// said is a value that no document said: a default, or one read back from the model.
func said[T any](v T) val[T] { return val[T]{V: v, Set: true} }

// saidText is said for text of the model where empty means that there is none.
func saidText[T ~string](s T) val[T] { return val[T]{V: s, Set: s != ""} }

// given says whether the document has the field, be it broken or not.
func (v val[T]) given() bool { return v.Set || v.At.Line > 0 }

// A shape is what may stand at a place of a spec. The one description serves four ends: reading documents, writing the
// canonical form, the JSON Schema, and the list of fields that portability.yaml must cover.
type shape[T any] struct {
	read     func(l *log, n *node) (T, bool) // false: a problem was noted and the value must not be used
	write    func(T) any                     // nil: nothing to say
	brief    func(T) string                  // one line for explain; nil: what write says
	describe func(*describer) map[string]any
	fill     func(v *T, path string, f *filler) // defaults of what is inside; nil where there are none
}

// A field is one row of the table of an object.
type field[T any] struct {
	name, doc string
	owner     string // the object whose table has the row; empty: the one it stands in
	need      bool
	read      func(*log, *node, *T)
	broken    func(*T, Pos) // it is there, though no value of it is: others need not ask for it
	write     func(*T) any
	describe  func(*describer) map[string]any
	fill      func(*T, string, *filler)
}

// row describes one field: its name, where its value is kept, what may stand there, and one sentence about it.
func row[T, V any](name string, at func(*T) *val[V], is shape[V], doc string) field[T] {
	return field[T]{
		name: name, doc: doc, describe: is.describe,
		read: func(l *log, n *node, t *T) {
			v, before := at(t), l.count()
			v.At = n.at
			v.V, v.Set = is.read(l, n)
			v.Clean = l.count() == before
		},
		broken: func(t *T, where Pos) { at(t).At = where },
		write: func(t *T) any {
			if v := at(t); v.Set {
				return is.write(v.V)
			}
			return nil
		},
		fill: func(t *T, path string, f *filler) {
			switch v := at(t); {
			case is.fill != nil && v.Set:
				is.fill(&v.V, path, f)
			case v.Set && is.brief != nil:
				f.note(path, is.brief(v.V), v.At)
			case v.Set:
				f.note(path, is.write(v.V), v.At)
			}
		},
	}
}

// rowOr is a row with a default.
func rowOr[T, V any](name string, at func(*T) *val[V], is shape[V], or V, doc string) field[T] {
	f := row(name, at, is, doc)
	f.describe = func(d *describer) map[string]any {
		s := is.describe(d)
		if w := is.write(or); w != nil && is.fill == nil {
			s["default"] = w
		}
		return s
	}
	inner := f.fill
	f.fill = func(t *T, path string, fl *filler) {
		if v := at(t); !v.given() {
			*v = said(or)
		}
		inner(t, path, fl)
	}
	return f
}

// needed marks a row without which the object says nothing.
func (f field[T]) needed() field[T] {
	f.need = true
	return f
}

// lift makes the rows of an object rows of another one that holds it; they keep their first owner.
func lift[T, V any](owner string, rows []field[V], at func(*T) *V) []field[T] {
	up := make([]field[T], len(rows))
	for i, r := range rows {
		up[i] = field[T]{
			name: r.name, doc: r.doc, owner: owner, need: r.need, describe: r.describe,
			read:   func(l *log, n *node, t *T) { r.read(l, n, at(t)) },
			broken: func(t *T, where Pos) { r.broken(at(t), where) },
			write:  func(t *T) any { return r.write(at(t)) },
			fill:   func(t *T, path string, f *filler) { r.fill(at(t), path, f) },
		}
	}
	return up
}

// An object is a mapping with a table of fields.
type object[T any] struct {
	name, doc string
	fields    []field[T]
	elsewhere map[string]string          // what to do with a field that other objects have
	check     func(l *log, at Pos, v *T) // what no single field can know; may be nil
}

func (o object[T]) shape() shape[T] {
	names := make([]string, len(o.fields))
	rows := map[string]*field[T]{}
	for i := range o.fields {
		names[i] = o.fields[i].name
		rows[names[i]] = &o.fields[i]
	}
	return shape[T]{
		read:     func(l *log, n *node) (T, bool) { return o.read(l, n, names, rows) },
		write:    func(v T) any { return o.write(&v) },
		describe: o.describe,
		fill: func(v *T, path string, f *filler) {
			for _, r := range o.fields {
				r.fill(v, path+"."+r.name, f)
			}
		},
	}
}

func (o object[T]) read(l *log, n *node, names []string, rows map[string]*field[T]) (v T, ok bool) {
	if !mapping(l, n, o.name) {
		return v, false
	}
	there := map[string]bool{}
	for _, e := range n.entries {
		name := e.key.text
		f := rows[name]
		if f == nil {
			l.refuse(e.key.at, orElse(o.elsewhere[name], instead(name, "field", names)), "unknown field %q in %s", clip(name), o.name)
			name = nearest(name, names)
		} else if e.value.kind == nullNode {
			l.refuse(e.key.at, "give it one, or remove the line", "%q has no value", name)
		} else {
			f.read(l, e.value, &v)
		}
		if there[name] = true; rows[name] != nil && (f == nil || e.value.kind == nullNode) {
			rows[name].broken(&v, e.key.at)
		}
	}
	for _, f := range o.fields {
		if f.need && !there[f.name] {
			l.refuse(n.at, "add it: "+f.doc, "%s needs %q", o.name, f.name)
		}
	}
	if o.check != nil {
		o.check(l, n.at, &v)
	}
	return v, true
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

func (o object[T]) write(v *T) any {
	var out ordered
	for _, f := range o.fields {
		if w := f.write(v); w != nil {
			out = append(out, member{f.name, w})
		}
	}
	if out == nil {
		return nil
	}
	return out
}

func (o object[T]) describe(d *describer) map[string]any {
	if d.defs[o.name] == nil {
		def := map[string]any{"type": "object", "description": o.doc, "additionalProperties": false}
		d.defs[o.name] = def // before the fields: an object may hold itself
		props, need := map[string]any{}, []string{}
		for _, f := range o.fields {
			d.row(o.name, f.owner, f.name)
			s := f.describe(d)
			s["description"] = f.doc
			props[f.name] = s
			if f.need {
				need = append(need, f.name)
			}
		}
		def["properties"] = props
		if len(need) > 0 {
			def["required"] = need
		}
	}
	return map[string]any{"$ref": "#/$defs/" + o.name}
}

// listOf is a list of up to most items.
func listOf[T any](item shape[T], most int) shape[[]val[T]] {
	return shape[[]val[T]]{
		read: func(l *log, n *node) ([]val[T], bool) {
			if n.kind != listNode {
				l.refuse(n.at, listFix(n), "a list is needed, this is %s", n.what())
				return nil, false
			}
			if len(n.items) > most {
				l.refuse(n.at, "", "the list has %d items, the limit is %d", len(n.items), most)
				return nil, false
			}
			out := make([]val[T], 0, len(n.items))
			for _, i := range n.items {
				before := l.count()
				v, ok := item.read(l, i)
				out = append(out, val[T]{V: v, At: i.at, Set: ok, Clean: l.count() == before})
			}
			return out, true
		},
		write: func(vs []val[T]) any {
			out := make([]any, 0, len(vs))
			for _, v := range vs {
				// An item without anything to say still is an item.
				if w := item.write(v.V); w != nil {
					out = append(out, w)
				} else {
					out = append(out, ordered{})
				}
			}
			return out
		},
		describe: func(d *describer) map[string]any {
			return map[string]any{"type": "array", "maxItems": most, "items": item.describe(d)}
		},
	}
}

func listFix(n *node) string {
	if n.kind == textNode || n.kind == numberNode {
		return fmt.Sprintf("write [%s]", clip(n.text))
	}
	return "put each item on a line of its own that begins with -"
}

// bare is a list whose items need no places: it keeps the ones that could be read.
func bare[T any](is shape[[]val[T]]) shape[[]T] {
	return shape[[]T]{
		describe: is.describe,
		read: func(l *log, n *node) ([]T, bool) {
			vs, ok := is.read(l, n)
			return values(vs), ok
		},
		write: func(vs []T) any {
			with := make([]val[T], len(vs))
			for i, v := range vs {
				with[i] = said(v)
			}
			return is.write(with)
		},
	}
}

// values are the values that could be read.
func values[T any](vs []val[T]) []T {
	out := make([]T, 0, len(vs))
	for _, v := range vs {
		if v.Set {
			out = append(out, v.V)
		}
	}
	return out
}

// pairsOf is a mapping from names to text. fold says whether names differ only by case are the same name.
func pairsOf(what string, name, value shape[string], fold bool, most int) shape[[]val[Pair]] {
	return shape[[]val[Pair]]{
		read: func(l *log, n *node) ([]val[Pair], bool) {
			if !mapping(l, n, what) {
				return nil, false
			}
			if len(n.entries) > most {
				l.refuse(n.at, "", "%s has %d entries, the limit is %d", what, len(n.entries), most)
				return nil, false
			}
			return readPairs(l, n, name, value, fold), true
		},
		write: func(ps []val[Pair]) any {
			out := ordered{}
			for _, p := range ps {
				out = append(out, member{p.V.Name, p.V.Value})
			}
			slices.SortFunc(out, func(a, b member) int { return strings.Compare(a.key, b.key) })
			return out
		},
		describe: func(d *describer) map[string]any {
			return map[string]any{
				"type": "object", "maxProperties": most,
				"propertyNames": name.describe(d), "additionalProperties": value.describe(d),
			}
		},
	}
}

func readPairs(l *log, n *node, name, value shape[string], fold bool) []val[Pair] {
	out := make([]val[Pair], 0, len(n.entries))
	folded := map[string]string{}
	for _, e := range n.entries {
		k, okName := name.read(l, e.key)
		v, okValue := value.read(l, e.value)
		if first, twice := folded[strings.ToLower(k)]; fold && okName && twice && first != k {
			l.refuse(e.key.at, "remove one of them", "%q is the same name as %q", k, first)
			continue
		}
		folded[strings.ToLower(k)] = k
		out = append(out, val[Pair]{V: Pair{k, v}, At: e.key.at, Set: okName && okValue})
	}
	return out
}

// A filler collects where values came from while defaults are filled in.
type filler struct{ sources []Source }

func (f *filler) note(path string, value any, at Pos) {
	f.sources = append(f.sources, Source{Path: path, Value: oneLine(value), From: whence(at), at: at})
}

// whence is the From of a value that a document or nobody said.
func whence(at Pos) string {
	if at.Line == 0 {
		return "default"
	}
	return "spec " + at.String()
}

func orElse[T ~string](s, other T) T {
	if s == "" {
		return other
	}
	return s
}
