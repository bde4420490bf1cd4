package pebble_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
)

// TestProfiles has a CA with two profiles behind one that has not the one it is asked for: that one gets no order, the problem is told with
// what it has, and each order at the other is of the profile, whose certificates of six days are renewed in time. When the profile is
// given up, the old certificate stays.
func TestProfiles(t *testing.T) {
	const life = 160 * time.Hour
	p, other := newPebble(t), newPebble(t)
	p.profiles = map[string]ca.Profile{"classic": {}, "shortlived": {ValidityPeriod: uint64(life / time.Second)}}
	other.profiles = map[string]ca.Profile{"tlsserver": {}, "classic": {}}
	r := newRigBefore(t, p)
	other.begin(r.zone, 1, 1)
	r.node.CAs = []string{other.url, p.url}
	r.node.profiles = map[string]string{other.url: "shortlived", p.url: "shortlived"}
	c := newClocked(t, r)
	short := func(c *x509.Certificate) {
		t.Helper()
		if got := c.NotAfter.Sub(c.NotBefore).Round(time.Minute); got != life {
			t.Errorf("a certificate of %v, want %v", got, life)
		}
	}
	first := r.pebble.shown(t, r.node.HTTPS, host, nil)
	short(first)
	waitFor(t, func() bool { return len(c.events("certificate_issued")) == 1 })
	if text := c.events("certificate_issued")[0]; !strings.Contains(text, other.url+": --acme-profile "+other.url+"=shortlived: this CA has no such profile; it has classic, tlsserver") {
		t.Errorf("of a profile that the first CA has not it is said %q", text)
	}
	looked := p.wantsNone()
	c.jump(life/2 + 25*time.Hour) // not yet
	await(t, looked)
	r.ordered(t, 1)
	c.jump(2 * time.Hour)
	second := r.pebble.shown(t, r.node.HTTPS, host, first)
	short(second)
	waitFor(t, func() bool { return len(c.events("certificate_renewed")) == 1 })
	r.ordered(t, 2)
	if n := other.count(); n != 0 {
		t.Errorf("%d orders of a profile that there is not", n)
	}

	// It lists the profile, and yet refuses it.
	var asked atomic.Int32
	p.instead(func(w http.ResponseWriter, q *http.Request) bool {
		if q.URL.Path != "/order-plz" {
			return false
		}
		asked.Add(1)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"type":"urn:ietf:params:acme:error:invalidProfile","status":400,"detail":"not for you"}`)
		return true
	})
	c.jump(life * 2 / 3)
	waitFor(t, func() bool { return len(c.events("certificate_failed")) == 1 })
	if text := c.events("certificate_failed")[0]; asked.Load() != 1 || !strings.Contains(text, "--acme-profile "+p.url+"=shortlived: ") || !strings.Contains(text, "not for you") {
		t.Errorf("of a profile that is refused it is said %q, after %d orders", text, asked.Load())
	}
	p.instead(nil)
	c.keeper.Close()

	far := *r
	far.node.HTTPS = farIP + ":" + r.https
	far.node.CAs = []string{p.url}
	far.node.profiles = map[string]string{p.url: "tlsserver"}
	next := newClocked(t, &far)
	next.jump(life)
	waitFor(t, func() bool { return len(next.events("certificate_failed")) == 1 })
	text := next.events("certificate_failed")[0]
	if !strings.Contains(text, "--acme-profile "+p.url+"=tlsserver: this CA has no such profile; it has classic, shortlived") || !strings.Contains(text, "the old one stays") {
		t.Errorf("of a profile that was given up it is said %q", text)
	}
	if !r.pebble.shown(t, far.node.HTTPS, host, nil).Equal(second) {
		t.Error("the old certificate did not stay")
	}
	r.ordered(t, 2)
}
