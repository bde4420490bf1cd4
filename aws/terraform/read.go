package terraform

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// Read reads what Emit has written. The error names what it does not know: an attribute that no row maps, an expression that Emit does
// not write, a comment without the logical id. It is no reader of anybody's Terraform.
func Read(data []byte) (*model.Deployment, error) {
	if len(data) > readBytesMax {
		return nil, fmt.Errorf("main.tf.json: %d bytes, at most %d are read", len(data), readBytesMax)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var root node
	if err := dec.Decode(&root); err != nil {
		return nil, fmt.Errorf("main.tf.json: %w", err)
	}
	r := &reader{deployment: &model.Deployment{}, stacks: map[string]*model.Stack{}, resources: map[address]*model.Resource{},
		bodies: map[*model.Resource]node{}, secrets: map[string]model.Value{}}
	r.root(root)
	if len(r.problems) > 0 {
		return nil, fmt.Errorf("main.tf.json: %w", errors.Join(r.problems...))
	}
	return r.deployment, nil
}

// ReadProperties reads the content of one resource block as Emit writes it, without comment, lifecycle and depends_on. Expressions are
// unknown values. nil without an error: the type is not mapped.
func ReadProperties(tf string, body map[string]any) (model.Properties, error) {
	k := kindNamed(tf)
	if k == nil {
		return nil, nil
	}
	r := &reader{open: true}
	p := r.properties(k, body)
	return p, errors.Join(r.problems...)
}

// problemsMax is how many problems of a file are told.
const problemsMax = 20

type reader struct {
	deployment *model.Deployment
	stacks     map[string]*model.Stack
	resources  map[address]*model.Resource
	bodies     map[*model.Resource]node
	secrets    map[string]model.Value // by the names of data sources: which secret they ask for
	problems   []error
	at         string // the resource that is being read
	variant    string
	open       bool // expressions are unknown
}

func (r *reader) fail(path, format string, args ...any) {
	if len(r.problems) < problemsMax {
		place := r.at
		if path != "" {
			place = strings.Trim(place+"."+path, ".")
		}
		r.problems = append(r.problems, fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...)))
	}
}

// object is v as an object; nil, and a problem, if it is none.
func (r *reader) object(v any, path string) node {
	n, ok := v.(node)
	if !ok {
		r.fail(path, "an object is needed")
		return nil
	}
	return n
}

func (r *reader) root(root node) {
	r.comment(root["//"])
	sections := map[string]map[address]node{}
	for _, section := range []string{"data", "ephemeral", "resource"} {
		sections[section] = r.section(section, root[section])
	}
	for _, a := range ordered(sections["resource"]) {
		r.declare(a, sections["resource"][a])
	}
	r.lookups(sections["data"])
	for _, a := range ordered(sections["resource"]) {
		if resource := r.resources[a]; resource != nil {
			r.fill(a, resource)
		}
	}
	r.aside(sections)
	r.outputs(root["output"])
	for name, v := range root {
		switch name {
		case "//", "data", "ephemeral", "resource", "output":
		case "terraform", "provider": // they say what Emit says always
			r.object(v, name)
		default:
			r.fail(name, "Emit writes no such block")
		}
	}
	for _, s := range r.deployment.Stacks {
		slices.SortFunc(s.Resources, func(a, b *model.Resource) int { return cmp.Compare(a.ID, b.ID) })
	}
	slices.SortFunc(r.problems, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
}

// comment reads the stacks.
func (r *reader) comment(v any) {
	about := r.object(v, "//")
	list, _ := about["stacks"].([]any)
	for i, v := range list {
		n := r.object(v, fmt.Sprintf("//.stacks.%d", i))
		name, _ := n["name"].(string)
		s := &model.Stack{Name: name}
		s.Region, _ = n["region"].(string)
		s.Note, _ = n["note"].(string)
		after, _ := n["after"].([]any)
		for _, a := range after {
			name, _ := a.(string)
			before := r.stacks[name]
			if before == nil {
				r.fail("//", "the stack %q comes after %q, which is not before it", s.Name, name)
				continue
			}
			s.After = append(s.After, before)
		}
		if name == "" || r.stacks[name] != nil {
			r.fail("//", "the stack %q has no name, or one that another has", name)
			continue
		}
		r.stacks[name] = s
		r.deployment.Stacks = append(r.deployment.Stacks, s)
	}
}

// section is the blocks of resources, data sources or ephemeral resources.
func (r *reader) section(section string, v any) map[address]node {
	out := map[address]node{}
	if v == nil {
		return out
	}
	for kind, v := range r.object(v, section) {
		for name, v := range r.object(v, section+"."+kind) {
			if body := r.object(v, section+"."+kind+"."+name); body != nil {
				out[address{kind, name}] = body
			}
		}
	}
	return out
}

func ordered(m map[address]node) []address {
	return slices.SortedFunc(maps.Keys(m), func(a, b address) int { return cmp.Compare(a.String(), b.String()) })
}

// declare makes a resource of a block; what stands beside resources is read later.
func (r *reader) declare(a address, body node) {
	r.at = a.String()
	stack, id, owner, ok := r.named(body)
	if !ok || a.kind == validationKind || a.kind == versionKind || r.isProof(a, body) {
		return
	}
	k := kindNamed(a.kind)
	if k == nil {
		r.fail("", "Emit writes no such resource")
		return
	}
	resource := &model.Resource{ID: id, Owner: owner, Props: model.New(k.cfn)}
	if r.deployment.Resource(id) != nil {
		r.fail("", "the logical id %s stands twice", id)
		return
	}
	stack.Add(resource)
	r.resources[a], r.bodies[resource] = resource, body
}

// named is what the comment of a block says, which is taken out.
func (r *reader) named(body node) (stack *model.Stack, id, owner string, ok bool) {
	text, _ := body["//"].(string)
	delete(body, "//")
	rest, owner, _ := strings.Cut(text, " of ")
	name, id, _ := strings.Cut(rest, " ")
	stack = r.stacks[name]
	if stack == nil || id == "" {
		r.fail("", "the comment %q names no stack and logical id", text)
		return nil, "", "", false
	}
	return stack, id, owner, true
}

// fill reads a resource.
func (r *reader) fill(a address, resource *model.Resource) {
	r.at = a.String()
	body := r.bodies[resource]
	if list, ok := take(body, "depends_on").([]any); ok {
		for _, v := range list {
			r.depends(resource, v)
		}
	}
	if v := take(body, "lifecycle"); v != nil {
		life := r.object(v, "lifecycle")
		resource.Retain = life["prevent_destroy"] == true
	}
	k := kindNamed(a.kind)
	if schema.Terraform().Resources[k.tf].Attributes["region"] != nil {
		if region := take(body, "region"); region != nil && region != resource.Stack.Region {
			r.fail("region", "it is not that of the stack")
		}
	}
	resource.Props = r.properties(k, body)
}

func (r *reader) depends(resource *model.Resource, v any) {
	text, _ := v.(string)
	kind, name, _ := strings.Cut(text, ".")
	if kind == validationKind {
		kind = "aws_acm_certificate"
	}
	on := r.resources[address{kind, name}]
	if on == nil {
		r.fail("depends_on", "there is no %q", text)
		return
	}
	resource.DependsOn = append(resource.DependsOn, on)
	slices.SortFunc(resource.DependsOn, func(a, b *model.Resource) int { return cmp.Compare(a.ID, b.ID) })
}

// properties reads the attributes and blocks of a resource.
func (r *reader) properties(k *kind, body node) model.Properties {
	r.variant = k.variant
	p := model.New(k.cfn)
	tree := r.fields(reflect.TypeOf(p).Elem(), body, "")
	r.left(body, "")
	for _, err := range model.Fill(p, tree, leaf) {
		r.fail("", "%v", err)
	}
	return p
}

func leaf(v any) (model.Value, error) {
	value, ok := v.(model.Value)
	if !ok {
		return nil, errors.New("one value is needed")
	}
	return value, nil
}

// left is what no property has taken.
func (r *reader) left(body node, path string) {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if body[name] != nil {
			r.fail(strings.Trim(path+"."+name, "."), "no property of CloudFormation is mapped to it")
		}
	}
}

func (r *reader) outputs(v any) {
	if v == nil {
		return
	}
	outputs := r.object(v, "output")
	for _, id := range slices.Sorted(maps.Keys(outputs)) {
		r.at = "output." + id
		body := r.object(outputs[id], "")
		name, _ := body["//"].(string)
		stack := r.stacks[name]
		if stack == nil {
			r.fail("", "the comment names no stack")
			continue
		}
		note, _ := body["description"].(string)
		stack.Outputs = append(stack.Outputs, model.Output{ID: id, Note: note, Value: r.value(body["value"], "value")})
	}
}
