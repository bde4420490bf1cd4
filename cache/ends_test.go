package cache_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// TestPanics: a panic in a stage behind the cache ends its fill; nobody hangs, everybody gets an answer or hears that it broke off.
func TestPanics(t *testing.T) {
	f := func(hook, want string, crowd int) {
		t.Helper()
		witness := exchangetest.NewPanic(hook)
		fills := 0
		bubble(t, func(t *testing.T, p *place) {
			body := newFeed(-1)
			free := make(chan struct{})
			p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
				<-free
				return body.answer("200\nCache-Control: max-age=60")(x)
			})
			if hook == exchangetest.InRequest {
				crowd = 1 // there is no moment at which others could join
			}
			body.push("hello")
			body.end(nil)
			all := p.crowd(crowd, request("GET", "/a"))
			close(free)
			for _, q := range all {
				got := strings.Replace(q.answer().String(), " collapsed", "", 1)
				if got != want || got == "200 miss stored" && q.got.Body != "hello" {
					t.Errorf("%s: got %s %q, want %s", hook, got, q.got.Body, want)
				}
				if strings.HasPrefix(want, "500") && fault.Of(q.got.cause) != fault.Panicked {
					t.Errorf("%s: %v", hook, q.got.cause)
				}
			}
			synctest.Wait()
			if n := p.metric("skerry_cache_objects"); (n == 1) != (want == "200 miss stored") {
				t.Errorf("%s: %v objects", hook, n)
			}
			fills = int(p.metric("skerry_cache_fills_total"))
		}, func(s *setup) { s.tail = []exchange.Stage{witness} })
		witness.Check(t, hook, fills)
	}
	f(exchangetest.InRequest, "500 miss", 1)
	f(exchangetest.InResponse, "500 miss", 5)
	f(exchangetest.InBody, "200 miss stored broken", 5)
	f(exchangetest.InClose, "200 miss stored", 5)
	f(exchangetest.InDone, "200 miss stored", 5)
}

// TestPanicOfOrigin: the last stage itself.
func TestPanicOfOrigin(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		free := make(chan struct{})
		p.origin.does(func(*exchange.Exchange) exchange.Verdict { <-free; panic("BUG: of a test") })
		all := p.crowd(10, request("GET", "/a"))
		close(free)
		for _, q := range all {
			if g := q.answer(); g.Status != 500 || fault.Of(g.cause) != fault.Panicked {
				t.Errorf("%s: %v", g, g.cause)
			}
		}
		p.origin.says(page)
		(&script{t, p}).ask("200 miss stored", "/a")
	})
}

// TestAbort: a stage that sends nothing at all.
func TestAbort(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		free := make(chan struct{})
		p.origin.does(func(*exchange.Exchange) exchange.Verdict { <-free; return exchange.Abort })
		all := p.crowd(10, request("GET", "/a"))
		close(free)
		for _, q := range all {
			if g := q.answer(); g.Status != 502 {
				t.Errorf("%s: %v", g, g.cause)
			}
		}
	})
}

// TestFaults: a fault is everybody's who waited, is not stored, and its cause is in each of their logs.
func TestFaults(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		free := make(chan struct{})
		down := fault.New(fault.OriginTimeout, "the origin of a test")
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict { <-free; return x.Fail(down) })
		all := p.crowd(10, request("GET", "/a"))
		close(free)
		for _, q := range all {
			if g := q.answer(); g.Status != 504 || g.cause != error(down) || g.facts.Outcome != exchange.CacheMiss {
				t.Errorf("%s: %v", g, g.cause)
			}
		}
		if p.origin.asked() != 1 {
			t.Errorf("asked %d times", p.origin.asked())
		}
		p.origin.says(page)
		(&script{t, p}).ask("200 miss stored", "/a")
	})
}

// TestFaultOfPass: one that has no fill is the exchange's own.
func TestFaultOfPass(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict { return x.Fail(fault.New(fault.OriginTimeout, "down")) })
		if g := p.get("/a", "Cookie: session=1"); g.String() != "504 pass identified" {
			t.Error(g)
		}
	})
}

// TestClose: the end of the process waits for what is being stored, for a while, then cuts it; it never hangs.
func TestClose(t *testing.T) {
	type answer = func(x *exchange.Exchange) exchange.Verdict
	f := func(what string, make func() answer, leave bool, most time.Duration, changes ...func(*setup)) {
		t.Helper()
		bubble(t, func(t *testing.T, p *place) {
			p.origin.does(make())
			q := p.crowd(1, request("GET", "/a"))[0]
			if leave {
				q.leave()
				q.answer()
			}
			synctest.Wait()
			start := time.Now()
			p.keep.Close()
			if took := time.Since(start); took > most {
				t.Errorf("%s: it took %v", what, took)
			}
			q.answer()
		}, changes...)
	}
	always := func(a answer) func() answer { return func() answer { return a } }
	silent := func() answer { return newHold(page).answer }
	endless := func(head string) func() answer {
		return func() answer {
			body := newFeed(-1)
			body.push("x")
			return body.answer(head)
		}
	}
	stored := endless("200\nCache-Control: max-age=60")
	f("nothing", always(func(x *exchange.Exchange) exchange.Verdict { return say(x, page) }), false, 0)
	f("a slow origin", always(func(x *exchange.Exchange) exchange.Verdict {
		time.Sleep(cache.CloseGrace / 2)
		return say(x, page)
	}), false, cache.CloseGrace/2)
	f("a silent origin", silent, false, cache.CloseGrace)
	f("an endless body", stored, false, cache.CloseGrace)
	f("an endless body that nobody reads", stored, true, cache.CloseGrace)
	off := with(func(c *spec.Cache) { c.Collapse = 0 })
	f("a silent origin, no collapsing", silent, false, cache.CloseGrace, off)
	f("an endless body that nobody reads, no collapsing", stored, true, cache.CloseGrace, off)
}

// TestCloseTwice does no harm.
func TestCloseTwice(t *testing.T) {
	bubble(t, func(_ *testing.T, p *place) {
		p.origin.says(page)
		p.get("/a")
		p.keep.Close()
	})
}

// TestDiskSurvives: what is on disk is a hit after a restart.
func TestDiskSurvives(t *testing.T) {
	disk := onDisk(t)
	body := strings.Repeat(alphabet, 10000)
	for i, want := range []string{"200 miss stored", "200 hit"} {
		bubble(t, func(t *testing.T, p *place) {
			p.origin.says("200\nCache-Control: max-age=3600\n\n" + body)
			synctest.Wait() // what is there is read in the background
			p.keep.Use([]*cache.Stage{p.stage})
			for _, target := range []string{"/a", "/b?x=1"} {
				if g := p.get(target); g.String() != want || g.Body != body {
					t.Errorf("start %d: %s, %d bytes", i, g, len(g.Body))
				}
			}
		}, disk, func(s *setup) { s.options.Bytes = 4 << 20 })
	}
}

// TestDiskRefused: a directory that cannot be used is an error that names the flag.
func TestDiskRefused(t *testing.T) {
	_, err := cache.NewKeeper(cache.Options{Dir: "/dev/null/x", DiskBytes: 1 << 20})
	if err == nil || !strings.Contains(err.Error(), "--cache-disk") {
		t.Error(err)
	}
}

// TestOff: no stage.
func TestOff(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		for _, c := range []*spec.Cache{nil, {}, {Mode: spec.CacheOff}} {
			if s, problems := cache.New(&spec.Policy{Cache: c}, "shop/home", cache.Site{}, p.keep); s != nil || problems != nil {
				t.Errorf("%v: a stage", c)
			}
		}
	})
}
