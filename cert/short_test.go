package cert_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cert"
)

// TestShortLives has certificates of an hour, a day and six days, and a CA that takes no orders from the middle of their life to a tenth
// before its end: it is tried several times meanwhile, and they are renewed before they end. With a CA that is well that is when a third is
// left.
func TestShortLives(t *testing.T) {
	root := newCA(t, nil, "root")
	for _, life := range []time.Duration{time.Hour, 24 * time.Hour, 160 * time.Hour} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			ca := newStub(t, root)
			ca.life = life
			var down atomic.Bool
			var tries atomic.Int32
			w := acmeWorld(t, cert.ACME{Dir: dir})
			w.keeper.AskBy(asked(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/order" && down.Load() {
					tries.Add(1)
					return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/problem+json"}, "Replay-Nonce": {"bm9uY2U"}},
						Body: io.NopCloser(strings.NewReader(`{"type":"urn:ietf:params:acme:error:unauthorized","status":403}`))}, nil
				}
				return ca.RoundTrip(r)
			}))
			defer w.keeper.Close()
			w.hosts(nil, "a.skerry.dev")
			cert.NewStore(w.keeper).Use(w.table())
			begun := time.Now()
			w.keeper.Start()
			at := func(share float64, issued uint64) {
				t.Helper()
				pass(time.Until(begun.Add(time.Duration(share * float64(life)))))
				orders := func(result string) uint64 {
					return w.meters.Counter("skerry_acme_orders_total", "", "result", result).Value()
				}
				if n := orders("issued") + orders("renewed"); n != issued {
					t.Errorf("%v: after %v of the life %d were issued, want %d", life, share, n, issued)
				}
			}
			at(0.6, 1)
			at(0.72, 2)
			begun = begun.Add(life * 2 / 3)
			at(0.5, 2)
			down.Store(true)
			at(0.9, 2)
			down.Store(false)
			if tries.Load() < 5 {
				t.Errorf("%v: it was tried %d times", life, tries.Load())
			}
			at(0.98, 3)
		})
	}
}

// TestEndsSoonShort has a certificate of a day that is not renewed: it is told of in time, though all others hold for long.
func TestEndsSoonShort(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	stock(t, dir, "a.skerry.dev", issue(t, root, nil, func(c *x509.Certificate) {
		nameIt(c, "a.skerry.dev")
		c.NotBefore, c.NotAfter = time.Now().Add(-19*time.Hour), time.Now().Add(5*time.Hour)
	}), root)
	w := acmeWorld(t, cert.ACME{Dir: dir})
	w.certificate("document", root.server(t, "b.skerry.dev"), root)
	w.hosts(nil, "a.skerry.dev", "b.skerry.dev")
	s := newSite(w)
	for _, ahead := range []time.Duration{0, 3 * time.Hour} {
		w.ahead.Store(int64(ahead))
		if _, _, err := s.dial(s.trusting("b.skerry.dev", root)); err != nil {
			t.Error(err)
		}
		told := 0
		for _, e := range w.meters.Events().Since(0) {
			if e.Kind == "certificate" && strings.Contains(e.Text, "a.skerry.dev") {
				told++
			}
		}
		if want := min(int(ahead), 1); told != want {
			t.Errorf("after %v it was told of %d times, want %d", ahead, told, want)
		}
	}
}
