package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// bubble runs a test at a place in a bubble of time.
func bubble(t *testing.T, f func(t *testing.T, p *place), changes ...func(*setup)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, open(t, changes...)) })
}

// crowd starts n requests, and returns when all of them wait.
func (p *place) crowd(n int, text string) (all []*pending) {
	for range n {
		all = append(all, p.start(text))
	}
	synctest.Wait()
	return all
}

// TestCollapse: who asks for the same at the same time gets it from one request to the origin.
func TestCollapse(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		h := newHold(page)
		p.origin.does(h.answer)
		all := p.crowd(1000, request("GET", "/a"))
		if n := p.origin.asked(); n != 1 {
			t.Fatalf("the origin was asked %d times", n)
		}
		close(h.free)
		leaders := 0
		for _, q := range all {
			g := q.answer()
			if g.Body != "hello" || g.Sends != 1 {
				t.Fatalf("%s %q", g, g.Body)
			}
			switch g.String() {
			case "200 miss stored":
				leaders++
			case "200 miss stored collapsed":
			default:
				t.Fatal(g)
			}
		}
		if leaders != 1 || p.origin.asked() != 1 {
			t.Errorf("%d leaders, %d requests", leaders, p.origin.asked())
		}
		if n := p.metric("skerry_cache_requests_total", "outcome", "miss"); n != 1000 {
			t.Errorf("%v misses are counted", n)
		}
		if n := p.metric("skerry_cache_fills_total"); n != 1 {
			t.Errorf("%v fills are counted", n)
		}
		(&script{t, p}).ask("200 hit", "/a")
	})
}

// TestCollapseWhileItStreams: who comes while the body is on its way reads it from its beginning, as it comes.
func TestCollapseWhileItStreams(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		f := newFeed(-1)
		p.origin.does(f.answer("200\nCache-Control: max-age=60"))
		one := p.start(request("GET", "/a"))
		f.push("one ")
		synctest.Wait()
		two := p.start(request("GET", "/a"))
		synctest.Wait()
		for _, q := range []*pending{one, two} {
			if n := q.read.Load(); n != 4 || q.over() {
				t.Errorf("read %d before the end", n)
			}
		}
		f.push("two")
		f.end(nil)
		if g := one.answer(); g.Body != "one two" || g.String() != "200 miss stored" {
			t.Errorf("%s %q", g, g.Body)
		}
		if g := two.answer(); g.Body != "one two" || g.String() != "200 miss stored collapsed" {
			t.Errorf("%s %q", g, g.Body)
		}
		if g := p.get("/a"); g.Body != "one two" || g.String() != "200 hit" || p.origin.asked() != 1 {
			t.Errorf("%s %q", g, g.Body)
		}
	})
}

// TestCollapseOff: every miss asks.
func TestCollapseOff(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		h := newHold(page)
		p.origin.does(h.answer)
		all := p.crowd(3, request("GET", "/a"))
		if n := p.origin.asked(); n != 3 {
			t.Errorf("asked %d times", n)
		}
		close(h.free)
		for _, q := range all {
			if g := q.answer(); g.String() != "200 miss stored" {
				t.Error(g)
			}
		}
		(&script{t, p}).ask("200 hit", "/a")
	}, with(func(c *spec.Cache) { c.Collapse = 0 }))
}

// TestCollapseByCoding: those who take other codings do not wait for each other.
func TestCollapseByCoding(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		h := newHold(page)
		p.origin.does(h.answer)
		p.crowd(2, request("GET", "/a", "Accept-Encoding: br"))
		p.crowd(2, request("GET", "/a", "Accept-Encoding: gzip"))
		p.crowd(2, request("GET", "/a"))
		if n := p.origin.asked(); n != 3 {
			t.Errorf("asked %d times", n)
		}
		close(h.free)
		synctest.Wait()
	})
}

// TestCollapseVary: who waited for an answer that was made for others looks again, and asks itself.
func TestCollapseVary(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		h := newHold("")
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			<-h.free
			return say(x, "200\nCache-Control: max-age=60\nVary: Accept-Language\n\n"+string(x.Req.Fields.Get(exchange.NameAcceptLanguage)))
		})
		var all []*pending
		for i := range 30 {
			all = append(all, p.start(request("GET", "/a", fmt.Sprintf("Accept-Language: l%d", i%3))))
		}
		synctest.Wait()
		if n := p.origin.asked(); n != 1 {
			t.Errorf("asked %d times before Vary is known", n)
		}
		close(h.free)
		for i, q := range all {
			if g := q.answer(); g.Body != fmt.Sprintf("l%d", i%3) {
				t.Errorf("l%d got %q", i%3, g.Body)
			}
		}
		if n := p.origin.asked(); n > 6 {
			t.Errorf("asked %d times for three variants", n)
		}
		for i := range 3 {
			if g := p.get("/a", fmt.Sprintf("Accept-Language: l%d", i)); g.String() != "200 hit" || g.Body != fmt.Sprintf("l%d", i) {
				t.Errorf("l%d: %s %q", i, g, g.Body)
			}
		}
	})
}

// TestCollapseDeadline: who has waited for another's request as long as the route allows asks itself; whose it is waits on.
func TestCollapseDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		h := newHold(page)
		p.origin.does(h.answer)
		start := time.Now()
		one := p.crowd(1, request("GET", "/a"))[0]
		two := p.crowd(1, request("GET", "/a"))[0]
		p.origin.says("200\nCache-Control: max-age=60\n\nanother")
		if g := two.answer(); g.String() != "200 pass busy collapsed" || g.Body != "another" {
			t.Errorf("%s %q", g, g.Body)
		}
		if took := time.Since(start); took < 3*time.Second || took > 3*time.Second+cache.GoneAfter {
			t.Errorf("it waited %v", took)
		}
		if n := p.metric("skerry_cache_waited_total"); n != 1 {
			t.Errorf("counted %v", n)
		}
		time.Sleep(20 * time.Second)
		if one.over() {
			t.Error("whose request it is did not wait")
		}
		close(h.free)
		if g := one.answer(); g.String() != "200 miss stored" || g.Body != "hello" {
			t.Errorf("%s %q", g, g.Body)
		}
	}, with(func(c *spec.Cache) { c.Collapse = 3 * time.Second }))
}

// TestStandsForLate: who has waited for another's request as long as the route allows, and then meets a failure of the origin, gets what
// is stored as he would have if he had been the first.
func TestStandsForLate(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		s := &script{t, p}
		p.origin.says("200\nCache-Control: max-age=60, stale-if-error=60\n\nold")
		s.ask("200 miss stored", "/a")
		time.Sleep(80 * time.Second)
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			time.Sleep(10 * time.Second)
			return x.Fail(fault.New(fault.OriginTimeout, "the origin of a test is silent"))
		})
		all := p.crowd(3, request("GET", "/a"))
		stale := 0
		for _, q := range all {
			g := q.answer()
			if g.Body != "old" {
				t.Errorf("%s %q", g, g.Body)
			}
			if g.String() == "200 stale origin collapsed" {
				stale++
			}
		}
		if stale != 2 || p.origin.asked() != 4 {
			t.Errorf("%d of 2 that waited got what is stored; the origin was asked %d times", stale, p.origin.asked())
		}
	}, with(func(c *spec.Cache) { c.Collapse = 3 * time.Second }))
}

// TestUnstorableReleases: an answer that is not for the store is that of whose request it was. All others ask at once, each for itself,
// and who comes later does not wait.
func TestUnstorableReleases(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		h := newHold("200\nCache-Control: private\n\nmine")
		p.origin.does(h.answer)
		all := p.crowd(50, request("GET", "/a"))
		others := newHold("200\nCache-Control: no-store\n\nother")
		p.origin.does(others.answer)
		close(h.free)
		synctest.Wait()
		if n := p.origin.asked(); n != 50 {
			t.Errorf("%d requests, while none of the others was answered", n)
		}
		later := p.crowd(5, request("GET", "/a"))
		if n := p.origin.asked(); n != 55 {
			t.Errorf("%d requests: later ones wait for each other", n)
		}
		close(others.free)
		bodies := map[string]int{}
		for _, q := range all {
			g := q.answer()
			bodies[g.String()+" "+g.Body]++
		}
		for _, q := range later {
			q.answer()
		}
		if bodies["200 miss private mine"] != 1 || bodies["200 pass private collapsed other"] != 49 {
			t.Errorf("%v", bodies)
		}
	})
}

// TestMarks: what was not for the store is not waited for, until its mark is old, or an answer is for the store.
func TestMarks(t *testing.T) {
	play(t, "200\nCache-Control: no-store\n\nx", func(s *script) {
		s.ask("200 miss no-store", "/a")
		s.ask("200 pass no-store", "/a")
		s.ask("200 miss no-store", "/b")
		time.Sleep(cache.MarkTime - time.Second)
		s.ask("200 pass no-store", "/a")
		if cache.Marks(s.p.keep) != 2 {
			t.Errorf("%d marks", cache.Marks(s.p.keep))
		}
		time.Sleep(2 * time.Second)
		s.ask("200 miss no-store", "/a")
		// An answer that is for the store takes the mark away.
		s.p.origin.says(page)
		s.ask("200 pass marked", "/a")
		s.ask("200 miss stored", "/a")
		s.ask("200 hit", "/a")
		if n := cache.Marks(s.p.keep); n != 1 {
			t.Errorf("%d marks are left", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := open(t)
		for i := range cache.MarksMax + 100 {
			cache.Mark(p.keep, fmt.Sprint(i))
		}
		if n := cache.Marks(p.keep); n != cache.MarksMax {
			t.Errorf("%d marks", n)
		}
	})
}

// TestLeaderLeaves: the fill goes on for those who wait for it.
func TestLeaderLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		h := newHold(page)
		p.origin.does(h.answer)
		one := p.crowd(1, request("GET", "/a"))[0]
		two := p.crowd(1, request("GET", "/a"))[0]
		one.leave()
		if g := one.answer(); fault.Of(g.cause) != fault.ClientGone {
			t.Errorf("%s: %v", g, g.cause)
		}
		if h.told.Load() != 0 {
			t.Error("the fill was ended though another waits")
		}
		close(h.free)
		if g := two.answer(); g.String() != "200 miss stored collapsed" || g.Body != "hello" {
			t.Errorf("%s %q", g, g.Body)
		}
	})
}

// TestAllLeave: a fill without a head that nobody waits for any more is ended, and who comes then begins another.
func TestAllLeave(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		h := newHold(page)
		p.origin.does(h.answer)
		for _, q := range p.crowd(5, request("GET", "/a")) {
			q.leave()
			q.answer()
		}
		synctest.Wait()
		if h.told.Load() != 1 {
			t.Errorf("%d fills were told that nobody waits", h.told.Load())
		}
		p.origin.says(page)
		(&script{t, p}).ask("200 miss stored", "/a")
	})
}

// TestReadersLeave: a body that is being stored comes to its end though nobody reads it; one that is not is ended.
func TestReadersLeave(t *testing.T) {
	f := func(head string, stored bool) {
		t.Helper()
		bubble(t, func(t *testing.T, p *place) {
			body := newFeed(-1)
			p.origin.does(body.answer(head))
			one := p.start(request("GET", "/a"))
			body.push("one ")
			synctest.Wait()
			one.leave()
			one.answer()
			synctest.Wait()
			if body.left() == stored {
				t.Errorf("%q: told to end %v", head, body.left())
			}
			body.push("two")
			body.end(nil)
			synctest.Wait()
			p.origin.says("200\nCache-Control: max-age=60\n\nanew")
			g := p.get("/a")
			if stored && (g.String() != "200 hit" || g.Body != "one two") || !stored && g.Body != "anew" {
				t.Errorf("%q: then %s %q", head, g, g.Body)
			}
		})
	}
	f("200\nCache-Control: max-age=60", true)
	f("200\nCache-Control: no-store", false)
}

// TestLastReaderLeaves: of a body that is not stored, which two read since it has outgrown the store.
func TestLastReaderLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		body := newFeed(-1)
		p.origin.does(body.answer("200\nCache-Control: max-age=60"))
		one, two := p.start(request("GET", "/a")), p.start(request("GET", "/a"))
		body.push(strings.Repeat("x", 1000))
		synctest.Wait()
		body.push(strings.Repeat("x", 1000)) // more than objectMax
		synctest.Wait()
		one.leave()
		one.answer()
		synctest.Wait()
		if body.left() {
			t.Error("the fill was ended though another reads")
		}
		two.leave()
		two.answer()
		synctest.Wait()
		if !body.left() {
			t.Error("the fill was not ended")
		}
	}, with(func(c *spec.Cache) { c.ObjectMax = 1500 }))
}

// TestInterim: 1xx answers reach who asked, and who came before the head.
func TestInterim(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		free := make(chan struct{})
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			_ = x.Sink.Interim(x, 103, fields("Link: </a.css>"))
			<-free
			for range cache.InterimMax { // one more than are kept
				_ = x.Sink.Interim(x, 103, fields("Link: </b.css>"))
			}
			return say(x, page)
		})
		one := p.crowd(1, request("GET", "/a"))[0]
		if got := strings.Join(one.Interims, ", "); got != "103 Link: </a.css>" {
			t.Errorf("before the head: %q", got)
		}
		two := p.crowd(1, request("GET", "/a"))[0]
		close(free)
		want := "103 Link: </a.css>" + strings.Repeat(", 103 Link: </b.css>", cache.InterimMax-1)
		for _, q := range []*pending{one, two} {
			if got := strings.Join(q.answer().Interims, ", "); got != want {
				t.Errorf("%s: %q", q.got, got)
			}
		}
		if g := p.get("/a"); len(g.Interims) != 0 || g.String() != "200 hit" {
			t.Errorf("a hit: %s %q", g, g.Interims)
		}
	})
}
