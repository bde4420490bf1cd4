package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// TestStandsForPassed: where the origin fails a request that passed, what is stored is given in its place, as it would be to one that did not
// pass, if it may be: not to who says who asks unless it was meant for everybody, not where the service or the route forbids it.
func TestStandsForPassed(t *testing.T) {
	down := func(x *exchange.Exchange) exchange.Verdict {
		return x.Fail(fault.New(fault.OriginTimeout, "the origin of a test is silent"))
	}
	failing := func(x *exchange.Exchange) exchange.Verdict { return say(x, "503\n\nerror") }
	f := func(directives, want string, lines ...string) {
		t.Helper()
		for _, fails := range []func(x *exchange.Exchange) exchange.Verdict{down, failing} {
			play(t, "200\nCache-Control: "+directives+"\n\n"+alphabet, func(s *script) {
				s.ask("200 miss stored", "/a")
				time.Sleep(80 * time.Second)
				s.p.origin.does(fails)
				g := s.p.get("/a", lines...)
				got := strings.Replace(g.String(), "503 ", "504 ", 1)
				if got != want {
					t.Errorf("%s %q: got %q, want %q", directives, lines, got, want)
				}
				if stale := strings.HasSuffix(want, " stale origin"); stale != (g.field("Cache-Status") == "skerry; hit; ttl=-20; detail=origin") {
					t.Errorf("%s %q: Cache-Status: %s", directives, lines, g.field("Cache-Status"))
				}
				if s.p.origin.asked() != 2 {
					t.Errorf("%s %q: asked %d times", directives, lines, s.p.origin.asked())
				}
			})
		}
	}
	const may = "max-age=60, stale-if-error=30"
	f(may, "200 stale origin", "X-Evil: 1")
	f(may, "200 stale origin", "Cache-Control: no-store")
	f(may, "206 stale origin", "Range: bytes=0-1,4-5")
	f("max-age=60, stale-if-error=10", "504 pass unkeyed-field", "X-Evil: 1")
	f("max-age=60, must-revalidate, stale-if-error=30", "504 pass unkeyed-field", "X-Evil: 1")
	f(may, "504 pass identified", "Cookie: session=1")
	f(may, "504 pass identified", "Authorization: Basic x")
	f("public, "+may, "200 stale origin", "Cookie: session=1")
	// One that does not fail is given as it is, and so is a failure of the client's.
	for says, want := range map[string]string{"200\n\nnew": "200 pass unkeyed-field", "404\n\nnew": "404 pass unkeyed-field", "501\n\nnew": "501 pass unkeyed-field"} {
		play(t, "200\nCache-Control: "+may+"\n\nold", func(s *script) {
			s.ask("200 miss stored", "/a")
			time.Sleep(80 * time.Second)
			s.p.origin.says(says)
			if g := s.ask(want, "/a", "X-Evil: 1"); g.Body != "new" {
				t.Errorf("got %q", g.Body)
			}
		})
	}
}

// TestForwardedFields: what clients say in X-Forwarded-* is nobody else's where the route lets it reach the service, and nothing to the
// cache where it does not.
func TestForwardedFields(t *testing.T) {
	keep, set := spec.ForwardedKeep, spec.ForwardedSet
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded", "X-Real-IP"} {
		f := func(want string, change func(*setup)) {
			t.Helper()
			play(t, page, func(s *script) {
				s.ask(want, "/a", name+": evil.example")
				synctest.Wait()
				if n := s.p.metric("skerry_cache_suspects_total", "why", "unkeyed-field"); (n == 1) != strings.Contains(want, "pass") {
					t.Errorf("%s: %v suspects", name, n)
				}
			}, change)
		}
		f("200 pass unkeyed-field", func(s *setup) { s.policy.Forwarded = &keep })
		f("200 miss stored", func(s *setup) { s.policy.Forwarded = &set })
		f("200 miss stored", func(*setup) {})
		f("200 miss stored", func(s *setup) {
			s.policy.Forwarded, s.policy.Cache.Key.Headers = &keep, []string{strings.ToLower(name)}
		})
	}
}

// TestProbeCompares: what one identity, or nobody, gets of another is found and named, whether or not it came from the store.
func TestProbeCompares(t *testing.T) {
	f := func(want string, toAnna, toBert, toNobody string) {
		t.Helper()
		bubble(t, func(t *testing.T, p *place) {
			p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
				body := toNobody
				switch string(x.Req.Fields.Get(exchange.NameCookie)) {
				case "who=anna":
					body = toAnna
				case "who=bert":
					body = toBert
				}
				return say(x, fmt.Sprintf("200\nCache-Control: no-store\n\n%s", body))
			})
			(&script{t, p}).inForce()
			time.Sleep(leakMax)
			got := ""
			if leak := p.keep.Stats().Routes[0].Leak; leak != nil {
				got = leak.Text
			}
			if got != want {
				t.Errorf("%q, %q, %q: got %q, want %q", toAnna, toBert, toNobody, got, want)
			}
		}, standard, probed(t, "anna@", "bert@"))
	}
	f("", "I am anna@", "I am bert@", "who?")
	f("the second identity got the first one's marker", "I am anna@", "I am anna@", "who?")
	f("a request without an identity got a marker of one", "I am anna@", "I am bert@", "I am anna@")
	f("a request without an identity got a marker of one", "I am anna@", "I am bert@", "I am bert@")
	f("the first identity got the second one's marker", "I am bert@", "I am bert@", "who?")
}

// TestProbeFindsTheSecond: an answer that was stored for the second identity before the probe began is the first one's too.
func TestProbeFindsTheSecond(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.does(greets)
		p.get("/me?x=1", "Cookie: who=bert")
		(&script{t, p}).inForce()
		time.Sleep(leakMax)
		if leak := p.keep.Stats().Routes[0].Leak; leak == nil || leak.Text != "the first identity got the second one's answer" {
			t.Errorf("%+v", leak)
		}
	}, standard, probed(t, "", ""))
}
