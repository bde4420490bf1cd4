package compile

import (
	"fmt"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// This file bounds bodies and heads. What the firewall cannot look at is refused, unless the spec lets it pass (waf.onLimit): an attack
// behind 16 KB of anything else would reach the service.

var sizeRules = struct{ body, head finding.Rule }{
	body: finding.Rule{
		ID: "firewall-body", Severity: finding.Warning,
		Meaning: "AWS WAF looks at less of a body than the firewall of the edge: bodies beyond it get 413.",
		Remedy:  "raise firewall.bodyKB of the AWS document, for a price, or say `waf: {onLimit: pass}` where large bodies belong",
		Witness: "POST with a form of 100 KB", Source: "https://docs.aws.amazon.com/waf/latest/developerguide/waf-oversize-request-components.html",
	},
	head: finding.Rule{
		ID: "firewall-head", Severity: finding.Warning,
		Meaning: "AWS WAF looks at the first 8 KB and the first 200 fields of a head: larger heads get 403, since what stands behind that is not looked at.",
		Remedy:  "say `waf: {onLimit: pass}` where heads are larger, for instance because of cookies",
		Witness: "GET / with a Cookie of 9 KB", Source: "https://docs.aws.amazon.com/waf/latest/developerguide/waf-oversize-request-components.html",
	},
}

// sizes adds the rules for bodies and heads.
func (a *acl) sizes() {
	for _, g := range a.lanes.by(a.bodyKey) {
		a.bodies(g)
	}
	for _, g := range a.lanes.by(a.headKey) {
		a.heads(g)
	}
}

// inspected is how much of a body is looked at, in bytes.
func (a *acl) inspected() int64 { return int64(a.b.bodyKB()) << 10 }

// heldOf is the largest body that the firewall of a policy lets pass, in bytes; 0: it bounds none.
func (a *acl) heldOf(p *spec.Policy) int64 {
	w := firewallOf(p)
	if w == nil || w.OnLimit == spec.WAFPass {
		return 0
	}
	return min(int64(w.BodyBytesMax), a.inspected())
}

func bodyMaxOf(p *spec.Policy) int64 {
	if p.BodyMax == nil {
		return 0
	}
	return int64(*p.BodyMax)
}

func (a *acl) bodyKey(p *spec.Policy) string {
	if w := firewallOf(p); w != nil && a.heldOf(p) > 0 {
		return fmt.Sprint(bodyMaxOf(p), a.heldOf(p), w.Mode, w.Allow.ContentTypes)
	}
	return fmt.Sprint(bodyMaxOf(p))
}

// bodies bounds the bodies of a group: by bodyMax, and, of the types that the firewall takes apart, by what it looks at.
func (a *acl) bodies(g *laneGroup) {
	most, held := bodyMaxOf(g.policy), a.heldOf(g.policy)
	scope := a.lanes.reach(g.in, true)
	if most > 0 {
		tooLarge := larger(inBody(), most)
		if most > a.inspected() { // it says how large it is, or is not known to be too large
			tooLarge = a.b.matchAny(a, inHeader("content-length"), moreThan(most))
		}
		a.rule(bandSizes, g.name("body"), g.at, and(scope, tooLarge), a.refuse(413))
	}
	if held == 0 || most > 0 && most <= held {
		return
	}
	w := firewallOf(g.policy)
	streamed := a.typeIn(g, opaque(w.Allow.ContentTypes))
	a.rule(bandSizes, g.name("body-inspected"), g.at, and(scope, larger(inBody(), held), not(streamed)), a.verdict(w, 413))
	if w.Mode == spec.WAFBlock && held < int64(w.BodyBytesMax) {
		a.find(&sizeRules.body, g, "spec.waf.bodyBytesMax", "the firewall holds bodies of %d KB, AWS WAF looks at %d KB: forms, JSON, XML and text beyond get 413",
			int64(w.BodyBytesMax)>>10, a.b.bodyKB())
	}
}

// opaque are the types of bodies that the edge does not take apart, see body.Media: they stream through. A pattern that may stand for
// others too is none, but for that of gRPC.
func opaque(types []string) []string {
	var out []string
	for _, t := range types {
		switch {
		case t == "text/plain", t == "multipart/form-data", t == "application/x-www-form-urlencoded", t == "application/csp-report",
			strings.Contains(t, "json"), strings.HasSuffix(t, "xml"),
			strings.Contains(t, "*") && !strings.HasPrefix(t, "application/grpc"):
		default:
			out = append(out, t)
		}
	}
	return out
}

// headMost is the largest head of a policy that AWS WAF has to bound, in bytes; 0: none. The firewall is returned where it asks for it.
func headMost(p *spec.Policy) (most int64, w *spec.WAF) {
	if p.HeadMax != nil && int64(*p.HeadMax) < headCloudFront {
		return min(int64(*p.HeadMax), headInspected), nil
	}
	if w = firewallOf(p); w != nil && w.OnLimit != spec.WAFPass {
		return headInspected, w
	}
	return 0, nil
}

func (a *acl) headKey(p *spec.Policy) string {
	most, w := headMost(p)
	if w == nil {
		return fmt.Sprint(most)
	}
	return fmt.Sprint(most, w.Mode)
}

// heads bounds the heads of a group. AWS WAF has no size of all fields together, but fits what it does not look at to the end; and it
// has no 431.
func (a *acl) heads(g *laneGroup) {
	most, w := headMost(g.policy)
	if most == 0 {
		return
	}
	action := a.refuse(403)
	if w != nil {
		action = a.verdict(w, 403)
	}
	a.rule(bandSizes, g.name("head"), g.at, and(a.lanes.reach(g.in, true), larger(inHeaders("ALL"), most)), action)
	switch headMax := g.policy.HeadMax; {
	case w != nil && w.Mode == spec.WAFBlock:
		a.find(&sizeRules.head, g, "spec.waf.onLimit", "heads of more than %d KB or 200 fields get 403", headInspected>>10)
	case w == nil && int64(*headMax) > headInspected:
		a.find(&sizeRules.head, g, "spec.headMax", "headMax is %d bytes, AWS WAF can only refuse from %d KB or 200 fields on", int64(*headMax), headInspected>>10)
	}
}
