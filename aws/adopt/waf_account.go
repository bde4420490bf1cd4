package adopt

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// This file is about what belongs to no single web ACL: the fields of the AWS document, logs, sets, and what is left over.

// accountSaid is what the AWS document gets of AWS WAF.
type accountSaid struct {
	f      *found
	kb     int
	level  string // of bot control
	log    string
	groups []*resource // that web ACLs have
	acls   []*resource // that are taken over
}

func (a *accountSaid) fields() (list []said) {
	if a.log != "" {
		list = append(list, said{"logs", []said{{"waf", a.log}}})
	}
	var firewall []said
	if a.kb > 0 && a.kb != bodyKB {
		firewall = append(firewall, said{"bodyKB", a.kb})
	}
	if a.level != "" {
		firewall = append(firewall, said{"bots", a.level})
	}
	if len(firewall) > 0 {
		list = append(list, said{"firewall", firewall})
	}
	return list
}

// inspects notes how much of a body is looked at; the document has one size for all.
func (a *accountSaid) inspects(n *schema.Node, kb int) {
	const became = "AWS: firewall.bodyKB"
	if a.kb != 0 && a.kb != kb {
		a.f.ledger.near(n, became, &wafRules.sizes,
			fmt.Sprintf("web ACLs look at %d and %d KB of bodies; the document has one size for all, the larger one", a.kb, kb))
	} else {
		a.f.ledger.exact(n, became, "")
	}
	a.kb = max(a.kb, kb)
}

// bots notes a level of bot control.
func (a *accountSaid) bots(level string) {
	if a.level != "targeted" {
		a.level = level
	}
}

func (a *accountSaid) seen(group *resource) { a.groups = append(a.groups, group) }

// close speaks of what is left once all web ACLs are read.
func (a *accountSaid) close() {
	l := a.f.ledger
	for _, r := range a.f.of("AWS::WAFv2::LoggingConfiguration") {
		a.logging(r)
	}
	for _, r := range a.f.of("AWS::WAFv2::WebACLAssociation") {
		l.refuse(r.Props, &wafRules.regional, "a web ACL of a distribution is named by the distribution; this one protects something else")
	}
	for _, r := range a.f.of("AWS::WAFv2::RuleGroup") {
		if !slices.Contains(a.groups, r) {
			l.refuse(r.Props, &wafRules.unused, "no web ACL that is taken over has this rule group")
		}
	}
	uses := a.uses()
	for _, kind := range []string{"AWS::WAFv2::IPSet", "AWS::WAFv2::RegexPatternSet"} {
		for _, r := range a.f.of(kind) {
			a.set(r, uses[r])
		}
	}
}

// logging takes over where a web ACL sends its log.
func (a *accountSaid) logging(r *resource) {
	l := a.f.ledger
	acl := a.f.target(r.Props.Get("ResourceArn"), "AWS::WAFv2::WebACL")
	if acl == nil || !slices.Contains(a.acls, acl) {
		l.refuse(r.Props, &wafRules.unused, "it is the log of a web ACL that is not taken over")
		return
	}
	l.exact(r.Props.Get("ResourceArn"), "AWS: logs.waf", "")
	const became = "AWS: logs.waf"
	for i, to := range r.Props.Get("LogDestinationConfigs").List() {
		name, known := to.AsText()
		switch {
		case !known || !reads("AWS", []said{{"logs", []said{{"waf", name}}}}):
			l.refuse(to, &wafRules.open, "where the log goes is known only when it is deployed, or is no ARN of a destination")
		case i > 0 || a.log != "" && a.log != name:
			l.refuse(to, &wafRules.log, "the document has one destination for the logs of all web ACLs")
		default:
			a.log = name
			l.exact(to, became, "")
		}
	}
	kept := map[string]bool{}
	for _, n := range r.Props.Get("RedactedFields").List() {
		kind, body := only(n)
		name := strings.ToLower(body.Get("Name").String())
		if kind == "SingleHeader" && (name == "authorization" || name == "cookie") {
			kept[name] = true
			l.exact(n, became, "the compiler keeps it out of the log too")
			continue
		}
		l.refuse(n, &wafRules.private, strings.TrimSpace(kind+" "+name)+" is kept out of the log, and the compiler keeps out only Authorization and Cookie")
	}
	l.refuse(r.Props.Get("LoggingFilter"), &wafRules.log, "the filter drops some requests; the compiler's log has all of them")
}

// uses are the values that refer to sets.
func (a *accountSaid) uses() map[*resource][]*schema.Node {
	uses := map[*resource][]*schema.Node{}
	var walk func(n *schema.Node)
	walk = func(n *schema.Node) {
		if n == nil {
			return
		}
		for _, item := range n.Items {
			walk(item)
		}
		for _, f := range n.Fields {
			for _, kind := range []string{"IPSet", "RegexPatternSet"} {
				if f.Name != kind+"ReferenceStatement" {
					continue
				}
				arn := f.Value.Get("Arn")
				if set := a.f.target(arn, "AWS::WAFv2::"+kind); set != nil {
					uses[set] = append(uses[set], arn)
				}
			}
			walk(f.Value)
		}
	}
	for _, kind := range []string{"AWS::WAFv2::WebACL", "AWS::WAFv2::RuleGroup"} {
		for _, r := range a.f.of(kind) {
			walk(r.Props)
		}
	}
	return uses
}

// set speaks of a set: what has become of it is what has become of the rules that refer to it.
func (a *accountSaid) set(r *resource, uses []*schema.Node) {
	l := a.f.ledger
	for _, name := range []string{"Name", "Description", "Scope", "IPAddressVersion"} {
		l.exact(r.Props.Get(name), "", "the compiler makes sets of its own")
	}
	l.refuse(r.Props.Get("Tags"), &wafRules.detail, "Tags of a set have no field in a spec")
	if len(uses) == 0 {
		l.exact(r.Props, "", "no rule refers to it")
		return
	}
	for _, n := range uses {
		for _, row := range l.leafs[n] {
			switch {
			case !l.said[row]:
			case row.Verdict == Refused:
				l.refuse(r.Props, row.Rule, row.Text)
			case row.Verdict == Exact:
				l.exact(r.Props, row.Became, row.Text)
			default:
				l.near(r.Props, row.Became, row.Rule, row.Text)
			}
		}
	}
}
