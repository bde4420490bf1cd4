package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

const page = "200\nCache-Control: max-age=60\nContent-Type: text/html\n\nhello"

// script runs lines of "target, fields… → outcome" at one place: each is asked in turn.
type script struct {
	t *testing.T
	p *place
}

// ask sends a request and holds what became of it.
func (s *script) ask(want, target string, lines ...string) *got {
	s.t.Helper()
	g := s.p.get(target, lines...)
	if g.String() != want {
		s.t.Errorf("%s %q: got %q, want %q", target, lines, g, want)
	}
	return g
}

// play opens a place whose origin says something, in a bubble.
func play(t *testing.T, says string, f func(s *script), changes ...func(*setup)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, changes...)
		p.origin.says(says)
		f(&script{t, p})
	})
}

// TestIdentifiedIsPrivate: what a request that says who asks brought is nobody else's, and it gets nothing that was not meant for
// everybody.
func TestIdentifiedIsPrivate(t *testing.T) {
	f := func(lines ...string) {
		t.Helper()
		play(t, page, func(s *script) {
			s.ask("200 pass identified", "/a", lines...)
			s.ask("200 miss stored", "/a")
			s.ask("200 hit", "/a")
			if g := s.ask("200 pass identified", "/a", lines...); g.field("Cache-Status") != "skerry; fwd=bypass; detail=identified" {
				t.Errorf("Cache-Status: %s", g.field("Cache-Status"))
			}
			for _, line := range lines { // the service must learn who asks
				if name, value, _ := strings.Cut(line, ": "); !strings.Contains(s.p.origin.last(), name+": "+value) {
					t.Errorf("%q did not reach the origin: %q", line, s.p.origin.last())
				}
			}
			s.ask("200 hit", "/a")
		})
		play(t, strings.ReplaceAll(page, "max-age", "public, max-age"), func(s *script) {
			s.ask("200 pass identified", "/a", lines...)
			s.ask("200 miss stored", "/a")
			s.ask("200 hit", "/a", lines...)
		})
	}
	f("Authorization: Basic YTpi")
	f("Authorization: Bearer x", "Cookie: _ga=1")
	f("Cookie: session=1")
	f("Cookie: _ga=1; session=1")
	f("Cookie: session=1;")
	f("Cookie: =secret")
	f("Cookie: secret")
	f("Cookie: _ga =1; =x")
	f("Cookie: Consent=1") // names have case
	f("Cookie: consent2=1")
	f("Cookie: consent=1", "Cookie: session=1")
	f("Cookie: session=1", "Cookie: consent=1")
	f("Cookie: " + strings.Repeat("_ga=1; ", cache.CookiesMax) + "_ga=1")
}

// TestAnonymous: cookies that say nothing of who asks change nothing.
func TestAnonymous(t *testing.T) {
	f := func(lines ...string) {
		t.Helper()
		play(t, page, func(s *script) {
			s.ask("200 miss stored", "/a", lines...)
			s.ask("200 hit", "/a")
			s.ask("200 hit", "/a", lines...)
			if strings.Contains(s.p.origin.last(), "Cookie") {
				t.Errorf("a fill had a cookie: %q", s.p.origin.last())
			}
		})
	}
	f()
	f("Cookie: _ga=1")
	f("Cookie: _ga_XYZ=1; consent=all;  _ga=2")
	f("Cookie: ; _ga=1;; ")
	f("Cookie:")
	f("Cookie: " + strings.Repeat("_ga=1; ", cache.CookiesMax-1) + "_ga=1")
	f("Cookie: _ga=1", "Cookie: consent=1")
	f("User-Agent: x", "Accept: */*", "Sec-CH-UA: x", "Sec-CH-Device-Memory: 8", "Sec-Fetch-Mode: cors", "Sec-Purpose: prefetch", "Save-Data: on", "DNT: 1", "Referer: /b")
}

// TestClientCertificate: where the host asks for certificates, a connection says who asks.
func TestClientCertificate(t *testing.T) {
	f := func(mode spec.ClientAuth, plain bool, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			p := open(t, func(s *setup) { s.policy.TLS = &spec.TLS{ClientCertificates: mode} })
			p.origin.says(page)
			x := begin(request("GET", "/a"))
			if plain {
				x.Conn.TLS = nil
			}
			if g := p.run(p.path, x, newClient()); g.String() != want {
				t.Errorf("%q, plain %v: got %q, want %q", mode, plain, g, want)
			}
		})
	}
	f("", false, "200 miss stored")
	f(spec.ClientAuthOff, false, "200 miss stored")
	f(spec.ClientAuthRequired, false, "200 pass identified")
	f(spec.ClientAuthOptional, false, "200 pass identified")
	f(spec.ClientAuthOptional, true, "200 miss stored")
}

// TestIdentityInTheKey: with it, answers are shared among requests of one identity and no others.
func TestIdentityInTheKey(t *testing.T) {
	mine := func(x *exchange.Exchange) exchange.Verdict {
		who := fmt.Sprintf("%s %s", x.Req.Fields.Get(exchange.NameAuthorization), x.Req.Fields.Get(exchange.NameCookie))
		return say(x, "200\nCache-Control: max-age=60\n\n"+who)
	}
	f := func(change func(c *spec.Cache), a, b string) {
		t.Helper()
		play(t, "", func(s *script) {
			s.p.origin.does(mine)
			one := s.ask("200 miss stored", "/a", a)
			two := s.ask("200 miss stored", "/a", b)
			none := s.ask("200 miss stored", "/a")
			if one.Body == two.Body || none.Body != " " {
				t.Errorf("%q, %q, %q", one.Body, two.Body, none.Body)
			}
			for line, want := range map[string]string{a: one.Body, b: two.Body, "Accept: */*": " "} {
				if g := s.ask("200 hit", "/a", line); g.Body != want {
					t.Errorf("%q got %q", line, g.Body)
				}
			}
		}, with(change))
	}
	f(func(c *spec.Cache) { c.Identity.Headers = []string{"authorization"} }, "Authorization: a", "Authorization: b")
	f(func(c *spec.Cache) { c.Identity.Cookies = []string{"sid"} }, "Cookie: sid=a", "Cookie: _ga=x; sid=b")
	// What is not among it still makes a request private.
	play(t, page, func(s *script) {
		s.ask("200 pass identified", "/a", "Authorization: a", "Cookie: session=1")
		s.ask("200 miss stored", "/a", "Authorization: a", "Cookie: _ga=1")
	}, with(func(c *spec.Cache) { c.Identity.Headers = []string{"authorization"} }))
}

// TestKeyedCookiesOfAllFields: a second Cookie field, which RFC 6265 forbids and HTTP/1.1 lets through, is part of the key like the
// first, since the origin gets it.
func TestKeyedCookiesOfAllFields(t *testing.T) {
	play(t, page, func(s *script) {
		s.ask("200 miss stored", "/a", "Cookie: lang=en", "Cookie: lang=xx")
		s.ask("200 miss stored", "/a", "Cookie: lang=en")
		s.ask("200 hit", "/a", "Cookie: lang=en", "Cookie: _ga=1")
		s.ask("200 miss stored", "/a", "Cookie: lang=en; lang=xx", "Cookie: _ga=1")
	}, with(func(c *spec.Cache) { c.Key.Cookies = []string{"lang"} }))
}

// TestStandardGoesByTheAnswer: a plain shared cache (RFC 9111) heeds what responses and requests say, and nothing else.
func TestStandardGoesByTheAnswer(t *testing.T) {
	f := func(says, first, second string, lines ...string) {
		t.Helper()
		play(t, says, func(s *script) {
			s.ask(first, "/a", lines...)
			s.ask(second, "/a")
		}, standard)
	}
	f(page, "200 miss stored", "200 hit", "Cookie: session=1")
	f(page, "200 miss stored", "200 hit", "X-Evil: 1")
	f(page, "200 miss authorization", "200 pass marked", "Authorization: a") // section 3.5
	f("200\nCache-Control: public, max-age=60\n\nx", "200 miss stored", "200 hit", "Authorization: a")
	f("200\nCache-Control: max-age=60\nSet-Cookie: a=b\n\nx", "200 miss stored", "200 hit")
	f("200\nLast-Modified: Tue, 21 Dec 1999 00:00:00 GMT\n\nx", "200 miss stored", "200 hit") // a guess, section 4.2.2
	f(page, "200 pass request-no-store", "200 miss stored", "Cache-Control: no-store")
	f("200\nCache-Control: private, max-age=60\n\nx", "200 miss private", "200 pass private")
	f("404\nCache-Control: max-age=60\n\nx", "404 miss stored", "404 hit")

	play(t, page, func(s *script) { // requests have a say (section 5.2.1)
		s.ask("200 miss stored", "/a")
		s.ask("200 hit", "/a", "Cache-Control: max-age=10")
		s.ask("200 miss stored", "/a", "Cache-Control: no-cache")
		s.ask("200 miss stored", "/a", "Pragma: no-cache")
		s.ask("200 miss stored", "/a", "Cache-Control: min-fresh=61")
	}, standard)
	play(t, page, func(s *script) { // in mode private they have none
		s.ask("200 miss stored", "/a")
		s.ask("200 hit", "/a", "Cache-Control: no-cache")
		s.ask("200 hit", "/a", "Cache-Control: max-age=0", "Pragma: no-cache")
		s.ask("200 hit", "/a", "Cache-Control: no-store")
		s.ask("200 pass request-no-store", "/b", "Cache-Control: no-store")
	})
	play(t, "200\nLast-Modified: Tue, 21 Dec 1999 00:00:00 GMT\n\nx", func(s *script) { s.ask("200 miss no-freshness", "/a") })
	play(t, "200\nCache-Control: max-age=60\nSet-Cookie: a=b\n\nx", func(s *script) { s.ask("200 miss set-cookie", "/a") })
}

// TestStandardKeysOnlyNamedCookies: other cookies are no part of the key.
func TestStandardKeysOnlyNamedCookies(t *testing.T) {
	play(t, page, func(s *script) {
		s.ask("200 miss stored", "/a", "Cookie: lang=en; session=1")
		s.ask("200 hit", "/a", "Cookie: lang=en; session=2")
		s.ask("200 miss stored", "/a", "Cookie: lang=de; session=1")
		s.ask("200 miss stored", "/a", "Cookie: session=1")
	}, standard, with(func(c *spec.Cache) { c.Key.Cookies = []string{"lang"} }))
}

// TestOnlyIfCached: the client would rather have nothing than wait for the origin (RFC 9111 section 5.2.1.7), in both modes.
func TestOnlyIfCached(t *testing.T) {
	for _, mode := range []spec.CacheMode{spec.CachePrivate, spec.CacheStandard} {
		play(t, page, func(s *script) {
			s.ask("504 miss", "/a", "Cache-Control: only-if-cached")
			if s.p.origin.asked() != 0 {
				t.Errorf("%s: the origin was asked", mode)
			}
			s.ask("200 miss stored", "/a")
			s.ask("200 hit", "/a", "Cache-Control: only-if-cached")
		}, func(s *setup) { s.policy = cachePolicy(mode) })
	}
}
