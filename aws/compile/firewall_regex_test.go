package compile

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRegexFlaw(t *testing.T) {
	for _, c := range []struct{ regex, want string }{
		{`^/a/[^/]+(?:/|$)`, ""}, {`\.(?:bak|old)$`, ""}, {`charset\s*=`, ""}, {`a{2,}`, ""}, {`["']?`, ""},
		{strings.Repeat("a", 201), "201 bytes"}, {`(a)`, "a group that is not"}, {`(?=a)`, "a group that is not"}, {`(?>a)`, "a group that is not"},
		{`(?i)a`, "a group that is not"}, {`a\1`, `1" is not among`}, {`\K`, `K" is not`}, {`\R`, `R" is not`}, {`\C`, `C" is not`}, {`\bword`, `b" is not`},
		{`a++`, "a quantifier behind another"}, {`a*?`, "a quantifier behind another"}, {`a{2}+`, "a quantifier behind another"},
		{"a\x00", "not printable"}, {"é", "not printable"}, {`a\`, "is not among"}, {`[a[b]]`, "a [ in a class"}, {`a)`, "not open"}, {`[a`, "ends inside"},
		{`(?:a`, "ends inside"}, {`a{2000}`, "no small number"}, {`a{`, "no small number"}, {`a{2}{3}`, "behind another"},
	} {
		if got := regexFlaw(c.regex); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%.40s: %q, want %q", c.regex, got, c.want)
		}
		if _, err := regexp.Compile(c.regex); err != nil && c.want == "" {
			t.Errorf("%s: %v", c.regex, err)
		}
	}
}

func TestMoreThan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1<<40).Draw(t, "n")
		if rapid.Bool().Draw(t, "nines") {
			n = rapid.SampledFrom([]int64{1, 8, 9, 10, 89, 98, 99, 100, 999, 1048576, 1 << 40}).Draw(t, "edge")
		}
		regexes := moreThan(n)
		at := rapid.Int64Range(0, 1<<42).Draw(t, "at")
		for _, m := range []int64{at, n - 1, n, n + 1, n * 10, n / 10} {
			got := false
			for _, r := range regexes {
				if flaw := regexFlaw(r); flaw != "" {
					t.Fatalf("%s: %s", r, flaw)
				}
				got = got || regexp.MustCompile(r).MatchString("00"+fmt.Sprint(m))
			}
			if got != (m > n) {
				t.Fatalf("%d is more than %d: %v, by %q", m, n, got, regexes)
			}
		}
	})
}

// Whatever words there are: each regular expression is one that AWS WAF takes, and each word is in one of them, or told.
func TestAlternatives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,40}`), 0, 80).Draw(t, "words")
		if rapid.Bool().Draw(t, "long") {
			words = append(words, strings.Repeat("w", 250))
		}
		regexes, tooLong := alternatives(`^\.`, words, `$`)
		for _, r := range regexes {
			if flaw := regexFlaw(r); flaw != "" {
				t.Fatalf("%s: %s", r, flaw)
			}
		}
		all := strings.Join(regexes, "\n")
		for _, w := range words {
			if len(w) < 190 && !regexp.MustCompile(`[:|]`+w+`[)|]`).MatchString(all) {
				t.Fatalf("%s is not in %s", w, all)
			}
		}
		if long := len(words) > 0 && len(words[len(words)-1]) == 250; long != (len(tooLong) == 1) {
			t.Fatalf("too long: %v", tooLong)
		}
	})
}
