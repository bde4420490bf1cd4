package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

func rateLimit(l *linter, s *statement) {
	if s.kind == "RateBasedStatement" {
		l.within(s.body.Get("Limit"), rateMin, 2_000_000_000, "")
	}
}

func rateKeys(l *linter, s *statement) {
	kind, ok := s.body.Get("AggregateKeyType").AsText()
	n := s.body.Get("CustomKeys")
	keys, known := count(n)
	switch {
	case !ok || s.kind != "RateBasedStatement":
	case kind == "CUSTOM_KEYS" && (known && (keys == 0 || keys > keysMax) || lacks(s.body, "CustomKeys")):
		l.find(s.body, "AggregateKeyType is CUSTOM_KEYS, and there are %d keys", keys)
	case kind != "CUSTOM_KEYS" && keys > 0:
		l.find(n, "AggregateKeyType is %s, and there are keys", short(kind))
	}
}

var rateKeyKinds = []string{
	"ASN", "Cookie", "ForwardedIP", "HTTPMethod", "Header", "IP", "JA3Fingerprint", "JA4Fingerprint", "LabelNamespace", "QueryArgument",
	"QueryString", "UriPath",
}

func rateKeyOne(l *linter, s *statement) {
	list, _ := entries(s.body.Get("CustomKeys"))
	for _, e := range list {
		if found, open := only(e.Node, rateKeyKinds...); e.Kind == schema.Map && !open && len(found) != 1 {
			l.find(e.Node, "this key has %d: %s", len(found), strings.Join(found, ", "))
		}
	}
}

func rateKeyIP(l *linter, s *statement) {
	list, _ := entries(s.body.Get("CustomKeys"))
	if n, known := count(s.body.Get("CustomKeys")); known && n == 1 && len(list) == 1 && (list[0].Get("IP") != nil || list[0].Get("ForwardedIP") != nil) {
		l.find(list[0].Node, "the address is the only key")
	}
}

func rateForwarded(l *linter, s *statement) {
	if s.kind != "RateBasedStatement" || !lacks(s.body, "ForwardedIPConfig") {
		return
	}
	list, _ := entries(s.body.Get("CustomKeys"))
	byKey := slices.ContainsFunc(list, func(e entry) bool { return e.sure && e.Get("ForwardedIP") != nil })
	if byKey || is(s.body.Get("AggregateKeyType"), "FORWARDED_IP") {
		l.find(s.body, "ForwardedIPConfig is missing")
	}
}

func rateConstant(l *linter, s *statement) {
	if is(s.body.Get("AggregateKeyType"), "CONSTANT") && lacks(s.body, "ScopeDownStatement") {
		l.find(s.body, "ScopeDownStatement is missing")
	}
}

func groupUnknown(l *linter, s *statement) {
	name, ok := s.body.Get("Name").AsText()
	if s.kind == "ManagedRuleGroupStatement" && ok && is(s.body.Get("VendorName"), "AWS") && schema.ManagedRules().Group(name) == nil {
		l.find(s.body.Get("Name"), "there is no %q", short(name))
	}
}

func groupRule(l *linter, s *statement) {
	name, _ := s.body.Get("Name").AsText()
	g := schema.ManagedRules().Group(name)
	if s.kind != "ManagedRuleGroupStatement" || g == nil || len(g.Rules) == 0 || !is(s.body.Get("VendorName"), "AWS") || has(s.body, "Version") {
		return
	}
	for _, list := range []string{"RuleActionOverrides", "ExcludedRules"} {
		items, _ := entries(s.body.Get(list))
		for _, e := range items {
			if rule, ok := e.Get("Name").AsText(); ok && g.Rule(rule) == nil {
				l.find(e.Get("Name"), "%s has no rule %q", name, short(rule))
			}
		}
	}
}

// configs says which group has which configuration, and what of it is needed.
var configs = map[string]struct {
	property string
	needs    []string
	required bool
}{
	"AWSManagedRulesBotControlRuleSet": {"AWSManagedRulesBotControlRuleSet", []string{"InspectionLevel"}, true},
	"AWSManagedRulesATPRuleSet":        {"AWSManagedRulesATPRuleSet", []string{"LoginPath"}, true},
	"AWSManagedRulesACFPRuleSet":       {"AWSManagedRulesACFPRuleSet", []string{"CreationPath", "RegistrationPagePath", "RequestInspection"}, true},
	"AWSManagedRulesAntiDDoSRuleSet":   {"AWSManagedRulesAntiDDoSRuleSet", []string{"ClientSideActionConfig"}, false},
}

func groupConfig(l *linter, s *statement) {
	name, ok := s.body.Get("Name").AsText()
	if s.kind != "ManagedRuleGroupStatement" || !ok || !is(s.body.Get("VendorName"), "AWS") {
		return
	}
	want, known := configs[name]
	list, open := entries(s.body.Get("ManagedRuleGroupConfigs"))
	found := false
	for _, e := range list {
		for _, f := range e.Fields {
			if !strings.HasPrefix(f.Name, "AWSManagedRules") {
				found = true // the old form of one of its parts
				continue
			}
			if f.Name != want.property {
				l.find(e.Node, "%s is no configuration of %s", short(f.Name), name)
				continue
			}
			found = true
			for _, need := range want.needs {
				if lacks(f.Value, need) {
					l.find(f.Value, "%s is missing", need)
				}
			}
		}
	}
	if known && want.required && !found && !open {
		l.find(s.body, "%s has no %s in ManagedRuleGroupConfigs", name, want.property)
	}
}

// wafScope compares the scope of a web ACL with that of what it refers to.
func wafScope(l *linter, s *statement) {
	own, _ := s.rule.in.Properties.Get("Scope").AsText()
	if own != "CLOUDFRONT" && own != "REGIONAL" || s.body.Get("Arn") == nil {
		return
	}
	arn := s.body.Get("Arn")
	if r, _ := l.refers(arn); r != nil {
		if other, known := r.Properties.Get("Scope").AsText(); known && other != own {
			l.find(arn, "%s has the scope %s", r.ID, short(other))
		}
		return
	}
	parts := strings.SplitN(prefix(arn), ":", 6)
	if len(parts) == 6 && parts[2] == "wafv2" && strings.HasPrefix(parts[5], "global/") != (own == "CLOUDFRONT") && strings.Contains(parts[5], "/") {
		l.find(arn, "its ARN is that of another scope than %s", own)
	}
}
