package cfn

import (
	"bytes"
	"path/filepath"
	"strings"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Template is a template that was read: its resources with all that is known of their properties.
type Template struct {
	Name        string // of the file, or of the stack
	Description string
	Stack       string               // of ours: the name of its stack
	Region      string               // of ours: where it is to be deployed; else empty
	Resources   []*Resource          // in the order in which they stand, without those whose condition is known not to hold
	Parameters  map[string]Parameter // by name
	Outputs     *schema.Node         // with what is known of them; nil: there are none
	// Partial is whether there may be resources that nobody sees here: loops and macros make them.
	Partial bool

	raw  *schema.Node
	byID map[string]*Resource
}

// Parameter is a value that is chosen when a stack is deployed.
type Parameter struct {
	Type    string
	Default *schema.Node   // nil: there is none
	Allowed []*schema.Node // empty: any
	At      spec.Pos
}

// Resource is one resource of a template.
type Resource struct {
	ID         string
	Type       string
	At         spec.Pos     // of its id
	Properties *schema.Node // an object; without those that are known to be absent
	DependsOn  []string
	Entrypoint string // of ours: what it is for
	// Sometimes is whether it depends on a condition that is not known here.
	Sometimes bool

	raw *schema.Node
}

// Read reads a template of anybody, as JSON or YAML with functions in their short or long form. name is that of the file. An
// error is a fault.Problems of one with the place; what the template says is not judged.
func Read(name string, data []byte) (*Template, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bad := unreadable(name, data); bad != nil {
		return nil, fault.Problems{*bad}
	}
	read := readYAML
	if filepath.Ext(name) == ".json" || bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		read = readJSON
	}
	root, bad := read(name, data)
	if bad != nil {
		return nil, fault.Problems{*bad}
	}
	t, bad := newTemplate(name, root)
	if bad != nil {
		return nil, fault.Problems{*bad}
	}
	return t, nil
}

// Resource finds a resource by its logical id; nil: there is none.
func (t *Template) Resource(id string) *Resource { return t.byID[id] }

// Declares is whether the template has a resource or a parameter of a name, also one whose condition does not hold.
func (t *Template) Declares(name string) bool {
	_, isParameter := t.Parameters[name]
	return isParameter || t.raw.Get("Resources").Get(name) != nil
}

func newTemplate(name string, root *schema.Node) (*Template, *fault.Problem) {
	problem := func(at spec.Pos, text string) (*Template, *fault.Problem) {
		return nil, &fault.Problem{File: at.File, Line: at.Line, Col: at.Col, Text: text}
	}
	if root.Kind != schema.Map {
		return problem(root.At, "a template is an object, and this is "+root.Kind.String())
	}
	resources := root.Get("Resources")
	if resources == nil || resources.Kind != schema.Map {
		return problem(root.At, "this is no template of CloudFormation: it has no Resources")
	}
	t := &Template{Name: name, Description: root.Get("Description").String(), raw: root,
		Parameters: map[string]Parameter{}, byID: map[string]*Resource{}}
	ours := root.Path("Metadata", note)
	t.Stack, t.Region = ours.Get("Stack").String(), ours.Get("Region").String()
	if p := root.Get("Parameters"); p != nil {
		for _, f := range p.Fields {
			t.Parameters[f.Name] = Parameter{
				Type: f.Value.Get("Type").String(), Default: f.Value.Get("Default"), Allowed: f.Value.Get("AllowedValues").List(), At: f.At,
			}
		}
	}
	e := newEvaluator(t)
	t.Partial = root.Get("Transform") != nil || resources.Get("Fn::Transform") != nil
	for _, f := range resources.Fields {
		if strings.HasPrefix(f.Name, "Fn::") {
			t.Partial = true
			continue
		}
		if f.Value.Kind != schema.Map {
			return problem(f.At, "the resource "+quote(f.Name)+" is no object")
		}
		if r := e.resource(f); r != nil {
			t.Resources = append(t.Resources, r)
			t.byID[r.ID] = r
		}
	}
	if o := root.Get("Outputs"); o != nil {
		t.Outputs = e.eval(o, 0)
	}
	return t, nil
}

// JSON is the template as it was read, with functions in their long form.
func (t *Template) JSON() []byte {
	w := &writer{}
	w.json(t.raw, 0)
	return append(w.out, '\n')
}
