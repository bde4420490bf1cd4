package compile

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/spec"
)

// entryDifferences are those of an entrypoint as a whole.
var entryDifferences = []differs{
	{field: "Entrypoint.hosts", effect: outside, when: func(f *inForce) bool {
		return slices.ContainsFunc(f.entry.Hosts, func(h string) bool { return strings.HasPrefix(h, "*") || isAddress(h) })
	}},
	{field: "Entrypoint.canonicalHost", effect: inside, when: func(f *inForce) bool { return f.entry.CanonicalHost != "" }},
	{field: "Entrypoint.redirects", effect: inside, when: func(f *inForce) bool { return len(f.entry.Moved) > 0 }},
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// routeDifferences are those of a route beside its policy, and those of its policy that depend on its services.
var routeDifferences = []differs{
	{field: "match.path", effect: inside, when: func(f *inForce) bool { return f.route.Match.Path.Kind == spec.PathPattern }},
	{field: "match.prefix", effect: inside, when: func(f *inForce) bool {
		return f.route.Match.Path.Kind == spec.PathPrefix && strings.Contains(f.route.Match.Path.Path, "{")
	}},
	{field: "match.methods", effect: inside, when: func(f *inForce) bool { return len(f.route.Match.Methods) > 0 }},
	{field: "match.headers", effect: inside, when: func(f *inForce) bool { return len(f.route.Match.Headers) > 0 }},
	{field: "match.query", effect: inside, when: func(f *inForce) bool { return len(f.route.Match.Query) > 0 }},
	{field: "rewrite.host", effect: inside, when: rewrites(func(r *spec.Rewrite) bool { return r.Host != "" })},
	{field: "rewrite.path", effect: inside, when: rewrites(func(r *spec.Rewrite) bool { return r.Path != "" })},
	{field: "rewrite.prefix", effect: inside, when: rewrites(func(r *spec.Rewrite) bool { return r.Prefix != "" })},
	{field: "route.services", effect: outside, when: func(f *inForce) bool { // a continuous deployment is said as one
		return len(weighed(f.route.To.Services)) > 1 && f.b.canaryShare(f.entry) == 0
	}},
	{field: "route.mirror", when: func(f *inForce) bool { return f.route.Mirror != nil && f.route.Mirror.Share > 0 }},
	{field: "route.redirect", effect: inside, when: func(f *inForce) bool { return f.route.To.Redirect != nil }},
	{field: "route.respond", effect: inside, when: func(f *inForce) bool { return f.route.To.Respond != nil }},
	{field: "Policy.retry", effect: outside, when: retries(func(*spec.Retry) bool { return true })},
	{field: "retry.idempotencyKey", when: retries(func(r *spec.Retry) bool { return r.IdempotencyKey })},
	{field: "Policy.priority", when: func(f *inForce) bool { // who waits for a place at a service where there is a limit
		return asksOne(f.route, func(s *spec.Service) bool { return s.Concurrency.On() })
	}},
}

func rewrites(when func(*spec.Rewrite) bool) func(*inForce) bool {
	return func(f *inForce) bool { return f.route.Rewrite != nil && when(f.route.Rewrite) }
}

// retries is whether a route asks another endpoint, of a service that has several.
func retries(when func(*spec.Retry) bool) func(*inForce) bool {
	return func(f *inForce) bool {
		r := f.policy.Retry
		return r != nil && r.Tries > 1 && when(r) && asksOne(f.route, func(s *spec.Service) bool { return len(s.Endpoints) > 1 })
	}
}

func asksOne(r *spec.Route, like func(*spec.Service) bool) bool {
	return slices.ContainsFunc(r.To.Services, func(w spec.Weighted) bool { return like(w.Service) })
}

// policyDifferences are those of a policy.
var policyDifferences = slices.Concat([]differs{
	{field: "Policy.log", effect: inside, when: func(f *inForce) bool { return on(f.policy.Log) }},
	{field: "Policy.trace", effect: inside, when: func(f *inForce) bool { return f.policy.Trace != nil && f.policy.Trace.On }},
	{field: "trace.sample", when: func(f *inForce) bool { return f.policy.Trace != nil && f.policy.Trace.On && f.policy.Trace.Sample > 0 }},
	{field: "Policy.requestID", effect: inside, when: func(f *inForce) bool { return on(f.policy.RequestID) }},
	{field: "Policy.forwarded", effect: inside, when: func(f *inForce) bool { return f.policy.Forwarded != nil }},
	{field: "tls.minVersion", effect: inside, when: func(f *inForce) bool { return f.policy.TLS != nil }},
	{field: "tls.curves", when: func(f *inForce) bool { return f.policy.TLS != nil && len(f.policy.TLS.Curves) > 0 }},
	{field: "tls.clientCertificates", when: func(f *inForce) bool {
		return f.policy.TLS != nil && f.policy.TLS.ClientCertificates != spec.ClientAuthOff && f.policy.TLS.ClientCertificates != ""
	}},
	{field: "Policy.cors", effect: inside, when: func(f *inForce) bool { return allowsOrigins(f.policy) }},
	{field: "limit.perAddress", effect: outside, when: func(f *inForce) bool { return limited(f.policy) }},
	{field: "limit.burst", effect: outside, when: func(f *inForce) bool { return limited(f.policy) }},
	{field: "Policy.headMax", effect: outside, when: func(f *inForce) bool { return f.policy.HeadMax != nil }},
	{field: "Policy.bodyMax", effect: outside, when: func(f *inForce) bool { return bodyMaxOf(f.policy) > 0 }},
	{field: "Policy.compress", effect: inside, when: func(f *inForce) bool { return compresses(f.policy) }},
	{field: "compress.identified", effect: protection, when: func(f *inForce) bool {
		return compresses(f.policy) && !f.policy.Compress.Identified && f.policy.Cache.On()
	}},
	{field: "Policy.errors", effect: outside, when: func(f *inForce) bool { return f.policy.Errors != nil }},
	{field: "Policy.errorPages", effect: outside, when: func(f *inForce) bool { return f.policy.ErrorPages != nil && len(*f.policy.ErrorPages) > 0 }},
	{field: "Policy.maintenance", effect: inside, when: func(f *inForce) bool { return f.policy.Maintenance != nil && f.policy.Maintenance.On }},
	{field: "Policy.path", effect: inside, when: func(f *inForce) bool { return f.policy.Path != nil }},
	{field: "Policy.websocket", effect: inside, when: func(f *inForce) bool { return f.policy.WebSocket != nil && !on(f.policy.WebSocket) }},
	{field: "Policy.streamAge", effect: outside, when: func(f *inForce) bool { return f.policy.StreamAge != nil && *f.policy.StreamAge > 0 }},
	{field: "Policy.hedge", when: func(f *inForce) bool { return f.policy.Hedge != nil && f.policy.Hedge.After > 0 }},
	{field: "Policy.methods", effect: outside, when: func(f *inForce) bool { return f.policy.Methods != nil && len(*f.policy.Methods) > 0 }},
	{field: "Policy.headers", effect: inside, when: func(f *inForce) bool {
		h := f.policy.Headers
		return h != nil && (anyEdit(h.Request) || anyEdit(h.Response))
	}},
}, firewallDifferences, cacheDifferences)

func anyEdit(e *spec.Edits) bool { return e != nil && len(e.Set)+len(e.Default)+len(e.Remove) > 0 }

func limited(p *spec.Policy) bool { return p.Limit != nil && p.Limit.PerAddress.Count > 0 }

func compresses(p *spec.Policy) bool { return p.Compress != nil && p.Compress.On }

// firewallDifferences are those of a firewall that is on.
var firewallDifferences = []differs{
	{field: "waf.mode", effect: protection, when: firewalled(func(*spec.WAF, *inForce) bool { return true })},
	{field: "waf.engine", when: firewalled(func(w *spec.WAF, _ *inForce) bool { return w.Engine == spec.WAFReference })},
	{field: "waf.paranoia", when: firewalled(func(w *spec.WAF, _ *inForce) bool { return w.Paranoia > 1 })},
	{field: "waf.threshold", when: firewalled(func(w *spec.WAF, _ *inForce) bool { return w.Threshold != criticalScore })},
	{field: "waf.responses", when: firewalled(func(w *spec.WAF, _ *inForce) bool { return bool(w.Responses) })},
	{field: "waf.responseThreshold", when: firewalled(func(w *spec.WAF, f *inForce) bool { return bool(w.Responses) && f.written })},
	{field: "waf allow.methods", effect: inside, when: firewalled(saidSo)},
	{field: "waf allow.contentTypes", effect: inside, when: firewalled(saidSo)},
	{field: "waf allow.charsets", effect: inside, when: firewalled(saidSo)},
	{field: "waf allow.headers", effect: inside, when: firewalled(saidSo)},
	{field: "waf allow.extensions", effect: inside, when: firewalled(saidSo)},
	{field: "waf.exclude", effect: outside, when: firewalled(func(w *spec.WAF, _ *inForce) bool { return len(w.Exclude) > 0 })},
	{field: "waf.rules", when: firewalled(func(w *spec.WAF, _ *inForce) bool { return len(w.Rules) > 0 })},
	{field: "waf.bodyBytesMax", effect: protection, when: firewalled(func(w *spec.WAF, f *inForce) bool { return int64(w.BodyBytesMax) > int64(f.b.bodyKB())<<10 })},
	{field: "waf.argumentsMax", when: firewalled(func(w *spec.WAF, _ *inForce) bool { return w.ArgumentsMax > 0 && w.OnLimit != spec.WAFPass })},
	{field: "waf.cpuMax", when: firewalled(saidSo)},
	{field: "waf.onLimit", effect: protection, when: firewalled(saidSo)},
	{field: "waf.logValues", when: firewalled(func(w *spec.WAF, _ *inForce) bool { return bool(w.LogValues) })},
	{field: "waf.shadow", when: firewalled(func(w *spec.WAF, f *inForce) bool { return f.written && w.Shadow > 0 })},
}

// criticalScore is the threshold at which one critical match refuses, as any match of AWS WAF does.
const criticalScore = 5

func firewalled(when func(*spec.WAF, *inForce) bool) func(*inForce) bool {
	return func(f *inForce) bool {
		w := firewallOf(f.policy)
		return w != nil && when(w, f)
	}
}

func saidSo(_ *spec.WAF, f *inForce) bool { return f.written }

// cacheDifferences are those of a cache that is on. What only bounds the memory of an edge means nothing on AWS unless somebody
// wrote it.
var cacheDifferences = []differs{
	{field: "cache.mode", effect: protection, when: storing(func(*spec.Cache, *inForce) bool { return true })},
	{field: "cache key.query", effect: inside, when: storing(func(c *spec.Cache, _ *inForce) bool { return c.Key.Query != nil })},
	{field: "cache key.queryExcept", effect: outside, when: storing(func(c *spec.Cache, _ *inForce) bool {
		return c.Key.Query == nil && slices.ContainsFunc(c.Key.QueryExcept, func(s string) bool { return strings.HasSuffix(s, "*") || strings.HasPrefix(s, "known/") })
	})},
	{field: "cache key.headers", effect: inside, when: storing(func(c *spec.Cache, _ *inForce) bool { return len(c.Key.Headers) > 0 })},
	{field: "cache key.cookies", effect: inside, when: storing(func(c *spec.Cache, _ *inForce) bool { return len(c.Key.Cookies) > 0 })},
	{field: "cache ttl.default", effect: outside, when: storing(func(c *spec.Cache, _ *inForce) bool { return c.TTL.Default > 0 })},
	{field: "cache ttl.negative", effect: outside, when: storing(func(c *spec.Cache, _ *inForce) bool { return c.TTL.Negative > 0 })},
	{field: "cache ttl.max", effect: inside, when: storing(func(c *spec.Cache, _ *inForce) bool { return c.TTL.Max > 0 && c.TTL.Max < 365*24*time.Hour })},
	{field: "cache stale.whileRevalidate", when: storing(func(c *spec.Cache, _ *inForce) bool { return c.Stale.WhileRevalidate > 0 })},
	{field: "cache stale.ifError", when: storing(func(c *spec.Cache, _ *inForce) bool { return c.Stale.IfError > 0 })},
	{field: "cache.anonymousCookies", effect: protection, when: storing(func(c *spec.Cache, _ *inForce) bool { return len(c.Anonymous) > 0 })},
	{field: "cache identity.headers", effect: outside, when: storing(func(c *spec.Cache, _ *inForce) bool { return len(c.Identity.Headers) > 0 })},
	{field: "cache identity.cookies", effect: outside, when: storing(func(c *spec.Cache, _ *inForce) bool { return len(c.Identity.Cookies) > 0 })},
	{field: "cache.requestDirectives", when: storing(func(c *spec.Cache, _ *inForce) bool { return c.Directives })},
	{field: "cache.collapse", when: storing(wroteIt)},
	{field: "cache.objectMax", when: storing(wroteIt)},
	{field: "cache.prerender", when: storing(func(c *spec.Cache, _ *inForce) bool { return len(c.Prerender) > 0 })},
	{field: "cache probe.every", when: storing(wroteIt)},
	{field: "cache probe.identities", when: storing(func(c *spec.Cache, _ *inForce) bool { return len(c.Probe.Identities) > 0 })},
	{field: "cache probe.paths", when: storing(func(c *spec.Cache, _ *inForce) bool { return len(c.Probe.Paths) > 0 })},
}

func storing(when func(*spec.Cache, *inForce) bool) func(*inForce) bool {
	return func(f *inForce) bool { return f.policy.Cache.On() && when(f.policy.Cache, f) }
}

func wroteIt(_ *spec.Cache, f *inForce) bool { return f.written }
