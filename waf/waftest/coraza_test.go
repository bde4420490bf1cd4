package waftest_test

import (
	"slices"
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

// TestCorazaTests asks the oracle the Core Rule Set's own tests, without sockets: nearly all must be as they expect, or the
// setup is wrong. What is not depends on a front end; waf/ftw runs them all.
func TestCorazaTests(t *testing.T) {
	c := waftest.NewCoraza(t, waftest.Options{Detect: true, Before: waftest.TestSetup})
	all, bad := waftest.Tests(t), 0
	step := 7
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

func TestCorazaJudges(t *testing.T) {
	attack := waftest.ParseRequest([]byte("GET /?Q=1'+or+1=1-- HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"))
	blocks := waftest.NewCoraza(t, waftest.Options{After: `SecAction "id:5,phase:5,pass,log"`}).Judge(attack)
	if !blocks.Interrupted || blocks.Status != 403 || blocks.By != 949110 || blocks.Score < 5 {
		t.Errorf("an attack is judged %+v", blocks)
	}
	want := waftest.Match{Rule: 942100, Var: "ARGS:q"}
	if !slices.Contains(blocks.Matches, want) || !slices.Contains(blocks.Matches, waftest.Match{Rule: 5}) {
		t.Errorf("%v and the action 5 are not in %v", want, blocks.Matches)
	}
	detects := waftest.NewCoraza(t, waftest.Options{Detect: true}).Judge(attack)
	if detects.Interrupted || detects.Score != blocks.Score || !slices.Contains(detects.Logged, 942100) {
		t.Errorf("DetectionOnly judges %+v", detects)
	}
	strict := waftest.NewCoraza(t, waftest.Options{Detect: true, Paranoia: 4}).Judge(attack)
	if len(strict.Logged) <= len(detects.Logged) {
		t.Errorf("paranoia 4 finds %v, 1 finds %v", strict.Logged, detects.Logged)
	}
	leak := waftest.Response{Status: 500, Headers: [][2]string{{"Content-Type", "text/html"}}, Body: []byte("Fatal error: Uncaught PDOException: SQLSTATE[HY000] in /var/www/a.php on line 3")}
	benign := attack
	benign.URI = "/"
	c := waftest.NewCoraza(t, waftest.Options{Detect: true})
	if both, alone := c.JudgeBoth(benign, leak).Logged, c.Judge(benign).Logged; len(both) <= len(alone) {
		t.Errorf("with a leaking response %v match, without %v", both, alone)
	}
}
