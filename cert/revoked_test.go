package cert_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/spec"
)

// revokes is the authority's list of certificates, in DER.
func (m *made) revokes(t testing.TB, edit func(*x509.RevocationList), who ...*made) []byte {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(serials.Add(1)), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(9 * time.Hour)}
	for _, c := range who {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.cert.SerialNumber, RevocationTime: time.Now()})
	}
	if edit != nil {
		edit(l)
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, m.cert, m.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func listPEM(lists ...[]byte) []byte {
	var b bytes.Buffer
	for _, der := range lists {
		_ = pem.Encode(&b, &pem.Block{Type: "X509 CRL", Bytes: der})
	}
	return b.Bytes()
}

// caller is a client's certificate with its own key.
func (m *made) caller(t testing.TB, name string, edit func(*x509.Certificate)) *made {
	return issue(t, m, nil, func(c *x509.Certificate) {
		c.Subject, c.ExtKeyUsage = pkix.Name{CommonName: name}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		if edit != nil {
			edit(c)
		}
	})
}

func (w *world) refused(reason string) uint64 {
	return w.meters.Counter("skerry_tls_client_certificates_refused_total", "", "reason", reason).Value()
}

// TestClientsRefused: what clients get that show a certificate, over both versions and with OpenSSL's client, which shows it whatever the
// edge asks for; each refusal is counted by its reason.
func TestClientsRefused(t *testing.T) {
	root, stranger := newCA(t, nil, "clients"), newCA(t, nil, "strangers")
	mid, unlisted := newCA(t, root, "mid"), newCA(t, root, "unlisted")
	bad := newCA(t, root, "bad")
	w := newWorld(t, "")
	show := func(name string, leaf *made, behind ...*made) []string {
		w.write(name+".pem", certPEM(append([]*made{leaf}, behind...)...))
		w.write(name+".key", keyPEM(t, leaf))
		args := []string{"-cert", name + ".pem", "-key", name + ".key"}
		if len(behind) > 0 {
			args = append(args, "-cert_chain", name+".pem")
		}
		return args
	}
	old := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
	}
	good, gone, midGood, midGone := root.caller(t, "good", nil), root.caller(t, "gone", nil), mid.caller(t, "mid-good", nil), mid.caller(t, "mid-gone", nil)
	w.write("clients.pem", certPEM(root, mid))
	w.write("clients.crl", listPEM(root.revokes(t, nil, gone, bad), mid.revokes(t, nil, midGone)))
	policy := spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:clients.pem", ClientCRL: "file:clients.crl"}
	w.hosts(&policy, "must.example.com")
	optional := policy
	optional.ClientCertificates = spec.ClientAuthOptional
	w.hosts(&optional, "may.example.com")
	s := newSite(w)
	want := map[string]uint64{}
	f := func(name string, show []string, reason string, chain ...*made) {
		t.Helper()
		for _, version := range []string{"-tls1_2", "-tls1_3"} {
			got, _ := s.openssl(name, append(slices.Clone(show), version)...)
			if reason != "" {
				if want[reason]++; got.result != cert.ClientCertificate {
					t.Errorf("%s %v: %v, want %s", version, show, got.result, reason)
				}
				if n := w.refused(reason); n != want[reason] {
					t.Errorf("%s %v: %s is counted %d times, want %d", version, show, reason, n, want[reason])
				}
				continue
			}
			if got.result != cert.OK || len(got.session.Client) != len(chain) {
				t.Errorf("%s %v: %v, %+v", version, show, got.result, got.session)
				continue
			}
			for i, c := range chain {
				if !bytes.Equal(got.session.Client[i], c.cert.Raw) {
					t.Errorf("%s %v: the session has another certificate at %d", version, show, i)
				}
			}
		}
	}
	f("must.example.com", show("good", good), "", good)
	f("must.example.com", show("mid-good", midGood), "", midGood) // mid is trusted itself
	f("may.example.com", nil, "")
	f("must.example.com", nil, "none")
	for _, name := range []string{"must.example.com", "may.example.com"} {
		f(name, show("gone", gone), "revoked")
		f(name, show("mid-gone", midGone, mid), "revoked")
		f(name, show("below-bad", bad.caller(t, "below-bad", nil), bad), "revoked")
		f(name, show("below-unlisted", unlisted.caller(t, "below-unlisted", nil), unlisted), "no_list")
		f(name, show("old", root.caller(t, "old", old)), "expired")
		f(name, show("stranger", stranger.caller(t, "stranger", nil)), "wrong_ca")
	}
	plain := root.server(t, "a.example.com") // it does not say what it is for
	f("must.example.com", show("plain", plain), "", plain)
	f("must.example.com", show("only-server", root.caller(t, "only-server", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})), "other")
	f("must.example.com", show("large", root.caller(t, "large", func(c *x509.Certificate) {
		c.DNSNames = []string{strings.Repeat(strings.Repeat("x", 60)+".", 3) + "example.com"}
		for len(c.DNSNames) < 50 {
			c.DNSNames = append(c.DNSNames, c.DNSNames[0])
		}
	})), "too_large")

	// Each reason is told of once, with the first that it met.
	var told strings.Builder
	for _, e := range w.meters.Events().Since(0) {
		if e.Kind == "client_certificate" {
			told.WriteString(e.Text + "\n")
		}
	}
	for _, want := range []string{
		"none: none was shown", `revoked: "CN=gone", serial ` + gone.cert.SerialNumber.Text(16) + ", until ", `no_list: "CN=below-unlisted"`,
		`expired: "CN=old"`, `wrong_ca: "CN=stranger"`, `other: "CN=only-server"`, `too_large: "CN=large"`,
	} {
		if !strings.Contains(told.String(), " for must.example.com was refused (tls.clientCertificates), "+want) {
			t.Errorf("%q is not told of", want)
		}
	}
	if n := strings.Count(told.String(), "\n"); n != 7 {
		t.Errorf("%d events for 7 reasons:\n%s", n, told.String())
	}

	// A list that should have been replaced says nothing any more of those who are not on it.
	w.ahead.Store(int64(10 * time.Hour))
	f("must.example.com", show("good", good), "list_out_of_date")
	f("must.example.com", show("gone", gone), "revoked")
	w.ahead.Store(0)

	// Another list is another table's; connections stay on theirs.
	w.write("clients.crl", listPEM(root.revokes(t, nil), mid.revokes(t, nil), root.revokes(t, func(l *x509.RevocationList) { l.ThisUpdate = l.ThisUpdate.Add(-time.Hour) }, good)))
	if changed := w.keeper.Changed(s.store.Table()); !slices.Equal(changed, []spec.Ref{"file:clients.crl"}) {
		t.Errorf("changed: %v", changed)
	}
	s.store.Use(w.table())
	f("must.example.com", show("gone", gone), "", gone)
	f("must.example.com", show("good", good), "", good) // an older list beside a newer one says nothing
	if n := w.result(cert.ClientCertificate); n == 0 || n != func() (all uint64) {
		for _, of := range want {
			all += of
		}
		return all
	}() {
		t.Errorf("%d handshakes counted, refused %v", n, want)
	}
}

// TestRevokedAuthority: one of the bundle that another one revokes is trusted no more, and told of.
func TestRevokedAuthority(t *testing.T) {
	root := newCA(t, nil, "clients")
	mid := newCA(t, root, "mid")
	w := newWorld(t, "")
	w.write("clients.pem", certPEM(root, mid))
	w.write("clients.crl", root.revokes(t, nil, mid))
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:clients.pem", ClientCRL: "file:clients.crl"}, "must.example.com")
	s := newSite(w)
	if got := s.store.Table().Warnings(time.Now()); len(got) != 1 || got[0].String() != `edge.yaml:101:1: client CA "CN=mid" is revoked by tls.clientCRL: its clients are refused` {
		t.Errorf("warnings: %v", got)
	}
	c := mid.caller(t, "c", nil)
	f := func(reason string, chain ...[]byte) {
		t.Helper()
		config := s.trusting("must.example.com")
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: chain, PrivateKey: c.key}, nil
		}
		before := w.refused(reason)
		if _, got, err := s.dial(config); err == nil || got.result != cert.ClientCertificate || w.refused(reason) != before+1 {
			t.Errorf("%s: %v, %v", reason, got.result, err)
		}
	}
	f("revoked", c.cert.Raw, mid.cert.Raw)
	f("wrong_ca", c.cert.Raw)
}

// TestListWarnings: before it is too late and when it is, where the entrypoint stands.
func TestListWarnings(t *testing.T) {
	root := newCA(t, nil, "clients")
	w := newWorld(t, "")
	w.write("clients.pem", certPEM(root))
	w.write("clients.crl", root.revokes(t, nil)) // an hour old, and good for nine more
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthOptional, ClientCA: "file:clients.pem", ClientCRL: "file:clients.crl"}, "may.example.com")
	table := w.table()
	for after, want := range map[time.Duration]string{
		0:               "",
		6 * time.Hour:   "",
		7 * time.Hour:   `edge.yaml:101:1: revocation list of "CN=clients" ends on `,
		10 * time.Hour:  `edge.yaml:101:1: revocation list of "CN=clients" is out of date since `,
		100 * time.Hour: `edge.yaml:101:1: revocation list of "CN=clients" is out of date since `,
	} {
		got := ""
		for _, p := range table.Warnings(time.Now().Add(after)) {
			got += p.String()
		}
		if (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
}

// TestListProblems: a list that cannot be relied on stops the table; the one before it stays in force.
func TestListProblems(t *testing.T) {
	root, other := newCA(t, nil, "clients"), newCA(t, nil, "clients") // one name, two keys
	mute := issue(t, nil, nil, func(c *x509.Certificate) {
		c.Subject.CommonName, c.IsCA, c.BasicConstraintsValid, c.KeyUsage = "mute", true, true, x509.KeyUsageCertSign
	})
	signs := *mute
	copied := *mute.cert
	copied.KeyUsage |= x509.KeyUsageCRLSign
	signs.cert = &copied
	critical := []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}
	good := root.revokes(t, nil)
	f := func(name string, bundle, lists []byte, want string) {
		t.Helper()
		w := newWorld(t, "")
		w.write("clients.pem", bundle)
		if lists != nil {
			w.write("clients.crl", lists)
		}
		w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:clients.pem", ClientCRL: "file:clients.crl"}, "a.example.com")
		_, problems := w.keeper.Table(&w.spec)
		if want == "" && len(problems) == 0 {
			return
		}
		if len(problems) != 1 || want == "" || !strings.HasPrefix(problems[0].String(), `edge.yaml:101:1: entrypoint "e1": tls.clientCRL: file:clients.crl: `) || !strings.Contains(problems[0].Text, want) {
			t.Errorf("%s: %v, want %q", name, problems, want)
		}
	}
	ca := certPEM(root)
	f("DER", ca, good, "")
	f("PEM", ca, listPEM(good), "")
	f("two keys", certPEM(root, other), listPEM(good, other.revokes(t, nil)), "")
	f("out of date", ca, root.revokes(t, func(l *x509.RevocationList) { l.NextUpdate = l.ThisUpdate.Add(time.Minute) }), "") // an edge must start
	f("none", ca, nil, "no such file")
	f("garbage", ca, []byte("hello"), "neither in PEM")
	f("a certificate", ca, ca, "neither in PEM")
	f("cut off", ca, listPEM(good, good)[:len(listPEM(good))+60], "2 lists begin, only 1 are whole")
	f("no DER", ca, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte("x")}), "list 1 does not parse")
	f("too many", ca, bytes.Repeat(listPEM(good), 401), "more than 400 lists")
	f("a stranger's", ca, other.revokes(t, nil), "list 1 (CN=clients) is signed by none of the authorities")
	f("of one that may not", certPEM(root, mute), listPEM(good, signs.revokes(t, nil)), "list 2 (CN=mute) is signed by none of the authorities in tls.clientCA that may sign lists")
	f("one missing", certPEM(root, mute), good, "it has no list of authority 2 of tls.clientCA (CN=mute)")
	f("a difference", ca, root.revokes(t, func(l *x509.RevocationList) { l.ExtraExtensions = critical }), "the critical extension 2.5.29.27")
	f("another's entries", ca, root.revokes(t, func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(1), RevocationTime: time.Now(), ExtraExtensions: critical}}
	}), "an entry with the critical extension")
}

// FuzzLists: whatever a list holds, it parses or is refused.
func FuzzLists(f *testing.F) {
	ca := newCA(f, nil, "clients")
	good := ca.revokes(f, nil, ca)
	f.Add(good)
	f.Add(listPEM(good, good))
	f.Add([]byte("-----BEGIN X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := cert.ParseLists(text); (n == 0) != (err != nil) {
			t.Errorf("%d lists and %v", n, err)
		}
	})
}
