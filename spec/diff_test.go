package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/spec"
)

// shops is a spec of n entrypoints, the names from first on.
func shops(t *testing.T, first, n int) *spec.Spec {
	t.Helper()
	var docs []string
	for i := first; i < first+n; i++ {
		docs = append(docs, strings.NewReplacer("shop", fmt.Sprintf("shop-%02d", i)).Replace(six))
	}
	return mustParse(t, yaml(strings.Join(docs, "---\n")))
}

func TestDiff(t *testing.T) {
	const cart = "---\napiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: cart}\nspec: {endpoints: [http://a]}\n"
	f := func(old, new, want string) {
		t.Helper()
		var a, b *spec.Spec
		if old != "" {
			a = mustParse(t, yaml(old))
		}
		if new != "" {
			b = mustParse(t, yaml(new))
		}
		c := spec.Diff(a, b)
		if got := c.String(); got != want || c.Empty() != (want == "nothing changed") {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("", "", "nothing changed")
	f(six, six, "nothing changed")
	f("", six, "added entrypoint shop")
	f(six+cart, "", "removed entrypoint shop, service cart")
	f(six, strings.Replace(six, "9000", "9001", 1), "changed entrypoint shop")
	f(six+cart, six+strings.Replace(cart, "//a", "//b", 1), "changed service cart")
	f(six+cart, six+strings.Replace(cart, "http://a", "{url: http://a, weight: 1}", 1), "nothing changed")
	f(six+cart, six+strings.Replace(cart, "http://a", "{url: http://a, region: eu}", 1), "changed service cart")
	f(six+cart, six+strings.Replace(cart, "]}", "], balance: powerOfTwo, breaker: off, ejection: on}", 1), "nothing changed")
	f(six+cart, six+strings.Replace(cart, "]}", "], balance: maglev}", 1), "changed service cart")
	const route = "  routes: [{match: {path: /a}, service: http://b, priority: normal}]\n"
	f(six+route, six+strings.Replace(route, ", priority: normal", "", 1), "nothing changed")
	f(six+route, six+strings.Replace(route, "normal", "high", 1), "changed entrypoint shop")
	f(six+route, six+strings.Replace(route, "priority: normal", "retry: off", 1), "changed entrypoint shop")
	f(six+route, six+strings.Replace(route, "priority: normal", "mirror: {service: http://c}", 1), "changed entrypoint shop")
	f(six, six+"  waf: {mode: block, paranoia: 1, shadow: 0.0001, exclude: []}\n", "nothing changed")
	f(six, six+"  waf: {threshold: 6}\n", "changed entrypoint shop")
	f(six+"  waf: off\n", six+"  waf: {mode: off, threshold: 6}\n", "nothing changed")
	f(six+"  waf: {rules: [{file: a.conf, text: a}]}\n", six+"  waf: {rules: [{file: a.conf, text: b}]}\n", "changed entrypoint shop")
	f(six, six+"  cache: {mode: private, anonymousCookies: [known/consent, known/analytics], collapse: 5s, requestDirectives: off}\n", "nothing changed")
	f(six, six+"  cache: {anonymousCookies: [known/consent, known/analytics, a]}\n", "changed entrypoint shop")
	f(six, six+"  cache: {key: {query: []}}\n", "changed entrypoint shop")
	f(six+"  cache: off\n", six+"  cache: {mode: off, objectMax: 1MB}\n", "nothing changed")
	f(six+"  cache: standard\n", six+"  cache: {mode: standard, anonymousCookies: [a], requestDirectives: on}\n", "nothing changed")
	f(six+route, six+strings.Replace(route, "priority: normal", "cache: private", 1), "nothing changed")
	f(six+route, six+strings.Replace(route, "priority: normal", "cache: {stale: {ifError: 1h}}", 1), "changed entrypoint shop")
	f(six+cart, strings.ReplaceAll(six, "shop", "store")+cart, "added entrypoint store; removed entrypoint shop")
	const chain = "---\napiVersion: skerry.dev/v1\nkind: Certificate\nmetadata: {name: chain}\nspec: {certificate: file:a, key: file:b}\n"
	f(six, six+chain, "added certificate chain")
	f(six+chain, six+strings.Replace(chain, "file:b", "file:c", 1), "changed certificate chain")
	f(six, six+account, "added aws production")
	f(six+account, six+strings.Replace(account, "spec: {", "spec: {packing: auto, http3: on, firewall: {bodyKB: 16}, quotas: {}, allow: [], ", 1), "nothing changed")
	f(six+account, six+strings.Replace(account, "spec: {", "spec: {quotas: {distributions: 700}, ", 1), "changed aws production")
	f(six+account, six, "removed aws production")
	f(six, six+"  portability: {allow: []}\n", "nothing changed")
	f(six, six+"  portability: {allow: [hedging]}\n", "changed entrypoint shop")
	f(six+"  portability: {allow: [a, b]}\n", six+"  portability: {allow: [b, a, b]}\n", "nothing changed")
	const files = "---\napiVersion: skerry.dev/v1\nkind: Service\nmetadata: {name: files}\nspec: {directory: {path: a}}\n"
	f(six+files, six+strings.Replace(files, "a}}", "a}, aws: {bucket: abc, region: eu-central-1}}", 1), "changed service files")
	// What a profile says shows where it is used.
	const mine = "---\napiVersion: skerry.dev/v1\nkind: Profile\nmetadata: {name: mine}\nspec: {log: on}\n"
	used := six + "  profile: mine\n" + mine
	f(used, strings.Replace(used, "log: on", "log: off", 1), "changed entrypoint shop")
	f(six+mine, six+strings.Replace(mine, "log: on", "log: off", 1), "nothing changed")

	if got, want := spec.Diff(nil, shops(t, 0, 12)).String(), "entrypoint shop-09 and 2 more"; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want it to end in %s", got, want)
	}
}

func TestShrinkProblem(t *testing.T) {
	f := func(old, new *spec.Spec, want string) {
		t.Helper()
		got := ""
		if p := spec.ShrinkProblem(old, new); p != nil {
			got = p.Text
			if !strings.Contains(p.Fix, "--allow-shrink") {
				t.Errorf("%q does not name the flag", p.Fix)
			}
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	none := mustParse(t)
	f(nil, none, "")
	f(none, none, "")
	f(none, shops(t, 0, 1), "")
	f(shops(t, 0, 1), none, "the new spec removes 1 of 1 entrypoints")
	f(shops(t, 0, 1), nil, "the new spec removes 1 of 1 entrypoints")
	f(shops(t, 0, 1), shops(t, 1, 1), "") // renamed
	f(shops(t, 0, 9), shops(t, 0, 1), "")
	f(shops(t, 0, 10), shops(t, 0, 5), "")
	f(shops(t, 0, 10), shops(t, 0, 4), "the new spec removes 6 of 10 entrypoints")
	f(shops(t, 0, 10), shops(t, 6, 20), "the new spec removes 6 of 10 entrypoints")
}
