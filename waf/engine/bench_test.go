package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
	"skerry.dev/skerry/waf/waftest"
)

// embedded is the rule set as entrypoints have it, set up by policies.
var embedded = sync.OnceValue(func() *engine.Program {
	set, err := crs.Load()
	if err != nil {
		panic(err)
	}
	p, problems := engine.New(set)
	if len(problems) > 0 {
		panic(problems[0].String())
	}
	return p
})

// fixture is one of the requests that firewalls are compared with.
func fixture(t testing.TB, name string) waftest.Request {
	t.Helper()
	if name == "json_100k" {
		return waftest.Request{Method: "POST", URI: "/api/articles/import", Proto: "HTTP/1.1", Headers: [][2]string{
			{"Host", "shop.example.com"}, {"User-Agent", "importer/3"}, {"Accept", "*/*"}}}.WithBody("application/json", articles())
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "load", "compare", "testdata", "requests", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	r := waftest.ParseRequest(text)
	if len(r.Body) > 0 {
		r = r.WithBody(r.Header("Content-Type"), r.Body)
	}
	return r
}

// articles is 100 KB of JSON with some 900 leaves of text.
func articles() []byte {
	rng := rand.New(rand.NewPCG(100, 177))
	words := strings.Fields("the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their")
	text := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(words[rng.IntN(len(words))] + []string{" ", " ", " ", ", ", ". "}[rng.IntN(5)])
		}
		return b.String()[:n]
	}
	var all []map[string]any
	for i := range 150 {
		all = append(all, map[string]any{"id": 52000 + 7*i, "author": text(14), "title": text(40), "section": text(8), "summary": text(90), "text": text(230 + rng.IntN(220))})
	}
	body, err := json.Marshal(map[string]any{"articles": all})
	if err != nil {
		panic(err)
	}
	return body
}

// BenchmarkJudge is whole requests as the edge gives them: collection, body, rules, score. Level 1 and 4.
func BenchmarkJudge(b *testing.B) {
	for _, name := range []string{"get_small", "get_browser", "json_2k", "form_20", "json_100k"} {
		for _, level := range []int{1, 4} {
			b.Run(fmt.Sprintf("%s/PL%d", name, level), func(b *testing.B) {
				judging(b, policyOf(b, embedded(), engine.Options{TX: crs.Setup{Paranoia: level}.Set()}), input(fixture(b, name)))
			})
		}
	}
}

func judging(b *testing.B, p *engine.Policy, in *engine.Input) {
	b.ReportAllocs()
	for b.Loop() {
		p.Judge(in).End()
	}
}

// BenchmarkHostile is an argument of 1 KB of what costs most: the figure is per KB.
func BenchmarkHostile(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1024)
	for i := range noise {
		noise[i] = byte(rng.UintN(95)) + ' '
	}
	for _, v := range []struct{ name, text string }{
		{"noise", string(noise)},
		{"attacks", strings.Repeat("1' or union select <script>alert(1)</script> ;cat /etc/passwd|`${jndi:ldap://x}`", 14)[:1024]},
		{"nearly", strings.Repeat("union selec <scrip onloa javascrip: ../../etc/passw ${jnd %{(#_", 17)[:1024]},
		{"comments", strings.Repeat("/*a*/--+#", 120)[:1024]},
		{"escapes", strings.Repeat(`\u0041\x41&#65;%41\101`, 50)[:1024]},
	} {
		b.Run(v.name, func(b *testing.B) {
			r := fixture(b, "get_small").WithBody("application/x-www-form-urlencoded", []byte("q="+escape(v.text)))
			r.Method = "POST"
			judging(b, policyOf(b, embedded(), engine.Options{TX: crs.Setup{Paranoia: 1}.Set(), Detect: true}), input(r))
		})
	}
}

func escape(s string) string {
	var b bytes.Buffer
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// BenchmarkCold is a small request whose values have classes of bytes that nothing is remembered about: the program's first, which it
// reports beside the time that making a program takes.
func BenchmarkCold(b *testing.B) {
	set, err := crs.Load()
	if err != nil {
		b.Fatal(err)
	}
	in := input(fixture(b, "get_small"))
	var cold time.Duration
	for b.Loop() {
		p, _ := engine.New(set)
		y := policyOf(b, p, engine.Options{TX: crs.Setup{Paranoia: 1}.Set()})
		began := time.Now()
		y.Judge(in).End()
		cold += time.Since(began)
	}
	b.ReportMetric(float64(cold.Microseconds())/float64(b.N), "first-µs")
}

// BenchmarkProgram makes the rule set ready: at most a second.
func BenchmarkProgram(b *testing.B) {
	set, err := crs.Load()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := engine.New(set); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

// BenchmarkPolicy makes an entrypoint's policy, with exclusions of its own: at most a millisecond.
func BenchmarkPolicy(b *testing.B) {
	o := engine.Options{TX: crs.Setup{Paranoia: 2, Threshold: 10}.Set(), Exclusions: []engine.Exclusion{
		{Rules: seclang.Range{First: 942100, Last: 942100}, Target: &seclang.Target{Var: seclang.VarArgs, Key: "q"}},
		{Tag: "attack-xss", Path: "/admin/*"},
		{Rules: seclang.Range{First: 920420, Last: 920420}},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := embedded().NewPolicy(o); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
