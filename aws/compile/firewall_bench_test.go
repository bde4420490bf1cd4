package compile

import (
	"fmt"
	"testing"

	"skerry.dev/skerry/spec"
)

// fleet is entrypoints of ten routes each, of which some have limits and firewalls of their own.
func fleet(n int, apart bool) *spec.Spec {
	waf := &spec.WAF{Mode: spec.WAFBlock, Paranoia: 1, BodyBytesMax: 128 << 10, OnLimit: spec.WAFRefuse, Allow: spec.WAFAllow{
		Methods: []string{"GET", "POST"}, ContentTypes: []string{"application/json", "text/plain", "multipart/form-data"}, Charsets: []string{"utf-8"},
	}}
	limit := &spec.Limit{PerAddress: spec.Rate{Count: 300, Per: 1e9}, Burst: 600}
	s := &spec.Spec{}
	for i := range n {
		e := &spec.Entrypoint{Meta: spec.Meta{Name: fmt.Sprintf("e%d", i)}, Policy: spec.Policy{WAF: waf, Limit: limit}}
		for j := range 10 {
			r := &spec.Route{Name: fmt.Sprintf("r%d", j), Policy: e.Policy}
			r.Match.Path = spec.PathMatch{Kind: spec.PathPrefix, Path: fmt.Sprintf("/e%d/r%d", i, j)}
			if j == 0 && apart {
				r.Policy.WAF = &spec.WAF{Mode: spec.WAFOff}
			}
			e.Routes = append(e.Routes, r)
		}
		s.Entrypoints = append(s.Entrypoints, e)
	}
	return s
}

func BenchmarkFirewall500x10(b *testing.B) {
	for _, apart := range []bool{false, true} {
		s := fleet(500, apart)
		b.Run(fmt.Sprintf("apart=%v", apart), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				firewallsOf(s)
			}
		})
	}
}
