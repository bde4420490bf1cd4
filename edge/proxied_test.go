package edge_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/load/rival"
	"skerry.dev/skerry/meter"
)

// proxiedSpec says to its origin who the client is, and counts some requests by it.
const proxiedSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  redirect: off
  service: %[1]s
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: few, owner: team-shop}
spec:
  hosts: [few.test]
  redirect: off
  service: %[1]s
  limit: {perAddress: 1/h, burst: 1}
`

// proxied is an edge behind balancers that forward connections: it has an address for TLS and one for both protocols without. The
// balancers are at 127.0.0.1. There is a third address, to which anybody may come.
type proxied struct {
	t     *testing.T
	edge  *edge.Edge
	set   *meter.Set
	log   syncedBuffer
	https string
	both  string
	open  string
	roots *x509.CertPool
}

func openProxied(t *testing.T) *proxied {
	t.Helper()
	p := &proxied{t: t, set: meter.NewSet(), roots: x509.NewCertPool()}
	var err error
	for _, addr := range []*string{&p.https, &p.both} {
		*addr, err = rival.FreeAddr()
		must(t, err)
	}
	url := origin(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Join(r.Header.Values("X-Forwarded-For"), "|"))
	})
	opt := edge.Options{HTTPS: []string{p.https}, H2C: []string{p.both}, Proxied: []string{p.https, p.both}, Meters: p.set, Log: &p.log, DrainTimeout: 5 * time.Second}
	opt.Setting.Env.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("127.0.0.6/32")}
	p.edge, p.open = start(t, opt, fmt.Sprintf(proxiedSpec, url))
	p.roots.AppendCertsFromPEM(p.edge.Root())
	t.Cleanup(func() { p.edge.Hurry(); p.edge.Drain() })
	return p
}

func (p *proxied) result(name string) uint64 {
	return p.set.Counter("skerry_proxy_headers_total", "", "result", name).Value()
}

// ask sends a request from an address to a balancer, or to the edge. network is "tcp" or "unix"; from is empty for the latter.
func (p *proxied) ask(network, from, to string, secure, http2 bool, host string, fields ...string) (status int, body string, err error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{RootCAs: p.roots, ServerName: host}}
	tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, network, to) }
	tr.Protocols.SetHTTP1(!http2)
	tr.Protocols.SetHTTP2(http2 && secure)
	tr.Protocols.SetUnencryptedHTTP2(http2 && !secure)
	defer tr.CloseIdleConnections()
	scheme := "http"
	if secure {
		scheme = "https"
	}
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", scheme+"://"+host+"/", nil)
	must(p.t, err)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	a, err := (&http.Client{Transport: tr, Timeout: 20 * time.Second}).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if want := map[bool]int{false: 1, true: 2}[http2]; a.ProtoMajor != want {
		p.t.Errorf("HTTP/%d, want %d", a.ProtoMajor, want)
	}
	return a.StatusCode, string(text), err
}

// A balancer has an address in front of each of the edge's.
type balancer struct{ https, both string }

// through expects every protocol to say who the client is, whatever it claims, with clients that the limits tell apart.
func (p *proxied) through(name string, b balancer) {
	p.t.Helper()
	for _, secure := range []bool{false, true} {
		for _, http2 := range []bool{false, true} {
			f := func(from, want string, fields ...string) {
				p.t.Helper()
				to := b.both
				if secure {
					to = b.https
				}
				status, body, err := p.ask("tcp", from, to, secure, http2, "shop.test", fields...)
				if status != 200 || body != want || err != nil {
					p.t.Errorf("%s, TLS %v, HTTP/2 %v, %s: status %d, the origin was told %q, want %q, %v", name, secure, http2, from, status, body, want, err)
				}
			}
			f("127.0.0.5", "127.0.0.5")
			f("127.0.0.5", "127.0.0.5", "X-Forwarded-For: "+lie) // a stranger, though its balancer is none
			f("127.0.0.6", lie+", 127.0.0.6", "X-Forwarded-For: "+lie)
		}
	}
}

// haproxyFront forwards connections with headers of both versions, with every extra that HAProxy has, also those from a local
// socket, for which there is no address, and checks. A check has time: one that HAProxy gives up is a client that leaves.
const haproxyFront = `global
	maxconn 500
defaults
	mode tcp
	timeout connect 10s
	timeout client 20s
	timeout server 20s
	timeout check 20s
	unique-id-format %{+X}o\ %ci:%cp_%rt
listen https1
	bind HTTPS1
	server edge EDGEHTTPS send-proxy
listen both1
	bind BOTH1
	bind unix@DIR/one
	server edge EDGEBOTH send-proxy
listen https2
	bind HTTPS2
	server edge EDGEHTTPS send-proxy-v2 proxy-v2-options crc32c,unique-id,ssl,authority
listen both2
	bind BOTH2
	bind unix@DIR/two
	server edge EDGEBOTH send-proxy-v2 check inter 200ms check-send-proxy
backend checked
	option httpchk
	http-check send meth GET uri /check ver HTTP/1.1 hdr Host shop.test
	server plain EDGEBOTH send-proxy-v2 check inter 200ms check-send-proxy
	server secure EDGEHTTPS send-proxy check inter 200ms check-send-proxy check-ssl verify none check-sni shop.test
`

// TestProxiedByHAProxy: clients that come through HAProxy are who they are, in both versions.
func TestProxiedByHAProxy(t *testing.T) {
	needs(t, "haproxy")
	p := openProxied(t)
	dir := t.TempDir()
	v := []string{"DIR", dir, "EDGEHTTPS", p.https, "EDGEBOTH", p.both}
	var front [4]string
	for i, name := range []string{"HTTPS1", "BOTH1", "HTTPS2", "BOTH2"} {
		var err error
		front[i], err = rival.FreeAddr()
		must(t, err)
		v = append(v, name, front[i])
	}
	proc, err := rival.HAProxy(rival.Options{Dir: dir, Conf: strings.NewReplacer(v...).Replace(haproxyFront), Ready: front[3]})
	must(t, err)
	t.Cleanup(proc.Stop)
	one, two := balancer{front[0], front[1]}, balancer{front[2], front[3]}
	p.through("v1", one)
	p.through("v2", two)

	// Limits are each client's own.
	for i, want := range []int{200, 429, 200, 429} {
		from := []string{"127.0.0.5", "127.0.0.7"}[i/2]
		if status, _, err := p.ask("tcp", from, two.https, true, true, "few.test"); status != want || err != nil {
			t.Errorf("request %d, from %s: status %d, want %d, %v", i, from, status, want, err)
		}
	}
	// Nobody's connection is the balancer's own, and what is said on it is not believed. Those of its checks are too, and answered.
	for _, socket := range []string{"one", "two"} {
		status, body, err := p.ask("unix", "", filepath.Join(dir, socket), false, false, "shop.test", "X-Forwarded-For: "+lie)
		if status != 200 || body != "127.0.0.1" || err != nil {
			t.Errorf("by a local socket: status %d, the origin was told %q, %v", status, body, err)
		}
	}
	p.checked()
	// A header behind the header is no header.
	p.second(one.both)
	for _, wrong := range []string{"untrusted", "missing", "malformed", "family", "too_long", "checksum", "late"} {
		if n := p.result(wrong); n > 0 {
			t.Errorf("%d connections were %s", n, wrong)
		}
	}
	p.edge.Drain()
	_, log := split(p.log.String(), `"path":"/check"`)
	if strings.Count(log, `"client":"127.0.0.1","balancer":"127.0.0.1"`) != 2 || !strings.Contains(log, `"client":"127.0.0.5"`) || !strings.Contains(log, `"client":"`+lie+`","peer":"127.0.0.6","balancer":"127.0.0.1","proto"`) ||
		strings.Count(log, `"client":"127.0.0.1"`) != 2 || strings.Count(log, `"balancer":"127.0.0.1"`) != strings.Count(log, `"client":`) {
		t.Errorf("log:\n%s", log)
	}
}

// checked waits for checks of the balancer itself, which are answered, plain and with TLS. HAProxy's headers of version 2 name nobody
// then, those of version 1 itself.
func (p *proxied) checked() {
	p.t.Helper()
	for give := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		checks, _ := split(p.log.String(), `"path":"/check"`)
		secure, plain := split(checks, `"tls":`)
		if well, _ := split(checks, `"status":200`); well != checks || strings.Count(checks, `"client":"127.0.0.1"`) != strings.Count(checks, "\n") {
			p.t.Fatalf("checks:\n%s", checks)
		}
		if secure != "" && plain != "" && p.result("peer") >= 9 {
			return
		}
		if time.Now().After(give) {
			p.t.Fatalf("%d connections of the balancer itself, checks:\n%s", p.result("peer"), checks)
		}
	}
}

// split parts the lines that have something from the others.
func split(text, something string) (with, without string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, something) {
			with += line
		} else {
			without += line
		}
	}
	return with, without
}

// second sends a header of its own through a balancer: a request line that is none.
func (p *proxied) second(addr string) {
	p.t.Helper()
	raw, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}}).Dial("tcp", addr)
	must(p.t, err)
	c := &client{raw, bufio.NewReader(raw)}
	defer c.conn.Close()
	a, _, err := c.do("PROXY TCP4 " + lie + " 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
	if err != nil || a.StatusCode != http.StatusBadRequest {
		p.t.Errorf("a second header: %+v, %v", a, err)
	}
}

// TestProxiedByStrangers: who is not trusted is not let in, with a header or without, and who is does not come in without one. An
// address for everybody knows no headers.
func TestProxiedByStrangers(t *testing.T) {
	p := openProxied(t)
	header := "PROXY TCP4 " + lie + " 127.0.0.1 4444 443\r\n"
	f := func(from, send, want string) {
		t.Helper()
		for _, addr := range []string{p.https, p.both} {
			before := p.result(want)
			c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", addr)
			must(t, err)
			must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
			_, _ = io.WriteString(c, send)
			if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s, %.20q: got %q, %v", from, send, b, err)
			}
			c.Close()
			if n := p.result(want) - before; n != 1 {
				t.Errorf("%s, %.20q: counted %d times as %s", from, send, n, want)
			}
		}
	}
	request := "GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"
	f("127.0.0.9", header+request, "untrusted")
	f("127.0.0.9", request, "untrusted")
	f("127.0.0.1", request, "missing")
	f("127.0.0.1", strings.Replace(header, "TCP4", "TCP6", 1)+request, "malformed")
	p.second(p.open)
	if text := p.log.String(); strings.Contains(text, lie) {
		t.Errorf("log:\n%s", text)
	}
}

// TestProxiedNeedsTrust: an edge that could let nobody in, or would let everybody, does not start, and says why.
func TestProxiedNeedsTrust(t *testing.T) {
	for proxied, want := range map[string]string{"127.0.0.1:0": "--trusted-proxies", "127.0.0.1:1": "BUG: 127.0.0.1:1"} {
		e := newEdge(t, edge.Options{HTTP: []string{"127.0.0.1:0"}, Proxied: []string{proxied}})
		e.Activate(parse(t, fmt.Sprintf(proxiedSpec, "http://127.0.0.1:9")))
		if err := e.Start(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", proxied, err, want)
		}
		e.Abandon()
	}
}

// nginxFront forwards connections with headers of version 1, the only one that nginx writes.
const nginxFront = `USER
load_module MODULE;
daemon off;
pid DIR/nginx.pid;
error_log DIR/errors warn;
worker_processes 1;
events { worker_connections 500; }
stream {
	proxy_protocol on;
	server { listen HTTPS; proxy_pass EDGEHTTPS; }
	server { listen BOTH; proxy_pass EDGEBOTH; }
}
`

// TestProxiedByNginx: the same through nginx.
func TestProxiedByNginx(t *testing.T) {
	needs(t, "nginx")
	module, err := rival.NginxModule("ngx_stream_module")
	if err != nil {
		t.Skip(err)
	}
	p := openProxied(t)
	dir, b, user := t.TempDir(), balancer{}, ""
	for _, addr := range []*string{&b.https, &b.both} {
		*addr, err = rival.FreeAddr()
		must(t, err)
	}
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	file := filepath.Join(dir, "nginx.conf")
	conf := strings.NewReplacer("USER", user, "MODULE", module, "DIR", dir, "EDGEHTTPS", p.https, "EDGEBOTH", p.both, "HTTPS", b.https, "BOTH", b.both)
	must(t, os.WriteFile(file, []byte(conf.Replace(nginxFront)), 0o600))
	proc, err := rival.Start(rival.Options{Dir: dir, Ready: b.both}, "nginx", "-p", dir, "-e", filepath.Join(dir, "errors"), "-c", file)
	must(t, err)
	t.Cleanup(proc.Stop)
	p.through("nginx", b)
	p.second(b.both)
}
