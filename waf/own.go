package waf

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/seclang"
)

// own are the rules of a spec, beside those of the Core Rule Set.
type own struct {
	before, after *seclang.Set
	problems      []fault.Problem
	ids           map[int]seclang.Pos
	paths         map[string]string // of the files, by the names that the spec has for them
}

// newOwn reads the rules of a spec. Files that CRS would load after its own rules (RESPONSE-999…, …-after.conf) come after.
func newOwn(list []spec.WAFRules, r *Rules) *own {
	o := &own{ids: map[int]seclang.Pos{}, paths: make(map[string]string, len(list))}
	for _, f := range list {
		o.paths[f.File] = f.Path
	}
	for _, f := range list {
		if path.Ext(f.File) != ".conf" {
			continue
		}
		set, problems := seclang.ParseText(f.File, f.Text, files(list))
		if o.problems = append(o.problems, problems...); set == nil {
			continue
		}
		o.check(set, r)
		into := &o.before
		if name := path.Base(f.File); strings.HasPrefix(name, "RESPONSE-999") || strings.HasSuffix(name, "-after.conf") {
			into = &o.after
		}
		if *into == nil {
			*into = &seclang.Set{}
		}
		(*into).Items = append((*into).Items, set.Items...)
		(*into).Edits = append((*into).Edits, set.Edits...)
	}
	for _, s := range []*seclang.Set{o.before, o.after} {
		if s != nil {
			o.checkEdits(s.Edits)
		}
	}
	o.problems = o.placed(o.problems)
	return o
}

func (o *own) problem(at seclang.Pos, format string, args ...any) {
	o.problems = append(o.problems, fault.Problem{File: at.File, Line: at.Line, Col: at.Col, Text: fmt.Sprintf(format, args...)})
}

// check refuses what the parser cannot know to be wrong here.
func (o *own) check(set *seclang.Set, r *Rules) {
	for _, s := range set.Settings {
		o.problem(s.Pos, "%s has no place here: the policy waf of the spec says it", s.Name)
	}
	for _, item := range set.Items {
		rule := item.Rule
		if rule == nil {
			continue
		}
		if first, again := o.ids[rule.ID]; again {
			o.problem(rule.Pos, "rule %d: the id stands twice, first at %s:%d", rule.ID, o.pathOf(first.File), first.Line)
		}
		o.ids[rule.ID] = rule.Pos
		if r.has(seclang.Range{First: rule.ID, Last: rule.ID}) {
			o.problem(rule.Pos, "rule %d: CRS %s has a rule of this id; own rules take ids below 100,000", rule.ID, r.version)
		}
		if rule.Disruptive == seclang.DisruptiveDeny {
			o.checkStatus(rule.Pos, rule.Status)
		}
	}
}

// checkStatus refuses a status that the edge has no answer for.
func (o *own) checkStatus(at seclang.Pos, status int) {
	if _, ok := kindOfStatus(status); status != 0 && !ok {
		o.problem(at, "deny with status %d: the edge refuses with 400, 403, 404, 405, 413, 415, 429, 500 or 503", status)
	}
}

// checkEdits is checkStatus for what changes rules.
func (o *own) checkEdits(edits []seclang.Edit) {
	for _, e := range edits {
		if u := e.Update; u != nil && (u.Disruptive == nil || *u.Disruptive == seclang.DisruptiveDeny) {
			o.checkStatus(e.Pos, u.Status)
		}
	}
}

// has reports whether an own rule's id is in a range.
func (o *own) has(ids seclang.Range) bool {
	for id := range o.ids {
		if ids.First <= id && id <= ids.Last {
			return true
		}
	}
	return false
}

// placed are problems with the files' paths instead of the names that the spec has for them.
func (o *own) placed(problems []fault.Problem) []fault.Problem {
	problems = slices.Clone(problems)
	for i := range problems {
		problems[i].File = o.pathOf(problems[i].File)
	}
	return problems
}

func (o *own) pathOf(name string) string {
	if p, ok := o.paths[name]; ok {
		return p
	}
	return name
}
