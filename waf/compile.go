package waf

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
)

// Compile makes the policy of an entrypoint, or of a route, on a program of the Core Rule Set. describe keeps the messages of
// rules, for people; traffic does without.
func Compile(w *spec.WAF, r *Rules, describe bool) (*engine.Policy, []fault.Problem) {
	o := engine.Options{
		TX: setup(w, r).Set(), Limits: limits(w), Work: w.CPUMax, Detect: w.Mode == spec.WAFDetect,
		Reference: w.Engine == spec.WAFReference, PassLimits: w.OnLimit == spec.WAFPass, Describe: describe,
	}
	var problems []fault.Problem
	o.Before, o.After, problems = own(w.Rules, r)
	for _, x := range w.Exclude {
		e, problem := exclusion(x, r)
		if problem != "" {
			problems = append(problems, fault.Problem{File: x.At.File, Line: x.At.Line, Col: x.At.Col, Text: problem})
			continue
		}
		o.Exclusions = append(o.Exclusions, e)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return r.program.NewPolicy(o)
}

// setup is what the policy sets of the Core Rule Set's own settings.
func setup(w *spec.WAF, r *Rules) crs.Setup {
	return crs.Setup{
		Paranoia: w.Paranoia, Threshold: w.Threshold, OutThreshold: w.ResponseThreshold,
		Methods: w.Allow.Methods, ContentTypes: w.Allow.ContentTypes, Charsets: w.Allow.Charsets,
		Headers: without(r.headers, w.Allow.Headers), HeadersMore: without(r.headersMore, w.Allow.Headers),
		Extensions: without(r.extensions, w.Allow.Extensions),
	}
}

// without is what the Core Rule Set restricts, but for what a policy lets pass.
func without(restricted, pass []string) []string {
	return slices.DeleteFunc(slices.Clone(restricted), func(s string) bool { return slices.Contains(pass, s) })
}

func limits(w *spec.WAF) body.Limits {
	l := body.DefaultLimits()
	if w.ArgumentsMax > 0 {
		l.Pairs = w.ArgumentsMax
	}
	if w.BodyBytesMax > 0 {
		l.DecodedBytes = int(w.BodyBytesMax)
	}
	l.DecodedRatio = ratioMax
	return l
}

// own reads the rules of a spec. Files that CRS would load after its own rules (RESPONSE-999…, …-after.conf) come after.
func own(list []spec.WAFRules, r *Rules) (before, after *seclang.Set, problems []fault.Problem) {
	for _, f := range list {
		if path.Ext(f.File) != ".conf" {
			continue
		}
		set, bad := seclang.ParseText(f.Path, f.Text, files(list))
		problems = append(problems, bad...)
		if set == nil {
			continue
		}
		for _, s := range set.Settings {
			problems = append(problems, fault.Problem{File: s.Pos.File, Line: s.Pos.Line, Col: s.Pos.Col,
				Text: s.Name + " has no place here: the policy waf of the spec says it"})
		}
		for _, item := range set.Items {
			if id := item.Rule; id != nil && r.has(seclang.Range{First: id.ID, Last: id.ID}) {
				problems = append(problems, fault.Problem{File: id.Pos.File, Line: id.Pos.Line, Col: id.Pos.Col,
					Text: fmt.Sprintf("rule %d: CRS %s has a rule of this id; own rules take ids below 100,000", id.ID, r.version)})
			}
		}
		into := &before
		if name := path.Base(f.File); strings.HasPrefix(name, "RESPONSE-999") || strings.HasSuffix(name, "-after.conf") {
			into = &after
		}
		if *into == nil {
			*into = &seclang.Set{}
		}
		(*into).Items = append((*into).Items, set.Items...)
		(*into).Edits = append((*into).Edits, set.Edits...)
	}
	return before, after, problems
}

// scoring are the ids of the rules that arrange, sum up and decide: without them nothing is refused.
var scoring = [...]seclang.Range{{First: 901000, Last: 901999}, {First: 949000, Last: 949999}, {First: 959000, Last: 959999}}

func exclusion(x spec.WAFExclude, r *Rules) (e engine.Exclusion, problem string) {
	e = engine.Exclusion{Tag: x.Tag(), Path: x.Path, Methods: x.Methods}
	e.Rules.First, e.Rules.Last = x.IDs()
	if e.Tag == "" && !r.has(e.Rules) {
		return e, fmt.Sprintf("exclude: no rule of CRS %s has the id %s", r.version, x.Rule)
	}
	if e.Tag != "" && !r.tags[e.Tag] {
		return e, fmt.Sprintf("exclude: no rule of CRS %s has the tag %q", r.version, e.Tag)
	}
	for _, s := range scoring {
		if e.Tag == "" && e.Rules.First <= s.Last && s.First <= e.Rules.Last {
			return e, fmt.Sprintf("exclude: %s takes out rules that make and count the score (%d to %d): nothing would be refused any more; say mode: detect if that is meant",
				x.Rule, s.First, s.Last)
		}
	}
	if x.Target == "" {
		return e, ""
	}
	name, key, pattern := x.Selector()
	v, ok := seclang.LookupVariable(name)
	if !ok {
		return e, fmt.Sprintf("exclude: %s is no variable of SecLang", name)
	}
	e.Target = &seclang.Target{Var: v, Key: strings.ToLower(key), Regexp: pattern}
	return e, ""
}
