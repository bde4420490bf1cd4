package edge_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/wire/wiretest"
)

// strictDocs are an entrypoint open to all, and others behind the same certificate that ask more of a handshake. The gaps are the origin
// and what the first asks itself.
const strictDocs = `apiVersion: skerry.dev/v1
kind: Certificate
metadata: {name: all, owner: team-shop}
spec: {certificate: file:all.pem, key: file:all.key}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec: {hosts: [shop.test], service: "%[1]s", limit: off%[2]s}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: modern, owner: team-shop}
spec: {hosts: [modern.test], service: "%[1]s", limit: off, tls: {minVersion: "1.3"}}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: bank, owner: team-shop}
spec: {hosts: [bank.test], service: "%[1]s", limit: off, tls: {clientCertificates: required, clientCA: "file:clients.pem"}}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: branch, owner: team-shop}
spec: {hosts: [branch.test], service: "%[1]s", limit: off, tls: {clientCertificates: required, clientCA: "file:others.pem"}}
`

// person is a certificate of a client, and the authority that it comes from.
func person(t *testing.T) (authority string, certificate tls.Certificate) {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})), tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// strict is a site of strictDocs.
type strict struct {
	*site
	url    string
	config tls.Config // a client's that believes the certificate
	asked  chan string
}

func openStrict(t *testing.T) (s *strict, customer tls.Certificate) {
	t.Helper()
	s = &strict{asked: make(chan string, 64)}
	s.url = origin(t, func(w http.ResponseWriter, r *http.Request) {
		s.asked <- r.Host
		if r.URL.Path == "/events" {
			flush(w)
			<-r.Context().Done()
		}
	})
	root, chain, key := issue(t, "shop.test", "modern.test", "bank.test", "branch.test")
	clients, customer := person(t)
	others, _ := person(t)
	s.site = open(t, edge.Options{}, map[string]string{"specs/all.yaml": fmt.Sprintf(strictDocs, s.url, ""), "secrets/all.pem": chain, "secrets/all.key": key,
		"secrets/clients.pem": clients, "secrets/others.pem": others})
	s.config = tls.Config{RootCAs: x509.NewCertPool(), NextProtos: []string{"h2"}}
	s.config.RootCAs.AppendCertsFromPEM([]byte(root))
	return s, customer
}

// connect opens a connection for a host.
func (s *strict) connect(host string, version uint16, certificates ...tls.Certificate) *wiretest.H2 {
	s.t.Helper()
	config := s.config.Clone()
	config.ServerName, config.MaxVersion, config.Certificates = host, version, certificates
	return s.frames(config)
}

// wants asks for hosts on a connection, all at once, and wants these answers; the origin hears only of those with 200.
func (s *strict) wants(h *wiretest.H2, want map[string]string) {
	s.t.Helper()
	ids := map[string]uint32{}
	for host := range want {
		ids[host] = h.Ask(true, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", host, "user-agent", "t", "accept", "*/*")
	}
	served := map[string]bool{}
	for host, id := range ids {
		if a := h.Await(id); a.Status != want[host] || !a.Ended || a.Reset != nil {
			s.t.Errorf("%s: %v, %v; want %s", host, a, h.Closed, want[host])
		}
	}
	for len(s.asked) > 0 {
		served[<-s.asked] = true
	}
	for host := range want {
		if served[host] != (want[host] == "200") {
			s.t.Errorf("%s: the origin was asked: %v", host, served[host])
		}
	}
}

// TestMisdirected: streams of one connection, opened together, for hosts whose policies its handshake has and has not enforced: 421
// for those, without a word to the origin, while the others and what flows already go on.
func TestMisdirected(t *testing.T) {
	s, customer := openStrict(t)
	old := s.connect("shop.test", tls.VersionTLS12)
	events := old.Ask(true, ":method", "GET", ":scheme", "https", ":path", "/events", ":authority", "shop.test", "user-agent", "t", "accept", "*/*")
	if a := old.Stream(events); !old.Until(func() bool { return a.Status == "200" }) {
		t.Fatalf("the stream: %v", a)
	}
	await(t, "request", s.asked)
	for range 3 {
		s.wants(old, map[string]string{"shop.test": "200", "modern.test": "421", "bank.test": "421", "branch.test": "421", "nobody.test": "404"})
	}
	if a := old.Stream(events); a.Over() || old.GoAway != nil {
		t.Errorf("the stream beside them: %v, %v", a, old.GoAway)
	}
	must(t, old.WriteRSTStream(events, http2.ErrCodeCancel))
	// A newer handshake for a host that did not ask for it is still not that of another policy.
	s.wants(s.connect("shop.test", tls.VersionTLS13), map[string]string{"shop.test": "200", "bank.test": "421", "branch.test": "421"})
	s.wants(s.connect("shop.test", tls.VersionTLS13, customer), map[string]string{"shop.test": "200", "bank.test": "421"}) // was not asked for its certificate
	s.wants(s.connect("bank.test", tls.VersionTLS13, customer), map[string]string{"bank.test": "200", "branch.test": "421"})
	s.wants(s.connect("modern.test", tls.VersionTLS13), map[string]string{"modern.test": "200", "bank.test": "421"})
}

// TestMisdirectedCover: what a request says beside :authority opens no other door: a Host that differs is refused, and
// neither a port nor the spelling of the name changes whose policy counts.
func TestMisdirectedCover(t *testing.T) {
	s, _ := openStrict(t)
	h := s.connect("shop.test", tls.VersionTLS13)
	f := func(want string, fields ...string) {
		t.Helper()
		id := h.Ask(true, append([]string{":method", "GET", ":scheme", "https", ":path", "/"}, fields...)...)
		a := h.Stream(id)
		h.Until(func() bool { return a.Status != "" || a.Over() })
		if a.Status != want || len(s.asked) > 0 {
			t.Errorf("%q: %v, %v; the origin was asked %d times", fields, a, h.Closed, len(s.asked))
		}
	}
	f("400", ":authority", "shop.test", "host", "bank.test")
	f("400", ":authority", "bank.test", "host", "shop.test")
	f("421", "host", "bank.test")
	f("421", ":authority", "BANK.test", "host", "BANK.test")
	f("421", ":authority", "bank.test:443")
	f("421", ":authority", "bank.test.")
	f("400", ":authority", "shop.test", "host", "shop.test", "host", "bank.test")
	f("421", ":authority", "bank.test", "x-forwarded-host", "shop.test", "forwarded", "host=shop.test")
}

// TestTightened: a connection that was made before a reload is judged by the policy after it: what its handshake has not enforced is
// not served any more, though it was.
func TestTightened(t *testing.T) {
	s, customer := openStrict(t)
	before12, before13, withOne := s.connect("shop.test", tls.VersionTLS12), s.connect("shop.test", tls.VersionTLS13), s.connect("shop.test", tls.VersionTLS13, customer)
	all := []*wiretest.H2{before12, before13, withOne}
	served := map[string]string{"shop.test": "200"}
	refused := map[string]string{"shop.test": "421"}
	for _, h := range all {
		s.wants(h, served)
	}
	tighten := func(policy string) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(s.dir, "specs", "all.yaml"), nil, 0o644)) // the watch must not bring the first one back
		if problems := s.edge.Activate(parse(t, fmt.Sprintf(strictDocs, s.url, policy))); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	tighten(`, tls: {minVersion: "1.3"}`)
	s.wants(before12, refused)
	s.wants(s.connect("shop.test", tls.VersionTLS13), served)
	tighten(`, tls: {clientCertificates: required, clientCA: "file:clients.pem"}`)
	for _, h := range all {
		s.wants(h, refused) // again, on every one of them
		s.wants(h, refused)
	}
	after := s.connect("shop.test", tls.VersionTLS13, customer)
	s.wants(after, map[string]string{"shop.test": "200", "bank.test": "200", "branch.test": "421"})
	tighten(`, tls: {clientCertificates: required, clientCA: "file:others.pem"}`) // other authorities than those that were asked
	s.wants(after, refused)
	tighten("")
	s.wants(before12, served)
	s.wants(before13, served)
}
