package cache_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// twoRoutes is a plan of two routes of one entrypoint and one of another, which write URLs in different ways: as they mean, as they were
// sent, and with one parameter only.
func twoRoutes(s *script) (raw, other *exchange.Path) {
	s.t.Helper()
	as := func(label string, change func(s *setup)) (*cache.Stage, *exchange.Path) {
		with := s.p.setup
		policy := *with.policy.Cache
		with.policy.Cache, with.label = &policy, label
		change(&with)
		return s.p.route(with)
	}
	rawStage, raw := as("shop/raw", func(s *setup) { path := spec.PathRaw; s.policy.Path = &path })
	otherStage, other := as("other/home", func(s *setup) { s.policy.Cache.Key.Query = []string{"id"} })
	s.p.keep.Use([]*cache.Stage{s.p.stage, rawStage, otherStage})
	return raw, other
}

// TestPurge: what each kind meets, and nothing else, whatever form it is written in; and what the log says of it.
func TestPurge(t *testing.T) {
	urls := []string{"https://shop.example.com/a", "https://shop.example.com/a/b?x=1&y=2", "https://shop.example.com/%7Ec", "http://shop.example.com/a",
		"https://shop.example.com:8443/a", "https://other.example.com/a"}
	f := func(kind, entrypoint, host, value, log string, gone ...int) {
		t.Helper()
		play(t, "200\nCache-Control: max-age=36000\nSurrogate-Key: red\n\nx", func(s *script) {
			raw, _ := twoRoutes(s)
			paths := []*exchange.Path{s.p.path, s.p.path, raw, s.p.path, s.p.path, s.p.path}
			ask := func(i int) string {
				scheme, rest, _ := strings.Cut(urls[i], "://")
				host, target, _ := strings.Cut(rest, "/")
				x := begin("GET /" + target + " HTTP/1.1\nHost: " + host + "\n")
				x.Facts.Client.HTTPS = scheme == "https"
				return s.p.run(paths[i], x, newClient()).String()
			}
			for i := range urls {
				if got := ask(i); got != "200 miss stored" {
					t.Errorf("%s: %s", urls[i], got)
				}
			}
			done, err := s.p.keep.Purge(kind, entrypoint, host, value, false)
			if err != nil {
				t.Errorf("%s %s %s: %v", kind, host, value, err)
			}
			var texts []string
			for _, p := range done {
				texts = append(texts, p.String())
			}
			if got := strings.Join(texts, "; "); got != log {
				t.Errorf("%s %s %s: the log says %s, want %s", kind, host, value, got, log)
			}
			if list, more := s.p.keep.Purges(0); !slices.Equal(list, done) || more {
				t.Errorf("purges %v, more %v, want %v", list, more, done)
			}
			for i := range urls {
				want := "200 hit"
				if slices.Contains(gone, i) {
					want = "200 miss stored"
				}
				if got := ask(i); got != want {
					t.Errorf("%s %q %s: %s is a %s, want %s", kind, host, value, urls[i], got, want)
				}
			}
		})
	}
	const host = "shop.example.com"
	f("url", "shop", host, "/a", `hard, url "/a" of shop.example.com`, 0, 3)
	f("url", "shop", "Shop.Example.COM.", "/x/../%61", `hard, url "/a" of shop.example.com; hard, url "/x/../%61" of shop.example.com`, 0, 3)
	f("url", "shop", host, "/a/b?y=2&utm_source=1&x=1", `hard, url "/a/b?x=1&y=2" of shop.example.com`, 1)
	f("url", "shop", host, "/a/b", `hard, url "/a/b" of shop.example.com`)
	f("url", "shop", host, "/%7Ec", `hard, url "/%7Ec" of shop.example.com; hard, url "/~c" of shop.example.com`, 2)
	f("url", "other", host, "/a/b?x=1&y=2&id=3", `hard, url "/a/b?id=3" of shop.example.com`)
	f("url", "", host, "/a/b?x=1&y=2", `hard, url "/a/b?x=1&y=2" of shop.example.com`, 1)
	f("url", "none", host, "/a", `hard, url "/a" of shop.example.com`, 0, 3)
	f("url", "shop", "https://"+host, "/a", `hard, url "/a" of https://shop.example.com`, 0)
	f("url", "shop", host+":443", "/a", `hard, url "/a" of https://shop.example.com`, 0)
	f("url", "shop", host+":80", "/a", `hard, url "/a" of http://shop.example.com`, 3)
	f("url", "shop", "HTTP://"+host+":80", "/a", `hard, url "/a" of http://shop.example.com`, 3)
	f("url", "shop", host+":8443", "/a", `hard, url "/a" of shop.example.com:8443`, 4)
	f("url", "shop", "https://"+host+":8443", "/a", `hard, url "/a" of https://shop.example.com:8443`, 4)
	f("url", "shop", "http://"+host+":443", "/a", `hard, url "/a" of http://shop.example.com:443`)
	f("prefix", "shop", host, "/a", `hard, prefix "/a" of shop.example.com`, 0, 1, 3)
	f("prefix", "shop", host, "/a/", `hard, prefix "/a/" of shop.example.com`, 1)
	f("prefix", "shop", host, "/%7E", `hard, prefix "/~" of shop.example.com; hard, prefix "/%7E" of shop.example.com`, 2)
	f("prefix", "shop", "https://"+host, "/", `hard, prefix "/" of https://shop.example.com`, 0, 1, 2)
	f("group", "", "", "red", `hard, group "red" of every host`, 0, 1, 2, 3, 4, 5)
	f("group", "", "other.example.com", "red", `hard, group "red" of other.example.com`, 5)
	f("group", "", "", "Red", `hard, group "Red" of every host`)
	f("all", "", host, "", `hard, all of shop.example.com`, 0, 1, 2, 3)
	f("all", "", "", "", `hard, all of every host`, 0, 1, 2, 3, 4, 5)
}

// TestPurgeRefused: what makes no sense is an error that says why, and changes nothing.
func TestPurgeRefused(t *testing.T) {
	play(t, page, func(s *script) {
		twoRoutes(s)
		s.ask("200 miss stored", "/a")
		f := func(kind, host, value, want string) {
			t.Helper()
			done, err := s.p.keep.Purge(kind, "shop", host, value, false)
			if err == nil || fault.Of(err) != fault.BadRequest || !strings.Contains(err.Error(), want) || len(done) > 0 {
				t.Errorf("%s %q %q: %v, %v, want %q", kind, host, value, done, err, want)
			}
		}
		f("url", "", "/a", "host is empty")
		f("prefix", "", "/a", "host is empty")
		f("ban", "h.example", "/a", "url, prefix, group or all")
		f("", "h.example", "/a", "url, prefix, group or all")
		f("url", "ftp://h.example", "/a", "neither http nor https")
		f("url", "h.example/x", "/a", `host "h.example/x"`)
		f("url", "h.example:99999", "/a", `host "h.example:99999"`)
		f("url", "h.example", "", `value ""`)
		f("url", "h.example", "a", `value "a"`)
		f("url", "h.example", "/%zz", `value "/%zz"`)
		f("url", "h.example", "/%00", `value "/%00"`)
		f("url", "h.example", "/../a", "")
		f("url", "h.example", "/a?b c", `' ' stands in no query`)
		f("url", "h.example", "/a?b\x7f", "stands in no query")
		f("url", "h.example", "/a?b#c", `'#' stands in no query`)
		f("prefix", "h.example", "/a?b", "has no query")
		f("prefix", "h.example", "/a#b", "has no query")
		f("prefix", "h.example", "/a/..", "without . and ..")
		f("prefix", "h.example", "/./a", "without . and ..")
		f("prefix", "h.example", "a", `value "a"`)
		f("group", "", "", "names the group")
		f("all", "h.example", "/a", "this kind has none")
		f("group", "", strings.Repeat("g", 64<<10), "bytes")
		if list, _ := s.p.keep.Purges(0); len(list) > 0 || s.p.keep.Stats().Purges > 0 {
			t.Errorf("purges %v", list)
		}
		s.ask("200 hit", "/a")
	})
}

// TestPurgeTooManyParameters: a URL that no key can have is in no form of a route's, and purges what it is by itself.
func TestPurgeTooManyParameters(t *testing.T) {
	play(t, page, func(s *script) {
		twoRoutes(s)
		target := "/a?" + strings.Repeat("x&", cache.ParametersMax) + "x"
		done, err := s.p.keep.Purge("url", "shop", "shop.example.com", target, true)
		if err != nil || len(done) != 1 || done[0].Value != target || !done[0].Soft {
			t.Errorf("%v, %v", done, err)
		}
	})
}

// TestPurgeSoft: what is softened is given while a new one is fetched, or where the origin fails; of a hard purge nothing is.
func TestPurgeSoft(t *testing.T) {
	const says = "200\nCache-Control: max-age=60, stale-while-revalidate=30, stale-if-error=30\n\nold"
	down := func(x *exchange.Exchange) exchange.Verdict { return x.Fail(fault.New(fault.OriginClosed, "down")) }
	for _, soft := range []bool{true, false} {
		play(t, says, func(s *script) {
			s.inForce()
			s.ask("200 miss stored", "/a")
			s.p.origin.does(down)
			done, err := s.p.keep.Purge("url", "shop", "shop.example.com", "/a", soft)
			if err != nil || len(done) != 1 || done[0].Soft != soft || strings.HasPrefix(done[0].String(), "soft, ") != soft {
				t.Errorf("%v, %v", done, err)
			}
			want := "502 miss"
			if soft {
				want = "200 stale"
			}
			s.ask(want, "/a")
			synctest.Wait()
		})
	}
}

// TestPurgesArePaged: the log is given in order, each purge once, a page at a time, and says when there is more.
func TestPurgesArePaged(t *testing.T) {
	for _, n := range []int{cache.PurgesPage, cache.PurgesPage + 1, 2*cache.PurgesPage + 10} {
		pagePurges(t, n)
	}
}

// pagePurges purges so often and reads the log.
func pagePurges(t *testing.T, n int) {
	t.Helper()
	bubble(t, func(t *testing.T, p *place) {
		for i := range n {
			if _, err := p.keep.Purge("group", "", "", fmt.Sprint(i), false); err != nil {
				t.Fatal(err)
			}
		}
		var after uint64
		seen := 0
		for more := true; more; {
			var list []cache.Purge
			if list, more = p.keep.Purges(after); len(list) > cache.PurgesPage || len(list) == 0 || more && len(list) < cache.PurgesPage {
				t.Fatalf("a page of %d, more %v", len(list), more)
			}
			for _, one := range list {
				if one.Value != fmt.Sprint(seen) || one.Number <= after || one.Kind != "group" || one.Time.IsZero() {
					t.Fatalf("purge %d is %+v", seen, one)
				}
				after = one.Number
				seen++
			}
		}
		if list, more := p.keep.Purges(after); seen != n || list == nil || len(list) > 0 || more {
			t.Errorf("%d of %d, then %v", seen, n, list)
		}
	})
}

// TestProgress: how far a purge has come is known by its number, up to its end.
func TestProgress(t *testing.T) {
	play(t, "200\nCache-Control: max-age=60\nCache-Groups: \"g\"\n\nx", func(s *script) {
		s.inForce()
		for i := range 30 {
			s.ask("200 miss stored", fmt.Sprintf("/g/%d", i))
		}
		s.p.origin.says(page)
		for i := range 10 {
			s.ask("200 miss stored", fmt.Sprintf("/%d", i))
		}
		soft, err := s.p.keep.Purge("prefix", "shop", "shop.example.com", "/g/1", true)
		if err != nil || len(soft) != 1 {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		hard, err := s.p.keep.Purge("group", "", "", "g", false)
		if err != nil || len(hard) != 1 || hard[0].Number <= soft[0].Number || !hard[0].Time.After(soft[0].Time) {
			t.Fatal(hard, err)
		}
		time.Sleep(time.Second)
		for _, row := range []struct {
			number  uint64
			removed int64
		}{{soft[0].Number, 11}, {hard[0].Number, 30}} {
			p, ok := s.p.keep.Progress(row.number)
			if want := (cache.Progress{Number: row.number, Objects: 40, Looked: 40, Removed: row.removed, Done: true}); !ok || p != want {
				t.Errorf("%v, %+v, want %+v", ok, p, want)
			}
		}
		for _, unknown := range []uint64{0, 1, soft[0].Number - 1, hard[0].Number + 1} {
			if p, ok := s.p.keep.Progress(unknown); ok {
				t.Errorf("%d: %+v", unknown, p)
			}
		}
		if got := s.p.keep.Stats(); got.Purges != 2 || got.Swept != 41 || got.Objects != 10 {
			t.Errorf("%+v", got)
		}
	})
}

// TestStats: what became of requests, by route, with what the plan in force makes of each.
func TestStats(t *testing.T) {
	play(t, "200\nCache-Control: max-age=60, stale-while-revalidate=60\nETag: \"a\"\n\nhello", func(s *script) {
		keep := s.p.keep
		if got := keep.Stats(); len(got.Routes) != 0 || got.Routes == nil || got.Requests == nil || got.HitRatio != 0 || got.Disk != nil || got.Budget != 8<<20 {
			t.Errorf("without a plan: %+v", got)
		}
		raw, _ := twoRoutes(s)
		s.ask("200 miss stored", "/a")
		s.ask("200 hit", "/a")
		s.ask("200 hit", "/a")
		s.ask("200 pass override", "/a", "X-HTTP-Method: PUT")
		time.Sleep(61 * time.Second)
		s.ask("200 stale", "/a")
		synctest.Wait()
		s.p.run(raw, begin(request("GET", "/b")), newClient())
		got := keep.Stats()
		if want := "map[hit:2 miss:2 pass:1 revalidated:0 stale:1]"; fmt.Sprint(got.Requests) != want || got.HitRatio != 0.5 || got.Saved != 15 || got.Objects != 2 || got.Bytes == 0 {
			t.Errorf("%+v", got)
		}
		var routes []string
		for _, r := range got.Routes {
			routes = append(routes, fmt.Sprint(r.Route, " ", r.Mode, " ", r.Requests["hit"], " ", r.HitRatio, " ", r.Saved))
		}
		if want := "shop/home private 2 0.6 15; shop/raw private 0 0 0; other/home private 0 0 0"; strings.Join(routes, "; ") != want {
			t.Errorf("routes %q, want %q", routes, want)
		}
		keep.Use([]*cache.Stage{s.p.stage}) // what has counted something stays, what has not goes
		routes = nil
		for _, r := range keep.Stats().Routes {
			routes = append(routes, r.Route+" "+r.Mode)
		}
		if want := "shop/home private; shop/raw off"; strings.Join(routes, "; ") != want {
			t.Errorf("routes %q, want %q", routes, want)
		}
		keep.SetBudget(1 << 20)
		if used, most := keep.Budget(); most != 1<<20 || used != keep.Stats().Bytes || keep.Stats().Budget != most {
			t.Errorf("%d of %d bytes; %+v", used, most, keep.Stats())
		}
		keep.SetBudget(0)
		if got := keep.Stats(); got.Objects != 0 || got.Evictions != 2 {
			t.Errorf("without memory: %+v", got)
		}
	})
}

// TestStatsOfDisk: what lies below memory.
func TestStatsOfDisk(t *testing.T) {
	live(t, func(l *lives) {
		s := l.start()
		s.ask("200 miss stored", "/a")
		s.ask("200 miss stored", "/b")
		synctest.Wait()
		if d := s.p.keep.Stats().Disk; d == nil || d.Objects != 2 || d.Bytes < 200 || d.Degraded {
			t.Errorf("%+v", d)
		}
		if d := l.start().p.keep.Stats().Disk; d == nil || d.Objects != 2 {
			t.Errorf("after a restart: %+v", d)
		}
	})
}

// TestKeeperMisses: the most frequent first, as many as are asked for, in the form that people write URLs in.
func TestKeeperMisses(t *testing.T) {
	play(t, page, func(s *script) {
		if list := s.p.keep.Misses(10); list == nil || len(list) > 0 {
			t.Errorf("%v", list)
		}
		for range 3 {
			s.p.get("/often?b=1&a=2", "Cookie: session=1")
		}
		s.p.get("/b", "X-Evil: 1")
		s.p.get("/a", "X-Evil: 1")
		s.p.get("/stored") // is no miss that anybody could do something about
		want := []cache.Miss{
			{URL: "https://shop.example.com/often?a=2&b=1", Count: 3, Why: "identified"},
			{URL: "https://shop.example.com/a", Count: 1, Why: "unkeyed-field"},
			{URL: "https://shop.example.com/b", Count: 1, Why: "unkeyed-field"},
		}
		for n := range 5 {
			if got := s.p.keep.Misses(n); !slices.Equal(got, want[:min(n, len(want))]) {
				t.Errorf("%d: %+v", n, got)
			}
		}
	})
}
