package seclang

import "strings"

// applySetvar reads tx.name, tx.name=value, tx.name=+n, tx.name=-n and !tx.name.
func applySetvar(p *parser, b *builder, a action) {
	s := SetVar{Op: SetTo}
	t := a.value
	if strings.HasPrefix(t.s, "!") {
		s.Op, t = SetRemove, t.from(1)
	}
	left, value, valued := t.cut("=")
	collection, name, dotted := left.cut(".")
	switch c := strings.ToLower(collection.trim().s); {
	case c == "ip" || c == "global" || c == "session" || c == "user" || c == "resource":
		p.wrong(collection.pos(), "setvar on "+c+" is not offered: "+outlives, "")
		return
	case c != "tx":
		p.wrong(collection.pos(), "setvar sets variables of TX, not of "+quote(collection.s), "write tx.NAME=VALUE")
		return
	case !dotted || name.trim().s == "":
		p.wrong(left.pos(), "setvar lacks the variable's name", "write tx.NAME=VALUE")
		return
	case s.Op == SetRemove && valued:
		p.wrong(value.pos(), "setvar both removes and sets", "leave out ! or the value")
		return
	}
	s.Name = p.macros(name)
	for i := range s.Name {
		s.Name[i].Literal = lower(s.Name[i].Literal)
	}
	switch {
	case s.Op == SetRemove:
	case !valued:
		s.Value = Text{{Literal: "1"}}
	case strings.HasPrefix(value.s, "+"), strings.HasPrefix(value.s, "-"):
		s.Op = SetAdd
		if value.s[0] == '-' {
			s.Op = SetSub
		}
		s.Value = p.macros(value.from(1))
		if n, fixed := s.Value.Fixed(); fixed && (!integer(n) || n[0] == '+' || n[0] == '-') {
			p.wrong(value.pos(), "setvar adds and subtracts whole numbers, and "+quote(n)+" is none", "a value may not begin with + or -")
		}
	default:
		s.Value = p.macros(value)
	}
	b.rule.Actions = append(b.rule.Actions, Action{Set: &s})
}
