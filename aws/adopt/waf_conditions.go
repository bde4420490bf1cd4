package adopt

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// This file knows the rules that a spec has fields for: maintenance, methods, and the sizes of bodies and heads. Those of the
// firewall's lists are in waf_lists.go.

// conditionForms are the rules that are known; the first one that takes a rule is it; what managed rules have labelled comes
// before. rest is what has to fit beside the paths.
var conditionForms = [...]func(w *webACL, r *wafRule, scope *expr, rest []*expr) bool{
	(*webACL).closedPaths, (*webACL).methodRule, (*webACL).bodyRule, (*webACL).headRule, (*webACL).listRule,
}

func (w *webACL) conditions(r *wafRule, e *expr) bool {
	if w.labelRule(r, e) {
		return true
	}
	scope, rest := e.split()
	for _, form := range conditionForms {
		if form(w, r, scope, rest) {
			return true
		}
	}
	return false
}

// methods are the methods of a condition that fits some, and nothing else; nil: it is another one.
func (e *expr) methods() []string {
	switch e.op {
	case opMethod:
		return []string{e.name}
	case opAny:
		var list []string
		for _, of := range e.of {
			if of.op != opMethod {
				return nil
			}
			list = append(list, of.name)
		}
		return list
	}
	return nil
}

// addressSets are the addresses that a statement about IP sets fits; nil: it is about something else, or the sets are not known.
func (w *webACL) addressSets(n *schema.Node) []string {
	kind, body := only(n)
	var list []string
	switch kind {
	case "OrStatement":
		for _, s := range body.Get("Statements").List() {
			part := w.addressSets(s)
			if part == nil {
				return nil
			}
			list = append(list, part...)
		}
	case "IPSetReferenceStatement":
		set := w.f.target(body.Get("Arn"), "AWS::WAFv2::IPSet")
		if set == nil || body.Get("IPSetForwardedIPConfig") != nil || unknownIn(set.Props.Get("Addresses")) != nil {
			return nil
		}
		for _, a := range set.Props.Get("Addresses").List() {
			list = append(list, a.String())
		}
	}
	return list
}

// closedPaths is a rule that refuses everybody but some addresses, perhaps on some paths only.
func (w *webACL) closedPaths(r *wafRule, scope *expr, rest []*expr) bool {
	if r.action != "Block" || len(rest) > 1 || scope.dotted() {
		return false
	}
	var allow []string
	if len(rest) == 1 {
		if rest[0].op != opNot {
			return false
		}
		allow = w.addressSets(rest[0].of[0].node)
		if allow == nil || len(allow) > addressesMost {
			return false
		}
	}
	wait := "5m"
	for _, h := range r.says.Path("Block", "CustomResponse", "ResponseHeaders").List() {
		named := strings.EqualFold(h.Get("Name").String(), "retry-after")
		if n, err := strconv.Atoi(h.Get("Value").String()); named && err == nil && n > 0 && n <= 30*24*3600 {
			wait = durationText(n)
		}
	}
	value := []said{{"retryAfter", wait}}
	if len(allow) > 0 {
		slices.Sort(allow)
		value = append(value, said{"allow", slices.Compact(allow)})
	}
	if !sayable(said{"maintenance", value}) {
		return false
	}
	w.taken(r, "maintenance", scope, nil, "", statusMaintenance)
	w.add(r, scope, func(p *lanePolicy) {
		if p.maintenance == nil {
			p.maintenance = value
		}
	})
	return true
}

// durationText is seconds as documents write them.
func durationText(seconds int) string {
	switch {
	case seconds%3600 == 0:
		return strconv.Itoa(seconds/3600) + "h"
	case seconds%60 == 0:
		return strconv.Itoa(seconds/60) + "m"
	}
	return strconv.Itoa(seconds) + "s"
}

// edgeMethods are those that CloudFront lets pass.
var edgeMethods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// methodRule is a rule that refuses methods, or all but some.
func (w *webACL) methodRule(r *wafRule, scope *expr, rest []*expr) bool {
	if len(rest) != 1 {
		return false
	}
	var allowed []string
	if named := rest[0].methods(); named != nil {
		allowed = slices.DeleteFunc(slices.Clone(edgeMethods), func(m string) bool { return slices.Contains(named, m) })
	} else if rest[0].op == opNot {
		allowed = slices.DeleteFunc(rest[0].of[0].methods(), func(m string) bool { return !slices.Contains(edgeMethods, m) })
	}
	if len(allowed) == 0 {
		return false
	}
	allowed = slices.Compact(slices.Sorted(slices.Values(allowed)))
	// Only the list of a firewall answers 403 by an answer of its own.
	if r.action == "Count" || r.says.Path("Block", "CustomResponse") != nil && r.statusOf() == statusForbidden {
		w.taken(r, "waf.allow.methods", scope, nil, "", statusForbidden)
		w.add(r, scope, func(p *lanePolicy) {
			p.waf.methods = allowed
			p.waf.decides(r)
		})
		return true
	}
	w.taken(r, "methods", scope, nil, "", statusMethod)
	w.add(r, scope, func(p *lanePolicy) { p.methods = allowed })
	return true
}

// beyond is the size beyond which a statement about the size of a part fits; false: it is another one.
func beyond(e *expr, part string) (size int64, ok bool) {
	kind, body := only(e.node)
	field, _ := only(body.Get("FieldToMatch"))
	n, known := body.Get("Size").AsNumber()
	if kind != "SizeConstraintStatement" || field != part || !known || len(transforms(body)) > 0 {
		return 0, false
	}
	switch body.Get("ComparisonOperator").String() {
	case "GT":
		return int64(n), true
	case "GE":
		return int64(n) - 1, true
	}
	return 0, false
}

// bodyRule is a rule that bounds bodies: all of them, or those that the firewall looks at.
func (w *webACL) bodyRule(r *wafRule, scope *expr, rest []*expr) bool {
	if len(rest) == 0 || len(rest) > 2 {
		return false
	}
	if n, ok := w.declared(rest[0]); ok && n <= bodyMost && len(rest) == 1 && r.action == "Block" {
		return w.bodyMax(r, scope, n, "")
	}
	n, ok := beyond(rest[0], "Body")
	other := rest[len(rest)-1]
	if !ok {
		n, ok = beyond(other, "Body")
		other = rest[0]
	}
	switch {
	case !ok || n < 1 || n > bodyMost:
		return false
	case len(rest) == 1 && r.action == "Block":
		return w.bodyMax(r, scope, n, w.oversize(rest[0], n))
	case len(rest) == 2 && (other.op != opNot || w.types(other.of[0]) == nil),
		!sayable(said{"waf", []said{{"mode", "block"}, {"bodyBytesMax", sizeText(n)}}}):
		return false
	}
	w.taken(r, "waf.onLimit, waf.bodyBytesMax", scope, nil, "", statusSize)
	w.add(r, scope, func(p *lanePolicy) {
		p.waf.refuses, p.waf.held = true, n
		if n == w.inspected {
			p.waf.held = 0 // as much as is looked at there; the edge's own is more
		}
		p.waf.decides(r)
	})
	return true
}

// oversize is how a bound on the body differs from bodyMax where more is sent than AWS WAF looks at; empty: not at all.
func (w *webACL) oversize(e *expr, n int64) string {
	_, body := only(e.node)
	how := body.Path("FieldToMatch", "Body", "OversizeHandling").String()
	if how == "MATCH" && n <= w.inspected || how != "NO_MATCH" && n < w.inspected {
		return ""
	}
	return fmt.Sprintf("AWS WAF looks at %d KB of a body, and lets larger ones pass that bodyMax refuses, or refuses smaller ones", w.inspected>>10)
}

func (w *webACL) bodyMax(r *wafRule, scope *expr, n int64, differs string) bool {
	var rule *finding.Rule
	if differs != "" {
		rule = &wafRules.sizes
	}
	w.taken(r, "bodyMax", scope, rule, differs, statusSize)
	w.add(r, scope, func(p *lanePolicy) {
		if p.bodyMax == 0 || n < p.bodyMax {
			p.bodyMax = n
		}
	})
	return true
}

// declared is the size that a Content-Length may have, where expressions fit larger ones.
func (w *webACL) declared(e *expr) (int64, bool) {
	list, ok := w.patterns(e, "content-length", nil)
	if !ok {
		return 0, false
	}
	var res []*regexp.Regexp
	for _, text := range list {
		re, err := regexp.Compile(text)
		if err != nil {
			return 0, false
		}
		res = append(res, re)
	}
	fits := func(n int64) bool {
		return slices.ContainsFunc(res, func(re *regexp.Regexp) bool { return re.MatchString(strconv.FormatInt(n, 10)) })
	}
	low, high := int64(0), int64(bodyMost)+1 // low does not fit, high does
	if fits(low) || !fits(high) {
		return 0, false
	}
	for high-low > 1 {
		if middle := (low + high) / 2; fits(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	for n := int64(1); n < bodyMost; n *= 10 { // a bound, and not some other set of numbers
		if fits(n) != (n > low) || fits(9*n) != (9*n > low) {
			return 0, false
		}
	}
	return low, low > 0
}

// headRule is a rule that bounds heads.
func (w *webACL) headRule(r *wafRule, scope *expr, rest []*expr) bool {
	if len(rest) != 1 {
		return false
	}
	_, body := only(rest[0].node)
	headers := body.Path("FieldToMatch", "Headers")
	n, ok := beyond(rest[0], "Headers")
	if !ok || n < headLeast || n > headFirewall || headers.Path("MatchPattern", "All") == nil || headers.Get("OversizeHandling").String() != "MATCH" {
		return false
	}
	if n == headFirewall && w.groups() {
		w.taken(r, "waf.onLimit", scope, nil, "", statusForbidden)
		w.add(r, scope, func(p *lanePolicy) {
			p.waf.refuses = true
			p.waf.decides(r)
		})
		return true
	}
	if r.action != "Block" {
		return false
	}
	w.taken(r, "headMax", scope, &wafRules.sizes,
		fmt.Sprintf("the rule %s bounds fields, headMax the whole head; the edge answers 431", r.name), statusForbidden)
	w.add(r, scope, func(p *lanePolicy) { p.headMax = n })
	return true
}

// groups is whether the web ACL has groups that a firewall stands for.
func (w *webACL) groups() bool {
	return slices.ContainsFunc(w.from.Props.Get("Rules").List(), func(n *schema.Node) bool {
		g := schema.ManagedRules().Group(n.Path("Statement", "ManagedRuleGroupStatement", "Name").String())
		return g != nil && g.Firewall
	})
}
