package edge_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	endpoint "skerry.dev/skerry/load/origin"
)

// chaosClients is how many clients ask all the time. More would only keep the machine busy.
const chaosClients = 12

// chaosSpec has everything in it that takes part in a decision. Its gap is a name that changes with every reload, and what does not.
func chaosSpec(release int, endpoints string) string {
	share := []string{"0.5", "0.4"}[release/4%2] // every fourth reload touches the service
	return fmt.Sprintf(behindSpec, fmt.Sprintf("  retry: {tries: 4, statuses: [500, 502, 503, 504]}\n  hedge: {after: 200ms}\n  headers: {response: {set: {X-Release: \"%d\"}}}\n", release),
		endpoints+"  ejection: {failures: 3, time: 1s, share: "+share+"}\n  health: {path: /health, interval: 300ms, timeout: 290ms, unhealthyAfter: 2, healthyAfter: 1}\n"+
			"  timeouts: {connect: 500ms, firstByte: 500ms, idle: 2s}\n  retryBudget: {share: 1, perSecond: 100}\n  concurrency: {max: 100, perEndpoint: 50}\n  keepAlive: {requests: 50}\n")
}

// chaos is a campaign of random faults and what it saw.
type chaos struct {
	t    *testing.T
	b    *behind
	all  []*endpoint.Process
	size map[string]int // of an endpoint's bodies, by its address

	gets, goodGets, posts, goodPosts, left, wrong atomic.Int64
}

func (c *chaos) blame(format string, args ...any) {
	if c.wrong.Add(1) <= 5 {
		c.t.Errorf(format, args...)
	}
}

// ask makes up a request.
func (c *chaos) ask(r *rand.Rand, i int) question {
	q := question{method: []string{"GET", "GET", "GET", "PUT", "POST"}[i%5]}
	if i%5 >= 3 {
		q.body = strings.Repeat("order", 1+r.IntN(8000)) // some fit the head's buffer, some go by a pump
	}
	if r.IntN(40) == 0 {
		q.leave = time.Duration(1+r.IntN(30)) * time.Millisecond
	}
	return q
}

// see checks an answer: whole means right, and what fails is one of the things that may.
func (c *chaos) see(r *reply) {
	switch {
	case r.leave > 0:
		c.left.Add(1)
		return
	case r.method == http.MethodGet:
		c.gets.Add(1)
	default:
		c.posts.Add(1)
	}
	if r.err != nil {
		if r.status != 200 || r.endpoint == "" {
			c.blame("%v: no answer, and not within its body", r)
		}
		return
	}
	switch r.status {
	case 200:
		if size, ok := c.size[r.endpoint]; !ok || r.body != strings.Repeat("x", size) {
			c.blame("%v: a body of %d bytes, want %d", r, len(r.body), size)
		}
		if r.method == http.MethodGet {
			c.goodGets.Add(1)
		} else {
			c.goodPosts.Add(1)
		}
	case 500, 502, 503, 504:
	default:
		c.blame("%v", r)
	}
}

// healthy is how an endpoint behaves without a fault.
func (c *chaos) healthy(p *endpoint.Process) endpoint.Mode {
	return endpoint.Mode{Body: c.size[p.Addr()], Delay: 5 * time.Millisecond}
}

// hurt breaks an endpoint in some way, and returns what heals it.
func (c *chaos) hurt(r *rand.Rand, p *endpoint.Process) (heal func() error) {
	m := c.healthy(p)
	heal = func() error { return p.Mode(c.healthy(p)) }
	var err error
	switch r.IntN(10) {
	case 0:
		p.Kill()
		return p.Restart
	case 1:
		err, heal = p.Pause(), p.Resume
	case 2:
		m.Delay = time.Duration(r.IntN(800)) * time.Millisecond
	case 3:
		m.Status = []int{500, 502, 503, 504}[r.IntN(4)]
	case 4:
		m.Status, m.HealthGood = 503, true
	case 5:
		m.Answer = endpoint.AnswerGarbage
	case 6:
		m.Answer = endpoint.AnswerClose
	case 7:
		m.Answer = endpoint.AnswerCut
	case 8:
		m.Answer = endpoint.AnswerNever
	case 9:
		m.Listen = []endpoint.Listen{endpoint.ListenRefuse, endpoint.ListenNoFiles}[r.IntN(2)]
	}
	if m != c.healthy(p) {
		err = p.Mode(m)
	}
	if err != nil {
		c.blame("a fault: %v", err)
	}
	return heal
}

// torment breaks and heals one endpoint after another, those of its half: the other half is another's.
func (c *chaos) torment(r *rand.Rand, half []*endpoint.Process, over <-chan time.Time) {
	for {
		heal := c.hurt(r, half[r.IntN(len(half))])
		done := c.pause(over, 300+r.IntN(1200))
		if err := heal(); err != nil {
			c.blame("healing: %v", err)
		}
		if done || c.pause(over, 100+r.IntN(700)) {
			return
		}
	}
}

// pause waits, and reports whether it is all over.
func (c *chaos) pause(over <-chan time.Time, ms int) bool {
	select {
	case <-over:
		return true
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return false
	}
}

// TestSoakBehind breaks two of four endpoints at a time in every way, at random, while requests, clients who leave and reloads go on. No
// POST may arrive twice, no answer may be wrong, nearly every GET must succeed, and nothing may be left.
func TestSoakBehind(t *testing.T) {
	length, seed := soakLength(t, 6*time.Second, 10*time.Minute)
	descriptors, routines := openDescriptors(t), runtime.NumGoroutine()
	t.Run("campaign", func(t *testing.T) { chaosCampaign(t, length, seed) })
	awaitMost(t, "descriptors", descriptors, func() int { return openDescriptors(t) })
	awaitMost(t, "goroutines", routines, runtime.NumGoroutine)
}

func chaosCampaign(t *testing.T, length time.Duration, seed uint64) {
	c := &chaos{t: t, all: processes(t, 4, endpoint.Mode{}), size: map[string]int{}}
	for i, p := range c.all {
		c.size[p.Addr()] = 1000 + 20_000*i
		must(t, p.Mode(c.healthy(p)))
	}
	list := listOf(c.all)
	c.b = openBehind(t, edge.Options{Log: io.Discard}, chaosSpec(0, list))
	load := c.b.traffic(func(i int) question { return c.ask(rand.New(rand.NewPCG(seed, uint64(i)<<8)), i) })
	load.seen = c.see
	load.begin(chaosClients)
	end := time.Now().Add(length)
	var running sync.WaitGroup
	for i := range 2 {
		running.Go(func() {
			c.torment(rand.New(rand.NewPCG(seed, uint64(i+1))), c.all[2*i:2*i+2], time.After(time.Until(end)))
		})
	}
	running.Go(func() {
		r, over := rand.New(rand.NewPCG(seed, 3)), time.After(time.Until(end))
		for n := 1; !c.pause(over, 100+r.IntN(600)); n++ {
			if problems := c.b.edge.Activate(parse(t, chaosSpec(n, list))); len(problems) > 0 {
				c.blame("reload: %v", fault.Problems(problems))
			}
		}
	})
	running.Wait()
	c.calm(load)
	load.end()
	c.b.end()
	c.settle()
}

// calm waits until all endpoints are asked again, and nothing fails any more.
func (c *chaos) calm(load *traffic) {
	c.b.until("no endpoint is out", func() bool {
		return c.b.total("skerry_endpoint_healthy") == 4 && c.b.total("skerry_endpoint_ejected") == 0
	})
	for way := range 60 {
		if r := c.b.ask(way%3, question{id: "calm" + strconv.Itoa(way), method: "GET"}); !r.good() {
			c.blame("%v when all was well again", &r)
		}
	}
}

// settle adds up, when the edge has ended.
func (c *chaos) settle() {
	t := c.t
	seen, err := endpoint.SeenBy(c.all...)
	must(t, err)
	if twice := seen.Repeated(http.MethodPost); len(twice) > 0 {
		t.Errorf("POSTs that reached endpoints more than once: %.10q of %d", twice, len(twice))
	}
	if open := c.b.total("skerry_exchanges_open"); open != 0 {
		t.Errorf("%.0f exchanges are counted as open", open)
	}
	gets := float64(c.goodGets.Load()) / float64(max(1, c.gets.Load()))
	t.Logf("%d GETs of which %.2f %% were well, %d others of which %d, %d left; %d arrived at endpoints; %d ejections", c.gets.Load(), 100*gets, c.posts.Load(),
		c.goodPosts.Load(), c.left.Load(), seen.Requests(), len(c.b.eventsOf("ejected")))
	// A slice is a few faults long: one that hits at a bad moment weighs a percent or two. The whole has hundreds.
	want := 0.93
	if os.Getenv("SKERRY_SOAK") != "" {
		want = 0.97
	}
	if gets < want {
		t.Errorf("%.2f %% of GETs succeeded, want %.0f %%", 100*gets, 100*want)
	}
}
