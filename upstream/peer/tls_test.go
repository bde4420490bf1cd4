package peer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The certificates of the tests.
func client(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
func origin(c *x509.Certificate) { c.DNSNames = []string{"origin.example"} }
func numbered(c *x509.Certificate) {
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
}
func expired(c *x509.Certificate) { origin(c); c.NotAfter = time.Now().Add(-time.Minute) }
func forClients(c *x509.Certificate) {
	origin(c)
	client(c)
}

// issue returns a certificate and its key as PEM.
func (a *authority) issue(t testing.TB, change func(c *x509.Certificate)) (chain, key []byte) {
	t.Helper()
	own := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// secure starts an origin that speaks TLS by this configuration and tells how each handshake went.
func secure(t testing.TB, c *tls.Config) (addr netip.AddrPort, seen <-chan tls.ConnectionState) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	states := make(chan tls.ConnectionState, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				conn := tls.Server(raw, c)
				if conn.Handshake() == nil {
					states <- conn.ConnectionState()
				}
				if conn.ConnectionState().NegotiatedProtocol == "h2" {
					<-new(origin2).listen(conn).gone
					return
				}
				serve(conn, fine)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort(), states
}

func pair(t testing.TB, chain, key []byte) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reach makes a connection, has it carry an exchange and says what went wrong, as upstream would.
func reach(t testing.TB, addr netip.AddrPort, id *peer.TLS) (state string, err error) {
	t.Helper()
	return reachBy(t, spec.ProtocolHTTP1, addr, id)
}

func reachBy(t testing.TB, by spec.Protocol, addr netip.AddrPort, id *peer.TLS) (state string, err error) {
	t.Helper()
	k := peer.NewKeeper(nil, meter.NewSet())
	defer k.Stop()
	p, err := k.Acquire(peer.Identity{Addr: addr, TLS: id, Protocol: by}, peer.Limits{Keep: keep, Connect: patience})
	if err != nil {
		return "refused", err
	}
	defer p.Release()
	for range 100 {
		c, err := p.Dial(context.Background())
		if err != nil {
			return "no connection", err
		}
		_, _, err = use(c)
		err = c.Explain(err)
		c.Close()
		switch {
		case err == nil:
			return "ok", nil
		case err != transport.ErrStale: // it ended before the request
			return "no answer", err
		}
	}
	return "always stale", transport.ErrStale
}

// TestVerify: an origin whose certificate is not in order is not spoken to, and the fault says in what way it is not.
func TestVerify(t *testing.T) {
	root, stranger := newAuthority(t), newAuthority(t)
	f := func(name string, by *authority, cert func(*x509.Certificate), id peer.TLS, want string) {
		t.Run(name, func(t *testing.T) {
			addr, _ := secure(t, &tls.Config{Certificates: []tls.Certificate{by.pair(t, cert)}})
			_, err := reach(t, addr, &id)
			switch {
			case want == "" && err != nil:
				t.Error(err)
			case want != "" && (fault.Of(err) != fault.OriginTLS || !strings.Contains(err.Error(), want)):
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	f("in order", root, origin, peer.TLS{ServerName: "origin.example", Roots: root.pem}, "")
	f("by address", root, numbered, peer.TLS{Roots: root.pem}, "")
	f("one of two authorities", root, origin, peer.TLS{ServerName: "origin.example", Roots: append(append([]byte("# ours\n"), stranger.pem...), root.pem...)}, "")
	f("unknown authority", stranger, origin, peer.TLS{ServerName: "origin.example", Roots: root.pem}, "authority that is not trusted (tls.ca)")
	f("not the system's", root, origin, peer.TLS{ServerName: "origin.example"}, "authority that is not trusted (tls.ca)")
	f("wrong name", root, origin, peer.TLS{ServerName: "other.example", Roots: root.pem}, "not for other.example (tls.serverName)")
	f("wrong address", root, origin, peer.TLS{Roots: root.pem}, "not for 127.0.0.1 (tls.serverName)")
	f("expired", root, expired, peer.TLS{ServerName: "origin.example", Roots: root.pem}, "has expired")
	f("for clients", root, forClients, peer.TLS{ServerName: "origin.example", Roots: root.pem}, "not valid for a server")
}

// pair is issue for a server's configuration.
func (a *authority) pair(t testing.TB, change func(c *x509.Certificate)) tls.Certificate {
	t.Helper()
	chain, key := a.issue(t, change)
	return pair(t, chain, key)
}

// TestClientCertificate: an origin that wants to know who asks is shown the certificate; where it refuses, the fault says so,
// under TLS 1.2, where the handshake fails, and under 1.3, where the first request does.
func TestClientCertificate(t *testing.T) {
	root, theirs, stranger := newAuthority(t), newAuthority(t), newAuthority(t)
	trusted := x509.NewCertPool()
	trusted.AddCert(theirs.cert)
	for name, is := range map[string]struct {
		version uint16
		by      spec.Protocol
	}{"1.2": {tls.VersionTLS12, spec.ProtocolHTTP1}, "1.3": {tls.VersionTLS13, spec.ProtocolHTTP1}, "1.2 http2": {tls.VersionTLS12, spec.ProtocolHTTP2}, "1.3 http2": {tls.VersionTLS13, spec.ProtocolHTTP2}} {
		addr, seen := secure(t, &tls.Config{Certificates: []tls.Certificate{root.pair(t, origin)}, ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs: trusted, MaxVersion: is.version, NextProtos: []string{"h2", "http/1.1"}})
		f := func(what string, by *authority, cert func(*x509.Certificate), want string) {
			t.Run(name+" "+what, func(t *testing.T) {
				id := &peer.TLS{ServerName: "origin.example", Roots: root.pem}
				if by != nil {
					id.Chain, id.Key = by.issue(t, cert)
				}
				state, err := reachBy(t, is.by, addr, id)
				// Since TLS 1.3 the refusal comes behind the handshake, and the origin's reset behind it may overtake it: then there is
				// nothing left to read.
				for n := 0; n < 9 && want != "" && is.version == tls.VersionTLS13 && fault.Of(err) == fault.OriginClosed; n++ {
					state, err = reachBy(t, is.by, addr, id)
				}
				if want == "" {
					if err != nil {
						t.Fatal(state, err)
					}
					if got := <-seen; len(got.PeerCertificates) != 1 || got.ServerName != "origin.example" {
						t.Errorf("the origin saw %d certificates, name %q", len(got.PeerCertificates), got.ServerName)
					}
				} else if fault.Of(err) != fault.OriginTLS || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %q", state, err, want)
				}
			})
		}
		f("shown", theirs, client, "")
		f("absent", nil, nil, "wants a client certificate (tls.certificate)")
		f("of a stranger", stranger, client, "refuses the client certificate")
		f("expired", theirs, func(c *x509.Certificate) { client(c); c.NotAfter = time.Now().Add(-time.Minute) }, "refuses the client certificate")
	}
}

// TestProtocol: an origin whose ALPN does not settle on what the service says is not spoken to.
func TestProtocol(t *testing.T) {
	root := newAuthority(t)
	cert := root.pair(t, origin)
	f := func(by spec.Protocol, want string, speaks ...string) {
		t.Helper()
		addr, _ := secure(t, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: speaks})
		state, err := reachBy(t, by, addr, &peer.TLS{ServerName: "origin.example", Roots: root.pem})
		if want == "" && err != nil || want != "" && (state != "no connection" || fault.Of(err) != fault.OriginTLS || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s with an origin of %v: %s %v, want %q", by, speaks, state, err, want)
		}
	}
	f(spec.ProtocolHTTP2, "", "h2")
	f(spec.ProtocolHTTP2, "", "http/1.1", "h2")
	f(spec.ProtocolHTTP2, "(protocol: http2)", "http/1.1")
	f(spec.ProtocolHTTP2, "(protocol: http2), but nothing")
	f(spec.ProtocolHTTP1, "", "h2", "http/1.1")
	f(spec.ProtocolHTTP1, "", "http/1.1")
	f(spec.ProtocolHTTP1, "")
	f(spec.ProtocolHTTP1, "(protocol: http1)", "h3")
	f(spec.ProtocolHTTP2, "(protocol: http2)", "h3")
}

// TestVersions: nothing below tls.minVersion is spoken, nor what is not TLS.
func TestVersions(t *testing.T) {
	root := newAuthority(t)
	cert := root.pair(t, origin)
	f := func(least string, most uint16, want string) {
		t.Helper()
		addr, _ := secure(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: most})
		state, err := reach(t, addr, &peer.TLS{ServerName: "origin.example", Roots: root.pem, MinVersion: least})
		if want == "" && err != nil || want != "" && (fault.Of(err) != fault.OriginTLS || !strings.Contains(err.Error(), want)) {
			t.Errorf("at least %s, origin up to %x: %s %v, want %q", least, most, state, err, want)
		}
	}
	f("", tls.VersionTLS11, "TLS handshake with")
	f("", tls.VersionTLS12, "")
	f("1.2", tls.VersionTLS13, "")
	f("1.3", tls.VersionTLS12, "TLS handshake with")
	f("1.3", tls.VersionTLS13, "")
	f("1.1", tls.VersionTLS13, "tls.minVersion is 1.1")
	addr := plainOrigin(t, "HTTP/1.1 400 Bad Request\r\n\r\n")
	if _, err := reach(t, addr, &peer.TLS{ServerName: "origin.example", Roots: root.pem}); fault.Of(err) != fault.OriginTLS || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("a plain origin: %v", err)
	}
}

// plainOrigin answers whatever comes, and closes.
func plainOrigin(t testing.TB, answer string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte(answer))
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// TestAbandonTLS: an exchange over TLS ends at once when it is abandoned from elsewhere, whatever it is in.
func TestAbandonTLS(t *testing.T) {
	root := newAuthority(t)
	answers := make(chan string, 1)
	config := &tls.Config{Certificates: []tls.Certificate{root.pair(t, origin)}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer l.Close()
	arrived := make(chan struct{})
	wg.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				conn := tls.Server(raw, config)
				defer conn.Close()
				b := make([]byte, 4096)
				_, _ = conn.Read(b)
				_, _ = conn.Write([]byte(<-answers))
				arrived <- struct{}{}
				_, _ = conn.Read(b) // until it closes
			})
		}
	})
	k := peer.NewKeeper(nil, nil)
	defer k.Stop()
	p, err := k.Acquire(peer.Identity{Addr: l.Addr().(*net.TCPAddr).AddrPort(), TLS: &peer.TLS{ServerName: "origin.example", Roots: root.pem}}, peer.Limits{Keep: keep, Connect: patience})
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{"HTTP/1.1 1", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5"} {
		c := dial(t, p)
		ended := make(chan error, 1)
		go func() { _, _, err := use(c); ended <- err }()
		answers <- answer
		<-arrived
		c.Abandon()
		if err := <-ended; !errors.Is(err, wire.ErrAbandoned) {
			t.Errorf("after %q: got %v", answer, err)
		}
		c.Close()
	}
	counts(t, p, 0, 0)
}

// TestResumption: a peer's later connections resume the session of its first; another peer's do not.
func TestResumption(t *testing.T) {
	root := newAuthority(t)
	addr, seen := secure(t, &tls.Config{Certificates: []tls.Certificate{root.pair(t, origin)}})
	k := peer.NewKeeper(nil, nil)
	defer k.Stop()
	for _, connect := range []time.Duration{patience, 2 * patience} { // another identity
		p, err := k.Acquire(peer.Identity{Addr: addr, TLS: &peer.TLS{ServerName: "origin.example", Roots: root.pem}}, peer.Limits{Keep: keep, Connect: connect})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			c := dial(t, p)
			carry(t, c)
			c.Close()
			if state := <-seen; state.DidResume != (i > 0) {
				t.Errorf("connection %d: resumed is %v", i, state.DidResume)
			}
		}
		p.Release()
	}
}

// TestPEM: what does not parse is refused when the peer is made, and no key is ever told.
func TestPEM(t *testing.T) {
	root := newAuthority(t)
	chain, key := root.issue(t, client)
	_, other := root.issue(t, client)
	broken := []byte(strings.Replace(string(root.pem), "MII", "M!I", 1))
	f := func(name string, id peer.TLS, want string) {
		t.Helper()
		k := peer.NewKeeper(nil, nil)
		defer k.Stop()
		p, err := k.Acquire(peer.Identity{Addr: netip.MustParseAddrPort("192.0.2.1:443"), TLS: &id}, peer.Limits{})
		if fault.Of(err) != fault.OriginTLS || p != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
		if err != nil && strings.Contains(err.Error(), string(key[40:60])) {
			t.Errorf("%s: %v tells a key", name, err)
		}
	}
	f("no authorities", peer.TLS{Roots: []byte("hello")}, "tls.ca")
	f("a broken one", peer.TLS{Roots: broken}, "tls.ca")
	f("a broken one among good ones", peer.TLS{Roots: append(append([]byte(nil), broken...), root.pem...)}, "tls.ca")
	f("a cut one", peer.TLS{Roots: append(append([]byte(nil), root.pem...), root.pem[:100]...)}, "tls.ca")
	f("a key", peer.TLS{Roots: append(append([]byte(nil), root.pem...), key...)}, "tls.ca holds a PRIVATE KEY")
	f("not DER", peer.TLS{Roots: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})}, "tls.ca")
	f("no key", peer.TLS{Chain: chain}, "tls.certificate and tls.key")
	f("no certificate", peer.TLS{Key: key}, "tls.certificate and tls.key")
	f("another's key", peer.TLS{Chain: chain, Key: other}, "tls.certificate and tls.key")
}

// TestExplainOnlyTLS: an error that TLS knows nothing about stays what it was.
func TestExplainOnlyTLS(t *testing.T) {
	root := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{root.pair(t, origin)}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		raw, err := l.Accept()
		if err == nil {
			conn := tls.Server(raw, config)
			_, _ = conn.Read(make([]byte, 4096))
			conn.Close()
		}
	}()
	_, err = reach(t, l.Addr().(*net.TCPAddr).AddrPort(), &peer.TLS{ServerName: "origin.example", Roots: root.pem})
	if fault.Of(err) != fault.OriginClosed {
		t.Errorf("got %v, want that the origin closed", err)
	}
	var alert *net.OpError
	if errors.As(err, &alert) {
		t.Errorf("%v speaks of TLS", err)
	}
}

// spoiling is a connection whose reads are spoilt, if that is on: TLS then ends it with an alert.
type spoiling struct {
	net.Conn
	on *atomic.Bool
}

func (s spoiling) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if s.on.Load() && n > 0 {
		b[n-1] ^= 1
	}
	return n, err
}

// TestExplainKept: what ends a kept connection is no verdict on the origin's TLS: it died, and another may be tried.
func TestExplainKept(t *testing.T) {
	root := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{root.pair(t, origin)}, MaxVersion: tls.VersionTLS12} // in 1.3 the handshake goes on behind the client's back
	var spoil atomic.Bool
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer l.Close()
	wg.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(tls.Server(spoiling{raw, &spoil}, config), fine) })
		}
	})
	k := peer.NewKeeper(nil, nil)
	defer k.Stop()
	p, err := k.Acquire(peer.Identity{Addr: l.Addr().(*net.TCPAddr).AddrPort(), TLS: &peer.TLS{ServerName: "origin.example", Roots: root.pem}}, peer.Limits{Keep: keep, Connect: patience})
	if err != nil {
		t.Fatal(err)
	}
	f := func(want fault.Kind, before func(c *peer.Conn)) {
		t.Helper()
		spoil.Store(false)
		c := dial(t, p)
		defer c.Close()
		before(c)
		spoil.Store(true)
		_, _, err := use(c)
		if err = c.Explain(err); fault.Of(err) != want || want == fault.OriginTLS && !strings.Contains(err.Error(), "bad record MAC") {
			t.Errorf("got %v, want %s", err, want.Name())
		}
	}
	f(fault.OriginTLS, func(*peer.Conn) {})
	f(fault.OriginClosed, func(c *peer.Conn) { carry(t, c); c.Keep(time.Now()); p.Get(time.Now()) })
}
