package edge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
)

// TestCachePurges: a purge is in force when it returns, for clients of both protocols, whatever form the address has and for every variant; it
// leaves the rest as it was. What a soft one meets is given while the origin fails.
func TestCachePurges(t *testing.T) {
	o := &numbered{}
	fails := false
	c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, func(w http.ResponseWriter, r *http.Request) {
		if fails {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/lang/") {
			w.Header().Set("Vary", "Accept-Language")
		}
		o.ServeHTTP(w, r)
	}), "  cache: {stale: {ifError: 1h}, probe: {every: 1h}}\n"))
	paths := []string{"/a/500", "/a/b/500", "/ab/500", "/lang/500", "/c%2Fd/500"}
	numbers := map[string]uint64{}
	look := func(path string) uint64 {
		n, _ := c.marked(c.h1, path, 0, 0)
		if t.Failed() {
			t.FailNow()
		}
		if again, from := c.marked(c.h2, path, 0, 0); again != n || from != "hit" {
			t.Errorf("%s: answer %d, %s, behind %d", path, again, from, n)
		}
		return n
	}
	f := func(p edge.CachePurge, gone ...string) {
		t.Helper()
		for _, path := range paths {
			numbers[path] = look(path)
		}
		if _, err := c.edge.PurgeCache(p, "test"); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
		met := map[string]bool{}
		for _, path := range gone {
			met[path] = true
		}
		for _, path := range paths {
			if n := look(path); (n != numbers[path]) != met[path] {
				t.Errorf("%+v: %s: answer %d, before it was %d", p, path, n, numbers[path])
			}
		}
	}
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/a/500"}, "/a/500")
	f(edge.CachePurge{Kind: "url", Host: "SHOP.test.", Value: "/x/../a/%62/500"}, "/a/b/500")
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/c%2fd/500"}, "/c%2Fd/500")
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/lang/500"}, "/lang/500")
	f(edge.CachePurge{Kind: "prefix", Host: "shop.test", Value: "/a/"}, "/a/500", "/a/b/500")
	f(edge.CachePurge{Kind: "prefix", Host: "other.test", Value: "/"})
	f(edge.CachePurge{Kind: "group", Value: "pages"}, paths...)
	f(edge.CachePurge{Kind: "group", Value: "others"})
	f(edge.CachePurge{Kind: "all", Host: "shop.test"}, paths...)
	f(edge.CachePurge{Kind: "all", Everything: true, Soft: true}, paths...)

	before := look("/a/500")
	fails = true
	if _, err := c.edge.PurgeCache(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/a/500", Soft: true}, "test"); err != nil {
		t.Fatal(err)
	}
	if n, from := c.marked(c.h1, "/a/500", 0, 0); n != before {
		t.Errorf("softly purged, and the origin fails: answer %d, %s, want %d", n, from, before)
	}
	if _, err := c.edge.PurgeCache(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/a/500"}, "test"); err != nil {
		t.Fatal(err)
	}
	if g := c.ask(c.h2, "GET", "/a/500"); g.status != 500 {
		t.Errorf("purged, and the origin fails: %v", &g)
	}
}
