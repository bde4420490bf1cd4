package match_test

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"skerry.dev/skerry/waf/match"
)

// english is prose, as a form or a document holds it.
const english = `The keeper of the lighthouse on the outer skerry kept a careful record of every ship that passed, of the weather, and of the oil that the lamp had burned during the night. In autumn, when the storms came in from the north-west, he would write only a few words: wind strong, sea high, no ships. The record for the year 1862 is lost; it is said that the sea took it, together with the boat and 3 barrels of salt.`

// soup is tokens of attacks in random order, the worst that a scanner sends.
func soup(rnd *rand.Rand, size int) []byte {
	words := []string{"select", " union", " from ", "'", "\"", "--", "/*", "*/", "<script", ">", "onerror=", "alert(", ")", "../", "/etc/passwd", "|", "cat ", ";", "$(", "`", "${", "}", " or ", "1=1", "exec", "\\x41", "%27", "wget", "\n", "curl -", "php", "eval(", "<?", "sleep(", "&", "ls"}
	var b []byte
	for len(b) < size {
		b = append(b, words[rnd.IntN(len(words))]...)
	}
	return b[:size]
}

// cpu is the processor time that the process has had, in nanoseconds: on a busy machine the clock says little.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func random(rnd *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(' ' + rnd.IntN(95))
	}
	return b
}

func compileRuleSet(t testing.TB) ([]*match.Regexp, *match.Tables) {
	tables := match.NewTables(0)
	var all []*match.Regexp
	for _, p := range crsPatterns(t) {
		all = append(all, compile(t, p.text, match.Options{Fold: p.fold, Tables: tables}))
	}
	return all, tables
}

// What all patterns of the rule set together cost for a byte, warm. Patterns that the mask rules out are not run.
func BenchmarkRuleSet(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name   string
		values func() []byte
		fresh  bool
	}{
		{"english", func() []byte { return []byte(english) }, false},
		{"japanese", func() []byte {
			return []byte("灯台守は毎晩、通り過ぎるすべての船と天気を記録していた。")
		}, false},
		{"soup", func() []byte { return soup(rnd, 1000) }, false},
		{"soup-fresh", func() []byte { return soup(rnd, 1000) }, true},
		{"random-fresh", func() []byte { return random(rnd, 1000) }, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			all, tables := compileRuleSet(b)
			value := c.values()
			ran, size, from := 0, 0, cpu()
			for b.Loop() {
				if c.fresh {
					value = c.values()
				}
				m := match.MaskOf(value)
				for _, r := range all {
					if r.PossibleExactly(m) {
						r.Match(value)
						ran++
						size += len(value)
					}
				}
			}
			b.ReportMetric((cpu()-from)/float64(size), "cpu-ns/B/rule")
			b.ReportMetric((cpu()-from)/float64(b.N*len(value)), "cpu-ns/B")
			b.ReportMetric(float64(ran)/float64(b.N), "rules")
			b.ReportMetric(float64(tables.Bytes()), "table-bytes")
		})
	}
}

// What it costs to ask all patterns about a mask.
func BenchmarkPossible(b *testing.B) {
	all, _ := compileRuleSet(b)
	values := [][]byte{[]byte(english), soup(rand.New(rand.NewPCG(1, 1)), 100), []byte("en-US,en;q=0.9"), []byte("42")}
	from := cpu()
	for b.Loop() {
		for _, v := range values {
			m := match.MaskOf(v)
			for _, r := range all {
				r.Possible(m)
			}
		}
	}
	b.ReportMetric((cpu()-from)/float64(b.N*len(values)*len(all)), "cpu-ns/rule")
}
