package cache_test

import (
	"fmt"
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

// either answers a request with a condition with one text, and others with another.
func either(conditional, others string) func(x *exchange.Exchange) exchange.Verdict {
	return func(x *exchange.Exchange) exchange.Verdict {
		if x.Req.Fields.Get(exchange.NameIfNoneMatch) != nil || x.Req.Fields.Get(exchange.NameIfModifiedSince) != nil {
			return say(x, conditional)
		}
		return say(x, others)
	}
}

const tagged = "200\nCache-Control: max-age=60\nETag: \"a\"\nX-Old: 1\n\nold"

// TestRenew: after a 304 what is stored holds again, under its new head (RFC 9111 section 4.3.4).
func TestRenew(t *testing.T) {
	play(t, "", func(s *script) {
		s.p.origin.does(either("304\nCache-Control: max-age=100\nETag: \"a\"\nX-New: 2\nAge: 5", tagged))
		s.ask("200 miss stored", "/a")
		time.Sleep(61 * time.Second)
		g := s.ask("200 revalidated", "/a")
		if g.Body != "old" || g.field("X-New") != "2" || g.field("X-Old") != "1" || g.field("Age") != "5" {
			t.Errorf("%s", g.Recorder)
		}
		if g.field("Cache-Status") != "skerry; fwd=stale; fwd-status=304; ttl=95" {
			t.Errorf("Cache-Status: %s", g.field("Cache-Status"))
		}
		if last := s.p.origin.last(); last != "GET /a\nHost: shop.example.com\nIf-None-Match: \"a\"\n" {
			t.Errorf("asked %q", last)
		}
		time.Sleep(90 * time.Second)
		g = s.ask("200 hit", "/a")
		if n := strings.Count(g.Head, "Age:"); n != 1 || g.field("Age") != "95" || g.field("X-New") != "2" {
			t.Errorf("%d ages: %s", n, g.Recorder)
		}
		if n := s.p.metric("skerry_cache_objects"); n != 1 {
			t.Errorf("%v objects", n)
		}
	})
}

// TestRenewForACrowd: all who waited get what was renewed, by one request.
func TestRenewForACrowd(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.does(either("", tagged))
		p.get("/a")
		time.Sleep(61 * time.Second)
		h := newHold("304\nCache-Control: max-age=100\nETag: \"a\"")
		p.origin.does(h.answer)
		all := p.crowd(20, request("GET", "/a"))
		close(h.free)
		for _, q := range all {
			if g := q.answer(); g.facts.Outcome != exchange.CacheRevalidated || g.Body != "old" {
				t.Errorf("%s %q", g, g.Body)
			}
		}
		if p.origin.asked() != 2 {
			t.Errorf("asked %d times", p.origin.asked())
		}
	})
}

// TestRenewDates: a validator may also be Last-Modified, and both are sent.
func TestRenewDates(t *testing.T) {
	f := func(head, want string) {
		t.Helper()
		play(t, "200\nCache-Control: max-age=60\n"+head+"\n\nold", func(s *script) {
			s.ask("200 miss stored", "/a", "If-None-Match: \"client\"")
			time.Sleep(61 * time.Second)
			s.ask("200 miss stored", "/a", "If-None-Match: \"client\"")
			if last := s.p.origin.last(); last != "GET /a\nHost: shop.example.com\n"+want {
				t.Errorf("%q: asked %q", head, last)
			}
		})
	}
	f("ETag: \"a\"", "If-None-Match: \"a\"\n")
	f("Last-Modified: Fri, 31 Dec 1999 00:00:00 GMT", "If-Modified-Since: Fri, 31 Dec 1999 00:00:00 GMT\n")
	f("ETag: W/\"a\"\nLast-Modified: Fri, 31 Dec 1999 00:00:00 GMT", "If-None-Match: W/\"a\"\nIf-Modified-Since: Fri, 31 Dec 1999 00:00:00 GMT\n")
	f("X-None: 1", "")
}

// TestRenewInVain: a 304 that does not make what is stored hold again. What is asked for then is the whole.
func TestRenewInVain(t *testing.T) {
	f := func(what, reply, want, then string, asked int) {
		t.Helper()
		play(t, "", func(s *script) {
			s.p.origin.does(either(reply, tagged))
			s.ask("200 miss stored", "/a", "Accept: a")
			time.Sleep(61 * time.Second)
			s.p.origin.does(either(reply, strings.Replace(tagged, "\n\nold", "\n\nnew", 1)))
			if g := s.ask(want, "/a", "Accept: a"); strings.Contains(want, "miss") && g.Body != "new" {
				t.Errorf("%s: got %q", what, g.Body)
			}
			if n := s.p.origin.asked(); n != asked {
				t.Errorf("%s: asked %d times, want %d", what, n, asked)
			}
			s.ask(then, "/a", "Accept: b")
		})
	}
	f("another tag", "304\nETag: \"b\"", "200 miss stored", "200 hit", 3)
	f("the tag, weak", "304\nETag: W/\"a\"\nCache-Control: max-age=60", "200 revalidated", "200 hit", 2)
	f("another Vary", "304\nETag: \"a\"\nCache-Control: max-age=60\nVary: Accept", "200 miss stored", "200 hit", 3)
	f("Vary that nothing matches", "304\nETag: \"a\"\nCache-Control: max-age=60\nVary: *", "200 revalidated", "200 miss stored", 2)
	f("no-store", "304\nETag: \"a\"\nCache-Control: no-store", "200 revalidated", "200 miss stored", 2)
	f("Set-Cookie", "304\nETag: \"a\"\nSet-Cookie: a=b\nCache-Control: max-age=60", "200 revalidated", "200 miss stored", 2)
}

// TestRenewStrips: what a 304 says is not for caches is not kept.
func TestRenewStrips(t *testing.T) {
	play(t, "", func(s *script) {
		s.p.origin.does(either("304\nETag: \"a\"\nCache-Control: max-age=60, no-cache=\"x-once\"\nX-Once: 1", tagged))
		s.ask("200 miss stored", "/a")
		time.Sleep(61 * time.Second)
		s.ask("200 revalidated", "/a")
		if g := s.ask("200 hit", "/a"); g.field("X-Once") != "" || g.field("Date") == "" {
			t.Errorf("%s", g.Recorder)
		}
	})
}

// TestPurgeWhileRenewed: what was purged while the origin was asked does not come back.
func TestPurgeWhileRenewed(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.does(either("", tagged))
		p.get("/a")
		time.Sleep(61 * time.Second)
		h := newHold("304\nETag: \"a\"\nCache-Control: max-age=60")
		p.origin.does(h.answer)
		q := p.crowd(1, request("GET", "/a"))[0]
		p.purge(storage.Purge{Kind: storage.PurgeURL, Host: "shop.example.com", Value: "/a"})
		p.origin.says(page)
		close(h.free)
		if g := q.answer(); g.Body != "hello" || g.facts.Outcome != exchange.CacheMiss {
			t.Errorf("%s %q", g, g.Body)
		}
	})
}

// TestReplace: an answer that is no 304 takes the place of what is stale.
func TestReplace(t *testing.T) {
	play(t, tagged, func(s *script) {
		s.ask("200 miss stored", "/a")
		time.Sleep(61 * time.Second)
		s.p.origin.says(strings.Replace(tagged, "old", "new", 1))
		if g := s.ask("200 miss stored", "/a"); g.Body != "new" || g.field("Cache-Status") != "skerry; fwd=stale; stored" {
			t.Errorf("%s", g.Recorder)
		}
		s.ask("200 hit", "/a")
		if n := s.p.metric("skerry_cache_objects"); n != 1 {
			t.Errorf("%v objects", n)
		}
	})
}

// TestStaleWhileRevalidate: a stale answer is given at once, and a new one fetched behind it, once.
func TestStaleWhileRevalidate(t *testing.T) {
	f := func(says string, changes ...func(*setup)) {
		t.Helper()
		bubble(t, func(t *testing.T, p *place) {
			s := &script{t, p}
			p.origin.says(says)
			s.ask("200 miss stored", "/a")
			time.Sleep(61 * time.Second)
			h := newHold(strings.Replace(says, "old", "new", 1))
			p.origin.does(h.answer)
			for range 10 {
				g := s.ask("200 stale", "/a")
				if g.Body != "old" || g.field("Age") != "61" || g.field("Cache-Status") != "skerry; hit; ttl=-1" {
					t.Errorf("%s", g.Recorder)
				}
			}
			synctest.Wait()
			if n := p.origin.asked(); n != 2 {
				t.Errorf("asked %d times", n)
			}
			close(h.free)
			synctest.Wait()
			if g := s.ask("200 hit", "/a"); g.Body != "new" {
				t.Errorf("%s", g.Recorder)
			}
			time.Sleep(60*time.Second + 31*time.Second) // beyond the window
			s.ask("200 miss stored", "/a")
		}, changes...)
	}
	f("200\nCache-Control: max-age=60, stale-while-revalidate=30\n\nold")
	f("200\nCache-Control: max-age=60\n\nold", with(func(c *spec.Cache) { c.Stale.WhileRevalidate = 30 * time.Second }))
}

// TestStaleForCertificate: so it is for who showed a certificate, of which the service would be told.
func TestStaleForCertificate(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.says("200\nCache-Control: public, max-age=60, stale-while-revalidate=30\n\nold")
		ask := func(want string, shown bool) {
			t.Helper()
			x := begin(request("GET", "/a"))
			if shown {
				x.Req.Fields.Add(exchange.NameClientCert, []byte(":MTIz:"))
				x.Req.Fields.Add(exchange.NameClientCertChain, []byte(":NDU2:"))
			} else {
				x.Conn.TLS = nil
			}
			if g := p.run(p.path, x, newClient()); g.String() != want {
				t.Errorf("got %q, want %q", g, want)
			}
		}
		ask("200 miss stored", false)
		time.Sleep(61 * time.Second)
		ask("200 stale", true)
		synctest.Wait()
		if last := p.origin.last(); p.origin.asked() != 2 || strings.Contains(last, "Client-Cert") {
			t.Errorf("asked %d times, the last time %q", p.origin.asked(), last)
		}
	}, func(s *setup) { s.policy.TLS = &spec.TLS{ClientCertificates: spec.ClientAuthOptional} })
}

// TestStaleForIdentified: a public stale answer is given to who says who asks, and the new one is fetched without it.
func TestStaleForIdentified(t *testing.T) {
	play(t, "200\nCache-Control: public, max-age=60, stale-while-revalidate=30\n\nold", func(s *script) {
		s.ask("200 miss stored", "/a")
		time.Sleep(61 * time.Second)
		s.ask("200 stale", "/a", "Cookie: session=1", "Authorization: a")
		synctest.Wait()
		if last := s.p.origin.last(); strings.Contains(last, "session") || strings.Contains(last, "Authorization") {
			t.Errorf("asked %q", last)
		}
		s.ask("200 hit", "/a")
	})
}

// TestStaleBehindFails: what cannot be fetched behind it leaves the stale answer as it is.
func TestStaleBehindFails(t *testing.T) {
	play(t, "200\nCache-Control: max-age=60, stale-while-revalidate=30\n\nold", func(s *script) {
		s.ask("200 miss stored", "/a")
		time.Sleep(61 * time.Second)
		s.p.origin.does(func(x *exchange.Exchange) exchange.Verdict { return x.Fail(fault.New(fault.OriginClosed, "down")) })
		for i := range 3 {
			s.ask("200 stale", "/a")
			synctest.Wait()
			if n := s.p.origin.asked(); n != i+2 {
				t.Errorf("asked %d times", n)
			}
		}
	})
}

// TestStaleIfError: where the origin fails, by a fault or a status, a stale answer is better than none, if that may be.
func TestStaleIfError(t *testing.T) {
	down := func(x *exchange.Exchange) exchange.Verdict {
		return x.Fail(fault.New(fault.OriginTimeout, "the origin of a test is silent"))
	}
	status := func(code int) func(x *exchange.Exchange) exchange.Verdict {
		return func(x *exchange.Exchange) exchange.Verdict {
			return say(x, fmt.Sprintf("%d\nCache-Control: no-store\n\nerror", code))
		}
	}
	f := func(says string, fails func(x *exchange.Exchange) exchange.Verdict, after time.Duration, want string, changes ...func(*setup)) {
		t.Helper()
		play(t, says, func(s *script) {
			s.ask("200 miss stored", "/a")
			time.Sleep(after)
			s.p.origin.does(fails)
			g := s.ask(want, "/a")
			if stale := g.Body == "old"; stale != strings.Contains(want, "stale") || stale != strings.HasSuffix(g.field("Cache-Status"), "; detail=origin") {
				t.Errorf("got %q, Cache-Status: %s", g.Body, g.field("Cache-Status"))
			}
			if s.p.origin.asked() != 2 {
				t.Errorf("asked %d times", s.p.origin.asked())
			}
		}, changes...)
	}
	const says = "200\nCache-Control: max-age=60, stale-if-error=30\n\nold"
	f(says, down, 80*time.Second, "200 stale origin")
	f(says, down, 100*time.Second, "504 miss")
	for _, code := range []int{500, 502, 503, 504} {
		f(says, status(code), 80*time.Second, "200 stale origin")
		f(says, status(code), 100*time.Second, fmt.Sprintf("%d miss no-store", code))
	}
	f(says, status(404), 80*time.Second, "404 miss no-store")
	f(says, status(501), 80*time.Second, "501 miss no-store")
	f("200\nCache-Control: max-age=60, must-revalidate, stale-if-error=30\n\nold", down, 80*time.Second, "504 miss")
	f("200\nCache-Control: max-age=60\nETag: \"a\"\n\nold", down, 80*time.Second, "200 stale origin",
		with(func(c *spec.Cache) { c.Stale.IfError = time.Hour }))
	f("200\nCache-Control: max-age=60\nETag: \"a\"\n\nold", status(500), 80*time.Second, "500 miss no-store")
}

// TestSoftPurge: what is softened is stale at once: it is renewed, or given where the origin fails.
func TestSoftPurge(t *testing.T) {
	soft := storage.Purge{Kind: storage.PurgeAll, Soft: true}
	play(t, "", func(s *script) {
		s.p.origin.does(either("304\nETag: \"a\"\nCache-Control: max-age=60", tagged))
		s.ask("200 miss stored", "/a")
		s.ask("200 hit", "/a")
		s.p.purge(soft)
		s.ask("200 revalidated", "/a")
		s.ask("200 hit", "/a")
	})
	play(t, "200\nCache-Control: max-age=60, stale-while-revalidate=30, stale-if-error=30\n\nold", func(s *script) {
		s.ask("200 miss stored", "/a")
		s.p.purge(soft)
		s.p.origin.does(func(x *exchange.Exchange) exchange.Verdict { return x.Fail(fault.New(fault.OriginClosed, "down")) })
		s.ask("200 stale", "/a")
		synctest.Wait()
		s.p.purge(storage.Purge{Kind: storage.PurgeAll})
		s.ask("502 miss", "/a")
	})
	// Softened long before its end, and the origin fails: it may be given for as long as if it had become stale then.
	play(t, "200\nCache-Control: max-age=600, stale-if-error=30\n\nold", func(s *script) {
		s.ask("200 miss stored", "/a")
		s.p.purge(soft)
		s.p.origin.does(func(x *exchange.Exchange) exchange.Verdict { return x.Fail(fault.New(fault.OriginClosed, "down")) })
		s.ask("200 stale origin", "/a")
	})
}

// purge purges.
func (p *place) purge(what storage.Purge) {
	p.t.Helper()
	if err := cache.PurgeOf(p.keep, what); err != nil {
		p.t.Fatal(err)
	}
}
