package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// rendered makes a place fetch paths ahead, and probe nothing.
func rendered(paths ...string) func(*setup) {
	return func(s *setup) {
		s.site = cache.Site{Hosts: []string{"shop.example.com"}, HTTPS: true}
		s.policy.Cache.Prerender = paths
		s.policy.Cache.Probe.Every = 1000 * time.Hour
	}
}

// ahead is how often a path was fetched ahead, in a coding.
func ahead(p *place, target, coding string) int {
	return p.origin.count("GET " + target + "\nHost: shop.example.com\nUser-Agent: Skerry-Cache\nAccept: */*\nAccept-Encoding: " + coding + "\n")
}

// TestPrerender: what is listed is there before anybody asks, and never missed.
func TestPrerender(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		s := &script{t, p}
		p.origin.says(page)
		p.keep.Use([]*cache.Stage{p.stage})
		time.Sleep(time.Second)
		if n := ahead(p, "/home?a=1", "identity"); n != 1 {
			t.Errorf("asked %d times: %q", n, p.origin.last())
		}
		for range 600 {
			s.ask("200 hit", "/home?a=1", "Accept-Encoding: identity")
			time.Sleep(time.Second)
		}
		if n := ahead(p, "/home?a=1", "identity"); n < 12 || n > 13 { // a tenth of its time before its end
			t.Errorf("asked %d times in ten minutes for what is fresh for one", n)
		}
	}, rendered("/home?a=1"))
}

// TestPrerenderFails: what is down, or not for the store, is asked for now and then.
func TestPrerenderFails(t *testing.T) {
	for _, answer := range []func(x *exchange.Exchange) exchange.Verdict{
		func(x *exchange.Exchange) exchange.Verdict { return x.Fail(fault.New(fault.OriginClosed, "down")) },
		func(x *exchange.Exchange) exchange.Verdict { return say(x, "200\nCache-Control: no-store\n\nx") },
	} {
		bubble(t, func(t *testing.T, p *place) {
			p.origin.does(answer)
			p.keep.Use([]*cache.Stage{p.stage})
			time.Sleep(10 * time.Minute)
			if n := ahead(p, "/home", "identity"); n < 5 || n > 11 {
				t.Errorf("asked %d times in ten minutes", n)
			}
			p.origin.says(page)
			time.Sleep(cache.MarkTime + time.Minute)
			(&script{t, p}).ask("200 hit", "/home", "Accept-Encoding: identity")
		}, rendered("/home"))
	}
}

// TestPrerenderCodings: once for each coding that the route makes.
func TestPrerenderCodings(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			coding := string(x.Req.Fields.Get(exchange.NameAcceptEncoding))
			return say(x, "200\nCache-Control: max-age=60\nVary: Accept-Encoding\nContent-Encoding: "+coding+"\n\n"+coding)
		})
		p.keep.Use([]*cache.Stage{p.stage})
		time.Sleep(time.Second)
		for _, coding := range []string{"zstd", "br", "gzip"} {
			if n := ahead(p, "/home", coding); n != 1 {
				t.Errorf("%s was fetched %d times", coding, n)
			}
			if g := (&script{t, p}).ask("200 hit", "/home", "Accept-Encoding: "+coding); g.Body != coding {
				t.Errorf("%s: %q", coding, g.Body)
			}
		}
	}, rendered("/home"), func(s *setup) { s.policy.Compress = &spec.Compress{On: true} })
}

// TestUseChanges: the tasks of the plan in force, and no others, are done; what both have is not done twice.
func TestUseChanges(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.says(page)
		seen := func(path string) int { return ahead(p, path, "identity") }
		p.keep.Use([]*cache.Stage{p.stage})
		time.Sleep(time.Second)
		next := p.setup
		changed := *next.policy.Cache
		changed.Prerender = []string{"/both", "/new"}
		next.policy.Cache = &changed
		stage, _ := p.route(next)
		p.keep.Use([]*cache.Stage{stage})
		time.Sleep(time.Second)
		if seen("/old") != 1 || seen("/both") != 1 || seen("/new") != 1 {
			t.Errorf("%d %d %d", seen("/old"), seen("/both"), seen("/new"))
		}
		time.Sleep(10 * time.Minute)
		if seen("/old") != 1 || seen("/both") < 10 || seen("/new") < 10 {
			t.Errorf("%d %d %d", seen("/old"), seen("/both"), seen("/new"))
		}
		p.keep.Use(nil)
		asked := p.origin.asked()
		time.Sleep(10 * time.Minute)
		if n := p.origin.asked(); n > asked+1 || cache.Tasks(p.keep) != 0 { // one may have been under way
			t.Errorf("asked %d times more, %d tasks", n-asked, cache.Tasks(p.keep))
		}
	}, rendered("/both", "/old"))
}

// TestIdleKeeper: a plan that is only looked at asks for nothing.
func TestIdleKeeper(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.keep.Use([]*cache.Stage{p.stage})
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.origin.asked() != 0 || cache.Tasks(p.keep) != 0 {
			t.Errorf("asked %d times, %d tasks", p.origin.asked(), cache.Tasks(p.keep))
		}
	}, rendered("/home"), func(s *setup) { s.options.Idle = true })
}
