package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

const alphabet = "abcdefghijklmnopqrstuvwxyz"

const letters = "200\nCache-Control: max-age=60\nETag: \"a\"\nLast-Modified: Fri, 31 Dec 1999 00:00:00 GMT\nContent-Type: text/plain\n\n" + alphabet

// TestHead: it is answered from what GET has brought, and brings nothing itself.
func TestHead(t *testing.T) {
	play(t, letters, func(s *script) {
		head := func(want string, length int64) *got {
			t.Helper()
			g := s.p.ask(request("HEAD", "/a"))
			if g.String() != want || g.Length != length || g.Body != "" {
				t.Errorf("%s, length %d", g, g.Length)
			}
			return g
		}
		head("200 pass method", 26)
		head("200 pass method", 26)
		s.ask("200 miss stored", "/a")
		if g := head("200 hit", 26); g.field("ETag") != "\"a\"" || g.field("Age") != "0" {
			t.Errorf("%s", g.Recorder)
		}
		time.Sleep(61 * time.Second)
		head("200 pass method", 26)
	})
}

// TestHeadMismatch: a HEAD that tells of another answer than is stored makes that useless (RFC 9111 section 4.3.5).
func TestHeadMismatch(t *testing.T) {
	f := func(now string, kept bool) {
		t.Helper()
		play(t, strings.Replace(letters, "max-age=60", "max-age=60, stale-while-revalidate=60", 1), func(s *script) {
			s.ask("200 miss stored", "/a")
			time.Sleep(121 * time.Second)
			s.p.origin.says(now)
			if g := s.p.ask(request("HEAD", "/a")); g.facts.Why != "method" {
				t.Error(g)
			}
			if n := s.p.metric("skerry_cache_objects"); (n == 1) != kept {
				t.Errorf("%q: %v objects", now, n)
			}
		})
	}
	f(letters, true)
	f(strings.Replace(letters, "\"a\"", "\"b\"", 1), false)
	f(strings.Replace(letters, "Dec 1999", "Jan 2000", 1), false)
	f(letters+"z", false)
	f("200\nX-Nothing: 1\n\n"+alphabet, true)
	f(strings.Replace(letters, "200", "404", 1), true)
}

// TestRanges: parts of what is stored, or is being fetched, in memory and below it.
func TestRanges(t *testing.T) {
	f := func(asked, want, body string, lines ...string) {
		t.Helper()
		lines = append(lines, "Range: "+asked)
		play(t, letters, func(s *script) { // stored
			s.ask("200 miss stored", "/a")
			g := s.ask(want+" hit", "/a", lines...)
			if g.Body != body || g.field("ETag") != "\"a\"" {
				t.Errorf("%q, stored: got %q", asked, g.Recorder)
			}
		})
	}
	f("bytes=0-2", "206", "abc")
	f("bytes=3-", "206", alphabet[3:])
	f("bytes=-3", "206", "xyz")
	f("bytes=20-100", "206", "uvwxyz")
	f("bytes=26-", "416", "")
	f("bytes=-0", "416", "")
	f("bytes=5-2", "200", alphabet)
	f("letters=0-2", "200", alphabet)
	f("bytes=0-2", "206", "abc", "If-Range: \"a\"")
	f("bytes=0-2", "200", alphabet, "If-Range: \"b\"")
	f("bytes=0-2", "200", alphabet, "If-Range: W/\"a\"")
	f("bytes=0-2", "206", "abc", "If-Range: Fri, 31 Dec 1999 00:00:00 GMT")
	f("bytes=0-2", "200", alphabet, "If-Range: Thu, 30 Dec 1999 00:00:00 GMT")
	f("bytes=0-2", "304", "", "If-None-Match: \"a\"")
}

// TestSeveralRanges: their form, and what they are of.
func TestSeveralRanges(t *testing.T) {
	play(t, letters, func(s *script) {
		s.ask("200 miss stored", "/a")
		g := s.ask("206 hit", "/a", "Range: bytes=0-2, -3")
		_, boundary, _ := strings.Cut(g.field("Content-Type"), "multipart/byteranges; boundary=")
		want := ""
		for _, part := range []string{"0-2 abc", "23-25 xyz"} {
			span, text, _ := strings.Cut(part, " ")
			want += "--" + boundary + "\r\nContent-Type: text/plain\r\nContent-Range: bytes " + span + "/26\r\n\r\n" + text + "\r\n"
		}
		want += "--" + boundary + "--\r\n"
		if got := strings.TrimPrefix(g.Body, "\r\n"); got != want || boundary == "" {
			t.Errorf("got  %q\nwant %q", g.Body, want)
		}
	})
}

// TestRangeFills: a range of what is not stored brings the whole, if it begins near enough; a range far into it, or several, pass.
func TestRangeFills(t *testing.T) {
	f := func(asked, want, body string) {
		t.Helper()
		play(t, letters, func(s *script) {
			if g := s.ask(want, "/a", "Range: "+asked); g.Body != body {
				t.Errorf("%q: got %q", asked, g.Recorder)
			}
			passed := strings.Contains(want, "pass")
			if had := strings.Contains(s.p.origin.last(), "Range: "); had != passed {
				t.Errorf("%q: the origin was asked for a range: %v", asked, had)
			}
			if !passed {
				s.ask("200 hit", "/a")
			}
		})
	}
	f("bytes=0-2", "206 miss stored", "abc")
	f("bytes=23-", "206 miss stored", "xyz")
	f("bytes=30-", "416 miss stored", "")
	f("bytes=x", "200 miss stored", alphabet)
	f("bytes=1", "200 miss stored", alphabet)
	f("pages=1-2", "200 miss stored", alphabet)
	f("bytes=-3", "200 pass range", alphabet) // the origin of this test knows no ranges
	f("bytes=0-2,5-6", "200 pass range", alphabet)
	f(fmt.Sprintf("bytes=%d-", cache.RangeAheadMax+1), "200 pass range", alphabet)
	f("bytes=99999999999999999999999999-", "200 pass range", alphabet)
	f(fmt.Sprintf("bytes=%d-", cache.RangeAheadMax), "416 miss stored", "")
}

// TestRangeWhileItStreams: a part is given as soon as it has come.
func TestRangeWhileItStreams(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		f := newFeed(26)
		p.origin.does(f.answer("200\nCache-Control: max-age=60\nETag: \"a\""))
		whole := p.start(request("GET", "/a"))
		f.push("abcdefgh")
		synctest.Wait()
		if g := p.get("/a", "Range: bytes=2-5"); g.Body != "cdef" || g.Status != 206 || g.field("Content-Range") != "bytes 2-5/26" {
			t.Errorf("%s", g.Recorder)
		}
		late := p.start(request("GET", "/a", "Range: bytes=6-9"))
		synctest.Wait()
		if late.over() || late.read.Load() != 2 {
			t.Errorf("over %v, read %d", late.over(), late.read.Load())
		}
		f.push(alphabet[8:])
		f.end(nil)
		if g := late.answer(); g.Body != "ghij" || !g.whole {
			t.Errorf("%s", g.Recorder)
		}
		if g := whole.answer(); g.Body != alphabet {
			t.Errorf("%s", g.Recorder)
		}
	})
}

// TestRangesOfSpooled: parts of what is below memory.
func TestRangesOfSpooled(t *testing.T) {
	body := strings.Repeat(alphabet, 20000)
	play(t, "200\nCache-Control: max-age=60\n\n"+body, func(s *script) {
		s.ask("200 miss stored", "/a")
		synctest.Wait()
		for _, from := range []int{0, 1, 100_000, len(body) - 5} {
			to := min(from+150_000, len(body))
			g := s.ask("206 hit", "/a", fmt.Sprintf("Range: bytes=%d-%d", from, to-1))
			if g.Body != body[from:to] || g.field("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(body)) {
				t.Errorf("from %d: %d bytes, %s", from, len(g.Body), g.Head)
			}
		}
		g := s.ask("206 hit", "/a", "Range: bytes=0-99999,200000-299999")
		if !strings.Contains(g.Body, body[:100_000]) || !strings.Contains(g.Body, body[200_000:300_000]) {
			t.Error("two parts are not what they should be")
		}
	}, onDisk(t), func(s *setup) { s.options.Bytes = 1 << 20 })
}

// TestCodedHasNoRanges: pieces of a coded body are of no use to who takes another coding next time.
func TestCodedHasNoRanges(t *testing.T) {
	play(t, strings.Replace(letters, "Content-Type", "Content-Encoding: br\nContent-Type", 1), func(s *script) {
		s.ask("200 miss stored", "/a", "Range: bytes=0-2")
		s.ask("200 hit", "/a", "Range: bytes=0-2")
		s.ask("304 hit", "/a", "If-None-Match: \"a\"")
	})
}

// TestConditions: of what is stored, and of what a fill brings (RFC 9110 section 13).
func TestConditions(t *testing.T) {
	f := func(status, body string, lines ...string) {
		t.Helper()
		play(t, letters, func(s *script) {
			g := s.ask(status+" miss stored", "/a", lines...)
			if g.Body != body {
				t.Errorf("%q, missed: %q", lines, g.Recorder)
			}
			g = s.ask(status+" hit", "/a", lines...)
			if g.Body != body {
				t.Errorf("%q, stored: %q", lines, g.Recorder)
			}
			if status == "304" && (g.field("ETag") != "\"a\"" || g.field("Content-Type") != "" || g.field("Cache-Control") == "") {
				t.Errorf("%q: the head of a 304: %s", lines, g.Head)
			}
		})
	}
	f("200", alphabet)
	f("304", "", "If-None-Match: \"a\"")
	f("304", "", "If-None-Match: W/\"a\"")
	f("304", "", "If-None-Match: \"x\", \"a\"")
	f("304", "", "If-None-Match: *")
	f("200", alphabet, "If-None-Match: \"b\"")
	f("200", alphabet, "If-None-Match: \"b\"", "If-Modified-Since: Fri, 31 Dec 1999 00:00:00 GMT")
	f("304", "", "If-Modified-Since: Fri, 31 Dec 1999 00:00:00 GMT")
	f("200", alphabet, "If-Modified-Since: Thu, 30 Dec 1999 00:00:00 GMT")
	// These are meant for the origin; a cache does not judge them (RFC 9111 section 4.3.2).
	f("200", alphabet, "If-Match: \"b\"")
	f("200", alphabet, "If-Unmodified-Since: Thu, 30 Dec 1999 00:00:00 GMT")
}

// TestConditionsOfErrors: they are of answers with status 200 only.
func TestConditionsOfErrors(t *testing.T) {
	play(t, "404\nCache-Control: max-age=60\nETag: \"a\"\n\nnone", func(s *script) {
		s.ask("404 miss stored", "/a", "If-None-Match: \"a\"")
		s.ask("404 hit", "/a", "If-None-Match: \"a\"", "Range: bytes=0-1")
	})
}

// TestVariants: each is given to those it was made for.
func TestVariants(t *testing.T) {
	play(t, "", func(s *script) {
		s.p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			return say(x, "200\nCache-Control: max-age=60\nVary: Accept-Language\n\n"+string(x.Req.Fields.Get(exchange.NameAcceptLanguage)))
		})
		for _, want := range []string{"200 miss stored", "200 hit"} {
			for _, lang := range []string{"de", "en", ""} {
				line := "Accept-Language: " + lang
				if lang == "" {
					line = "Accept: */*"
				}
				g := s.ask(want, "/a", line)
				if g.Body != lang {
					t.Errorf("%q got %q", lang, g.Body)
				}
				if status := g.field("Cache-Status"); want != "200 hit" && (lang == "de") != (status == "skerry; fwd=uri-miss; stored") {
					t.Errorf("%q: %s", lang, status)
				}
			}
		}
	})
	play(t, "200\nCache-Control: max-age=60\nVary: *\n\nx", func(s *script) { s.ask("200 miss vary", "/a") })
}

// TestTrailers: they are stored, and given behind the body.
func TestTrailers(t *testing.T) {
	play(t, "", func(s *script) {
		s.p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			v := say(x, page)
			x.Resp.Trailers.AddNamed([]byte("Server-Timing"), []byte("a"))
			return v
		})
		for _, want := range []string{"200 miss stored", "200 hit"} {
			if g := s.ask(want, "/a"); g.Trailers != "Server-Timing: a\n" {
				t.Errorf("%s: trailers %q", g, g.Trailers)
			}
		}
	})
}

// TestNothing: answers without a body, and with an empty one.
func TestNothing(t *testing.T) {
	f := func(says, first string) {
		t.Helper()
		play(t, says, func(s *script) {
			s.ask(first+" miss stored", "/a")
			if g := s.ask(first+" hit", "/a"); g.Body != "" || g.field("X-A") != "1" {
				t.Errorf("%s", g.Recorder)
			}
			s.ask(first+" hit", "/a")
		})
	}
	f("204\nCache-Control: max-age=60\nX-A: 1", "204")
	f("200\nCache-Control: max-age=60\nX-A: 1\n\n", "200")
	f("301\nCache-Control: max-age=60\nX-A: 1\nLocation: /b", "301")
}

// TestCacheStatus: what Cache-Status says (RFC 9211), behind other caches.
func TestCacheStatus(t *testing.T) {
	play(t, "200\nCache-Control: max-age=60\nCache-Status: inner; hit\n\nx", func(s *script) {
		f := func(outcome, want string, lines ...string) {
			t.Helper()
			if g := s.ask(outcome, "/a", lines...); g.field("Cache-Status") != want || strings.Count(g.Head, "Cache-Status:") != 1 {
				t.Errorf("%s: %s", outcome, g.Head)
			}
		}
		f("200 miss stored", "inner; hit, skerry; fwd=uri-miss; stored")
		time.Sleep(10 * time.Second)
		f("200 hit", "inner; hit, skerry; hit; ttl=50")
		f("200 pass identified", "inner; hit, skerry; fwd=bypass; detail=identified", "Cookie: session=1")
		f("200 miss stored", "inner; hit, skerry; fwd=request; stored", "Cache-Control: no-cache")
	}, with(func(c *spec.Cache) { c.Directives = true }))
}
