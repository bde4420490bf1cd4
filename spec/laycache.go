package spec

import (
	"slices"
	"strings"
	"time"
)

// This file merges caches, field by field.

// cacheDefaults are part of defaults: nothing is stored, and the lists are ready for who writes `cache: private`.
var cacheDefaults = said(func() (d cacheDoc) {
	c := Cache{
		Mode: CacheOff, Key: CacheKey{QueryExcept: allKnown(knownParameters), Headers: []string{}, Cookies: []string{}},
		TTL: CacheTTL{Max: ttlMost}, Anonymous: allKnown(knownCookies), Identity: CacheIdentity{[]string{}, []string{}},
		Collapse: 5 * time.Second, ObjectMax: 64 << 20, Prerender: []string{},
		Probe: CacheProbe{Every: 2 * time.Second, Identities: []ProbeIdentity{}, Paths: []string{}},
	}
	for _, p := range cacheParts {
		p.tell(&c, &d)
	}
	d.directives = val[bool]{} // the mode says it
	return d
}())

// layCache lays the cache of a document over the one in force. What follows from other fields is made anew: cookies of the key are not
// without meaning, in standard no cookie makes a session, and directives of requests are heeded there where nobody says it.
func (s *settled) layCache(d *policyDoc, from string) {
	if !d.cache.Set {
		return
	}
	s.cache, s.cacheRows = layParts(cacheParts, "spec.cache", s.cache, s.cacheRows, &d.cache.V, from)
	follows := *s.cache
	switch {
	case s.cache.Mode == CacheStandard:
		follows.Anonymous = nil
		follows.Directives = follows.Directives || !s.saysDirectives()
	case slices.ContainsFunc(follows.Key.Cookies, s.cache.callsAnonymous):
		follows.Anonymous = slices.DeleteFunc(slices.Clone(follows.Anonymous), func(name string) bool { return slices.Contains(follows.Key.Cookies, name) })
	}
	s.policy.Cache = &follows
}

func (c *Cache) callsAnonymous(cookie string) bool { return slices.Contains(c.Anonymous, cookie) }

const directivesPath = "spec.cache.requestDirectives"

// saysDirectives says whether any document says whether directives of requests are heeded.
func (s *settled) saysDirectives() bool {
	return slices.ContainsFunc(s.cacheRows, func(r Source) bool { return r.Path == directivesPath })
}

// appendCache adds where the values of the cache came from, of those that are in force.
func (s *settled) appendCache(out []Source) []Source {
	mode := s.cacheRows[0]
	out = append(out, mode)
	if s.cache.Mode == CacheOff {
		return out
	}
	for i, row := range s.cacheRows[1:] {
		switch name := cacheParts[i+1].name; {
		case name == "requestDirectives" && row.Path == "":
			row = Source{Path: directivesPath, Value: oneLine(heeded.write(s.policy.Cache.Directives)), From: mode.From, at: mode.at}
		case name == "key.query" && s.cache.Key.Query == nil, name == "key.queryExcept" && s.cache.Key.Query != nil,
			name == "anonymousCookies" && s.cache.Mode == CacheStandard:
			continue
		}
		out = append(out, row)
	}
	return out
}

// cacheDocOf is a cache as a document says it.
func cacheDocOf(c *Cache) val[cacheDoc] {
	return docOfParts(cacheParts, c, func(c *Cache) bool { return c.Mode == CacheOff })
}

// checkCache refuses what a document makes of the cache in force and what could be seen in no document alone. A document that says
// none of the fields concerned has no part in it.
func checkCache(l *log, d val[cacheDoc], c *Cache) {
	if !d.Set || !c.On() {
		return
	}
	mode, id, probes := place(d.V.mode), d.V.identity.V, place(d.V.probe.V.identities)
	checkOnce(l, d.V, c)
	if at, said := firstPlace(place(id.headers), place(id.cookies), probes, mode); said && c.Identity.On() && len(c.Probe.Identities) != 2 &&
		(d.V.probe.V.identities.Set || !d.V.probe.V.identities.given()) {
		l.refuse(at, "add `probe: {identities: [{header: …, value: file:NAME}, {header: …, value: file:NAME}]}`, two people made up for it",
			"answers to identified requests would be shared, and no probe would see whether one gets what is another's")
	}
	if at, said := firstPlace(probes, place(id.headers), place(id.cookies), mode); said {
		for _, p := range c.Probe.Identities {
			checkProbed(l, orElsePos(probes, p.At, at), p, &c.Identity)
		}
	}
	ttl := d.V.ttl.V
	for _, t := range []struct {
		name string
		at   Pos
		of   time.Duration
	}{{"default", place(ttl.unsaid), c.TTL.Default}, {"negative", place(ttl.negative), c.TTL.Negative}} {
		if at, said := firstPlace(t.at, place(ttl.longest)); said && t.of > c.TTL.Max {
			l.refuse(at, "lower it, or raise ttl.max", "ttl.%s is %s, and ttl.max lets no answer be fresh beyond %s", t.name, writeDuration(t.of), writeDuration(c.TTL.Max))
		}
	}
}

// checkOnce refuses a name that counts in two ways.
func checkOnce(l *log, d cacheDoc, c *Cache) {
	mode, key, id := place(d.mode), d.key.V, d.identity.V
	for _, name := range c.Identity.Cookies {
		if at, said := firstPlace(place(id.cookies), place(key.cookies), mode); said && slices.Contains(c.Key.Cookies, name) {
			l.refuse(at, "remove it from key.cookies", "the cookie %q stands in identity.cookies and in key.cookies", clip(name))
		}
		if at, said := firstPlace(place(id.cookies), place(d.anonymous), mode); said && matchesPattern(c.Anonymous, name) {
			l.refuse(at, "write anonymousCookies without it, or name another cookie", "the cookie %q would say who asks, and anonymousCookies that it does not", clip(name))
		}
	}
	for _, name := range c.Identity.Headers {
		if at, said := firstPlace(place(id.headers), place(key.headers), mode); said && slices.Contains(c.Key.Headers, name) {
			l.refuse(at, "remove it from key.headers", "the field %q stands in identity.headers and in key.headers", clip(name))
		}
	}
}

// place is where a document sets a value; the zero Pos: nowhere.
func place[T any](v val[T]) Pos {
	if !v.Set {
		return Pos{}
	}
	return v.At
}

// firstPlace is the first of some places that there is.
func firstPlace(all ...Pos) (at Pos, ok bool) {
	i := slices.IndexFunc(all, func(p Pos) bool { return p.Line > 0 })
	if i < 0 {
		return at, false
	}
	return all[i], true
}

func orElsePos(said, exact, other Pos) Pos {
	if said.Line > 0 {
		return exact
	}
	return other
}

// checkProbed refuses an identity of the probe that would identify nobody.
func checkProbed(l *log, at Pos, p ProbeIdentity, id *CacheIdentity) {
	known := slices.Clone(id.Headers)
	switch {
	case !id.On():
		known = []string{"authorization", "cookie"}
	case len(id.Cookies) > 0:
		known = append(known, "cookie")
	}
	if !slices.Contains(known, p.Header) {
		l.refuse(at, "take one of: "+strings.Join(known, ", "), "the field %q of a probe identity does not say who asks", clip(p.Header))
	}
}
