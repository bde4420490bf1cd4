package edge_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skerry.dev/skerry/edge"
)

// identitySpec tells services who called. Its gap is the origin.
const identitySpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: bank, owner: team-bank}
spec:
  hosts: [bank.test]
  tls: {clientCertificates: optional, clientCA: "file:clients.pem", forwardClientCertificate: chain}
  service: "%[1]s"
  limit: off
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec: {hosts: [shop.test], service: "%[1]s", limit: off, forwarded: keep}
`

// caller is a client's certificate below two authorities, the upper one of which is in the bundle.
func caller(t *testing.T) (bundle []byte, shown tls.Certificate) {
	t.Helper()
	var keys [3]*ecdsa.PrivateKey
	var all [3]*x509.Certificate
	for i := range keys {
		var err error
		keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		c := &x509.Certificate{SerialNumber: big.NewInt(int64(i)), Subject: pkix.Name{CommonName: fmt.Sprint(i)}, NotAfter: time.Now().Add(time.Hour)}
		if c.IsCA = i < 2; c.IsCA {
			c.BasicConstraintsValid, c.KeyUsage = true, x509.KeyUsageCertSign
		}
		by := max(i-1, 0)
		issuer := all[by]
		if i == 0 {
			issuer = c
		}
		der, err := x509.CreateCertificate(rand.Reader, c, issuer, &keys[i].PublicKey, keys[by])
		must(t, err)
		all[i], err = x509.ParseCertificate(der)
		must(t, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: all[0].Raw}),
		tls.Certificate{Certificate: [][]byte{all[2].Raw, all[1].Raw}, PrivateKey: keys[2]}
}

// TestClientCertificateForwarded: over both protocols a service gets the certificate of the connection (RFC 9440), and what clients say in
// its place never.
func TestClientCertificateForwarded(t *testing.T) {
	seen := make(chan http.Header, 1)
	url := origin(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	bundle, shown := caller(t)
	opt := edge.Options{HTTPS: []string{"127.0.0.1:0"}}
	opt.Setting.Secrets.Dir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(opt.Setting.Secrets.Dir, "clients.pem"), bundle, 0o600))
	e, _ := start(t, opt, fmt.Sprintf(identitySpec, url))
	defer e.Drain()
	defer e.Hurry()
	_, https := e.Addrs()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(e.Root())
	f := func(host string, h2 bool, certificates []tls.Certificate, want bool) {
		t.Helper()
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!h2)
		protocols.SetHTTP2(h2)
		tr := &http.Transport{TLSClientConfig: &tls.Config{ServerName: host, RootCAs: pool, Certificates: certificates}, Protocols: protocols}
		defer tr.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+https[0].String()+"/", nil)
		must(t, err)
		r.Host = host
		for _, name := range []string{"Client-Cert", "Client-Cert-Chain", "Client_Cert", "Client_Cert_Chain"} {
			r.Header[name] = []string{":ZXZpbA==:"}
		}
		resp, err := tr.RoundTrip(r)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%s: status %d", host, resp.StatusCode)
		}
		h := <-seen
		for i, name := range []string{"Client-Cert", "Client-Cert-Chain"} {
			got := h.Values(name)
			if !want {
				if len(got) > 0 {
					t.Errorf("%s, HTTP/2 %v: the service was told %s: %q", host, h2, name, got)
				}
				continue
			}
			if len(got) != 1 || len(got[0]) < 2 {
				t.Errorf("%s, HTTP/2 %v: %s is %q", host, h2, name, got)
				continue
			}
			der, err := base64.StdEncoding.DecodeString(got[0][1 : len(got[0])-1])
			if err != nil || !bytes.Equal(der, shown.Certificate[i]) || got[0][0] != ':' || got[0][len(got[0])-1] != ':' {
				t.Errorf("%s, HTTP/2 %v: %s is %.80q, %v", host, h2, name, got, err)
			}
		}
		for name := range h {
			if bytes.ContainsRune([]byte(name), '_') {
				t.Errorf("%s, HTTP/2 %v: the service was told %s", host, h2, name)
			}
		}
	}
	for _, h2 := range []bool{false, true} {
		f("bank.test", h2, []tls.Certificate{shown}, true)
		f("bank.test", h2, nil, false)
		f("shop.test", h2, []tls.Certificate{shown}, false)
	}
}

// TestClientCertificateLogged: the log says of each request whose certificate its connection has, over both protocols, on connections of a
// client that keeps sessions; and nothing of who showed none, also where one could be.
func TestClientCertificateLogged(t *testing.T) {
	var log bytes.Buffer // complete after the drain
	bundle, shown := caller(t)
	opt := edge.Options{HTTPS: []string{"127.0.0.1:0"}, Log: &log, DrainTimeout: 10 * time.Second}
	opt.Setting.Secrets.Dir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(opt.Setting.Secrets.Dir, "clients.pem"), bundle, 0o600))
	e, _ := start(t, opt, fmt.Sprintf(identitySpec, origin(t, echoRelease)))
	_, https := e.Addrs()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(e.Root())
	want := map[string]string{} // by path
	f := func(host string, h2 bool, certificates []tls.Certificate, says string) {
		t.Helper()
		sessions := tls.NewLRUClientSessionCache(1)
		for range 2 {
			tr := &http.Transport{Protocols: new(http.Protocols),
				TLSClientConfig: &tls.Config{ServerName: host, RootCAs: pool, Certificates: certificates, ClientSessionCache: sessions}}
			tr.Protocols.SetHTTP1(!h2)
			tr.Protocols.SetHTTP2(h2)
			for range 2 {
				path := fmt.Sprintf("/%d", len(want))
				r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+https[0].String()+path, nil)
				must(t, err)
				r.Host = host
				a, err := tr.RoundTrip(r)
				must(t, err)
				_, err = io.Copy(io.Discard, a.Body)
				must(t, err)
				a.Body.Close()
				want[path] = fmt.Sprintf("h%d %s", a.ProtoMajor, says)
			}
			tr.CloseIdleConnections()
		}
	}
	for _, h2 := range []bool{false, true} {
		f("bank.test", h2, []tls.Certificate{shown}, "CN=2 2")
		f("bank.test", h2, nil, " ")
		f("shop.test", h2, []tls.Certificate{shown}, " ") // nobody asks for it
	}
	if cut := e.Drain(); cut != 0 {
		t.Errorf("%d connections were cut off", cut)
	}
	got := map[string]string{}
	for text := range bytes.Lines(log.Bytes()) {
		var l struct {
			Path, Proto string
			Client      string `json:"tls_client"`
			Serial      string `json:"tls_client_serial"`
		}
		must(t, json.Unmarshal(text, &l))
		if l.Path != "" {
			got[l.Path] = l.Proto + " " + l.Client + " " + l.Serial
		}
		if named := bytes.Contains(text, []byte("tls_client")); named != (l.Client != "") {
			t.Errorf("an empty name in %s", text)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}
