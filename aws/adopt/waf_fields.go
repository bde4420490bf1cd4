package adopt

import (
	"slices"
	"sync"

	"skerry.dev/skerry/spec"
)

// This file writes the firewall's fields.

// firewallDefault is the firewall of an entrypoint that only turns it on.
var firewallDefault = sync.OnceValue(func() *spec.WAF {
	s, problems := spec.Parse([]spec.File{{Name: "waf.yaml", Data: []byte(`
apiVersion: ` + spec.APIVersion + `
kind: Entrypoint
metadata: {name: waf}
spec: {profile: plain, hosts: [www.example.com], waf: block, service: "http://127.0.0.1:9000"}
`)}})
	if len(problems) > 0 {
		panic("BUG: the entrypoint with the defaults: " + problems[0].String())
	}
	return s.Entrypoints[0].Policy.WAF
})

// full is every field that rules may say something of.
func (s *firewallSaid) full() []said {
	d := firewallDefault()
	list := func(id int, otherwise []string) []string {
		if items, there := s.lists[id]; there {
			return items
		}
		return otherwise
	}
	methods, held, onLimit := d.Allow.Methods, int64(d.BodyBytesMax), spec.WAFPass
	if s.methods != nil {
		methods = s.methods
	}
	if s.held > 0 {
		held = s.held
	}
	held = s.passing(held)
	if s.refuses {
		onLimit = spec.WAFRefuse
	}
	return []said{
		{"mode", string(s.mode())},
		{"allow", []said{
			{"methods", methods}, {"contentTypes", list(crsTypes, d.Allow.ContentTypes)}, {"charsets", list(crsCharsets, d.Allow.Charsets)},
			{"headers", list(crsHeaders, d.Allow.Headers)}, {"extensions", list(crsExtensions, d.Allow.Extensions)},
		}},
		{"exclude", s.excludes()},
		{"bodyBytesMax", sizeText(held)},
		{"onLimit", string(onLimit)},
	}
}

// passing is a size, or bodyMax where that is smaller.
func (s *firewallSaid) passing(held int64) int64 {
	if s.bodyMax > 0 {
		return min(held, s.bodyMax)
	}
	return held
}

// defaults are the same fields of a firewall that is only turned on, under the same bodyMax.
func (s *firewallSaid) defaults() []said {
	d := firewallDefault()
	return []said{
		{"mode", ""},
		{"allow", []said{
			{"methods", d.Allow.Methods}, {"contentTypes", d.Allow.ContentTypes}, {"charsets", d.Allow.Charsets},
			{"headers", d.Allow.Headers}, {"extensions", d.Allow.Extensions},
		}},
		{"exclude", [][]said{}}, {"bodyBytesMax", sizeText(s.passing(int64(d.BodyBytesMax)))}, {"onLimit", string(d.OnLimit)},
	}
}

// fields are what an entrypoint of the profile plain has to say.
func (s *firewallSaid) fields() []said {
	if s.mode() == spec.WAFOff {
		return []said{{"mode", string(spec.WAFOff)}}
	}
	return unlike(s.full(), s.defaults())
}

// differs are the fields that a route has to say where an entrypoint says o.
func (s *firewallSaid) differs(o *firewallSaid) []said {
	if s.mode() == spec.WAFOff || o.mode() == spec.WAFOff {
		return s.fields()
	}
	return unlike(s.full(), o.full())
}

// unlike are the fields of which others say something else; both have the same names.
func unlike(list, others []said) (out []said) {
	for i, f := range list {
		inner, isObject := f.value.([]said)
		switch {
		case sameValue(f.value, others[i].value):
		case isObject:
			out = append(out, said{f.name, unlike(inner, others[i].value.([]said))})
		default:
			out = append(out, f)
		}
	}
	return slices.Clip(out)
}
