package adopt

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// This file takes over groups of rules: those that AWS manages, for which the Core Rule Set stands in, and one's own.

const (
	botControl    = "AWSManagedRulesBotControlRuleSet"
	bodyRule      = "SizeRestrictions_BODY" // of the common rule set: bodies of more than 8 KB
	bodyRuleLabel = "awswaf:managed:aws:core-rule-set:SizeRestrictions_Body"
	extendRule    = "RestrictedExtensions_URIPATH" // of it: extensions of paths
)

// managed takes over a group that somebody else manages.
func (w *webACL) managed(r *wafRule, body *schema.Node) {
	name, vendor := body.Get("Name").String(), body.Get("VendorName").String()
	var g *schema.ManagedGroup
	if vendor == "AWS" {
		g = schema.ManagedRules().Group(name)
	}
	scope, rest := &expr{op: opEvery}, []*expr(nil)
	if n := body.Get("ScopeDownStatement"); n != nil {
		scope, rest = expression(n, w.labels).split()
	}
	switch {
	case name == botControl && g != nil:
		w.bots(r, body)
		return
	case (g == nil || !g.Firewall) && r.action == "Count":
		w.refuse(r, &wafRules.count, "the group %s of %s only counts", name, vendor)
		return
	case g == nil || !g.Firewall:
		w.refuse(r, &wafRules.group, "nothing stands for the group %s of %s", name, vendor)
		return
	}
	off := w.overrides(r, g, body)
	w.f.ledger.near(body.Get("Version"), w.users+": waf", &wafRules.managed, "the version of "+name+" is pinned; the Core Rule Set comes with the edge")
	text := fmt.Sprintf("the Core Rule Set stands in for %s: %s", name, g.About)
	if lost := withoutCRS(g, off); len(lost) > 0 && r.action != "Count" {
		about := "the group " + name + " has rules for which nothing of the Core Rule Set stands: " + strings.Join(lost, ", ")
		if !slices.ContainsFunc(lost, func(n string) bool { return g.Rule(n).Counts != "" }) {
			about += "; compiled for AWS, the group is there again, and on an edge of one's own it is not"
		}
		w.f.ledger.near(body.Get("Name"), w.users+": waf", &wafRules.managedLost, about)
	}
	if r.action == "Count" {
		text += "; it only counts: where other groups refuse, what stands for it is excluded"
	}
	if len(rest) > 0 {
		text += "; it holds for all requests to these paths, though the group asks for more than the path"
	}
	w.taken(r, "waf", scope, &wafRules.managed, text, statusForbidden)
	w.add(r, scope, func(p *lanePolicy) { p.waf.group(g, off, r.action == "Count") })
}

// elsewhere are rules whose requests the edge refuses by itself: sizes and extensions by what is read of the group, methods that
// CloudFront does not have, and hosts that no entrypoint has.
var elsewhere = []string{bodyRule, extendRule, "PROPFIND_METHOD", "Host_localhost_HEADER"}

// withoutCRS are the rules of a group that refuse and that nothing of the Core Rule Set stands for.
func withoutCRS(g *schema.ManagedGroup, off map[string]bool) (names []string) {
	for i := range g.Rules {
		if r := &g.Rules[i]; len(r.CRS) == 0 && !off[r.Name] && !slices.Contains(elsewhere, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// overrides are the rules of a group that do not refuse.
func (w *webACL) overrides(r *wafRule, g *schema.ManagedGroup, body *schema.Node) map[string]bool {
	l := w.f.ledger
	off := map[string]bool{}
	for _, n := range body.Get("ExcludedRules").List() {
		w.override(g, n, "Count", off)
	}
	for _, n := range body.Get("RuleActionOverrides").List() {
		action, _ := only(n.Get("ActionToUse"))
		w.override(g, n, action, off)
	}
	l.exact(body.Get("ExcludedRules"), "", "no rule is excluded")
	l.exact(body.Get("RuleActionOverrides"), "", "no rule does something else than its group")
	l.exact(body.Get("VendorName"), w.users+": waf", "")
	return off
}

func (w *webACL) override(g *schema.ManagedGroup, n *schema.Node, action string, off map[string]bool) {
	l := w.f.ledger
	name := n.Get("Name").String()
	rule := g.Rule(name)
	switch {
	case rule == nil:
		l.refuse(n, &wafRules.override, "no rule "+name+" of "+g.Name+" is known")
	case action == "Count" || action == "Allow":
		off[name] = true
		switch {
		case rule.Counts != "":
			l.exact(n, "", "it refuses nothing here either")
		case len(rule.CRS) == 0:
			l.near(n, "", &wafRules.override, "the rule "+name+" refuses nothing, and nothing of the Core Rule Set stands for it")
		default:
			l.near(n, w.users+": waf.exclude", &wafRules.override,
				"the rule "+name+" refuses nothing: what stands for it ("+rule.Confidence+" confidence) is excluded, as far as no other rule that "+
					"refuses is the same")
		}
	case action == "Block":
		l.near(n, w.users+": waf", &wafRules.override, "the rule "+name+" refuses, as what stands for it")
	default:
		l.near(n, w.users+": waf", &wafRules.override,
			"the rule "+name+" asks for a proof that there is a browser ("+action+"), what stands for it refuses")
	}
}

// bots takes over bot control, for the account.
func (w *webACL) bots(r *wafRule, body *schema.Node) {
	level := ""
	for _, c := range body.Get("ManagedRuleGroupConfigs").List() {
		if is := c.Path(botControl, "InspectionLevel").String(); is != "" {
			level = strings.ToLower(is)
		}
	}
	switch {
	case r.action == "Count":
		w.refuse(r, &wafRules.count, "bot control only counts")
	case level != "common" && level != "targeted" || !w.groups():
		w.refuse(r, &wafRules.group, "bot control goes with a firewall; on the edge itself nothing stands for it")
	default:
		w.account.bots(level)
		w.labelled(r)
		const became = "AWS: firewall.bots"
		w.f.ledger.near(body.Get("Name"), became, &wafRules.managedLost,
			"bot control is there again when it is compiled for AWS, and on an edge of one's own nothing stands for it")
		w.f.ledger.near(r.node, became, &wafRules.managed,
			"bot control is what the compiler adds to every firewall of the account, and its rules have no settings")
	}
}

// ownGroup takes over the rules of a group of the account, as if they stood in the web ACL.
func (w *webACL) ownGroup(r *wafRule, body *schema.Node) {
	group := w.f.target(body.Get("Arn"), "AWS::WAFv2::RuleGroup")
	l := w.f.ledger
	if group == nil {
		w.refuse(r, &wafRules.open, "the rule group of %s is not in the input", r.name)
		return
	}
	actions := map[string]string{}
	for _, n := range body.Get("ExcludedRules").List() {
		actions[n.Get("Name").String()] = "Count"
	}
	for _, n := range body.Get("RuleActionOverrides").List() {
		actions[n.Get("Name").String()], _ = only(n.Get("ActionToUse"))
	}
	w.labelled(r)
	again := slices.Contains(w.account.groups, group)
	if again { // its rules may do something else here, and the rows of its own say what has become of the first reference
		w.f.ledger = l.apart(group.Props)
		defer func() {
			worst := w.f.ledger.worst()
			if w.f.ledger = l; worst != nil && worst.Rule != nil {
				l.say(r.node, worst.Verdict, worst.Became, worst.Rule, "the group "+group.Name+" is referred to once more, and here "+worst.Text)
			}
			l.exact(r.node, "", "its rules are taken over one by one")
		}()
	} else {
		l.exact(r.node, "", "its rules are taken over one by one")
	}
	w.account.seen(group)
	before, labels := w.answers, w.labels // a group has labels of its own
	w.answers, w.labels = map[string][]int{}, map[string]*expr{}
	for _, inner := range w.sorted(group.Props.Get("Rules")) {
		if is := actions[inner.name]; is != "" {
			inner.action = is
		}
		if r.action == "Count" {
			inner.action = "Count"
		}
		w.rule(inner)
	}
	w.pagesOf(group.Props)
	w.answers, w.labels = before, labels
	for _, name := range []string{"Name", "Description", "Scope", "Capacity", "VisibilityConfig", "AvailableLabels", "ConsumedLabels"} {
		w.f.ledger.exact(group.Props.Get(name), "", "the compiler has its own")
	}
	w.f.ledger.refuse(group.Props.Get("Tags"), &wafRules.detail, "Tags of a rule group have no field in a spec")
}

// labelRule takes over a rule that refuses what managed rules have labelled, but on some paths.
func (w *webACL) labelRule(r *wafRule, e *expr) bool {
	var keys []string
	var places []exempt
	scope := &expr{op: opAll, node: e.node}
	all := []*expr{e}
	if e.op == opAll {
		all = e.of
	}
	for _, of := range all {
		if list := labelsIn(of); list != nil && keys == nil {
			keys = list
			continue
		}
		if of.op == opNot && !slices.Contains(keys, bodyRuleLabel) {
			if list, ok := placesOf(of.of[0]); ok {
				places = append(places, list...)
				continue
			}
		}
		if !of.paths() {
			return false
		}
		scope.of = append(scope.of, of)
	}
	if keys == nil || r.action == "Count" || r.action == "Allow" {
		return false
	}
	if slices.ContainsFunc(keys, func(k string) bool {
		m := ruleLabelled(k)
		return len(m.CRS) == 0 && !slices.Contains(elsewhere, m.Name)
	}) {
		return false // nothing would refuse what the label stands for
	}
	for _, p := range places {
		if one := (exclusion{ids: schema.RuleIDs{First: crsTypes, Last: crsTypes}}).said(p); !sayable(said{"waf", []said{{"exclude", [][]said{one}}}}) {
			return false
		}
	}
	w.taken(r, "waf.exclude", scope, &wafRules.override,
		"the rule "+r.name+" refuses what managed rules that count have labelled: what stands for them is excluded only "+
			"where it does not hold", statusForbidden)
	w.add(r, scope, func(p *lanePolicy) {
		for _, k := range keys {
			p.waf.back[k] = append(p.waf.back[k], places...)
			p.waf.refused[k] = true
		}
	})
	return true
}

// labelsIn are the labels of managed rules of which a condition fits one; nil: it is another one.
func labelsIn(e *expr) (keys []string) {
	of := []*expr{e}
	if e.op == opAny {
		of = e.of
	}
	for _, one := range of {
		kind, body := only(one.node)
		key := body.Get("Key").String()
		if kind != "LabelMatchStatement" || !strings.HasPrefix(key, "awswaf:managed:aws:") || ruleLabelled(key) == nil {
			return nil
		}
		keys = append(keys, key)
	}
	return keys
}

// ruleLabelled is the managed rule that has a label; nil: none of the firewall.
func ruleLabelled(label string) *schema.ManagedRule {
	for _, g := range schema.ManagedRules().Groups {
		if i := slices.IndexFunc(g.Rules, func(r schema.ManagedRule) bool { return r.Label == label }); i >= 0 && g.Firewall {
			return &g.Rules[i]
		}
	}
	return nil
}
