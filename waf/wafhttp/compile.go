package wafhttp

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
)

// release is a Core Rule Set made ready, and what there is to know about it.
type release struct {
	set     *seclang.Set
	program *engine.Program
}

// embedded is the release in the module, made ready once for all firewalls.
var embedded = sync.OnceValues(func() (*release, error) {
	set, err := crs.Load()
	if err != nil {
		return nil, err
	}
	return newRelease(set)
})

func newRelease(set *seclang.Set) (*release, error) {
	program, problems := engine.New(set)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	return &release{set, program}, nil
}

func loadRelease(dir fs.FS) (*release, error) {
	if dir == nil {
		return embedded()
	}
	set, problems := crs.LoadDir(dir)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	return newRelease(set)
}

// typeRule is the rule that holds Content-Type against a list. A type that is not allowed has got 415 before, and its list has no
// place for application/*+json.
const typeRule = 920420

// compile makes the policy of the options, whose defaults are filled in.
func compile(o *Options) (*engine.Policy, error) {
	r, err := loadRelease(o.CRS)
	if err != nil {
		return nil, err
	}
	before, after, problems := ownRules(o.Rules)
	e := engine.Options{
		TX: setup(o, r.set).Set(), Before: before, After: after, Limits: limits(o), Work: o.CPUMax, Detect: o.Mode == Detect,
		Reference: o.Reference, PassLimits: o.OnLimit == Pass, Describe: o.ShowValues,
		Exclusions: []engine.Exclusion{{Rules: seclang.Range{First: typeRule, Last: typeRule}}},
	}
	known := rulesOf(r.set, before, after)
	for i := range o.Exclude {
		x, problem := exclusion(&o.Exclude[i], known)
		if problem != "" {
			problems = append(problems, fault.Problem{Text: fmt.Sprintf("Options.Exclude[%d]: %s", i, problem)})
			continue
		}
		e.Exclusions = append(e.Exclusions, x)
	}
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	policy, problems := r.program.NewPolicy(e)
	if len(problems) > 0 {
		return nil, fault.Problems(problems)
	}
	return policy, nil
}

func limits(o *Options) body.Limits {
	l := body.DefaultLimits()
	l.Pairs, l.DecodedBytes, l.DecodedRatio = o.ArgumentsMax, o.BodyBytesMax, ratioMax
	return l
}

// setup is what crs-setup.conf would set. Content-Encoding is not restricted: bodies are decoded, or refused.
func setup(o *Options, set *seclang.Set) crs.Setup {
	pass := append([]string{"content-encoding"}, o.Allow.Headers...)
	return crs.Setup{
		Paranoia: o.Paranoia, Threshold: o.Threshold, Methods: o.Allow.Methods, Charsets: o.Allow.Charsets,
		Headers:     without(listOf(set, "restricted_headers_basic"), pass),
		HeadersMore: without(listOf(set, "restricted_headers_extended"), pass),
		Extensions:  without(listOf(set, "restricted_extensions"), o.Allow.Extensions),
	}
}

func without(restricted, pass []string) []string {
	return slices.DeleteFunc(restricted, func(s string) bool { return slices.Contains(pass, s) })
}

// listOf is a list that the rules set where nobody else does: "/name/ /name/", ".ext/ .ext/".
func listOf(set *seclang.Set, variable string) []string {
	for _, item := range set.Items {
		if item.Rule == nil {
			continue
		}
		for _, a := range item.Rule.Actions {
			if a.Set == nil {
				continue
			}
			name, fixed := a.Set.Name.Fixed()
			if value, plain := a.Set.Value.Fixed(); fixed && plain && strings.EqualFold(name, variable) {
				return strings.FieldsFunc(value, func(c rune) bool { return c == ' ' || c == '/' })
			}
		}
	}
	return nil
}

// ownRules reads the files in the root of a file system.
func ownRules(dir fs.FS) (before, after *seclang.Set, problems []fault.Problem) {
	if dir == nil {
		return nil, nil, nil
	}
	names, err := fs.Glob(dir, "*.conf")
	switch {
	case err != nil:
		return nil, nil, []fault.Problem{{Text: "Options.Rules cannot be read: " + err.Error()}}
	case len(names) == 0:
		return nil, nil, []fault.Problem{{Text: "Options.Rules has no .conf file in its root"}}
	}
	var first, last []string
	for _, name := range names {
		if strings.HasSuffix(name, "-after.conf") {
			last = append(last, name)
		} else {
			first = append(first, name)
		}
	}
	before, problems = ownSet(dir, first)
	after, more := ownSet(dir, last)
	return before, after, append(problems, more...)
}

func ownSet(dir fs.FS, names []string) (*seclang.Set, []fault.Problem) {
	if len(names) == 0 {
		return nil, nil
	}
	set, problems := seclang.Parse(dir, names...)
	if len(problems) > 0 {
		return nil, problems
	}
	for _, s := range set.Settings {
		problems = append(problems, fault.Problem{
			File: s.Pos.File, Line: s.Pos.Line, Col: s.Pos.Col, Text: s.Name + " has no place among the rules: Options say what it would", Fix: "remove the line",
		})
	}
	return set, problems
}

// rules are ids and tags that there are.
type rules struct {
	ids  []int
	tags map[string]bool
}

func rulesOf(sets ...*seclang.Set) rules {
	k := rules{tags: map[string]bool{}}
	for _, set := range sets {
		if set == nil {
			continue
		}
		for _, item := range set.Items {
			if item.Rule == nil {
				continue
			}
			k.ids = append(k.ids, item.Rule.ID)
			for _, tag := range item.Rule.Tags {
				k.tags[tag] = true
			}
		}
	}
	return k
}

// scoring are the ids of the rules that arrange, sum up and decide: without one of them nothing would be refused.
var scoring = [...]seclang.Range{{First: 901000, Last: 901999}, {First: 949000, Last: 949999}}

// exclusion reads one as the engine has it; problem is what is wrong with it.
func exclusion(x *Exclude, known rules) (e engine.Exclusion, problem string) {
	e = engine.Exclusion{Path: x.Path, Methods: x.Methods}
	if tag, is := strings.CutPrefix(x.Rule, "tag:"); is {
		if !known.tags[tag] {
			return e, fmt.Sprintf("no rule has the tag %q", tag)
		}
		e.Tag = tag
	} else if e.Rules, problem = ids(x.Rule, known); problem != "" {
		return e, problem
	}
	if x.Path != "" && !strings.HasPrefix(x.Path, "/") || x.Path == "/*" || strings.Contains(strings.TrimSuffix(x.Path, "/*"), "*") {
		return e, fmt.Sprintf("%q is no path: write /search, /search/* for everything below it, or nothing for every path", x.Path)
	}
	if x.Target == "" {
		return e, ""
	}
	target, err := seclang.ParseTarget(x.Target)
	switch {
	case err != nil:
		return e, err.Error()
	case target.Not || target.Count:
		return e, fmt.Sprintf("the target %q begins with %s: name what the rules must not look at", x.Target, x.Target[:1])
	}
	e.Target = &target
	return e, ""
}

func ids(text string, known rules) (r seclang.Range, problem string) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	var err1, err2 error
	r.First, err1 = strconv.Atoi(from)
	r.Last, err2 = strconv.Atoi(to)
	if err1 != nil || err2 != nil || r.First < 1 || r.Last < r.First {
		return r, fmt.Sprintf("%q names no rule: write an id (942100), a range of ids (942100-942199) or a tag (tag:attack-sqli)", text)
	}
	if !slices.ContainsFunc(known.ids, func(id int) bool { return r.First <= id && id <= r.Last }) {
		return r, fmt.Sprintf("no rule has the id %s", text)
	}
	for _, s := range scoring {
		if r.First <= s.Last && s.First <= r.Last {
			return r, fmt.Sprintf("%s takes out rules that make and judge the score (%d to %d): nothing would be refused any more; use Detect if that is meant", text, s.First, s.Last)
		}
	}
	return r, ""
}
