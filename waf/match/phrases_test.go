package match_test

import (
	"bytes"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/match"
)

// plainFind is Find, by looking for each phrase.
func plainFind(list []string, value []byte) (from, to int, ok bool) {
	low := asciiLower(value)
	for _, phrase := range list {
		phrase = strings.ToLower(phrase)
		at := bytes.Index(low, []byte(phrase))
		if at >= 0 && (!ok || at < from || at == from && at+len(phrase) > to) {
			from, to, ok = at, at+len(phrase), true
		}
	}
	return from, to, ok
}

func asciiLower(value []byte) []byte {
	low := bytes.Clone(value)
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] += 'a' - 'A'
		}
	}
	return low
}

// agreePhrases holds all lists against the plain way for one value.
func agreePhrases(t testing.TB, p *match.Phrases, lists [][]string, value []byte) {
	t.Helper()
	found := match.NewBits(len(lists) + 100)
	p.Scan(value, found)
	for n, list := range lists {
		from, to, ok := plainFind(list, value)
		if found.Has(n) != ok {
			t.Fatalf("list %d in %q: %v, want %v", n, value, found.Has(n), ok)
		}
		gotFrom, gotTo, gotOK := p.Find(n, value)
		if gotFrom != from || gotTo != to || gotOK != ok {
			t.Fatalf("list %d in %q: %d-%d %v, want %d-%d %v", n, value, gotFrom, gotTo, gotOK, from, to, ok)
		}
		if ok && !p.Possible(n, match.MaskOf(value)) {
			t.Fatalf("list %d in %q should be impossible", n, value)
		}
	}
}

func TestPhrasesOfRuleSet(t *testing.T) {
	lists, values := crsPhrases(t), crsValues(t)
	p := match.NewPhrases(lists)
	t.Logf("%d lists, %d bytes", len(lists), p.Bytes())
	rnd := dice(t)
	for range 40 {
		v := values[rnd.IntN(len(values))]
		agreePhrases(t, p, lists, []byte(v))
		agreePhrases(t, p, lists, mutate(rnd, v))
		list := lists[rnd.IntN(len(lists))]
		agreePhrases(t, p, lists, mutate(rnd, strings.ToUpper(list[rnd.IntN(len(list))])))
	}
}

func TestOddPhrases(t *testing.T) {
	lists := [][]string{{"he", "she", "his", "hers"}, {"", "a"}, {"É", "ab\xff"}, {"aaaa", "aa"}, {"b", "ABAB", "bab"}, {}}
	p := match.NewPhrases(lists)
	rnd := dice(t)
	for range 5_000 {
		v := make([]byte, rnd.IntN(12))
		for i := range v {
			v[i] = "aabbABhersHIS\xff\xc3\xa9"[rnd.IntN(16)]
		}
		found := match.NewBits(len(lists))
		p.Scan(v, found)
		if got, want := found.Has(2), bytes.Contains(asciiLower(v), []byte("é")) || bytes.Contains(asciiLower(v), []byte("ab\xff")); got != want {
			t.Fatalf("%q: %v", v, got)
		}
		plain := [][]string{lists[0], lists[1], nil, lists[3], lists[4], nil}
		for n, list := range plain {
			if list == nil {
				continue
			}
			from, to, ok := plainFind(list, v)
			gotFrom, gotTo, gotOK := p.Find(n, v)
			if gotFrom != from || gotTo != to || gotOK != ok || found.Has(n) != ok {
				t.Fatalf("list %d in %q: %d-%d %v %v, want %d-%d %v", n, v, gotFrom, gotTo, gotOK, found.Has(n), from, to, ok)
			}
		}
	}
}

// More phrases than there is room for rows.
func TestManyPhrases(t *testing.T) {
	rnd := dice(t)
	lists := make([][]string, 70)
	for n := range lists {
		for range 300 {
			b := make([]byte, 2+rnd.IntN(12))
			for i := range b {
				b[i] = "abcdefghijklmnopqrstuvwxyz0123456789-/"[rnd.IntN(38)]
			}
			lists[n] = append(lists[n], string(b))
		}
	}
	p := match.NewPhrases(lists)
	if p.Bytes() > 16<<20 {
		t.Errorf("%d bytes", p.Bytes())
	}
	for range 6 {
		var v []byte
		for range 6 {
			list := lists[rnd.IntN(len(lists))]
			v = append(v, list[rnd.IntN(len(list))]...)
		}
		agreePhrases(t, p, lists, mutate(rnd, string(v)))
	}
}

func BenchmarkPhrases(b *testing.B) {
	p := match.NewPhrases(crsPhrases(b))
	found := match.NewBits(64)
	for name, value := range map[string][]byte{"english": []byte(english), "soup": soup(dice(b), 1000)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(value)))
			from := cpu()
			for b.Loop() {
				found.Clear()
				p.Scan(value, found)
			}
			b.ReportMetric((cpu()-from)/float64(b.N*len(value)), "cpu-ns/B")
		})
	}
}
