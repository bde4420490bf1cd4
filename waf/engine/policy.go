package engine

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"weak"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
)

// Policy is a Program as one entrypoint has it. It is small, never changed, and shared by the entrypoint's transactions.
type Policy struct {
	prog         *Program
	names        *txNames      // the program's, or with those of own rules
	steps        [6][]*rule    // by phase; a rule with a marker is nothing but that
	force        [6]uint32     // by phase: the number of what is in active
	active       [6]match.Bits // units of these steps, by phase
	*initial                   // shared with policies that have the same
	uses         *uses
	exceptions   map[int32][]target // by starter: what is taken out of its targets
	where        []Exclusion        // exclusions that depend on the request
	whereTargets []target           // of each
	limits       body.Limits
	workMax      int64
	detect       bool
	reference    bool
	passLimits   bool
	describe     bool
}

// initial is what every transaction starts with.
type initial struct {
	tx      []txVar
	scalars []field // the variables without keys that are looked at
	spans   [seclang.VarCount]span
	clock   []seclang.Variable // those that tell the time
}

// Options are what a policy makes of its program. The zero value blocks, with what the rules themselves say.
type Options struct {
	TX         map[string]string // variables that every request starts with, as crs-setup.conf would set them
	Before     *seclang.Set      // own rules that run before the program's, and edits of it
	After      *seclang.Set      // own rules that run after them, and edits
	Exclusions []Exclusion
	Limits     body.Limits   // zero: body.DefaultLimits
	Work       time.Duration // processor time that one request may take; 0: without limit
	Detect     bool          // nothing is refused
	Reference  bool          // the reference engine
	PassLimits bool          // a request that passes a limit is not refused for it
	Describe   bool          // expand messages of matches
}

// Exclusion takes rules, or a target of them, out of force: always, or for requests to some paths or by some methods.
type Exclusion struct {
	Rules   seclang.Range   // ids; zero: Tag says which
	Tag     string          // rules with this tag
	Target  *seclang.Target // nil: the whole rule
	Path    string          // "/search" or "/search/*", matched with Transaction.Path; empty: every path
	Methods []string        // upper case; empty: every method
}

// bytesPerSecond turns processor time into counted work: what the automata look at in a second, on a machine of 2020.
const bytesPerSecond = 250e6

// NewPolicy makes a policy. Problems are of own rules, and name the place.
func (p *Program) NewPolicy(o Options) (*Policy, []fault.Problem) {
	y := &Policy{
		prog: p, names: p.names, uses: &p.uses, limits: o.Limits, detect: o.Detect, reference: o.Reference, passLimits: o.PassLimits,
		describe: o.Describe, workMax: 1 << 62, initial: &initial{},
	}
	if y.limits == (body.Limits{}) {
		y.limits = body.DefaultLimits()
	}
	if o.Work > 0 {
		y.workMax = int64(o.Work.Seconds() * bytesPerSecond)
	}
	c := newCompiler(p.names, p.tables, p.tree)
	c.shared = p.regexps
	var edits []seclang.Edit
	for _, s := range []*seclang.Set{o.Before, o.After} {
		if s != nil {
			edits = append(edits, s.Edits...)
		}
	}
	edited := newEdits(edits)
	for _, x := range o.Exclusions {
		if x.Path != "" || len(x.Methods) > 0 {
			y.where = append(y.where, x)
			g := seclang.Target{}
			if x.Target != nil {
				g = *x.Target
			}
			y.whereTargets = append(y.whereTargets, c.target(seclang.Pos{}, g))
			continue
		}
		edited.exclude(x)
	}
	before, after := y.own(c, edited, o.Before), y.own(c, edited, o.After)
	items := slices.Concat(before, y.base(c, edited), after)
	c.finish()
	y.names = c.names
	y.start(o.TX)
	y.arrange(items)
	y.share()
	return y, append(c.problems, edited.problems...)
}

func own(s *seclang.Set) bool { return s != nil && len(s.Items) > 0 }

// own compiles a policy's own rules, as its edits leave them.
func (y *Policy) own(c *compiler, e *edits, s *seclang.Set) (items []step) {
	if !own(s) {
		return nil
	}
	mine := *y.uses
	for _, item := range s.Items {
		if item.Rule == nil {
			items = append(items, step{marker: item.Marker})
			continue
		}
		if len(items) >= ownRulesMax {
			c.problem(item.Rule.Pos, "more than %d own rules", ownRulesMax)
			break
		}
		src := e.apply(item.Rule)
		if src == nil {
			continue
		}
		r := c.rule(src, -1)
		mine.rule(r)
		items = append(items, step{rule: r})
	}
	y.uses = &mine
	return items
}

// base is the program's rules as edits leave them. A rule that an edit changes beyond its exclusions becomes one of the policy's.
func (y *Policy) base(c *compiler, e *edits) []step {
	if e.none() {
		return y.prog.items
	}
	items := make([]step, 0, len(y.prog.items))
	for _, s := range y.prog.items {
		if s.rule == nil {
			items = append(items, s)
			continue
		}
		src, nots, changed := e.policy(s.rule.src)
		if src == nil {
			continue
		}
		if changed {
			r := c.rule(src, s.rule.starter)
			items = append(items, step{rule: r})
			continue
		}
		for _, n := range nots {
			if y.exceptions == nil {
				y.exceptions = map[int32][]target{}
			}
			y.exceptions[s.rule.starter] = append(y.exceptions[s.rule.starter], c.target(s.rule.src.Pos, n))
		}
		items = append(items, s)
	}
	return items
}

// start is what a transaction starts with: TX variables and empty variables without keys.
func (y *Policy) start(tx map[string]string) {
	y.tx = make([]txVar, len(y.names.names))
	for name, value := range tx {
		if id, ok := y.names.ids[name]; ok { // no rule looks at the others
			y.tx[id] = txVar{kind: txText, text: []byte(value)}
		}
	}
	for v := range y.spans {
		y.spans[v] = span{head: -1, tail: -1}
	}
	for _, v := range y.uses.scalars() {
		at := int32(len(y.scalars))
		y.scalars = append(y.scalars, field{v: v, val: first(v), next: -1})
		y.spans[v] = span{head: at, tail: at}
		if seclang.VarTime <= v && v <= seclang.VarTimeYear {
			y.clock = append(y.clock, v)
		}
	}
}

// first is what a variable without keys has from the start: those that count say so.
func first(v seclang.Variable) []byte {
	switch v {
	case seclang.VarHighestSeverity:
		return []byte("255")
	case seclang.VarFilesCombinedSize, seclang.VarRequestBodyLength, seclang.VarArgsCombinedSize, seclang.VarReqbodyError,
		seclang.VarReqbodyProcessorError, seclang.VarMultipartStrictError, seclang.VarMultipartUnmatchedBoundary:
		return digits[:1]
	}
	return nil
}

// arrange sorts the steps by phase.
func (y *Policy) arrange(items []step) {
	var steps [6][]step
	for phase := 1; phase <= 5; phase++ {
		for _, s := range items {
			if s.rule == nil || s.rule.phase == phase {
				steps[phase] = append(steps[phase], s)
			}
		}
	}
	y.fold(&steps)
	for phase := 1; phase <= 5; phase++ {
		left := withoutIdleMarkers(steps[phase])
		y.steps[phase] = make([]*rule, len(left))
		active := match.NewBits(len(y.prog.units))
		for i, s := range left {
			if s.rule == nil {
				s.rule = &rule{marker: s.marker}
			} else if s.rule.unit >= 0 {
				active.Set(int(s.rule.unit))
			}
			y.steps[phase][i] = s.rule
		}
		y.force[phase], y.active[phase] = y.prog.force(active)
	}
}

// share takes what other policies of the program have alike from them: all entrypoints of one paranoia and threshold start with
// the same variables.
func (y *Policy) share() {
	key := y.key()
	p := y.prog
	p.mu.Lock()
	defer p.mu.Unlock()
	if same := p.initials[key].Value(); same != nil {
		y.initial = same
		return
	}
	p.initials[key] = weak.Make(y.initial)
}

// key is the same for policies whose transactions start with the same.
func (y *initial) key() string {
	var b []byte
	for i := range y.tx {
		v := &y.tx[i]
		b = append(b, byte(v.kind))
		b = strconv.AppendInt(b, int64(v.num), 10)
		b = append(append(b, ' '), v.text...)
		b = append(b, 0)
	}
	for i := range y.scalars {
		b = append(b, byte(y.scalars[i].v))
	}
	return string(b)
}

// withoutIdleMarkers drops the markers that no rule of the phase jumps to.
func withoutIdleMarkers(steps []step) []step {
	wanted := map[string]bool{}
	for _, s := range steps {
		if s.rule != nil && s.rule.skipAfter != "" {
			wanted[s.rule.skipAfter] = true
		}
	}
	return slices.DeleteFunc(steps, func(s step) bool { return s.rule == nil && !wanted[s.marker] })
}

// Steps is how many rules a request meets at most, for tests and for people.
func (y *Policy) Steps() (n int) {
	for phase := range y.steps {
		for _, r := range y.steps[phase] {
			if r.marker == "" {
				n++
			}
		}
	}
	return n
}

// clone is a copy that can be added to.
func (n *txNames) clone() *txNames {
	c := &txNames{ids: make(map[string]int32, len(n.ids)), names: slices.Clone(n.names)}
	for i, name := range n.names {
		c.ids[string(name)] = int32(i)
	}
	return c
}

// edits are the changes that directives and exclusions make to rules when they are loaded.
type edits struct {
	list     []edit
	problems []fault.Problem
}

type edit struct {
	seclang.Edit
	re  *match.Regexp // of Pattern
	tag string        // of an Exclusion: the tag itself
}

func newEdits(list []seclang.Edit) *edits {
	e := &edits{}
	for _, d := range list {
		x := edit{Edit: d}
		if d.Pattern != "" {
			re, err := match.Compile(d.Pattern, match.Options{})
			if err != nil {
				e.problems = append(e.problems, fault.Problem{File: d.Pos.File, Line: d.Pos.Line, Col: d.Pos.Col, Text: fmt.Sprint(err)})
				continue
			}
			x.re = re
		}
		e.list = append(e.list, x)
	}
	return e
}

// exclude adds an exclusion that does not depend on the request.
func (e *edits) exclude(x Exclusion) {
	d := edit{Edit: seclang.Edit{Kind: seclang.EditRemoveByID, Ranges: []seclang.Range{x.Rules}}, tag: x.Tag}
	if x.Tag != "" {
		d.Kind, d.Ranges = seclang.EditRemoveByTag, nil
	}
	if x.Target != nil {
		not := *x.Target
		not.Not = true
		d.Targets = []seclang.Target{not}
		d.Kind = seclang.EditUpdateTargetByID
		if x.Tag != "" {
			d.Kind = seclang.EditUpdateTargetByTag
		}
	}
	e.list = append(e.list, d)
}

func (e *edits) none() bool { return len(e.list) == 0 }

// of reports whether an edit is about a rule.
func (d *edit) of(r *seclang.Rule) bool {
	switch d.Kind {
	case seclang.EditRemoveByID, seclang.EditUpdateTargetByID, seclang.EditUpdateActionByID:
		return slices.ContainsFunc(d.Ranges, func(g seclang.Range) bool { return g.First <= r.ID && r.ID <= g.Last })
	case seclang.EditRemoveByTag, seclang.EditUpdateTargetByTag:
		return slices.ContainsFunc(r.Tags, func(tag string) bool {
			return d.tag != "" && tag == d.tag || d.re != nil && d.re.Slow([]byte(tag))
		})
	}
	msg := ""
	for _, p := range r.Msg {
		msg += p.Literal
	}
	return d.re != nil && d.re.Slow([]byte(msg))
}

// apply is a rule of the program as the program's own edits leave it; nil if they take it out.
func (e *edits) apply(r *seclang.Rule) *seclang.Rule {
	src, nots, _ := e.policy(r)
	if src == nil || len(nots) == 0 {
		return src
	}
	return narrowed(src, nots)
}

// narrowed is a rule of which each link leaves out what nots say.
func narrowed(r *seclang.Rule, nots []seclang.Target) *seclang.Rule {
	out := *r
	if len(r.Targets) > 0 {
		out.Targets = slices.Concat(r.Targets, nots)
	}
	if r.Chain != nil {
		out.Chain = narrowed(r.Chain, nots)
	}
	return &out
}

// policy is a rule as a policy's edits leave it: nil if it is gone, and what they take out of its targets. changed says that
// src is not r any more.
func (e *edits) policy(r *seclang.Rule) (src *seclang.Rule, nots []seclang.Target, changed bool) {
	src = r
	for i := range e.list {
		d := &e.list[i]
		if !d.of(r) {
			continue
		}
		switch d.Kind {
		case seclang.EditRemoveByID, seclang.EditRemoveByTag, seclang.EditRemoveByMsg:
			return nil, nil, false
		case seclang.EditUpdateActionByID:
			src, changed = updated(src, d.Update), true
		default:
			for _, g := range d.Targets {
				if g.Not {
					nots = append(nots, g)
					continue
				}
				out := *src
				out.Targets = append(slices.Clone(src.Targets), g)
				src, changed = &out, true
			}
		}
	}
	if changed && len(nots) > 0 {
		return narrowed(src, nots), nil, true
	}
	return src, nots, changed
}

// updated is a rule with what SecRuleUpdateActionById replaces.
func updated(r *seclang.Rule, u *seclang.Update) *seclang.Rule {
	out := *r
	if u.Disruptive != nil {
		out.Disruptive = *u.Disruptive
	}
	if u.Status != 0 {
		out.Status = u.Status
	}
	if u.Log != nil {
		out.Log = *u.Log
	}
	if u.Audit != nil {
		out.Audit = *u.Audit
	}
	if u.Transforms != nil {
		out.Transforms = *u.Transforms
	}
	if u.Msg != nil {
		out.Msg = u.Msg
	}
	if u.LogData != nil {
		out.LogData = u.LogData
	}
	if u.Severity >= 0 {
		out.Severity = u.Severity
	}
	if u.SkipAfter != "" {
		out.SkipAfter = u.SkipAfter
	}
	out.Actions = slices.Concat(r.Actions, u.Actions)
	out.Tags = slices.Concat(r.Tags, u.Tags)
	return &out
}
