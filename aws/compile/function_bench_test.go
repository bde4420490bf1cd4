package compile

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkFunctions500x10 is behaviours and functions of 500 entrypoints whose ten routes have little in common.
func BenchmarkFunctions500x10(b *testing.B) {
	var out strings.Builder
	for i := range 500 {
		fmt.Fprintf(&out, "---\napiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop-%03d, owner: shop}\nspec:\n  hosts: [shop-%03d.example.com, www.shop-%03d.example.com]\n  profile: website\n  canonicalHost: www.shop-%03d.example.com\n  routes:\n", i, i, i, i)
		for r := range 6 {
			fmt.Fprintf(&out, "  - {name: part-%d, match: {prefix: /part-%d}, service: \"https://app-%d.example.net\"}\n", r, r, r)
		}
		out.WriteString("  - {name: user, match: {path: '/user/{id}'}, rewrite: {path: '/u/{id}'}, service: \"https://user.example.net\"}\n")
		out.WriteString("  - {name: beta, match: {prefix: /beta, headers: {X-Beta: \"1\"}}, service: \"https://beta.example.net\"}\n")
		out.WriteString("  - {name: old, match: {prefix: /old}, redirect: {to: \"https://new.example.com{path}?{query}\"}}\n")
		out.WriteString("  - {name: rest, service: \"https://web.example.net\"}\n")
	}
	s := loaded(b, out.String())
	b.ReportAllocs()
	for b.Loop() {
		made := newBuilder(s, new(Memory))
		for _, e := range s.Entrypoints {
			site := &site{entry: e}
			for _, to := range s.Services {
				site.origins = append(site.origins, &origin{id: to.Meta.Name, service: to})
			}
			made.behaviors(site)
			made.functions(site)
		}
	}
}
