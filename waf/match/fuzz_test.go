package match_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/waf/match"
)

// FuzzRegexp holds a pattern of the rule set against Go's regexp for one value, with a table that is always full.
func FuzzRegexp(f *testing.F) {
	tables := match.NewTables(1 << 18)
	var all []*match.Regexp
	for _, p := range crsPatterns(f) {
		all = append(all, compile(f, p.text, match.Options{Fold: p.fold, Tables: tables}))
	}
	values := crsValues(f)
	for n := range 40 {
		f.Add(uint16(n*7), []byte(values[n*411%len(values)]))
	}
	f.Fuzz(func(t *testing.T, n uint16, value []byte) {
		agree(t, all[int(n)%len(all)], value)
	})
}

// FuzzPattern holds any pattern against Go's regexp.
func FuzzPattern(f *testing.F) {
	for _, p := range oddPatterns {
		f.Add(p, []byte("a\nbAé\xff日k\u212a"), false)
	}
	f.Fuzz(func(t *testing.T, pattern string, value []byte, fold bool) {
		if len(pattern) > 100 || len(value) > 200 {
			return
		}
		r, err := match.Compile(pattern, match.Options{Fold: fold, Tables: match.NewTables(1 << 12)})
		if err != nil {
			return
		}
		agree(t, r, value)
		agree(t, r, append(value, value...))
		if at := r.Find(value, nil); (at != nil) != r.Match(value) || at != nil && (at[0] < 0 || at[1] < at[0] || at[1] > len(value)) {
			t.Errorf("%q on %q: found at %v", pattern, value, at)
		}
	})
}

// FuzzPhrases holds lists of phrases, one a line, against looking for each phrase.
func FuzzPhrases(f *testing.F) {
	f.Add("he she\nhis hers\naa aaaa", []byte("USHERS aaa"))
	f.Add("b abab bab\n\n-", []byte("ababab-"))
	f.Fuzz(func(t *testing.T, text string, value []byte) {
		if len(text) > 500 {
			return
		}
		var lists [][]string
		for line := range strings.SplitSeq(strings.ToLower(text), "\n") {
			lists = append(lists, strings.Fields(line))
		}
		agreePhrases(t, match.NewPhrases(lists), lists, value)
	})
}
