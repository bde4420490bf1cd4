package terraform

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// Emit writes a deployment as one main.tf.json. Findings name what Terraform has no place for (errors: the file must not be used then) and
// what differs from CloudFormation. The error is about the deployment itself: a reference to a resource that is in no stack, an id that
// stands twice, a value that is nobody's.
func Emit(d *model.Deployment) ([]byte, []finding.Finding, error) {
	e := newEmitter(Normal(d))
	if e.err != nil {
		return nil, nil, e.err
	}
	for _, s := range e.deployment.Stacks {
		for _, r := range s.Resources {
			e.resource(r)
		}
		for _, o := range s.Outputs {
			e.output(s, o)
		}
	}
	if e.err != nil {
		return nil, nil, e.err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(e.root()); err != nil {
		return nil, nil, fmt.Errorf("this deployment cannot be written for Terraform: %w", err)
	}
	return out.Bytes(), finding.Sort(e.findings), nil
}

// node is a JSON object.
type node = map[string]any

type emitter struct {
	deployment *model.Deployment
	names      names
	blocks     map[string]map[string]node // data, ephemeral and resource blocks by type and name
	outputs    node
	findings   []finding.Finding
	err        error // the first one
	in         *model.Resource
	variant    string
	told       *model.Resource // the last one of which it was said that it has the value of a secret
}

func newEmitter(d *model.Deployment) *emitter {
	e := &emitter{deployment: d, outputs: node{}, blocks: map[string]map[string]node{},
		names: names{of: map[*model.Resource]address{}, taken: map[address]bool{}}}
	ids := map[string]bool{}
	var list []*model.Resource
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			if ids[r.ID] {
				e.fail("two resources have the logical id %s", r.ID)
			}
			ids[r.ID] = true
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *model.Resource) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range list { // by id, so that a name does not depend on who stands first
		if k := kindOf(r.Props); k != nil {
			e.names.add(r, k.tf)
		}
	}
	return e
}

func (e *emitter) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("this deployment cannot be written for Terraform: "+format, args...)
	}
}

// find notes what is the matter with a property of the resource that is being written.
func (e *emitter) find(rule *finding.Rule, path, format string, args ...any) {
	full := "Resources." + e.in.ID
	if path != "" {
		full += ".Properties." + path
	}
	e.findings = append(e.findings, finding.Finding{
		Rule: rule, Severity: rule.Severity, At: e.in.Pos(path), Path: full, Subject: e.subject(), Text: fmt.Sprintf(format, args...),
	})
}

// subject is the entrypoint that the resource is for, so that what the entrypoint allows counts; else its id.
func (e *emitter) subject() string {
	if e.in.Owner != "" {
		return e.in.Owner
	}
	return e.in.ID
}

// provider is which versions of the provider may be used.
func (e *emitter) provider() string {
	least := schema.Terraform().Version
	for what, version := range since {
		kind, attr, ofAttr := strings.Cut(what, ".")
		for _, body := range e.blocks["resource "+kind] {
			if _, has := body[attr]; (has || !ofAttr) && version > least {
				least = version
			}
		}
	}
	return ">= " + least + ", < 7.0.0"
}

// root is the whole file.
func (e *emitter) root() node {
	var stacks []any
	for _, s := range e.deployment.Stacks {
		n := node{"name": s.Name, "region": s.Region}
		if s.Note != "" {
			n["note"] = s.Note
		}
		if len(s.After) > 0 {
			var after []string
			for _, a := range s.After {
				after = append(after, a.Name)
			}
			n["after"] = after
		}
		stacks = append(stacks, n)
	}
	root := node{
		"//": node{"about": "Written by skerry aws compile --target terraform. Do not edit: change the spec.", "stacks": stacks},
		"terraform": node{
			"required_version":   ">= 1.11.0", // the first with values that are only written
			"required_providers": node{"aws": node{"source": "hashicorp/aws", "version": e.provider()}},
		},
		"provider": node{"aws": node{"region": region}},
	}
	for key, block := range e.blocks {
		section, kind, _ := strings.Cut(key, " ")
		if root[section] == nil {
			root[section] = node{}
		}
		root[section].(node)[kind] = block
	}
	if len(e.outputs) > 0 {
		root["output"] = e.outputs
	}
	return root
}

// region is where everything stands that CloudFront uses.
const region = "us-east-1"

func (e *emitter) add(section string, a address, body node) {
	key := section + " " + a.kind
	if e.blocks[key] == nil {
		e.blocks[key] = map[string]node{}
	}
	e.blocks[key][a.name] = body
}

func (e *emitter) resource(r *model.Resource) {
	e.in = r
	k := kindOf(r.Props)
	if k == nil {
		e.find(ruleUnsupported, "", "%s is not written for Terraform", r.Type())
		return
	}
	a := e.names.of[r]
	e.variant = k.variant
	block := schema.Terraform().Resources[k.tf]
	body := node{"//": comment(r)}
	e.object(r.Props, block, body)
	if s := r.Stack; s.Region != "" && s.Region != region && block.Attributes["region"] != nil {
		body["region"] = s.Region
	}
	if k.tf == multitenant.tf {
		e.find(ruleTenants, "DistributionConfig.ConnectionMode", "%s is written as %s", r.ID, k.tf)
	}
	e.meta(r, k, body)
	e.aside(r, a)
	e.need(block, body, "")
	e.add("resource", a, body)
}

// comment names a resource for people and for Read: its stack, its logical id and whose it is.
func comment(r *model.Resource) string {
	text := r.Stack.Name + " " + r.ID
	if r.Owner != "" {
		text += " of " + r.Owner
	}
	return text
}

// meta is what Terraform does with a resource, whatever it is.
func (e *emitter) meta(r *model.Resource, k *kind, body node) {
	var depends []string
	for _, on := range r.DependsOn {
		if a, ok := e.names.of[on]; ok {
			depends = append(depends, e.settled(on, a).String())
			continue
		}
		e.dangling(on)
	}
	if len(depends) > 0 {
		body["depends_on"] = depends
	}
	life := node{}
	if k.shared {
		life["create_before_destroy"] = true
	}
	if r.Retain {
		life["prevent_destroy"] = true
		e.find(ruleRetain, "", "%s is to stay when it leaves the deployment", r.ID)
	}
	if len(life) > 0 {
		body["lifecycle"] = life
	}
}

// settled is the address of a resource once it is ready for others.
func (e *emitter) settled(r *model.Resource, a address) address {
	if _, ok := r.Props.(*model.Certificate); ok {
		return address{validationKind, a.name}
	}
	return a
}

// dangling is a reference to what has no address: an error of the deployment, if no stack has it either.
func (e *emitter) dangling(to *model.Resource) {
	if e.deployment.Resource(to.ID) == to {
		e.find(ruleUnsupported, "", "%s needs %s, which is not written for Terraform", e.in.ID, to.ID)
		return
	}
	e.fail("%s refers to %s, which is in no stack", e.in.ID, to.ID)
}

func (e *emitter) output(s *model.Stack, o model.Output) {
	e.in = &model.Resource{ID: o.ID, Stack: s, Props: &model.Distribution{}}
	if e.outputs[o.ID] != nil {
		e.fail("two outputs have the name %s", o.ID)
	}
	body := node{"//": s.Name, "value": e.value(o.Value, "Value")}
	if o.Note != "" {
		body["description"] = o.Note
	}
	e.outputs[o.ID] = body
}

// value is a value as JSON has it: a number, a switch, or the template of a text.
func (e *emitter) value(v model.Value, path string) any {
	switch v := v.(type) {
	case model.Int, model.Bool:
		return v
	case model.Float:
		return json.Number(strconv.FormatFloat(float64(v), 'f', -1, 64))
	}
	return template(e.parts(v, path))
}

// parts is a text as literals and expressions.
func (e *emitter) parts(v model.Value, path string) []part {
	list := flat(v)
	text, refs := masked(list)
	if strings.Contains(text, "{{resolve:") {
		return e.dynamic(text, refs, path)
	}
	var out []part
	for _, v := range list {
		switch v := v.(type) {
		case model.Text:
			out = append(out, part{text: string(v)})
		case model.Ref:
			out = append(out, part{text: e.reference(v, path), expr: true})
		case model.Pseudo:
			expr, ok := pseudo[v]
			if !ok {
				e.find(ruleUnsupported, path, "%s is known to CloudFormation only", string(v))
				continue
			}
			e.lookup(expr)
			out = append(out, part{text: expr, expr: true})
		case model.Intrinsic:
			e.find(ruleUnsupported, path, "the function %s is known to CloudFormation only", v.Name)
		default:
			e.find(ruleUnsupported, path, "a value is needed")
		}
	}
	return out
}

// lookup makes the data source that an expression asks.
func (e *emitter) lookup(expr string) {
	f := strings.Split(expr, ".")
	e.add("data", address{f[1], f[2]}, node{})
}

// reference is an attribute of another resource.
func (e *emitter) reference(v model.Ref, path string) string {
	a, ok := e.names.of[v.Resource]
	if !ok {
		e.dangling(v.Resource)
		return "null"
	}
	if _, ok := v.Resource.Props.(*model.Certificate); ok && v.Attr == "" {
		return address{validationKind, a.name}.String() + ".certificate_arn"
	}
	attr, ok := kindOf(v.Resource.Props).attrs[v.Attr]
	if !ok {
		e.find(ruleUnsupported, path, "%s has no %s in Terraform", v.Resource.ID, cmp.Or(v.Attr, "value for Ref"))
		return "null"
	}
	return a.String() + "." + attr
}
