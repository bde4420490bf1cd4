package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// kind is a kind of request.
type kind struct {
	name, method, path, agent string
	share                     float64 // of all requests; those of a mix add up to 1
}

const (
	person  = "Mozilla/5.0 (X11; Linux x86_64) outage"
	crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)

// outageMix is the load of the outages; a POST shows what may not be asked again.
var outageMix = []kind{
	{"GET", "GET", "/item", person, 0.8},
	{"POST", "POST", "/order", person, 0.2},
}

// overloadMix is the load of the overload.
var overloadMix = []kind{
	{"critical", "GET", "/pay", person, 1.0 / 6},
	{"normal", "GET", "/shop", person, 2.0 / 6},
	{"crawlers", "GET", "/shop", crawler, 3.0 / 6},
}

// phase is a stretch of the schedule.
type phase struct {
	rate float64 // requests a second
	time time.Duration
}

// arrival is a request that is to be made.
type arrival struct {
	at   time.Duration // from the beginning
	kind int           // index into the mix
}

// schedule draws the arrivals of a Poisson process. The same seed gives the same arrivals, so every peer gets the same load.
func schedule(seed uint64, mix []kind, phases []phase) (all []arrival) {
	rng := rand.New(rand.NewPCG(seed, 0))
	var from time.Duration
	for _, p := range phases {
		for at := from; ; {
			at += time.Duration(-math.Log(1-rng.Float64()) / p.rate * float64(time.Second))
			if at >= from+p.time {
				break
			}
			all = append(all, arrival{at, draw(rng.Float64(), mix)})
		}
		from += p.time
	}
	return all
}

func draw(x float64, mix []kind) int {
	for i, k := range mix {
		if x -= k.share; x < 0 {
			return i
		}
	}
	return len(mix) - 1
}

// result is what became of an arrival.
type result struct {
	arrival
	late time.Duration // how long after its time the generator made it
	took time.Duration // from its time, not from when it was made, to the end of the answer
	answer
	err    error // why there is no whole answer
	unsent bool  // openMax others were open
}

// timing is how well the generator kept to the schedule.
type timing struct {
	late   time.Duration // 99 % of requests were made no later after their time
	unsent int           // requests that it had no room for
}

func (t timing) lateness() time.Duration { return t.late }

func timingOf(all []result) timing {
	return timing{nth(all, 0.99, func(r result) time.Duration { return r.late }), count(all, func(r result) bool { return r.unsent })}
}

// good is a whole 200 that an endpoint made.
func (r result) good() bool { return r.status == 200 && r.endpoint != "" }

// text says what came of a request, for a person.
func (r result) text() string {
	if r.err != nil {
		return r.err.Error()
	}
	return fmt.Sprintf("status %d of endpoint %q after %v", r.status, r.endpoint, r.took)
}

// load makes the requests of a schedule at their times, however long answers take: an open loop.
type load struct {
	client  *client
	mix     []kind
	begin   time.Time
	firstID int          // ids of requests count from here
	seen    func(result) // called for each result, by any goroutine; may be nil

	open    atomic.Int64
	mu      sync.Mutex
	results []result
}

// run returns when every request has its answer or has waited clientWait. It stops early once enough says so of the time that comes next.
func (l *load) run(ctx context.Context, all []arrival, enough func(at time.Duration) bool) []result {
	var wg sync.WaitGroup
	for i, a := range all {
		if ctx.Err() != nil || enough != nil && enough(a.at) {
			break
		}
		time.Sleep(time.Until(l.begin.Add(a.at)))
		late := time.Since(l.begin) - a.at
		wg.Go(func() { l.one(a, strconv.Itoa(l.firstID+i), late) })
	}
	wg.Wait()
	return l.results
}

func (l *load) one(a arrival, id string, late time.Duration) {
	r := result{arrival: a, late: late}
	if r.unsent = l.open.Add(1) > openMax; !r.unsent {
		r.answer, r.err = l.client.do(l.mix[a.kind], id, l.begin.Add(a.at+clientWait))
	}
	l.open.Add(-1)
	r.took = time.Since(l.begin) - a.at
	if l.seen != nil {
		l.seen(r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.results = append(l.results, r)
}
