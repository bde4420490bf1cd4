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

// TestFormerCA starts with another CA than the one that issued what is there: that serves until its successor is there, which is ordered
// at once.
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
		pass(24 * time.Hour)
		for _, name := range []string{"a.skerry.dev", "b.skerry.dev"} {
			if issued, _ := w.keeper.Stored(name); time.Since(issued.Leaf.NotBefore) > 2*24*time.Hour {
				t.Errorf("%s: what is there begins at %v", name, issued.Leaf.NotBefore)
			}
		}
		asked := func(want string) {
			t.Helper()
			if got := fmt.Sprint(ca.asked(), w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value()); got != want {
				t.Errorf("orders, and failures: %s, want %s", got, want)
			}
		}
		asked("2 0")
		// One that asks the former CA shares the storage: each goes by its own.
		late := newStub(t, root)
		v := acmeWorld(t, cert.ACME{Dir: dir})
		v.keeper.AskBy(late)
		defer v.keeper.Close()
		v.hosts(nil, "a.skerry.dev", "b.skerry.dev")
		cert.NewStore(v.keeper).Use(v.table())
		v.keeper.Start()
		pass(24 * time.Hour)
		asked("2 0")
		if n := late.asked(); n != 1 { // for b: that of a is in force
			t.Errorf("the former CA was asked %d times", n)
		}
	})
}
