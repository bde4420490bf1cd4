package spec

import (
	"fmt"
	"strings"
	"time"
)

// This file is the table of the probe of a cache.

type probeIdentityDoc struct {
	header val[string]
	value  val[Ref]
	marker val[string]
}

var probeIdentity = object[probeIdentityDoc]{
	name: "probe identity", doc: "Somebody made up for the probe.",
	fields: []field[*probeIdentityDoc]{
		row("header", func(d *probeIdentityDoc) *val[string] { return &d.header }, words(probeField, nameInSchema),
			"The request field that says who it is: one of identity.headers, or Cookie.").needed(),
		row("value", func(d *probeIdentityDoc) *val[Ref] { return &d.value }, secretRef,
			"Its value, of Cookie name=value: file:NAME below --secrets, or env:SKERRY_SECRET_NAME.").needed(),
		row("marker", func(d *probeIdentityDoc) *val[string] { return &d.marker }, words(probeMarker, map[string]any{"maxLength": markerBytesMax}),
			"Text that stands in no answer but those to this identity, such as its address of e-mail: none is looked for, if left out."),
	},
}

func probeField(s string) (bad, fix string) {
	if strings.EqualFold(s, "cookie") {
		return "", ""
	}
	return identityField(s)
}

// probeMarker checks a text that a probe looks for. A shorter one would stand in answers by chance.
func probeMarker(s string) (bad, fix string) {
	if s != "" && (len(s) < markerBytesLeast || len(s) > markerBytesMax) {
		return fmt.Sprintf("a marker has %d to %d bytes, %q has %d", markerBytesLeast, markerBytesMax, clip(s), len(s)), "take what only this identity sees: a name, an address of e-mail"
	}
	return anyText(s)
}

var probeIdentityList = listOf(probeIdentity.shape(), 2)

// probeIdentities are none or two.
var probeIdentities = leaf[[]ProbeIdentity]{
	describe: func(d *describer) map[string]any {
		two := probeIdentityList.describe(d)
		two["minItems"] = 2
		return map[string]any{"anyOf": []any{two, map[string]any{"type": "array", "maxItems": 0}}}
	},
	read: func(l *log, n *node) ([]ProbeIdentity, bool) {
		if n.kind == listNode && len(n.items) != 0 && len(n.items) != 2 {
			l.refuse(n.at, "name two: the probe compares what they get", "a probe has none or two identities, these are %d", len(n.items))
			return nil, false
		}
		before := l.count()
		vs, ok := probeIdentityList.read(l, n)
		if !ok || l.count() > before {
			return nil, false
		}
		out := make([]ProbeIdentity, 0, len(vs))
		for _, v := range vs {
			out = append(out, ProbeIdentity{v.V.value.At, strings.ToLower(v.V.header.V), v.V.value.V, v.V.marker.V})
		}
		return out, distinctIdentities(l, out)
	},
	write: func(ps []ProbeIdentity) any {
		vs := make([]val[probeIdentityDoc], len(ps))
		for i, p := range ps {
			vs[i] = said(probeIdentityDoc{said(p.Header), said(p.Value), saidText(p.Marker)})
		}
		return probeIdentityList.write(vs)
	},
}.shape()

// distinctIdentities refuses two that are one, or whose answers nobody could tell apart.
func distinctIdentities(l *log, ps []ProbeIdentity) bool {
	if len(ps) != 2 {
		return true
	}
	a, b := ps[0], ps[1]
	switch {
	case a.Header == b.Header && a.Value == b.Value:
		l.refuse(b.At, "refer to the secret of another account", "both identities of the probe have the value %s", clip(string(b.Value)))
	case a.Marker != "" && (strings.Contains(a.Marker, b.Marker) && b.Marker != "" || strings.Contains(b.Marker, a.Marker)):
		l.refuse(b.At, "take what only one of them sees", "the marker %q would be found in answers to both identities", clip(b.Marker))
	default:
		return true
	}
	return false
}

var cacheProbeParts = []part[*cacheProbeDoc, *CacheProbe]{
	partOf("every", func(d *cacheProbeDoc) *val[time.Duration] { return &d.every }, func(m *CacheProbe) *time.Duration { return &m.Every },
		duration(probeLeast, probeMost), "How often it asks."),
	partOf("identities", func(d *cacheProbeDoc) *val[[]ProbeIdentity] { return &d.identities }, func(m *CacheProbe) *[]ProbeIdentity { return &m.Identities },
		probeIdentities, "Two people made up for it, or none: then a request without and one with a session are compared. Where there is an identity there must be two."),
	partOf("paths", func(d *cacheProbeDoc) *val[[]string] { return &d.paths }, func(m *CacheProbe) *[]string { return &m.Paths },
		pagePaths(probePathsMax), "Paths, with query, that it asks for."),
}

var cacheProbe = object[cacheProbeDoc]{
	name: "cache probe", doc: "Asks the edge for the same as different people, to find what one must not see of another; a leak ends the caching of the route.",
	fields: fieldsOfParts(cacheProbeParts),
}
