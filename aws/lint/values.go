package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// entry is an item of a list. Where a condition decides about it, sure is false, and both of its forms are entries.
type entry struct {
	*schema.Node
	sure bool
}

// entries are the items of a list, those that are unknown too; open: there may be others, or some are not known.
func entries(list *schema.Node) (out []entry, open bool) {
	if list.Open() {
		for _, c := range alternatives(list) {
			more, _ := entries(c)
			for _, e := range more {
				out = append(out, entry{e.Node, false})
			}
		}
		return out, true
	}
	open = list != nil && list.Kind != schema.List
	for _, item := range list.List() {
		choices := alternatives(item)
		if len(choices) == 0 {
			open = open || item.Open()
			out = append(out, entry{item, true})
		}
		for _, c := range choices {
			open = open || c.Open()
			out = append(out, entry{c, false})
		}
	}
	return out, open
}

// count is how many items a list has; false: that depends on what is not known.
func count(list *schema.Node) (n int, known bool) {
	if list == nil || list.Kind != schema.List {
		return 0, false
	}
	for _, item := range list.Items {
		if maybeAbsent(item) {
			return 0, false
		}
	}
	return len(list.Items), true
}

// alternatives are what an unknown value may be, where a condition decides.
func alternatives(n *schema.Node) (out []*schema.Node) {
	if n == nil || n.Call == nil {
		return nil
	}
	for _, c := range n.Call.Choices {
		if c != nil {
			out = append(out, c)
		}
	}
	return out
}

// texts are the known texts of a list; open: there may be others.
func texts(list *schema.Node) (out []string, open bool) {
	items, open := entries(list)
	for _, e := range items {
		if s, ok := e.AsText(); ok {
			out = append(out, s)
		} else {
			open = true
		}
	}
	return out, open
}

// set is the sorted texts of a list.
func set(list *schema.Node) (key string, known bool) {
	all, open := texts(list)
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " "), !open && list.Known()
}

// lacks is whether an object is known not to have a name.
func lacks(n *schema.Node, name string) bool {
	return n != nil && n.Kind == schema.Map && n.Get(name) == nil
}

// has is whether an object has a name with a value that is known, or of which it is known that it is there.
func has(n *schema.Node, name string) bool {
	v := n.Get(name)
	return v != nil && !maybeAbsent(v)
}

// maybeAbsent is whether a condition may take a value away.
func maybeAbsent(n *schema.Node) bool {
	if !n.Open() || n.Call == nil || n.Call.Choices == nil {
		return false
	}
	return slices.Contains(n.Call.Choices, nil)
}

// is is whether a text is known to be one.
func is(n *schema.Node, text string) bool {
	s, ok := n.AsText()
	return ok && s == text
}

// isTrue is whether a switch is known to be on.
func isTrue(n *schema.Node) bool {
	on, known := n.AsBool()
	return known && on
}

// isFalse is whether a switch is known to be off.
func isFalse(n *schema.Node) bool {
	on, known := n.AsBool()
	return known && !on
}

// prefix is what of a text is known from its beginning on.
func prefix(n *schema.Node) string {
	if s, ok := n.AsText(); ok {
		return s
	}
	if n == nil || n.Call == nil {
		return ""
	}
	var b strings.Builder
	for _, p := range n.Call.Parts {
		s, ok := p.AsText()
		if !ok {
			break
		}
		b.WriteString(s)
	}
	return b.String()
}

// pattern is a text with \x00 for each part that is not known; false: nothing of it is.
func pattern(n *schema.Node) (string, bool) {
	if s, ok := n.AsText(); ok {
		return s, true
	}
	if n == nil || n.Call == nil || len(n.Call.Parts) == 0 {
		return "", false
	}
	var b strings.Builder
	for _, p := range n.Call.Parts {
		if s, ok := p.AsText(); ok {
			b.WriteString(s)
		} else {
			b.WriteByte(0)
		}
	}
	return b.String(), true
}

// only are the names of an object that are among some, and whether more may be there.
func only(n *schema.Node, names ...string) (out []string, open bool) {
	if n.Open() {
		return nil, true
	}
	for _, name := range names {
		switch v := n.Get(name); {
		case v == nil:
		case maybeAbsent(v):
			open = true
		default:
			out = append(out, name)
		}
	}
	return out, open
}

// plural is a count with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}

// short is a value as findings show it.
func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
