package spec

import "reflect"

// A val is a value as a document says it, with its place.
type val[T any] struct {
	V T
	mark
}

// A mark is what is known of a value beside it. At without Set: it stands there, but is broken.
type mark struct {
	_     [0]func() // no two are compared, and code for that would be linked for every type of document
	At    Pos
	Set   bool
	Clean bool // no problem was found anywhere inside it
}

// said is a value that no document said: a default, or one read back from the model.
func said[T any](v T) val[T] { return saidIf(v, true) }

// saidIf is said for a value of the model that may mean that there is none.
func saidIf[T any](v T, is bool) val[T] { return val[T]{V: v, mark: mark{Set: is}} }

// saidText is said for text of the model where empty means that there is none.
func saidText[T ~string](s T) val[T] { return saidIf(s, s != "") }

// given says whether the document has the field, be it broken or not.
func (m mark) given() bool { return m.Set || m.At.Line > 0 }

// A shape is what may stand at a place of a spec. The one description serves four ends: reading documents, writing the
// canonical form, the JSON Schema, and the list of fields that portability.yaml must cover.
//
// Its type is that of its values, so that a table can give no field a shape that does not fit. What it does is a form, which knows no
// types: code that is generic is made anew for every type, and most of the WebAssembly of the compiler would be this.
type shape[T any] struct{ is *form }

// A form is a shape whose values are given as pointers: of a shape[T] they are *T.
type form struct {
	read     func(l *log, n *node, into any) bool // false: a problem was noted and the value must not be used
	write    func(v any) any                      // nil: nothing to say
	brief    func(v any) string                   // one line for explain; nil: what write says
	describe func(*describer) map[string]any
	fill     func(v any, path string, f *filler) // defaults of what is inside; nil where there are none
}

func (s shape[T]) read(l *log, n *node) (v T, ok bool) {
	ok = s.is.read(l, n, &v)
	return v, ok
}

func (s shape[T]) write(v T) any { return s.is.write(&v) }

func (s shape[T]) describe(d *describer) map[string]any { return s.is.describe(d) }

func (s shape[T]) fill(v *T, path string, f *filler) { s.is.fill(v, path, f) }

// then is the shape with something more to do for a value that could be read; false: it must not be used.
func (s shape[T]) then(more func(l *log, n *node, v *T) bool) shape[T] {
	is, read := *s.is, s.is.read
	is.read = func(l *log, n *node, into any) bool { return read(l, n, into) && more(l, n, into.(*T)) }
	return shape[T]{&is}
}

// filled is the shape with defaults, or places, of what is inside.
func (s shape[T]) filled(fill func(v *T, path string, f *filler)) shape[T] {
	is := *s.is
	is.fill = func(v any, path string, f *filler) { fill(v.(*T), path, f) }
	return shape[T]{&is}
}

// briefly is the shape with a line of its own for explain.
func (s shape[T]) briefly(brief func(T) string) shape[T] {
	is := *s.is
	is.brief = func(v any) string { return brief(*v.(*T)) }
	return shape[T]{&is}
}

// A leaf is a shape with code of its own, which has the type of its values.
type leaf[T any] struct {
	read     func(l *log, n *node) (T, bool)
	write    func(T) any
	describe func(*describer) map[string]any
}

func (s leaf[T]) shape() shape[T] {
	read, write := s.read, s.write
	return shape[T]{&form{
		read: func(l *log, n *node, into any) (ok bool) {
			*into.(*T), ok = read(l, n)
			return ok
		},
		write:    func(v any) any { return write(*v.(*T)) },
		describe: s.describe,
	}}
}

// assign sets what a pointer points at to what another one of its type does; nil: to the zero value.
func assign(to, from any) {
	if v := reflect.ValueOf(to).Elem(); from == nil {
		v.SetZero()
	} else {
		v.Set(reflect.ValueOf(from).Elem())
	}
}

// untyped is a way from one pointer to another, for forms. Inlined, each use of it would be a function of its own.
//
//go:noinline
func untyped[P, Q any](to func(P) Q) func(any) any {
	return func(p any) any { return to(p.(P)) }
}

// line is a value on one line.
func (is *form) line(v any) string {
	if is.brief != nil {
		return is.brief(v)
	}
	return oneLine(is.write(v))
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
