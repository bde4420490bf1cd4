package waf

import (
	"bytes"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
)

// This file tells the log and the metrics what the rules found: which rules, on which variables, and values only where the
// policy logs them.

// note keeps what the log event says.
func (u *use) note() {
	facts, t, k := &u.x.Facts.Firewall, u.t, u.stage.keeper
	if l := t.Limit(); l != engine.LimitNone && facts.Limit == "" {
		facts.Limit = l.String()
	}
	if t.Would().Refused() {
		facts.Verdict = exchange.JudgedRefused
	}
	if facts.Verdict == exchange.JudgedNot {
		facts.Verdict = exchange.JudgedPassed
	}
	if !t.Matched() {
		return
	}
	facts.Score = t.Score()
	at := 0
	t.Matches(func(m engine.Match) bool {
		if at++; at <= u.noted || !m.Logged || m.Link > 0 {
			return true
		}
		n := len(facts.Rules)
		if n == 0 || facts.Rules[n-1].Rule != m.Rule {
			if n == rulesMax {
				return false
			}
			facts.Rules = append(facts.Rules, exchange.FirewallMatch{Rule: m.Rule, Msg: clipped(m.Msg), Data: clipped(m.Data)})
			n++
			if c := k.matched[crs.Family(m.Rule)]; c != nil {
				c.Inc()
			}
		}
		if r := &facts.Rules[n-1]; m.Var != seclang.VarNone && len(r.Vars) < varsMax {
			r.Vars = append(r.Vars, nameOf(&m, u.stage.policy.values))
		}
		return true
	})
	u.noted = at
}

// nameOf is the variable as SecLang writes it: ARGS_GET:q. Who asks chooses the keys, which are values to rules about names: only
// one that is plainly a name is written, others are a star, unless the policy logs values.
func nameOf(m *engine.Match, values bool) string {
	switch {
	case len(m.Key) == 0:
		return m.Var.String()
	case values:
		return m.Var.String() + ":" + clipped(m.Key)
	case !isName(m.Key):
		return m.Var.String() + ":*"
	}
	return m.Name()
}

// clipped is a text in a length for the log.
func clipped(b []byte) string { return string(b[:min(len(b), textBytesMax)]) }

// isName reports whether a key looks like the names that forms, JSON documents and fields have.
func isName(key []byte) bool {
	if string(key) == "/*" || string(key) == "//@*" { // of XML: the rules' own
		return true
	}
	if len(key) > varBytesMax || bytes.Contains(key, []byte("..")) {
		return false
	}
	for _, c := range key {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '-', c == '.', c == '[', c == ']', c == '$', c == ':':
		default:
			return false
		}
	}
	return true
}

// count counts the verdict.
func (u *use) count() {
	facts, k := &u.x.Facts.Firewall, u.stage.keeper
	switch {
	case facts.Limit != "":
		k.judged[verdictLimit].Inc()
	case facts.Verdict == exchange.JudgedRefused && facts.Detect:
		k.judged[verdictDetected].Inc()
	case facts.Verdict == exchange.JudgedRefused:
		k.judged[verdictRefused].Inc()
	}
}
