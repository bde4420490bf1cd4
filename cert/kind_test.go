package cert_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
)

// TestKinds: of several certificates for a host each client gets one that it can use, ECDSA if it can.
func TestKinds(t *testing.T) {
	root := newCA(t, nil, "root")
	w := newWorld(t, "")
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bits := rsaKey(t, 2048)
	of := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { nameIt(c, names...) }
	}
	ended := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			nameIt(c, names...)
			c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
		}
	}
	w.certificate("a-rsa", issue(t, root, bits, of("shop.example.com", "only.example.com", "*.wild.example.com")))
	w.certificate("b-ecdsa", issue(t, root, nil, of("shop.example.com", "a.wild.example.com")))
	w.certificate("c-ed", issue(t, root, edKey, of("ed.example.com")))
	w.certificate("d-ed-rsa", issue(t, root, bits, of("ed.example.com")))
	w.certificate("e-ended", issue(t, root, nil, ended("late.example.com")))
	w.certificate("f-late", issue(t, root, bits, of("late.example.com")))
	w.hosts(nil, "shop.example.com", "only.example.com", "*.wild.example.com", "ed.example.com", "late.example.com")
	s := newSite(w)
	modern := func(*tls.Config) {}
	onlyRSA := func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	}
	onlyECDSA := func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	}
	f := func(name string, edit func(*tls.Config), want x509.PublicKeyAlgorithm) {
		t.Helper()
		config := s.trusting(name, root)
		config.InsecureSkipVerify = true // one of them has ended
		edit(config)
		state, got, err := s.dial(config)
		if want == x509.UnknownPublicKeyAlgorithm {
			if got.result != cert.NoCipher {
				t.Errorf("%s: %v", name, got.result)
			}
			return
		}
		if err != nil || state.PeerCertificates[0].PublicKeyAlgorithm != want || !got.session.Covers([]byte(name)) {
			t.Errorf("%s: %v, %v, want %v", name, got.result, err, want)
		}
		if covers := got.session.Covers([]byte("only.example.com")); name == "shop.example.com" && covers != (want == x509.RSA) {
			t.Errorf("%s by %v: the session is of another certificate", name, want)
		}
	}
	f("shop.example.com", modern, x509.ECDSA)
	f("shop.example.com", onlyRSA, x509.RSA)
	f("shop.example.com", onlyECDSA, x509.ECDSA)
	f("only.example.com", modern, x509.RSA)
	f("only.example.com", onlyECDSA, x509.UnknownPublicKeyAlgorithm)
	f("a.wild.example.com", modern, x509.ECDSA)
	f("a.wild.example.com", onlyRSA, x509.RSA)
	f("b.wild.example.com", modern, x509.RSA)
	f("ed.example.com", modern, x509.Ed25519)
	f("ed.example.com", onlyRSA, x509.RSA)
	f("late.example.com", modern, x509.RSA)
	f("late.example.com", onlyECDSA, x509.ECDSA) // better than nothing

	// A client of TLS 1.3 says what it can verify.
	for _, c := range []struct{ algorithms, want string }{{"ECDSA+SHA256", "id-ecPublicKey"}, {"RSA-PSS+SHA256", "rsaEncryption"}} {
		got, out := s.openssl("shop.example.com", "-tls1_3", "-sigalgs", c.algorithms)
		if got.result != cert.OK || !strings.Contains(out, "a:PKEY: "+c.want) {
			t.Errorf("openssl with %s: %v\n%s", c.algorithms, got.result, out)
		}
	}
	shown, _, _ := s.store.Table().Host("late.example.com")
	if len(shown) != 2 || shown[0].Certificate != "f-late" || shown[0].Key != "RSA" || shown[1].Key != "ECDSA" {
		t.Errorf("shown: %+v", shown)
	}
}

// TestNotes: what a spec has for nothing is told of where it stands.
func TestNotes(t *testing.T) {
	root := newCA(t, nil, "root")
	now := time.Now()
	ends := func(days int, names ...string) *made {
		return issue(t, root, nil, func(c *x509.Certificate) {
			nameIt(c, names...)
			c.NotBefore, c.NotAfter = now.AddDate(0, 0, -30), now.AddDate(0, 0, days)
		})
	}
	w := newWorld(t, "")
	w.certificate("a-short", ends(20, "shop.example.com", "*.shop.example.com", "gone.example.com"))
	w.certificate("b-long", ends(40, "shop.example.com", "*.shop.example.com", "gone.example.com"))
	w.certificate("c-old-wild", ends(40, "*.old.example.com"))
	w.certificate("d-default", ends(40, "nobody.example.com")).Default = true
	w.certificate("e-below", ends(40, "x.y.example.org")) // below a wildcard host
	w.certificate("f-wild", ends(40, "*.example.edu"))    // above a host
	w.certificate("g-rsa", issue(t, root, rsaKey(t, 2048), func(c *x509.Certificate) { nameIt(c, "shop.example.com") }))
	w.certificate("h-ended", ends(-1, "edu.example.com"))
	w.certificate("i-same", ends(40, "edu.example.com"))
	w.certificate("j-same", ends(40, "edu.example.com"))
	w.hosts(nil, "shop.example.com", "a.shop.example.com", "*.example.org", "b.example.edu", "edu.example.com")
	var got []string
	for _, p := range w.table().Notes() {
		got = append(got, p.String())
	}
	wants := []string{
		`edge.yaml:1:1: certificate "a-short": for *.shop.example.com and 1 more, certificate "b-long" is used, which has an ECDSA key too and ends later`,
		`edge.yaml:3:1: certificate "c-old-wild": no entrypoint has a host that it covers: it is for *.old.example.com`,
		`edge.yaml:8:1: certificate "h-ended": for edu.example.com, certificate "i-same" is used, which has an ECDSA key too and is in force`,
		`edge.yaml:10:1: certificate "j-same": for edu.example.com, certificate "i-same" is used, which has an ECDSA key too and comes first by name`,
	}
	if len(got) != len(wants) {
		t.Fatalf("got %q", got)
	}
	for i, want := range wants {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("got %q, want %q", got[i], want)
		}
	}
	w.spec.Entrypoints = nil
	if got := w.table().Notes(); len(got) != 0 {
		t.Errorf("of certificates alone: %v", got)
	}
}

// TestChainWarnings: an intermediate certificate that has ended is told of as the leaf is.
func TestChainWarnings(t *testing.T) {
	mid := issue(t, newCA(t, nil, "root"), nil, func(c *x509.Certificate) {
		c.Subject.CommonName, c.IsCA, c.BasicConstraintsValid, c.KeyUsage = "mid", true, true, x509.KeyUsageCertSign
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
	})
	w := newWorld(t, "")
	w.certificate("shop", mid.server(t, "shop.example.com"), mid)
	w.hosts(nil, "shop.example.com")
	got := w.table().Warnings(time.Now())
	if len(got) != 1 || !strings.HasPrefix(got[0].String(), `edge.yaml:1:1: certificate "shop": certificate 2 of its chain (CN=mid) ended on `) {
		t.Errorf("got %v", got)
	}
}

// tenThousand is a table of 10,000 hosts with 15,000 certificates: every second host has one with either kind of key.
func tenThousand() (*cert.Table, []string) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("h%d.shop%d.example.com", i, i%1000)
	}
	return cert.TableOf(names), names
}

// BenchmarkChoose10000 is what a hello costs until its certificate is known, among 15,000 certificates; crypto/tls asks once more where
// there are two kinds of keys.
func BenchmarkChoose10000(b *testing.B) {
	table, names := tenThousand()
	to := netip.MustParseAddr("127.0.0.1")
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if !table.ChooseOnly(names[i%len(names)], to) {
			b.Fatal("not served")
		}
		i += 7
	}
}
