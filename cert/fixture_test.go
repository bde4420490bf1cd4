package cert_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

func TestMain(m *testing.M) {
	if os.Getenv("CERT_TEST_DATA") != "" {
		os.Exit(serveAsProcess())
	}
	goleak.VerifyTestMain(m)
}

// made is a certificate of a test with its key.
type made struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var serials atomic.Int64

// make issues a certificate; by nil signs with its own key. edit changes the template.
func issue(t testing.TB, by *made, key crypto.Signer, edit func(*x509.Certificate)) *made {
	t.Helper()
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serials.Add(1)),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(90 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	edit(template)
	if template.Subject.CommonName == "" {
		template.Subject.CommonName = strings.Join(template.DNSNames, " ")
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &made{c, key}
}

// newCA makes a CA below by, or a root.
func newCA(t testing.TB, by *made, name string) *made {
	return issue(t, by, nil, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: name}
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	})
}

// server makes a server's certificate for names; those that are addresses become IP names.
func (m *made) server(t testing.TB, names ...string) *made {
	return issue(t, m, nil, func(c *x509.Certificate) { nameIt(c, names...) })
}

func nameIt(c *x509.Certificate, names ...string) {
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
}

// client makes a client's certificate.
func (m *made) client(t testing.TB, name string) tls.Certificate {
	c := issue(t, m, nil, func(c *x509.Certificate) {
		c.Subject, c.ExtKeyUsage = pkix.Name{CommonName: name}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	return tls.Certificate{Certificate: [][]byte{c.cert.Raw}, PrivateKey: c.key}
}

func (m *made) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(m.cert)
	return pool
}

func certPEM(certs ...*made) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})
	}
	return b.Bytes()
}

func keyPEM(t testing.TB, m *made) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(m.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// world is a keeper with a directory of secrets and a clock.
type world struct {
	t       testing.TB
	dir     string
	meters  *meter.Set
	keeper  *cert.Keeper
	ahead   atomic.Int64 // by how much the keeper's clock is ahead
	spec    spec.Spec
	entries int
}

func newWorld(t testing.TB, data string) *world {
	w := &world{t: t, dir: t.TempDir(), meters: meter.NewSet()}
	var err error
	w.keeper, err = cert.NewKeeper(cert.Options{Data: data, Secrets: spec.Secrets{Dir: w.dir}, Meters: w.meters, Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func (w *world) write(name string, data []byte) spec.Ref {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), data, 0o644); err != nil {
		w.t.Fatal(err)
	}
	return spec.Ref("file:" + name)
}

// certificate adds a Certificate document: the leaf, and what comes behind it in the chain.
func (w *world) certificate(name string, leaf *made, behind ...*made) *spec.Certificate {
	c := &spec.Certificate{
		Meta:  spec.Meta{Name: name},
		At:    spec.Pos{File: "edge.yaml", Line: 1 + len(w.spec.Certificates), Col: 1},
		Chain: w.write(name+".pem", certPEM(append([]*made{leaf}, behind...)...)),
		Key:   w.write(name+".key", keyPEM(w.t, leaf)),
	}
	w.spec.Certificates = append(w.spec.Certificates, c)
	return c
}

// hosts adds an entrypoint; tls nil is the default policy.
func (w *world) hosts(policy *spec.TLS, hosts ...string) {
	w.entries++
	w.spec.Entrypoints = append(w.spec.Entrypoints, &spec.Entrypoint{
		Meta: spec.Meta{Name: fmt.Sprintf("e%d", w.entries)}, At: spec.Pos{File: "edge.yaml", Line: 100 + w.entries, Col: 1},
		Hosts: hosts, Policy: spec.Policy{TLS: policy},
	})
}

func (w *world) table() *cert.Table {
	w.t.Helper()
	table, problems := w.keeper.Table(&w.spec)
	if len(problems) > 0 {
		w.t.Fatal(fault.Problems(problems))
	}
	return table
}

func (w *world) result(r cert.Result) uint64 {
	return w.meters.Counter("skerry_tls_handshakes_total", "", "result", r.String()).Value()
}

// run runs a command in dir and returns all it printed.
func run(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", c, err, out)
	}
	return string(out)
}
