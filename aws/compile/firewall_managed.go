package compile

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// This file adds the rule groups that AWS manages: those of managed.yaml that are part of a firewall, and bot control.
//
// A group stands in a web ACL once for the routes whose firewall blocks, and once more, only counting, for those where it detects. A rule of
// it counts where the spec does not ask for it. Where that holds for some requests only, it counts for all, and a rule behind the groups
// refuses what it has labelled, but for those requests.

var managedRules = struct{ excludes, bots finding.Rule }{
	excludes: finding.Rule{
		ID: "firewall-excludes", Severity: finding.Warning,
		Meaning: "An exclusion of a rule of the Core Rule Set becomes one of whole rules of AWS, which find more than that rule, or of none.",
		Remedy:  "give the exclusion a path; look into the logs of AWS WAF which rules refuse what should pass",
		Witness: "a request that the exclusion is about", Source: "https://docs.aws.amazon.com/waf/latest/developerguide/waf-managed-rule-group-settings.html",
	},
	bots: finding.Rule{
		ID: "waf-bots", Severity: finding.Warning,
		Meaning: "Bot control refuses HTTP libraries and clients that are no browsers, which calls of programs are; targeted rules ask for a token that only browsers get.",
		Remedy:  "turn firewall.bots of the AWS document off, or give entrypoints for programs `waf: off`",
		Witness: "GET / with User-Agent: curl/8.0", Source: "https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-bot.html",
	},
}

// modes are the routes whose firewall blocks, and those where it detects.
type modes struct {
	groups []*laneGroup // that are not off, by all that matters for managed groups
	block  []bool
	detect []bool
}

func (a *acl) modes() modes {
	n := len(a.lanes.routes) + 1
	m := modes{block: make([]bool, n), detect: make([]bool, n)}
	for _, g := range a.lanes.by(managedKey) {
		if g.key == "" {
			continue
		}
		m.groups = append(m.groups, g)
		into := m.block
		if g.policy.WAF.Mode == spec.WAFDetect {
			into = m.detect
		}
		for i := range g.in {
			into[i] = into[i] || g.in[i]
		}
	}
	return m
}

func managedKey(p *spec.Policy) string {
	w := firewallOf(p)
	if w == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(string(w.Mode))
	if w.Mode == spec.WAFBlock {
		for _, e := range w.Exclude {
			fmt.Fprintf(&b, " %q %q %q %q", e.Rule, e.Target, e.Path, e.Methods)
		}
	}
	return b.String()
}

// managed adds the groups of the firewall, and the rules that refuse what they have labelled.
func (a *acl) managed() {
	m := a.modes()
	if len(m.groups) == 0 {
		return
	}
	a.tellExclusions(m)
	var behind []labelRule
	block, detect := a.zone(m.block), a.zone(m.detect)
	for _, g := range schema.ManagedRules().Groups {
		if !g.Firewall {
			continue
		}
		if block != none {
			overrides, labels, all := a.overrides(g, m)
			if !all {
				a.group(g, "", block, overrides, &model.WebACLOverrideAction{None: map[string]any{}})
				behind = append(behind, labels...)
			}
		}
		if detect != none {
			a.group(g, "-detect", detect, nil, &model.WebACLOverrideAction{Count: map[string]any{}})
		}
	}
	a.refuseLabels(m, behind)
}

func (a *acl) group(g *schema.ManagedGroup, suffix string, scope *statement, overrides []*model.WebACLRuleActionOverride, action *model.WebACLOverrideAction) {
	name := strings.TrimSuffix(strings.TrimPrefix(g.Name, "AWSManagedRules"), "RuleSet")
	a.add(bandManaged, "aws-"+name+suffix, spec.Pos{}, &model.WebACLRule{OverrideAction: action, Statement: &statement{
		ManagedRuleGroupStatement: &model.WebACLManagedRuleGroupStatement{
			VendorName: model.Text("AWS"), Name: model.Text(g.Name), ScopeDownStatement: scope, RuleActionOverrides: overrides,
		},
	}})
}

// labelRule is a managed rule that counts, and for which requests it should not have refused.
type labelRule struct {
	label string
	off   *statement
}

// overrides are the rules of a group that count; labels those that count for some requests only. all: every rule of it counts.
func (a *acl) overrides(g *schema.ManagedGroup, m modes) (list []*model.WebACLRuleActionOverride, labels []labelRule, all bool) {
	counting := 0
	for i := range g.Rules {
		r := &g.Rules[i]
		off := none
		if r.Counts != "" {
			off = nil
		} else {
			off = a.off(r, m)
		}
		if off == none {
			continue
		}
		list = append(list, &model.WebACLRuleActionOverride{Name: model.Text(r.Name), ActionToUse: count()})
		if off == nil {
			counting++
			continue
		}
		labels = append(labels, labelRule{r.Label, off})
	}
	return list, labels, counting == len(g.Rules)
}

// off fits the requests for which a managed rule is excluded; nil: all that it could refuse.
func (a *acl) off(r *schema.ManagedRule, m modes) *statement {
	var of []*statement
	whole := true // it is off for each group of routes that blocks
	for _, g := range m.groups {
		w := g.policy.WAF
		if w.Mode != spec.WAFBlock {
			continue
		}
		here := none
		for _, e := range w.Exclude {
			if stops(e, r) {
				here = or(here, scopeOf(e))
			}
		}
		if whole = whole && here == nil; here != none {
			of = append(of, and(a.lanes.reach(g.in, false), here))
		}
	}
	if whole {
		return nil
	}
	return or(of...)
}

// refuseLabels refuses what managed rules have labelled, but where they are excluded: one rule for all that are excluded alike.
func (a *acl) refuseLabels(m modes, list []labelRule) {
	var order []string
	byOff := map[string][]labelRule{}
	for _, l := range list {
		sum := model.Digest(l.off)
		if byOff[sum] == nil {
			order = append(order, sum)
		}
		byOff[sum] = append(byOff[sum], l)
	}
	slices.Sort(order)
	for _, sum := range order {
		var labels []*statement
		for _, l := range byOff[sum] {
			labels = append(labels, labelled(l.label))
		}
		var scope *statement
		if slices.Contains(m.detect, true) { // the group that only counts labels too
			scope = a.zone(m.block)
		}
		a.rule(bandLabels, "labels-"+sum[:digestLetters], spec.Pos{}, and(or(labels...), scope, not(byOff[sum][0].off)), a.refuse(403))
	}
}

// tellExclusions says what each exclusion becomes.
func (a *acl) tellExclusions(m modes) {
	type seen struct {
		at spec.Pos
		e  string
	}
	told := map[seen]bool{}
	for _, g := range m.groups {
		for _, e := range g.policy.WAF.Exclude {
			what := strings.TrimSpace(e.Rule + " " + e.Target + " " + e.Path)
			if told[seen{e.At, what}] || g.policy.WAF.Mode != spec.WAFBlock || ownList(e) {
				continue
			}
			told[seen{e.At, what}] = true
			at := &laneGroup{at: e.At, in: g.in}
			a.find(&managedRules.excludes, at, "spec.waf.exclude", "the exclusion of %s %s", what, becomes(e))
		}
	}
}

// ownList reports whether all that an exclusion names are rules of our own, for which it holds exactly.
func ownList(e spec.WAFExclude) bool {
	first, last := e.IDs()
	return first == last && slices.Contains([]int{crsMethods, crsTypes, crsCharsets, crsExtensions, crsHeaders}, first)
}

func becomes(e spec.WAFExclude) string {
	if vague(e) {
		return "is left out: no rule of AWS leaves out one value, and without a path it would be off everywhere"
	}
	var parts []string
	for _, g := range schema.ManagedRules().Groups {
		for i := range g.Rules {
			if r := &g.Rules[i]; stops(e, r) {
				parts = append(parts, r.Name+" ("+r.Confidence+")")
			}
		}
	}
	if len(parts) == 0 {
		return "has nothing to exclude: no rule of AWS stands for it"
	}
	where := "where it holds"
	if scopeOf(e) == nil {
		where = "everywhere"
	}
	return "makes these rules of AWS count " + where + " (in brackets how sure it is that they are meant): " + strings.Join(parts, ", ")
}

// bots adds bot control where the firewall is on.
func (a *acl) bots() {
	level := a.b.account.Firewall.Bots
	if level == "" || level == spec.BotsOff {
		return
	}
	config := &model.WebACLAWSManagedRulesBotControlRuleSet{InspectionLevel: model.Text(strings.ToUpper(string(level)))}
	if level == spec.BotsTargeted {
		config.EnableMachineLearning = model.Bool(true)
	}
	m := a.modes()
	for _, part := range []struct {
		in     []bool
		suffix string
		action *model.WebACLOverrideAction
	}{
		{m.block, "", &model.WebACLOverrideAction{None: map[string]any{}}},
		{m.detect, "-detect", &model.WebACLOverrideAction{Count: map[string]any{}}},
	} {
		scope := a.zone(part.in)
		if scope == none {
			continue
		}
		a.add(bandBots, "aws-BotControl"+part.suffix, spec.Pos{}, &model.WebACLRule{OverrideAction: part.action, Statement: &statement{
			ManagedRuleGroupStatement: &model.WebACLManagedRuleGroupStatement{
				VendorName: model.Text("AWS"), Name: model.Text("AWSManagedRulesBotControlRuleSet"), ScopeDownStatement: scope,
				ManagedRuleGroupConfigs: []*model.WebACLManagedRuleGroupConfig{{AWSManagedRulesBotControlRuleSet: config}},
			},
		}})
	}
	if a.zone(m.block) != none {
		a.find(&managedRules.bots, nil, "firewall.bots", "bot control is on, at the level %s", level)
	}
}
