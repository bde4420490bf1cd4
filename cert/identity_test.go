package cert_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/spec"
)

// TestClientIsNamed: who a client is by its certificate, over both versions, on each connection of one that keeps sessions, and as the event
// of a refused one says it.
func TestClientIsNamed(t *testing.T) {
	root := newCA(t, nil, "clients")
	w := newWorld(t, "")
	w.write("clients.pem", certPEM(root))
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthOptional, ClientCA: "file:clients.pem"}, "may.example.com")
	s := newSite(w)
	dial := func(version uint16, sessions tls.ClientSessionCache, shown *made) *cert.Session {
		t.Helper()
		config := s.trusting("may.example.com")
		config.MinVersion, config.MaxVersion, config.ClientSessionCache = version, version, sessions
		if shown != nil {
			config.Certificates = []tls.Certificate{{Certificate: [][]byte{shown.cert.Raw}, PrivateKey: shown.key}}
		}
		_, got, err := s.dial(config)
		if got.result != cert.OK || got.session == nil {
			t.Fatalf("%v, %v", got.result, err)
		}
		return got.session
	}
	f := func(name, serial string, edit func(*x509.Certificate)) {
		t.Helper()
		var shown *made
		if edit != nil {
			shown = root.caller(t, "", edit)
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			sessions := tls.NewLRUClientSessionCache(1)
			for range 2 {
				if got := dial(version, sessions, shown); got.ClientName != name || got.ClientSerial != serial || (got.Client == nil) != (shown == nil) {
					t.Errorf("%s: %q, serial %q, %d certificates, want %q, serial %q", tls.VersionName(version), got.ClientName, got.ClientSerial, len(got.Client), name, serial)
				}
			}
		}
	}
	spiffe := &url.URL{Scheme: "spiffe", Host: "example.org", Path: "/billing"}
	unnamed := func(c *x509.Certificate, subject pkix.Name) { // fixtures would else get a common name
		var err error
		if c.RawSubject, err = asn1.Marshal(subject.ToRDNSequence()); err != nil {
			t.Fatal(err)
		}
		c.SerialNumber = big.NewInt(0xab)
	}
	f("", "", nil)
	f("CN=billing,OU=a\\,b,O=Example", "7bcdef0123456789", func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "billing", OrganizationalUnit: []string{"a,b"}, Organization: []string{"Example"}}
		c.SerialNumber, c.URIs = big.NewInt(0x7bcdef0123456789), []*url.URL{spiffe}
	})
	f("URI:spiffe://example.org/billing", "ab", func(c *x509.Certificate) {
		unnamed(c, pkix.Name{Country: []string{"US"}, Organization: []string{"SPIRE"}})
		c.URIs, c.DNSNames = []*url.URL{spiffe}, []string{"a.example.com"}
	})
	f("DNS:a.example.com", "ab", func(c *x509.Certificate) {
		unnamed(c, pkix.Name{})
		c.DNSNames, c.EmailAddresses = []string{"a.example.com", "b.example.com"}, []string{"me@example.com"}
	})
	f("email:me@example.com", "ab", func(c *x509.Certificate) {
		unnamed(c, pkix.Name{})
		c.EmailAddresses, c.IPAddresses = []string{"me@example.com"}, []net.IP{net.IPv4(192, 0, 2, 1)}
	})
	f("IP:192.0.2.1", "ab", func(c *x509.Certificate) {
		unnamed(c, pkix.Name{})
		c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
	})
	f("O=Example", "ab", func(c *x509.Certificate) { unnamed(c, pkix.Name{Organization: []string{"Example"}}) })
	f("", "ab", func(c *x509.Certificate) { unnamed(c, pkix.Name{}) })

	stranger := newCA(t, nil, "strangers").caller(t, "", func(c *x509.Certificate) {
		unnamed(c, pkix.Name{})
		c.URIs = []*url.URL{spiffe}
	})
	config := s.trusting("may.example.com")
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // though its authority is not asked for
		return &tls.Certificate{Certificate: [][]byte{stranger.cert.Raw}, PrivateKey: stranger.key}, nil
	}
	if _, got, _ := s.dial(config); got.result != cert.ClientCertificate {
		t.Fatalf("a stranger's certificate: %v", got.result)
	}
	events := w.meters.Events().Since(0)
	if want := `wrong_ca: "URI:spiffe://example.org/billing", serial ab, until `; len(events) == 0 || !strings.Contains(events[len(events)-1].Text, want) {
		t.Errorf("the events %+v do not end with %q", events, want)
	}
}
