package cert_test

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

var strict = spec.TLS{MinVersion: "1.3", ClientCertificates: spec.ClientAuthOff}

const (
	plainKey  = "1.2 off "
	strictKey = "1.3 off "
)

// TestChoose: which certificate and policy a name gets.
func TestChoose(t *testing.T) {
	root := newCA(t, nil, "root")
	now := time.Now() // one for all: certificates count seconds
	ends := func(days int, names ...string) *made {
		return issue(t, root, nil, func(c *x509.Certificate) {
			nameIt(c, names...)
			c.NotBefore, c.NotAfter = now.AddDate(0, 0, -30), now.AddDate(0, 0, days)
		})
	}
	w := newWorld(t, "")
	w.certificate("a-short", ends(10, "shop.example.com"))
	w.certificate("b-long", ends(20, "shop.example.com", "WWW.Example.COM", "192.0.2.7", "2001:db8::7"))
	w.certificate("c-long", ends(20, "www.example.com")).Default = true
	w.certificate("d-wild", ends(90, "*.example.com"))
	w.certificate("e-ended", ends(-1, "ended.example.com", "dead.example.net"))
	w.certificate("f-deep", ends(90, "x.y.example.org", "*.sub.example.org"))
	w.certificate("g-wild", ends(90, "*.example.edu"))
	w.hosts(nil, "shop.example.com", "www.example.com", "ended.example.com", "dead.example.net", "*.example.com")
	w.hosts(&strict, "*.example.org", "example.org", "192.0.2.7", "[2001:db8::7]", "127.0.0.1", "*.low.example.com")
	w.hosts(nil, "*.example.edu", "localhost")
	table := w.table()
	none := netip.Addr{}
	f := func(sni string, to netip.Addr, certificate, policy string) {
		t.Helper()
		gotCert, gotPolicy, ok := table.Choose(sni, to)
		if gotCert != certificate || gotPolicy != policy || ok != (policy != "") {
			t.Errorf("%q to %v: got %q, %q, %v, want %q, %q", sni, to, gotCert, gotPolicy, ok, certificate, policy)
		}
	}
	f("shop.example.com", none, "b-long", plainKey)        // what ends later
	f("SHOP.Example.com", none, "b-long", plainKey)        // case does not count
	f("www.example.com", none, "b-long", plainKey)         // the first by name; exact before the wildcard, which ends later
	f("ended.example.com", none, "d-wild", plainKey)       // a wildcard in force before an exact one that is not
	f("dead.example.net", none, "e-ended", plainKey)       // better than one that covers nothing
	f("any.example.com", none, "d-wild", plainKey)         //
	f("a.any.example.com", none, "", "")                   // routed, but no certificate covers it
	f("example.com", none, "", "")                         // a wildcard is not the name itself
	f("example.org", none, "local example.org", strictKey) //
	f("a.example.org", none, "local *.example.org", strictKey)
	f("x.y.example.org", none, "f-deep", strictKey)   // a certificate for a name below a wildcard host
	f("a.sub.example.org", none, "f-deep", strictKey) //
	f("a.b.example.org", none, "local a.b.example.org", strictKey)
	f("a.low.example.com", none, "local *.low.example.com", strictKey) // the longest wildcard, as the router
	f("a.example.edu", none, "g-wild", plainKey)
	f("localhost", none, "local localhost", plainKey)
	f("example.net", none, "", "")
	f("com", none, "", "")
	for _, bad := range []string{".", "a..example.org", ".example.org", "*.example.org", "a b.example.org", "ä.example.org", "a.example.org.", strings.Repeat("a", 64) + ".example.org", strings.Repeat("a.", 130) + "example.org", "[2001:db8::7]", "a\x00.example.org"} {
		f(bad, none, "", "")
	}
	f("192.0.2.7", none, "b-long", strictKey)
	f("", netip.MustParseAddr("192.0.2.7"), "b-long", strictKey)
	f("", netip.MustParseAddr("2001:db8::7"), "b-long", strictKey)
	f("", netip.MustParseAddr("127.0.0.1"), "local 127.0.0.1", strictKey)
	f("", netip.MustParseAddr("192.0.2.8"), "c-long", plainKey) // the default one, under the default policy
	f("", none, "c-long", plainKey)

	if got := table.Local(); !slices.Equal(got, []string{"*.example.org", "example.org", "127.0.0.1", "*.low.example.com", "localhost"}) {
		t.Errorf("hosts on the local CA: %q", got)
	}
}

// TestAddressAsName: an address that stands among a certificate's DNS names is none to any client (RFC 9525 section 6.2).
func TestAddressAsName(t *testing.T) {
	w := newWorld(t, "")
	w.certificate("odd", issue(t, newCA(t, nil, "root"), nil, func(c *x509.Certificate) {
		c.DNSNames = []string{"192.0.2.9", "*.0.2.10", "odd.example.com"}
	}))
	w.hosts(nil, "192.0.2.9", "192.0.2.10", "odd.example.com")
	if got := w.table().Local(); !slices.Equal(got, []string{"192.0.2.9", "192.0.2.10"}) {
		t.Errorf("on the local CA: %q", got)
	}
}

// TestChooseFirst: without a name and without a default, the first certificate, or the local CA's for the first host.
func TestChooseFirst(t *testing.T) {
	w := newWorld(t, "")
	if _, _, ok := w.table().Choose("", netip.Addr{}); ok {
		t.Error("an empty spec serves something")
	}
	w.hosts(&strict, "b.example.com", "a.example.com")
	if got, policy, _ := w.table().Choose("", netip.Addr{}); got != "local b.example.com" || policy != plainKey {
		t.Errorf("got %q under %q", got, policy)
	}
	w.certificate("one", newCA(t, nil, "root").server(t, "z.example.com"))
	if got, _, _ := w.table().Choose("", netip.Addr{}); got != "one" {
		t.Errorf("got %q", got)
	}
}

// TestShow: what check and explain print.
func TestShow(t *testing.T) {
	root := newCA(t, nil, "root")
	w := newWorld(t, "")
	w.certificate("shop", root.server(t, "shop.example.com", "*.example.com", "192.0.2.7"))
	w.hosts(nil, "shop.example.com", "*.example.com", "192.0.2.7")
	w.hosts(&strict, "localhost", "127.0.0.1", "*.example.net")
	table := w.table()
	got := table.Certificates()
	if len(got) != 1 || got[0].Certificate != "shop" || got[0].Issuer != "CN=root" ||
		!slices.Equal(got[0].Names, []string{"*.example.com", "192.0.2.7", "shop.example.com"}) ||
		!slices.Equal(got[0].Hosts, []string{"*.example.com", "192.0.2.7", "shop.example.com"}) {
		t.Errorf("got %+v", got)
	}
	f := func(host, certificate, policy string, ok bool) {
		t.Helper()
		shown, key, is := table.Host(host)
		got := ""
		if len(shown) > 0 {
			got = shown[0].Certificate
		}
		if got != certificate || key != policy || is != ok {
			t.Errorf("%s: got %q, %q, %v", host, got, key, is)
		}
	}
	f("shop.example.com", "shop", plainKey, true)
	f("*.example.com", "shop", plainKey, true)
	f("192.0.2.7", "shop", plainKey, true)
	f("localhost", "", strictKey, true)
	f("127.0.0.1", "", strictKey, true)
	f("*.example.net", "", strictKey, true)
	f("a.b.example.com", "", "", false)
	f("192.0.2.8", "", "", false)
	f("*.example.edu", "", "", false)
	f("", "", "", false)
}

// TestKey: a policy that says nothing is the default one, however it says so.
func TestKey(t *testing.T) {
	for _, same := range []*spec.TLS{nil, {}, {MinVersion: "1.2"}, {MinVersion: "1.2", ClientCertificates: spec.ClientAuthOff}} {
		if got := same.Key(); got != plainKey {
			t.Errorf("%+v: %q", same, got)
		}
	}
}

// TestKeyOfCurves: their order and repetition mean nothing, and all of them are the default.
func TestKeyOfCurves(t *testing.T) {
	f := func(want string, curves ...spec.Curve) {
		t.Helper()
		if got := (&spec.TLS{Curves: curves}).Key(); got != plainKey+want {
			t.Errorf("%q: %q, want %q", curves, got, plainKey+want)
		}
	}
	f("", spec.Curves()...)
	f(" X25519 P-256", spec.CurveP256, spec.CurveX25519)
	f(" X25519", slices.Repeat([]spec.Curve{spec.CurveX25519}, len(spec.Curves()))...)
	f("", append(spec.Curves(), spec.CurveP256)...)
	with := spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:a", Forward: spec.ForwardClientLeaf}
	if got := with.Key(); got != "1.2 required file:a" { // what is told to a service is no demand
		t.Errorf("got %q", got)
	}
	if with.ClientCRL = "file:b"; with.Key() != "1.2 required file:a file:b" {
		t.Errorf("got %q", with.Key())
	}
}

// FuzzNormalName: a name is in the normal form that a request's Host has, or it is refused.
func FuzzNormalName(f *testing.F) {
	for _, s := range []string{"", "a", "A.Example", "a..b", "a.b.", "-", "_x.y", "1.2.3.4", "xn--a", "a:1", "[::1]", "a\x00", strings.Repeat("a.", 127), strings.Repeat("b", 64)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := cert.NormalName(s)
		host, port, err := exchange.NormalHost([]byte(s), new(exchange.Scratch))
		want := err == nil && port == 0 && !strings.HasPrefix(s, "[") && !strings.HasSuffix(s, ".")
		if strings.Contains(s, ":") {
			want = false
		}
		if ok != want || ok && got != string(host) {
			t.Errorf("%q: got %q, %v; NormalHost says %q, %v", s, got, ok, host, err)
		}
	})
}

// manyHosts is a table of 10,000 hosts, a third of them with certificates.
func manyHosts(t testing.TB) *cert.Table {
	root := newCA(t, nil, "root")
	w := newWorld(t, "")
	var hosts, named []string
	for i := range 10_000 {
		h := fmt.Sprintf("h%d.shop%d.example.com", i, i%1000)
		hosts = append(hosts, h)
		if i%3 == 0 {
			named = append(named, h)
		}
	}
	for i := 0; i < len(named); i += 100 {
		w.certificate(fmt.Sprintf("c%03d", i/100), root.server(t, append(named[i:min(i+100, len(named))], fmt.Sprintf("*.w%d.example.com", i))...))
	}
	w.hosts(nil, hosts...)
	w.hosts(&strict, "*.example.com")
	return w.table()
}

func BenchmarkChoose(b *testing.B) {
	table := manyHosts(b)
	var names []string
	for i := range 10_000 {
		names = append(names, fmt.Sprintf("h%d.shop%d.example.com", i, i%1000))
	}
	to := netip.MustParseAddr("127.0.0.1")
	for name, of := range map[string][]string{"exact": names, "covered-wildcard": {"a.w0.example.com"}, "local-wildcard": {"a.example.com"}, "not-served": {"a.b.c.example.net"}, "no-name": {""}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				table.ChooseOnly(of[i%len(of)], to)
				i++
			}
		})
	}
}

// BenchmarkTable is a reload with 10,000 hosts and 34 certificates.
func BenchmarkTable(b *testing.B) {
	w := newWorld(b, "")
	root := newCA(b, nil, "root")
	for i := range 34 {
		var names []string
		for j := range 100 {
			names = append(names, fmt.Sprintf("h%d-%d.example.com", i, j))
		}
		w.certificate(fmt.Sprint("c", i), root.server(b, names...))
		w.hosts(nil, names...)
	}
	for i := range 6600 {
		w.hosts(nil, fmt.Sprintf("l%d.example.com", i))
	}
	for b.Loop() {
		w.table()
	}
}
