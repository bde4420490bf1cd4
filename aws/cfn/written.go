package cfn

import (
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// Written is the properties of a resource as they stand in the template, with its functions; nil: there are none.
func (r *Resource) Written() *schema.Node { return r.raw.Get("Properties") }

// Function is whether an object of a template is a call of a function: {"Ref": …}, {"Fn::Sub": …}.
func Function(n *schema.Node) bool {
	return n.Kind == schema.Map && len(n.Fields) == 1 && (n.Fields[0].Name == "Ref" || strings.HasPrefix(n.Fields[0].Name, "Fn::"))
}

// Line is what stands at a place of a template, as JSON in one line.
func Line(n *schema.Node) string {
	w := &writer{}
	w.compact(n)
	return string(w.out)
}

func (w *writer) compact(n *schema.Node) {
	switch {
	case n.Kind == schema.Map && len(n.Fields) > 0:
		open := "{"
		for _, f := range n.Fields {
			w.add(open)
			open = ", "
			w.quoted(f.Name)
			w.add(": ")
			w.compact(f.Value)
		}
		w.add("}")
	case n.Kind == schema.List && len(n.Items) > 0:
		open := "["
		for _, item := range n.Items {
			w.add(open)
			open = ", "
			w.compact(item)
		}
		w.add("]")
	default:
		w.small(n)
	}
}
