package spec

import (
	"slices"
	"strings"
)

// This file has the shapes of values that a word may stand for: `hsts: on` is an HSTS with nothing but defaults.

// modelled is the shape of a value of the model that documents say as an object: reading fills in the object's defaults.
func modelled[D, M any](object shape[D], model func(D) M, doc func(M) D) shape[M] {
	is := object.is
	return shape[M]{&form{
		describe: is.describe,
		read: func(l *log, n *node, into any) bool {
			d, m := new(D), into.(*M)
			if !readWhole(l, n, is, d) {
				*m = *new(M)
				return false
			}
			*m = model(*d)
			return true
		},
		write: func(v any) any {
			d := doc(*v.(*M))
			return is.write(&d)
		},
	}}
}

// readWhole reads an object and fills in its defaults. Half an object is none.
func readWhole(l *log, n *node, is *form, into any) bool {
	before := l.count()
	if !is.read(l, n, into) || l.count() > before {
		return false
	}
	var f filler // its sources are of no use: such an object has one, as a whole
	is.fill(into, "", &f)
	return true
}

// switched is an object that can be off, and on if that alone says enough. The zero value is off.
func switched[T any](is shape[T], isOff func(T) bool, words ...Switch) shape[T] {
	var off T
	return switchedTo(off, is, isOff, words...)
}

// switchedTo is switched for an object that is not its zero value when it is off.
func switchedTo[T any](off T, is shape[T], isOff func(T) bool, words ...Switch) shape[T] {
	return shape[T]{switchForm(&off, is.is, func(v any) bool { return isOff(*v.(*T)) }, words)}
}

func switchForm(off any, is *form, isOff func(any) bool, words []Switch) *form {
	names, needed := []any{}, ""
	for _, w := range words {
		names = append(names, onOff.write(w), bool(w))
		needed += onOff.write(w).(string) + ", "
	}
	return &form{
		read: func(l *log, n *node, into any) bool {
			on, word := switchOf(n)
			switch {
			case word && !bool(on):
				assign(into, off)
				return true
			case word && slices.Contains(words, on):
				return is.read(l, &node{kind: mapNode, at: n.at}, into)
			case n.kind == mapNode:
				return is.read(l, n, into)
			}
			l.refuse(n.at, "", "%sor a mapping is needed, this is %s", needed, n.what())
			return false
		},
		write: func(v any) any {
			if isOff(v) {
				return "off"
			}
			return is.write(v)
		},
		brief: func(v any) string {
			switch {
			case isOff(v):
				return "off"
			case slices.Contains(words, true):
				return "on " + oneLine(is.write(v)) // {identified: off} alone would read as off
			}
			return oneLine(is.write(v))
		},
		describe: func(d *describer) map[string]any {
			return map[string]any{"anyOf": []any{map[string]any{"enum": names}, is.describe(d)}}
		},
	}
}

// switchOf is the switch that a node says. true and false are the same as on and off: older YAML tools turn one into
// the other.
func switchOf(n *node) (on Switch, is bool) {
	switch {
	case n.kind == boolNode:
		return Switch(strings.EqualFold(n.text, "true")), true
	case n.kind == textNode && n.text == "on":
		return true, true
	}
	return false, n.kind == textNode && n.text == "off"
}

// worded is an object that one of its fields may stand for: `priority: high` is a priority of that class, and what is left
// out. It is written so where nothing else is to be said.
func worded[T, W any](is shape[T], name string, word shape[W]) shape[T] {
	return shape[T]{wordForm(is.is, name, word.is)}
}

func wordForm(is *form, name string, word *form) *form {
	return &form{
		read: func(l *log, n *node, into any) bool {
			switch n.kind {
			case listNode, nullNode:
				l.refuse(n.at, "", "text or a mapping is needed, this is %s", n.what())
				return false
			case mapNode:
				return is.read(l, n, into)
			}
			key := &node{kind: textNode, text: name, at: n.at}
			return is.read(l, &node{kind: mapNode, at: n.at, entries: []entry{{key, n}}}, into)
		},
		write: func(v any) any {
			w := is.write(v)
			if o, _ := w.(ordered); len(o) == 1 && o[0].key == name {
				return o[0].value
			}
			return w
		},
		describe: func(d *describer) map[string]any {
			return map[string]any{"anyOf": []any{word.describe(d), is.describe(d)}}
		},
	}
}

// orOff is an amount above 0 where off, which the model has as 0, means that there is none.
func orOff[T comparable](amount shape[T]) shape[T] {
	is := amount.is
	return shape[T]{&form{
		read: func(l *log, n *node, into any) bool {
			if on, word := switchOf(n); word && !bool(on) {
				assign(into, nil)
				return true
			}
			if isZero(n) {
				l.refuse(n.at, "write off", "0 could mean nothing at all, or no limit")
				return false
			}
			return is.read(l, n, into)
		},
		write: func(v any) any {
			if *v.(*T) == *new(T) {
				return "off"
			}
			return is.write(v)
		},
		describe: func(d *describer) map[string]any {
			return map[string]any{"anyOf": []any{map[string]any{"enum": []any{"off", false}}, is.describe(d)}}
		},
	}}
}

// isZero says whether a scalar is 0, with or without a unit.
func isZero(n *node) bool {
	return (n.kind == numberNode || n.kind == textNode) && strings.HasPrefix(n.text, "0") && !strings.ContainsAny(n.text, "123456789")
}
