package cert_test

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cert"
)

// TestFormerCA starts with another CA than the one that issued what is there: that is in force until it is due, and then the new one is
// asked. What had ended by then is ordered at once.
func TestFormerCA(t *testing.T) {
	const other = "https://127.0.0.1:2/dir"
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		for name, left := range map[string]int{"a.skerry.dev": 8, "b.skerry.dev": -1} {
			stock(t, dir, name, issue(t, root, nil, func(c *x509.Certificate) {
				nameIt(c, name)
				c.NotBefore, c.NotAfter = time.Now().AddDate(0, 0, left-9), time.Now().AddDate(0, 0, left)
			}), root)
		}
		ca := newStub(t, root)
		ca.at = strings.TrimSuffix(other, "/dir")
		w := acmeWorld(t, cert.ACME{Dir: dir, CAs: []string{other}})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, "a.skerry.dev", "b.skerry.dev")
		table := w.table()
		cert.NewStore(w.keeper).Use(table)
		if got, _, _ := table.Choose("a.skerry.dev", netip.Addr{}); got != "acme/a.skerry.dev" {
			t.Errorf("after the CA was changed there is %q", got)
		}
		w.keeper.Start()
		after := func(days int, a, b bool) {
			t.Helper()
			time.Sleep(time.Duration(days) * 24 * time.Hour)
			for name, want := range map[string]bool{"a.skerry.dev": a, "b.skerry.dev": b} {
				issued, _ := w.keeper.Stored(name)
				if got := time.Since(issued.Leaf.NotBefore) < 2*24*time.Hour; got != want {
					t.Errorf("%s: renewed in these days: %v, want %v", name, got, want)
				}
			}
		}
		after(1, false, true)
		after(3, false, false)
		after(2, true, false)
		if got := fmt.Sprint(ca.asked(), w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value()); got != "2 0" {
			t.Errorf("orders, and failures: %s", got)
		}
	})
}
