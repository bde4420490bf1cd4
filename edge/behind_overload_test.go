package edge_test

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	endpoint "skerry.dev/skerry/load/origin"
)

// What the service of the overload can do: a semaphore and a timer, no processor.
const (
	overloadPlaces = 8
	overloadHold   = 40 * time.Millisecond
	overloadRate   = float64(overloadPlaces) * float64(time.Second) / float64(overloadHold)
)

// overloadGood is how soon an answer must be there, from when the request was to be made, for a client who still waits.
const overloadGood = 1500 * time.Millisecond

// overloadKind is a kind of request: critical ones want half of what the service can do, the others more than is left.
type overloadKind struct {
	name, path, agent string
	share             float64
}

var overloadKinds = []overloadKind{
	{"critical", "/pay", "Mozilla/5.0", 1.0 / 6},
	{"normal", "/shop", "Mozilla/5.0", 2.0 / 6},
	{"crawlers", "/shop", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 3.0 / 6},
}

// arrival is a request of the open load.
type arrival struct {
	at   time.Duration // when it is to be made, whatever became of those before
	kind int
	late time.Duration // how much later it was made
	took time.Duration // from at to the end of the answer
	reply
}

func (a *arrival) good() bool { return a.reply.good() && a.took <= overloadGood }

// openLoad asks at random times at a rate, from a time on that is on the same clock as the load before.
type openLoad struct {
	b       *behind
	r       *rand.Rand
	began   time.Time
	at      time.Duration // the next one
	wg      sync.WaitGroup
	tardy   atomic.Int64 // requests that were made late
	mu      sync.Mutex
	results []arrival
}

// A request that is made so much later than it was to be is late; a load of which a larger share is so is none of so many a second.
const (
	overloadLate     = 250 * time.Millisecond
	overloadLateMost = 0.05
)

// run makes requests for a time, or until enough says so.
func (o *openLoad) run(rate float64, length time.Duration, enough func() bool) (from, to time.Duration) {
	from = o.at
	for o.at < from+length && !(enough != nil && enough()) {
		o.at += time.Duration(-math.Log(1-o.r.Float64()) / rate * float64(time.Second))
		kind, x := 0, o.r.Float64()
		for x -= overloadKinds[0].share; x >= 0 && kind < len(overloadKinds)-1; x -= overloadKinds[kind].share {
			kind++
		}
		a := arrival{at: o.at, kind: kind}
		time.Sleep(time.Until(o.began.Add(a.at)))
		o.wg.Go(func() { o.one(a) })
	}
	return from, o.at
}

func (o *openLoad) one(a arrival) {
	k := overloadKinds[a.kind]
	if a.late = time.Since(o.began) - a.at; a.late > overloadLate {
		o.tardy.Add(1)
	}
	a.reply = o.b.ask(0, question{id: strconv.FormatInt(int64(a.at), 10), method: "GET", path: k.path, fields: http.Header{"User-Agent": {k.agent}}})
	a.took = time.Since(o.began) - a.at
	o.mu.Lock()
	o.results = append(o.results, a)
	o.mu.Unlock()
}

// count counts results.
func (o *openLoad) count(is func(a *arrival) bool) (n float64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.results {
		if is(&o.results[i]) {
			n++
		}
	}
	return n
}

// ableTo measures what an endpoint can do now, in requests a second: on a busy machine its timers are late.
func ableTo(t *testing.T, p *endpoint.Process) float64 {
	t.Helper()
	tr := &http.Transport{MaxIdleConnsPerHost: 2 * overloadPlaces}
	defer tr.CloseIdleConnections()
	const requests = 15 * overloadPlaces
	left := make(chan struct{}, requests)
	for range requests {
		left <- struct{}{}
	}
	close(left)
	began := time.Now()
	var asking sync.WaitGroup
	for range 2 * overloadPlaces {
		asking.Go(func() {
			for range left {
				resp, err := (&http.Client{Transport: tr}).Get(p.URL())
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	asking.Wait()
	return min(overloadRate, requests/time.Since(began).Seconds())
}

// TestSoakOverload asks for three times what a service can do. It goes on doing nearly all that it can, for those first who matter
// most; the others are told when to come again; and when the load has gone all is as before within seconds.
func TestSoakOverload(t *testing.T) {
	length, seed := soakLength(t, 6*time.Second, time.Minute)
	t.Parallel()
	// A load whose requests are made late says nothing about the edge. On a machine that stands still for a second or two now and then
	// several are, one after the other; each ends when that much is known of it.
	for again := 9; ; again-- {
		v := overload(t, length, seed, again > 0)
		if late := v.o.late(); late > overloadLateMost && again > 0 {
			t.Logf("made again: %.1f %% of the requests were made late", 100*late)
			continue
		}
		v.judge(t)
		return
	}
}

// overloaded is what became of an overload.
type overloaded struct {
	o              *openLoad
	able           float64       // requests a second that the service can do
	from, to, over time.Duration // the overload, and the end of what came after it
}

// overload makes one. If it may be given up, it ends when too many of its requests have been late.
func overload(t *testing.T, length time.Duration, seed uint64, mayGiveUp bool) overloaded {
	p := processes(t, 1, endpoint.Mode{Body: 100, Places: overloadPlaces, Hold: overloadHold})
	b := openBehind(t, edge.Options{Conns: 4000, PerAddress: 4000}, fmt.Sprintf(behindSpec,
		"  routes:\n    - {match: {prefix: /pay}, service: app, priority: critical}\n    - {match: {prefix: /shop}, service: app, priority: {class: normal, crawlers: low}}\n",
		listOf(p)+"  concurrency: {adaptive: on, queue: 50, queueTime: 500ms}\n"))
	able := ableTo(t, p[0])
	o := &openLoad{b: b, r: rand.New(rand.NewPCG(seed, 0)), began: time.Now()}
	o.run(overloadRate/2, time.Second, nil)
	lost := func() bool {
		return mayGiveUp && float64(o.tardy.Load()) > 3*overloadRate*length.Seconds()*2*overloadLateMost
	}
	from, to := o.run(3*overloadRate, length, lost)
	if lost() {
		o.wg.Wait()
		return overloaded{o, able, from, to, to}
	}
	calm := func(from time.Duration) func() bool { // a second of which nearly all was good
		return func() bool {
			end := time.Since(o.began) - 200*time.Millisecond
			in := func(a *arrival) bool { return a.at >= max(from, end-time.Second) && a.at < end }
			all := o.count(in)
			return end-from >= time.Second && all > 0 && o.count(func(a *arrival) bool { return in(a) && a.good() }) >= 0.95*all
		}
	}
	_, over := o.run(overloadRate/2, 11*time.Second, calm(to))
	o.wg.Wait()
	able = min(able, ableTo(t, p[0]))
	return overloaded{o, able, from, to, over}
}

// judge says what is wrong with it.
func (v overloaded) judge(t *testing.T) {
	v.o.judge(t, v.able, v.from, v.to)
	if recovery := v.over - v.to - time.Second; recovery >= 10*time.Second {
		t.Errorf("it took %v until nearly all of a second's requests were well again, the most is 10 s", recovery)
	} else {
		t.Logf("well again after %v", max(0, recovery))
	}
}

// late is the share of requests that were made late.
func (o *openLoad) late() float64 {
	return float64(o.tardy.Load()) / float64(max(1, len(o.results)))
}

// series counts good answers by when they came.
func (o *openLoad) series(step time.Duration) (counts []float64) {
	for i := time.Duration(0); i < o.at; i += step {
		counts = append(counts, o.count(func(a *arrival) bool { return a.good() && a.at+a.took >= i && a.at+a.took < i+step }))
	}
	return counts
}

// judge says what is wrong with what was done from one time to another.
func (o *openLoad) judge(t *testing.T, able float64, from, to time.Duration) {
	goodput := o.count(func(a *arrival) bool { return a.good() && a.at+a.took >= from && a.at+a.took < to }) / (to - from).Seconds()
	var share [3]float64
	for kind := range overloadKinds {
		in := func(a *arrival) bool { return a.kind == kind && a.at >= from && a.at < to }
		share[kind] = o.count(func(a *arrival) bool { return in(a) && a.good() }) / max(1, o.count(in))
	}
	t.Logf("goodput %.0f/s of %.0f/s, shares by class %.3f; %.1f %% of requests were made late", goodput, able, share, 100*o.late())
	t.Logf("good answers by half second: %.0f", o.series(500*time.Millisecond))
	if goodput < 0.8*able {
		t.Errorf("goodput is %.0f/s, less than four fifths of %.0f/s", goodput, able)
	}
	if share[0] < 0.9 || share[0] <= share[1] || share[1] <= share[2] {
		t.Errorf("of the classes %v these shares were served: %.3f; want nearly all of the first, and more of a higher one", overloadKinds, share)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.results {
		if a := &o.results[i]; a.err != nil || a.status != 200 && (a.status != 503 || a.fields.Get("Retry-After") == "") {
			t.Fatalf("%v, Retry-After %q: want 200, or 503 and when to come again", &a.reply, a.fields.Get("Retry-After"))
		}
	}
}
