package pebble_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answer is one of a CA that an edge must survive: the old certificate stays, the failure is counted and told of, and when the CA has
// come to its senses the next try succeeds.
type answer struct {
	what string
	path string        // what the path of the request begins with that gets it
	wait time.Duration // until the next try
	told string        // what the event must say
	give func(w http.ResponseWriter, r *http.Request, real *httptest.ResponseRecorder)
}

// TestAnswers has Pebble's answers replaced by those of a CA that is out of order.
func TestAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := newClocked(t, r)
	now := r.pebble.shown(t, r.node.HTTPS, host, nil)
	waitFor(t, func() bool { return len(c.events("certificate_issued")) == 1 })
	c.jump(62 * day)
	waitFor(t, func() bool { return len(c.events("certificate_renewed")) == 1 })
	now = r.pebble.shown(t, r.node.HTTPS, host, now)
	failed := c.meters.Counter("skerry_acme_orders_total", "", "result", "failed")
	for i, a := range answers(t, &r.pebble.csr) {
		r.pebble.instead(a.of(r.pebble))
		c.jump(61 * time.Minute)
		waitFor(t, func() bool { return len(c.events("certificate_failed")) == i+1 })
		if text := c.events("certificate_failed")[i]; !strings.Contains(text, a.told) || !strings.Contains(text, "(failure 1, ") ||
			!strings.Contains(text, "the old one stays") || len(text) > 1500 || strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("%s: the event says %q", a.what, text)
		}
		if failed.Value() != uint64(i+1) {
			t.Errorf("%s: %d failures are counted, want %d", a.what, failed.Value(), i+1)
		}
		if shown := r.pebble.shown(t, r.node.HTTPS, host, nil); !shown.Equal(now) {
			t.Errorf("%s: the old certificate did not stay", a.what)
		}
		r.pebble.instead(nil)
		c.jump(a.wait)
		waitFor(t, func() bool { return len(c.events("certificate_renewed")) == i+2 })
		now = r.pebble.shown(t, r.node.HTTPS, host, now)
	}
}

// of makes Pebble give it.
func (a *answer) of(p *pebble) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/renewalInfo/") { // of what Pebble has not issued, which costs the client seven seconds
			renewsLater(w)
			return true
		}
		if !strings.HasPrefix(r.URL.Path, a.path) {
			return false
		}
		real := httptest.NewRecorder()
		p.handler.ServeHTTP(real, r)
		w.Header().Set("Replay-Nonce", real.Header().Get("Replay-Nonce"))
		for _, name := range []string{"Location", "Content-Type", "Link"} {
			w.Header()[name] = real.Header()[name]
		}
		a.give(w, r, real)
		return true
	}
}

func answers(t *testing.T, csr *atomic.Pointer[x509.CertificateRequest]) []answer {
	const newOrder, authz, finalize, chain = "/order-plz", "/authZ/", "/finalize-order/", "/certZ/"
	type (
		out = http.ResponseWriter
		in  = *http.Request
		got = *httptest.ResponseRecorder
	)
	edited := func(edit func(map[string]any)) func(out, in, got) {
		return func(w out, _ in, real got) {
			var all map[string]any
			if json.Unmarshal(real.Body.Bytes(), &all) == nil {
				edit(all)
			}
			text, _ := json.Marshal(all)
			w.WriteHeader(real.Code)
			_, _ = w.Write(text)
		}
	}
	issued := func(edit func(*x509.Certificate)) func(out, in, got) {
		return func(w out, _ in, _ got) {
			_, _ = w.Write(issue(t, csr.Load(), edit))
		}
	}
	return []answer{
		{"too many orders", newOrder, 16 * time.Minute, "rateLimited", func(w out, _ in, _ got) { problem(w, http.StatusTooManyRequests, "rateLimited") }},
		{"too many orders, for a while", newOrder, 41 * time.Minute, "rateLimited", func(w out, _ in, _ got) {
			w.Header().Set("Retry-After", "2400")
			problem(w, http.StatusTooManyRequests, "rateLimited")
		}},
		{"an error of its own", newOrder, 2 * time.Minute, "serverInternal", func(w out, _ in, _ got) { problem(w, http.StatusInternalServerError, "serverInternal") }},
		{"a page", newOrder, 2 * time.Minute, "HTTP 502", func(w out, _ in, _ got) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, strings.Repeat("<h1>\n\x1b[31mno</h1>", 10_000))
		}},
		{"no JSON", newOrder, 2 * time.Minute, "JSON", func(w out, _ in, _ got) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"status": "pending", "identifiers": [`)
		}},
		{"too much", newOrder, 2 * time.Minute, "too large", func(w out, _ in, _ got) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"status": "`+strings.Repeat("p", 2<<20)+`"}`)
		}},
		{"a challenge that it does not believe", authz, 2 * time.Minute, "invalid", edited(func(all map[string]any) {
			all["status"] = "invalid"
			for _, one := range all["challenges"].([]any) {
				one.(map[string]any)["status"] = "invalid"
				one.(map[string]any)["error"] = map[string]any{"type": "urn:ietf:params:acme:error:unauthorized", "detail": "because"}
			}
		})},
		{"an order that turns invalid", finalize, 2 * time.Minute, "invalid", edited(func(all map[string]any) { all["status"] = "invalid" })},
		{"no certificate", chain, 2 * time.Minute, "certificate", func(w out, _ in, _ got) { _, _ = io.WriteString(w, "-----BEGIN CERTIFICATE-----\nMIIB\n") }},
		{"one for another key", chain, 2 * time.Minute, "not the key", func(w out, _ in, _ got) {
			other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				panic(err)
			}
			mine := *csr.Load()
			mine.PublicKey = &other.PublicKey
			_, _ = w.Write(issue(t, &mine, func(*x509.Certificate) {}))
		}},
		{"one for another name", chain, 2 * time.Minute, "does not name it", issued(func(c *x509.Certificate) { c.DNSNames = []string{"other.skerry-tests.net"} })},
		{"one that has ended", chain, 2 * time.Minute, "is the clock right?", issued(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })},
		{"one that has not begun", chain, 2 * time.Minute, "is the clock right?", issued(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = c.NotBefore.Add(100*day), c.NotAfter.Add(100*day)
		})},
		{"one for clients", chain, 2 * time.Minute, "may not be used by a server", issued(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })},
	}
}

// issue makes a certificate that is good now, for whatever clock of the test, and edits it before it is signed.
func issue(t *testing.T, csr *x509.CertificateRequest, edit func(*x509.Certificate)) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
		return nil
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * day), DNSNames: csr.DNSNames, KeyUsage: x509.KeyUsageDigitalSignature}
	edit(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, csr.PublicKey, key)
	if err != nil {
		t.Error(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// payload is what a request to Pebble says: its JWS is not checked here.
type payload struct{ CSR, Replaces string }

func payloadOf(body []byte) (p payload) {
	var signed struct{ Payload string }
	if json.Unmarshal(body, &signed) == nil {
		if text, err := base64.RawURLEncoding.DecodeString(signed.Payload); err == nil {
			_ = json.Unmarshal(text, &p)
		}
	}
	return p
}

// csr is the one in a request to finalize an order.
func (p *payload) csr() (*x509.CertificateRequest, error) {
	der, err := base64.RawURLEncoding.DecodeString(p.CSR)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificateRequest(der)
}

// remember keeps what of a request tests want to know, and answers an order in the place of a certificate that was replaced already as
// Pebble would, which then reads what it has just written without a lock.
func (p *pebble) remember(w http.ResponseWriter, r *http.Request) (answered bool) {
	if r.Method != http.MethodPost {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if r.Body = io.NopCloser(bytes.NewReader(body)); err != nil {
		return false
	}
	said := payloadOf(body)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case strings.HasPrefix(r.URL.Path, "/finalize-order/"):
		p.replaced[p.replaces] = true
		if csr, err := said.csr(); err == nil {
			p.csr.Store(csr)
		}
	case r.URL.Path == "/order-plz" && said.Replaces != "" && p.replaced[said.Replaces]:
		nonce := httptest.NewRecorder()
		p.handler.ServeHTTP(nonce, httptest.NewRequest(http.MethodHead, "/nonce-plz", nil))
		w.Header().Set("Replay-Nonce", nonce.Header().Get("Replay-Nonce"))
		problem(w, http.StatusConflict, "alreadyReplaced")
		return true
	case r.URL.Path == "/order-plz":
		p.replaces = said.Replaces
	}
	return false
}

// problem answers with a problem of ACME's.
func problem(w http.ResponseWriter, code int, kind string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, `{"type":"urn:ietf:params:acme:error:`+kind+`","detail":"because"}`)
}
