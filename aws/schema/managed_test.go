package schema

import (
	"regexp"
	"strings"
	"testing"
)

// Every line of the file is whole: labels below the namespace, a reason or a judgement, names once.
func TestManagedLinesAreWhole(t *testing.T) {
	m := ManagedRules()
	if !regexp.MustCompile(`^20\d\d-\d\d-\d\d$`).MatchString(m.Date) {
		t.Errorf("date %q", m.Date)
	}
	seen := map[string]bool{}
	for _, g := range m.Groups {
		if seen[g.Name] || !strings.HasPrefix(g.Name, "AWSManagedRules") || !strings.HasPrefix(g.Page, "https://docs.aws.amazon.com/waf/") {
			t.Errorf("%s: named twice, not AWS's, or without a page", g.Name)
		}
		seen[g.Name] = true
		if !g.Firewall && g.Note == "" {
			t.Errorf("%s: nothing says why it is no part of the firewall", g.Name)
		}
		for _, r := range g.Rules {
			if seen[g.Name+r.Name] {
				t.Errorf("%s: %s stands twice", g.Name, r.Name)
			}
			seen[g.Name+r.Name] = true
			if g.Firewall && !strings.HasPrefix(r.Label, g.Namespace+":") {
				t.Errorf("%s: %s has no label, so that no exclusion can have a path", g.Name, r.Name)
			}
			if (len(r.CRS) > 0) != (r.Confidence == "high" || r.Confidence == "medium" || r.Confidence == "low") {
				t.Errorf("%s: %s: crs and confidence belong together", g.Name, r.Name)
			}
		}
	}
}

// The facts that others lean on, as AWS has them.
func TestManagedFacts(t *testing.T) {
	m := ManagedRules()
	for name, capacity := range map[string]int{
		"AWSManagedRulesCommonRuleSet": 700, "AWSManagedRulesKnownBadInputsRuleSet": 200, "AWSManagedRulesSQLiRuleSet": 200,
		"AWSManagedRulesLinuxRuleSet": 200, "AWSManagedRulesUnixRuleSet": 100, "AWSManagedRulesWindowsRuleSet": 200,
		"AWSManagedRulesPHPRuleSet": 100, "AWSManagedRulesAmazonIpReputationList": 25, "AWSManagedRulesBotControlRuleSet": 50,
	} {
		g := m.Group(name)
		if g == nil || g.Capacity != capacity {
			t.Errorf("%s: %+v, want a capacity of %d", name, g, capacity)
		}
	}
	rule := m.Group("AWSManagedRulesSQLiRuleSet").Rule("SQLiExtendedPatterns_URIPATH")
	if rule.Label != "awswaf:managed:aws:sql-database:SQLiExtendedPatterns_UriPath" || rule.Looks() != "URIPATH" {
		t.Errorf("%+v", rule)
	}
	if m.Group("AWSManagedRulesNothing") != nil || m.Group("AWSManagedRulesSQLiRuleSet").Rule("SQLi") != nil {
		t.Error("what is not there was found")
	}
	if got := m.Tagged("attack-sqli"); len(got) != 1 || !got[0].Overlaps(RuleIDs{942100, 942100}) || got[0].Overlaps(RuleIDs{941100, 941999}) {
		t.Errorf("attack-sqli is %v", got)
	}
	if len(m.Extensions) < 90 || len(m.Headers) != 10 {
		t.Errorf("%d extensions and %d headers are restricted", len(m.Extensions), len(m.Headers))
	}
	for _, e := range m.Extensions {
		if !strings.HasPrefix(e, ".") || strings.ToLower(e) != e {
			t.Errorf("%q is no extension", e)
		}
	}
}

func TestManagedRefusesWhatIsNotWhole(t *testing.T) {
	for _, text := range []string{
		"groups: [{name: G, capacity: 0, namespace: n, page: p}]",
		"groups: [{name: G, capacity: 1, namespace: n, page: p, rules: [{name: R, crs: 9-1}]}]",
		"groups: [{name: G, capacity: 1, namespace: n, page: p, rules: [{name: R, crs: x}]}]",
		"groups: [{name: G, capacity: 1, namespace: n, page: p, other: 1}]",
		"tags: {t: 1-x}",
		"restricted: {extensions: [.inf]}", // infinity, for YAML
		"date: 2026-11-22\n---\ndate: 2026-11-22",
	} {
		if _, err := parseManaged([]byte(text)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}
