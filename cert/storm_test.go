package cert_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"

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
		pass(cert.RenewalInfoEvery)
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
		pass(6 * time.Minute)
		if got, _, _ := table.Choose("a.skerry.dev", netip.Addr{}); got != "acme/a.skerry.dev" {
			t.Errorf("there is %q; events: %v", got, w.meters.Events().Since(0))
		}
		if n := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value(); n != 0 {
			t.Errorf("%d orders failed", n)
		}
	})
}

// TestOrderedAhead has a certificate of the second CA that was ordered while the clock was months ahead, and is due: it is ordered anew once,
// from the first one, and not at each look until that time has come.
func TestOrderedAhead(t *testing.T) {
	const first = "https://127.0.0.1:2/dir"
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		stock(t, dir, "a.skerry.dev", issue(t, root, nil, func(c *x509.Certificate) {
			nameIt(c, "a.skerry.dev")
			c.NotBefore, c.NotAfter = time.Now().AddDate(0, 0, -65), time.Now().AddDate(0, 0, 25)
		}), root)
		put(t, dir, certmagic.StorageKeys.SiteMeta(folder, "a.skerry.dev"), fmt.Appendf(nil, `{"ca":%q,"ordered":%q}`, nowhere, time.Now().AddDate(0, 0, 20).Format(time.RFC3339)))
		ca := newStub(t, root)
		ca.at = strings.TrimSuffix(first, "/dir")
		w := acmeWorld(t, cert.ACME{Dir: dir, CAs: []string{first, nowhere}})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, "a.skerry.dev")
		cert.NewStore(w.keeper).Use(w.table())
		w.keeper.Start()
		pass(5 * 24 * time.Hour)
		if n := ca.asked(); n != 1 {
			t.Errorf("%d orders in five days, want 1", n)
		}
	})
}

// TestReloadPastMany has a slow CA and many names to order when a reload adds one and gives most others up: what came last is first, and
// what was given up is not ordered any more.
func TestReloadPastMany(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ca := newStub(t, root)
		w := acmeWorld(t, cert.ACME{Dir: dir})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		store := cert.NewStore(w.keeper)
		reload := func(hosts ...string) {
			w.spec.Entrypoints = nil
			w.hosts(nil, hosts...)
			store.Use(w.table())
			time.Sleep(20 * time.Second)
		}
		reload("x.skerry.dev") // it fails, but there is an account then
		w.keeper.Start()
		time.Sleep(20 * time.Second)
		var hosts []string
		for i := range 50 {
			hosts = append(hosts, fmt.Sprintf("n%02d.skerry.dev", i))
		}
		ca.set(func() { ca.mute = true })
		reload(hosts...)
		ca.set(func() { ca.mute = false })
		before := ca.asked()
		reload("a.skerry.dev", "n00.skerry.dev")
		if got, _, _ := store.Table().Choose("a.skerry.dev", netip.Addr{}); got != "acme/a.skerry.dev" {
			t.Errorf("there is %q", got)
		}
		if n := ca.asked() - before; n > 2+8 {
			t.Errorf("the CA was asked for %d orders, want two, and those that were under way", n)
		}
		for _, e := range w.meters.Events().Since(0) {
			for _, name := range hosts[1:42] {
				if strings.Contains(e.Text, name) {
					t.Errorf("%s was tried before what came later: %s", name, e.Text)
				}
			}
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
		pass(10 * time.Minute)
		if n := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value(); n != 1 { // to leave it alone is no failure
			t.Fatalf("%d orders failed", n)
		}
		ca.set(func() { ca.noAccount = false })
		pass(3 * time.Hour) // the CA is left alone for half an hour, and each failure doubles the wait
		if got, _, _ := table.Choose("a.skerry.dev", netip.Addr{}); got != "acme/a.skerry.dev" {
			t.Errorf("there is %q; events: %v", got, w.meters.Events().Since(0))
		}
	})
}

// TestDemandsHeldBack has clients use up what the CA allows: the names that they made up are refused then, and what the spec has is ordered
// all the same. Where the CA refuses that, clients' names are not asked for either.
func TestDemandsHeldBack(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ca := newStub(t, root)
		ca.tooMany = true
		w := acmeWorld(t, cert.ACME{Dir: dir, Allow: []string{"*.skerry.dev"}})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, "*.skerry.dev", "a.skerry.dev")
		table := w.table()
		cert.NewStore(w.keeper).Use(table)
		demand := func(name string, orders int) {
			t.Helper()
			w.keeper.Demand(context.Background(), name)
			synctest.Wait()
			if n := ca.asked(); n != orders {
				t.Errorf("with %s the CA was asked for %d orders, want %d", name, n, orders)
			}
		}
		demand("x.skerry.dev", 1)
		demand("y.skerry.dev", 1)
		w.keeper.Start()
		pass(time.Second)
		if n := ca.asked(); n != 2 {
			t.Errorf("for the spec's host the CA was asked for %d orders, want one more than 1", n)
		}
		demand("z.skerry.dev", 2)
		ca.set(func() { ca.tooMany = false })
		pass(2 * time.Hour)
		if got, _, _ := table.Choose("a.skerry.dev", netip.Addr{}); got != "acme/a.skerry.dev" {
			t.Errorf("there is %q", got)
		}
	})
}

// TestDemandThroughReload has a reload come while a client's name is ordered: it is renewed like others.
func TestDemandThroughReload(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ca := newStub(t, root)
		ca.stuck = true
		w := acmeWorld(t, cert.ACME{Dir: dir, Allow: []string{"a.skerry.dev"}})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, "*.skerry.dev")
		store := cert.NewStore(w.keeper)
		store.Use(w.table())
		w.keeper.Start()
		var ordered sync.WaitGroup
		ordered.Go(func() { w.keeper.Demand(context.Background(), "a.skerry.dev") })
		time.Sleep(time.Second)
		store.Use(w.table())
		ca.set(func() { ca.stuck = false })
		ordered.Wait()
		pass(time.Minute)
		if !w.keeper.Demand(context.Background(), "a.skerry.dev") || w.keeper.Names() != 1 {
			t.Errorf("%d names are looked after, want 1", w.keeper.Names())
		}
		pass(65 * 24 * time.Hour)
		if n := w.meters.Counter("skerry_acme_orders_total", "", "result", "renewed").Value(); n != 1 {
			t.Errorf("it was renewed %d times, want once", n)
		}
	})
}

// TestFailedDemands asks for a name again and again whose orders fail: no more often than public CAs take failures.
func TestFailedDemands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := acmeWorld(t, cert.ACME{Dir: t.TempDir(), Allow: []string{"a.skerry.dev"}})
		asks := 0
		w.keeper.AskBy(asked(func(*http.Request) (*http.Response, error) { asks++; return nil, errors.New("nobody is there") }))
		defer w.keeper.Close()
		w.hosts(nil, "*.skerry.dev")
		cert.NewStore(w.keeper).Use(w.table())
		for begun := time.Now(); time.Since(begun) < time.Hour; time.Sleep(10 * time.Second) {
			w.keeper.Demand(context.Background(), "a.skerry.dev")
		}
		if n := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value(); n != 4 {
			t.Errorf("%d orders in an hour, want 4", n)
		}
	})
}

// TestFailedLeavesNothing: a name that clients made up leaves nothing in the storage when its order has failed, and what is there of a
// name whose renewal fails stays whole.
func TestFailedLeavesNothing(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	ended := issue(t, root, nil, func(c *x509.Certificate) {
		nameIt(c, "old.skerry.dev")
		c.NotBefore, c.NotAfter = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2000, 1, 15, 0, 0, 0, 0, time.UTC)
	})
	synctest.Test(t, func(t *testing.T) {
		stock(t, dir, "old.skerry.dev", ended, root)
		ca := newStub(t, root)
		ca.tooMany = true
		w := acmeWorld(t, cert.ACME{Dir: dir, Allow: []string{"*.skerry.dev"}})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, "*.skerry.dev", "old.skerry.dev")
		cert.NewStore(w.keeper).Use(w.table())
		w.keeper.Demand(context.Background(), "x.skerry.dev")
		w.keeper.Start()
		pass(2 * time.Hour)
		if n := ca.asked(); n < 2 {
			t.Errorf("the CA was asked for %d orders", n)
		}
		at := filepath.Join(dir, certmagic.StorageKeys.CertsPrefix(folder))
		if got := entries(t, at) + entries(t, filepath.Join(at, "old.skerry.dev")); got != "[old.skerry.dev][old.skerry.dev.crt old.skerry.dev.json old.skerry.dev.key]" {
			t.Errorf("there is %s", got)
		}
	})
}

// TestTidy removes what ended long ago and is nobody's any more. What is served stays in the storage.
func TestTidy(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	for _, name := range []string{"a.skerry.dev", "gone.skerry.dev", "late.skerry.dev"} {
		stock(t, dir, name, issue(t, root, nil, func(c *x509.Certificate) {
			nameIt(c, name)
			c.NotBefore, c.NotAfter = time.Now().AddDate(0, 0, -121), time.Now().AddDate(0, 0, -31)
			if name == "late.skerry.dev" { // another edge's, which may renew it yet
				c.NotAfter = time.Now().AddDate(0, 0, -29)
			}
		}), root)
	}
	w := acmeWorld(t, cert.ACME{Dir: dir})
	w.keeper.AskBy(noCA)
	w.hosts(nil, "a.skerry.dev")
	cert.NewStore(w.keeper).Use(w.table())
	w.keeper.Start()
	at := filepath.Join(dir, certmagic.StorageKeys.CertsPrefix(folder))
	got := ""
	for end := time.Now().Add(30 * time.Second); got != "[a.skerry.dev late.skerry.dev]" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		got = entries(t, at)
	}
	w.keeper.Close()
	if got += entries(t, filepath.Join(at, "a.skerry.dev")); got != "[a.skerry.dev late.skerry.dev][a.skerry.dev.crt a.skerry.dev.json a.skerry.dev.key]" {
		t.Errorf("there is %s", got)
	}
}

// TestTidyPastAPipe has a pipe in the place of a chain: nobody waits for who writes into it, not Close either.
func TestTidyPastAPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, certmagic.StorageKeys.SiteCert(folder, "other.skerry.dev"))
	if err := errors.Join(os.MkdirAll(filepath.Dir(pipe), 0o700), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	w := acmeWorld(t, cert.ACME{Dir: dir})
	t.Cleanup(func() { // before Close, which would wait for ever
		if f, err := os.OpenFile(pipe, os.O_RDWR, 0); err == nil {
			f.Close()
		}
	})
	cert.NewStore(w.keeper).Use(w.table())
	w.keeper.Start()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "last_clean.json")); err == nil { // CertMagic is done
			return
		}
		if time.Now().After(end) {
			t.Fatal("it is still read")
		}
	}
}

// TestTidyByAWrongClock has a clock that is decades ahead of that of the storage's disk, and no host of its own: what others have there
// stays, and it is told of.
func TestTidyByAWrongClock(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	stock(t, dir, "other.skerry.dev", root.server(t, "other.skerry.dev"), root)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(80 * 365 * 24 * time.Hour) // from the year 2000
		w := acmeWorld(t, cert.ACME{Dir: dir})
		w.keeper.AskBy(noCA)
		defer w.keeper.Close()
		cert.NewStore(w.keeper).Use(w.table())
		w.keeper.Start()
		pass(time.Minute)
		if got := entries(t, filepath.Join(dir, certmagic.StorageKeys.CertsPrefix(folder))); got != "[other.skerry.dev]" {
			t.Errorf("there is %s", got)
		}
		events := w.meters.Events().Since(0)
		if len(events) != 1 || !strings.Contains(events[0].Text, "is the clock right?") {
			t.Errorf("it is told: %v", events)
		}
	})
}

// entries are the names in a directory.
func entries(t *testing.T, dir string) string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return fmt.Sprint(names)
}

// TestQuietFloods has clients make up names while --acme-ask cannot be asked, and a storage that is damaged altogether: neither pushes all
// else out of the events.
func TestQuietFloods(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		for i := range 50 {
			hosts = append(hosts, fmt.Sprintf("h%d.skerry.dev", i))
			put(t, dir, certmagic.StorageKeys.SiteCert(folder, hosts[i]), []byte("no certificate"))
			put(t, dir, certmagic.StorageKeys.SitePrivateKey(folder, hosts[i]), []byte("no key"))
			put(t, dir, certmagic.StorageKeys.SiteMeta(folder, hosts[i]), []byte("{}"))
		}
		w := acmeWorld(t, cert.ACME{Dir: dir, Ask: "http://10.0.0.1/may"})
		w.keeper.PermitBy(asked(func(*http.Request) (*http.Response, error) { return nil, errors.New("nobody is there") }))
		defer w.keeper.Close()
		w.hosts(nil, append(hosts, "*.skerry.dev")...)
		cert.NewStore(w.keeper).Use(w.table())
		for i := range 500 {
			w.keeper.Demand(context.Background(), fmt.Sprintf("n%d.skerry.dev", i))
			time.Sleep(time.Second)
		}
		told := map[string]int{}
		for _, e := range w.meters.Events().Since(0) {
			told[e.Kind]++
		}
		if told["certificate_unreadable"] != 11 || told["certificate_ask"] != 9 {
			t.Errorf("told: %v, want 11 of damage, and one a minute of --acme-ask", told)
		}
	})
}
