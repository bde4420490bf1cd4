package cert_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

const nowhere = "https://127.0.0.1:1/dir" // a CA that refuses connections

const folder = "127.0.0.1:1-dir" // that CA's in the storage

// pass lets a time of the bubble pass, with all that begins at its very end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// acmeWorld is a world whose keeper orders from nowhere.
func acmeWorld(t testing.TB, a cert.ACME) *world {
	w := &world{t: t, dir: t.TempDir(), meters: meter.NewSet()}
	if a.Email = "edge@example.com"; a.CAs == nil {
		a.CAs = []string{nowhere}
	}
	a.HTTP, a.TLS = true, true
	if a.Dir == "" {
		a.Dir = t.TempDir()
	}
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.keeper, err = cert.NewKeeper(cert.Options{Secrets: spec.Secrets{Dir: w.dir}, Meters: w.meters, Now: w.now, ACME: &a}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.keeper.Close)
	return w
}

// stock puts a certificate into a storage, as if it had been ordered by now.
func stock(t testing.TB, dir, name string, leaf *made, behind ...*made) {
	t.Helper()
	meta, err := json.Marshal(map[string]any{"ca": nowhere, "ordered": time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	keys, files := certmagic.StorageKeys, certmagic.FileStorage{Path: dir}
	for key, data := range map[string][]byte{keys.SiteCert(folder, name): certPEM(append([]*made{leaf}, behind...)...),
		keys.SitePrivateKey(folder, name): keyPEM(t, leaf), keys.SiteMeta(folder, name): meta} {
		if err := files.Store(t.Context(), key, data); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPublic(t *testing.T) {
	for host, want := range map[string]bool{
		"www.skerry.dev": true, "*.skerry.dev": true, "skerry.dev": true, "a.b.co.uk": true,
		"localhost": false, "x.localhost": false, "x.local": false, "x.internal": false, "x.test": false, "x.example": false, "x.invalid": false,
		"10.0.0.1": false, "[2001:db8::1]": false, "edge": false, "*.dev": false, "a_b.skerry.dev": false, "": false, "1.2.3": false, "x.home.arpa": false,
	} {
		if got := cert.Public(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

func TestACMECheck(t *testing.T) {
	f := func(want string, a cert.ACME) {
		t.Helper()
		err := a.Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", a, err, want)
		}
	}
	const mail = "edge@example.com"
	f("", cert.ACME{Email: mail, CAs: []string{nowhere}, Allow: []string{"a.skerry.dev", "*.skerry.dev"}, Ask: "http://10.0.0.1/may"})
	f("--acme-email", cert.ACME{Email: "edge"})
	f("--acme-email", cert.ACME{Email: "a@b, c@d"})
	f("--acme-ca", cert.ACME{Email: mail, CAs: []string{"http://ca.example/dir"}})
	f("twice", cert.ACME{Email: mail, CAs: []string{nowhere, nowhere}})
	f("at most", cert.ACME{Email: mail, CAs: make([]string, 6)})
	f("", cert.ACME{Email: mail, Bindings: map[string]cert.Binding{cert.LetsEncrypt: {}}})
	f("--acme-eab", cert.ACME{Email: mail, CAs: []string{nowhere}, Bindings: map[string]cert.Binding{cert.LetsEncrypt: {}}})
	f("", cert.ACME{Email: mail, Profiles: map[string]string{cert.LetsEncrypt: "shortlived"}})
	f("--acme-profile is for", cert.ACME{Email: mail, CAs: []string{nowhere}, Profiles: map[string]string{cert.LetsEncrypt: "shortlived"}})
	f("1 to 64 printable", cert.ACME{Email: mail, Profiles: map[string]string{cert.LetsEncrypt: "short lived"}})
	f("1 to 64 printable", cert.ACME{Email: mail, Profiles: map[string]string{cert.LetsEncrypt: strings.Repeat("x", 65)}})
	f("--acme-allow", cert.ACME{Email: mail, Allow: []string{"*"}})
	f("--acme-allow", cert.ACME{Email: mail, Allow: []string{"A.skerry.dev"}})
	f("--acme-allow", cert.ACME{Email: mail, Allow: []string{"x.internal"}})
	f("--acme-ask", cert.ACME{Email: mail, Ask: "ftp://x/"})
}

func TestNewUpdates(t *testing.T) {
	const secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQ="
	f := func(server, key, want string) {
		t.Helper()
		_, err := cert.NewUpdates(server, []byte(key))
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q %q: %v, want %q", server, key, err, want)
		case err != nil && strings.Contains(err.Error(), secret):
			t.Errorf("the error holds the secret: %v", err)
		}
	}
	f("10.0.0.2", "edge:"+secret+"\n", "")
	f("[::1]:5353", "hmac-sha512:edge.:"+secret, "")
	f("dns.example", "edge:"+secret, "--acme-dns ")
	f("10.0.0.2:0", "edge:"+secret, "--acme-dns ")
	f("10.0.0.2", secret, "--acme-dns-key")
	f("10.0.0.2", "hmac-md5:edge:"+secret, "another algorithm")
	f("10.0.0.2", ":"+secret, "without a name")
	f("10.0.0.2", "edge:c2hvcnQ=", "at least 16 bytes")
}

func TestParseBinding(t *testing.T) {
	const key = "c2VjcmV0IHNlY3JldCBzZWNyZXQ"
	f := func(text, want string) {
		t.Helper()
		_, err := cert.ParseBinding([]byte(text))
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", text, err, want)
		case err != nil && strings.Contains(err.Error(), key):
			t.Errorf("the error holds the key: %v", err)
		}
	}
	f("kid:"+key+"\n", "")
	f("urn:of:many:parts:"+key+"=", "")
	f("kid:-_-_-_-_-_-_-_-_-_-_-_-_", "")
	f(key, "KEYID:KEY")
	f(":"+key, "KEYID is not")
	f("k d:"+key, "KEYID is not")
	f("ké:"+key, "KEYID is not")
	f(strings.Repeat("k", 513)+":"+key, "1 to 512")
	f("kid:c2hvcnQ", "at least 16 bytes")
	f("kid:"+key+"+/", "base64url")
}

func TestBackoff(t *testing.T) {
	last := time.Duration(0)
	for n := 1; n < 100; n++ {
		d := cert.Backoff(n)
		if d < last || d < time.Minute || d > cert.RetryMax {
			t.Fatalf("failure %d: %v after %v", n, d, last)
		}
		last = d
	}
	if last != cert.RetryMax {
		t.Errorf("in the end %v, want %v", last, cert.RetryMax)
	}
}

// TestStoredByACME serves what the storage has: without an allocation, behind documents, in the place of the local CA, which stands in
// for what is not there or cannot be used.
func TestStoredByACME(t *testing.T) {
	root := newCA(t, nil, "root")
	dir := t.TempDir()
	stock(t, dir, "a.skerry.dev", root.server(t, "a.skerry.dev"), root)
	stock(t, dir, "wrong.skerry.dev", root.server(t, "other.skerry.dev"), root)
	w := acmeWorld(t, cert.ACME{Dir: dir})
	w.certificate("document", root.server(t, "doc.skerry.dev"), root)
	w.hosts(nil, "a.skerry.dev", "b.skerry.dev", "wrong.skerry.dev", "doc.skerry.dev", "x.internal", "*.skerry.dev")
	table := w.table()
	for sni, want := range map[string]string{
		"a.skerry.dev": "acme/a.skerry.dev", "b.skerry.dev": "local b.skerry.dev", "wrong.skerry.dev": "local wrong.skerry.dev",
		"doc.skerry.dev": "document", "x.internal": "local x.internal", "y.skerry.dev": "local *.skerry.dev",
	} {
		if got, _, ok := table.Choose(sni, netip.Addr{}); !ok || got != want {
			t.Errorf("%s gets %q, want %q", sni, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { table.ChooseOnly("a.skerry.dev", netip.Addr{}) }); n != 0 {
		t.Errorf("choosing allocates %v times", n)
	}
	if got := fmt.Sprint(table.AllOrdered(), table.Local()); got != "[a.skerry.dev b.skerry.dev wrong.skerry.dev] [x.internal *.skerry.dev]" {
		t.Errorf("ordered and local: %s", got)
	}
	cert.NewStore(w.keeper).Use(table)
	if w.meters.Gauge("skerry_certificate_expiry_timestamp_seconds", "", "certificate", "acme/a.skerry.dev").Value() == 0 {
		t.Error("the gauge does not say when the certificate ends")
	}
	var unreadable int
	for _, e := range w.meters.Events().Since(0) {
		if e.Kind == "certificate_unreadable" && strings.Contains(e.Text, "wrong.skerry.dev") {
			unreadable++
		}
	}
	if unreadable != 1 {
		t.Errorf("%d events of the certificate for another name", unreadable)
	}
	if got := table.Warnings(time.Now().Add(80 * 24 * time.Hour)); !slices.ContainsFunc(got, func(p fault.Problem) bool {
		return strings.HasPrefix(p.String(), "edge.yaml:101:1: certificate for a.skerry.dev by ACME ends on")
	}) {
		t.Errorf("no warning before the end: %v", got)
	}
}

// TestDocumentsBelowOrdered: below a wildcard that is ordered, a name with documents gets these, by kind of key, and every other name the one
// that was ordered, whatever keys the documents have.
func TestDocumentsBelowOrdered(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	stock(t, dir, "*.skerry.dev", root.server(t, "*.skerry.dev"), root)
	updates, err := cert.NewUpdates("127.0.0.1:1", []byte("key:c2VjcmV0c2VjcmV0c2VjcmV0"))
	if err != nil {
		t.Fatal(err)
	}
	w := acmeWorld(t, cert.ACME{Dir: dir, DNS: updates})
	w.certificate("a-ecdsa", root.server(t, "x.skerry.dev"), root)
	w.certificate("b-rsa", issue(t, root, rsaKey(t, 2048), func(c *x509.Certificate) { nameIt(c, "x.skerry.dev") }), root)
	w.hosts(nil, "*.skerry.dev")
	s := newSite(w)
	for host, want := range map[string]struct{ ordered, shown string }{
		"x.skerry.dev": {"", "[a-ecdsa:ECDSA b-rsa:RSA]"},
		"y.skerry.dev": {"*.skerry.dev", "[acme/*.skerry.dev:ECDSA]"},
		"*.skerry.dev": {"*.skerry.dev", "[acme/*.skerry.dev:ECDSA]"},
	} {
		var shown []string
		all, _, _ := s.store.Table().Host(host)
		for _, c := range all {
			shown = append(shown, c.Certificate+":"+c.Key)
		}
		if got := s.store.Table().Ordered(host); got != want.ordered || fmt.Sprint(shown) != want.shown {
			t.Errorf("%s: ordered %q, shown %v, want %+v", host, got, shown, want)
		}
	}
	for host, want := range map[string]cert.Result{"x.skerry.dev": cert.OK, "y.skerry.dev": cert.NoCipher} {
		config := s.trusting(host, root)
		config.MaxVersion, config.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		if _, got, err := s.dial(config); got.result != want {
			t.Errorf("a client of RSA alone, %s: %v, %v, want %v", host, got.result, err, want)
		}
		if _, got, err := s.dial(s.trusting(host, root)); err != nil || got.session.Local {
			t.Errorf("%s: %v, %v", host, got.result, err)
		}
	}
}

// TestNoChallenge has nobody order: whatever is asked for, by whatever name, is nothing of ACME's.
func TestNoChallenge(t *testing.T) {
	on, off := acmeWorld(t, cert.ACME{}), newWorld(t, "")
	for _, host := range []string{"a.skerry.dev", "../../accounts", "", "10.0.0.1", strings.Repeat("a", 5000) + ".dev", "a/b.skerry.dev", "\x00.dev"} {
		for _, k := range []*cert.Keeper{on.keeper, off.keeper} {
			if answer, ok := k.Challenge([]byte(host), []byte(cert.ChallengePath+"token")); ok {
				t.Errorf("%q: %q", host, answer)
			}
		}
	}
}

// TestDemandLimits asks for more names than may be ordered: names that nobody allows, and too many that somebody does.
func TestDemandLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asks := 0
		w := acmeWorld(t, cert.ACME{Dir: t.TempDir(), Ask: "http://10.0.0.1/may"})
		w.keeper.PermitBy(asked(func(r *http.Request) (*http.Response, error) {
			resp := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}
			if strings.HasPrefix(r.FormValue("domain"), "no") {
				asks++
				resp.StatusCode, resp.Header = http.StatusFound, http.Header{"Location": {"/yes"}}
			}
			return resp, nil
		}))
		w.keeper.AskBy(noCA)
		defer w.keeper.Close()
		w.hosts(nil, "*.skerry.dev")
		cert.NewStore(w.keeper).Use(w.table())
		for range 3 {
			if w.keeper.Demand(context.Background(), "no.skerry.dev") {
				t.Error("what --acme-ask does not allow got a certificate")
			}
		}
		if asks != 1 {
			t.Errorf("--acme-ask was asked %d times for one name, want 1", asks)
		}
		w.keeper.Demand(context.Background(), "x.internal")
		// As many at a time as may ask: each waits for an order that fails.
		for half := range 4 {
			var all sync.WaitGroup
			for i := range cert.DemandsPerMinute / 2 {
				all.Go(func() { w.keeper.Demand(context.Background(), fmt.Sprintf("n%d-%d.skerry.dev", half, i)) })
			}
			all.Wait()
		}
		failed := w.meters.Counter("skerry_acme_orders_total", "", "result", "failed").Value()
		refused := w.meters.Counter("skerry_acme_demands_total", "", "result", "refused").Value()
		if failed != cert.DemandsPerMinute || refused != cert.DemandsPerMinute+1 {
			t.Errorf("%d orders failed and %d demands were refused, want %d and %d", failed, refused, cert.DemandsPerMinute, cert.DemandsPerMinute+1)
		}
		if n := w.keeper.Names(); n != 0 {
			t.Errorf("%d names that failed have a place", n)
		}
	})
}

// TestEndsSoonByACME: what should have been renewed long ago is told of, as documents are, at its entrypoint.
func TestEndsSoonByACME(t *testing.T) {
	root, dir := newCA(t, nil, "root"), t.TempDir()
	ends := func(name string, life, left int) {
		stock(t, dir, name, issue(t, root, nil, func(c *x509.Certificate) {
			nameIt(c, name)
			c.NotBefore, c.NotAfter = time.Now().AddDate(0, 0, left-life), time.Now().AddDate(0, 0, left)
		}), root)
	}
	ends("late.skerry.dev", 90, 10)
	ends("fine.skerry.dev", 90, 20)
	ends("short.skerry.dev", 6, 2) // a sixth of its life is less than two weeks
	ends("over.skerry.dev", 90, -1)
	w := acmeWorld(t, cert.ACME{Dir: dir})
	w.hosts(nil, "late.skerry.dev", "fine.skerry.dev", "short.skerry.dev", "over.skerry.dev")
	cert.NewStore(w.keeper).Use(w.table())
	var got []string
	for _, e := range w.meters.Events().Since(0) {
		got = append(got, e.Kind+": "+e.Text)
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "certificate: certificate for late.skerry.dev by ACME ends on 20") ||
		!strings.HasPrefix(got[1], "certificate: certificate for over.skerry.dev by ACME ended on 20") || !strings.HasSuffix(got[1], ", and is not renewed yet") {
		t.Errorf("got %q", got)
	}
	if w.meters.Gauge("skerry_certificate_expiry_timestamp_seconds", "", "certificate", "acme/over.skerry.dev").Value() == 0 {
		t.Error("the metric does not say so")
	}
}

// TestNamesMax has one host more than may be ordered: it is said of one by name where it stands, always the same, and a reload that gives
// up another name has room for it at once.
func TestNamesMax(t *testing.T) {
	w := acmeWorld(t, cert.ACME{})
	hosts := make([]string, cert.NamesMax+2)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("h%d.skerry.dev", i)
	}
	w.hosts(nil, hosts[:2]...)
	w.hosts(nil, hosts[2:]...)
	store := cert.NewStore(w.keeper)
	table := w.table()
	store.Use(table)
	if n, local := len(table.AllOrdered()), fmt.Sprint(table.Local()); n != cert.NamesMax || local != "[h10000.skerry.dev h10001.skerry.dev]" {
		t.Errorf("%d names are ordered, the local CA has %.200s", n, local)
	}
	const want = "edge.yaml:102:1: h10000.skerry.dev and 1 more: no certificate by ACME: there are 10000 names, the limit;"
	if got := table.Warnings(time.Now()); len(got) != 1 || !strings.HasPrefix(got[0].String(), want) {
		t.Errorf("got %v", got)
	}
	events := w.meters.Events().Since(0)
	if len(events) != 1 || !strings.HasPrefix(events[0].Text, "h10000.skerry.dev and 1 more: no certificate") {
		t.Errorf("events: %v", events)
	}
	w.spec.Entrypoints = w.spec.Entrypoints[1:]
	table = w.table()
	store.Use(table)
	if len(table.Local()) != 0 || len(table.Warnings(time.Now())) != 0 {
		t.Errorf("after a reload the local CA has %v", table.Local())
	}
}
