package cert_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/spec"
)

// site is a store behind a socket: each connection is greeted after its handshake, and closed.
type site struct {
	*world
	store *cert.Store
	addr  string
	ended chan settled
}

// patience is how long a side waits for the other one. It is long, for a machine that does much else.
const patience = 30 * time.Second

type settled struct {
	session *cert.Session
	result  cert.Result
}

func newSite(w *world) *site {
	store := cert.NewStore(w.keeper)
	store.Use(w.table())
	return newSiteOf(w, store)
}

func newSiteOf(w *world, store *cert.Store) *site {
	s := &site{world: w, store: store, ended: make(chan settled, 1000)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(c) })
		}
	})
	w.t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return s
}

func (s *site) serve(c net.Conn) {
	defer c.Close()
	t := tls.Server(&cert.Socket{Conn: c}, s.store.Config())
	_ = t.SetDeadline(time.Now().Add(patience))
	session, result := s.store.Finish(t, t.Handshake())
	s.ended <- settled{session, result}
	if session != nil {
		_, _ = io.WriteString(t, "hello")
		_ = t.CloseWrite()
		_, _ = io.Copy(io.Discard, t)
	}
}

// dial makes one connection and returns what both sides say of it.
func (s *site) dial(config *tls.Config) (tls.ConnectionState, settled, error) {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	client := tls.Client(c, config)
	var greeting []byte
	if err = client.Handshake(); err == nil {
		if greeting, err = io.ReadAll(client); err == nil && string(greeting) != "hello" {
			s.t.Errorf("got %q", greeting)
		}
	}
	c.Close()
	return client.ConnectionState(), <-s.ended, err
}

// trusting is a client's configuration for a name.
func (s *site) trusting(name string, roots ...*made) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.keeper.Root())
	for _, r := range roots {
		pool.AddCert(r.cert)
	}
	return &tls.Config{RootCAs: pool, ServerName: name, NextProtos: []string{"http/1.1", "h2"}}
}

func alert(err error) string {
	var a tls.AlertError
	if errors.As(err, &a) {
		return a.Error()
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestHandshakes: what a client sees, what is counted, and what a request is told of the connection.
func TestHandshakes(t *testing.T) {
	root, clients := newCA(t, nil, "root"), newCA(t, nil, "clients")
	w := newWorld(t, "")
	w.certificate("shop", root.server(t, "shop.example.com", "*.shop.example.com"))
	w.write("clients.pem", certPEM(clients))
	w.hosts(nil, "shop.example.com", "*.shop.example.com", "local.example.com", "127.0.0.1")
	w.hosts(&strict, "strict.example.com")
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:clients.pem"}, "must.example.com")
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthOptional, ClientCA: "file:clients.pem"}, "may.example.com")
	s := newSite(w)
	good, bad := clients.client(t, "good"), newCA(t, nil, "stranger").client(t, "bad")
	f := func(name string, edit func(*tls.Config), want cert.Result, says string) *cert.Session {
		t.Helper()
		config := s.trusting(name, root)
		if edit != nil {
			edit(config)
		}
		state, got, err := s.dial(config)
		if got.result != want || (err == nil) != (says == "") || !strings.Contains(alert(err), says) {
			t.Errorf("%s: %v, the client sees %v, want %v and %q", name, got.result, err, want, says)
		}
		if err == nil && (state.Version != got.session.Version || state.NegotiatedProtocol != got.session.Protocol) {
			t.Errorf("%s: the session is %+v, the client's %x %s", name, got.session, state.Version, state.NegotiatedProtocol)
		}
		return got.session
	}
	old := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }
	older := func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }
	show := func(which tls.Certificate) func(*tls.Config) {
		return func(c *tls.Config) { c.Certificates = []tls.Certificate{which} }
	}
	both := func(fs ...func(*tls.Config)) func(*tls.Config) {
		return func(c *tls.Config) {
			for _, f := range fs {
				f(c)
			}
		}
	}

	if got := f("SHOP.example.com", nil, cert.OK, ""); got.ServerName != "shop.example.com" || got.Policy != plainKey || got.Local || got.Protocol != "h2" || got.Version != tls.VersionTLS13 ||
		!got.Covers([]byte("a.shop.example.com")) || got.Covers([]byte("local.example.com")) {
		t.Errorf("got %+v", got)
	}
	if got := f("local.example.com", old, cert.OK, ""); !got.Local || got.Version != tls.VersionTLS12 || !got.Covers([]byte("local.example.com")) || got.Covers([]byte("shop.example.com")) {
		t.Errorf("got %+v", got)
	}
	if got := f("127.0.0.1", nil, cert.OK, ""); got.ServerName != "" || !got.Local || !got.Covers([]byte("127.0.0.1")) { // crypto/tls sends no SNI for an address
		t.Errorf("got %+v", got)
	}
	for _, version := range []func(*tls.Config){nil, old} {
		f("other.example.com", version, cert.UnrecognizedName, "unrecognized name")
		f("a.b.shop.example.com", version, cert.UnrecognizedName, "unrecognized name")
	}
	f("shop.example.com", older, cert.NoVersion, "protocol version")
	f("strict.example.com", old, cert.NoVersion, "protocol version")
	if got := f("strict.example.com", nil, cert.OK, ""); got.Policy != strictKey {
		t.Errorf("got %+v", got)
	}
	f("shop.example.com", func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	}, cert.NoCipher, "handshake failure")
	f("shop.example.com", func(c *tls.Config) { c.NextProtos = []string{"imap"} }, cert.NoProtocol, "no application protocol")
	if got := f("shop.example.com", func(c *tls.Config) { c.NextProtos = nil }, cert.OK, ""); got.Protocol != "" {
		t.Errorf("got %+v", got)
	}
	f("shop.example.com", func(c *tls.Config) { c.RootCAs = clients.pool() }, cert.ClientAlert, "unknown authority")

	f("must.example.com", nil, cert.ClientCertificate, "certificate required")
	f("must.example.com", old, cert.ClientCertificate, "handshake failure")
	f("must.example.com", show(good), cert.OK, "")
	f("must.example.com", both(old, show(good)), cert.OK, "")
	f("may.example.com", nil, cert.OK, "")
	f("may.example.com", show(good), cert.OK, "")
	// crypto/tls's client shows only what the server's list of CAs allows.
	force := func(c *tls.Config) {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &bad, nil }
	}
	f("must.example.com", force, cert.ClientCertificate, "certificate")
	f("may.example.com", force, cert.ClientCertificate, "certificate")
	if n := s.world.result(cert.ClientCertificate); n != 4 {
		t.Errorf("%d bad client certificates counted", n)
	}
}

// TestBrokenHandshakes: what is no handshake, or breaks off.
func TestBrokenHandshakes(t *testing.T) {
	w := newWorld(t, "")
	w.hosts(nil, "a.example.com")
	s := newSite(w)
	f := func(send string, want cert.Result) {
		t.Helper()
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, send)
		_ = c.(*net.TCPConn).CloseWrite()
		if got := <-s.ended; got.result != want || got.session != nil {
			t.Errorf("%q: %v, want %v", send, got.result, want)
		}
		c.Close()
	}
	f("", cert.ClientLeft)
	f("\x16\x03\x01\x02\x00\x01", cert.ClientLeft)
	f("GET / HTTP/1.1\r\nHost: a\r\n\r\n", cert.PlainHTTP)
	f("OPTIONS * HTTP/1.1\r\n\r\n", cert.PlainHTTP)
	f("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", cert.PlainHTTP)
	f("hello there\r\n", cert.NotTLS)
	f("SSH-2.0-x\r\n", cert.NotTLS)
	f("\x80\x2e\x01\x00\x02", cert.NotTLS)
	f("\x16\x03\x01\x00\x04\x00\x00\x00\x00", cert.Failed)
}

// TestNothingInForce: before the first table every handshake is refused.
func TestNothingInForce(t *testing.T) {
	w := newWorld(t, "")
	s := newSiteOf(w, cert.NewStore(w.keeper))
	if _, got, _ := s.dial(&tls.Config{ServerName: "a.example.com"}); got.result != cert.UnrecognizedName {
		t.Errorf("got %v", got.result)
	}
}

// TestResumption: a session goes on under the name and policy it was made for, and under no other.
func TestResumption(t *testing.T) {
	clients := newCA(t, nil, "clients")
	w := newWorld(t, "")
	w.write("clients.pem", certPEM(clients))
	w.hosts(nil, "a.example.com", "b.example.com")
	w.hosts(&strict, "strict.example.com")
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthRequired, ClientCA: "file:clients.pem"}, "must.example.com")
	w.hosts(&spec.TLS{ClientCertificates: spec.ClientAuthOptional, ClientCA: "file:clients.pem"}, "may.example.com")
	s := newSite(w)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		// One session for all: crypto/tls's own cache never offers one under another name.
		cache := &oneSession{}
		f := func(name string, wantErr, want bool) {
			t.Helper()
			config := s.trusting(name)
			config.InsecureSkipVerify = true // or it would not resume under another name
			config.ClientSessionCache, config.MinVersion, config.MaxVersion = cache, version, version
			config.Certificates = []tls.Certificate{clients.client(t, "c")}
			state, got, err := s.dial(config)
			if wantErr != (err != nil) || err == nil && (state.DidResume != want || got.session.Resumed != want) {
				t.Errorf("%x %s: resumed %v, want %v; %v", version, name, state.DidResume, want, err)
			}
		}
		f("a.example.com", false, false)
		f("a.example.com", false, true)
		w.spec.Entrypoints[0].Hosts = append(w.spec.Entrypoints[0].Hosts, "more.example.com")
		s.store.Use(w.table()) // a reload does not end sessions
		f("a.example.com", false, true)
		kept := cache.kept
		f("b.example.com", false, false)
		cache.kept = kept
		f("must.example.com", false, false)
		if cache.kept != kept {
			t.Error("a ticket was given where client certificates are asked for")
		}
		f("may.example.com", false, false)
		f("other.example.com", true, false) // a resumption needs no certificate, but the name must be served
		f("a.example.com", false, true)
		if version == tls.VersionTLS13 {
			cache.kept = kept
			f("strict.example.com", false, false)
			f("strict.example.com", false, true)
		}
	}
	if n := w.meters.Counter("skerry_tls_resumed_total", "").Value(); n != 7 {
		t.Errorf("%d resumptions counted", n)
	}
}

// TestResumptionEndsWithPolicy: a host whose policy has changed takes no session from before.
func TestResumptionEndsWithPolicy(t *testing.T) {
	w := newWorld(t, "")
	w.hosts(nil, "a.example.com")
	s := newSite(w)
	config := s.trusting("a.example.com")
	config.ClientSessionCache = &oneSession{}
	f := func(want bool) {
		t.Helper()
		if _, got, err := s.dial(config); err != nil || got.session.Resumed != want {
			t.Errorf("resumed %v, %v", !want, err)
		}
	}
	f(false)
	f(true)
	w.spec.Entrypoints[0].Policy.TLS = &strict
	s.store.Use(w.table())
	f(false)
	f(true)
}

// oneSession offers the last session to whatever server.
type oneSession struct{ kept *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.kept, o.kept != nil }
func (o *oneSession) Put(_ string, s *tls.ClientSessionState) {
	if s != nil {
		o.kept = s
	}
}

// TestSwapUnderLoad: while tables change, each handshake gets the certificate of one of them, and its session says which.
func TestSwapUnderLoad(t *testing.T) {
	root := newCA(t, nil, "root")
	w := newWorld(t, "")
	w.certificate("shop", root.server(t, "shop.example.com", "only.example.com"))
	w.hosts(nil, "shop.example.com")
	s := newSite(w)
	withIt := s.store.Table()
	without := &spec.Spec{Entrypoints: w.spec.Entrypoints}
	local, problems := w.keeper.Table(without)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	stop := make(chan struct{})
	var swapping, dialing sync.WaitGroup
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			s.store.Use([]*cert.Table{withIt, local}[i%2])
		}
	})
	config := s.trusting("shop.example.com", root)
	for range 4 {
		dialing.Go(func() {
			for range 25 {
				if _, _, err := s.dial(config); err != nil {
					t.Error(err)
				}
			}
		})
	}
	dialing.Wait()
	close(stop)
	swapping.Wait()
	if n := w.result(cert.OK); n != 100 {
		t.Errorf("%d handshakes counted", n)
	}
	// The session belongs to the certificate, whatever is in force now.
	s.store.Use(withIt)
	_, got, err := s.dial(config)
	s.store.Use(local)
	if err != nil || got.session.Local || !got.session.Covers([]byte("only.example.com")) {
		t.Errorf("%v, %+v", err, got.session)
	}
}

// TestExpiryIsLookedAt: a certificate that comes near its end in a running edge is told of once a day.
func TestExpiryIsLookedAt(t *testing.T) {
	root := newCA(t, nil, "root")
	w := newWorld(t, "")
	w.certificate("shop", root.server(t, "shop.example.com")) // 90 days
	w.hosts(nil, "shop.example.com")
	s := newSite(w)
	events := func(days int, want int) {
		t.Helper()
		w.ahead.Store(int64(days) * 24 * int64(time.Hour))
		for range 3 {
			_, _, _ = s.dial(s.trusting("shop.example.com", root))
		}
		if got := len(w.meters.Events().Since(0)); got != want {
			t.Errorf("after %d days: %d events, want %d", days, got, want)
		}
	}
	events(1, 0)
	events(75, 0)
	events(77, 1)
	events(78, 2)
	events(91, 3)
}
