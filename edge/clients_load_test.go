package edge_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
)

// sureSpec is an entrypoint with a certificate of its own. Its gap is the address of the origin.
const sureSpec = `apiVersion: skerry.dev/v1
kind: Certificate
metadata: {name: sure, owner: team-shop}
spec: {certificate: file:sure.pem, key: file:sure.key}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: sure, owner: team-shop}
spec: {hosts: [sure.test, other.test], service: "http://%s"}
`

// pemOf is one block of PEM.
func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes an authority and a certificate of it for these names: the PEM of its root, of the chain and of the key.
func issue(t *testing.T, names ...string) (root, chain, key string) {
	t.Helper()
	from, to := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(t, err)
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &leafKey.PublicKey, caKey)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	must(t, err)
	return pemOf("CERTIFICATE", caDER), pemOf("CERTIFICATE", leafDER), pemOf("PRIVATE KEY", keyDER)
}

// TestCurlCertificate: a host with a Certificate document is served with it, and only its answers tell browsers to come
// back by HTTPS; a host beside it has one of the local CA, and says nothing of the kind.
func TestCurlCertificate(t *testing.T) {
	needs(t, "nginx", "curl")
	_, addr := nginxOrigin(t, map[string]string{"small": "small\n"})
	root, chain, key := issue(t, "sure.test")
	s := open(t, edge.Options{}, map[string]string{"specs/sure.yaml": fmt.Sprintf(sureSpec, addr), "secrets/sure.pem": chain, "secrets/sure.key": key})
	own := filepath.Join(s.dir, "own.pem")
	must(t, os.WriteFile(own, []byte(root), 0o644))
	if hosts, _ := s.edge.LocalCA(); fmt.Sprint(hosts) != "[other.test]" {
		t.Errorf("hosts of the local CA: %v, want other.test", hosts)
	}
	for _, flag := range []string{"--http1.1", "--http2"} {
		s.expect(s.url("https", "sure.test", "/small"), []string{flag, "--cacert", own}, 200, "small\n", "Strict-Transport-Security: max-age=31536000")
		s.expect(s.url("https", "sure.test", "/none"), []string{flag, "--cacert", own}, 404, "*", "Strict-Transport-Security: max-age=31536000")
		s.expect(s.url("https", "other.test", "/small"), []string{flag}, 200, "small\n", noHSTS)
	}
	s.expect(s.url("http", "sure.test", "/small"), nil, 308, "", noHSTS)
	// An answer to a host that this connection is not for must not promise anything for it.
	s.expect(s.url("https", "sure.test", "/small"), []string{"--cacert", own, "-H", "Host: other.test"}, 421, "*", noHSTS)
	if _, err := s.curl(s.url("https", "sure.test", "/small")); err == nil {
		t.Error("a client that trusts only the local CA takes the certificate of sure.test")
	}
}

// TestLoad: some seconds of wrk over TLS, and two thousand requests of h2load, without one failed request. The figures are those of a
// busy machine, on which nothing may come for a second or two: docs/compare.md has the ones that count.
func TestLoad(t *testing.T) {
	needs(t, "nginx", "wrk", "h2load")
	s, _ := shop(t, nil)
	f := func(want, name, path string, args ...string) {
		t.Helper()
		out, err := run(t, name, append(args, s.url("https", "localhost", path))...)
		m := regexp.MustCompile(want).FindStringSubmatch(out)
		if err != nil || m == nil || m[1] == "0" || wrkErrors.MatchString(out) {
			t.Errorf("%s: %v, want %s and no errors in\n%s", name, err, want, out)
			return
		}
		t.Logf("%s %s: %s requests", name, path, m[1])
	}
	const clean = `(\d+) succeeded, 0 failed, 0 errored, 0 timeout`
	f(`(\d+) requests in `, "wrk", "/page.html", "-t1", "-c8", "-d3s", "--timeout", "20s", "-H", "Accept-Encoding: br")
	f(clean, "h2load", "/small", "-t1", "-c4", "-m8", "-n2000", "--connect-to="+s.https)
	f(clean, "h2load", "/upload", "-t1", "-c4", "-m8", "-n500", "-H", "Content-Type: application/octet-stream", "-d", filepath.Join(s.dir, "specs", "shop.yaml"), "--connect-to="+s.https)
}

// wrkErrors are the lines that wrk writes only if there was something to say.
var wrkErrors = regexp.MustCompile("Socket errors|Non-2xx")
