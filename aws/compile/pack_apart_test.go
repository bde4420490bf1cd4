package compile_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/aws/compile"
)

// TestPackingApart asks what a packing that takes nobody says of it: the first difference that means something, with both values and
// places. Of the two entrypoints, the second one is edited.
func TestPackingApart(t *testing.T) {
	f := func(packing, more, want string) {
		t.Helper()
		text := strings.Replace(houses(2, packing, oneSecret), "  service: house-01\n", "  service: house-00\n"+more, 1)
		_, list := compile.Run(parsed(t, text))
		got := ""
		for _, found := range list {
			if found.Rule.ID == "packing-apart" {
				got = found.Text
			}
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s with %q: %q, want %q", packing, more, got, want)
		}
	}
	f("shared", "", "")
	f("tenants", "", "")
	f("dedicated", "  waf: off\n", "")
	f("tenants", "  waf: off\n", "") // tenants may differ in their firewall
	f("shared", "  waf: off\n", `differ in WebACLId`)
	f("shared", "  hsts: off\n", `ResponseHeadersPolicyConfig.SecurityHeadersConfig.StrictTransportSecurity.AccessControlMaxAgeSec: 31536000 (`)
	f("tenants", "  headers: {response: {set: {X-A: b}}}\n", `ResponseHeadersPolicyConfig.CustomHeadersConfig`)
	f("tenants", "  requestID: off\n", `EventType: "viewer-response" (`)
	f("shared", "  headers: {request: {set: {X-A: b}}}\n", `FunctionCode: nothing (`)
	f("shared", "  tls: {minVersion: '1.3'}\n", "house-00 and house-01 differ in what their distribution has of their log or TLS: log")
	f("shared", "  cache: {mode: standard, ttl: {default: 5m}}\n", `CachePolicyId`)

	_, list := compile.Run(parsed(t, houses(3, "shared", oneSecret)))
	for _, found := range list {
		if found.Rule.ID != "packing-apart" {
			continue
		}
		if want := `house-00 and house-01, which differ least, differ in Origins.0.DomainName: "house-00.internal.example.net" (`; !strings.Contains(found.Text, want) {
			t.Errorf("got %q, want %q", found.Text, want)
		}
		if at := strings.Count(found.Text, "edge.yaml:"); at != 2 {
			t.Errorf("%d places in %q", at, found.Text)
		}
	}
}
