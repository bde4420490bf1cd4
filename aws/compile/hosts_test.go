package compile

import (
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	f := func(hosts, kept string, found ...string) {
		t.Helper()
		b := built(t, `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team}
spec: {hosts: [`+hosts+`], service: "https://o.example.net"}
`)
		if got := strings.Join(b.sites[0].hosts, " "); got != kept {
			t.Errorf("of %s CloudFront serves %q, not %q", hosts, got, kept)
		}
		finds(t, b, found...)
	}
	f("www.example.com, example.com", "example.com www.example.com")
	f(`www.example.com, "*.example.com"`, "*.example.com www.example.com", "warning hosts: *.example.com covers one level")
	f("www.example.com, 192.0.2.1", "www.example.com", "error host-refused: 192.0.2.1 is an IP address")
	f(`"[2001:db8::1]", www.example.com`, "www.example.com", "error host-refused: [2001:db8::1] is an IP address")
	f("localhost", "", "error host-refused: localhost is a name of the machine", "error host-none: of 1 hosts")
	f(`intranet, "*.com"`, "", "error host-refused: intranet is a name without a dot", "error host-refused: *.com is a whole top-level domain")
}

func TestCanonicalHost(t *testing.T) {
	b := built(t, `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team}
spec: {hosts: [www.example.com, 192.0.2.1], canonicalHost: 192.0.2.1, service: "https://o.example.net"}
`)
	finds(t, b, "error host-canonical: the canonical host 192.0.2.1 is an IP address")
}

func TestCoveredBy(t *testing.T) {
	f := func(host, name string, want bool) {
		t.Helper()
		if got := coveredBy(host, name); got != want {
			t.Errorf("%s by %s: %t", host, name, got)
		}
	}
	f("a.example.com", "a.example.com", true)
	f("a.example.com", "*.example.com", true)
	f("b.a.example.com", "*.example.com", false)
	f("example.com", "*.example.com", false)
	f("*.example.com", "*.example.com", true)
	f("*.a.example.com", "*.example.com", false)
	f("*.example.com", "a.example.com", false)
	f("aexample.com", "*.example.com", false)
}
