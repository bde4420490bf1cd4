package edge_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
)

// mutualSpec wants client certificates. Its gaps are the origin and what plain HTTP gets.
const mutualSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: bank, owner: team-bank}
spec:
  hosts: [bank.test]
  tls: {clientCertificates: %[3]s, clientCA: "file:clients.pem"}
  service: "%[1]s"
  redirect: %[2]s
`

// clientCA writes a CA for client certificates to a directory of secrets.
func clientCA(t *testing.T) (dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	must(t, err)
	dir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "clients.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return dir
}

// TestMutualPlain: where client certificates are required, nobody gets past them by not speaking TLS with the edge: not where
// there is no HTTPS or plain HTTP is served, and not by what a proxy says of a connection that the edge has not seen.
func TestMutualPlain(t *testing.T) {
	asked := make(chan struct{}, 16)
	url := origin(t, func(http.ResponseWriter, *http.Request) { asked <- struct{}{} })
	secrets := clientCA(t)
	f := func(name, certificates, redirect string, https, trusted bool, want int) {
		t.Run(name, func(t *testing.T) {
			opt := edge.Options{}
			opt.Setting.Secrets.Dir = secrets
			if https {
				opt.HTTPS = []string{"127.0.0.1:0"}
				opt.Setting.Env.HTTPSPort = 443
			}
			if trusted {
				opt.Setting.Env.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			}
			e, addr := start(t, opt, fmt.Sprintf(mutualSpec, url, redirect, certificates))
			defer e.Drain()
			defer e.Hurry()
			c, err := dial(addr)
			must(t, err)
			defer c.conn.Close()
			for _, path := range []string{"/", "/other"} {
				r, _, err := c.do("GET " + path + " HTTP/1.1\r\nHost: bank.test\r\nX-Forwarded-Proto: https\r\n\r\n")
				must(t, err)
				if r.StatusCode != want {
					t.Errorf("%s: status %d, want %d", path, r.StatusCode, want)
				}
			}
			if n := len(asked); (n > 0) != (want == 200) {
				t.Errorf("the origin was asked %d times", n)
			}
			for len(asked) > 0 {
				<-asked
			}
		})
	}
	f("to HTTPS", "required", "https", true, false, 308)
	f("through a proxy", "required", "https", true, true, 421)
	f("plain HTTP served", "required", `"off"`, true, false, 421)
	f("no HTTPS", "required", "https", false, false, 421)
	f("optional", "optional", "https", false, false, 200)
}
