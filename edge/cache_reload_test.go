package edge_test

import (
	"fmt"
	"net/http"
	"testing"

	"skerry.dev/skerry/edge"
)

// TestCacheReload: a reload keeps what is stored of routes that it does not touch, and of those whose rules of storing stay; where those
// change, nothing that was stored under the old ones is given, nor when they change back.
func TestCacheReload(t *testing.T) {
	o := &numbered{}
	url := origin(t, o.ServeHTTP)
	text := func(all, a, b string) string {
		return fmt.Sprintf(`apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  redirect: off
  cache: {probe: {every: 1h}}
%s  routes:
    - {match: {prefix: /a}, service: "%[4]s"%[2]s}
    - {match: {prefix: /b}, service: "%[4]s"%[3]s}
`, all, a, b, url)
	}
	c := openCached(t, edge.Options{}, text("", "", ""))
	numbers := map[string]uint64{}
	f := func(what, all, a, b string, kept ...string) {
		t.Helper()
		for _, path := range []string{"/a/500", "/b/500"} {
			numbers[path], _ = c.marked(c.h1, path, 0, 0)
		}
		c.activate(text(all, a, b))
		keeps := map[string]bool{}
		for _, path := range kept {
			keeps[path] = true
		}
		for i, path := range []string{"/a/500", "/b/500"} {
			n, from := c.marked([]*http.Client{c.h1, c.h2}[i], path, 0, 0)
			if keeps[path] != (n == numbers[path]) || keeps[path] != (from == "hit") {
				t.Errorf("%s: %s: answer %d, %s; before it was %d, want it kept: %t", what, path, n, from, numbers[path], keeps[path])
			}
		}
	}
	f("nothing", "", "", "", "/a/500", "/b/500")
	f("a field of all answers", "  headers: {response: {set: {X-Team: shop}}}\n", "", "", "/a/500", "/b/500")
	f("a log", "  log: off\n", "", "", "/a/500", "/b/500")
	f("the key of one", "", ", cache: {key: {headers: [X-Tenant]}}", "", "/b/500")
	f("the mode of the other", "", ", cache: {key: {headers: [X-Tenant]}}", ", cache: {mode: standard, probe: {every: 1h}}", "/a/500")
	f("no cache", "", ", cache: off", ", cache: {mode: standard, probe: {every: 1h}}", "/b/500")
	for _, path := range []string{"/a/500", "/b/500"} { // made invalid under rules that are not those under which the first was stored
		c.ask(c.h2, "POST", path)
	}
	f("back to the first rules", "", "", "")
	for path, before := range numbers {
		if n, _ := c.marked(c.h1, path, 0, 0); n <= 2 {
			t.Errorf("%s: answer %d, of the first rules, is back after a POST under others; the last was %d", path, n, before)
		}
	}
	f("a lifetime that no answer asks for", "", ", cache: {ttl: {default: 1m}}", "", "/a/500", "/b/500")
}
