package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/waftest"
)

// exclusions are own rules that take rules and targets out for requests that say so.
const exclusions = `
SecRule REQUEST_HEADERS:X-No "@streq tag" "id:100,phase:1,pass,nolog,t:none,ctl:ruleRemoveByTag=attack-sqli"
SecRule REQUEST_HEADERS:X-No "@streq all" "id:101,phase:1,pass,nolog,t:none,ctl:ruleRemoveByTag=OWASP_CRS"
SecRule REQUEST_HEADERS:X-No "@streq ids" "id:102,phase:1,pass,nolog,t:none,ctl:ruleRemoveById=941000-943999"
SecRule REQUEST_HEADERS:X-No "@streq target" "id:103,phase:1,pass,nolog,t:none,ctl:ruleRemoveTargetByTag=OWASP_CRS;ARGS,ctl:ruleRemoveTargetById=941000-941999;REQUEST_HEADERS:/^user/"
SecRule REQUEST_HEADERS:X-No "@streq level" "id:104,phase:1,pass,nolog,t:none,setvar:tx.detection_paranoia_level=2"
SecRule REQUEST_HEADERS:X-No "@streq engine" "id:105,phase:2,pass,nolog,t:none,ctl:ruleEngine=Off"
`

// TestConcurrent judges requests that change their own rules at run time, from many goroutines and under several policies of
// one program, and again one after another: what one of them took out must not be missed in another.
func TestConcurrent(t *testing.T) {
	s := seed(t)
	rng := rand.New(rand.NewPCG(s, 0))
	policies := []*engine.Policy{
		policy(t, engine.Options{Detect: true}, paranoia(4)+exclusions, ""),
		policy(t, engine.Options{}, paranoia(1)+exclusions, ""),
		policy(t, engine.Options{Detect: true, Exclusions: []engine.Exclusion{{Tag: "attack-xss", Path: "/*", Methods: []string{"POST"}}}}, paranoia(2)+exclusions, ""),
	}
	tests := waftest.Tests(t)
	var cases []concurrentCase
	n := 60
	if slowly {
		n = 15
	}
	for range n {
		r := waftest.ParseRequest(tests[rng.IntN(len(tests))].Raw())
		for _, no := range []string{"", "tag", "all", "ids", "target", "level", "engine"} {
			c := concurrentCase{policies[rng.IntN(len(policies))], r.Set("X-No", no), ""}
			c.want = c.judge()
			cases = append(cases, c)
		}
	}
	var done sync.WaitGroup
	for worker := range 8 {
		order := rand.New(rand.NewPCG(s, uint64(worker)+1)).Perm(len(cases))
		done.Go(func() {
			for _, i := range order {
				if got := cases[i].judge(); got != cases[i].want {
					t.Errorf("%s alone, %s beside others: %q", cases[i].want, got, cases[i].request.Raw())
				}
			}
		})
	}
	done.Wait()
	different := map[string]bool{}
	for _, c := range cases {
		different[c.want] = true
	}
	if len(different) < len(cases)/6 {
		t.Errorf("%d requests have %d results: they change too little", len(cases), len(different))
	}
}

type concurrentCase struct {
	policy  *engine.Policy
	request waftest.Request
	want    string
}

func (c concurrentCase) judge() string {
	j := judge(c.policy, c.request, nil)
	return fmt.Sprint(j.Matches, j.Interrupted, j.By, j.Score)
}

// TestTransactionOfAnotherProgram judges under two programs by turns: transactions are pooled, and must have the size of their
// own program.
func TestTransactionOfAnotherProgram(t *testing.T) {
	small, problems := engine.New(parsed(t, `SecRule ARGS "@rx evil" "id:1,phase:2,deny,log,t:none,t:lowercase"`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	policies := []*engine.Policy{policyOf(t, small, engine.Options{}), policy(t, engine.Options{}, paranoia(1), ""),
		policyOf(t, small, engine.Options{Before: parsed(t, `SecRule ARGS:a "@rx x" "id:9,phase:2,pass,log,t:none,t:hexDecode,setvar:tx.more=1"`)})}
	r := waftest.Request{Method: "GET", URI: "/?a=EVIL&b=<script>alert(1)</script>", Proto: "HTTP/1.1", Headers: [][2]string{{"Host", "a.example"}}}
	want := []int{1, 949110, 1}
	for range 50 {
		for i, p := range policies {
			if j := judge(p, r, nil); j.By != want[i] {
				t.Fatalf("policy %d: refused by %d, want %d", i, j.By, want[i])
			}
		}
	}
}

// TestOnceDifferent has requests in which the compiled engine missed something once.
func TestOnceDifferent(t *testing.T) {
	compiled := policy(t, engine.Options{Detect: true}, waftest.TestSetup, "")
	f := func(uri string, rule int, variable string) {
		t.Helper()
		r := waftest.Request{Method: "GET", URI: uri, Proto: "HTTP/1.1", Headers: [][2]string{{"Host", "a.example"}}}
		if j := judge(compiled, r, nil); !slices.Contains(j.Matches, waftest.Match{Rule: rule, Var: variable}) {
			t.Errorf("%s: rule %d does not match %s: %v", uri, rule, variable, j.Matches)
		}
	}
	// Phase 1 had transformed the path, and its memory was written over before phase 2 looked at it.
	f(`/javascript:\\\\`, 941210, "REQUEST_FILENAME")
	f(`/JAVASCRIPT:\\\\\\\\U0020`, 941170, "REQUEST_FILENAME")
}
