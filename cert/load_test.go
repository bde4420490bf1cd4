package cert_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/spec"
)

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // to make what must be refused
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestCertificateProblems: each flaw is found, at the document's place, by the reference that has it, and says nothing of
// the key.
func TestCertificateProblems(t *testing.T) {
	root := newCA(t, nil, "root")
	mid := newCA(t, root, "mid")
	leaf := mid.server(t, "shop.example.com")
	stranger := root.server(t, "other.example.com")
	f := func(name string, spoil func(w *world, c *spec.Certificate), wants ...string) {
		t.Helper()
		w := newWorld(t, "")
		c := w.certificate("shop", leaf, mid, root)
		w.hosts(nil, "shop.example.com")
		spoil(w, c)
		table, problems := w.keeper.Table(&w.spec)
		if len(wants) == 0 {
			if len(problems) > 0 || len(table.Local()) > 0 {
				t.Errorf("%s: %v", name, problems)
			}
			return
		}
		if table != nil || len(problems) != 1 {
			t.Errorf("%s: got %d problems, want 1: %v", name, len(problems), problems)
			return
		}
		text := problems[0].String()
		for _, want := range append(wants, "edge.yaml:1:1: ", `certificate "shop"`) {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q lacks %q", name, text, want)
			}
		}
	}
	chain := func(data []byte) func(*world, *spec.Certificate) {
		return func(w *world, c *spec.Certificate) { w.write("shop.pem", data) }
	}
	key := func(data []byte) func(*world, *spec.Certificate) {
		return func(w *world, c *spec.Certificate) { w.write("shop.key", data) }
	}
	of := func(m *made, behind ...*made) func(*world, *spec.Certificate) {
		return func(w *world, c *spec.Certificate) {
			w.write("shop.pem", certPEM(append([]*made{m}, behind...)...))
			w.write("shop.key", keyPEM(t, m))
		}
	}
	good := certPEM(leaf, mid)

	f("good", chain(good))
	f("both in one file", chain(slices.Concat(keyPEM(t, leaf), []byte("# a comment\n"), good)))
	f("readable by all", func(w *world, _ *spec.Certificate) {
		if err := os.Chmod(filepath.Join(w.dir, "shop.key"), 0o666); err != nil {
			t.Fatal(err)
		}
	})
	f("no chain", func(w *world, c *spec.Certificate) { c.Chain = "file:none.pem" }, "chain file:none.pem", "no such file")
	f("no key", func(w *world, c *spec.Certificate) { c.Key = "file:none.key" }, "key file:none.key", "no such file")
	f("unreadable", func(w *world, c *spec.Certificate) {
		if err := os.Remove(filepath.Join(w.dir, "shop.key")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(w.dir, "shop.key"), 0o700); err != nil {
			t.Fatal(err)
		}
	}, "key file:shop.key")
	f("no variable", func(w *world, c *spec.Certificate) { c.Key = "env:SKERRY_SECRET_NONE" }, "env:SKERRY_SECRET_NONE")
	f("empty", chain(nil), "file:shop.pem", "empty")
	f("no PEM", chain([]byte("hello")), "chain file:shop.pem: it holds no certificate")
	f("cut off", chain(good[:len(good)-40]), "2 certificates begin, only 1 are whole")
	f("garbage", chain(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "certificate 1 does not parse")
	f("too long", chain(bytes.Repeat(certPEM(leaf), 11)), "more than 10")
	f("gap", chain(certPEM(leaf, root)), "certificate 2 (CN=root) did not issue certificate 1")
	f("root first", chain(certPEM(root, mid, leaf)), "did not issue")
	f("only the issuer", chain(certPEM(root)), "may not be used by a server")
	f("another key", key(keyPEM(t, stranger)), "key file:shop.key: it is not the key of the certificate in file:shop.pem")
	f("the issuer's key", key(keyPEM(t, mid)), "certificate 2 of the chain", "put the leaf first")
	f("key of another type", key(keyPEM(t, &made{key: rsaKey(t, 2048)})), "not the key of")
	f("no key in it", key(certPEM(leaf)), "key file:shop.key: ")
	f("not PEM", key([]byte("hello")), "it holds no key")
	f("broken key", key(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("s3cret")})), "key file:shop.key: ")
	f("passphrase", key(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("s3cret")})), "passphrase")
	f("no names", of(issue(t, mid, nil, func(c *x509.Certificate) { c.Subject.CommonName = "shop.example.com" }), mid), "names no host")
	f("for clients", of(issue(t, mid, nil, func(c *x509.Certificate) {
		nameIt(c, "shop.example.com")
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}), mid), "may not be used by a server")
	f("RSA 2048", of(issue(t, mid, rsaKey(t, 2048), func(c *x509.Certificate) { nameIt(c, "shop.example.com") }), mid))
	f("RSA 1024", of(issue(t, mid, rsaKey(t, 1024), func(c *x509.Certificate) { nameIt(c, "shop.example.com") }), mid), "RSA key of 1024 bits, at least 2048")
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f("P-224", of(issue(t, mid, p224, func(c *x509.Certificate) { nameIt(c, "shop.example.com") }), mid), "curve of 224 bits")
}

// TestSHA1Refused: crypto/x509 does not make such a signature any more, openssl does.
func TestSHA1Refused(t *testing.T) {
	w := newWorld(t, "")
	run(t, w.dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "9", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")
	run(t, w.dir, "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", "x.key", "-out", "x.csr")
	w.write("x.ext", []byte("subjectAltName=DNS:x.example.com\n"))
	run(t, w.dir, "openssl", "x509", "-req", "-in", "x.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-sha1", "-days", "9", "-set_serial", "7", "-extfile", "x.ext", "-out", "x.pem")
	w.spec.Certificates = []*spec.Certificate{{Meta: spec.Meta{Name: "x"}, Chain: "file:x.pem", Key: "file:x.key"}}
	_, problems := w.keeper.Table(&w.spec)
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "SHA1") {
		t.Errorf("got %v", problems)
	}
}

// TestPolicyProblems: what an entrypoint's policy needs and cannot have.
func TestPolicyProblems(t *testing.T) {
	ca := newCA(t, nil, "clients")
	f := func(policy spec.TLS, want string) {
		t.Helper()
		w := newWorld(t, "")
		w.write("ca.pem", certPEM(ca))
		w.write("leaf.pem", certPEM(ca.server(t, "a.example.com")))
		w.hosts(&policy, "a.example.com")
		_, problems := w.keeper.Table(&w.spec)
		if want == "" && len(problems) == 0 {
			return
		}
		if len(problems) != 1 || want == "" || !strings.Contains(problems[0].String(), want) || !strings.HasPrefix(problems[0].String(), `edge.yaml:101:1: entrypoint "e1": `) {
			t.Errorf("%+v: got %v, want %q", policy, problems, want)
		}
	}
	f(spec.TLS{}, "")
	f(spec.TLS{MinVersion: "1.3", ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:ca.pem"}, "")
	f(spec.TLS{MinVersion: "1.1"}, `"1.1"`)
	f(spec.TLS{ClientCertificates: "perhaps"}, `"perhaps"`)
	f(spec.TLS{ClientCertificates: spec.ClientAuthOptional}, "does not say whom to trust")
	f(spec.TLS{ClientCertificates: spec.ClientAuthOptional, ClientCA: "file:none.pem"}, "tls.clientCA: file:none.pem: no such file")
	f(spec.TLS{ClientCertificates: spec.ClientAuthOptional, ClientCA: "file:leaf.pem"}, "not a CA's")
}

// TestWarnings: a certificate out of force is used all the same, and told of; so is a bundle's.
func TestWarnings(t *testing.T) {
	root := newCA(t, nil, "root")
	until := func(from, to time.Duration, names ...string) *made {
		return issue(t, root, nil, func(c *x509.Certificate) {
			nameIt(c, names...)
			c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(to)
		})
	}
	const day = 24 * time.Hour
	w := newWorld(t, "")
	w.certificate("ended", until(-9*day, -day, "ended.example.com"))
	w.certificate("fine", until(-day, 15*day, "fine.example.com"))
	w.certificate("future", until(day, 90*day, "future.example.com"))
	w.certificate("soon", until(-day, 13*day, "soon.example.com"))
	w.write("clients.pem", certPEM(issue(t, nil, nil, func(c *x509.Certificate) {
		c.Subject.CommonName = "clients"
		c.IsCA, c.BasicConstraintsValid, c.NotAfter = true, true, time.Now().Add(-time.Minute)
	})))
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:clients.pem"}, "*.example.com")
	store := cert.NewStore(w.keeper)
	store.Use(w.table())
	var got []string
	for _, e := range w.meters.Events().Since(0) {
		got = append(got, e.Kind+": "+e.Text)
	}
	wants := []string{`certificate: certificate "ended" ended on`, `certificate: certificate "future" is not valid before`, `certificate: certificate "soon" ends on`, `certificate: client CA "CN=clients" ended on`}
	if len(got) != len(wants) {
		t.Fatalf("got %q", got)
	}
	for i, want := range wants {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("event %d is %q, want %q", i, got[i], want)
		}
	}
	expiry := func(name string) int64 {
		return w.meters.Gauge("skerry_certificate_expiry_timestamp_seconds", "", "certificate", name).Value()
	}
	if at := expiry("soon"); at != store.Table().Certificates()[3].NotAfter.Unix() {
		t.Errorf("the gauge says %d", at)
	}
	w.spec.Certificates = w.spec.Certificates[:3]
	store.Use(w.table())
	if expiry("soon") != 0 || expiry("fine") == 0 {
		t.Error("the gauge of a certificate that is gone was kept, or another one forgotten")
	}
}

// TestChanged: a file that was replaced is noticed, one that is missing for a moment is not.
func TestChanged(t *testing.T) {
	root := newCA(t, nil, "root")
	w := newWorld(t, "")
	w.certificate("shop", root.server(t, "shop.example.com"))
	w.write("clients.pem", certPEM(root))
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:clients.pem"}, "shop.example.com")
	table := w.table()
	if c := w.keeper.Changed(table); len(c) > 0 {
		t.Errorf("changed: %v", c)
	}
	next := root.server(t, "shop.example.com")
	w.write("shop.pem", certPEM(next))
	w.write("shop.key", keyPEM(t, next))
	w.write("clients.pem", certPEM(newCA(t, nil, "other")))
	if c := w.keeper.Changed(table); !slices.Equal(c, []spec.Ref{"file:clients.pem", "file:shop.key", "file:shop.pem"}) {
		t.Errorf("changed: %v", c)
	}
	if err := os.Remove(filepath.Join(w.dir, "shop.pem")); err != nil {
		t.Fatal(err)
	}
	if c := w.keeper.Changed(table); slices.Contains(c, "file:shop.pem") {
		t.Errorf("a file that is missing has changed: %v", c)
	}
}
