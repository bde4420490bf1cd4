package adopt

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// template reads a template of CloudFormation, with what is known of its values.
func (f *found) template(file File) {
	t, err := cfn.Read(file.Name, file.Data)
	if err != nil {
		f.unreadable(file.Name, err)
		return
	}
	root := t.Document()
	src := newSource(f, file.Name, root)
	if !f.admit(src, root) {
		return
	}
	f.templates = append(f.templates, t)
	tr := &templateReader{source: src, template: t}
	for _, section := range root.Fields {
		switch section.Name {
		case "Resources":
			for _, r := range section.Value.Fields {
				tr.resource(r)
			}
		case "Transform":
			src.refuse(section.Value, "", ruleUnseen, "macros may make or change anything")
		default:
			src.whole(section.Value, Exact, "", nil, "no resource: what values take from here stands in their rows")
		}
	}
	src.rest(root)
}

type templateReader struct {
	*source
	template *cfn.Template
}

// resource reads one resource by what is written of it and what is known of it.
func (t *templateReader) resource(written schema.Field) {
	id, raw := written.Name, written.Value
	if strings.HasPrefix(id, "Fn::") {
		t.whole(raw, Refused, "", ruleUnseen, "a loop makes resources that do not stand here")
		return
	}
	known := t.template.Resource(id)
	if known == nil {
		t.whole(raw, Exact, id, nil, "its condition does not hold")
		return
	}
	part, readable := inEdge(known.Type)
	readable = readable || known.Type == typeRecordSets
	switch {
	case !part:
		t.whole(raw, Exact, id, nil, notEdge)
		return
	case !readable:
		t.whole(raw, Refused, id, ruleNotUnderstood, "an "+known.Type+" is not known to this import")
		return
	}
	r := &resource{Type: known.Type, Name: id, Props: known.Properties, names: []string{logical(t.name, id)}}
	if r.Type == typeRecordSets {
		t.records(r)
	} else if twice := t.found.add(r); twice != "" {
		t.whole(raw, Refused, id, ruleTwice, twice)
		return
	}
	for _, f := range raw.Fields {
		switch f.Name {
		case "Properties":
			t.pair(f.Value, known.Properties, r)
		case "Condition":
			if known.Sometimes {
				t.sometimes(f.Value, id)
			}
			t.settle(f.Value, id, "the condition holds")
		case "Type":
			t.settle(f.Value, id, "the type")
		default:
			t.whole(f.Value, Exact, id, nil, "how the stack is deployed, no setting of the resource")
		}
	}
}

// records makes a resource of each record of a group, with what the group says of all of them.
func (t *templateReader) records(group *resource) {
	for i, item := range group.Props.Get("RecordSets").List() {
		if item.Kind != schema.Map {
			continue
		}
		props := &schema.Node{Kind: schema.Map, At: item.At, Fields: slices.Clone(item.Fields)}
		for _, f := range group.Props.Fields {
			if f.Name != "RecordSets" {
				props.Fields = append(props.Fields, f)
			}
		}
		name := fmt.Sprintf("%s.%d", group.Name, i)
		t.found.resources = append(t.found.resources, &resource{Type: typeRecordSet, Name: name, Props: props})
	}
}

// sometimes says that a resource is there under a condition that nobody knows here.
func (t *templateReader) sometimes(condition *schema.Node, id string) {
	t.leaves(condition, func(leaf *schema.Node) {
		row := t.row(leaf)
		row.Verdict, row.Resource, row.Rule = Approximated, id, ruleSometimes
		row.Text = "it is taken over as if the condition held"
		t.found.ledger.settled(row)
	})
}

// pair goes through what is written and what is known of it side by side. Where a function stands in between, its arguments
// become what it makes of them.
func (t *templateReader) pair(raw, known *schema.Node, r *resource) {
	switch {
	case known == nil:
		t.settle(raw, r.Name, "nothing is there: AWS::NoValue")
	case isFunction(raw):
		t.function(raw, known, r)
	case raw.Kind == schema.Map && known.Kind == schema.Map && len(raw.Fields) > 0:
		for _, f := range raw.Fields {
			t.pair(f.Value, known.Get(f.Name), r)
		}
	case raw.Kind == schema.List && known.Kind == schema.List && len(raw.Items) > 0:
		t.items(raw, known, r)
	case raw.Kind == schema.List && known.Kind == schema.List:
		t.settle(raw, r.Name, "an empty list: there is none")
	default:
		t.became(raw, known, r)
	}
}

// isFunction is whether what is written is a function of CloudFormation.
func isFunction(n *schema.Node) bool {
	return len(n.Fields) == 1 && (n.Fields[0].Name == "Ref" || strings.HasPrefix(n.Fields[0].Name, "Fn::"))
}

// items pairs lists. An item that is nothing is not in the known one.
func (t *templateReader) items(raw, known *schema.Node, r *resource) {
	missing, at := len(raw.Items)-len(known.Items), 0
	for _, item := range raw.Items {
		if missing > 0 && isFunction(item) && (at == len(known.Items) || !t.makes(item, known.Items[at])) {
			t.settle(item, r.Name, "nothing is there: AWS::NoValue")
			missing--
			continue
		}
		if at < len(known.Items) {
			t.pair(item, known.Items[at], r)
			at++
		}
	}
}

// makes is whether a value may come from a function: it stands there, or inside of it.
func (t *templateReader) makes(function, known *schema.Node) bool {
	return function.At == known.At || within(function, func(n *schema.Node) bool { return n.At == known.At }) != nil
}

// within finds a value below another one; nil: there is none.
func within(n *schema.Node, is func(n *schema.Node) bool) *schema.Node {
	list := n.Items
	for _, f := range n.Fields {
		list = append(list[:len(list):len(list)], f.Value)
	}
	for _, below := range list {
		if is(below) {
			return below
		}
		if found := within(below, is); found != nil {
			return found
		}
	}
	return nil
}

// function pairs a function with what it makes.
func (t *templateReader) function(raw, known *schema.Node, r *resource) {
	if name := raw.Get("Fn::ImportValue"); name != nil && known.Kind == schema.Unknown {
		known.Call = t.exported(name, known.Call)
	}
	if known.Kind != schema.Map && known.Kind != schema.List {
		t.became(raw, known, r)
		return
	}
	chosen := within(raw, func(n *schema.Node) bool { return n.At == known.At && n.Kind == known.Kind })
	if chosen != nil {
		t.pair(chosen, known, r)
		t.settle(raw, r.Name, "what the condition that is known does not choose")
		return
	}
	to := known // a list or an object of another place: what is said of its first value holds for this
	for !isLeaf(to) {
		if to.Kind == schema.List {
			to = to.Items[0]
		} else {
			to = to.Fields[0].Value
		}
	}
	t.became(raw, to, r)
}

// exported is a reference to what another template exports under a name, until all templates are read.
func (t *templateReader) exported(name *schema.Node, call *schema.Call) *schema.Call {
	if text, ok := name.AsText(); ok {
		return &schema.Call{Name: "Fn::ImportValue", Parameter: text}
	}
	return call
}

// decoded makes text of what templates look for in base64. Bytes that are no text stay in it.
func (f *found) decoded() {
	for _, kind := range [...]string{"AWS::WAFv2::WebACL", "AWS::WAFv2::RuleGroup"} {
		for _, r := range f.of(kind) {
			f.ledger.decode(r.Props)
		}
	}
}

func (l *ledger) decode(n *schema.Node) {
	for i := range n.Fields {
		field := &n.Fields[i]
		coded, known := field.Value.AsText()
		raw, err := base64.StdEncoding.DecodeString(coded)
		if field.Name == "SearchStringBase64" && known && err == nil && utf8.Valid(raw) && n.Get("SearchString") == nil {
			text := &schema.Node{Kind: schema.Text, Text: string(raw), At: field.Value.At}
			l.leafs[text] = l.leafs[field.Value]
			field.Name, field.Value = "SearchString", text
		}
		l.decode(field.Value)
	}
	for _, item := range n.Items {
		l.decode(item)
	}
}

// imports finds what stacks take from each other.
func (f *found) imports() {
	exports := map[string]*schema.Node{}
	for _, t := range f.templates {
		if t.Outputs == nil {
			continue
		}
		for _, o := range t.Outputs.Fields {
			if name, ok := o.Value.Path("Export", "Name").AsText(); ok && o.Value.Get("Value") != nil {
				exports[name] = o.Value.Get("Value")
			}
		}
	}
	for _, r := range f.resources {
		link(r.Props, exports)
	}
}

// link makes references of values that other templates export.
func link(n *schema.Node, exports map[string]*schema.Node) {
	if n == nil {
		return
	}
	if n.Call != nil && n.Call.Name == "Fn::ImportValue" {
		if value := exports[n.Call.Parameter]; value.Known() {
			n.Kind, n.Text, n.Call = value.Kind, value.Text, nil
		} else if id, attr, ok := value.Refers(); ok {
			n.Call = &schema.Call{Name: "Fn::ImportValue", Resource: logical(value.At.File, id), Attr: attr}
		}
	}
	for _, item := range n.Items {
		link(item, exports)
	}
	for _, f := range n.Fields {
		link(f.Value, exports)
	}
}
