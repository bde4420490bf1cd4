package waftest_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"skerry.dev/skerry/waf/waftest"
)

// TestCorazaConcurrent asks the oracle from several goroutines.
func TestCorazaConcurrent(t *testing.T) {
	c := waftest.NewCoraza(t, waftest.Options{Detect: true})
	var asked sync.WaitGroup
	for i := range 8 {
		asked.Go(func() {
			r := waftest.ParseRequest(fmt.Appendf(nil, "GET /?a%d=<script>x()</script> HTTP/1.1\r\nHost: a.example\r\n\r\n", i))
			if want := (waftest.Match{Rule: 941110, Var: fmt.Sprintf("ARGS:a%d", i)}); !slices.Contains(c.Judge(r).Matches, want) {
				t.Errorf("%v is not found", want)
			}
		})
	}
	asked.Wait()
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
