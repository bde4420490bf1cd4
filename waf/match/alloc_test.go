//go:build !race && !poison

package match_test

import (
	"testing"

	"skerry.dev/skerry/waf/match"
)

// What runs for each value of a request allocates nothing once it is warm.
func TestNothingIsAllocated(t *testing.T) {
	patterns, _ := compileRuleSet(t)
	p := match.NewPhrases(crsPhrases(t))
	memo := match.NewMemo[int](10)
	found := match.NewBits(100)
	values := [][]byte{[]byte(english), []byte("灯台守は毎晩"), []byte("' or 1=1--"), soup(dice(t), 300), nil}
	for _, r := range patterns {
		r.Warm(values...)
	}
	for _, v := range values {
		memo.Put(match.MaskOf(v), 1)
	}
	if n := testing.AllocsPerRun(10, func() {
		for _, v := range values {
			m := match.MaskOf(v)
			for _, r := range patterns {
				r.Match(v)
				r.Possible(m)
				r.PossibleExactly(m)
			}
			found.Clear()
			p.Scan(v, found)
			p.Find(3, v)
			p.Possible(3, m)
			memo.Get(m)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Nor does a search that may not extend its table, but for the memory that it borrows.
func TestAloneAllocatesLittle(t *testing.T) {
	rnd := dice(t)
	r := compile(t, `(?:a|b)*a(?:a|b){13}c`, match.Options{Tables: match.NewTables(1)})
	v := make([]byte, 1000)
	if n := testing.AllocsPerRun(100, func() {
		for i := range v {
			v[i] = "ab"[rnd.IntN(2)]
		}
		r.Match(v)
	}); n > 3 {
		t.Errorf("%v allocations", n)
	}
}
