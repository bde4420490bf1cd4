package aws

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// Change is what one resource of the new side is to that of the old one.
type Change struct {
	ID       string // logical id
	Type     string
	Kind     ChangeKind
	Property string // that changed, from the resource's properties: "DistributionConfig.Aliases.0"; empty for a whole resource
	Old, New string // as JSON; empty: it is not there
}

// ChangeKind is what deploying the new side would do, if the old side is what is deployed.
type ChangeKind string

// The kinds.
const (
	Added    ChangeKind = "add"
	Removed  ChangeKind = "remove"
	Changed  ChangeKind = "change"
	Replaced ChangeKind = "replace" // a change of this property makes a new resource and removes the old one
)

// String is the change in one line.
func (c Change) String() string {
	switch {
	case c.Property == "":
		return fmt.Sprintf("%-7s %s (%s)", c.Kind, c.ID, c.Type)
	case c.Old == "":
		return fmt.Sprintf("%-7s %s %s: %s", c.Kind, c.ID, c.Property, c.New)
	case c.New == "":
		return fmt.Sprintf("%-7s %s %s: %s → nothing", c.Kind, c.ID, c.Property, c.Old)
	}
	return fmt.Sprintf("%-7s %s %s: %s → %s", c.Kind, c.ID, c.Property, c.Old, c.New)
}

// Diff compares two sets of templates, resource by resource: by logical id, wherever its stack is. It knows nothing of what is deployed.
func Diff(before, after []*cfn.Template) []Change {
	was, is := byID(before), byID(after)
	ids := slices.Collect(maps.Keys(was))
	for id := range is {
		if was[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var out []Change
	for _, id := range ids {
		a, b := was[id], is[id]
		switch {
		case a == nil:
			out = append(out, Change{ID: id, Type: b.Type, Kind: Added})
		case b == nil:
			out = append(out, Change{ID: id, Type: a.Type, Kind: Removed})
		case a.Type != b.Type:
			out = append(out, Change{ID: id, Type: a.Type, Kind: Removed}, Change{ID: id, Type: b.Type, Kind: Added})
		default:
			out = append(out, changes(a, b)...)
		}
	}
	return out
}

func byID(list []*cfn.Template) map[string]*cfn.Resource {
	out := map[string]*cfn.Resource{}
	for _, t := range list {
		for _, r := range t.Resources {
			out[r.ID] = r
		}
	}
	return out
}

// changes compares the properties of two resources of one type.
func changes(a, b *cfn.Resource) []Change {
	d := differ{schema: schema.ResourceType(a.Type), resource: a}
	d.compare("", a.Written(), b.Written())
	return d.found
}

type differ struct {
	schema   *schema.Resource // nil: nobody knows the type
	resource *cfn.Resource
	found    []Change
}

// compare goes down two values as long as both are objects, or lists whose items can be told apart. What one side alone has is one change.
func (d *differ) compare(path string, a, b *schema.Node) {
	switch {
	case a == nil && b == nil:
	case a != nil && b != nil && a.Kind == schema.Map && b.Kind == schema.Map && !cfn.Function(a) && !cfn.Function(b):
		for _, name := range union(names(a), names(b)) {
			within := name
			if path != "" {
				within = path + "." + name
			}
			d.compare(within, a.Get(name), b.Get(name))
		}
	case a != nil && b != nil && a.Kind == schema.List && b.Kind == schema.List:
		d.lists(path, a, b)
	default:
		d.note(path, line(a), line(b))
	}
}

func (d *differ) lists(path string, a, b *schema.Node) {
	as, bs := itemsOf(a.Items), itemsOf(b.Items)
	if as == nil || bs == nil {
		d.note(path, line(a), line(b))
		return
	}
	was, is := map[string]*schema.Node{}, map[string]*schema.Node{}
	for i, name := range as {
		was[name] = a.Items[i]
	}
	for i, name := range bs {
		is[name] = b.Items[i]
	}
	for _, name := range union(as, bs) {
		d.compare(path+"["+name+"]", was[name], is[name])
	}
	both := func(name string) bool { return was[name] == nil || is[name] == nil }
	as, bs = slices.DeleteFunc(as, both), slices.DeleteFunc(bs, both)
	if len(a.Items) > 0 && a.Items[0].Kind == schema.Map && !slices.Equal(as, bs) {
		d.note(path+".order", strings.Join(as, ", "), strings.Join(bs, ", "))
	}
}

func (d *differ) note(path, was, is string) {
	if was == is {
		return
	}
	c := Change{ID: d.resource.ID, Type: d.resource.Type, Kind: Changed, Property: path, Old: was, New: is}
	top, _, _ := strings.Cut(path, ".")
	if d.schema != nil && d.schema.Properties[top].Replaces {
		c.Kind = Replaced
	}
	d.found = append(d.found, c)
}

func names(n *schema.Node) []string {
	var out []string
	for _, f := range n.Fields {
		out = append(out, f.Name)
	}
	return out
}

// union is what is in either list, each once, in the order of the first and then of the second.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(a, s) {
			out = append(out, s)
		}
	}
	return out
}

func line(n *schema.Node) string {
	if n == nil {
		return ""
	}
	return cfn.Line(n)
}

// identifying are the properties by which items of lists are told apart, so that one that comes or goes does not change all behind it.
var identifying = []string{"Id", "PathPattern", "Name", "Key", "HeaderName", "Header", "ErrorCode", "EventType", "Priority"}

// itemsOf returns a name for each item of a list, all different; nil: they have none, and the list counts as a whole. A list of texts
// has no order that AWS would heed.
func itemsOf(items []*schema.Node) []string {
	for _, property := range append([]string{""}, identifying...) {
		list := []string{}
		for _, item := range items {
			if property != "" {
				item = item.Get(property)
			}
			if text, ok := item.AsText(); ok && !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
		if len(list) == len(items) {
			return list
		}
	}
	return nil
}
