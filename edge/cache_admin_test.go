package edge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
)

// adminSpec has routes that tell the same URL apart in three ways, and some without a cache.
const adminSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop}
spec:
  hosts: [shop.test]
  profile: website
  redirect: off
  routes:
    - {name: raw, match: {prefix: /, headers: {x-kind: raw}}, path: raw, service: "http://127.0.0.1:1"}
    - {name: one, match: {prefix: /, headers: {x-kind: one}}, service: "http://127.0.0.1:1", cache: {key: {query: [id], headers: [x-lang]}}}
    - {name: me, match: {path: /me}, service: "http://127.0.0.1:1", cache: {identity: {headers: [authorization]}, key: {cookies: [lang]}, probe: {identities: [
        {header: authorization, value: "env:SKERRY_SECRET_A", marker: anna}, {header: authorization, value: "env:SKERRY_SECRET_B", marker: bert}]}}}
    - {name: own, match: {path: /own}, respond: {body: hello}}
    - {name: all, match: {prefix: /}, service: "http://127.0.0.1:1"}
`

func adminEdge(t *testing.T) (*edge.Edge, *meter.Set) {
	t.Helper()
	set := meter.NewSet()
	e := newEdge(t, edge.Options{HTTP: []string{"127.0.0.1:0"}, Meters: set})
	if problems := e.Activate(parse(t, adminSpec)); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	t.Cleanup(e.Abandon)
	return e, set
}

// asJSON is a value as the API writes it, in one line.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPurgesAreNormalised: what is purged is what keys have, by the rules of each route that may have stored it.
func TestPurgesAreNormalised(t *testing.T) {
	e, set := adminEdge(t)
	f := func(p edge.CachePurge, want ...string) {
		t.Helper()
		v, err := e.PurgeCache(p, "tester")
		if err != nil {
			t.Errorf("%+v: %v", p, err)
			return
		}
		var got struct {
			Number uint64
			Purges []struct {
				Number            uint64
				Kind, Host, Value string
				Soft              bool
			}
		}
		if err := json.Unmarshal([]byte(asJSON(t, v)), &got); err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, one := range got.Purges {
			list = append(list, one.Host+one.Value)
			if one.Kind != p.Kind || one.Soft != p.Soft || one.Number > got.Number || one.Number == 0 {
				t.Errorf("%+v: %+v", p, one)
			}
			if _, err := e.CacheProgress(one.Number); err != nil {
				t.Error(err)
			}
		}
		if fmt.Sprint(list) != fmt.Sprint(want) {
			t.Errorf("%+v: purged %v, want %v", p, list, want)
		}
		events := set.Events().Since(0)
		if last := events[len(events)-1]; last.Kind != "cache_purge" || !strings.Contains(last.Text, "by tester: ") {
			t.Errorf("%+v: the last event is %s", p, last.Text)
		}
	}
	f(edge.CachePurge{Kind: "url", Host: "https://SHOP.test.:443", Value: "/a"}, "https://shop.test/a")
	f(edge.CachePurge{Kind: "url", Host: "shop.test:80", Value: "/a"}, "http://shop.test/a")
	f(edge.CachePurge{Kind: "url", Host: "shop.test:443", Value: "/a"}, "https://shop.test/a")
	f(edge.CachePurge{Kind: "url", Host: "shop.test:8443", Value: "/a", Soft: true}, "shop.test:8443/a")
	f(edge.CachePurge{Kind: "url", Host: "https://shop.test:80", Value: "/a"}, "https://shop.test:80/a")
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/%7ea/./b?id=2&utm_source=x&b=1"}, "shop.test/%7ea/./b?b=1&id=2", "shop.test/~a/b?b=1&id=2", "shop.test/~a/b?id=2")
	f(edge.CachePurge{Kind: "url", Host: "[::0001]", Value: "/?b=1&a=2"}, "[::1]/?b=1&a=2")
	f(edge.CachePurge{Kind: "prefix", Host: "shop.test", Value: "/%7eme/"}, "shop.test/~me/", "shop.test/%7eme/")
	f(edge.CachePurge{Kind: "prefix", Host: "shop.test", Value: "/img"}, "shop.test/img")
	f(edge.CachePurge{Kind: "group", Value: "red one"}, "red one")
	f(edge.CachePurge{Kind: "group", Host: "shop.test", Value: "red"}, "shop.testred")
	f(edge.CachePurge{Kind: "all", Host: "http://shop.test"}, "http://shop.test")
	f(edge.CachePurge{Kind: "all", Everything: true}, "")
	if log := asJSON(t, e.CachePurges(0)); strings.Count(log, `"number"`) != 16 || !strings.Contains(log, `"more":false`) {
		t.Errorf("the log is %s", log)
	}
}

// TestPurgesThatMakeNoSense change nothing.
func TestPurgesThatMakeNoSense(t *testing.T) {
	e, _ := adminEdge(t)
	f := func(p edge.CachePurge, want string) {
		t.Helper()
		if _, err := e.PurgeCache(p, ""); err == nil || fault.Of(err) != fault.BadRequest || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", p, err, want)
		}
	}
	f(edge.CachePurge{Kind: "url", Value: "/"}, "host is empty")
	f(edge.CachePurge{Kind: "prefix", Value: "/"}, "host is empty")
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "a"}, "path")
	f(edge.CachePurge{Kind: "url", Host: "shop.test"}, "path")
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/a#b"}, "path")
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/a?x#b"}, "'#' stands in no query")
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/a?\x00"}, "control character")
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/../a"}, "")
	f(edge.CachePurge{Kind: "url", Host: "ftp://shop.test", Value: "/"}, "http")
	f(edge.CachePurge{Kind: "url", Host: "shop.test/x", Value: "/"}, "host")
	f(edge.CachePurge{Kind: "url", Host: "user@shop.test", Value: "/"}, "host")
	f(edge.CachePurge{Kind: "prefix", Host: "shop.test", Value: "/a/.."}, "without . and ..")
	f(edge.CachePurge{Kind: "prefix", Host: "shop.test", Value: "/a?b"}, "has no query")
	f(edge.CachePurge{Kind: "prefix", Host: "shop.test", Value: "/a%2"}, "")
	f(edge.CachePurge{Kind: "group", Host: "shop.test"}, "names the group")
	f(edge.CachePurge{Kind: "all"}, `"everything": true`)
	f(edge.CachePurge{Kind: "all", Host: "shop.test", Everything: true}, `"everything" is for`)
	f(edge.CachePurge{Kind: "url", Host: "shop.test", Value: "/", Everything: true}, `"everything" is for`)
	f(edge.CachePurge{Kind: "all", Host: "shop.test", Value: "/"}, "this kind has none")
	f(edge.CachePurge{Kind: "ban", Host: "shop.test", Value: "/"}, "url, prefix, group or all")
	f(edge.CachePurge{Kind: "group", Host: "shop.test", Value: strings.Repeat("a", 17<<10)}, "bytes")
	if log := asJSON(t, e.CachePurges(0)); !strings.Contains(log, `"purges":[]`) {
		t.Errorf("the log is %s", log)
	}
	if _, err := e.CacheProgress(1); fault.Of(err).Status() != 404 {
		t.Error(err)
	}
}

// TestWhy: which route, which key, and what would come of it. Secrets are not shown.
func TestWhy(t *testing.T) {
	e, _ := adminEdge(t)
	f := func(url string, fields []string, want ...string) {
		t.Helper()
		v, err := e.CacheWhy(url, fields)
		text := fmt.Sprint(err)
		if err == nil {
			text = asJSON(t, v)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s %q: %s\nhas no %s", url, fields, text, w)
			}
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s %q: %s shows a secret", url, fields, text)
		}
	}
	f("https://shop.test:443/a/../b?b=1&utm_source=x&a=2#f", nil, `"route":"shop/all"`, `"mode":"private"`, `"outcome":"miss"`, `{"name":"scheme","value":"https"}`,
		`{"name":"host","value":"shop.test"}`, `{"name":"path","value":"/b"}`, `a=2\u0026b=1"`)
	f("http://shop.test/%7ea", []string{"X-Kind: raw"}, `"route":"shop/raw"`, `{"name":"path","value":"/%7ea"}`)
	f("http://shop.test:8080/?id=1&x=2", []string{"X-Kind: one", "X-Lang:  de "}, `"route":"shop/one"`, `{"name":"query","value":"id=1"}`, `{"name":"header x-lang","value":"de"}`, `shop.test:8080`)
	f("http://shop.test/?id=1&x=2", []string{"X-Kind: one"}, `{"name":"header x-lang","value":"(none)"}`)
	f("http://shop.test/me", []string{"Authorization: Bearer hunter2", "Cookie: lang=hunter2"}, `"outcome":"miss"`, `(14 bytes, not shown)`, `"cookies","value":"lang (7 bytes)"`)
	f("http://shop.test/", []string{"Authorization: Bearer hunter2"}, `"outcome":"pass"`, `"why":"identified"`)
	f("http://shop.test/", []string{"X-HTTP-Method-Override: PUT"}, `"why":"override"`)
	f("http://shop.test/own", nil, `"mode":"off"`, "the route answers by itself")
	f("http://other.test/", nil, "no entrypoint has this host")
	f("shop.test/", nil, "neither http:// nor https://")
	f("http://shop.test/ x", nil, "a space or a control character")
	f("http://shop_\x7f/", nil, "control character")
	f("http://shop.test/%00", nil, "has %00")
	f("http:///", nil, "url")
	f("http://shop.test/", []string{"nothing"}, "is not of the form Name: value")
	f("http://shop.test/", []string{"a b: c"}, "is not of the form Name: value")
	f("http://shop.test/", []string{"a: b\x00c"}, "is not of the form Name: value")
}

// TestResume: only what has leaked is resumed, and only what has a cache can.
func TestResume(t *testing.T) {
	e, _ := adminEdge(t)
	if v, err := e.ResumeCache("shop/all", "tester"); err != nil || asJSON(t, v) != `{"route":"shop/all","resumed":false,"leak":null}` {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := e.ResumeCache("shop/own", "tester"); fault.Of(err) != fault.NoRoute {
		t.Error(err)
	}
	if text := asJSON(t, e.CacheStats()); !strings.Contains(text, `"route":"shop/all","mode":"private"`) || !strings.Contains(text, `"hitRatio":0`) {
		t.Error(text)
	}
}
