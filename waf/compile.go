package waf

import (
	"fmt"
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
	own := newOwn(w.Rules, r)
	o.Before, o.After = own.before, own.after
	problems := own.problems
	for _, x := range w.Exclude {
		e, problem := exclusion(x, r, own)
		if problem != "" {
			problems = append(problems, fault.Problem{File: x.At.File, Line: x.At.Line, Col: x.At.Col, Text: problem})
			continue
		}
		o.Exclusions = append(o.Exclusions, e)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	p, problems := r.program.NewPolicy(o)
	return p, own.placed(problems)
}

// setup is what the policy sets of the Core Rule Set's own settings.
func setup(w *spec.WAF, r *Rules) crs.Setup {
	return crs.Setup{
		Paranoia: w.Paranoia, Threshold: w.Threshold, OutThreshold: w.ResponseThreshold,
		EarlyBlocking: w.Mode == spec.WAFBlock, // no body is asked for behind a head that is refused
		Methods:       w.Allow.Methods, ContentTypes: w.Allow.ContentTypes, Charsets: w.Allow.Charsets,
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
	return l
}

// scoring are the ids of the rules that arrange, sum up and decide: without them nothing is refused. The bit says in Rules.tags
// that one of them has a tag.
var scoring = [...]struct {
	seclang.Range
	bit tagged
}{{seclang.Range{First: 901000, Last: 901999}, tagStart}, {seclang.Range{First: 949000, Last: 949999}, tagScore}, {seclang.Range{First: 959000, Last: 959999}, tagAnswer}}

// tagged says of what rules have a tag; 0: none.
type tagged uint8

const (
	tagAny tagged = 1 << iota
	tagStart
	tagScore
	tagAnswer
)

// taggedBy is what a rule adds to its tags.
func taggedBy(id int) tagged {
	bits := tagAny
	for _, s := range scoring {
		if s.First <= id && id <= s.Last {
			bits |= s.bit
		}
	}
	return bits
}

func exclusion(x spec.WAFExclude, r *Rules, own *own) (e engine.Exclusion, problem string) {
	e = engine.Exclusion{Tag: x.Tag(), Path: x.Path, Methods: x.Methods}
	e.Rules.First, e.Rules.Last = x.IDs()
	switch {
	case e.Tag != "" && r.tags[e.Tag] == 0:
		return e, fmt.Sprintf("exclude: no rule of CRS %s has the tag %q", r.version, e.Tag)
	case e.Tag == "" && !r.has(e.Rules) && own.has(e.Rules):
		return e, fmt.Sprintf("exclude: %s is a rule of waf.rules: change it there", x.Rule)
	case e.Tag == "" && !r.has(e.Rules):
		return e, fmt.Sprintf("exclude: no rule of CRS %s has the id %s", r.version, x.Rule)
	}
	if x.Target != "" {
		name, key, pattern := x.Selector()
		v, ok := seclang.LookupVariable(name)
		if !ok {
			return e, fmt.Sprintf("exclude: %s is no variable of SecLang", name)
		}
		e.Target = &seclang.Target{Var: v, Key: strings.ToLower(key), Regexp: pattern}
	}
	if e.Target != nil && e.Target.Var != seclang.VarTX {
		return e, "" // the rules that count look at TX alone
	}
	for _, s := range scoring {
		if e.Tag == "" && e.Rules.First <= s.Last && s.First <= e.Rules.Last || e.Tag != "" && r.tags[e.Tag]&s.bit != 0 {
			return e, fmt.Sprintf("exclude: %s takes out rules that make and count the score (%d to %d): nothing would be refused any more; say mode: detect if that is meant",
				x.Rule, s.First, s.Last)
		}
	}
	return e, ""
}
