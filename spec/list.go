package spec

import (
	"fmt"
	"sort"
	"strings"
)

// listOf is a list of up to most items.
func listOf[T any](item shape[T], most int) shape[[]val[T]] {
	is := item.is
	return shape[[]val[T]]{&form{
		read: func(l *log, n *node, into any) bool {
			list := into.(*[]val[T])
			if !listed(l, n, most) {
				*list = nil
				return false
			}
			out := make([]val[T], len(n.items))
			for i := range out {
				out[i].mark = readItem(l, n.items[i], is, &out[i].V)
			}
			*list = out
			return true
		},
		write: func(v any) any {
			list := *v.(*[]val[T])
			out := make([]any, len(list))
			for i := range list {
				out[i] = writeItem(is, &list[i].V)
			}
			return out
		},
		describe: func(d *describer) map[string]any {
			return map[string]any{"type": "array", "maxItems": most, "items": is.describe(d)}
		},
	}}
}

// listed refuses what is no list of up to most items.
func listed(l *log, n *node, most int) bool {
	switch {
	case n.kind != listNode:
		l.refuse(n.at, listFix(n), "a list is needed, this is %s", n.what())
	case len(n.items) > most:
		l.refuse(n.at, "", "the list has %d items, the limit is %d", len(n.items), most)
	default:
		return true
	}
	return false
}

func readItem(l *log, n *node, is *form, into any) mark {
	before := l.count()
	ok := is.read(l, n, into)
	return mark{At: n.at, Set: ok, Clean: l.count() == before}
}

// writeItem is an item of a list; without anything to say it still is one.
func writeItem(is *form, v any) any {
	if w := is.write(v); w != nil {
		return w
	}
	return ordered{}
}

func listFix(n *node) string {
	if n.kind == textNode || n.kind == numberNode {
		return fmt.Sprintf("write [%s]", clip(n.text))
	}
	return "put each item on a line of its own that begins with -"
}

// bare is a list whose items need no places: it keeps the ones that could be read.
func bare[T any](list shape[[]val[T]]) shape[[]T] {
	is := list.is
	return shape[[]T]{&form{
		describe: is.describe,
		read: func(l *log, n *node, into any) bool {
			vs := new([]val[T])
			ok := is.read(l, n, vs)
			*into.(*[]T) = values(*vs)
			return ok
		},
		write: func(v any) any {
			vs := *v.(*[]T)
			with := make([]val[T], len(vs))
			for i, v := range vs {
				with[i] = said(v)
			}
			return is.write(&with)
		},
	}}
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
	return leaf[[]val[Pair]]{
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
			sort.Slice(out, func(i, j int) bool { return out[i].key < out[j].key })
			return out
		},
		describe: func(d *describer) map[string]any {
			return map[string]any{
				"type": "object", "maxProperties": most,
				"propertyNames": name.describe(d), "additionalProperties": value.describe(d),
			}
		},
	}.shape()
}

func readPairs(l *log, n *node, name, value shape[string], fold bool) []val[Pair] {
	out := make([]val[Pair], 0, len(n.entries))
	folded := map[string]string{}
	for _, e := range n.entries {
		out = append(out, val[Pair]{mark: mark{At: e.key.at}})
		p := &out[len(out)-1]
		okName, okValue := name.is.read(l, e.key, &p.V.Name), value.is.read(l, e.value, &p.V.Value)
		k := p.V.Name
		if first, twice := folded[strings.ToLower(k)]; fold && okName && twice && first != k {
			l.refuse(e.key.at, "remove one of them", "%q is the same name as %q", k, first)
			out = out[:len(out)-1]
			continue
		}
		folded[strings.ToLower(k)] = k
		p.Set = okName && okValue
	}
	return out
}
