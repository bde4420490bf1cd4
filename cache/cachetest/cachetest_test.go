package cachetest_test

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/cache/cachetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newOrigin is an origin that lives as long as the test.
func newOrigin(t *testing.T) *cachetest.Origin {
	t.Helper()
	o, err := cachetest.NewOrigin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// client asks as Target wants it.
func client(t *testing.T) *http.Client {
	tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// TestCasesAreWellFormed holds the table to what its readers rely on.
func TestCasesAreWellFormed(t *testing.T) {
	section := regexp.MustCompile(`^\d{4,5} \d+(\.\d+)*$`)
	seen := map[string]bool{}
	for _, c := range cachetest.Cases {
		if seen[c.Name] {
			t.Errorf("%q is there twice", c.Name)
		}
		seen[c.Name] = true
		if !section.MatchString(c.Section) {
			t.Errorf("%q: section %q is none of an RFC", c.Name, c.Section)
		}
		if len(c.Steps) == 0 {
			t.Errorf("%q has no steps", c.Name)
		}
		judged := false
		for _, s := range c.Steps {
			judged = judged || s.From != cachetest.Anywhere || s.Status != 0 || s.Wants != "" || s.Asked != "" || s.Asks != 0
			if s.Method == "" && s.Purge == "" {
				t.Errorf("%q has a step without a method", c.Name)
			}
		}
		if !judged && c.Level == cachetest.Required {
			t.Errorf("%q is required and holds whatever happens", c.Name)
		}
	}
	t.Logf("%d cases", len(cachetest.Cases))
}

// TestProxyWithoutAStore plays the table against a proxy that stores nothing: whatever must not come from a store holds, and
// nothing that must come from one does.
func TestProxyWithoutAStore(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	to, err := url.Parse(o.URL())
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: tr, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	target := cachetest.Target{Name: "no store", Origin: o, Client: client(t), Purge: purgesNothing}
	for i := range target.Routes {
		target.Routes[i] = s.URL
		target.Others[i] = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	}
	const seed = 1
	results := cachetest.Play(t.Context(), target, cachetest.Cases, seed)
	t.Logf("seed %d: %s", seed, cachetest.Tally(results))
	for _, r := range results {
		stored := false
		for _, s := range r.Case.Steps {
			stored = stored || s.Nth > 0 || s.From == cachetest.Store || s.From == cachetest.Revalidated || s.Asks > 0 && s.Asks < s.Crowd
		}
		if stored && r.Err == nil && !needsNone[r.Case.Name] {
			t.Errorf("%q holds without a store", r.Case.Name)
		}
		if !stored && r.Err != nil && !needsACache[r.Case.Name] {
			t.Errorf("%q does not hold although nothing is stored: %v", r.Case.Name, r.Err)
		}
	}
}

// TestStoreThatHeedsNothing plays the table against a proxy that gives the first answer of each URL to everybody, for ever. Where the
// origin must be asked again it is seen each time.
func TestStoreThatHeedsNothing(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	var mu sync.Mutex
	stored := map[string]*httptest.ResponseRecorder{}
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		first := stored[r.URL.Path]
		if first == nil {
			q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, o.URL()+r.URL.Path, nil)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			resp, err := tr.RoundTrip(q)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			defer resp.Body.Close()
			first = httptest.NewRecorder()
			maps.Copy(first.Header(), resp.Header)
			first.WriteHeader(resp.StatusCode)
			_, _ = io.Copy(first.Body, resp.Body)
			stored[r.URL.Path] = first
		}
		maps.Copy(w.Header(), first.Header())
		w.WriteHeader(first.Code)
		_, _ = w.Write(first.Body.Bytes())
	}))
	t.Cleanup(s.Close)
	target := cachetest.Target{Name: "heeds nothing", Origin: o, Client: client(t), Purge: purgesNothing}
	for i := range target.Routes {
		target.Routes[i], target.Others[i] = s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	}
	// Crowds are left out: this proxy asks for one after the other.
	cases := slices.DeleteFunc(slices.Clone(cachetest.Cases), func(c cachetest.Case) bool {
		return slices.ContainsFunc(c.Steps, func(s cachetest.Step) bool { return s.Crowd > 0 })
	})
	const seed = 1
	results := cachetest.Play(t.Context(), target, cases, seed)
	t.Logf("seed %d: %s", seed, cachetest.Tally(results))
	for _, r := range results {
		again := false
		for i, s := range r.Case.Steps {
			again = again || i > 0 && s.Path == r.Case.Steps[0].Path && (s.From == cachetest.Upstream || s.From == cachetest.Revalidated || s.From == cachetest.Failed)
		}
		if again && r.Err == nil {
			t.Errorf("%q holds for a store that heeds nothing", r.Case.Name)
		}
	}
}

// purgesNothing is the purge of a cache that does not heed it.
func purgesNothing(string, string) error { return nil }

// needsACache is cases in which a cache must do something of its own, and not only forget.
var needsACache = map[string]bool{
	"identified: anonymous cookies do not reach the origin on a fill":    true,
	"private: a parameter that does not count does not reach the origin": true,
	"private: only-if-cached of a request is":                            true,
	"request: only-if-cached of nothing":                                 true,
	"request: only-if-cached of what is stale":                           true,
	"ranges: a part is completed":                                        true,
}

// needsNone is cases in which the client's own condition does what the cache's would.
var needsNone = map[string]bool{
	"conditions: a stale one is validated first, by its date": true,
	"conditions: a stale one is validated first, by its tag":  true,
}
