package engine_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/waftest"
)

// A campaign holds the compiled engine against the reference and against Coraza, on every request of the Core Rule Set's own
// tests, on the benign corpus, and on mutations of them.
type campaign struct {
	t         *testing.T
	seed      uint64
	every     int // of the requests, one in so many
	mutations int // of each of them
	oracle    int // of what is judged, Coraza is asked about one in so many; 0: never
	rungs     [5]rung
	listed    *differs

	mu                       sync.Mutex
	judged, asked, different int
}

// rung is the engines at one level of paranoia.
type rung struct {
	compiled, reference *engine.Policy
	coraza              *waftest.Coraza
}

// TestEqual is a slice of the campaign.
func TestEqual(t *testing.T) {
	every, mutations, oracle := 2, 1, 11
	if slowly {
		every, oracle = 61, 0
	}
	if testing.Short() {
		every, oracle = 11*every, 4*oracle
	}
	newCampaign(t, every, mutations, oracle).run()
}

// TestSoakEqual is the whole, if SKERRY_SOAK is set: SKERRY_SOAK_MUTATIONS of each request (4), at the level of the rule
// set's tests and at one other, Coraza asked each time. Then a difference that is listed and does not occur fails too.
func TestSoakEqual(t *testing.T) {
	if os.Getenv("SKERRY_SOAK") == "" {
		newCampaign(t, 301, 1, 0).run()
		return
	}
	mutations := 4
	if n, err := strconv.Atoi(os.Getenv("SKERRY_SOAK_MUTATIONS")); err == nil {
		mutations = n
	}
	c := newCampaign(t, 1, mutations, 1)
	c.run()
	for _, class := range c.listed.idle() {
		t.Errorf("%s: class %s did not occur: take it out", differsFile, class)
	}
}

func newCampaign(t *testing.T, every, mutations, oracle int) *campaign {
	c := &campaign{t: t, seed: seed(t), every: every, mutations: mutations, oracle: oracle, listed: readDiffers(t)}
	for level := 1; level <= 4; level++ {
		setup := waftest.TestSetup
		if level < 4 {
			setup = paranoia(level) + waftest.WebPolicy
		}
		c.rungs[level] = rung{
			compiled:  policy(t, engine.Options{Detect: true}, setup, ""),
			reference: policy(t, engine.Options{Detect: true, Reference: true}, setup, ""),
		}
		if oracle > 0 {
			c.rungs[level].coraza = waftest.NewCoraza(t, waftest.Options{Detect: true, Before: setup})
		}
	}
	return c
}

// seed is SKERRY_SOAK_SEED, or a new one; it is printed.
func seed(t testing.TB) uint64 {
	n, err := strconv.ParseUint(os.Getenv("SKERRY_SOAK_SEED"), 10, 64)
	if err != nil {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("SKERRY_SOAK_SEED=%d", n)
	return n
}

// requests are those of the tests, then the corpus, by name.
func requests(t testing.TB) (all []waftest.Request) {
	for _, test := range waftest.Tests(t) {
		for i, stage := range test.Stages {
			r := waftest.ParseRequest(stage.Raw())
			if r.Name = test.ID; i > 0 {
				r.Name += "/" + strconv.Itoa(i)
			}
			all = append(all, r)
		}
	}
	return append(all, waftest.Benign(t)...)
}

// run is the campaign, on two goroutines.
func (c *campaign) run() {
	c.t.Helper()
	all := requests(c.t)
	work := make(chan int)
	var done sync.WaitGroup
	for range 2 {
		done.Go(func() {
			for i := range work {
				c.request(all[i], i)
			}
		})
	}
	for i := int(c.seed % uint64(c.every)); i < len(all); i += c.every {
		work <- i
	}
	close(work)
	done.Wait()
	c.t.Logf("%d judgements, %d of them beside Coraza, %d differences that are not listed; listed: %v", c.judged, c.asked, c.different, c.listed.used)
}

// request is one request with its mutations. A mutation depends on nothing but seed, request and number.
func (c *campaign) request(r waftest.Request, index int) {
	c.judge(r, index*(c.mutations+1))
	for n := 1; n <= c.mutations; n++ {
		m := waftest.Mutate(rand.New(rand.NewPCG(c.seed, uint64(index)<<16|uint64(n))), r)
		m.Name = fmt.Sprintf("%s~%d", r.Name, n)
		c.judge(m, index*(c.mutations+1)+n)
	}
}

// judge is one request at two levels of paranoia.
func (c *campaign) judge(r waftest.Request, number int) {
	for _, level := range []int{4, 1 + number%3} {
		g := &c.rungs[level]
		response := waftest.Answer(r)
		compiled, reference := judge(g.compiled, r, &response), judge(g.reference, r, &response)
		var found []string
		all := max(len(compiled.Found), len(reference.Found)) < engine.MatchesMax // more are not kept, and the reference has more of TX
		if all {
			found = differences(telling(compiled.Matches), telling(reference.Matches), "compiled", "reference")
		}
		if compiled.Score != reference.Score {
			found = append(found, fmt.Sprintf("score %d compiled, %d reference", compiled.Score, reference.Score))
		}
		ask := all && c.oracle > 0 && (uint64(number)+uint64(level)+c.seed)%uint64(c.oracle) == 0
		if ask {
			found = append(found, c.beside(g, r, response, compiled)...)
		}
		c.note(r, level, ask, found)
	}
}

// beside is what differs from Coraza and is not listed.
func (c *campaign) beside(g *rung, r waftest.Request, response waftest.Response, compiled waftest.Judgement) (found []string) {
	facts := factsOf(r, compiled)
	for _, d := range differences(telling(compiled.Matches), telling(g.coraza.JudgeBoth(r, response).Matches), "compiled", "Coraza") {
		if d = facts + d; !c.listed.stands(r.Name, d) {
			found = append(found, d)
		}
	}
	return found
}

// factsOf is what a difference says first about its request, for the list to go by.
func factsOf(r waftest.Request, j waftest.Judgement) (facts string) {
	if j.Limit != "" {
		facts = "refused for its " + j.Limit + ", "
	}
	if r.Method == http.MethodConnect {
		facts += "CONNECT, "
	}
	if u, err := url.ParseRequestURI(r.URI); err == nil && u.String() != r.URI {
		facts += "a target that Go writes otherwise, "
	}
	if len(r.Body) == 0 {
		return facts
	}
	kind, _, _ := strings.Cut(strings.ToLower(r.Header("Content-Type")), ";")
	facts += "body of " + cmp.Or(strings.TrimSpace(kind), "no type")
	media, _ := body.Classify([]byte(kind), &body.Memory{})
	first := bytes.TrimLeft(r.Body, " \t\r\n")
	if (media.Kind == body.None || media.Kind == body.Opaque) && len(first) > 0 && (first[0] == '{' || first[0] == '[') && json.Valid(first) {
		facts += " that is JSON all the same"
	}
	return facts + ", "
}

// note counts, and fails the test for the first differences.
func (c *campaign) note(r waftest.Request, level int, asked bool, found []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judged++
	if asked {
		c.asked++
	}
	if len(found) == 0 {
		return
	}
	if c.different++; c.different > 40 {
		return
	}
	for _, d := range found {
		c.t.Errorf("%s at paranoia %d: %s", r.Name, level, d)
	}
	c.t.Logf("%q", r.Raw())
}

// TestDifferenceBeyondMatches has requests that match about as often as is kept: the engines keep other matches of rules' own variables, so
// that one has kept the last argument and the other one has not, which is no difference.
func TestDifferenceBeyondMatches(t *testing.T) {
	compiled := policy(t, engine.Options{Detect: true}, waftest.TestSetup, "")
	reference := policy(t, engine.Options{Detect: true, Reference: true}, waftest.TestSetup, "")
	query, full := "/?", 0
	for n := 1; full < 10; n++ {
		query += fmt.Sprintf("&%%23n%d%%3b=1", n)
		if n < 330 || n%5 != 0 {
			continue
		}
		r := waftest.Request{Method: "GET", URI: query, Proto: "HTTP/1.1", Headers: [][2]string{{"Host", "shop.example"}}}
		a, b := compiled.Judge(input(r)), reference.Judge(input(r))
		if d := engine.Difference(a, b); d != "" {
			t.Errorf("%d arguments: %s", n, d)
		}
		kept := 0
		b.Matches(func(engine.Match) bool { kept++; return true })
		if kept == engine.MatchesMax {
			full++
		}
		a.End()
		b.End()
	}
}
