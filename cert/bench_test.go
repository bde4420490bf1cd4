package cert_test

import (
	"crypto/tls"
	"testing"

	"skerry.dev/skerry/cert"
)

// BenchmarkHandshake is both sides of a connection with a handshake on loopback.
func BenchmarkHandshake(b *testing.B) {
	w := newWorld(b, "")
	w.hosts(nil, "a.example.com")
	s := newSite(w)
	f := func(name string, version uint16, sessions tls.ClientSessionCache) {
		b.Run(name, func(b *testing.B) {
			config := s.trusting("a.example.com")
			config.ClientSessionCache, config.MinVersion, config.MaxVersion = sessions, version, version
			for b.Loop() {
				if _, _, err := s.dial(config); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	f("1.2", tls.VersionTLS12, nil)
	f("1.2-resumed", tls.VersionTLS12, new(oneSession))
	f("1.3", tls.VersionTLS13, nil)
	f("1.3-resumed", tls.VersionTLS13, new(oneSession))
}

// BenchmarkIssue is what a handshake costs more for a host that has no leaf of the local CA yet.
func BenchmarkIssue(b *testing.B) {
	w := newWorld(b, "")
	w.hosts(nil, "a.example.com")
	w.table()
	for b.Loop() {
		if err := w.keeper.Issue("a.example.com"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart is what a start costs for 1,000 names that were ordered before.
func BenchmarkStart(b *testing.B) {
	root, dir := newCA(b, nil, "root"), b.TempDir()
	hosts := many(1000)
	for _, host := range hosts {
		stock(b, dir, host, root.server(b, host), root)
	}
	b.ReportAllocs()
	for b.Loop() {
		w := acmeWorld(b, cert.ACME{Dir: dir})
		w.hosts(nil, hosts...)
		cert.NewStore(w.keeper).Use(w.table())
	}
}
