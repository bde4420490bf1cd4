package cache_test

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// follow begins the process that is to replace the one that runs, which lends it the cache.
func (l *lives) follow(changes ...func(*setup)) (old, next *script) {
	l.t.Helper()
	before := l.last
	next = l.startLate(changes...)
	before.keep.Lend(unheard)
	next.p.keep.Begin()
	return &script{l.t, before}, next
}

// startLate begins a process whose disk another one has.
func (l *lives) startLate(changes ...func(*setup)) *script {
	l.t.Helper()
	late := func(s *setup) { s.options.Dir, s.options.Late = l.dir, true }
	l.last = open(l.t, append([]func(*setup){onDisk(l.t), late}, changes...)...)
	l.last.origin.says(long)
	s := &script{l.t, l.last}
	s.use(l.last.setup)
	return s
}

// takeOver ends the trial: the next process has it all.
func (l *lives) takeOver(old, next *script) {
	l.t.Helper()
	old.p.keep.Retire()
	if err := next.p.keep.Attach(nil); err != nil {
		l.t.Fatal(err)
	}
	synctest.Wait() // what is there is read in the background
}

func unheard([]byte) {}

// pause lets a second pass.
func (l *lives) pause() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// TestLend: a process that is being replaced passes what it is asked, and for good when it is; the next one begins with nothing in memory, and
// has what lies on disk then.
func TestLend(t *testing.T) {
	live(t, func(l *lives) {
		l.start().ask("200 miss stored", "/a")
		old, next := l.follow()
		old.ask("200 pass replaced", "/a")
		next.ask("200 miss stored", "/b")
		old.ask("200 pass replaced", "/b")
		l.takeOver(old, next)
		next.ask("200 hit", "/a")
		next.ask("200 hit", "/b")
		old.ask("200 pass replaced", "/a")
		old.p.keep.SetBudget(1 << 20)
		if used, most := old.p.keep.Budget(); used != 0 || most != 0 {
			t.Errorf("a retired cache keeps %d bytes of %d", used, most)
		}
		l.start().ask("200 hit", "/b")
		old.p.keep.Close()
	})
}

// TestTakeBack: where the other process has failed, nothing is given that it may have made out of date: not as long as it was to be fresh, nor
// as a stale one, nor since the origin fails.
func TestTakeBack(t *testing.T) {
	const stale = "200\nCache-Control: max-age=36000, stale-while-revalidate=36000, stale-if-error=36000\nETag: \"1\"\n\nhello"
	live(t, func(l *lives) {
		old := l.start()
		old.p.origin.says(stale)
		old.ask("200 miss stored", "/a")
		old.ask("200 miss stored", "/b")
		old.p.keep.Lend(unheard)
		old.ask("200 pass replaced", "/a")
		old.p.keep.TakeBack()
		old.p.origin.says("304\nETag: \"1\"\n\n")
		old.ask("200 revalidated", "/a")
		old.ask("200 hit", "/a")
		old.p.origin.says("503\n\nbroken")
		old.ask("503 miss no-freshness", "/b")
		old.p.keep.Close()
		l.last = nil
		later := l.start()
		later.ask("200 hit", "/a")
		later.p.origin.says("503\n\nbroken")
		later.ask("503 miss no-freshness", "/b")
	})
}

// TestNeverTaken: what a process has made out of date that could not take the directory before it was replaced does not come back.
func TestNeverTaken(t *testing.T) {
	live(t, func(l *lives) {
		l.start().ask("200 miss stored", "/a")
		old, middle := l.follow()
		old.p.keep.Retire()
		middle.p.origin.says("200\n\n")
		middle.p.ask(request("POST", "/a"))
		newest := l.startLate()
		middle.p.keep.Lend(func(what []byte) {
			if err := newest.p.keep.Obey(what); err != nil {
				t.Error(err)
			}
		})
		newest.p.keep.Begin()
		l.takeOver(middle, newest)
		newest.ask("200 miss stored", "/a")
		old.p.keep.Close()
		middle.p.keep.Close()
	})
}

// TestLendFill: who waits for a fill when the cache is lent gets what it brings, and nobody joins it.
func TestLendFill(t *testing.T) {
	live(t, func(l *lives) {
		old := l.start()
		h := newHold(long)
		old.p.origin.does(h.answer)
		first := old.p.start(request("GET", "/a"))
		synctest.Wait()
		second := old.p.start(request("GET", "/a"))
		synctest.Wait()
		old.p.keep.Lend(unheard)
		asked := old.p.origin.asked()
		third := old.p.start(request("GET", "/a"))
		synctest.Wait()
		if n := old.p.origin.asked() - asked; n != 1 {
			t.Errorf("who came later asked the origin %d times", n)
		}
		old.p.keep.Retire()
		close(h.free)
		for i, p := range []*pending{first, second, third} {
			if got := p.answer(); !strings.HasPrefix(got.String(), "200 ") {
				t.Errorf("%d: %s", i, got)
			}
		}
	})
}

// TestLateTasks: nothing is fetched ahead before the process serves, nor when another one does.
func TestLateTasks(t *testing.T) {
	ahead := func(s *setup) {
		s.policy.Cache.Prerender, s.site = []string{"/ahead"}, cache.Site{Hosts: []string{"shop.example"}}
	}
	live(t, func(l *lives) {
		l.start()
		before := l.last
		next := l.startLate(ahead)
		next.p.origin.says("200\nCache-Control: max-age=10\n\nhello")
		l.pause()
		if n := next.p.origin.asked(); n != 0 {
			t.Errorf("asked %d times before it serves", n)
		}
		before.keep.Lend(unheard)
		next.p.keep.Begin()
		l.pause()
		if next.p.origin.asked() == 0 { // a probe may ask as well
			t.Error("nothing is asked for when it serves")
		}
		l.takeOver(&script{t, before}, next)
		next.p.keep.Lend(unheard)
		var late atomic.Int64
		next.p.origin.does(func(x *exchange.Exchange) exchange.Verdict { late.Add(1); return say(x, long) })
		for range 20 {
			l.pause()
		}
		if n := late.Load(); n != 0 {
			t.Errorf("asked %d times when another process serves", n)
		}
		before.keep.Close()
	})
}

// TestRulesChangeWhileReplaced: rules that the old process has changed while it was there beside the new one are others than the new one's,
// whatever they are.
func TestRulesChangeWhileReplaced(t *testing.T) {
	live(t, func(l *lives) {
		l.start().ask("200 miss stored", "/a")
		before := &script{t, l.last}
		l.startLate()
		next := &script{t, l.last}
		other := before.p.setup
		changed := *other.policy.Cache
		changed.Anonymous = []string{"x"}
		other.policy.Cache = &changed
		before.use(other)
		before.ask("200 miss stored", "/b")
		before.p.keep.Lend(unheard)
		next.p.keep.Begin()
		next.use(other) // as many turns as the old one's, but later
		next.ask("200 miss stored", "/c")
		l.takeOver(before, next)
		next.ask("200 miss stored", "/b")
		next.ask("200 miss stored", "/a")
		l.start(with(func(c *spec.Cache) { c.Anonymous = []string{"x"} })).ask("200 hit", "/b")
		before.p.keep.Close()
	})
}

// TestRulesAreReadWhileReplaced: rules that nobody has changed are the same ones, with the turns that they have had.
func TestRulesAreReadWhileReplaced(t *testing.T) {
	live(t, func(l *lives) {
		l.start(otherKey).ask("200 miss stored", "/a")
		l.start().ask("200 miss stored", "/a")
		old, next := l.follow()
		l.takeOver(old, next)
		next.ask("200 hit", "/a")
		old.p.keep.Close()
	})
}

// TestDamagedRulesWhileReplaced: what cannot be read means that nothing is known.
func TestDamagedRulesWhileReplaced(t *testing.T) {
	live(t, func(l *lives) {
		l.start().ask("200 miss stored", "/a")
		old, next := l.follow()
		if err := os.WriteFile(l.rules(), []byte("?"), 0o600); err != nil {
			t.Fatal(err)
		}
		l.takeOver(old, next)
		next.ask("200 miss stored", "/a")
		old.p.keep.Close()
	})
}

// TestUnknownRulesWhileReplaced: nor is anything known then of a route that only the processes of the replacement have.
func TestUnknownRulesWhileReplaced(t *testing.T) {
	live(t, func(l *lives) {
		before := l.start()
		next := l.startLate()
		cart := before.p.setup
		cart.label = "shop/cart"
		before.use(cart)
		before.ask("200 miss stored", "/a")
		before.p.keep.Lend(unheard)
		next.p.keep.Begin()
		next.use(cart)
		if err := os.WriteFile(l.rules(), []byte("?"), 0o600); err != nil {
			t.Fatal(err)
		}
		l.takeOver(before, next)
		next.ask("200 miss stored", "/a")
		before.p.keep.Close()
	})
}

// TestTold: what an unsafe request to the process that is being replaced makes out of date is forgotten by the one that serves.
func TestTold(t *testing.T) {
	live(t, func(l *lives) {
		old := l.start()
		next := l.startLate()
		old.p.keep.Lend(func(what []byte) {
			if err := next.p.keep.Obey(what); err != nil {
				t.Error(err)
			}
		})
		next.p.keep.Begin()
		post := func(answer string) {
			old.p.origin.says(answer)
			old.p.ask(request("POST", "/a?x=1"))
		}
		forgets := func() {
			t.Helper()
			next.ask("200 miss stored", "/a?x=1")
			next.ask("200 hit", "/a?x=1")
		}
		forgets()
		next.ask("200 miss stored", "/b")
		post("500\n\n")
		next.ask("200 hit", "/a?x=1")
		post("200\nLocation: /b\n\n")
		forgets()
		next.ask("200 miss stored", "/b")
		l.takeOver(old, next)
		next.ask("200 hit", "/b")
		post("200\n\n")
		forgets()
		next.p.origin.says("200\nCache-Control: max-age=9\nCache-Groups: \"g\"\n\nhello")
		next.ask("200 miss stored", "/c")
		post("200\nCache-Group-Invalidation: \"g\"\n\n")
		next.ask("200 miss stored", "/c")
		if err := next.p.keep.Obey(cache.TellAll()); err != nil {
			t.Error(err)
		}
		next.ask("200 miss stored", "/c")
		if next.p.keep.Obey([]byte("url")) == nil || next.p.keep.Obey([]byte("what\x00\x00\x00")) == nil {
			t.Error("nonsense is obeyed")
		}
		old.p.keep.Close()
	})
}
