package edge_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/load/rival"
)

// announcedSpec has four services that expect a PROXY header, or a mapping that has them.
const announcedSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  redirect: off
  limit: off
  cache: off
  waf: off
  routes:
%s`

const announcedService = `---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: %[1]s}
spec:
  endpoints: [%[2]s]
  proxyProtocol: %[3]s
`

// The two say who the header says that the client is, and where it came to, on an address without TLS and on one with it.
const (
	nginxBehind = `access_log off;
server {
	listen PLAIN proxy_protocol;
	listen SECURE ssl proxy_protocol;
	ssl_certificate DIR/pair.pem;
	ssl_certificate_key DIR/pair.pem;
	default_type text/plain;
	location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port"; }
}
`
	haproxyBehind = `global
	maxconn 500
	tune.ssl.default-dh-param 2048
defaults
	mode http
	timeout connect 10s
	timeout client 20s
	timeout server 20s
frontend all
	bind PLAIN accept-proxy
	bind SECURE accept-proxy ssl crt DIR/pair.pem
	http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port]"
`
)

// TestAnnouncedToServers: nginx and HAProxy as services understand both versions, before TLS too, for clients of every protocol,
// and get each client's own address and port.
func TestAnnouncedToServers(t *testing.T) {
	needs(t, "nginx", "haproxy")
	secrets, pair := originPair(t)
	var paths []string
	routes, services := "", ""
	for name, conf := range map[string]string{"nginx": nginxBehind, "haproxy": haproxyBehind} {
		dir, plain, secure := t.TempDir(), freeAddr(t), freeAddr(t)
		must(t, os.WriteFile(filepath.Join(dir, "pair.pem"), pair, 0o600))
		o := rival.Options{Dir: dir, Conf: strings.NewReplacer("DIR", dir, "PLAIN", plain, "SECURE", secure).Replace(conf), Ready: secure}
		start := map[string]func(rival.Options) (*rival.Proc, error){"nginx": rival.Nginx, "haproxy": rival.HAProxy}[name]
		p, err := start(o)
		must(t, err)
		t.Cleanup(p.Stop)
		for _, version := range []string{"v1", "v2"} {
			for scheme, addr := range map[string]string{"http": plain, "https": secure} {
				service := name + version + scheme
				paths = append(paths, "/"+service)
				routes += fmt.Sprintf("    - {match: {path: /%[1]s}, service: %[1]s}\n", service)
				services += fmt.Sprintf(announcedService, service, scheme+"://"+addr, version)
				if scheme == "https" {
					services += "  tls: {ca: \"file:ca.pem\"}\n"
				}
			}
		}
	}
	both := freeAddr(t)
	opt := edge.Options{H2C: []string{both}, DrainTimeout: 5 * time.Second}
	opt.Setting.Secrets.Dir = secrets
	e, _ := start(t, opt, fmt.Sprintf(announcedSpec, routes)+services)
	t.Cleanup(func() { e.Hurry(); e.Drain() })
	for _, path := range paths {
		for _, http2 := range []bool{false, true} {
			if body, want := announcedTo(t, both, path, http2); body != want {
				t.Errorf("%s, HTTP/2 %v: the service was told %q, want %q", path, http2, body, want)
			}
		}
	}
}

// announcedTo asks for a path from an address of its own, and returns what the service was told, and what it should have been.
func announcedTo(t *testing.T, to, path string, http2 bool) (body, want string) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}}
	client := over(t, http2)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, to)
		if err == nil {
			want = c.LocalAddr().String() + " " + to
		}
		return c, err
	}
	a, err := client.Get("http://shop.test" + path)
	must(t, err)
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	must(t, err)
	return string(text), want
}

// announcedOrigin notes who asked for what, by another implementation's reading of the header, and requires one.
type announcedOrigin struct {
	mu    sync.Mutex
	asked []string            // "path client", "path -" for nobody's
	conns map[string][]string // by the other end of each: what was asked over it
	began int                 // connections
	ended int
}

// headerKey is the key of a connection in the context of its requests.
type headerKey struct{}

// announcedConn is a connection that an origin has.
type announcedConn struct {
	*proxyproto.Conn
	owner string // whose it is
}

func startAnnounced(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) (*announcedOrigin, string) {
	t.Helper()
	o := &announcedOrigin{conns: map[string][]string{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := r.Context().Value(headerKey{}).(*announcedConn)
		h := conn.ProxyHeader()
		client := "-"
		if h.Command.IsProxy() {
			client, _, _ = net.SplitHostPort(h.SourceAddr.String())
		}
		o.mu.Lock()
		o.asked = append(o.asked, r.URL.Path+" "+client)
		raw := conn.Raw().RemoteAddr().String()
		o.conns[raw] = append(o.conns[raw], r.URL.Path)
		o.mu.Unlock()
		answer(w, r)
	}))
	s.Listener.Close()
	s.Listener = &proxyproto.Listener{Listener: l, ConnPolicy: func(proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) { return proxyproto.REQUIRE, nil }}
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, headerKey{}, &announcedConn{Conn: c.(*proxyproto.Conn)})
	}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		o.mu.Lock()
		defer o.mu.Unlock()
		switch state {
		case http.StateNew:
			o.began++
		case http.StateClosed:
			o.ended++
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return o, "http://" + l.Addr().String()
}

// has waits until a line is among what was asked.
func (o *announcedOrigin) has(t *testing.T, line string) {
	t.Helper()
	o.await(t, line, func() bool { return slices.Contains(o.asked, line) })
}

// await waits until something is so.
func (o *announcedOrigin) await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for give := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		o.mu.Lock()
		is, state := so(), fmt.Sprintf("asked %q over %v, of which %d have ended", o.asked, o.conns, o.ended)
		o.mu.Unlock()
		if is {
			return
		}
		if time.Now().After(give) {
			t.Fatalf("not so: %s; %s", what, state)
		}
	}
}

// made is how many connections have come.
func (o *announcedOrigin) made() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.began
}

// over returns how many requests each connection has carried, fewest first.
func (o *announcedOrigin) over() (n []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, asked := range o.conns {
		n = append(n, len(asked))
	}
	slices.Sort(n)
	return n
}

// TestAnnouncedAgain: what is sent again, beside, or to a second service names the client too, checks name nobody, and no
// connection carries a second request.
func TestAnnouncedAgain(t *testing.T) {
	release := make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	bad := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/health":
		case "/hedged":
			<-release
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	}
	one, oneURL := startAnnounced(t, bad)
	two, twoURL := startAnnounced(t, bad)
	good := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "max-age=60") }
	third, thirdURL := startAnnounced(t, good)
	text := fmt.Sprintf(announcedSpec, `    - {match: {path: /hedged}, service: pair, hedge: {after: 10ms}}
    - {match: {path: /mirrored}, service: third, mirror: {service: copies}}
    - {match: {path: /filled}, service: third, cache: standard}
    - {match: {prefix: /}, service: pair}
`)
	text += fmt.Sprintf(announcedService, "pair", oneURL+", "+twoURL, "v2") + "  ejection: off\n  health: {path: /health, interval: 1s, timeout: 1s, unhealthyAfter: 100}\n" // none is taken out, however slow
	text += fmt.Sprintf(announcedService, "third", thirdURL, "v1")
	copies, copiesURL := startAnnounced(t, good)
	text += fmt.Sprintf(announcedService, "copies", copiesURL, "v1")
	both := freeAddr(t)
	e, _ := start(t, edge.Options{H2C: []string{both}, DrainTimeout: 5 * time.Second}, text)
	t.Cleanup(func() { free(); e.Hurry(); e.Drain() })

	announcedTo(t, both, "/retried", true)
	one.has(t, "/retried 127.0.0.5")
	two.has(t, "/retried 127.0.0.5")
	for range 2 {
		announcedTo(t, both, "/mirrored", false)
	}
	third.has(t, "/mirrored 127.0.0.5")
	copies.has(t, "/mirrored 127.0.0.5")
	for range 2 {
		announcedTo(t, both, "/filled", true)
	}
	third.has(t, "/filled 127.0.0.5")
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		announcedTo(t, both, "/hedged", false)
	}()
	one.has(t, "/hedged 127.0.0.5")
	two.has(t, "/hedged 127.0.0.5")
	free()
	<-asked
	one.has(t, "/health -")
	two.has(t, "/health -")
	for _, o := range []*announcedOrigin{one, two, third, copies} {
		if n := o.over(); n[len(n)-1] > 1 {
			t.Errorf("connections carried %d requests, and each client had asked once", n)
		}
	}
}

// TestAnnouncedKept: what one client connection asks goes over one connection to the service as long as its requests follow each
// other, over no other client's, and that ends with it. Clients of whom a proxy speaks have one for each request.
func TestAnnouncedKept(t *testing.T) {
	o, url := startAnnounced(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	both := freeAddr(t)
	opt := edge.Options{H2C: []string{both}, DrainTimeout: 5 * time.Second}
	opt.Setting.Env.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.6/32")}
	e, _ := start(t, opt, fmt.Sprintf(announcedSpec, "    - {match: {prefix: /}, service: all}\n")+fmt.Sprintf(announcedService, "all", url, "v2"))
	t.Cleanup(func() { e.Hurry(); e.Drain() })
	ended := 0
	f := func(from string, http2 bool, fields string, want ...int) {
		t.Helper()
		o.mu.Lock()
		o.conns = map[string][]string{}
		o.mu.Unlock()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		var clients []*http.Client
		for range 2 {
			dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
				c, err := d.DialContext(ctx, network, both)
				if err == nil {
					err = c.SetDeadline(time.Now().Add(3 * waiting))
				}
				return c, err
			}
			// For HTTP/1.1 not net/http's own, which makes another connection if it was slow to notice that it had written a request.
			c := &http.Client{Transport: &oneByOne{dial: dial}}
			if http2 {
				c = over(t, true)
				c.Transport.(*http.Transport).DialContext = dial
			}
			clients = append(clients, c)
		}
		for i := range 6 {
			r, err := http.NewRequest([]string{"GET", "POST"}[i/2%2], "http://shop.test/"+from, strings.NewReader(strings.Repeat("apples", i)))
			must(t, err)
			if fields != "" {
				r.Header.Set("X-Forwarded-For", fields)
			}
			a, err := clients[i%2].Do(r)
			must(t, err)
			body, err := io.ReadAll(a.Body)
			if a.Body.Close(); len(body) != 6*i || err != nil {
				t.Errorf("%s, HTTP/2 %v: got %q, %v", from, http2, body, err)
			}
		}
		if n := o.over(); !slices.Equal(n, want) {
			t.Errorf("%s, HTTP/2 %v: connections carried %v requests, want %v", from, http2, n, want)
		}
		for _, c := range clients {
			c.CloseIdleConnections()
		}
		ended += len(want)
		o.await(t, fmt.Sprint(ended, " connections have ended"), func() bool { return o.ended == ended })
	}
	for _, http2 := range []bool{false, true} {
		f("127.0.0.5", http2, "", 3, 3)
		f("127.0.0.5", http2, lie, 3, 3)
		f("127.0.0.6", http2, "", 3, 3)
		f("127.0.0.6", http2, lie, 1, 1, 1, 1, 1, 1)
	}
	o.has(t, "/127.0.0.6 "+lie)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := rival.FreeAddr()
	must(t, err)
	return addr
}

// originPair is a certificate for 127.0.0.1 with its key, and a directory of secrets with the authority that it is from, ca.pem.
func originPair(t *testing.T) (secrets string, pair []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	must(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secrets = t.TempDir()
	must(t, os.WriteFile(filepath.Join(secrets, "ca.pem"), own, 0o600))
	return secrets, append(own, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
}
