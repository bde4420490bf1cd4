package upstream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// authority is one that signs the certificates of a test's origins and edges.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	chain, key := a.issue(t, template)
	block, _ := pem.Decode(chain)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, a.pem = cert, chain
	block, _ = pem.Decode(key)
	if a.key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue returns a certificate and its key as PEM; of the authority itself while it has none.
func (a *authority) issue(t testing.TB, template *x509.Certificate) (chain, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, own
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &own.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})
}

// vault is a directory of secrets.
type vault struct {
	t   testing.TB
	dir string
}

func newVault(t testing.TB) *vault { return &vault{t, t.TempDir()} }

func (v *vault) put(name string, text []byte) {
	v.t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), text, 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// edgeCertificate puts a client certificate with a name into the vault.
func (v *vault) edgeCertificate(a *authority, name string) {
	v.t.Helper()
	chain, key := a.issue(v.t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	v.put("edge.pem", chain)
	v.put("edge.key", key)
}

// mutual starts an origin of the name origin.example that wants certificates of the authority, and answers with the SNI it was
// asked for and the name in the client's certificate.
func mutual(t *testing.T, a *authority) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.ServerName+" "+r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	chain, key := a.issue(t, &x509.Certificate{DNSNames: []string{"origin.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	own, err := tls.X509KeyPair(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// TestMutualTLS: an origin is verified by the service's own authorities and name, and gets the service's own certificate.
func TestMutualTLS(t *testing.T) {
	a, other, v := newAuthority(t), newAuthority(t), newVault(t)
	origin := mutual(t, a)
	v.put("ca.pem", a.pem)
	v.put("other.pem", other.pem)
	v.edgeCertificate(a, "edge-1")
	chain, key := other.issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "stranger"}})
	v.put("stranger.pem", chain)
	v.put("stranger.key", key)
	f := func(name string, with spec.OriginTLS, want string) {
		t.Helper()
		s := service("s", origin.Listener.Addr().String())
		s.Endpoints[0].TLS, s.TLS = true, with
		r := newRigOf(t, upstream.Options{Secrets: spec.Secrets{Dir: v.dir}}, policy(), only(s))
		_, body, _, err := r.get(localhost)
		// The refusal comes behind the handshake: it cannot be read any more where the origin was gone before the request was sent.
		for n := 0; n < 9 && fault.Of(err) == fault.OriginClosed; n++ {
			_, body, _, err = r.get(localhost)
		}
		switch {
		case err == nil:
			if body != want {
				t.Errorf("%s: got %q, want %q", name, body, want)
			}
		case fault.Of(err) != fault.OriginTLS || !strings.Contains(err.Error(), want):
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	good := spec.OriginTLS{ServerName: "origin.example", CA: "file:ca.pem", Certificate: "file:edge.pem", Key: "file:edge.key"}
	f("good", good, "origin.example edge-1")
	bad := good
	bad.Certificate, bad.Key = "", ""
	f("no certificate", bad, "(tls.certificate)")
	bad = good
	bad.Certificate, bad.Key = "file:stranger.pem", "file:stranger.key"
	f("a stranger's certificate", bad, "(tls.certificate)")
	bad = good
	bad.CA = "file:other.pem"
	f("another authority", bad, "(tls.ca)")
	bad = good
	bad.CA = ""
	f("the system's authorities", bad, "(tls.ca)")
	bad = good
	bad.ServerName = "other.example"
	f("another name", bad, "(tls.serverName)")
}

// TestSecretsChange: what the secrets of a lease have become is told; a new lease uses them, the old one goes on with what it has.
func TestSecretsChange(t *testing.T) {
	a, v := newAuthority(t), newVault(t)
	origin := mutual(t, a)
	v.put("ca.pem", a.pem)
	v.edgeCertificate(a, "edge-1")
	s := service("s", origin.Listener.Addr().String())
	s.Endpoints[0].TLS = true
	s.TLS = spec.OriginTLS{ServerName: "origin.example", CA: "file:ca.pem", Certificate: "file:edge.pem", Key: "file:edge.key"}
	r := newRigOf(t, upstream.Options{Secrets: spec.Secrets{Dir: v.dir}}, policy(), only(s))
	ask := func(r *rig, want string) {
		t.Helper()
		if _, body, _, err := r.get(localhost); err != nil || body != "origin.example "+want {
			t.Errorf("got %q, %v, want %s", body, err, want)
		}
	}
	ask(r, "edge-1")
	if got := r.lease.Changed(); len(got) != 0 {
		t.Errorf("%v changed, nothing was touched", got)
	}
	v.edgeCertificate(a, "edge-2")
	if got, want := r.lease.Changed(), []spec.Ref{"file:edge.key", "file:edge.pem"}; !slices.Equal(got, want) {
		t.Errorf("%v changed, want %v", got, want)
	}
	next := &rig{set: r.set, keep: r.keep, lease: r.keep.Lease()}
	defer next.lease.Release()
	var problems []fault.Problem
	if next.stage, problems = upstream.New([]spec.Weighted{only(s)}, policy(), "e/r", next.lease); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	ask(next, "edge-2")
	ask(r, "edge-1")
	if got := next.lease.Changed(); len(got) != 0 {
		t.Errorf("%v changed since the new lease", got)
	}
	if n := len(r.keep.Pools()); n != 2 {
		t.Errorf("%d services, want the old and the new", n)
	}
	if err := os.Remove(filepath.Join(v.dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	if got := next.lease.Changed(); len(got) != 0 {
		t.Errorf("%v changed, and cannot be read", got)
	}
}

// TestBadSecrets: what is wrong with a service's secrets is a problem at the place of the service, and nothing is held.
func TestBadSecrets(t *testing.T) {
	a, v := newAuthority(t), newVault(t)
	v.put("ca.pem", a.pem)
	v.put("text.pem", []byte("no PEM"))
	v.edgeCertificate(a, "edge")
	_, key := a.issue(t, &x509.Certificate{})
	v.put("another.key", key)
	f := func(with spec.OriginTLS, want string) {
		t.Helper()
		s := service("s", "127.0.0.1:443")
		s.At, s.TLS = spec.Pos{File: "a.yaml", Line: 3, Col: 1}, with
		k := newKeeper(t, upstream.Options{Secrets: spec.Secrets{Dir: v.dir}})
		l := k.Lease()
		defer l.Release()
		_, problems := upstream.New([]spec.Weighted{only(s)}, policy(), "e/r", l)
		if len(problems) != 1 || problems[0].File != "a.yaml" || problems[0].Line != 3 || !strings.Contains(problems[0].Text, "service s: ") || !strings.Contains(problems[0].Text, want) {
			t.Errorf("got %v, want %q", problems, want)
		}
		if strings.Contains(fmt.Sprint(problems), "BEGIN") {
			t.Error("a problem shows a key")
		}
		if len(k.Pools()) != 0 {
			t.Error("the service is held all the same")
		}
	}
	f(spec.OriginTLS{CA: "file:none.pem"}, "tls.ca: file:none.pem")
	f(spec.OriginTLS{CA: "file:text.pem"}, "tls.ca holds no PEM")
	f(spec.OriginTLS{CA: "file:edge.key"}, "tls.ca holds a EC PRIVATE KEY")
	f(spec.OriginTLS{CA: "file:../secrets"}, "tls.ca: file:../secrets")
	f(spec.OriginTLS{Certificate: "file:edge.pem", Key: "file:another.key"}, "tls.certificate and tls.key")
	f(spec.OriginTLS{Certificate: "file:edge.pem", Key: "file:none.key"}, "tls.key: file:none.key")
	f(spec.OriginTLS{Certificate: "file:edge.key", Key: "file:edge.key"}, "tls.certificate and tls.key")
	f(spec.OriginTLS{CA: "env:SKERRY_SECRET_NONE"}, "tls.ca: env:SKERRY_SECRET_NONE")
}
