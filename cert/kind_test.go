package cert_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/spec"
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

// TestNotes: what a spec has twice, has over, or has for nothing is told of where it stands.
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
	w.certificate("k-idle", ends(40, "else.example.org.example.net")) // no wildcard
	w.hosts(nil, "shop.example.com", "a.shop.example.com", "*.example.org", "b.example.edu", "edu.example.com")
	var got []string
	for _, p := range w.table().Notes() {
		got = append(got, p.String())
	}
	wants := []string{
		`edge.yaml:1:1: certificate "a-short": for *.shop.example.com and 1 more, certificate "b-long" is used, which has an ECDSA key too and ends later`,
		`edge.yaml:8:1: certificate "h-ended": for edu.example.com, certificate "i-same" is used, which has an ECDSA key too and is in force`,
		`edge.yaml:10:1: certificate "j-same": for edu.example.com, certificate "i-same" is used, which has an ECDSA key too and comes first by name`,
	}
	same := func(got, wants []string) {
		t.Helper()
		if len(got) != len(wants) {
			t.Fatalf("got %q", got)
		}
		for i, want := range wants {
			if !strings.HasPrefix(got[i], want) {
				t.Errorf("got %q, want %q", got[i], want)
			}
		}
	}
	same(got, wants)
	got = nil
	for _, p := range w.table().Problems(now) {
		if got = append(got, p.String()); p.Fix == "" {
			t.Errorf("%v says not how to mend it", p)
		}
	}
	same(got, []string{
		`edge.yaml:3:1: certificate "c-old-wild": no entrypoint has a host that it covers: it is for *.old.example.com`,
		`edge.yaml:8:1: certificate "h-ended" ended on `,
		`edge.yaml:11:1: certificate "k-idle": no entrypoint has a host that it covers: it is for else.example.org.example.net`,
	})
	w.spec.Certificates = w.spec.Certificates[2:3]
	w.spec.Entrypoints = nil
	if table := w.table(); len(table.Notes())+len(table.Problems(now)) != 0 {
		t.Errorf("of certificates alone: %v, %v", table.Notes(), table.Problems(now))
	}
}

// TestChainProblems: an intermediate certificate that has ended is refused as the leaf is.
func TestChainProblems(t *testing.T) {
	mid := issue(t, newCA(t, nil, "root"), nil, func(c *x509.Certificate) {
		c.Subject.CommonName, c.IsCA, c.BasicConstraintsValid, c.KeyUsage = "mid", true, true, x509.KeyUsageCertSign
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
	})
	w := newWorld(t, "")
	w.certificate("shop", mid.server(t, "shop.example.com"), mid)
	w.hosts(nil, "shop.example.com")
	got := w.table().Problems(time.Now())
	if len(got) != 1 || len(w.table().Warnings(time.Now())) != 0 || !strings.HasPrefix(got[0].String(), `edge.yaml:1:1: certificate "shop": certificate 2 of its chain (CN=mid) ended on `) {
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

// BenchmarkChoose10000 is what a hello costs until its host's certificates are known, among 15,000.
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

// onlyRSA is the hello of a client of TLS 1.2 that knows no ECDSA.
func onlyRSA(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: name, SupportedVersions: []uint16{tls.VersionTLS12}, SupportedPoints: []uint8{0},
		CipherSuites:     []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		SupportedCurves:  []tls.CurveID{tls.X25519, tls.CurveP256},
		SignatureSchemes: []tls.SignatureScheme{tls.PKCS1WithSHA1, tls.PKCS1WithSHA256, tls.PSSWithSHA256},
	}
}

// BenchmarkFallback10000 is BenchmarkChoose10000 with what is chosen by the kind of key, for clients that get the second choice.
func BenchmarkFallback10000(b *testing.B) {
	table, names := tenThousand()
	h := onlyRSA("")
	b.ReportAllocs()
	i := 1
	for b.Loop() {
		h.ServerName = names[i%len(names)]
		if table.Pick(h) != "RSA" {
			b.Fatal("not RSA")
		}
		i += 14
	}
}

// TestFits holds what is decided of a client against crypto/tls, for hellos of every kind.
func TestFits(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := mathrand.New(mathrand.NewPCG(seed, 0))
	self := func(key crypto.Signer) *tls.Certificate {
		c := issue(t, nil, key, func(c *x509.Certificate) { nameIt(c, "shop.example.com") })
		return &tls.Certificate{Certificate: [][]byte{c.cert.Raw}, PrivateKey: c.key, Leaf: c.cert}
	}
	certs := []*tls.Certificate{self(rsaKey(t, 2048))}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, self(key))
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certs = append(certs, self(ed))
	suites := []uint16{0x0a0a, 0x00ff}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, s.ID)
	}
	said := map[bool]int{}
	for _, policy := range []*spec.TLS{nil, {MinVersion: "1.3"}, {Curves: []spec.Curve{spec.CurveX25519}}, {Curves: []spec.Curve{spec.CurveP384, spec.CurveP256}},
		{Curves: []spec.Curve{spec.CurveX25519MLKEM768, spec.CurveP521}}, {Curves: []spec.Curve{spec.CurveSecP256r1MLKEM768}}} {
		fits, supports, err := newWorld(t, "").keeper.Fitter(policy)
		if err != nil {
			t.Fatal(err)
		}
		for range 5_000 {
			h := &tls.ClientHelloInfo{
				SupportedVersions: some(r, uint16(0x0a0a), tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS13, 0x0305),
				CipherSuites:      some(r, suites...),
				SupportedCurves: some(r, tls.CurveID(0x0a0a), tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521, tls.X25519MLKEM768, tls.SecP256r1MLKEM768,
					tls.SecP384r1MLKEM1024),
				SupportedPoints: some(r, uint8(0), 1),
				SignatureSchemes: some(r, tls.SignatureScheme(0x0a0a), tls.PKCS1WithSHA1, tls.PKCS1WithSHA256, tls.PKCS1WithSHA384, tls.PKCS1WithSHA512, tls.PSSWithSHA256,
					tls.PSSWithSHA384, tls.PSSWithSHA512, tls.ECDSAWithSHA1, tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512,
					tls.Ed25519),
			}
			for _, c := range certs {
				got, want := fits(h, c), supports(h, c)
				if got != want {
					t.Fatalf("%+v under %+v, a key %T: %v, crypto/tls says %v", h, policy, c.PrivateKey, got, want)
				}
				said[got]++
			}
		}
	}
	if said[true] < 10_000 || said[false] < 10_000 {
		t.Errorf("only %v", said)
	}
}

// some are some of a list, in any order: of one list few, of another one most.
func some[T any](r *mathrand.Rand, all ...T) (picked []T) {
	part := r.Float64()
	for _, i := range r.Perm(len(all)) {
		if r.Float64() < part {
			picked = append(picked, all[i])
		}
	}
	return picked
}

// TestFirstByKind: a client that names no host gets the default certificate, or the one of all its names with a key that it can use.
func TestFirstByKind(t *testing.T) {
	root := newCA(t, nil, "root")
	w := newWorld(t, "")
	bits := rsaKey(t, 2048)
	w.certificate("a-ecdsa", issue(t, root, nil, func(c *x509.Certificate) { nameIt(c, "a.example.com", "*.example.com") })).Default = true
	w.certificate("b-less", issue(t, root, bits, func(c *x509.Certificate) {
		nameIt(c, "a.example.com")
		c.NotAfter = time.Now().AddDate(0, 0, 20)
	}))
	w.hosts(nil, "a.example.com")
	f := func(want cert.Result, algorithm x509.PublicKeyAlgorithm) {
		t.Helper()
		s := newSite(w)
		config := s.trusting("", root)
		config.InsecureSkipVerify, config.MaxVersion, config.CipherSuites = true, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		state, got, err := s.dial(config)
		if got.result != want || err == nil && state.PeerCertificates[0].PublicKeyAlgorithm != algorithm {
			t.Errorf("a client of RSA alone: %v, %v, want %v", got.result, err, want)
		}
		config.CipherSuites = nil
		if state, got, err = s.dial(config); err != nil || state.PeerCertificates[0].PublicKeyAlgorithm != x509.ECDSA {
			t.Errorf("a client of both: %v, %v", got.result, err)
		}
	}
	f(cert.NoCipher, 0)
	w.certificate("c-rsa", issue(t, root, bits, func(c *x509.Certificate) { nameIt(c, "*.example.com", "a.example.com") }))
	f(cert.OK, x509.RSA)
}
