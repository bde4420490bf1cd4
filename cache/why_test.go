package cache_test

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// why asks what a request would get, and holds the outcome and its reason.
func (s *script) why(want, text string) cache.Why {
	s.t.Helper()
	x := begin(text)
	defer x.Release()
	w := s.p.keep.Why(s.p.setup.label, x)
	if got := strings.TrimSpace(w.Outcome + " " + w.Why); got != want {
		s.t.Errorf("%.100q: would get %q, want %q; %s", text, got, want, w.Says)
	}
	if said := strings.TrimSpace(w.Says); said == "" || strings.HasSuffix(said, ":") {
		s.t.Errorf("%.100q: %s, and in words %q", text, want, w.Says)
	}
	return w
}

// inForce makes the place's stage one of the plan in force, which Why, Purge and Resume look at.
func (s *script) inForce() { s.p.keep.Use([]*cache.Stage{s.p.stage}) }

// TestWhyIsWhatHappens: each outcome that Why foretells is what such a request then gets, for each reason to pass; asking neither asks the
// origin nor counts anything.
func TestWhyIsWhatHappens(t *testing.T) {
	f := func(want, happens, says string, before func(s *script), text string, changes ...func(*setup)) {
		t.Helper()
		play(t, says, func(s *script) {
			s.inForce()
			before(s)
			asked, counted := s.p.origin.asked(), s.p.metric("skerry_cache_requests_total")+s.p.metric("skerry_cache_suspects_total")
			s.why(want, text)
			if n := s.p.origin.asked(); n != asked {
				t.Errorf("%s: the origin was asked", want)
			}
			if n := s.p.metric("skerry_cache_requests_total") + s.p.metric("skerry_cache_suspects_total"); n != counted {
				t.Errorf("%s: something was counted", want)
			}
			if g := s.p.ask(text); g.String() != happens {
				t.Errorf("would get %q, and gets %q, want %q", want, g, happens)
			}
			synctest.Wait()
		}, changes...)
	}
	nothing := func(*script) {}
	stored := func(s *script) { s.p.get("/a") }
	later := func(d time.Duration) func(s *script) {
		return func(s *script) { s.p.get("/a"); time.Sleep(d) }
	}
	purged := func(soft bool) func(s *script) {
		return func(s *script) {
			s.p.get("/a")
			s.p.purge(storage.Purge{Kind: storage.PurgeAll, Soft: soft})
		}
	}
	const while = "200\nCache-Control: max-age=60, stale-while-revalidate=60\n\nx"
	get := func(lines ...string) string { return request("GET", "/a", lines...) }

	f("miss", "200 miss stored", page, nothing, get())
	f("hit", "200 hit", page, stored, get())
	f("hit", "200 hit", page, stored, request("HEAD", "/a"))
	f("hit", "200 hit", page, stored, get("X-Evil: 1"))
	f("stale", "200 stale", while, later(61*time.Second), get())
	f("validate", "200 miss stored", while, later(121*time.Second), get())
	f("validate", "200 miss stored", page, later(61*time.Second), get())
	f("validate", "200 miss stored", page, purged(true), get())
	f("stale", "200 stale", while, purged(true), get())
	f("miss", "200 miss stored", page, purged(false), get())
	f("hit", "200 hit", page, stored, get("Cache-Control: no-cache"))
	f("validate", "200 miss stored", page, stored, get("Cache-Control: no-cache"), standard)

	f("pass override", "200 pass override", page, nothing, get("X-HTTP-Method-Override: PUT"))
	f("pass override", "200 pass override", page, stored, get("X-HTTP-Method-Override: PUT"))
	f("pass key", "200 pass key", page, nothing, request("GET", "/?"+strings.Repeat("a", cache.KeyBytesMax)))
	f("pass identified", "200 pass identified", page, nothing, get("Cookie: session=1"))
	f("pass identified", "200 pass identified", page, stored, get("Authorization: Basic x"))
	f("hit", "200 hit", strings.Replace(page, "max-age", "public, max-age", 1), stored, get("Cookie: session=1"))
	f("pass unkeyed-field", "200 pass unkeyed-field", page, nothing, get("X-Evil: 1"))
	f("pass request-no-store", "200 pass request-no-store", page, nothing, get("Cache-Control: no-store"))
	f("pass range", "200 pass range", page, nothing, get("Range: bytes=0-1,5-6"))
	f("pass method", "200 pass method", page, nothing, request("HEAD", "/a"))
	f("pass marked", "200 pass no-store", "200\nCache-Control: no-store\n\nx", stored, get())
	f("miss no-store", "200 miss no-store", "200\nCache-Control: no-store\n\nx", later(cache.MarkTime+time.Second), get())
}

// TestWhyNotStored: each reason for which an answer was not stored is what Why then names, in words too, first beside the mark, then alone.
func TestWhyNotStored(t *testing.T) {
	f := func(why, says string, changes ...func(*setup)) {
		t.Helper()
		play(t, says, func(s *script) {
			s.inForce()
			s.p.get("/a?b=1", "Origin: https://evil.example", "Authorization: x")
			w := s.why("pass marked", request("GET", "/a?b=1", "Origin: https://evil.example", "Authorization: x"))
			if !w.Marked || w.Last == nil || w.Last.Why != why || w.Last.Count != 1 || w.Last.URL != "https://shop.example.com/a?b=1" {
				t.Errorf("%s: marked %v, last %+v", why, w.Marked, w.Last)
			}
			marked, last, ok := strings.Cut(w.Says, ": ")
			if words := cache.Reasons[why]; !ok || words == "" || last != words || !strings.Contains(marked, "two minutes") {
				t.Errorf("%s: in words %q", why, w.Says)
			}
			time.Sleep(cache.MarkTime + time.Second)
			if w = s.why("miss "+why, request("GET", "/a?b=1")); w.Marked || !strings.HasSuffix(w.Says, "the last time it was not stored: "+cache.Reasons[why]) {
				t.Errorf("%s: in words %q", why, w.Says)
			}
		}, append([]func(*setup){with(func(c *spec.Cache) { c.Identity.Headers = []string{"authorization"} })}, changes...)...)
	}
	f("status", "429\nCache-Control: max-age=60\n\nx")
	f("no-store", "200\nCache-Control: no-store\n\nx")
	f("private", "200\nCache-Control: private\n\nx")
	f("set-cookie", "200\nCache-Control: max-age=60\nSet-Cookie: a=b\n\nx")
	f("vary", "200\nCache-Control: max-age=60\nVary: *\n\nx")
	f("groups", "200\nCache-Control: max-age=60\nSurrogate-Key:"+strings.Repeat(" g", 1001)+"\n\nx")
	f("no-freshness", "200\n\nx")
	f("stale", "200\nCache-Control: max-age=60\nAge: 61\n\nx")
	f("too-large", "200\nCache-Control: max-age=60\n\n"+strings.Repeat("x", 1001), with(func(c *spec.Cache) { c.ObjectMax = 1000 }))
	f("cors", "200\nCache-Control: max-age=60\nAccess-Control-Allow-Origin: https://evil.example\n\nx")
	f("authorization", "200\nCache-Control: max-age=60\n\nx", standard)
}

// TestWhyOfAnswersOnTheWay: what waited too long, was purged while it came, or found no memory is told by its reason.
func TestWhyOfAnswersOnTheWay(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		s := &script{t, p}
		s.inForce()
		h := newHold(page)
		p.origin.does(h.answer)
		q := p.start(request("GET", "/a"))
		synctest.Wait()
		s.why("miss", request("GET", "/a"))
		p.origin.says(page)
		s.ask("200 pass busy collapsed", "/a")
		s.why("miss busy", request("GET", "/a"))
		p.purge(storage.Purge{Kind: storage.PurgeURL, Host: "shop.example.com", Value: "/a"})
		close(h.free)
		if g := q.answer(); g.String() != "200 miss purged" {
			t.Error(g)
		}
		if w := s.why("miss purged", request("GET", "/a")); w.Last.Count != 3 {
			t.Errorf("%+v", w.Last)
		}
	}, with(func(c *spec.Cache) { c.Collapse = time.Second }))
}

// TestReasonsAreDocumented: doc.go and the words that Why uses name the same reasons, those of package freshness aside, which have words too.
func TestReasonsAreDocumented(t *testing.T) {
	file, err := os.Open("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	documented, list := map[string]bool{}, false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		list = list || lines.Text() == "// # Reasons"
		if word, what, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "//\t"), " "); list && ok && strings.HasPrefix(lines.Text(), "//\t") {
			if documented[word] = true; strings.TrimSpace(what) == "" {
				t.Errorf("%s is not explained", word)
			}
		}
	}
	if len(documented) < 15 {
		t.Errorf("doc.go has %d reasons", len(documented))
	}
	for _, why := range slices.Sorted(maps.Keys(documented)) {
		if cache.Reasons[why] == "" {
			t.Errorf("%s has no words", why)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(cache.Reasons)) {
		if !documented[why] && !slices.Contains(cache.FreshnessReasons, why) {
			t.Errorf("%s is not in doc.go", why)
		}
	}
	for _, why := range cache.FreshnessReasons {
		if cache.Reasons[why] == "" {
			t.Errorf("%s, of package freshness, has no words", why)
		}
	}
}

// TestWhyOfRoutes: a route that nobody has asked for yet, one without a cache, and one that is not in the plan.
func TestWhyOfRoutes(t *testing.T) {
	play(t, page, func(s *script) {
		none := s.why("none", request("GET", "/a"))
		if none.Mode != "off" || none.Says != "the route has no cache" {
			t.Errorf("without a plan: %+v", none)
		}
		s.inForce()
		// Every way to a reason, on a route that has counted nothing: it has no metrics yet.
		s.why("pass override", request("GET", "/a", "X-Rewrite-URL: /b"))
		s.why("pass key", request("GET", "/"+strings.Repeat("a", cache.KeyBytesMax)))
		s.why("pass unkeyed-field", request("GET", "/a", "X-Evil: 1"))
		s.why("pass identified", request("GET", "/a", "Cookie: session=1"))
		w := s.why("miss", request("GET", "/a"))
		if w.Mode != "private" || w.Route != "shop/home" || w.Last != nil || w.Marked || len(w.Stored) > 0 {
			t.Errorf("%+v", w)
		}
		if got := s.p.keep.Stats(); len(got.Routes) != 1 || got.Routes[0].Route != "shop/home" || got.HitRatio != 0 {
			t.Errorf("%+v", got)
		}
		s.p.keep.Use(nil)
		s.why("none", request("GET", "/a"))
	})
	play(t, page, func(s *script) {
		s.inForce()
		if w := s.why("miss", request("GET", "/a")); w.Mode != "standard" {
			t.Errorf("%+v", w)
		}
	}, standard)
}

// TestWhyShows: the parts of the key without what is secret, and what is stored for it.
func TestWhyShows(t *testing.T) {
	key := func(w cache.Why) (text string) {
		for _, part := range w.Key {
			text += part.Name + "=" + part.Value + "; "
		}
		return text
	}
	play(t, "", func(s *script) {
		s.inForce()
		s.p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			return say(x, "200\nCache-Control: public, max-age=60\nVary: Accept-Language\nETag: \"1\"\nSurrogate-Key: a b\nAge: 5\n\nhello")
		})
		lines := []string{"Accept-Language: de", "Cookie: lang=de; _ga=1", "Authorization: hunter2", "X-Site: blue"}
		s.ask("200 miss stored", "/a?b=1&a=2&utm_x=3", lines...)
		time.Sleep(10 * time.Second)
		w := s.why("hit", request("GET", "/a?b=1&a=2&utm_x=3", lines...))
		if got := key(w); !strings.HasPrefix(got, "scheme=https; host=shop.example.com; path=/a; query=a=2&b=1; method=GET; header x-site=blue; "+
			"header authorization=(7 bytes, not shown); cookies=lang (2 bytes); route=shop/home ") || strings.Contains(got, "hunter2") {
			t.Errorf("key: %s", got)
		}
		if len(w.Stored) != 1 {
			t.Fatalf("%+v", w.Stored)
		}
		o := w.Stored[0]
		if o.Purge == 0 || slices.Compare(o.Groups, []string{"a", "b"}) != 0 {
			t.Errorf("%+v", o)
		}
		o.Purge, o.Groups = 0, nil
		if want := (cache.Stored{Fits: true, Status: 200, Age: 15, TTL: 45, Size: 5, On: "memory", Vary: "Accept-Language", Tag: "\"1\"", Shareable: true}); !same(o, want) {
			t.Errorf("got  %+v\nwant %+v", o, want)
		}
		lines[0] = "Accept-Language: en"
		if w = s.why("miss", request("GET", "/a?b=1&a=2", lines...)); len(w.Stored) != 1 || w.Stored[0].Fits {
			t.Errorf("%+v", w.Stored)
		}
		s.ask("200 miss stored", "/a?b=1&a=2", lines...)
		s.p.purge(storage.Purge{Kind: storage.PurgeGroup, Value: "b", Soft: true})
		time.Sleep(50 * time.Second)
		w = s.why("validate", request("GET", "/a?b=1&a=2", lines...))
		if len(w.Stored) != 2 || !w.Stored[0].Fits || w.Stored[1].Fits || !w.Stored[0].Softened || !w.Stored[1].Softened || w.Stored[1].TTL != -5 {
			t.Errorf("%+v", w.Stored)
		}
		w = s.why("miss", request("GET", "/a"))
		if got := key(w); !strings.Contains(got, "; query=; method=GET; header x-site=(none); header authorization=(none); cookies=(none); ") {
			t.Errorf("key: %s", got)
		}
	}, with(func(c *spec.Cache) {
		c.Key.Headers, c.Key.Cookies, c.Identity.Headers = []string{"x-site"}, []string{"lang"}, []string{"authorization"}
	}))
}

// same compares what is stored but for its lists.
func same(a, b cache.Stored) bool {
	a.Groups, b.Groups = nil, nil
	return a.Fits == b.Fits && a.Status == b.Status && a.Age == b.Age && a.TTL == b.TTL && a.Size == b.Size && a.On == b.On && a.Vary == b.Vary &&
		a.Coding == b.Coding && a.Tag == b.Tag && a.Softened == b.Softened && a.Shareable == b.Shareable && a.Purge == b.Purge
}

// TestWhyOnDisk: a body that lies below memory is told to lie there.
func TestWhyOnDisk(t *testing.T) {
	play(t, "200\nCache-Control: max-age=60\nContent-Encoding: br\n\n"+strings.Repeat("x", 100<<10), func(s *script) {
		s.inForce()
		s.ask("200 miss stored", "/a")
		w := s.why("hit", request("GET", "/a"))
		if len(w.Stored) != 1 || w.Stored[0].On != "disk" || w.Stored[0].Size != 100<<10 || w.Stored[0].Coding != "br" {
			t.Errorf("%+v", w.Stored)
		}
	}, onDisk(t), func(s *setup) { s.options.Bytes = 1 << 20 })
}

// leaky is a place whose page greets who asks, and whose probe has found that.
func leaky(t *testing.T, f func(s *script)) {
	t.Helper()
	bubble(t, func(t *testing.T, p *place) {
		s := &script{t, p}
		p.origin.does(greets)
		s.inForce()
		time.Sleep(leakMax)
		if cache.LeakOf(p.stage) == nil {
			t.Fatal("the leak was not found")
		}
		f(s)
	}, standard, probed(t, "anna", "bert"))
}

// TestResume: a route that leaked uses the cache again when somebody says so, and is watched as before.
func TestResume(t *testing.T) {
	leaky(t, func(s *script) {
		keep := s.p.keep
		w := s.why("pass leak", request("GET", "/other"))
		if w.Leak == nil || w.Leak.URL != "shop.example.com/me?x=1" || w.Says != cache.Reasons["leak"] {
			s.t.Errorf("%+v", w)
		}
		if r := keep.Stats().Routes; len(r) != 1 || r[0].Leak == nil || r[0].Leak.Text != w.Leak.Text {
			s.t.Errorf("%+v", r)
		}
		s.ask("200 pass leak", "/other")
		for _, label := range []string{"", "shop", "shop/cart", "SHOP/HOME"} {
			if leak, err := keep.Resume(label); fault.Of(err) != fault.NoRoute || leak != nil {
				s.t.Errorf("%q: %v, %v", label, leak, err)
			}
		}
		s.ask("200 pass leak", "/other")
		s.p.origin.says(page) // it was mended
		if leak, err := keep.Resume("shop/home"); err != nil || leak == nil || leak.URL != w.Leak.URL || leak.Time.IsZero() {
			s.t.Errorf("%+v, %v", leak, err)
		}
		if leak, err := keep.Resume("shop/home"); err != nil || leak != nil {
			s.t.Errorf("again: %+v, %v", leak, err)
		}
		s.ask("200 miss stored", "/other")
		s.ask("200 hit", "/other")
		time.Sleep(2 * leakMax)
		s.ask("200 hit", "/other")
		s.p.origin.does(greets) // and broken again
		time.Sleep(time.Minute + leakMax)
		s.ask("200 pass leak", "/other")
		if n := s.p.metric("skerry_cache_leaks_total"); n != 2 {
			s.t.Errorf("%v leaks are counted", n)
		}
		keep.Use(nil)
		if _, err := keep.Resume("shop/home"); fault.Of(err) != fault.NoRoute {
			s.t.Errorf("a route that is gone: %v", err)
		}
	})
}
