package cert_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"

	"skerry.dev/skerry/cert"
)

// damage is done to one of the three files of a certificate.
type damage struct {
	what, file string
	do         func(path string) error
}

func damages(t *testing.T, root *made) []damage {
	text := func(text []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, text, 0o600) }
	}
	instead := func(make func(string) error) func(string) error {
		return func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return make(path)
		}
	}
	cut := func(path string) error { return os.Truncate(path, 200) }
	return []damage{
		{"a chain cut off", "crt", cut},
		{"a key cut off", "key", cut},
		{"an empty key", "key", text(nil)},
		{"another key", "key", text(keyPEM(t, root))},
		{"another's chain", "crt", text(certPEM(root.server(t, "other.skerry.dev"), root))},
		{"no JSON", "json", text([]byte("{\"ca\": \x00"))},
		{"JSON of other types", "json", text([]byte(`{"ca": 7, "ordered": []}`))},
		{"too much", "crt", text(bytes.Repeat([]byte("-"), 1<<20))},
		{"a directory", "key", instead(func(path string) error { return os.Mkdir(path, 0o700) })},
		{"a pipe", "crt", instead(func(path string) error { return syscall.Mkfifo(path, 0o600) })},
		{"a device", "json", instead(func(path string) error { return os.Symlink("/dev/zero", path) })},
		{"a circle", "crt", instead(func(path string) error { return os.Symlink(path, path) })},
	}
}

// TestDamagedStorage damages what a running edge has stored: it serves what it has, also when it cannot order anew. One that starts says
// what is broken, and the local CA stands in.
func TestDamagedStorage(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	all := damages(t, root)
	names := []string{"restored.skerry.dev"}
	for i := range all {
		names = append(names, fmt.Sprintf("n%d.skerry.dev", i))
	}
	for _, name := range names {
		stock(t, dir, name, root.server(t, name), root)
	}
	w := acmeWorld(t, cert.ACME{Dir: dir})
	w.keeper.AskBy(noCA)
	w.hosts(nil, names...)
	store := cert.NewStore(w.keeper)
	store.Use(w.table())
	for i, d := range all {
		if err := d.do(filepath.Join(dir, certmagic.StorageKeys.CertsPrefix(folder), names[i+1], names[i+1]+"."+d.file)); err != nil {
			t.Fatal(err)
		}
	}
	stock(t, dir, names[0], issue(t, root, nil, func(c *x509.Certificate) {
		nameIt(c, names[0])
		c.NotBefore, c.NotAfter = time.Now().AddDate(0, 0, -30), time.Now().AddDate(0, 0, 70) // from a backup
	}), root)
	w.ahead.Store(int64(62 * 24 * time.Hour))
	w.keeper.Start()
	failed := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed")
	for end := time.Now().Add(30 * time.Second); failed.Value() < uint64(len(names)); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d orders failed", failed.Value(), len(names))
		}
	}
	for i, name := range names {
		if got, _, _ := store.Table().Choose(name, netip.Addr{}); got != "acme/"+name {
			t.Errorf("%s: %s does not get what was there, but %q", name, names[i], got)
		}
	}
	if shown, _, _ := store.Table().Host(names[0]); shown[0].NotAfter.Before(time.Now().AddDate(0, 0, 80)) {
		t.Errorf("what was put back took the place of a newer one: %+v", shown)
	}

	for i, d := range all {
		name := names[i+1]
		next := acmeWorld(t, cert.ACME{Dir: dir})
		next.hosts(nil, name)
		if got, _, _ := next.table().Choose(name, netip.Addr{}); got != "local "+name {
			t.Errorf("%s: after a start there is %q", d.what, got)
		}
		told := 0
		for _, e := range next.meters.Events().Since(0) {
			if e.Kind == "certificate_unreadable" && strings.Contains(e.Text, name) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: it is told of %d times", d.what, told)
		}
	}
}

// TestUnkept issues what cannot be stored: it is in force in this process, is said, and is not ordered again.
func TestUnkept(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	at := filepath.Join(dir, certmagic.StorageKeys.CertsPrefix(folder), "a.skerry.dev", "a.skerry.dev.crt", "in the way")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ca := newStub(t, root)
		w := acmeWorld(t, cert.ACME{Dir: dir})
		w.keeper.AskBy(ca)
		defer w.keeper.Close()
		w.hosts(nil, "a.skerry.dev")
		table := w.table()
		cert.NewStore(w.keeper).Use(table)
		w.keeper.Start()
		pass(48 * time.Hour)
		var told []string
		for _, e := range w.meters.Events().Since(0) {
			if !strings.Contains(e.Text, "is the clock right?") { // the disk's is not the test's
				told = append(told, e.Kind)
			}
		}
		if got := fmt.Sprint(told); got != "[certificate_unreadable certificate_issued certificate_storage]" {
			t.Errorf("it is said: %s", got)
		}
		if got, _, _ := table.Choose("a.skerry.dev", netip.Addr{}); got != "acme/a.skerry.dev" {
			t.Errorf("there is %q", got)
		}
	})
}

// noCA answers like a server that is no CA.
var noCA = asked(func(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
})

// asked answers for a server by a function.
type asked func(r *http.Request) (*http.Response, error)

func (f asked) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestAsk has --acme-ask answer in every way: nothing but 200 is a yes, none of it costs more than its time, and errors are told of.
func TestAsk(t *testing.T) {
	root := newCA(t, nil, "root")
	answer := func(code int, body io.Reader) asked {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: code, Header: http.Header{"Location": {"http://10.0.0.1/yes"}}, Body: io.NopCloser(body)}, nil
		}
	}
	for what, c := range map[string]struct {
		answer   asked
		yes, say bool
	}{
		"yes":                   {answer(http.StatusOK, strings.NewReader("")), true, false},
		"yes, without an end":   {answer(http.StatusOK, endless{}), true, false},
		"no":                    {answer(http.StatusNotFound, strings.NewReader("")), false, false},
		"another yes":           {answer(http.StatusNoContent, strings.NewReader("")), false, false},
		"elsewhere":             {answer(http.StatusFound, strings.NewReader("")), false, false},
		"elsewhere, by another": {answer(http.StatusPermanentRedirect, strings.NewReader("")), false, false},
		"an error": {func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("\x1b[31m%s", strings.Repeat("x", 5000))
		}, false, true},
		"nothing": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := acmeWorld(t, cert.ACME{Dir: t.TempDir(), Ask: "http://10.0.0.1/may?who=edge"})
			w.keeper.AskBy(newStub(t, root))
			var uris []string
			w.keeper.PermitBy(asked(func(r *http.Request) (*http.Response, error) {
				uris = append(uris, r.URL.RequestURI())
				return c.answer(r)
			}))
			defer w.keeper.Close()
			w.hosts(nil, "*.skerry.dev")
			cert.NewStore(w.keeper).Use(w.table())
			begun := time.Now()
			if got := w.keeper.Demand(context.Background(), "a.skerry.dev"); got != c.yes {
				t.Errorf("%s: there is a certificate: %v", what, got)
			}
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("%s: it took %v", what, took)
			}
			said := ""
			for _, e := range w.meters.Events().Since(0) {
				if e.Kind == "certificate_ask" {
					said += e.Text
				}
			}
			if (said != "") != c.say || len(said) > 1100 || strings.Contains(said, "\x1b") {
				t.Errorf("%s: it is said %q", what, said)
			}
			if got := fmt.Sprint(uris); got != "[/may?who=edge&domain=a.skerry.dev]" {
				t.Errorf("%s: it was asked %s", what, got)
			}
		})
	}
}

// TestDemandsAfterStart has the clients of many names come at once when an edge starts that has their certificates: none is refused because
// --acme-ask has much to do. While it cannot be asked, what is there serves all the same, and what is not is refused.
func TestDemandsAfterStart(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		for i := range 30 {
			hosts = append(hosts, fmt.Sprintf("n%d.skerry.dev", i))
			stock(t, dir, hosts[i], root.server(t, hosts[i]), root)
		}
		w := acmeWorld(t, cert.ACME{Dir: dir, Ask: "http://10.0.0.1/may"})
		var away atomic.Bool
		w.keeper.PermitBy(asked(func(r *http.Request) (*http.Response, error) {
			if away.Load() {
				return nil, errors.New("nobody is there")
			}
			time.Sleep(100 * time.Millisecond)
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		}))
		defer w.keeper.Close()
		w.hosts(nil, "*.skerry.dev")
		cert.NewStore(w.keeper).Use(w.table())
		var all sync.WaitGroup
		for _, host := range hosts[:25] {
			all.Go(func() {
				if !w.keeper.Demand(context.Background(), host) {
					t.Errorf("%s is refused", host)
				}
			})
		}
		all.Wait()
		away.Store(true)
		if !w.keeper.Demand(context.Background(), hosts[25]) || w.keeper.Demand(context.Background(), "made-up.skerry.dev") {
			t.Error("while nobody can be asked what is there is refused, or what is not is taken")
		}
	})
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
