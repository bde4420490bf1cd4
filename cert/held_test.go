package cert_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cert"
)

// many are names of two domains.
func many(n int) (hosts []string) {
	for i := range n {
		hosts = append(hosts, fmt.Sprintf("n%d.%s", i, [2]string{"skerry.dev", "skerry-tests.net"}[i%2]))
	}
	return hosts
}

// issued is how many names have a certificate by ACME.
func issued(table *cert.Table, hosts []string) (n int) {
	for _, host := range hosts {
		if got, _, _ := table.Choose(host, netip.Addr{}); got == "acme/"+host {
			n++
		}
	}
	return n
}

// TestOneAlwaysFails has a name among many that the CA says it has had too many orders of, as one does whose checks failed too often: the
// others do not wait for it. When another one of its domain meets the same, the domain waits, and the rest does not.
func TestOneAlwaysFails(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		hosts := append(many(40), "bad.skerry.dev") // the last is tried first
		ca := newStub(t, root)
		ca.refuses = func(name string) bool { return name == "bad.skerry.dev" }
		w := acmeWorld(t, cert.ACME{Dir: dir})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, hosts...)
		store := cert.NewStore(w.keeper)
		store.Use(w.table())
		w.keeper.Start()
		pass(5 * time.Minute)
		if n := issued(store.Table(), hosts); n != 40 {
			t.Errorf("beside one that fails %d of 40 have a certificate", n)
		}
		if n := ca.asked(); n != 41 {
			t.Errorf("%d orders, want one of each name", n)
		}
		ca.set(func() { ca.refuses = func(name string) bool { return strings.HasSuffix(name, ".skerry.dev") } })
		more := []string{"x0.skerry-tests.net", "x1.skerry-tests.net"}
		for i := range 50 {
			more = append(more, fmt.Sprintf("y%d.skerry.dev", i))
		}
		w.hosts(nil, more...)
		store.Use(w.table())
		pass(5 * time.Minute)
		if n := issued(store.Table(), more); n != 2 {
			t.Errorf("beside a domain that fails %d of 2 have a certificate", n)
		}
		if n := ca.asked(); n > 41+2+10 {
			t.Errorf("%d orders of a domain that the CA takes none of", n-43)
		}
	})
}

// TestTooManyOrders has a CA that takes some orders in a quarter of an hour, as public ones do, and many names: each has its certificate
// when the CA allows it, and the CA is not asked for each of them again and again meanwhile.
func TestTooManyOrders(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const allowed, names = 20, 120
		hosts := many(names)
		ca := newStub(t, root)
		var took, refused int
		window := time.Now()
		ca.retryAfter, ca.refuses = "300", func(string) bool {
			if time.Since(window) >= 15*time.Minute {
				took, window = 0, time.Now()
			}
			if took++; took > allowed {
				refused++
			}
			return took > allowed
		}
		w := acmeWorld(t, cert.ACME{Dir: dir})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, hosts...)
		table := w.table()
		cert.NewStore(w.keeper).Use(table)
		w.keeper.Start()
		pass(names / allowed * 20 * time.Minute)
		if n := issued(table, hosts); n != names {
			t.Errorf("%d of %d have a certificate", n, names)
		}
		failed := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value()
		ca.set(func() {
			if refused > names/allowed*12 || uint64(refused) != failed {
				t.Errorf("%d orders were refused, and %d names failed", refused, failed)
			}
		})
	})
}

// TestAwayCA has a CA that does not answer, with many names: they are ordered from the next one all the same. With no other, few of them are
// tried, and all are ordered as soon as it is back.
func TestAwayCA(t *testing.T) {
	const second = "https://127.0.0.1:2/dir"
	root := newCA(t, nil, "root")
	for _, next := range []bool{true, false} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			hosts := many(200)
			var away atomic.Bool
			first, well := newStub(t, root), newStub(t, root)
			well.at = strings.TrimSuffix(second, "/dir")
			opt := cert.ACME{Dir: dir, CAs: []string{nowhere, second}}
			if !next {
				opt.CAs = opt.CAs[:1]
			}
			w := acmeWorld(t, opt)
			w.keeper.AskBy(asked(func(r *http.Request) (*http.Response, error) {
				switch {
				case r.URL.Port() == "2":
					return well.RoundTrip(r)
				case away.Load():
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				return first.RoundTrip(r)
			}))
			defer w.keeper.Close()
			w.hosts(nil, "a.skerry.dev")
			store := cert.NewStore(w.keeper)
			store.Use(w.table())
			w.keeper.Start()
			time.Sleep(time.Minute) // there is an account then
			away.Store(true)
			w.hosts(nil, hosts...)
			table := w.table()
			store.Use(table)
			pass(30 * time.Minute)
			if n := issued(table, hosts); next && n != len(hosts) {
				t.Errorf("with another CA %d of %d have a certificate", n, len(hosts))
			}
			failed := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value()
			if next && failed > 0 || failed > 50 {
				t.Errorf("%d names failed; another CA: %v", failed, next)
			}
			away.Store(false)
			pass(17 * time.Minute)
			if n := issued(table, hosts); n < len(hosts)-int(failed) {
				t.Errorf("%d of %d have a certificate, %d had failed", n, len(hosts), failed)
			}
		})
	}
}
