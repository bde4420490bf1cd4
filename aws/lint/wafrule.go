package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// wafRuleRows are about one rule of a web ACL or a rule group.
var wafRuleRows = []row[*wafRule]{
	{rule("waf-action", refuses,
		"a rule has Action; one with a rule group has OverrideAction instead",
		"write exactly one of them, the one that goes with the statement",
		"Action and OverrideAction", wafAPI+"Rule.html"), wafAction},
	{rule("waf-action-one", refuses,
		"an action is exactly one of those that there are",
		"keep one",
		"Action: {Block: {}, Count: {}}", wafAPI+"RuleAction.html"), wafActionOne},
	{rule("waf-rate-allow", refuses,
		"a rate rule does anything but Allow",
		"Block, Count, Captcha or Challenge",
		"Action: Allow with RateBasedStatement", waf+"waf-rule-statement-type-rate-based.html"), rateAllow},
	{rule("waf-label", refuses,
		"a label has up to five namespaces and a name, of letters, digits, hyphens and underscores",
		"rename it",
		"a b", waf+"waf-rule-label-requirements.html"), wafLabel},
	{rule("waf-label-reserved", refuses,
		"a label does not use the words that AWS keeps",
		"other words than awswaf, aws, waf, rulegroup, webacl, regexpatternset, ipset and managed",
		"waf:seen", waf+"waf-rule-label-requirements.html"), labelReserved},
	{rule("waf-header", refuses,
		"the name of a field that AWS WAF adds has letters, digits and $_.-",
		"rename it",
		"Name: my header", wafAPI+"CustomHTTPHeader.html"), wafHeader},
}

// groupStatements are the statements that stand for a whole rule group.
func (s *statement) isGroup() bool {
	return s.kind == "ManagedRuleGroupStatement" || s.kind == "RuleGroupReferenceStatement"
}

func wafAction(l *linter, w *wafRule) {
	action, override := w.Get("Action"), w.Get("OverrideAction")
	known := w.top != nil && w.top.kind != ""
	switch {
	case has(w.Node, "Action") && has(w.Node, "OverrideAction"):
		l.find(override, "the rule %s has both", w.Get("Name").String())
	case known && w.top.isGroup() && has(w.Node, "Action"):
		l.find(action, "the rule %s is a rule group and has Action", w.Get("Name").String())
	case known && w.top.isGroup() && lacks(w.Node, "OverrideAction"):
		l.find(w.Node, "the rule %s is a rule group and has no OverrideAction", w.Get("Name").String())
	case known && !w.top.isGroup() && has(w.Node, "OverrideAction"):
		l.find(override, "the rule %s is no rule group and has OverrideAction", w.Get("Name").String())
	case known && !w.top.isGroup() && lacks(w.Node, "Action"):
		l.find(w.Node, "the rule %s has no Action", w.Get("Name").String())
	}
}

var actions = []string{"Allow", "Block", "Count", "Captcha", "Challenge", "Monetize"}

func wafActionOne(l *linter, w *wafRule) {
	for name, kinds := range map[string][]string{"Action": actions, "OverrideAction": {"None", "Count"}} {
		n := w.Get(name)
		if found, open := only(n, kinds...); n.Known() && !open && len(found) != 1 {
			l.find(n, "%s has %d of %s", name, len(found), strings.Join(kinds, ", "))
		}
	}
}

func rateAllow(l *linter, w *wafRule) {
	if w.top != nil && w.top.kind == "RateBasedStatement" && has(w.Get("Action"), "Allow") {
		l.find(w.Get("Action"), "the rule %s has Allow", w.Get("Name").String())
	}
}

// labelFlaw says what is wrong with a label; empty: nothing.
func labelFlaw(name string) string {
	parts := strings.Split(name, ":")
	if len(parts) > namespacesMax+1 {
		return "it has " + itoa(len(parts)-1) + " namespaces"
	}
	for _, p := range parts {
		if p == "" || len(p) > labelPartMax || strings.Trim(p, hostBytes) != "" || strings.ContainsFunc(p, func(r rune) bool { return !strings.ContainsRune(hostBytes, r) }) {
			return "one of its parts is " + `"` + short(p) + `"`
		}
	}
	return ""
}

func (w *wafRule) labels() []entry {
	list, _ := entries(w.Get("RuleLabels"))
	return list
}

func wafLabel(l *linter, w *wafRule) {
	for _, e := range w.labels() {
		if name, ok := e.Get("Name").AsText(); ok {
			if flaw := labelFlaw(name); flaw != "" {
				l.find(e.Get("Name"), "%q is no label: %s", short(name), flaw)
			}
		}
	}
	if n := len(w.labels()); n > labelsMax {
		l.find(w.Get("RuleLabels"), "there are %d labels, the limit is %d", n, labelsMax)
	}
}

var reserved = strings.Fields("awswaf aws waf rulegroup webacl regexpatternset ipset managed")

func labelReserved(l *linter, w *wafRule) {
	for _, e := range w.labels() {
		name, _ := e.Get("Name").AsText()
		for _, part := range strings.Split(name, ":") {
			if slices.Contains(reserved, part) {
				l.find(e.Get("Name"), "%q has the word %s", short(name), part)
			}
		}
	}
}

func wafHeader(l *linter, w *wafRule) {
	check := func(list *schema.Node) {
		items, _ := entries(list)
		for _, e := range items {
			name, ok := e.Get("Name").AsText()
			if ok && (name == "" || len(name) > 64 || strings.Trim(name, hostBytes+"$.") != "") {
				l.find(e.Get("Name"), "%q is no such name", short(name))
			}
		}
	}
	check(w.Path("Action", "Block", "CustomResponse", "ResponseHeaders"))
	for _, a := range []string{"Allow", "Count", "Captcha", "Challenge"} {
		check(w.Path("Action", a, "CustomRequestHandling", "InsertHeaders"))
	}
}
