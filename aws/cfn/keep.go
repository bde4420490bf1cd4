package cfn

import (
	"cmp"
	"slices"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// Keep adds to the template what the one of the same stack has that is deployed now, exports to others, and nobody has any more: another
// stack, which is deployed later, still imports it. It returns how many resources it kept. d is the deployment of the file.
func (f *File) Keep(deployed []*Template, d *model.Deployment) int {
	i := slices.IndexFunc(deployed, func(t *Template) bool { return t.Stack == f.Stack.Name })
	if i < 0 {
		return 0
	}
	old, kept := deployed[i].raw, map[string]bool{}
	exported := map[string]bool{} // resources that are, or are named by, something exported
	for _, o := range fieldsOf(old.Get("Outputs")) {
		if o.Value.Get("Export") != nil {
			for id := range idsIn(o.Value.Get("Value"), nil) {
				exported[id] = true
			}
		}
	}
	for changed := true; changed; { // and what those need themselves
		changed = false
		for _, r := range fieldsOf(old.Get("Resources")) {
			if !exported[r.Name] {
				continue
			}
			for id := range idsIn(r.Value, nil) {
				if !exported[id] && old.Path("Resources", id) != nil {
					exported[id], changed = true, true
				}
			}
		}
	}
	resources := f.root.Get("Resources")
	for _, r := range fieldsOf(old.Get("Resources")) {
		if exported[r.Name] && d.Resource(r.Name) == nil {
			resources.Fields = append(resources.Fields, r)
			kept[r.Name] = true
		}
	}
	if len(kept) == 0 {
		return 0
	}
	outputs := f.root.Get("Outputs")
	if outputs == nil {
		outputs = object()
		put(f.root, "Outputs", outputs)
	}
	for _, o := range fieldsOf(old.Get("Outputs")) {
		for id := range idsIn(o.Value.Get("Value"), nil) {
			if kept[id] && outputs.Get(o.Name) == nil {
				outputs.Fields = append(outputs.Fields, o)
			}
		}
	}
	byName := func(a, b schema.Field) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(resources.Fields, byName)
	slices.SortFunc(outputs.Fields, byName)
	return len(kept)
}

func fieldsOf(n *schema.Node) []schema.Field {
	if n == nil {
		return nil
	}
	return n.Fields
}

// idsIn are the logical ids that Ref, Fn::GetAtt and DependsOn name somewhere below a place; what else is named so is among them.
func idsIn(n *schema.Node, into map[string]bool) map[string]bool {
	if into == nil {
		into = map[string]bool{}
	}
	if n == nil {
		return into
	}
	for _, f := range n.Fields {
		switch first := f.Value; f.Name {
		case "Ref", "DependsOn":
			into[first.String()] = true
		case "Fn::GetAtt":
			if len(first.Items) > 0 {
				into[first.Items[0].String()] = true
			}
		}
		idsIn(f.Value, into)
	}
	for _, item := range n.Items {
		if item.Kind == schema.Text {
			continue
		}
		idsIn(item, into)
	}
	return into
}
