package cache_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/spec"
)

// lives are processes that follow each other on one directory, in one bubble: the clock goes on between them.
type lives struct {
	t    *testing.T
	dir  string
	last *place
}

func live(t *testing.T, f func(l *lives)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	synctest.Test(t, func(t *testing.T) { f(&lives{t: t, dir: dir}) })
}

// rules is the file that says of each route which rules it has had.
func (l *lives) rules() string { return filepath.Join(l.dir, "rules.json") }

// end ends the process that runs.
func (l *lives) end() {
	if l.last != nil {
		l.last.keep.Close()
		l.last = nil
	}
	time.Sleep(time.Second)
}

// start ends the process that runs, and begins another one, whose plan has one route.
func (l *lives) start(changes ...func(*setup)) *script {
	l.t.Helper()
	l.end()
	l.last = open(l.t, append([]func(*setup){onDisk(l.t), func(s *setup) { s.options.Dir = l.dir }}, changes...)...)
	synctest.Wait() // what is there is read in the background
	l.last.origin.says(long)
	s := &script{l.t, l.last}
	s.use(l.last.setup)
	return s
}

// use puts a plan in force that has one route.
func (s *script) use(with setup) {
	s.t.Helper()
	stage, path := s.p.route(with)
	s.p.keep.Use([]*cache.Stage{stage})
	s.p.path = path
}

// told are the events of a kind.
func (p *place) told(kind string) (texts []string) {
	for _, e := range p.meters.Events().Since(0) {
		if e.Kind == kind {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

const long = "200\nCache-Control: max-age=36000\n\nhello"

// otherKey makes the rules of storing others.
var otherKey = with(func(c *spec.Cache) { c.Key.Headers = []string{"x-site"} })

// TestRulesOverRestarts: what was stored under the rules in force is found by the next process. What other rules have followed is not,
// though they come back.
func TestRulesOverRestarts(t *testing.T) {
	live(t, func(l *lives) {
		l.start().ask("200 miss stored", "/a")
		l.start().ask("200 hit", "/a")
		l.start(otherKey).ask("200 miss stored", "/a")
		l.start(otherKey).ask("200 hit", "/a")
		l.start().ask("200 miss stored", "/a")
		l.start().ask("200 hit", "/a")
		s := l.start(otherKey)
		s.ask("200 miss stored", "/a")
		if told := s.p.told("cache_rules"); len(told) > 0 {
			t.Errorf("told %q", told)
		}
	})
}

// TestRulesChangeTwiceInOneLife: a process that served other rules in between has had requests that made nothing invalid of what the first
// ones had stored, so the next process does not find that either.
func TestRulesChangeTwiceInOneLife(t *testing.T) {
	live(t, func(l *lives) {
		s := l.start()
		s.ask("200 miss stored", "/a")
		first := s.p.setup
		other := first
		changed := *first.policy.Cache
		changed.Anonymous = []string{"x"}
		other.policy.Cache = &changed
		s.use(other)
		s.use(first)
		s = l.start()
		s.ask("200 miss stored", "/a")
		l.start().ask("200 hit", "/a")
	})
}

// TestRouteGoneOverRestart: a route that the plan of a later process does not have comes back empty, in that process or behind it.
func TestRouteGoneOverRestart(t *testing.T) {
	cart := func(s *setup) { s.label = "shop/cart" }
	live(t, func(l *lives) {
		l.start().ask("200 miss stored", "/a")
		s := l.start(cart)
		s.ask("200 miss stored", "/a")
		home := s.p.setup
		home.label = "shop/home"
		s.use(home)
		s.ask("200 miss stored", "/a")
		l.start(cart)
		l.start().ask("200 miss stored", "/a")
		l.start().ask("200 hit", "/a")
	})
}

// TestRulesBroken: where nobody knows which rules there were, nothing of before is used, that is told, and from then on all is as ever:
// also for routes that come back later.
func TestRulesBroken(t *testing.T) {
	cart := func(s *setup) { s.label = "shop/cart" }
	write := func(text string) func(name string) error {
		return func(name string) error { return os.WriteFile(name, []byte(text), 0o600) }
	}
	f := func(what string, damage func(name string) error) {
		t.Helper()
		live(t, func(l *lives) {
			s := l.start()
			s.ask("200 miss stored", "/a")
			other := s.p.setup
			cart(&other)
			home := s.p.path
			_, s.p.path = s.p.route(other)
			s.ask("200 miss stored", "/b")
			s.p.path = home
			l.end()
			if err := damage(l.rules()); err != nil {
				t.Fatal(err)
			}
			s = l.start()
			s.ask("200 miss stored", "/a")
			s.ask("200 hit", "/a")
			if told := s.p.told("cache_rules"); len(told) != 1 || !strings.Contains(told[0], l.rules()) || !strings.Contains(told[0], "nothing that was stored before is used") {
				t.Errorf("%s: told %q", what, told)
			}
			s = l.start()
			s.ask("200 hit", "/a")
			s.use(other)
			s.ask("200 miss stored", "/b")
			if told := s.p.told("cache_rules"); len(told) > 0 {
				t.Errorf("%s: told %q by the next process", what, told)
			}
		})
	}
	f("missing", os.Remove)
	f("empty", write(""))
	f("cut", write(`{"shop/home":{"rules":"`))
	f("null", write("null"))
	f("a list", write("[]"))
	f("other types", write(`{"shop/home":"x"}`))
	f("not what it was any more", write("?"))
	f("zeros", write(strings.Repeat("\x00", 100)))
}

// TestRulesMissingAtFirst: a directory in which nothing is stored needs no such file, and nothing is told.
func TestRulesMissingAtFirst(t *testing.T) {
	live(t, func(l *lives) {
		s := l.start()
		s.ask("200 miss stored", "/a")
		if told := s.p.told("cache_rules"); len(told) > 0 {
			t.Errorf("told %q", told)
		}
		if text, err := os.ReadFile(l.rules()); err != nil || !strings.Contains(string(text), "shop/home") {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// TestRulesUnwritable: what cannot be written down is told, and is not taken for true by the next process.
func TestRulesUnwritable(t *testing.T) {
	live(t, func(l *lives) {
		l.start().ask("200 miss stored", "/a")
		l.end()
		block := l.rules() + ".new"
		if err := os.Mkdir(block, 0o700); err != nil {
			t.Fatal(err)
		}
		s := l.start(otherKey)
		s.ask("200 miss stored", "/a")
		if told := s.p.told("cache_rules"); len(told) != 1 || !strings.Contains(told[0], "write "+l.rules()) {
			t.Errorf("told %q", told)
		}
		l.end()
		if err := os.Remove(block); err != nil {
			t.Fatal(err)
		}
		s = l.start()
		s.ask("200 miss stored", "/a")
		if told := s.p.told("cache_rules"); len(told) != 1 {
			t.Errorf("told %q", told)
		}
		l.start().ask("200 hit", "/a")
	})
}

// TestQueryOverRestart: what a POST makes out of date is forgotten of QUERY too (RFC 9111 section 4.4). A process does not know whether one
// before it has stored any, so it uses none of those.
func TestQueryOverRestart(t *testing.T) {
	live(t, func(l *lives) {
		query := request("QUERY", "/a") + "\nq=1"
		s := l.start()
		for _, text := range []string{query, request("QUERY", "/a")} {
			if g := s.p.ask(text); g.String() != "200 miss stored" {
				t.Errorf("%q: %s", text, g)
			}
		}
		if g := s.p.ask(query); g.String() != "200 hit" {
			t.Error(g)
		}
		s = l.start()
		if g := s.p.ask(request("POST", "/a")); g.Status != 200 {
			t.Error(g)
		}
		for _, text := range []string{query, request("QUERY", "/a")} {
			if g := s.p.ask(text); g.String() != "200 miss stored" {
				t.Errorf("%q after a restart and a POST: %s", text, g)
			}
		}
		if g := s.p.ask(query); g.String() != "200 hit" {
			t.Error(g)
		}
		s.p.ask(request("POST", "/a"))
		if g := s.p.ask(query); g.String() != "200 miss stored" {
			t.Errorf("after another: %s", g)
		}
	})
}
