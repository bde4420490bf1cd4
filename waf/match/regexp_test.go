package match_test

import (
	"flag"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/waf/match"
)

var (
	whole = flag.Bool("whole", false, "hold every pattern against every value of the rule set's tests: minutes")
	seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of what tests choose at random")
)

// dice is the source of a test's random choices; the seed is printed if it fails.
func dice(t testing.TB) *rand.Rand {
	t.Logf("-seed=%d", *seed)
	return rand.New(rand.NewPCG(*seed, 1))
}

func compile(t testing.TB, pattern string, o match.Options) *match.Regexp {
	t.Helper()
	r, err := match.Compile(pattern, o)
	if err != nil {
		t.Fatalf("%q: %v", pattern, err)
	}
	return r
}

// agree holds a pattern against the reference for one value.
func agree(t testing.TB, r *match.Regexp, value []byte) bool {
	t.Helper()
	want := r.Slow(value)
	if got := r.Match(value); got != want {
		t.Errorf("%q on %q: %v, Go says %v", r, value, got, want)
		return false
	}
	if !want {
		return true
	}
	m := match.MaskOf(value)
	if !r.Possible(m) || !r.Possible(match.MaskAll) || !r.PossibleExactly(m) {
		t.Errorf("%q matches %q of mask %#x, which should be impossible", r, value, m)
		return false
	}
	if len(value) < r.Min() {
		t.Errorf("%q matches %q, but asks for %d bytes", r, value, r.Min())
		return false
	}
	return true
}

// mutate changes a few bytes.
func mutate(rnd *rand.Rand, v string) []byte {
	b := []byte(v)
	for range 1 + rnd.IntN(3) {
		if len(b) == 0 {
			return append(b, byte(rnd.IntN(256)))
		}
		i := rnd.IntN(len(b))
		switch rnd.IntN(6) {
		case 0:
			b[i] = byte(rnd.IntN(256))
		case 1:
			b = append(b[:i], b[i+1:]...)
		case 2:
			b = append(b[:i], append([]byte([]string{"\n", "\xc5\xbf", "\u212a", "\xff", "\xe2\x84", " ", "'", "\ufffd", "日"}[rnd.IntN(9)]), b[i:]...)...)
		case 3:
			b[i] ^= 0x20
		case 4:
			b = append(b[i:], b[:i]...)
		default:
			b = append(b, b[i:]...)
		}
	}
	return b
}

// noise is random bytes of one of several alphabets.
func noise(rnd *rand.Rand) []byte {
	alphabet := []string{"", "ab \n", "\x80\xbf\xc3\xe2\xf0a", "select from'\"()-;=<>/*#\n$|&{}", "日本é\u2028ſK"}[rnd.IntN(5)]
	b := make([]byte, rnd.IntN(80))
	for i := range b {
		if b[i] = byte(rnd.IntN(256)); alphabet != "" {
			b[i] = alphabet[rnd.IntN(len(alphabet))]
		}
	}
	return b
}

// Every pattern of the rule set says of what the set's own tests send what Go's regexp says.
func TestRuleSetAgrees(t *testing.T) {
	patterns, values := crsPatterns(t), crsValues(t)
	rnd := dice(t)
	share := 25
	if *whole {
		share = len(values)
	}
	tables := match.NewTables(0)
	matched := 0
	for _, p := range patterns {
		for _, fold := range []bool{p.fold, !p.fold} {
			r := compile(t, p.text, match.Options{Fold: fold, Tables: tables})
			first := rnd.IntN(len(values))
			for i := range share {
				v := values[(first+i*37)%len(values)]
				if *whole {
					v = values[i]
				}
				if !agree(t, r, []byte(v)) || !agree(t, r, mutate(rnd, v)) || !agree(t, r, noise(rnd)) {
					t.Fatalf("rule %s", p.id)
				}
				if r.Match([]byte(v)) {
					matched++
				}
			}
		}
	}
	t.Logf("%d patterns, %d matches, tables of %d bytes", len(patterns), matched, tables.Bytes())
	if matched < 50 {
		t.Errorf("only %d matches: the values are of no use", matched)
	}
}

// What patterns may ask for and values may have, beside the rule set.
var oddPatterns = []string{
	``, `a`, `^`, `$`, `^$`, `^a$`, `\ba`, `a\b`, `\Ba\B`, `\b`, `\B`, `\Aa`, `a\z`, `\A\z`, `(?-m)^a$`, `(?-s)a.b`, `a.b`, `(?i)k`, `(?i)ſ`,
	`[^a]`, `[^a]{3}`, `\x{fffd}`, `[^\x{fffd}]`, `é`, `(?i)É`, `\xe9`, `\xc3\xa9`, `[\x80-\xff]a`, `(?i)\xe9`, `^[\x80-\xff]+$`, `\xff$`, `a\xff.b`,
	`日本`, `[日-本]x`, `^.{2}$`, `^\w+$`, `\w\b\W`, `(?:^|;)a(?:$|,)`, `a^b`, `a$\nb`, `(?:a\n)+^b`, `x*`, `(a|ab)(c|bcd)`, `(?:a?){8}a{8}`, `(?:a|b)*a(?:a|b){6}`,
	`\pL\pN`, `(?i)[a-z]+ſ`, `\x{d7ff}|\x{e000}`, `[[:cntrl:]]`, `A`, `(?i)A`, `[A-C]`, `\n^`, `$\n`, `^\b`, `\b$`, `(?:\b|^)a`, `(?:\b\B)a`, `a(?:\n$|\b)`, `\\xc0`,
}

func TestOddPatternsAgree(t *testing.T) {
	rnd := dice(t)
	alphabet := []string{"a", "b", "A", "k", "\n", " ", "_", "é", "ſ", "\u212a", "\xff", "\xe2\x84", "\xc3", "\xe9", "日", "本", "\ufffd", "x", ";", "1", "\\", "\xc0"}
	for _, p := range oddPatterns {
		for _, fold := range []bool{false, true} {
			r := compile(t, p, match.Options{Fold: fold})
			for range 400 {
				var v []byte
				for range rnd.IntN(9) {
					v = append(v, alphabet[rnd.IntN(len(alphabet))]...)
				}
				agree(t, r, v)
			}
		}
	}
}

// A pattern whose automaton is far larger than its table may become goes on with what it has.
func TestTableIsBounded(t *testing.T) {
	rnd := dice(t)
	tables := match.NewTables(64 << 10)
	r := compile(t, `(?:a|b)*a(?:a|b){13}c`, match.Options{Tables: tables})
	other := compile(t, `(?:a|b)*b(?:a|b){12}c`, match.Options{Tables: tables})
	for range 300 {
		v := make([]byte, 400)
		for i := range v {
			v[i] = "ab"[rnd.IntN(2)]
		}
		if rnd.IntN(2) == 0 {
			v[len(v)-1] = 'c'
		}
		agree(t, r, v)
		agree(t, other, v)
		if n := tables.Bytes(); n > 64<<10+1<<13 {
			t.Fatalf("tables of %d bytes", n)
		}
	}
	if tables.Bytes() < 16<<10 {
		t.Errorf("tables of %d bytes: the bound was not met", tables.Bytes())
	}
}

// Many goroutines on one cold pattern, whose table is begun anew all the time, get the right answers.
func TestManyAtOnce(t *testing.T) {
	tables := match.NewTables(20 << 10)
	r := compile(t, `(?i)(?:a|b)*a(?:a|b){9}[^ab]|\bsel.{4}ect$|k{3}`, match.Options{Tables: tables})
	const alphabet = "aabbABk \nselct\xe2\x84\xaa"
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(*seed, uint64(g)))
			for range 300 {
				v := make([]byte, rnd.IntN(200))
				for i := range v {
					v[i] = alphabet[rnd.IntN(len(alphabet))]
				}
				agree(t, r, v)
			}
		})
	}
	wg.Wait()
	t.Logf("-seed=%d", *seed)
}

// What is too large for an automaton is left to Go's regexp, with the same answers.
func TestTooLarge(t *testing.T) {
	var letters strings.Builder
	for r := rune(0x4e00); r < 0x4e00+300; r++ {
		letters.WriteString("|" + string(r) + string(r+1))
	}
	for _, pattern := range []string{"x" + letters.String(), "x(?:a?b?c?d?e?f?g?h?){900}y"} {
		r := compile(t, pattern, match.Options{})
		for _, v := range []string{"", "x", "xabcy", "xhgfy", "丁七", "丁丁", "xy"} {
			agree(t, r, []byte(v))
		}
		r.Warm([]byte("x"))
	}
}

func TestFind(t *testing.T) {
	find := func(pattern string, fold bool, value string, want ...int) {
		t.Helper()
		got := compile(t, pattern, match.Options{Fold: fold}).Find([]byte(value), nil)
		if len(got) != len(want) {
			t.Fatalf("%q on %q: %v, want %v", pattern, value, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q on %q: %v, want %v", pattern, value, got, want)
			}
		}
	}
	find(`a(b)?(c)`, false, "xac", 1, 3, -1, -1, 2, 3)
	find(`a(b)`, true, "xAB", 1, 3, 2, 3)
	find(`a(b)`, false, "xAB")
	find(`\xe9(.)\xff`, false, "é\xe9\xe8\xff", 2, 5, 3, 4)
	find(`^b$`, false, "a\nb\nc", 2, 3)
	find(`$`, false, "", 0, 0)
}

func TestPossible(t *testing.T) {
	possible := func(pattern, value string, want bool) {
		t.Helper()
		r := compile(t, pattern, match.Options{})
		if got := r.PossibleExactly(match.MaskOf([]byte(value))); got != want {
			t.Errorf("%q, made of %q: %v, want %v", pattern, value, got, want)
		}
	}
	possible(`select`, "elects", true)
	possible(`select`, "elect", false)
	possible(`(?i)SELECT`, "elects", true)
	possible(`(?i)k`, "é", true)
	possible(`k`, "é", false)
	possible(`ab|cd`, "ac", false)
	possible(`ab|cd`, "dc", true)
	possible(`(?:ab|cd)?`, "", true)
	possible(`a{0}b`, "b", true)
	possible(`[<>]x+`, "x", false)
	possible(`[<>]x*`, "<", true)
	possible(`^\d+$`, "1a", false)
	possible(`^\d+$`, "1a\n", true)
	possible(`\d+$`, "1a", true)
	possible(`x[^\x00-\x{10ffff}]`, "x", false)
	if r := compile(t, `^\d+$`, match.Options{}); !r.Possible(match.MaskOf([]byte("1a"))) {
		t.Error("a value made of digits, of digits and letters, is impossible")
	}
	if r := compile(t, `A`, match.Options{Fold: true}); r.Possible(match.MaskAll) || r.Match([]byte("A")) {
		t.Error("a capital in a value of lower case is possible")
	}
}

func TestMin(t *testing.T) {
	for pattern, want := range map[string]int{``: 0, `abc`: 3, `a?b+`: 1, `(?:ab){2,}`: 4, `a|bcd`: 1, `é`: 2, `[^a]`: 1, `日`: 3, `\xe9\xff`: 2, `(?i)ſ`: 1, `\x{fffd}`: 1} {
		if got := compile(t, pattern, match.Options{}).Min(); got != want {
			t.Errorf("%q: %d, want %d", pattern, got, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	if _, err := match.Compile(`a(`, match.Options{}); err == nil || !strings.Contains(err.Error(), "a(") {
		t.Errorf("%v", err)
	}
}
