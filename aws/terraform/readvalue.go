package terraform

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// Expressions that Emit writes.
var (
	attribute = regexp.MustCompile(`^(aws_[a-z0-9_]+)\.([a-z0-9_]+)\.([a-z_]+)$`)
	asked     = regexp.MustCompile(`^data\.aws_secretsmanager_secret_version\.([a-z0-9_]+)\.secret_string$`)
	askedKey  = regexp.MustCompile(`^jsondecode\(data\.aws_secretsmanager_secret_version\.([a-z0-9_]+)\.secret_string\)\[("(?:[^"\\]|\\.)*")\]$`)
)

// unknown stands for what is not known yet: a parameter of CloudFormation that nobody judges.
const unknown = model.Pseudo("AWS::StackName")

// value is a value of the model. It is never nil.
func (r *reader) value(v any, path string) model.Value {
	switch v := v.(type) {
	case bool:
		return model.Bool(v)
	case json.Number:
		return numeric(v)
	case string:
		parts, err := parse(v)
		if err != nil {
			r.fail(path, "%v", err)
			return model.Text("")
		}
		return joined(r.parts(parts, path))
	}
	r.fail(path, "text, a number or true and false is needed")
	return model.Text("")
}

func (r *reader) parts(parts []part, path string) []model.Value {
	var list model.Join
	for _, p := range parts {
		if p.expr {
			list = append(list, r.expression(p.text, path))
			continue
		}
		list = append(list, model.Text(p.text))
	}
	return flat(list)
}

func (r *reader) expression(text, path string) model.Value {
	if r.open {
		return unknown
	}
	for p, expr := range pseudo {
		if expr == text {
			return p
		}
	}
	if m := attribute.FindStringSubmatch(text); m != nil {
		return r.reference(m[1], m[2], m[3], path)
	}
	name, key := "", ""
	if m := asked.FindStringSubmatch(text); m != nil {
		name = m[1]
	}
	if m := askedKey.FindStringSubmatch(text); m != nil {
		name, key = m[1], unquoted(m[2])
	}
	id, ok := r.secrets[name]
	if !ok {
		r.fail(path, "Emit writes no expression like %q", text)
		return model.Text("")
	}
	ask, refs := masked(flat(id))
	return joined(unmasked(dynamicText(ask, key), refs))
}

// unquoted is the text that quoted wrote.
func unquoted(text string) string {
	s, err := strconv.Unquote(text)
	if err != nil {
		return text
	}
	return strings.NewReplacer("$${", "${", "%%{", "%{").Replace(s)
}

// reference is an attribute of a resource.
func (r *reader) reference(kind, name, attr, path string) model.Value {
	if kind == validationKind && attr == "certificate_arn" {
		kind, attr = "aws_acm_certificate", "arn"
	}
	if kind == versionKind && attr == "secret_id" {
		kind, attr = "aws_secretsmanager_secret", "arn"
	}
	to := r.resources[address{kind, name}]
	k := kindNamed(kind)
	if to == nil || k == nil {
		r.fail(path, "there is no %s.%s", kind, name)
		return model.Text("")
	}
	if k.attrs[""] == attr {
		return model.Ref{Resource: to}
	}
	for cfn, tf := range k.attrs {
		if tf == attr {
			return model.Ref{Resource: to, Attr: cfn}
		}
	}
	r.fail(path, "the attribute %s of %s is not mapped", attr, kind)
	return model.Text("")
}

// json reads free JSON from the template of its text. Its scalars are plain, but for those that refer to something.
func (r *reader) json(v any, path string) any {
	text, ok := v.(string)
	parts, err := parse(text)
	if !ok || err != nil {
		r.fail(path, "the text of JSON is needed: %v", err)
		return nil
	}
	var b bytes.Buffer
	var refs []model.Value
	for _, p := range parts {
		if p.expr {
			refs = append(refs, r.expression(p.text, path))
			b.WriteString(`\u0000` + strconv.Itoa(len(refs)-1) + `\u0000`)
			continue
		}
		b.WriteString(p.text)
	}
	dec := json.NewDecoder(&b)
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		r.fail(path, "%v", err)
		return nil
	}
	return r.restore(tree, refs, path)
}

// restore puts references into the texts of free JSON.
func (r *reader) restore(tree any, refs []model.Value, path string) any {
	switch t := tree.(type) {
	case []any:
		for i := range t {
			t[i] = r.restore(t[i], refs, path)
		}
	case map[string]any:
		for name := range t {
			t[name] = r.restore(t[name], refs, path)
		}
	case string:
		pieces := strings.Split(t, mask)
		if len(pieces) == 1 {
			return t
		}
		var list model.Join
		for i, piece := range pieces {
			if i%2 == 0 {
				list = append(list, model.Text(piece))
				continue
			}
			n, err := strconv.Atoi(piece)
			if err != nil || n < 0 || n >= len(refs) {
				r.fail(path, "a zero byte in JSON")
				return t
			}
			list = append(list, refs[n])
		}
		return joined(flat(list))
	}
	return tree
}

// lookups reads the data sources.
func (r *reader) lookups(data map[address]node) {
	known := map[string]bool{}
	for expr := range maps.Values(pseudo) {
		f := strings.Split(expr, ".")
		known[f[1]+"."+f[2]] = true
	}
	for _, a := range ordered(data) {
		r.at = "data." + a.String()
		body := data[a]
		if a.kind == versionKind {
			r.secrets[a.name] = r.value(take(body, "secret_id"), "secret_id")
		} else if !known[a.String()] {
			r.fail("", "Emit writes no such data source")
		}
		r.left(body, "")
	}
}
