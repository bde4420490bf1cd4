package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// Check judges a template by the schema and by the catalogue, as one that is deployed alone. from says where a property of a resource
// comes from, by a path with dots as in model.Resource.Pos; nil: findings have the places in the template. Findings are sorted, the
// worst first.
func Check(t *cfn.Template, from func(resource, path string) spec.Pos) []finding.Finding {
	return Together([]*cfn.Template{t}, from)
}

// Together judges templates that are deployed into one account: each as Check does, with what it imports from others, and what they
// make together.
func Together(list []*cfn.Template, from func(resource, path string) spec.Pos) []finding.Finding {
	s := NewSet(list)
	out := s.Across(from)
	for _, t := range list {
		out = append(out, s.Check(t, from)...)
	}
	return finding.Sort(out)
}

// Check judges one template of the set, without what Across says. It reads those from which the template imports, and changes nothing
// that is shared: several may run at once.
func (s *Set) Check(t *cfn.Template, from func(resource, path string) spec.Pos) []finding.Finding {
	l := &linter{set: s, t: t, from: from, facts: s.facts}
	for _, r := range t.Resources {
		for _, f := range schema.Check(r.ID, r.Type, r.Properties) {
			l.add(f, f.Path)
		}
	}
	run(l, templateRows, t)
	for _, r := range t.Resources {
		l.at = r
		run(l, resourceRows, r)
		l.byType(r)
	}
	return finding.Sort(l.found)
}

// Rules is the catalogue: every row that Check can find, by id.
func Rules() []*finding.Rule {
	list := schema.Rules()
	list = catalogue(list, acrossRows)
	list = catalogue(list, templateRows)
	list = catalogue(list, resourceRows)
	list = catalogue(list, distributionRows)
	list = catalogue(list, behaviorRows)
	list = catalogue(list, originRows)
	list = catalogue(list, propertyRows)
	list = catalogue(list, aclRows)
	list = catalogue(list, wafRuleRows)
	list = catalogue(list, statementRows)
	slices.SortFunc(list, func(a, b *finding.Rule) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// row is a rule of the catalogue with the function that finds it on a T.
type row[T any] struct {
	finding.Rule
	check func(l *linter, on T)
}

func catalogue[T any](list []*finding.Rule, rows []row[T]) []*finding.Rule {
	for i := range rows {
		list = append(list, &rows[i].Rule)
	}
	return list
}

// run holds one thing against all rows of a table.
func run[T any](l *linter, rows []row[T], on T) {
	for i := range rows {
		l.rule = &rows[i].Rule
		rows[i].check(l, on)
	}
}

// linter is one template being judged, or several of them one after the other.
type linter struct {
	set   *Set
	t     *cfn.Template
	from  func(resource, path string) spec.Pos
	rule  *finding.Rule // whose check runs
	at    *cfn.Resource // that is checked; nil: the template
	found []finding.Finding
	facts facts
}

// byType runs the tables of a resource's type.
func (l *linter) byType(r *cfn.Resource) {
	switch r.Type {
	case typeDistribution:
		d := l.facts.distributions[r]
		run(l, distributionRows, d)
		for _, b := range d.behaviors {
			run(l, behaviorRows, b)
		}
		for _, o := range d.origins {
			run(l, originRows, o)
		}
	case typeWebACL, typeRuleGroup:
		a := l.facts.acls[r]
		run(l, aclRows, a)
		for _, w := range a.rules {
			run(l, wafRuleRows, w)
			w.walk(func(s *statement) { run(l, statementRows, s) })
		}
	}
	run(l, propertyRows, r)
}

// find notes a finding of the rule whose check runs, at a value of the resource; nil: at the resource itself.
func (l *linter) find(n *schema.Node, format string, args ...any) {
	l.findAs(l.rule.Severity, n, format, args...)
}

// findAs is find where the severity depends on more than the rule.
func (l *linter) findAs(severity finding.Severity, n *schema.Node, format string, args ...any) {
	f := finding.Finding{Rule: l.rule, Severity: severity, Text: fmt.Sprintf(format, args...)}
	if l.at == nil {
		if n != nil {
			f.At = n.At
		}
		l.found = append(l.found, f)
		return
	}
	f.At, f.Subject = l.at.At, l.at.ID
	path := ""
	if n != nil {
		f.At = n.At
		path, _ = pathTo(l.at.Properties, n)
	}
	l.add(f, path)
}

// add notes a finding about a property of the resource that it names.
func (l *linter) add(f finding.Finding, path string) {
	f.Path = "Resources." + f.Subject
	if path != "" {
		f.Path += ".Properties." + path
	}
	if l.from != nil {
		if at := l.from(f.Subject, path); at != (spec.Pos{}) {
			f.At = at
		}
	}
	l.found = append(l.found, f)
}

// pathTo finds a value below another one: findings are few, and values need not know where they stand.
func pathTo(in, n *schema.Node) (string, bool) {
	if in == nil || in == n {
		return "", in == n
	}
	below := func(name string, v *schema.Node) (string, bool) {
		path, ok := pathTo(v, n)
		if ok && path != "" {
			name += "." + path
		}
		return name, ok
	}
	for _, f := range in.Fields {
		if path, ok := below(f.Name, f.Value); ok {
			return path, true
		}
	}
	for i, item := range in.Items {
		if path, ok := below(strconv.Itoa(i), item); ok {
			return path, true
		}
	}
	if in.Call != nil {
		for _, c := range in.Call.Choices {
			if path, ok := pathTo(c, n); ok {
				return path, true
			}
		}
	}
	return "", false
}
