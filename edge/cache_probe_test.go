package edge_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
)

// leakyCache is a cache that does what answers say, on a route whose answers depend on who asks; the gaps are for what a reload changes, and for what the probe asks.
const leakyCache = `  cache:
    mode: standard
    %s
    probe:
      %s
      identities:
        - {header: Authorization, value: "file:anna", marker: "private to anna"}
        - {header: Authorization, value: "file:bert", marker: "private to bert"}
`

// leakMost is the time from an origin's first wrong answer to the bypass that is promised.
const leakMost = 5 * time.Second

// leakyOrigin has a page for each who asks. Once wrong, it says that they are for everybody.
type leakyOrigin struct {
	wrong atomic.Bool
	asked atomic.Int64
}

func (o *leakyOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	if w.Header().Set("Cache-Control", "private"); o.wrong.Load() || r.URL.Path == "/css" {
		w.Header().Set("Cache-Control", "public, max-age=600")
	}
	if r.URL.Path == "/css" {
		fmt.Fprint(w, "the same for all")
		return
	}
	fmt.Fprintf(w, "private to %s, of %s", whoAsks(r.Header), r.URL.Path)
}

// TestCacheLeak: an origin begins to say of pages of one person that they are for everybody. Within the promised time the route bypasses
// the cache, what was stored is gone, there is a metric and an event; nothing comes from the store until the route's rules of storing change.
func TestCacheLeak(t *testing.T) {
	secrets := []string{"anna", "Bearer anna", "bert", "Bearer bert"}
	f := func(name, paths string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &leakyOrigin{}
			url := origin(t, o.ServeHTTP)
			text := func(key string) string { return fmt.Sprintf(cachedSpec, url, fmt.Sprintf(leakyCache, key, paths)) }
			c := openCached(t, edge.Options{}, text(""), secrets...)
			carl := "Authorization: Bearer carl"
			c.want(c.h1, "/css", "stored", "the same for all")
			c.want(c.h2, "/me", "", "private to carl, of /me", carl)
			if n := len(c.eventsOf("cache_leak")); n > 0 {
				t.Fatal("a leak, of an origin that does not leak")
			}
			o.wrong.Store(true)
			began := time.Now()
			become(t, "the first wrong answer", func() bool {
				g := c.ask(c.h2, "GET", "/account", carl) // the next one gets it too
				return g.from() == "stored" || g.from() == "hit" || len(c.eventsOf("cache_leak")) > 0
			})
			become(t, "the leak", func() bool { return len(c.eventsOf("cache_leak")) > 0 })
			took := time.Since(began)
			t.Logf("%v from the first wrong answer to the bypass", took)
			if took > leakMost && memoryFactor == 1 {
				t.Errorf("that is longer than %v", leakMost)
			}
			before := o.asked.Load()
			for i := range 10 {
				for _, path := range []string{"/account", "/css", "/me"} {
					g := c.ask([]*http.Client{c.h1, c.h2}[i%2], "GET", path, "Authorization: Bearer dora")
					if g.from() != "pass leak" || strings.Contains(g.body, "carl") {
						t.Errorf("%s after the leak was found: %s, %s", path, g.from(), g.body)
					}
				}
			}
			if n := o.asked.Load() - before; n != 30 {
				t.Errorf("of 30 requests %d were made at the origin", n)
			}
			if n, m := c.total("skerry_cache_leaks_total"), len(c.eventsOf("cache_leak")); n != 1 || m != 1 {
				t.Errorf("%v leaks are counted, there were %d events", n, m)
			}
			// The same rules again do not help; other ones do, and what was stored before is gone.
			o.wrong.Store(false)
			c.activate(text(""))
			c.want(c.h2, "/css", "pass leak", "the same for all")
			c.activate(text("key: {headers: [X-Tenant]}"))
			before = o.asked.Load()
			c.want(c.h2, "/css", "stored", "the same for all")
			c.want(c.h1, "/css", "hit", "the same for all")
			c.want(c.h1, "/account", "", "private to nobody, of /account")
			if n := c.total("skerry_cache_leaks_total"); n != 1 {
				t.Errorf("%v leaks", n)
			}
		})
	}
	f("paths", "paths: [/account]")
	f("samples", "every: 500ms")
}

// TestCacheSessionLeak: without identities the probe makes up a session. A service that writes the session into pages for everybody is found.
func TestCacheSessionLeak(t *testing.T) {
	t.Parallel()
	c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=2")
		fmt.Fprintf(w, "for %s", r.Header.Get("Cookie"))
	}), "  cache: standard\n"))
	began := time.Now()
	become(t, "the leak", func() bool {
		c.ask(c.h1, "GET", "/page", "Cookie: sid=anna")
		time.Sleep(20 * time.Millisecond)
		return len(c.eventsOf("cache_leak")) > 0
	})
	t.Logf("%v from the first answer to the bypass", time.Since(began))
	if g := c.ask(c.h2, "GET", "/page"); g.from() != "pass leak" || g.body != "for " {
		t.Errorf("%s: %s", g.from(), g.body)
	}
}

// TestCacheNoLeak: in mode private the same origin leaks nothing, and the probe stays silent.
func TestCacheNoLeak(t *testing.T) {
	t.Parallel()
	o := &leakyOrigin{}
	o.wrong.Store(true)
	c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, o.ServeHTTP), `  cache:
    identity: {headers: [Authorization], cookies: [sid]}
    probe:
      every: 500ms
      identities:
        - {header: Authorization, value: "file:anna", marker: "private to anna"}
        - {header: Cookie, value: "file:bert", marker: "private to bert"}
`), "anna", "Bearer anna", "bert", "sid=bert")
	for range 2 {
		c.want(c.h1, "/account", "", "private to carl, of /account", "Authorization: Bearer carl")
		c.want(c.h2, "/account", "", "private to dora, of /account", "Cookie: sid=dora; _ga=1")
		c.want(c.h2, "/account", "", "private to nobody, of /account")
	}
	c.want(c.h1, "/account", "hit", "private to carl, of /account", "Authorization: Bearer carl")
	c.want(c.h1, "/account", "hit", "private to dora, of /account", "Cookie: _ga=2; sid=dora")
	before := o.asked.Load()
	become(t, "the probe's requests", func() bool { return o.asked.Load() >= before+2 })
	c.want(c.h1, "/account", "hit", "private to carl, of /account", "Authorization: Bearer carl")
	if leaks := c.eventsOf("cache_leak"); len(leaks) > 0 {
		t.Error(leaks)
	}
}
