package cfn

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// Deployment makes one deployment of the templates of its stacks: references become references again, also from stack to
// stack. What the model cannot say is a problem that names the resource: a type that the compiler does not know, a property
// that its schema has not. Functions other than those that Emit writes stay as model.Intrinsic.
func Deployment(templates ...*Template) (*model.Deployment, []error) {
	b := &back{resources: map[string]*model.Resource{}, exports: map[string]model.Ref{}}
	d := &model.Deployment{}
	stacks := map[string]*model.Stack{}
	for _, t := range templates {
		s := &model.Stack{Name: t.Stack, Region: t.Region, Note: t.Description}
		if s.Name == "" {
			s.Name = t.Name
		}
		stacks[s.Name] = s
		d.Stacks = append(d.Stacks, s)
		b.declare(s, t)
	}
	for i, t := range templates {
		b.exported(t)
		for _, name := range t.raw.Path("Metadata", note, "After").List() {
			if s := stacks[name.String()]; s != nil {
				d.Stacks[i].After = append(d.Stacks[i].After, s)
			}
		}
	}
	for i, t := range templates {
		b.fill(d.Stacks[i], t)
	}
	return d, b.problems
}

type back struct {
	resources map[string]*model.Resource // by logical id
	exports   map[string]model.Ref       // by the name of the export
	problems  []error
}

func (b *back) fail(format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf(format, args...))
}

// declare makes the resources of a template, still empty: they may refer to each other.
func (b *back) declare(s *model.Stack, t *Template) {
	for _, r := range t.Resources {
		props := model.New(r.Type)
		if props == nil {
			b.fail("%s: the compiler does not know the type %s", r.ID, r.Type)
			continue
		}
		if b.resources[r.ID] != nil {
			b.fail("%s: two resources have this logical id", r.ID)
			continue
		}
		out := &model.Resource{ID: r.ID, Props: props, Owner: r.Entrypoint, At: r.At, Retain: r.raw.Get("DeletionPolicy").String() == "Retain"}
		s.Add(out)
		b.resources[r.ID] = out
	}
}

// exported notes what the outputs of a template export.
func (b *back) exported(t *Template) {
	outputs := t.raw.Get("Outputs")
	if outputs == nil {
		return
	}
	for _, f := range outputs.Fields {
		if name := f.Value.Path("Export", "Name").String(); name != "" {
			if ref, ok := b.value(f.Value.Get("Value")).(model.Ref); ok {
				b.exports[name] = ref
			}
		}
	}
}

func (b *back) fill(s *model.Stack, t *Template) {
	for _, r := range t.Resources {
		out := b.resources[r.ID]
		if out == nil {
			continue
		}
		for _, id := range r.DependsOn {
			if b.resources[id] == nil {
				b.fail("%s: depends on %s, which is not here", r.ID, id)
				continue
			}
			out.DependsOn = append(out.DependsOn, b.resources[id])
		}
		if p := r.raw.Get("Properties"); p != nil {
			for _, err := range model.Fill(out.Props, b.plain(p), value) {
				b.fail("%s: %w", r.ID, err)
			}
			mark(out, p, "")
		}
	}
	outputs := t.raw.Get("Outputs")
	if outputs == nil {
		return
	}
	for _, f := range outputs.Fields {
		if f.Value.Get("Export") == nil && f.Value.Get("Value") != nil {
			v, err := value(b.plain(f.Value.Get("Value")))
			if err != nil {
				b.fail("the output %s: %w", f.Name, err)
			}
			s.Outputs = append(s.Outputs, model.Output{ID: f.Name, Note: f.Value.Get("Description").String(), Value: v})
		}
	}
}

// mark notes where each object and list comes from.
func mark(r *model.Resource, n *schema.Node, path string) {
	if n.At == (spec.Pos{}) {
		return
	}
	within := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	for _, f := range n.Fields {
		r.Mark(within(f.Name), f.At)
		mark(r, f.Value, within(f.Name))
	}
	for i, item := range n.Items {
		r.Mark(within(fmt.Sprint(i)), item.At)
		mark(r, item, within(fmt.Sprint(i)))
	}
}

// plain makes of a tree what model.Fill takes: functions are values already.
func (b *back) plain(n *schema.Node) any {
	switch n.Kind {
	case schema.Null:
		return nil
	case schema.Bool:
		return n.Text == "true"
	case schema.Number:
		return json.Number(n.Text)
	case schema.Text:
		return n.Text
	case schema.List:
		out := make([]any, len(n.Items))
		for i := range out {
			out[i] = b.plain(n.Items[i])
		}
		return out
	}
	if v := b.value(n); v != nil {
		return v
	}
	out := make(map[string]any, len(n.Fields))
	for _, f := range n.Fields {
		out[f.Name] = b.plain(f.Value)
	}
	return out
}

// value is that of a function; nil: n is none.
func (b *back) value(n *schema.Node) model.Value {
	name, arg := function(n)
	switch name {
	case "":
		return nil
	case "Ref":
		if strings.HasPrefix(arg.Text, "AWS::") {
			return model.Pseudo(arg.Text)
		}
		if r := b.resources[arg.Text]; r != nil {
			return model.Ref{Resource: r}
		}
	case "Fn::GetAtt":
		if len(arg.Items) == 2 {
			if r := b.resources[arg.Items[0].Text]; r != nil && arg.Items[1].Kind == schema.Text {
				return model.Ref{Resource: r, Attr: arg.Items[1].Text}
			}
		}
	case "Fn::ImportValue":
		if ref, ok := b.exports[arg.Text]; ok {
			return ref
		}
	case "Fn::Sub":
		if v := b.sub(arg); v != nil {
			return v
		}
	case "Fn::Join":
		if v := b.join(arg); v != nil {
			return v
		}
	}
	return model.Intrinsic{Name: name, Arg: b.plain(arg)}
}

// sub is nil if the text has variables that are no resources.
func (b *back) sub(arg *schema.Node) model.Value {
	if arg.Kind != schema.Text {
		return nil
	}
	var parts model.Join
	for rest := arg.Text; rest != ""; {
		plain, name, after := cutVariable(rest)
		if plain != "" {
			parts = append(parts, model.Text(plain))
		}
		if name != "" {
			id, attr, _ := strings.Cut(name, ".")
			switch r := b.resources[id]; {
			case strings.HasPrefix(name, "AWS::"):
				parts = append(parts, model.Pseudo(name))
			case r != nil:
				parts = append(parts, model.Ref{Resource: r, Attr: attr})
			default:
				return nil
			}
		}
		rest = after
	}
	return merged(parts)
}

// join is nil for another delimiter than none, and for lists that a function makes.
func (b *back) join(arg *schema.Node) model.Value {
	if len(arg.Items) != 2 || arg.Items[0].Kind != schema.Text || arg.Items[0].Text != "" || arg.Items[1].Kind != schema.List {
		return nil
	}
	var parts model.Join
	for _, item := range arg.Items[1].Items {
		v, err := value(b.plain(item))
		if err != nil {
			return nil
		}
		parts = append(parts, v)
	}
	return merged(parts)
}

// merged is a join whose texts do not follow each other.
func merged(parts model.Join) model.Join {
	var out model.Join
	for _, p := range parts {
		if t, ok := p.(model.Text); ok && len(out) > 0 {
			if before, ok := out[len(out)-1].(model.Text); ok {
				out[len(out)-1] = before + t
				continue
			}
		}
		out = append(out, p)
	}
	return slices.Clip(out)
}

// value is a literal, or the value that plain has made already.
func value(from any) (model.Value, error) {
	switch v := from.(type) {
	case model.Value:
		return v, nil
	case string:
		return model.Text(v), nil
	case bool:
		return model.Bool(v), nil
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return model.Int(i), nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("%s is no number", v)
		}
		return model.Float(f), nil
	case nil:
		return nil, fmt.Errorf("null stands where a value belongs")
	}
	return nil, fmt.Errorf("a text, a number or a switch is needed")
}
