package pebble_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/fault"
)

const host = "www.skerry-tests.net"

// rig is a zone, Pebble, and how to start an edge that orders from it.
type rig struct {
	zone        *zone
	pebble      *pebble
	node        node
	http, https string // ports that Pebble asks
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigBefore(t, newPebble(t))
}

// newRigBefore is newRig with a Pebble that is not begun yet.
func newRigBefore(t *testing.T, p *pebble) *rig {
	t.Helper()
	r := &rig{zone: newZone(t), pebble: p}
	var httpNumber, httpsNumber int
	r.http, httpNumber = freePort(t)
	r.https, httpsNumber = freePort(t)
	r.pebble.begin(r.zone, httpNumber, httpsNumber)
	r.node = node{HTTP: nearIP + ":" + r.http, HTTPS: nearIP + ":" + r.https, Data: t.TempDir(), CAs: []string{r.pebble.url},
		Roots: r.pebble.roots, Hosts: []string{host}}
	return r
}

func (r *rig) ordered(t *testing.T, want int) {
	t.Helper()
	if n := r.pebble.count(); n != want {
		t.Errorf("%d orders, want %d", n, want)
	}
}

// TestHTTP01 has nothing but a port for plain HTTP to answer with. The answer comes before the redirect to HTTPS; what nobody has
// ordered is a request like any other. What was ordered serves another node, which orders nothing.
func TestHTTP01(t *testing.T) {
	r := newRig(t)
	first, second := r.node, r.node
	first.HTTPS, second.HTTP = "", ""
	first.here(t)
	waitFor(t, func() bool { return len(certificates(t, r.node.Data)) == 1 })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.node.HTTP+"/.well-known/acme-challenge/unknown", nil)
	must(t, err)
	req.Host = host
	resp, err := http.DefaultTransport.RoundTrip(req)
	must(t, err)
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	resp.Body.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if string(body) != "here" {
		t.Errorf("a challenge that nobody has ordered: %s %q, want the site's answer", resp.Status, body)
	}
	second.here(t)
	r.pebble.shown(t, r.node.HTTPS, host, nil)
	r.ordered(t, 1)
}

// TestTLSALPN01 has nothing but a port for HTTPS to answer with. The protocol is for CAs only.
func TestTLSALPN01(t *testing.T) {
	r := newRig(t)
	r.node.HTTP = ""
	r.node.here(t)
	r.pebble.shown(t, r.node.HTTPS, host, nil)
	r.ordered(t, 1)
	c, err := tls.Dial("tcp", r.node.HTTPS, &tls.Config{RootCAs: r.pebble.trust(), ServerName: host, NextProtos: []string{"acme-tls/1"}})
	if err == nil {
		c.Close()
		t.Error("without an order under way a hello for acme-tls/1 got a handshake")
	}
}

// TestDNS01 orders a wildcard, and a name below it, which needs no certificate of its own.
func TestDNS01(t *testing.T) {
	r := newRig(t)
	r.node.Hosts, r.node.DNS = []string{"*.skerry-tests.net", host}, r.zone.addr
	r.node.here(t)
	for _, name := range []string{host, "other.skerry-tests.net"} {
		if c := r.pebble.shown(t, r.node.HTTPS, name, nil); c.DNSNames[0] != "*.skerry-tests.net" {
			t.Errorf("%s: a certificate for %v", name, c.DNSNames)
		}
	}
	r.ordered(t, 1)
	r.zone.mu.Lock()
	defer r.zone.mu.Unlock()
	for name, texts := range r.zone.txt {
		if len(texts) > 0 {
			t.Errorf("%s was left with %d records", name, len(texts))
		}
	}
}

// TestTrouble has a CA that rejects good nonces, takes its time, and is asked behind one that is not there.
func TestTrouble(t *testing.T) {
	t.Setenv("PEBBLE_VA_NOSLEEP", "0")
	t.Setenv("PEBBLE_VA_SLEEPTIME", "2")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "30")
	r := newRig(t)
	gone := newPebble(t)
	r.node.CAs = []string{gone.url, r.pebble.url}
	r.node.here(t)
	r.pebble.shown(t, r.node.HTTPS, host, nil)
	r.ordered(t, 1)
}

// TestTwoProcesses share a storage. Pebble's questions reach one of them only, whichever ordered.
func TestTwoProcesses(t *testing.T) {
	r := newRig(t)
	r.node.Hosts = nil
	for i := range 6 {
		r.node.Hosts = append(r.node.Hosts, fmt.Sprintf("n%d.skerry-tests.net", i))
	}
	r.zone.point(farIP)
	far := r.node
	far.HTTP, far.HTTPS = farIP+":"+r.http, farIP+":"+r.https
	far.elsewhere(t)
	r.node.here(t)
	for _, name := range r.node.Hosts {
		a, b := r.pebble.shown(t, r.node.HTTPS, name, nil), r.pebble.shown(t, far.HTTPS, name, nil)
		if !a.Equal(b) {
			t.Errorf("%s: the processes show two certificates", name)
		}
	}
	r.ordered(t, len(r.node.Hosts))
}

// TestOnDemand orders when a client asks, if that is allowed; who is not gets the local CA's.
func TestOnDemand(t *testing.T) {
	r := newRig(t)
	r.node.Hosts, r.node.Allow = []string{"*.skerry-tests.net"}, []string{"yes.skerry-tests.net"}
	asked := http.NewServeMux()
	asked.HandleFunc("GET /{$}", func(w http.ResponseWriter, q *http.Request) {
		if q.FormValue("domain") != "asked.skerry-tests.net" {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	r.node.Ask = serve(t, asked)
	e := r.node.here(t)
	local := x509.NewCertPool()
	local.AppendCertsFromPEM(e.Root())
	for _, c := range []struct {
		name  string
		roots *x509.CertPool
	}{{"yes.skerry-tests.net", r.pebble.trust()}, {"asked.skerry-tests.net", r.pebble.trust()}, {"no.skerry-tests.net", local}, {"yes.skerry-tests.net", r.pebble.trust()}} {
		conn, err := tls.Dial("tcp", r.node.HTTPS, &tls.Config{RootCAs: c.roots, ServerName: c.name})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		conn.Close()
	}
	r.ordered(t, 2)
	// The site still answers over what was ordered.
	client := http.Client{Transport: &http.Transport{DialTLSContext: (&tls.Dialer{Config: &tls.Config{RootCAs: r.pebble.trust(), ServerName: "yes.skerry-tests.net"}}).DialContext, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.node.HTTPS+"/", nil)
	must(t, err)
	req.Host = "yes.skerry-tests.net"
	resp, err := client.Do(req)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if strings.TrimSpace(string(body)) != "here" {
		t.Errorf("%s: %q", resp.Status, body)
	}
}

// TestBinding has CAs that want accounts to be bound to a customer's: without a key it is said what is missing, with a wrong one that it
// is wrong, and the next CA is asked, with its own.
func TestBinding(t *testing.T) {
	p, other := newPebble(t), newPebble(t)
	const key = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA"
	p.binding, other.binding = [2]string{"kid-1", key}, [2]string{"kid-2", key}
	r := newRigBefore(t, p)
	other.begin(r.zone, 1, 1)
	r.node.CAs = []string{other.url, p.url}
	bind := func(text string) cert.Binding {
		b, err := cert.ParseBinding([]byte(text))
		must(t, err)
		return b
	}
	bindings := map[string]cert.Binding{other.url: bind("kid-2:d3JvbmcgbWVzc2FnZSBhdXRoZW50aWNhdGlvbg"), p.url: bind("kid-1:" + key + "=")}
	r.node.bindings = bindings
	c := newClocked(t, r)
	r.pebble.shown(t, r.node.HTTPS, host, nil)
	waitFor(t, func() bool { return len(c.events("certificate_issued")) == 1 })
	if text := c.events("certificate_issued")[0]; !strings.Contains(text, other.url+": account of --acme-email edge@skerry-tests.net: with --acme-eab: ") || strings.Contains(text, key) {
		t.Errorf("of a wrong key it is said %q", text)
	}
	c.keeper.Close() // it must not write there any more
	delete(bindings, p.url)
	must(t, os.RemoveAll(r.node.Data))
	must(t, os.MkdirAll(r.node.Data, 0o700))
	opt := r.node.options().Setting.ACME
	opt.TLS = true
	k, err := cert.NewKeeper(cert.Options{Data: r.node.Data, Meters: c.meters, ACME: opt})
	must(t, err)
	defer k.Close()
	table, problems := k.Table(c.spec)
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	cert.NewStore(k).Use(table)
	k.Start()
	waitFor(t, func() bool { return len(c.events("certificate_failed")) == 1 })
	if text := c.events("certificate_failed")[0]; !strings.Contains(text, "it wants a customer's key: --acme-eab "+p.url+"=REFERENCE") {
		t.Errorf("without a key it is said %q", text)
	}
}
