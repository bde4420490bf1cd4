package memory_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/memory"
)

// said is what a flag says; not what nobody says.
func said(n int64) memory.Wish { return memory.Wish{Most: n, Said: true} }
func not(n int64) memory.Wish  { return memory.Wish{Most: n} }

func byFlag(bytes int64) memory.Limit { return memory.Limit{Bytes: bytes, From: "--memory"} }

// sum is what all parts come to; it fails the test if one is negative.
func sum(t interface{ Errorf(string, ...any) }, s *memory.Shares) (n int64) {
	for _, p := range s.Parts() {
		if n += p.Bytes; p.Bytes < 0 {
			t.Errorf("%s gets %d", p.For, p.Bytes)
		}
	}
	return n
}

// TestDivide: what everybody gets, where nobody has said more than the limit.
func TestDivide(t *testing.T) {
	f := func(limit int64, want string, lowered ...string) {
		t.Helper()
		s, low, err := memory.Divide(byFlag(limit), memory.Wishes{Connections: not(5000), Exchanges: not(10_000)})
		if err != nil {
			t.Errorf("%s: %v", memory.Text(limit), err)
			return
		}
		if s.String() != want || strings.Join(low, ", ") != strings.Join(lowered, ", ") {
			t.Errorf("%s:\ngot  %s\nwant %s\nlowered %s\nwant    %s", memory.Text(limit), s.String(), want, strings.Join(low, ", "), strings.Join(lowered, ", "))
		}
		if n := sum(t, &s); n != limit || s.Collector >= limit || s.Collector <= limit-s.Spare {
			t.Errorf("%s: the parts come to %d, the collector's limit is %d", memory.Text(limit), n, s.Collector)
		}
	}
	f(64<<20, "program 32MB, firewall's tables 4.3MB, cache 2.4MB, 79 connections 2.8MB, 75 exchanges 4.4MB, held bodies 1.3MB, bodies of HTTP/2 1.3MB, "+
		"windows of HTTP/2 99KB, addresses 336KB, compression 2.2MB, spare 13MB",
		"firewall's tables 32MB → 4.3MB (--memory)", "cache 19MB → 2.4MB (--cache-memory)", "connections 5000 → 79 (--max-connections)", "exchanges 10000 → 75 (--max-exchanges)",
		"held bodies 256MB → 1.3MB (--memory)", "bodies of HTTP/2 256MB → 1.3MB (--memory)", "windows of HTTP/2 64MB → 99KB (--memory)",
		"addresses 32MB → 336KB (--memory)", "compression 256MB → 2.2MB (--memory)")
	f(128<<20, "program 32MB, firewall's tables 9.5MB, cache 18MB, 286 connections 10MB, 235 exchanges 14MB, held bodies 5.3MB, bodies of HTTP/2 5.3MB, "+
		"windows of HTTP/2 1.2MB, addresses 1.3MB, compression 5.8MB, spare 26MB",
		"firewall's tables 32MB → 9.5MB (--memory)", "cache 38MB → 18MB (--cache-memory)", "connections 5000 → 286 (--max-connections)", "exchanges 10000 → 235 (--max-exchanges)",
		"held bodies 256MB → 5.3MB (--memory)", "bodies of HTTP/2 256MB → 5.3MB (--memory)", "windows of HTTP/2 64MB → 1.2MB (--memory)",
		"addresses 32MB → 1.3MB (--memory)", "compression 256MB → 5.8MB (--memory)")
	f(512<<20, "program 32MB, firewall's tables 25MB, cache 113MB, 1622 connections 57MB, 1301 exchanges 76MB, held bodies 30MB, bodies of HTTP/2 30MB, "+
		"windows of HTTP/2 7.5MB, addresses 7.6MB, compression 31MB, spare 102MB",
		"firewall's tables 32MB → 25MB (--memory)", "cache 154MB → 113MB (--cache-memory)", "connections 5000 → 1622 (--max-connections)", "exchanges 10000 → 1301 (--max-exchanges)",
		"held bodies 256MB → 30MB (--memory)", "bodies of HTTP/2 256MB → 30MB (--memory)", "windows of HTTP/2 64MB → 7.5MB (--memory)",
		"addresses 32MB → 7.6MB (--memory)", "compression 256MB → 31MB (--memory)")
	f(2<<30, "program 32MB, firewall's tables 29MB, cache 549MB, 4473 connections 157MB, 6251 exchanges 366MB, held bodies 146MB, bodies of HTTP/2 146MB, "+
		"windows of HTTP/2 37MB, addresses 29MB, compression 147MB, spare 410MB",
		"firewall's tables 32MB → 29MB (--memory)", "cache 614MB → 549MB (--cache-memory)", "connections 5000 → 4473 (--max-connections)", "exchanges 10000 → 6251 (--max-exchanges)",
		"held bodies 256MB → 146MB (--memory)", "bodies of HTTP/2 256MB → 146MB (--memory)", "windows of HTTP/2 64MB → 37MB (--memory)",
		"addresses 32MB → 29MB (--memory)", "compression 256MB → 147MB (--memory)")
	f(64<<30, "program 32MB, firewall's tables 32MB, cache 19GB, 5000 connections 176MB, 10000 exchanges 586MB, held bodies 256MB, bodies of HTTP/2 256MB, "+
		"windows of HTTP/2 64MB, addresses 32MB, compression 256MB, spare 43GB")
}

// TestDivideRefuses: what a flag says is given in full, or refused with what would fit; so is a limit below the least.
func TestDivideRefuses(t *testing.T) {
	f := func(limit int64, w memory.Wishes, want string) {
		t.Helper()
		_, _, err := memory.Divide(byFlag(limit), w)
		if err == nil || err.Error() != want {
			t.Errorf("%s, %+v:\ngot  %v\nwant %s", memory.Text(limit), w, err, want)
		}
	}
	usual := memory.Wishes{Connections: not(5000), Exchanges: not(10_000)}
	f(48<<20, usual, "48MB of memory (--memory) are too little: the edge needs at least 60MB, 32MB of it before its first connection; --memory, or the limit on the process, must say more")
	w := usual
	w.Connections = said(5000)
	f(128<<20, w, "--max-connections 5000, at 36KB each, does not fit into the 128MB of memory that there are (--memory): at most 1632 fit beside the rest; say less, or more with --memory")
	f(32<<20, w, "--max-connections 5000, at 36KB each, does not fit into the 32MB of memory that there are (--memory): nothing fits beside the rest; say less, or more with --memory")
	w.Connections = said(1 << 62)
	f(128<<20, w, "--max-connections 4611686018427387904, at 36KB each, does not fit into the 128MB of memory that there are (--memory): at most 1632 fit beside the rest; say less, or more with --memory")
	w = usual
	w.Cache = said(1 << 30)
	f(1<<30, w, "--cache-memory 1GB does not fit into the 1GB of memory that there are (--memory): at most 773MB fit beside the rest; say less, or more with --memory")
	w.Cache, w.Exchanges = said(10<<20), said(2000)
	f(128<<20, w, "--max-exchanges 2000, at 60KB each, does not fit into the 128MB of memory that there are (--memory): at most 851 fit beside the rest; say less, or more with --memory")
}

// TestDivideFits: what a refusal says would fit does, and one more does not.
func TestDivideFits(t *testing.T) {
	f := func(limit, connections int64, ok bool) {
		t.Helper()
		_, _, err := memory.Divide(byFlag(limit), memory.Wishes{Connections: said(connections), Exchanges: not(10_000)})
		if (err == nil) != ok {
			t.Errorf("%s, %d connections: %v", memory.Text(limit), connections, err)
		}
	}
	f(128<<20, 1632, true)
	f(128<<20, 1633, false)
	f(60<<20, 64, true)
	f(59<<20, 64, false)
}

// TestDivideSaid: who says that there are more connections gets them, and the others less.
func TestDivideSaid(t *testing.T) {
	s, low, err := memory.Divide(byFlag(128<<20), memory.Wishes{Cache: said(8 << 20), Connections: said(700), Exchanges: not(20)})
	if err != nil || s.Cache != 8<<20 || s.Connections != 700 || s.Exchanges != 20 || sum(t, &s) != 128<<20 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, l := range low {
		if strings.Contains(l, "--max") || strings.Contains(l, "--cache") {
			t.Errorf("what was said, or fits, is lowered: %s", l)
		}
	}
}

// TestDivideAlways: whatever the limit and the wishes, the parts come to the limit, what is said is given, nobody gets more than
// they want, and more memory never means less for anybody.
func TestDivideAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wish := func(most int64) memory.Wish {
			return memory.Wish{Most: rapid.Int64Range(0, most).Draw(t, "most"), Said: rapid.IntRange(0, 3).Draw(t, "said") == 0}
		}
		limit := rapid.Int64Range(0, 1<<rapid.IntRange(20, 42).Draw(t, "bits")).Draw(t, "limit")
		w := memory.Wishes{Connections: wish(200_000), Exchanges: wish(400_000)}
		if rapid.Bool().Draw(t, "cache") {
			w.Cache = said(rapid.Int64Range(1, 1<<40).Draw(t, "bytes"))
		}
		s, _, err := memory.Divide(byFlag(limit), w)
		if err != nil {
			return
		}
		if n := sum(t, &s); n != limit || s.Spare < limit/6 {
			t.Errorf("of %d the parts come to %d, %d spare", limit, n, s.Spare)
		}
		for _, one := range []struct {
			wish memory.Wish
			gets int64
		}{{w.Connections, int64(s.Connections)}, {w.Exchanges, int64(s.Exchanges)}} {
			if one.gets > one.wish.Most || one.wish.Said && one.gets != one.wish.Most {
				t.Errorf("wish %+v gets %d", one.wish, one.gets)
			}
		}
		if w.Cache.Said && s.Cache != w.Cache.Most {
			t.Errorf("the cache gets %d, not %d", s.Cache, w.Cache.Most)
		}
		more, _, err := memory.Divide(byFlag(limit+limit/10+1<<10), w)
		if err != nil {
			t.Fatalf("with more memory: %v", err)
		}
		for i, p := range more.Parts() {
			if was := s.Parts()[i]; p.Bytes < was.Bytes-1<<10 {
				t.Errorf("%s: of %d %d, with more %d", p.For, limit, was.Bytes, p.Bytes)
			}
		}
	})
}
