package cfn

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// formatVersion is the only one there is.
const formatVersion = "2010-09-09"

// note is the name below which templates carry what of the model CloudFormation has no place for.
const note = "Skerry"

// File is the template of one stack.
type File struct {
	Stack *model.Stack
	root  *schema.Node
	said  sum // of all that the template says
	deep  sum // and of all that it imports
}

// Emit writes a deployment down: a template for each stack, in the order in which they can be deployed. The error names what
// cannot be written: a reference to a resource that no stack has, an attribute that its type has not, an id that stands
// twice.
func Emit(d *model.Deployment) ([]File, error) { return new(Memory).Emit(d) }

// JSON is the template with two spaces for each level, and a line feed at its end.
func (f File) JSON() []byte {
	w := &writer{}
	w.json(f.root, 0)
	return append(w.out, '\n')
}

// YAML is the same template as YAML; functions have their long form.
func (f File) YAML() []byte {
	w := &writer{}
	w.yaml(f.root, 0)
	return w.out
}

// Template is what Read makes of it, without the text between. Values have no places.
func (f File) Template() *Template {
	t, _ := newTemplate(f.Stack.Name, f.root)
	return t
}

// export is an attribute that other stacks refer to.
type export struct {
	resource *model.Resource
	attr     string
}

// emitter writes one stack.
type emitter struct {
	home    map[*model.Resource]*model.Stack
	err     error // the first one
	in      *model.Resource
	stackIn *model.Stack
}

func (e *emitter) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("this deployment cannot be written for CloudFormation: "+format, args...)
	}
}

func alphanumeric(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return s != ""
}

func (e *emitter) stack(s *model.Stack, exports []export) *schema.Node {
	root := object()
	put(root, "AWSTemplateFormatVersion", text(formatVersion))
	if s.Note != "" {
		put(root, "Description", text(s.Note))
	}
	put(root, "Metadata", fields(note, origin(s)))
	resources := object()
	sorted := slices.SortedFunc(slices.Values(s.Resources), func(a, b *model.Resource) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range sorted {
		put(resources, r.ID, e.resource(r))
	}
	put(root, "Resources", resources)
	e.in = nil
	if len(s.Outputs) > 0 {
		outputs := object()
		for _, o := range slices.SortedFunc(slices.Values(s.Outputs), func(a, b model.Output) int { return cmp.Compare(a.ID, b.ID) }) {
			out := object()
			if o.Note != "" {
				put(out, "Description", text(o.Note))
			}
			put(out, "Value", e.value(o.Value))
			put(outputs, o.ID, out)
		}
		put(root, "Outputs", outputs)
	}
	e.export(root, exports)
	return root
}

// origin is what reading back needs of a stack.
func origin(s *model.Stack) *schema.Node {
	o := object()
	if len(s.After) > 0 {
		after := &schema.Node{Kind: schema.List}
		for _, a := range s.After {
			after.Items = append(after.Items, text(a.Name))
		}
		put(o, "After", after)
	}
	put(o, "Region", text(s.Region))
	put(o, "Stack", text(s.Name))
	return o
}

func (e *emitter) resource(r *model.Resource) *schema.Node {
	e.in = r
	out := fields("Type", text(r.Type()))
	if r.Owner != "" {
		put(out, "Metadata", fields(note, fields("Entrypoint", text(r.Owner))))
	}
	var after []string
	for _, d := range r.DependsOn {
		switch {
		case e.home[d] == nil:
			e.fail("%s depends on %s, which is in no stack", r.ID, d.ID)
		case e.home[d] == e.stackIn: // stacks have an order of their own
			after = append(after, d.ID)
		}
	}
	if len(after) > 0 {
		slices.Sort(after)
		list := &schema.Node{Kind: schema.List}
		for _, id := range slices.Compact(after) {
			list.Items = append(list.Items, text(id))
		}
		put(out, "DependsOn", list)
	}
	if r.Retain {
		put(out, "DeletionPolicy", text("Retain"))
		put(out, "UpdateReplacePolicy", text("Retain"))
	}
	put(out, "Properties", e.properties(r.Props))
	return out
}

// properties makes a tree of properties.
func (e *emitter) properties(props model.Properties) *schema.Node {
	g := grower{e: e}
	model.Walk(props, g.visit)
	return g.last
}

// grower makes a tree of the steps of model.Walk. What is in objects and lists that are still open stands in one list of each kind, so
// that their own lists are made once and as long as they need to be.
type grower struct {
	e      *emitter
	open   []unfinished
	fields []schema.Field
	items  []*schema.Node
	last   *schema.Node // that was finished
}

// unfinished is an object or a list whose end has not come.
type unfinished struct {
	node *schema.Node
	name string // of it, where it is in an object
	from int    // where in fields or items its own begin
}

func (g *grower) visit(step model.Step, name string, leaf any) {
	switch step {
	case model.Object:
		g.open = append(g.open, unfinished{object(), name, len(g.fields)})
	case model.List:
		g.open = append(g.open, unfinished{&schema.Node{Kind: schema.List}, name, len(g.items)})
	case model.Leaf:
		g.add(name, g.e.node(leaf))
	case model.End:
		l := g.open[len(g.open)-1]
		g.open = g.open[:len(g.open)-1]
		if l.node.Kind == schema.Map {
			l.node.Fields = slices.Clone(g.fields[l.from:])
			g.fields = g.fields[:l.from]
		} else {
			l.node.Items = slices.Clone(g.items[l.from:])
			g.items = g.items[:l.from]
		}
		g.add(l.name, l.node)
	}
}

func (g *grower) add(name string, n *schema.Node) {
	switch {
	case len(g.open) == 0:
		g.last = n
	case g.open[len(g.open)-1].node.Kind == schema.Map:
		g.fields = append(g.fields, schema.Field{Name: name, Value: n})
	default:
		g.items = append(g.items, n)
	}
}

// node makes a tree of a value, or of free JSON.
func (e *emitter) node(v any) *schema.Node {
	switch v := v.(type) {
	case model.Value:
		return e.value(v)
	case string:
		return text(v)
	case bool:
		return &schema.Node{Kind: schema.Bool, Text: strconv.FormatBool(v)}
	case int:
		return number(strconv.Itoa(v))
	case int64:
		return number(strconv.FormatInt(v, 10))
	case float64:
		return number(float(v))
	case json.Number:
		return number(v.String())
	case nil:
		return &schema.Node{}
	case []string:
		out := &schema.Node{Kind: schema.List}
		for _, s := range v {
			out.Items = append(out.Items, text(s))
		}
		return out
	case []any:
		out := &schema.Node{Kind: schema.List, Items: make([]*schema.Node, len(v))}
		for i := range v {
			out.Items[i] = e.node(v[i])
		}
		return out
	case map[string]any:
		out := object()
		for _, k := range slices.Sorted(maps.Keys(v)) {
			put(out, k, e.node(v[k]))
		}
		return out
	}
	e.fail("%s has a property of the type %T", e.in.ID, v)
	return &schema.Node{}
}

func (e *emitter) value(v model.Value) *schema.Node {
	switch v := v.(type) {
	case model.Text:
		return text(string(v))
	case model.Int:
		return number(strconv.FormatInt(int64(v), 10))
	case model.Float:
		return number(float(float64(v)))
	case model.Bool:
		return &schema.Node{Kind: schema.Bool, Text: strconv.FormatBool(bool(v))}
	case model.Ref:
		return e.ref(v)
	case model.Pseudo:
		return fields("Ref", text(string(v)))
	case model.Join:
		return e.join(v)
	case model.Intrinsic:
		return fields(v.Name, e.node(v.Arg))
	}
	e.fail("a value of the type %T", v)
	return &schema.Node{}
}

// ref is Ref, Fn::GetAtt or Fn::ImportValue, by where the resource stands and what its type says of Ref.
func (e *emitter) ref(v model.Ref) *schema.Node {
	to := e.home[v.Resource]
	if v.Resource == nil || to == nil {
		e.fail("%s refers to a resource that is in no stack", e.place())
		return &schema.Node{}
	}
	if !schema.HasAttribute(v.Resource.Type(), v.Attr) {
		e.fail("%s refers to %s.%s, and %s has no such attribute", e.place(), v.Resource.ID, v.Attr, v.Resource.Type())
	}
	x := exported(v)
	if to != e.stackIn {
		return fields("Fn::ImportValue", text(x.name(to)))
	}
	return local(x)
}

// exported is what a reference refers to; the attribute is empty where Ref gives it.
func exported(v model.Ref) export {
	if v.Attr == schema.RefAttr(v.Resource.Type()) {
		v.Attr = ""
	}
	return export{v.Resource, v.Attr}
}

func local(x export) *schema.Node {
	if x.attr == "" {
		return fields("Ref", text(x.resource.ID))
	}
	return fields("Fn::GetAtt", &schema.Node{Kind: schema.List, Items: []*schema.Node{text(x.resource.ID), text(x.attr)}})
}

func (e *emitter) place() string {
	if e.in == nil {
		return "an output of the stack " + e.stackIn.Name
	}
	return e.in.ID
}

// join is Fn::Sub where all its parts stand in this stack, which people can read; else Fn::Join.
func (e *emitter) join(parts model.Join) *schema.Node {
	var sub strings.Builder
	list := &schema.Node{Kind: schema.List}
	plain := true // nothing is imported
	for _, p := range parts {
		n := e.value(p)
		list.Items = append(list.Items, n)
		switch {
		case n.Kind != schema.Map:
			sub.WriteString(strings.ReplaceAll(n.Text, "${", "${!"))
		case n.Get("Ref") != nil:
			sub.WriteString("${" + n.Get("Ref").Text + "}")
		case n.Get("Fn::GetAtt") != nil:
			a := n.Get("Fn::GetAtt")
			sub.WriteString("${" + a.Items[0].Text + "." + a.Items[1].Text + "}")
		default:
			plain = false
		}
	}
	if plain {
		return fields("Fn::Sub", text(sub.String()))
	}
	return fields("Fn::Join", &schema.Node{Kind: schema.List, Items: []*schema.Node{text(""), list}})
}

// name is that of an export: unique in an account and region.
func (x export) name(of *model.Stack) string {
	return of.Name + "-" + x.resource.ID + "-" + strings.ReplaceAll(cmp.Or(x.attr, "Ref"), ".", ":")
}

// export adds what other stacks refer to.
func (e *emitter) export(root *schema.Node, list []export) {
	if len(list) == 0 {
		return
	}
	outputs := root.Get("Outputs")
	if outputs == nil {
		outputs = object()
		put(root, "Outputs", outputs)
	}
	for _, x := range list {
		id := "Export" + x.resource.ID + strings.ReplaceAll(cmp.Or(x.attr, "Ref"), ".", "")
		if outputs.Get(id) != nil {
			e.fail("two outputs of the stack %s have the name %s", e.stackIn.Name, id)
		}
		put(outputs, id, fields("Value", local(x), "Export", fields("Name", text(x.name(e.stackIn)))))
	}
	slices.SortFunc(outputs.Fields, func(a, b schema.Field) int { return cmp.Compare(a.Name, b.Name) })
}

func object() *schema.Node { return &schema.Node{Kind: schema.Map} }

func text(s string) *schema.Node { return &schema.Node{Kind: schema.Text, Text: s} }

func number(digits string) *schema.Node { return &schema.Node{Kind: schema.Number, Text: digits} }

func float(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// fields is an object of names and values by turns.
func fields(list ...any) *schema.Node {
	n := object()
	for i := 0; i < len(list); i += 2 {
		put(n, list[i].(string), list[i+1].(*schema.Node))
	}
	return n
}

func put(n *schema.Node, name string, value *schema.Node) {
	n.Fields = append(n.Fields, schema.Field{Name: name, Value: value})
}
