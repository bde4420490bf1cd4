package lint

import (
	"bytes"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// Set is templates that are deployed into one account, with what they have to do with each other.
type Set struct {
	templates []*cfn.Template // each once
	facts     facts           // of all
	outputs   []*exported
	exports   map[string]*exported // by name, the first one
	open      bool                 // there are exports whose names are not known
	importing map[*cfn.Template][]importing
}

// importing is a resource that imports something.
type importing struct {
	by   *cfn.Resource
	node *schema.Node
	name string
}

// exported is what one template exports to others.
type exported struct {
	in        *cfn.Template
	name      *schema.Node
	value     *schema.Node
	sometimes bool // a condition that is not known decides about it
}

// NewSet gathers what rules look at. A template that stands twice in the list, or is there in JSON and in YAML, counts once.
func NewSet(list []*cfn.Template) *Set {
	s := &Set{exports: map[string]*exported{}, importing: map[*cfn.Template][]importing{}, facts: facts{distributions: map[*cfn.Resource]*distribution{}, acls: map[*cfn.Resource]*acl{}}}
	seen := map[string]bool{}
	for _, t := range list {
		s.facts.gather(t)
		if len(list) > 1 {
			key := "stack " + t.Stack
			if t.Stack == "" {
				key = string(bytes.TrimSpace(t.JSON()))
			}
			if seen[key] {
				continue
			}
			seen[key] = true
		}
		s.templates = append(s.templates, t)
		s.export(t)
	}
	return s
}

// Recall takes over what an earlier set has found out about the templates that both have.
func (s *Set) Recall(before *Set) {
	for _, t := range s.templates {
		if list, known := before.importing[t]; known {
			s.importing[t] = list
		}
	}
}

// export notes what a template exports.
func (s *Set) export(t *cfn.Template) {
	if t.Outputs == nil {
		return
	}
	s.open = s.open || t.Outputs.Open() || t.Partial
	for _, f := range t.Outputs.Fields {
		name := f.Value.Path("Export", "Name")
		if name == nil {
			s.open = s.open || f.Value.Open() || f.Value.Get("Export").Open()
			continue
		}
		e := &exported{in: t, name: name, value: f.Value.Get("Value"), sometimes: f.Value.Get("Condition") != nil}
		s.outputs = append(s.outputs, e)
		text, known := name.AsText()
		if s.open = s.open || !known; known && s.exports[text] == nil {
			s.exports[text] = e
		}
	}
}

// imported is the name of the export that a value is; false: it is none, or the name is not known.
func imported(n *schema.Node) (string, bool) {
	if n == nil || n.Call == nil || n.Call.Name != "Fn::ImportValue" {
		return "", false
	}
	return n.Call.From.AsText()
}

// exporter is the stack of ours that alone can export a name, and whether it does not; nil: none of them.
func (s *Set) exporter(name string) *cfn.Template {
	for _, t := range s.templates {
		rest, ok := strings.CutPrefix(name, t.Stack+"-")
		if ok && t.Stack != "" && strings.Count(rest, "-") == 1 { // the logical id and the attribute, as the emitter names them
			return t
		}
	}
	return nil
}

// Across says what templates make together: names that stand twice, what nobody exports, quotas; without names rules that are not asked.
func (s *Set) Across(from func(resource, path string) spec.Pos, without ...string) []finding.Finding {
	l := &linter{set: s, from: from, facts: s.facts}
	for i := range acrossRows {
		if !slices.Contains(without, acrossRows[i].ID) {
			run(l, acrossRows[i:i+1], s)
		}
	}
	return finding.Sort(l.found)
}

// each visits the resources that are there whatever conditions say; findings are about the one that is visited.
func (s *Set) each(l *linter, visit func(r *cfn.Resource)) {
	for _, t := range s.templates {
		for _, r := range t.Resources {
			if !r.Sometimes {
				l.t, l.at = t, r
				visit(r)
			}
		}
	}
	l.t, l.at = nil, nil
}
