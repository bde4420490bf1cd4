//go:build !race

package waftest_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

// What is here asks the oracle many requests, one at a time: the race detector would find nothing and cost minutes.

var update = flag.Bool("update", false, "rewrite testdata/benign.coraza")

// TestCorazaTests asks the oracle the Core Rule Set's own tests, without sockets: nearly all must be as they expect, or the
// setup is wrong. What is not depends on a front end; waf/ftw runs them all.
func TestCorazaTests(t *testing.T) {
	c := waftest.NewCoraza(t, waftest.Options{Detect: true, Before: waftest.TestSetup})
	all, bad := waftest.Tests(t), 0
	step := 7
	if testing.Short() {
		step = 41
	}
	for i := 0; i < len(all); i += step {
		for n, s := range all[i].Stages {
			r := waftest.ParseRequest(s.Raw())
			rules := c.JudgeBoth(r, waftest.Answer(r)).Rules()
			missing := slices.ContainsFunc(s.Output.Expect, func(id int) bool { return !slices.Contains(rules, id) })
			if missing || slices.ContainsFunc(s.Output.NoExpect, func(id int) bool { return slices.Contains(rules, id) }) {
				bad++
				t.Logf("%s stage %d expects %v and not %v, matched %v", all[i].ID, n, s.Output.Expect, s.Output.NoExpect, rules)
			}
		}
	}
	if bad > 3 {
		t.Errorf("%d of %d tests are not as they expect", bad, len(all)/step)
	}
}

// TestBenignCoraza holds what Coraza and the Core Rule Set say about the corpus at paranoia 1 and 2 against a file: it is the
// measure for false positives of ours, and shows when a release of the rules changes them.
func TestBenignCoraza(t *testing.T) {
	var got strings.Builder
	all := waftest.Benign(t)
	paranoiaMax := 2
	if testing.Short() {
		paranoiaMax = 1
	}
	for paranoia := 1; paranoia <= paranoiaMax; paranoia++ {
		c := waftest.NewCoraza(t, waftest.Options{Paranoia: paranoia, Detect: true, Before: waftest.WebPolicy})
		refused := 0
		var lines strings.Builder
		for _, r := range all {
			j := c.Judge(r)
			if j.Score >= 5 {
				refused++
			}
			if j.Score > 0 {
				fmt.Fprintf(&lines, "%s: score %d, %s\n", r.Name, j.Score, scoring(j))
			}
		}
		fmt.Fprintf(&got, "# paranoia %d: %d of %d requests refused\n%s", paranoia, refused, len(all), &lines)
	}
	const file = "testdata/benign.coraza"
	if *update && !testing.Short() {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) && !(testing.Short() && strings.HasPrefix(string(want), got.String())) {
		t.Errorf("Coraza's judgement of the corpus has changed; look at the difference after go test -run BenignCoraza -update. Now:\n%s", &got)
	}
}

// scoring is what matched of rules that log, which are those that score, each with its first variable.
func scoring(j waftest.Judgement) string {
	var out []string
	for _, id := range j.Logged {
		if id >= 949000 { // the sum of the others
			break
		}
		i := slices.IndexFunc(j.Matches, func(m waftest.Match) bool { return m.Rule == id })
		out = append(out, fmt.Sprintf("%d %s", id, strings.Trim(fmt.Sprintf("%.60q", j.Matches[i].Var), `"`)))
	}
	return strings.Join(out, ", ")
}
