package cache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// leakMax is how long a leak may take to be found.
const leakMax = 5 * time.Second

// probed is a place with two identities, told apart by a cookie, and a page that is probed.
func probed(t *testing.T, markers ...string) func(*setup) {
	dir := t.TempDir()
	for _, name := range []string{"anna", "bert"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("who="+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(s *setup) {
		s.options.Secrets = spec.Secrets{Dir: dir}
		s.site = cache.Site{Hosts: []string{"shop.example.com"}, HTTPS: true}
		p := &s.policy.Cache.Probe
		p.Paths = []string{"/me?x=1"}
		p.Identities = []spec.ProbeIdentity{{Header: "cookie", Value: "file:anna", Marker: markers[0]}, {Header: "cookie", Value: "file:bert", Marker: markers[1]}}
	}
}

// greets is an origin that greets who asks, and lets everybody store it.
func greets(x *exchange.Exchange) exchange.Verdict {
	return say(x, "200\nCache-Control: public, max-age=60\n\nhello "+string(x.Req.Fields.Get(exchange.NameCookie)))
}

// TestProbeFinds: a route that gives one identity's answer to another is known within seconds, bypasses the cache from then on, and has
// forgotten what it had.
func TestProbeFinds(t *testing.T) {
	f := func(what string, changes ...func(*setup)) {
		t.Helper()
		bubble(t, func(t *testing.T, p *place) {
			p.origin.says(page)
			p.get("/other")
			p.origin.does(greets)
			start := time.Now()
			p.keep.Use([]*cache.Stage{p.stage})
			for cache.LeakOf(p.stage) == nil && time.Since(start) < time.Minute {
				time.Sleep(100 * time.Millisecond)
			}
			synctest.Wait() // it is noted before it is counted and told, and the probe works at these same instants
			leak := cache.LeakOf(p.stage)
			if leak == nil || time.Since(start) > leakMax {
				t.Fatalf("%s: after %v: %v", what, time.Since(start), leak)
			}
			if leak.URL != "shop.example.com/me?x=1" || leak.Text == "" {
				t.Errorf("%s: %+v", what, leak)
			}
			s := &script{t, p}
			s.ask("200 pass leak", "/me?x=1")
			s.ask("200 pass leak", "/other")
			if n := p.metric("skerry_cache_leaks_total"); n != 1 {
				t.Errorf("%s: counted %v", what, n)
			}
			if e := p.meters.Events().Since(0); len(e) != 1 || e[0].Kind != "cache_leak" || !strings.Contains(e[0].Text, "shop.example.com/me?x=1") {
				t.Errorf("%s: events %v", what, e)
			}
			asked := p.origin.asked()
			time.Sleep(time.Minute)
			if n := p.origin.asked(); n != asked {
				t.Errorf("%s: it is still probed", what)
			}
			// The same rules, compiled again, leak as before. Others get another chance.
			stage, _ := p.route(p.setup)
			if cache.LeakOf(stage) == nil {
				t.Errorf("%s: a reload without a change ends the bypass", what)
			}
			other := p.setup
			with(func(c *spec.Cache) {
				changed := *c
				changed.Key.Cookies = []string{"who"}
				other.policy.Cache = &changed
			})(&other)
			if stage, p.path = p.route(other); cache.LeakOf(stage) != nil {
				t.Errorf("%s: other rules do not end the bypass", what)
			}
			s.ask("200 miss stored", "/me?x=1")
		}, changes...)
	}
	f("markers", standard, probed(t, "anna", "bert"))
	f("no markers", standard, probed(t, "", ""))
	f("a marker of the second", standard, probed(t, "", "bert"))
	f("a session", standard, probed(t, "", ""), with(func(c *spec.Cache) { c.Probe.Identities = nil }))
}

// TestProbeFindsNothing: where nobody gets what is another's, nothing happens, for long.
func TestProbeFindsNothing(t *testing.T) {
	f := func(what string, answer func(x *exchange.Exchange) exchange.Verdict, changes ...func(*setup)) {
		t.Helper()
		bubble(t, func(t *testing.T, p *place) {
			p.origin.does(answer)
			p.keep.Use([]*cache.Stage{p.stage})
			for range 10 { // sessions are tried where something was stored
				p.get("/me?x=1")
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			if leak := cache.LeakOf(p.stage); leak != nil {
				t.Errorf("%s: %+v", what, leak)
			}
			if p.origin.asked() == 0 {
				t.Errorf("%s: nobody probed", what)
			}
		}, changes...)
	}
	same := func(x *exchange.Exchange) exchange.Verdict { return say(x, page) }
	var n atomic.Int64
	changing := func(x *exchange.Exchange) exchange.Verdict {
		return say(x, fmt.Sprintf("200\nCache-Control: max-age=1\n\nhello %d", n.Add(1)))
	}
	down := func(x *exchange.Exchange) exchange.Verdict { return x.Fail(fault.New(fault.OriginClosed, "down")) }
	careless := func(x *exchange.Exchange) exchange.Verdict {
		return say(x, "200\nCache-Control: max-age=60\n\nhello "+string(x.Req.Fields.Get(exchange.NameCookie)))
	}
	f("private", careless, probed(t, "anna", "bert"))
	f("private, no markers", careless, probed(t, "", ""))
	f("private, a session", careless, probed(t, "", ""), with(func(c *spec.Cache) { c.Probe.Identities = nil }))
	f("in the key", greets, probed(t, "anna", "bert"), with(func(c *spec.Cache) { c.Identity.Cookies = []string{"who"} }))
	f("the same for all", same, standard, probed(t, "anna", "bert"))
	f("the same for all, no markers", same, standard, probed(t, "", ""))
	f("changing", changing, standard, probed(t, "", ""))
	f("down", down, standard, probed(t, "anna", "bert"))
}

// TestProbeSamples: without paths it takes what was stored lately.
func TestProbeSamples(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.keep.Use([]*cache.Stage{p.stage})
		time.Sleep(10 * time.Second)
		if p.origin.asked() != 0 {
			t.Error("there is nothing to ask for")
		}
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			return say(x, "200\nCache-Control: max-age=1\n\nhello "+string(x.Req.Fields.Get(exchange.NameCookie)))
		})
		p.get("/lately?x=1")
		time.Sleep(2 * leakMax)
		if leak := cache.LeakOf(p.stage); leak == nil || leak.URL != "shop.example.com/lately?x=1" {
			t.Errorf("%+v", leak)
		}
	}, standard, func(s *setup) { s.site = cache.Site{Hosts: []string{"shop.example.com"}, HTTPS: true} })
}

// TestProbeSecretMissing: an identity that cannot be read is told of, and nothing is asked.
func TestProbeSecretMissing(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.does(greets)
		p.keep.Use([]*cache.Stage{p.stage})
		time.Sleep(5 * time.Second)
		if p.origin.asked() != 0 {
			t.Errorf("asked %d times: %s", p.origin.asked(), p.origin.last())
		}
		events := p.meters.Events().Since(0)
		if len(events) == 0 || events[0].Kind != "cache_probe" || !strings.Contains(events[0].Text, "file:carl") {
			t.Errorf("%v", events)
		}
		if len(events) > 1 {
			t.Errorf("%d events about one secret", len(events))
		}
	}, standard, probed(t, "a", "b"), with(func(c *spec.Cache) { c.Probe.Identities[1].Value = "file:carl" }))
}
