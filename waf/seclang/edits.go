package seclang

import "fmt"

// edit adds a change of rules.
func (p *parser) edit(e Edit) {
	switch n := len(p.set.Edits); {
	case n > editsMax:
	case n == editsMax:
		p.wrong(e.Pos, fmt.Sprintf("more than %d changes of rules (editsMax)", editsMax), "")
		fallthrough
	default:
		p.set.Edits = append(p.set.Edits, e)
	}
}

// removeByID reads SecRuleRemoveById ID….
func (p *parser) removeByID(t span, args []word) {
	e := Edit{Pos: t.pos(), Kind: EditRemoveByID}
	if len(args) == 0 {
		p.wrong(t.pos(), "SecRuleRemoveById names no rule", "as in SecRuleRemoveById 942100 942200-942299")
		return
	}
	if p.editRanges(&e, args) {
		p.edit(e)
	}
}

// editRanges reads ids and ranges from each word.
func (p *parser) editRanges(e *Edit, args []word) bool {
	for _, a := range args {
		ranges, f := readRanges(a.span)
		if p.noted(f) {
			return false
		}
		e.Ranges = append(e.Ranges, ranges...)
	}
	return true
}

// removeBy reads SecRuleRemoveByTag and SecRuleRemoveByMsg. The pattern is a regular expression, as in ModSecurity 2; for Coraza and
// ModSecurity 3 it is the whole tag or message.
func (p *parser) removeBy(kind EditKind, name string, t span, args []word) {
	if len(args) != 1 {
		p.wrong(t.pos(), name+" has one pattern", "put it in quotes if it has spaces")
		return
	}
	if !p.noted(label(args[0].span)) {
		p.edit(Edit{Pos: t.pos(), Kind: kind, Pattern: args[0].s})
	}
}

// updateTargetByID reads SecRuleUpdateTargetById ID… TARGETS.
func (p *parser) updateTargetByID(t span, args []word) {
	e := Edit{Pos: t.pos(), Kind: EditUpdateTargetByID}
	n := len(args) - 1
	if n < 1 {
		p.wrong(t.pos(), "SecRuleUpdateTargetById has rule ids and targets", `as in SecRuleUpdateTargetById 942100 "!ARGS:q"`)
		return
	}
	if _, f := readRanges(args[n-1].span); f != nil && n == 2 {
		p.wrong(args[n].pos(), "replacing one target by another is not offered", "negate the one and add the other")
		return
	}
	if p.editRanges(&e, args[:n]) {
		e.Targets = p.targets(args[n].span)
		p.edit(e)
	}
}

// updateTargetBy reads SecRuleUpdateTargetByTag and SecRuleUpdateTargetByMsg.
func (p *parser) updateTargetBy(kind EditKind, name string, t span, args []word) {
	if len(args) != 2 {
		p.wrong(t.pos(), name+" has a pattern and targets", `as in `+name+` "attack-sqli" "!ARGS:q"`)
		return
	}
	f := label(args[0].span)
	targets := p.targets(args[1].span)
	if !p.noted(f) {
		p.edit(Edit{Pos: t.pos(), Kind: kind, Pattern: args[0].s, Targets: targets})
	}
}

// updateActionByID reads SecRuleUpdateActionById ID… ACTIONS.
func (p *parser) updateActionByID(t span, args []word) {
	e := Edit{Pos: t.pos(), Kind: EditUpdateActionByID}
	n := len(args) - 1
	if n < 1 {
		p.wrong(t.pos(), "SecRuleUpdateActionById has rule ids and actions", `as in SecRuleUpdateActionById 901450 "nolog"`)
		return
	}
	b := &builder{in: inUpdate, rule: &Rule{Severity: -1}, seen: map[string]Pos{}}
	p.apply(b, p.splitActions(args[n].span))
	if b.block {
		p.wrong(b.seen["block"], "block depends on a rule's phase and cannot be what SecRuleUpdateActionById sets", "name the action: deny, drop or pass")
	}
	e.Update = b.update()
	if p.editRanges(&e, args[:n]) {
		p.edit(e)
	}
}

// update is what the actions changed.
func (b *builder) update() *Update {
	r := b.rule
	u := &Update{
		Status: r.Status, Actions: r.Actions, Msg: r.Msg, LogData: r.LogData, Tags: r.Tags, Severity: r.Severity, SkipAfter: r.SkipAfter,
	}
	if _, ok := b.seen["once "+verb]; ok {
		u.Disruptive = &r.Disruptive
	}
	if _, ok := b.seen["set log"]; ok {
		u.Log = &r.Log
	}
	if _, ok := b.seen["set audit"]; ok {
		u.Audit = &r.Audit
	}
	if _, ok := b.seen["t"]; ok {
		u.Transforms = &b.transforms
	}
	return u
}
