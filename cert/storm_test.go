package cert_test

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cert"
)

// TestLooksSpread starts with certificates of many names: their CA is not asked about all of them at once, but about each once within the
// time between two looks.
func TestLooksSpread(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const names = 60
		var hosts []string
		for i := range names {
			hosts = append(hosts, fmt.Sprintf("n%d.skerry.dev", i))
			stock(t, dir, hosts[i], issue(t, root, nil, func(c *x509.Certificate) {
				nameIt(c, hosts[i])
				c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().AddDate(0, 0, 90)
			}), root)
		}
		ca := newStub(t, root)
		w := acmeWorld(t, cert.ACME{Dir: dir})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, hosts...)
		cert.NewStore(w.keeper).Use(w.table())
		begun := time.Now()
		w.keeper.Start()
		var hours [6]int
		time.Sleep(cert.RenewalInfoEvery)
		ca.set(func() {
			for _, at := range ca.looks {
				hours[min(int(at.Sub(begun)/time.Hour), 5)]++
			}
		})
		total := 0
		for hour, n := range hours {
			if total += n; n == 0 || n > names/2 {
				t.Errorf("within hour %d the CA was asked about %d of %d: %v", hour+1, n, names, hours)
			}
		}
		if total < names-2 || total > names { // the last are looked at in the last minute
			t.Errorf("the CA was asked %d times, want about %d", total, names)
		}
	})
}

// TestNextCA has a first CA that begins on orders and has none of them done: the second one is asked in time.
func TestNextCA(t *testing.T) {
	const second = "https://127.0.0.1:2/dir"
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		slow, well := newStub(t, root), newStub(t, root)
		slow.stuck, well.at = true, strings.TrimSuffix(second, "/dir")
		w := acmeWorld(t, cert.ACME{Dir: dir, CAs: []string{nowhere, second}})
		w.keeper.AskBy(asked(func(r *http.Request) (*http.Response, error) {
			if r.URL.Port() == "2" {
				return well.RoundTrip(r)
			}
			return slow.RoundTrip(r)
		}))
		defer w.keeper.Close()
		w.hosts(nil, "a.skerry.dev")
		table := w.table()
		cert.NewStore(w.keeper).Use(table)
		w.keeper.Start()
		time.Sleep(6 * time.Minute)
		if got, _, _ := table.Choose("a.skerry.dev", netip.Addr{}); got != "acme/a.skerry.dev" {
			t.Errorf("there is %q; events: %v", got, w.meters.Events().Since(0))
		}
		if n := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value(); n != 0 {
			t.Errorf("%d orders failed", n)
		}
	})
}

// TestTooManyAccounts has a CA that makes no account for now, as one does for an address that has made many: it is left alone for as long
// as it says, nothing stands still for ever, and in the end there is a certificate.
func TestTooManyAccounts(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ca := newStub(t, root)
		ca.noAccount = true
		w := acmeWorld(t, cert.ACME{Dir: dir})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, "a.skerry.dev")
		table := w.table()
		cert.NewStore(w.keeper).Use(table)
		w.keeper.Start()
		time.Sleep(10 * time.Minute)
		if n := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value(); n < 2 { // the first one, and those that left it alone
			t.Fatalf("%d orders failed", n)
		}
		ca.set(func() { ca.noAccount = false })
		time.Sleep(3 * time.Hour) // the CA is left alone for half an hour, and each failure doubles the wait
		if got, _, _ := table.Choose("a.skerry.dev", netip.Addr{}); got != "acme/a.skerry.dev" {
			t.Errorf("there is %q; events: %v", got, w.meters.Events().Since(0))
		}
	})
}
