package seclang

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/waf/transform"
)

// defaults are what SecDefaultAction says for a phase.
type defaults struct {
	at         Pos
	disruptive Disruptive
	redirect   Text
	status     int
	log, audit bool
	transforms []transform.ID
}

// builtin holds in a phase without SecDefaultAction: what ModSecurity documents. Coraza has it for phase 2 only, and does not
// log matches of the other phases.
var builtin = &defaults{log: true, audit: true}

// Links are the rule and those chained to it, in order.
func (r *Rule) Links() iter.Seq[*Rule] {
	return func(yield func(*Rule) bool) {
		for ; r != nil; r = r.Chain {
			if !yield(r) {
				return
			}
		}
	}
}

// secRule reads SecRule TARGETS OPERATOR [ACTIONS].
func (p *parser) secRule(t span, args []word) {
	r := &Rule{Pos: t.pos(), Severity: -1}
	list := span{"", 0, t.src}
	switch {
	case len(args) < 2:
		p.wrong(t.pos(), "SecRule has targets, an operator and actions; this one lacks "+map[bool]string{true: "all", false: "the operator"}[len(args) == 0], "")
	case len(args) > 3:
		p.wrong(args[3].pos(), "text behind the actions of SecRule", "actions are one word, in quotes")
	}
	if len(args) >= 1 {
		r.Targets = p.targets(args[0].span)
		if len(r.Targets) > 0 && !slices.ContainsFunc(r.Targets, func(t Target) bool { return !t.Not }) {
			p.wrong(args[0].pos(), "the rule looks at nothing: all its targets are negated", "name what they are taken from")
		}
	}
	if len(args) >= 2 {
		r.Operator = p.operator(args[1].span)
		list = args[1].end()
	}
	if len(args) >= 3 {
		list = args[2].span
	}
	p.rule(r, list)
}

// secAction reads SecAction ACTIONS.
func (p *parser) secAction(t span, args []word) {
	if len(args) != 1 {
		p.wrong(t.pos(), "SecAction has one word, in quotes", "")
		return
	}
	p.rule(&Rule{Pos: t.pos(), Severity: -1, Operator: Operator{Op: OpUnconditionalMatch}}, args[0].span)
}

// rule reads the actions of a rule, folds SecDefaultAction in and puts the rule into its place: the set, or the chain that is open.
func (p *parser) rule(r *Rule, t span) {
	if p.rules++; p.rules > rulesMax {
		if p.rules == rulesMax+1 {
			p.wrong(r.Pos, fmt.Sprintf("more than %d rules (rulesMax)", rulesMax), "")
		}
		return
	}
	var list []action
	if strings.Trim(t.s, space) != "" {
		list = p.splitActions(t)
	}
	b := &builder{in: inRule, rule: r, seen: map[string]Pos{}}
	if p.open != nil {
		b.in, b.starter, r.Phase = inLink, p.open.ID, p.open.Phase
	} else {
		r.Phase = p.phase(list, 2)
	}
	d := builtin
	if p.defaults[r.Phase] != nil {
		d = p.defaults[r.Phase]
	}
	r.Log, r.Audit, b.transforms = d.log, d.audit, slices.Clone(d.transforms)
	p.apply(b, list)
	r.Transforms = b.transforms
	if b.in == inLink {
		p.link(r, b)
		return
	}
	d.fold(b)
	p.start(r, b, t)
}

// fold gives the rule what it does not say itself.
func (d *defaults) fold(b *builder) {
	if _, own := b.seen["once "+verb]; !own || b.block {
		b.rule.Disruptive, b.rule.Redirect = d.disruptive, d.redirect
	}
	if b.rule.Status == 0 {
		b.rule.Status = d.status
	}
}

// start adds a rule to the set.
func (p *parser) start(r *Rule, b *builder, t span) {
	if _, named := b.seen["id"]; !named {
		p.wrong(r.Pos, "the rule has no id", "give it one: ids from 1 to 99999 are yours")
	}
	item := len(p.set.Items)
	p.set.Items = append(p.set.Items, Item{Rule: r})
	if r.ID != 0 {
		p.ids[r.ID] = item
	}
	if b.jump.s != "" {
		p.jumps = append(p.jumps, jump{r, item, b.jump})
	}
	if b.chain {
		p.open, p.last = r, r
	}
}

// link adds a rule to the chain that is open.
func (p *parser) link(r *Rule, b *builder) {
	p.last.Chain, p.last = r, r
	n := 0
	for range p.open.Links() {
		n++
	}
	if n > chainMax && b.chain {
		p.wrong(r.Pos, fmt.Sprintf("the chain of rule %d has more than %d links (chainMax)", p.open.ID, chainMax), "")
		b.chain = false
	}
	if !b.chain {
		p.open, p.last = nil, nil
	}
}

// unfinished reports a chain that does not end.
func (p *parser) unfinished() {
	if p.open == nil {
		return
	}
	p.wrong(p.last.Pos, "the chain of rule "+strconv.Itoa(p.open.ID)+" does not end: this rule has the action chain, and no rule follows", "remove chain")
	p.open, p.last = nil, nil
}

// phase finds the phase among actions.
func (p *parser) phase(list []action, otherwise int) int {
	for _, a := range list {
		if !strings.EqualFold(a.name.s, "phase") || a.value.s == "" {
			continue
		}
		switch v := strings.ToLower(a.value.s); v {
		case "request":
			return 2
		case "response":
			return 4
		case "logging":
			return 5
		case "1", "2", "3", "4", "5":
			return int(v[0] - '0')
		}
		p.wrong(a.value.pos(), "a phase is 1 to 5, request (2), response (4) or logging (5), not "+quote(a.value.s), meant(a.value.s, []string{"request", "response", "logging"}))
		return otherwise
	}
	return otherwise
}

// secDefaultAction reads what rules of a phase do if they do not say it.
func (p *parser) secDefaultAction(t span, args []word) {
	if len(args) != 1 {
		p.wrong(t.pos(), "SecDefaultAction has one word, in quotes", `as in SecDefaultAction "phase:1,log,auditlog,pass"`)
		return
	}
	list := p.splitActions(args[0].span)
	b := &builder{in: inDefault, rule: &Rule{Log: builtin.log, Audit: builtin.audit}, seen: map[string]Pos{}}
	p.apply(b, list)
	phase := p.phase(list, 0)
	_, acts := b.seen["once "+verb]
	_, phased := b.seen["phase"]
	switch {
	case !phased:
		p.wrong(args[0].pos(), "SecDefaultAction lacks a phase", "")
		return
	case !acts:
		p.wrong(args[0].pos(), "SecDefaultAction lacks a disruptive action", "pass, deny, drop or redirect")
		return
	case phase == 0:
		return
	case p.defaults[phase] != nil:
		p.wrong(t.pos(), "a second SecDefaultAction for phase "+strconv.Itoa(phase)+"; the first is at "+p.defaults[phase].at.String(), "keep one")
		return
	}
	r := b.rule
	p.defaults[phase] = &defaults{t.pos(), r.Disruptive, r.Redirect, r.Status, r.Log, r.Audit, b.transforms}
}
