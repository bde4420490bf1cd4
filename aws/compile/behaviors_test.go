package compile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/spec"
)

// entrySpec is an entrypoint with routes, each a line of YAML, and more documents behind it.
func entrySpec(profile string, more string, routes ...string) string {
	text := "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop, owner: shop}\nspec:\n  hosts: [shop.example.com]\n  profile: " + profile + "\n  routes:\n"
	for _, r := range routes {
		text += "    - {" + r + "}\n"
	}
	return text + more
}

const app = `, service: "https://app.example.net"`

// shown is the behaviours of a site, each with the routes that may come to it.
func shown(s *site) string {
	var out strings.Builder
	for _, v := range s.behaviors {
		names := make([]string, len(v.routes))
		for i, r := range v.routes {
			if names[i] = r.Name; isNoRoute(r) {
				names[i] = "(404)"
			}
		}
		fmt.Fprintf(&out, "%s: %s\n", v.name(), strings.Join(names, " "))
	}
	return out.String()
}

func TestBehaviors(t *testing.T) {
	f := func(name string, want string, routes ...string) {
		t.Helper()
		_, s := madeSite(t, entrySpec("plain", "", routes...))
		if got := shown(s); got != strings.TrimLeft(want, "\n") {
			t.Errorf("%s: got\n%swant%s", name, got, want)
		}
	}
	other := `, service: "https://other.example.net"`
	f("one route", `
all other paths: web
`, "name: web"+app)
	f("a prefix is the directory and what is below it; the rest is nobody's", `
/a: a
/a/*: a
all other paths: (404)
`, "name: a, match: {prefix: /a}"+app)
	f("exact paths first, deeper prefixes first", `
/a/x: x
/a/b: b
/a/b/*: b
/a: a
/a/*: a
all other paths: web
`, "name: web"+app, "name: a, match: {prefix: /a}"+other, "name: b, match: {prefix: /a/b}"+app, "name: x, match: {path: /a/x}, respond: {body: x}")
	f("a {name} is a wildcard, which takes more than one segment: the function knows", `
/users/me: me
/users/*: user web
all other paths: web
`, "name: web"+app, "name: user, match: {path: '/users/{id}'}"+other, "name: me, match: {path: /users/me}"+app)
	f("what a wider pattern covers stands before it", `
/t/*/z: z y web
/t/x/y: y
/t/x/y/*: y
/t/*: one web
all other paths: web
`, "name: web"+app, "name: one, match: {path: '/t/{a}'}"+other, "name: z, match: {path: '/t/{a}/z'}"+other, "name: y, match: {prefix: /t/x/y}"+other)
	f("conditions leave the path to others", `
/a: get a
/a/*: a
all other paths: web
`, "name: web"+app, "name: a, match: {prefix: /a}"+other, `name: get, match: {path: /a, methods: [GET]}`+app)
	f("a behaviour that does what the next one does is left out", `
/b: b
/b/*: b
all other paths: web
`, "name: web"+app, "name: a, match: {prefix: /a}"+app, "name: x, match: {path: /a/x}"+app, "name: b, match: {prefix: /b}"+other)
	f("but not where something else comes between", `
/a/x: x
/a: a
/a/*: a
all other paths: web
`, "name: web"+app, "name: a, match: {prefix: /a}"+other, "name: x, match: {path: /a/x}"+app)
	f("what a pattern cannot say becomes a wildcard", `
/a?b: semi web
/a*b: coded web
all other paths: web
`, "name: web"+app, "name: semi, match: {path: '/a;b'}"+other, "name: coded, match: {path: '/a%2Fb'}"+other)
	f("a prefix of everything is the default", `
all other paths: q web
`, "name: web, match: {prefix: /}"+app, "name: q, match: {query: {v: '2'}}"+other)
}

func TestBehaviorQuota(t *testing.T) {
	routes := []string{"name: web" + app}
	for i := range 30 {
		routes = append(routes, fmt.Sprintf(`name: r%d, match: {path: /r%d}, respond: {body: "%d"}`, i, i, i))
		routes = append(routes, fmt.Sprintf(`name: s%d, match: {prefix: /s%d}, service: "https://s%d.example.net"`, i, i, i))
	}
	b, s := madeSite(t, entrySpec("plain", "", routes...))
	if n := len(s.behaviors); n != 75 {
		t.Errorf("%d behaviours, 75 are allowed", n)
	}
	for _, v := range s.behaviors[:74] {
		if !strings.HasPrefix(v.pattern, "/s") && len(s.behaviors[74].routes) < 16 {
			t.Errorf("%s has a behaviour while services have none", v.pattern)
		}
	}
	want := "the routes need 90 path patterns, and beside the default behaviour there is room for 74: 16 of them share the behaviours that remain"
	if len(b.findings) == 0 || b.findings[0].Rule.ID != "behaviours" || b.findings[0].Text != want {
		t.Errorf("findings %v, want %q", b.findings, want)
	}
	b, s = madeSite(t, entrySpec("plain", "---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: aws, owner: shop}\nspec: {quotas: {cacheBehaviors: 100}}\n", routes...))
	if len(s.behaviors) != 91 || slices.Contains(findingIDs(b), "warning behaviours") {
		t.Errorf("with a larger quota: %d behaviours, %v", len(s.behaviors), findingIDs(b))
	}
}

func findingIDs(b *builder) (out []string) {
	for _, f := range b.result() {
		out = append(out, f.Severity.String()+" "+f.Rule.ID)
	}
	return out
}

func TestBehaviorDisagreements(t *testing.T) {
	f := func(name, profile string, uncached bool, keys string, want []string, routes ...string) {
		t.Helper()
		b, s := madeSite(t, entrySpec(profile, "", routes...))
		v := s.behaviors[len(s.behaviors)-1]
		if got := findingIDs(b); !slices.Equal(got, want) {
			t.Errorf("%s: findings %v, want %v", name, got, want)
		}
		if v.uncached != uncached || strings.Join(v.keys, " ") != keys {
			t.Errorf("%s: uncached %t, keys %v", name, v.uncached, v.keys)
		}
	}
	conditional := `name: beta, match: {headers: {X-Beta: "1"}}, service: "https://beta.example.net"`
	f("the same cache: the choice counts", "website", false, routeKey, nil, conditional, "name: web"+app)
	f("no cache: nothing counts", "api", false, "", nil, conditional, "name: web"+app)
	f("one may be stored", "website", true, "", []string{"warning behaviour-cache"}, conditional+", cache: off", "name: web"+app)
	f("other callers", "api", false, "", []string{"error behaviour-cors"}, conditional+`, cors: {origins: ["https://a.example.com"]}`, "name: web"+app)
	f("other fields", "api", false, "", []string{"warning behaviour-mixed"}, conditional+`, headers: {response: {set: {X-A: b}}}`, "name: web"+app)
	f("a redirect beside a service says nothing of its cache", "website", false, "", nil,
		`name: old, match: {query: {v: "1"}}, cache: off, redirect: {to: /new}`, "name: web, cache: off"+app)
	f("rewritten paths may meet", "website", false, routeKey, nil, `name: web, match: {prefix: /}, rewrite: {prefix: /inside}`+app)
	f("services of one route", "website", false, routeKey, nil,
		`name: web, services: [{service: "https://a.example.net", weight: 9}, {service: "https://b.example.net", weight: 1}]`)
	f("a service without a share", "website", false, "", nil,
		`name: web, services: [{service: "https://a.example.net", weight: 9}, {service: "https://b.example.net", weight: 0}]`)
}

func TestGlobs(t *testing.T) {
	f := func(a, b string, covers, meets bool) {
		t.Helper()
		g, h := patternGlob(a), patternGlob(b)
		if g.covers(h) != covers || g.meets(h) != meets || h.meets(g) != meets {
			t.Errorf("%s and %s: covers %t, meets %t", a, b, g.covers(h), g.meets(h))
		}
	}
	f("/a", "/a", true, true)
	f("/a", "/b", false, false)
	f("*", "/a/*", true, true)
	f("/a/*", "*", false, true)
	f("/a/*", "/a/", true, true)
	f("/a/*", "/a", false, false)
	f("/a*", "/a/*", true, true)
	f("/a/*/c", "/a/b/*", false, true)
	f("/a/*/c", "/a/?/c", true, true)
	f("/*b", "/a*", false, true)
	f("/*b", "/a*c", false, false)
	f("/a??", "/a*", false, true)
	f("/a*?", "/a?*", false, true) // it is so, but no is a safe answer
	segment := segmentGlob("/a/{id}")
	for path, want := range map[string]bool{"/a/b": true, "/a/bc": true, "/a/": false, "/a/b/c": false, "/a": false} {
		if segment.covers(literalGlob(path)) != want {
			t.Errorf("/a/{id} and %s: not %t", path, want)
		}
	}
	if !patternGlob("/a/*").covers(segment) || segment.covers(patternGlob("/a/*")) || segment.meets(literalGlob("/a/b/c")) {
		t.Error("a {name} crosses a slash")
	}
	long := spec.Route{Match: spec.Match{Path: spec.PathMatch{Kind: spec.PathExact, Path: "/" + strings.Repeat("a", 400)}}}
	if p := rank(&long).globs[0].pattern(); len(p) != patternMax || !strings.HasSuffix(p, "a*") {
		t.Errorf("a long path has the pattern %s", p)
	}
}
