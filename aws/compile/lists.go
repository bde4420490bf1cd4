package compile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// This file has what the edge keeps as lists: methods, and what the Core Rule Set allows and restricts. All of it can be said exactly.

// The rules of the Core Rule Set that lists stand for: exclusions name them.
const (
	crsMethods    = 911100
	crsTypes      = 920420
	crsCharsets   = 920480
	crsExtensions = 920440
	crsHeaders    = 920450
)

var listRules = struct{ long finding.Rule }{
	long: finding.Rule{
		ID: "waf-list", Severity: finding.Warning,
		Meaning: "An item of a list is longer than a regular expression of AWS WAF may be: it is left out, and what it allows is refused.",
		Remedy:  "allow a shorter pattern", Witness: "a request with that item",
		Source: "https://docs.aws.amazon.com/waf/latest/developerguide/limits.html",
	},
}

// cloudFrontMethods are those that CloudFront ever lets pass.
var cloudFrontMethods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// methods refuses what is not among the methods of a policy, or of the firewall where the policy names none.
func (a *acl) methods() {
	groups := a.lanes.by(func(p *spec.Policy) string {
		allowed, w := methodsOf(p)
		if allowed == nil {
			return ""
		}
		if w == nil {
			return fmt.Sprint(allowed)
		}
		return fmt.Sprint(allowed, w.Mode, exclusionsKey(w, crsMethods))
	})
	for _, g := range groups {
		if g.key == "" {
			continue
		}
		allowed, w := methodsOf(g.policy)
		scope := and(a.lanes.reach(g.in, true), not(methodIn(allowed)))
		if w == nil {
			a.rule(bandMethods, g.name("methods"), g.at, scope, a.refuse(405, "Allow", strings.Join(allowed, ", ")))
			continue
		}
		a.rule(bandMethods, g.name("methods"), g.at, and(scope, not(excluded(w, crsMethods))), a.verdict(w, 403))
	}
}

// methodsOf are the methods that pass; nil: all that CloudFront lets pass. The firewall is returned where the list is its own.
func methodsOf(p *spec.Policy) (allowed []string, w *spec.WAF) {
	switch {
	case p.Methods != nil && len(*p.Methods) > 0:
		allowed = *p.Methods
	case firewallOf(p) != nil:
		w = firewallOf(p)
		allowed = w.Allow.Methods
	default:
		return nil, nil
	}
	allowed = alsoHead(allowed)
	if p.CORS != nil && len(p.CORS.Origins) > 0 { // preflights are answered before methods are looked at
		allowed = append(slices.Clone(allowed), "OPTIONS")
	}
	pass := []string{}
	for _, m := range cloudFrontMethods {
		if slices.Contains(allowed, m) {
			pass = append(pass, m)
		}
	}
	if len(pass) == len(cloudFrontMethods) {
		return nil, nil
	}
	return pass, w
}

// A list is one of those of the Core Rule Set.
type crsList struct {
	name string
	id   int
	// refused fits the requests that the list refuses.
	refused func(a *acl, g *laneGroup, w *spec.WAF) *statement
	items   func(w *spec.WAF) []string
}

var crsLists = []crsList{
	{"content-types", crsTypes, (*acl).otherTypes, func(w *spec.WAF) []string { return w.Allow.ContentTypes }},
	{"charsets", crsCharsets, (*acl).otherCharsets, func(w *spec.WAF) []string { return w.Allow.Charsets }},
	{"extensions", crsExtensions, (*acl).restrictedExtensions, func(w *spec.WAF) []string { return w.Allow.Extensions }},
	{"headers", crsHeaders, (*acl).restrictedHeaders, func(w *spec.WAF) []string { return w.Allow.Headers }},
}

// lists adds the lists of the Core Rule Set where the firewall is on.
func (a *acl) lists() {
	for _, list := range crsLists {
		groups := a.lanes.by(func(p *spec.Policy) string {
			w := firewallOf(p)
			if w == nil {
				return ""
			}
			return fmt.Sprint(w.Mode, list.items(w), exclusionsKey(w, list.id))
		})
		for _, g := range groups {
			w := firewallOf(g.policy)
			if w == nil {
				continue
			}
			s := and(a.lanes.reach(g.in, true), list.refused(a, g, w), not(excluded(w, list.id)))
			a.rule(bandLists, g.name(list.name), g.at, s, a.verdict(w, 403))
		}
	}
}

// otherTypes fits a Content-Type that is not among those that are allowed.
func (a *acl) otherTypes(g *laneGroup, w *spec.WAF) *statement {
	return and(larger(inHeader("content-type"), 0), not(a.typeIn(g, w.Allow.ContentTypes)))
}

// typeIn fits a Content-Type that is among types; one * in a type stands for any number of bytes.
func (a *acl) typeIn(g *laneGroup, types []string) *statement {
	var words []string
	for _, t := range types {
		words = append(words, strings.ReplaceAll(regexp.QuoteMeta(t), `\*`, `[^;,\s/]*`))
	}
	return a.listed(g, "spec.waf.allow.contentTypes", inHeader("content-type"), "^", words, `\s*(?:;|$)`, "LOWERCASE")
}

// otherCharsets fits a Content-Type that names a charset that is not allowed, or more than one.
func (a *acl) otherCharsets(g *laneGroup, w *spec.WAF) *statement {
	field, lower := inHeader("content-type"), "LOWERCASE"
	known := a.listed(g, "spec.waf.allow.charsets", field, `;\s*charset\s*=\s*["']?`, quoted(w.Allow.Charsets), `["']?\s*(?:;|$)`, lower)
	return and(regexMatch(field, `charset\s*=`, lower), or(regexMatch(field, `charset\s*=.*charset\s*=`, lower), not(known)))
}

// restrictedExtensions fits a path that ends with an extension that the Core Rule Set restricts and nobody allows.
func (a *acl) restrictedExtensions(g *laneGroup, w *spec.WAF) *statement {
	var names []string
	for _, e := range except(schema.ManagedRules().Extensions, w.Allow.Extensions) {
		names = append(names, strings.TrimPrefix(e, "."))
	}
	return a.listed(g, "spec.waf.allow.extensions", inPath(), `\.`, quoted(names), "$", "URL_DECODE", "LOWERCASE")
}

// restrictedHeaders fits a request with a field that the Core Rule Set restricts and nobody allows.
func (a *acl) restrictedHeaders(_ *laneGroup, w *spec.WAF) *statement {
	var of []*statement
	for _, name := range except(schema.ManagedRules().Headers, w.Allow.Headers) {
		of = append(of, isThere(inHeader(name)))
	}
	return or(of...)
}

// listed matches begin, one of the words, and end.
func (a *acl) listed(g *laneGroup, path string, field *model.WebACLFieldToMatch, begin string, words []string, end string, transformations ...string) *statement {
	regexes, tooLong := alternatives(begin, words, end)
	if len(tooLong) > 0 {
		a.find(&listRules.long, g, path, "%d of %d items are too long, %d bytes are the limit of a regular expression", len(tooLong), len(words), regexBytesMax)
	}
	return a.b.matchAny(a, field, regexes, transformations...)
}

func quoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = regexp.QuoteMeta(w)
	}
	return out
}

func except(list, but []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(but, s) })
}
