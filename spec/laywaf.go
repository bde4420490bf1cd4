package spec

import (
	"slices"
	"time"
)

// This file merges firewalls, field by field.

// programMethods are what programs send; the Core Rule Set by itself would refuse half of them.
var programMethods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"}

// inspectable are the types of bodies that the firewall parses, and those without a processor that browsers and programs
// send in the ordinary course: text, reports, streams of bytes, gRPC.
var inspectable = []string{
	"application/*+json", "application/csp-report", "application/grpc*", "application/json", "application/octet-stream",
	"application/soap+xml", "application/x-ndjson", "application/x-www-form-urlencoded", "application/xml",
	"multipart/form-data", "multipart/related", "text/plain", "text/xml",
}

// wafDefaults are part of defaults, and as careful.
var wafDefaults = wafDocOf(&WAF{
	Mode: WAFBlock, Engine: WAFCompiled, Paranoia: 1, Threshold: 5, ResponseThreshold: 4,
	Allow: WAFAllow{
		Methods: programMethods, ContentTypes: inspectable, Charsets: []string{"iso-8859-1", "iso-8859-15", "utf-8", "windows-1252"},
		Headers: []string{}, Extensions: []string{},
	},
	Exclude: []WAFExclude{}, Rules: []WAFRules{},
	BodyBytesMax: 128 << 10, ArgumentsMax: 1000, CPUMax: 100 * time.Millisecond, OnLimit: WAFRefuse, Shadow: 0.0001,
})

// layWAF lays the firewall of a document over the one in force. What follows from fields outside of it is made anew: the
// methods that pass are those of `methods` where that names any, and no body is held that bodyMax refuses.
func (s *settled) layWAF(d *policyDoc, from string) {
	if d.waf.Set {
		s.waf, s.wafRows = layParts(wafParts, "spec.waf", s.waf, s.wafRows, &d.waf.V, from)
	}
	if !d.waf.Set && !d.methods.Set && !d.bodyMax.Set {
		return
	}
	s.policy.WAF = s.waf
	methods, bodyMax := *s.policy.Methods, *s.policy.BodyMax
	if len(methods) == 0 && !holdsMore(s.waf, bodyMax) {
		return
	}
	follows := *s.waf
	if len(methods) > 0 {
		follows.Allow.Methods = methods
	}
	if holdsMore(s.waf, bodyMax) {
		follows.BodyBytesMax = bodyMax
	}
	s.policy.WAF = &follows
}

// holdsMore says whether a firewall would hold larger bodies than pass.
func holdsMore(w *WAF, bodyMax Size) bool { return bodyMax > 0 && w.BodyBytesMax > bodyMax }

// appendWAF adds where the values of the firewall came from. Of one that is off nothing else is in force.
func (s *settled) appendWAF(out []Source) []Source {
	for _, row := range s.wafRows {
		switch {
		case row.Path == "spec.waf.allow.methods" && len(*s.policy.Methods) > 0:
			row = s.follows(row, "spec.methods")
		case row.Path == "spec.waf.bodyBytesMax" && holdsMore(s.waf, *s.policy.BodyMax):
			row = s.follows(row, "spec.bodyMax")
		}
		out = append(out, row)
		if s.waf.Mode == WAFOff {
			break
		}
	}
	return out
}

// follows is a row with the value and the source of another field.
func (s *settled) follows(row Source, path string) Source {
	if i := slices.IndexFunc(s.rows, func(r Source) bool { return r.Path == path }); i >= 0 {
		row.Value, row.From, row.at = s.rows[i].Value, s.rows[i].From, s.rows[i].at
	}
	return row
}

// wafDocOf is a firewall as a document says it.
func wafDocOf(w *WAF) val[wafDoc] {
	return docOfParts(wafParts, w, func(w *WAF) bool { return w.Mode == WAFOff })
}
