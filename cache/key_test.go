package cache_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/spec"
)

// keyOf is the key of a request; empty if it has none, with the reason.
func keyOf(s *cache.Stage, text string) (key, why string) {
	x := begin(text)
	defer x.Release()
	k, why, _ := cache.KeyOf(s, x)
	return string(k), why
}

// TestKeysShare: two requests have one key if and only if the same answer is right for both.
func TestKeysShare(t *testing.T) {
	p := open(t, with(func(c *spec.Cache) {
		c.Key.Headers, c.Key.Cookies = []string{"accept-language", "x-site"}, []string{"lang"}
	}))
	f := func(one, two string, same bool) {
		t.Helper()
		a, whyA := keyOf(p.stage, one)
		b, whyB := keyOf(p.stage, two)
		if whyA != "" || whyB != "" || a == "" || b == "" {
			t.Errorf("no key: %s %s", whyA, whyB)
		}
		if (a == b) != same {
			t.Errorf("%q\nand %q:\nsame key %v, want %v", one, two, a == b, same)
		}
	}
	get := func(target string, lines ...string) string { return request("GET", target, lines...) }
	host := func(h string) string { return "GET /a HTTP/1.1\nHost: " + h + "\n" }

	f(get("/a"), get("/a"), true)
	f(get("/a"), get("/b"), false)
	f(get("/a"), get("/A"), false)
	f(get("/a"), get("/a/"), false)
	f(get("/a"), request("HEAD", "/a"), true) // HEAD is answered from what GET brought
	f(get("/a"), request("QUERY", "/a"), false)
	// The normal form is the router's.
	f(get("/a/b"), get("/a/./x/../b"), true)
	f(get("/~a"), get("/%7ea"), true)
	f(get("/a%2Fb"), get("/a%2fb"), true)
	f(get("/a%2Fb"), get("/a/b"), false)
	f(get("//a"), get("/a"), false)
	f(get("/a;b"), get("/a"), false)
	f(host("shop.example.com"), host("Shop.Example.COM."), true)
	f(host("shop.example.com"), host("shop.example.com:443"), true)
	f(host("shop.example.com"), host("shop.example.com:80"), false)
	f(host("shop.example.com"), host("shop.example.org"), false)
	f(host("[2001:db8::1]"), host("[2001:DB8::1]"), true)
	// Parameters are sorted by name, those of one name stay in their order, and some do not count.
	f(get("/a?b=2&a=1"), get("/a?a=1&b=2"), true)
	f(get("/a?a=1&a=2"), get("/a?a=2&a=1"), false)
	f(get("/a?a=1"), get("/a?a=1&utm_source=x&gclid=y"), true)
	f(get("/a?%75tm_source=x"), get("/a"), true)
	f(get("/a?utm%5Fsource=x"), get("/a"), true)
	f(get("/a?gclid2=x"), get("/a"), false)
	f(get("/a?Gclid=x"), get("/a"), false)
	f(get("/a?%zzutm_source=x"), get("/a"), false)
	f(get("/a?utm_source%7"), get("/a"), false) // a code that is cut off: what cannot be read counts
	f(get("/a?utm_source%"), get("/a"), false)
	f(get("/a?utm_source%3D1"), get("/a"), true)
	f(get("/a?a=1"), get("/a?a=%31"), false) // values are the service's
	f(get("/a?a"), get("/a?a="), false)
	f(get("/a?"), get("/a"), true)
	f(get("/a?utm_source=x;id=5"), get("/a"), true) // who splits at semicolons does not get to see it
	f(get("/a?id=5;utm_source=x"), get("/a?id=5"), false)
	f(get("/a?b"), get("/a%3Fb"), false)
	f(get("/a?/b"), get("/a/b"), false)
	// Fields that count.
	f(get("/a", "Accept-Language: en"), get("/a", "accept-language: en"), true)
	f(get("/a", "Accept-Language: en"), get("/a", "Accept-Language: de"), false)
	f(get("/a", "Accept-Language: en"), get("/a"), false)
	f(get("/a", "Accept-Language:"), get("/a"), false)
	f(get("/a", "X-Site: a"), get("/a", "x-site: a"), true)
	f(get("/a", "X-Site: a"), get("/a", "Accept-Language: a"), false)
	f(get("/a", "X-Site: a", "X-Site: b"), get("/a", "X-Site: ab"), false)
	f(get("/a", "X-Site: a", "X-Site: b"), get("/a", "X-Site: b", "X-Site: a"), false)
	f(get("/a", "User-Agent: a"), get("/a", "User-Agent: b"), true)
	// Cookies that count.
	f(get("/a", "Cookie: lang=en"), get("/a", "Cookie: lang=de"), false)
	f(get("/a", "Cookie: lang=en"), get("/a"), false)
	f(get("/a", "Cookie: lang=en; _ga=1"), get("/a", "Cookie: _gaX=2;lang=en ;consent=all"), true)
	f(get("/a", "Cookie: _ga=1"), get("/a"), true)
	f(get("/a", "Cookie: LANG=en; lang=en"), get("/a", "Cookie: lang=en"), true)
}

// TestKeysShareByChosenParameters: only what the route names counts.
func TestKeysShareByChosenParameters(t *testing.T) {
	p := open(t, with(func(c *spec.Cache) { c.Key.QueryExcept, c.Key.Query = nil, []string{"page", "q r"} }))
	none := open(t, with(func(c *spec.Cache) { c.Key.QueryExcept, c.Key.Query = nil, []string{} }))
	f := func(p *place, one, two string, same bool) {
		t.Helper()
		a, _ := keyOf(p.stage, request("GET", one))
		b, _ := keyOf(p.stage, request("GET", two))
		if (a == b) != same {
			t.Errorf("%q and %q: same key %v, want %v", one, two, a == b, same)
		}
	}
	f(p, "/a?page=1", "/a?x=1&page=1&y=2", true)
	f(p, "/a?page=1", "/a?page=2", false)
	f(p, "/a?page=1", "/a", false)
	f(p, "/a?p%61ge=1", "/a", false)
	f(p, "/a?q+r=1", "/a", false)
	f(p, "/a?q%20r=1", "/a", false)
	f(p, "/a?%zz=1", "/a", true)
	f(none, "/a?page=1", "/a", true)
	f(none, "/a?page=1", "/b", false)
}

// TestKeysOfRawPaths: where the service gets the path as it was sent, two spellings are two pages.
func TestKeysOfRawPaths(t *testing.T) {
	raw := spec.PathRaw
	p := open(t, func(s *setup) { s.policy.Path = &raw })
	a, _ := keyOf(p.stage, request("GET", "/%7ea"))
	b, _ := keyOf(p.stage, request("GET", "/~a"))
	if a == b {
		t.Error("/%7ea and /~a have one key")
	}
}

// TestKeysOfOneRoute: another route, and other rules, do not find what was stored.
func TestKeysOfOneRoute(t *testing.T) {
	p := open(t)
	seen := map[string]string{}
	f := func(what string, change func(s *setup)) {
		t.Helper()
		s := setup{policy: cachePolicy(spec.CachePrivate), label: "shop/home"}
		change(&s)
		stage, _ := p.route(s)
		k, _ := keyOf(stage, request("GET", "/a"))
		if other, ok := seen[k]; ok {
			t.Errorf("%s has the key of %s", what, other)
		}
		seen[k] = what
	}
	f("a route", func(*setup) {})
	f("another route", func(s *setup) { s.label = "shop/cart" })
	f("standard", standard)
	f("another key", with(func(c *spec.Cache) { c.Key.Headers = []string{"x-site"} }))
	f("other cookies", with(func(c *spec.Cache) { c.Anonymous = []string{"_ga"} }))
	f("an identity", with(func(c *spec.Cache) { c.Identity.Headers = []string{"authorization"} }))
	f("parameters", with(func(c *spec.Cache) { c.Key.QueryExcept = nil }))
	k1, _ := keyOf(p.stage, request("GET", "/a"))
	stage, _ := p.route(p.setup)
	if k2, _ := keyOf(stage, request("GET", "/a")); k1 != k2 {
		t.Error("the same rules, compiled again, have another key")
	}
}

// TestRulesComeBack: what was stored under rules that other rules have followed is not found again, though they come back: meanwhile it
// may have become out of date without anybody having looked for it.
func TestRulesComeBack(t *testing.T) {
	play(t, page, func(s *script) {
		start := func(with setup) { // as a plan does that begins to serve
			stage, path := s.p.route(with)
			s.p.keep.Use([]*cache.Stage{stage})
			s.p.path = path
		}
		start(s.p.setup)
		s.ask("200 miss stored", "/a")
		start(s.p.setup)
		s.ask("200 hit", "/a")
		other := s.p.setup
		changed := *other.policy.Cache
		changed.Key.Headers = []string{"x-site"}
		other.policy.Cache = &changed
		start(other)
		s.ask("200 miss stored", "/a")
		start(s.p.setup)
		s.ask("200 miss stored", "/a")
		s.ask("200 hit", "/a")
	})
}

// TestKeyLimits: what is longer than a key may be is passed, and counted.
func TestKeyLimits(t *testing.T) {
	p := open(t)
	f := func(target, want string) {
		t.Helper()
		before := p.metric("skerry_cache_suspects_total", "why", "key")
		if _, why := keyOf(p.stage, request("GET", target)); why != want {
			t.Errorf("%.40s…: %q, want %q", target, why, want)
		}
		if n := p.metric("skerry_cache_suspects_total", "why", "key") - before; (n == 1) != (want != "") {
			t.Errorf("%.40s…: counted %v", target, n)
		}
	}
	f("/"+strings.Repeat("a", cache.KeyBytesMax/2), "")
	f("/"+strings.Repeat("a", cache.KeyBytesMax), "key")
	f("/?"+strings.Repeat("a", cache.KeyBytesMax), "key")
	f("/?"+strings.Repeat("a&", cache.ParametersMax-1)+"a", "")
	f("/?"+strings.Repeat("a&", cache.ParametersMax)+"a", "key")
	f("/?"+strings.Repeat("gclid&", cache.ParametersMax+5)+"a", "") // what does not count is not sorted
}

// TestFillSendsTheKey: what is not in the key does not reach the origin, so that an answer cannot depend on it.
func TestFillSendsTheKey(t *testing.T) {
	f := func(text, want string, changes ...func(*setup)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			p := open(t, changes...)
			p.origin.says("200\nCache-Control: max-age=60\n\nhello")
			if g := p.ask(text); g.String() != "200 miss stored" {
				t.Errorf("%q: %s", text, g)
			}
			if got := p.origin.last(); got != want {
				t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
			}
		})
	}
	f(request("GET", "/a/../b?b=1&utm_source=x&a=2", "Accept: */*"), "GET /b?a=2&b=1\nHost: shop.example.com\nAccept: */*\n")
	f(request("GET", "/a", "Cookie: _ga=1; consent=all"), "GET /a\nHost: shop.example.com\n")
	f(request("GET", "/a", "Cookie: _ga=1; lang=en; b=2", "Accept: */*"), "GET /a\nHost: shop.example.com\nAccept: */*\nCookie: lang=en; b=2\n",
		with(func(c *spec.Cache) { c.Key.Cookies = []string{"b", "lang"} }))
	f(request("GET", "/a", "If-None-Match: \"a\"", "If-Modified-Since: x", "If-Range: \"a\"", "Range: bytes=0-1"),
		"GET /a\nHost: shop.example.com\n")
	f(request("GET", "/a", "Cache-Control: no-cache", "Pragma: no-cache"), "GET /a\nHost: shop.example.com\n")
	f(request("GET", "/a", "Cache-Control: max-age=0", "Cookie: session=1"), "GET /a\nHost: shop.example.com\nCache-Control: max-age=0\nCookie: session=1\n", standard)
	f("GET /a HTTP/1.1\nHost: shop.example.com:443\n", "GET /a\nHost: shop.example.com\n")
	f(request("GET", "/a?gclid=1"), "GET /a\nHost: shop.example.com\n")
}
