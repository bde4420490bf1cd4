package pebble_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"skerry.dev/skerry/load/rival"
)

// patience is how long a test waits for what must come. It is long, for a machine that does much else.
// It is below the minute after which an order that failed is tried again: no test succeeds by that.
const patience = 45 * time.Second

// nearIP and farIP are addresses that no other test uses, and no other process: a port that is free there may be closed, and opened again.
var nearIP, farIP = loopback(1), loopback(2)

func loopback(number int) string {
	return fmt.Sprintf("127.%d.%d.%d", 1+os.Getpid()>>8&0x7f, os.Getpid()&0xff, number)
}

// zone is a DNS server for one zone, which takes dynamic updates (RFC 2136) of its TXT records.
type zone struct {
	addr string
	mu   sync.Mutex
	at   string // the address of every name
	txt  map[string][]string
}

const zoneName = "skerry-tests.net."

func newZone(t *testing.T) *zone {
	z := &zone{at: nearIP, txt: map[string][]string{}}
	port, _ := freePort(t)
	tcp, err := net.Listen("tcp", nearIP+":"+port)
	must(t, err)
	z.addr = tcp.Addr().String()
	udp, err := net.ListenPacket("udp", z.addr)
	must(t, err)
	for _, s := range []*dns.Server{{Listener: tcp}, {PacketConn: udp}} {
		up := make(chan struct{})
		s.Handler, s.NotifyStartedFunc = z, func() { close(up) }
		s.TsigSecret = map[string]string{"edge.": "c2tlcnJ5IHRlc3RzIGtlZXAgbm8gc2VjcmV0cw=="}
		s.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
		var ended sync.WaitGroup
		ended.Go(func() { _ = s.ActivateAndServe() })
		<-up
		t.Cleanup(func() {
			_ = s.Shutdown()
			ended.Wait()
		})
	}
	return z
}

// point says where every name is from now on.
func (z *zone) point(addr string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.at = addr
}

// ServeDNS answers.
func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	if q.Opcode == dns.OpcodeUpdate {
		if q.IsTsig() == nil || w.TsigStatus() != nil {
			m.Rcode = dns.RcodeRefused
		} else {
			z.update(q.Ns)
			m.SetTsig("edge.", dns.HmacSHA256, 300, time.Now().Unix())
		}
		_ = w.WriteMsg(m)
		return
	}
	name := strings.ToLower(q.Question[0].Name)
	head := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: 1}
	switch q.Question[0].Qtype {
	case dns.TypeA:
		m.Answer = append(m.Answer, &dns.A{Hdr: head, A: net.ParseIP(z.at)})
	case dns.TypeTXT:
		for _, text := range z.txt[name] {
			m.Answer = append(m.Answer, &dns.TXT{Hdr: head, Txt: []string{text}})
		}
	case dns.TypeSOA:
		if name == zoneName {
			m.Answer = append(m.Answer, &dns.SOA{Hdr: head, Ns: "ns." + zoneName, Mbox: "a." + zoneName, Minttl: 1})
		}
	}
	_ = w.WriteMsg(m)
}

func (z *zone) update(all []dns.RR) {
	for _, rr := range all {
		txt, ok := rr.(*dns.TXT)
		if !ok {
			continue
		}
		name := strings.ToLower(rr.Header().Name)
		if rr.Header().Class == dns.ClassINET {
			z.txt[name] = append(z.txt[name], txt.Txt...)
			continue
		}
		var kept []string
		for _, old := range z.txt[name] {
			if old != txt.Txt[0] {
				kept = append(kept, old)
			}
		}
		z.txt[name] = kept
	}
}

// pebble is an ACME server that can be stopped and started again.
type pebble struct {
	t          *testing.T
	url        string // of its directory
	roots      string // PEM of what signs its HTTPS
	handler    http.Handler
	management http.Handler
	ca         *ca.CAImpl
	addr       string
	tls        *tls.Config
	server     *http.Server
	serving    sync.WaitGroup
	binding    [2]string // a key's name and the key that accounts must be bound with; empty: none
	profiles   map[string]ca.Profile

	csr    atomic.Pointer[x509.CertificateRequest] // the last one that it got
	mu     sync.Mutex
	orders int
	// what the last order was to replace, and what was replaced
	replaces string
	replaced map[string]bool
	stead    func(w http.ResponseWriter, r *http.Request) bool // answers in Pebble's stead, or does not; nil: Pebble answers
	held     chan struct{}                                     // gets one for each check that is held; nil: none is
	gate     chan struct{}                                     // closed: they go on
}

// newPebble finds Pebble's port; it answers once begin has said where the edge is.
func newPebble(t *testing.T) *pebble {
	own, err := itsOwn()
	must(t, err)
	port, _ := freePort(t)
	p := &pebble{t: t, replaced: map[string]bool{}, profiles: map[string]ca.Profile{"default": {}}, tls: &tls.Config{Certificates: []tls.Certificate{own}}, addr: nearIP + ":" + port}
	p.roots = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}))
	p.url = "https://" + p.addr + "/dir"
	t.Cleanup(p.stop)
	return p
}

// itsOwn is a certificate of nearIP that is signed by itself, one for all: who asks two servers trusts both.
var itsOwn = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(day), IPAddresses: []net.IP{net.ParseIP(nearIP)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

// begin makes the server, which checks HTTP-01 and TLS-ALPN-01 on these ports.
func (p *pebble) begin(z *zone, httpPort, tlsPort int) {
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	p.ca = ca.New(quiet, store, "", "ecdsa", 0, 1, p.profiles)
	if p.binding[0] != "" {
		must(p.t, store.AddExternalAccountKeyByID(p.binding[0], p.binding[1]))
	}
	front := wfe.New(quiet, store, va.New(quiet, httpPort, tlsPort, false, z.addr, store), p.ca, []string{"pebble.test"}, false, p.binding[0] != "", 1, 0)
	p.handler, p.management = front.Handler(), front.ManagementHandler()
	p.start()
}

func (p *pebble) start() {
	l, err := net.Listen("tcp", p.addr)
	must(p.t, err)
	p.server = &http.Server{Handler: p, TLSConfig: p.tls, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: patience}
	server := p.server
	p.serving.Go(func() { _ = server.ServeTLS(l, "", "") })
}

func (p *pebble) stop() {
	if p.server != nil {
		p.server.Close()
		p.serving.Wait()
	}
}

// instead has some requests answered by another; nil: none.
func (p *pebble) instead(f func(w http.ResponseWriter, r *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stead = f
}

// ServeHTTP counts what is asked for.
func (p *pebble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	stead := p.stead
	p.mu.Unlock()
	if p.remember(w, r) {
		return
	}
	if stead != nil && stead(w, r) {
		return
	}
	if r.URL.Path == "/order-plz" && r.Method == http.MethodPost {
		counted := &status{ResponseWriter: w}
		p.handler.ServeHTTP(counted, r)
		if counted.code == http.StatusCreated {
			p.mu.Lock()
			p.orders++
			p.mu.Unlock()
		}
		return
	}
	p.mu.Lock()
	held, gate := p.held, p.gate
	p.mu.Unlock()
	if held != nil && strings.HasPrefix(r.URL.Path, "/chalZ/") {
		held <- struct{}{}
		<-gate
	}
	p.handler.ServeHTTP(w, r)
}

// holdChecks has Pebble begin no check until they are released.
func (p *pebble) holdChecks() (held <-chan struct{}, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held, p.gate = make(chan struct{}, 100), make(chan struct{})
	return p.held, sync.OnceFunc(func() { close(p.gate) })
}

// count is how many orders there were.
func (p *pebble) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.orders
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// trust is a client's pool with Pebble's root alone.
func (p *pebble) trust() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(p.ca.GetRootCert(0).PEM())
	return pool
}

// shown waits until an address shows a certificate of Pebble's for a host, other than the one given, and returns it.
func (p *pebble) shown(t *testing.T, addr, host string, other *x509.Certificate) *x509.Certificate {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: p.trust(), ServerName: host})
		if err != nil {
			continue
		}
		leaf := c.ConnectionState().PeerCertificates[0]
		c.Close()
		if other == nil || !leaf.Equal(other) {
			return leaf
		}
	}
	t.Fatalf("%s never showed a certificate of Pebble's for %s", addr, host)
	return nil
}

// shownNow returns the certificate of Pebble's that an address shows for a host.
func (p *pebble) shownNow(t *testing.T, addr, host string) *x509.Certificate {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: p.trust(), ServerName: host})
	must(t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

// freePort is a port that nothing here is given but who asked for it, and no connection gets from the kernel.
func freePort(t *testing.T) (port string, number int) {
	t.Helper()
	number, err := rival.FreePort()
	must(t, err)
	return strconv.Itoa(number), number
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came")
		}
	}
}

// wantsRenewed makes Pebble say that a certificate should have been renewed an hour ago.
func (p *pebble) wantsRenewed(t *testing.T, c *x509.Certificate) {
	t.Helper()
	window := fmt.Sprintf(`{"suggestedWindow":{"start":%q,"end":%q}}`, time.Now().Add(-2*time.Hour).Format(time.RFC3339), time.Now().Add(-time.Hour).Format(time.RFC3339))
	body, err := json.Marshal(map[string]string{
		"Certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})), "ARIResponse": window})
	must(t, err)
	w := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, "/set-renewal-info/", bytes.NewReader(body))
	request.Header.Set("User-Agent", "tests")
	p.management.ServeHTTP(w, request)
	if w.Code != http.StatusOK {
		t.Fatalf("Pebble: %d %s", w.Code, w.Body)
	}
}

// wantsNone has the CA want no certificate renewed of itself: when Pebble does may be a day before or after it is due. The channel gets one
// for each time that the CA is asked.
func (p *pebble) wantsNone() (asked <-chan struct{}) {
	looks := make(chan struct{}, 100)
	p.instead(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/renewalInfo/") {
			return false
		}
		renewsLater(w)
		looks <- struct{}{}
		return true
	})
	return looks
}

// renewsLater answers that a certificate is to be renewed long after it has ended.
func renewsLater(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"suggestedWindow":{"start":%q,"end":%q}}`, time.Now().Add(200*day).Format(time.RFC3339), time.Now().Add(201*day).Format(time.RFC3339))
}

// certificates are those in a storage.
func certificates(t *testing.T, data string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(data, "acme", "certificates", "*", "*", "*.crt"))
	must(t, err)
	return all
}

// serve answers on a port of its own until the test ends, and returns the URL.
func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/"
}

func portNumber(t *testing.T, port string) int {
	t.Helper()
	n, err := strconv.Atoi(port)
	must(t, err)
	return n
}
