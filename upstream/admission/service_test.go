package admission_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/admission"
)

// A service that is simulated: places is a semaphore, first come first served, and latency a timer. It uses no CPU, so that
// what is measured is the gate. It runs on the fake clock of testing/synctest.
type service struct {
	places  chan struct{}
	latency func() time.Duration // called by one goroutine at a time
	mu      sync.Mutex
}

func newService(places int, latency func() time.Duration) *service {
	return &service{places: make(chan struct{}, places), latency: latency}
}

// constant is a latency that is always the same.
func constant(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// serve does a request, or gives it up after patience.
func (s *service) serve(patience time.Duration) bool {
	up := time.NewTimer(patience)
	defer up.Stop()
	select {
	case s.places <- struct{}{}:
	case <-up.C:
		return false
	}
	defer func() { <-s.places }()
	s.mu.Lock()
	d := s.latency()
	s.mu.Unlock()
	work := time.NewTimer(d)
	defer work.Stop()
	select {
	case <-work.C:
		return true
	case <-up.C:
		return false
	}
}

func (s *service) change(latency func() time.Duration) {
	s.mu.Lock()
	s.latency = latency
	s.mu.Unlock()
}

// load is an open-loop stream of requests: they come at random (Poisson) whether or not earlier ones were answered, and their
// time counts from when they were to come.
type load struct {
	rate  float64 // per second
	ranks func(r float64) int
	good  time.Duration // what is answered later is not good
	try   time.Duration // a request is given up after so long at the service; 0: never
}

// tally is what became of a load's requests.
type tally struct {
	mu      sync.Mutex
	sent    [spec.Classes]int
	good    [spec.Classes]int
	reasons map[exchange.Reason]int
	began   time.Time
	seconds []second
}

// second is what became of one second of a load; the last one has all that came later.
type second struct {
	done       int // good answers that came in it
	sent, good int // of the requests of the best class that were made in it
}

func newTally(long time.Duration) *tally {
	return &tally{reasons: map[exchange.Reason]int{}, began: time.Now(), seconds: make([]second, long/time.Second+1)}
}

func (t *tally) second(at time.Time) *second {
	return &t.seconds[min(int(at.Sub(t.began)/time.Second), len(t.seconds)-1)]
}

// add takes a request made at an instant and over now.
func (t *tally) add(rank int, at time.Time, good bool, why exchange.Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reasons[why]++
	made := t.second(at)
	if rank == 0 {
		made.sent++
	}
	if !good {
		return
	}
	t.good[rank]++
	t.second(time.Now()).done++
	if rank == 0 {
		made.good++
	}
}

func (t *tally) share(rank int) float64 { return float64(t.good[rank]) / float64(max(1, t.sent[rank])) }

func (t *tally) all() (sent, good int) {
	for i := range t.sent {
		sent, good = sent+t.sent[i], good+t.good[i]
	}
	return sent, good
}

// world is a gate before a service.
type world struct {
	t    *testing.T
	gate *admission.Gate
	to   *service
	rand *rand.Rand
	wg   sync.WaitGroup
}

// simulate runs f in a bubble with its own clock. The seed of arrivals and latencies is printed.
func simulate(t *testing.T, c spec.Concurrency, places int, latency func(r *rand.Rand) func() time.Duration, f func(w *world)) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, gate: admission.NewGate(c, admission.Meters{Service: "pay"}), rand: rand.New(rand.NewPCG(seed, 1))}
		w.to = newService(places, latency(rand.New(rand.NewPCG(seed, 2))))
		f(w)
		w.wg.Wait()
		if !w.gate.Idle() {
			t.Errorf("after all requests the gate has %d open and %d waiting", w.gate.Open(), w.gate.Waiting())
		}
	})
}

// send sends a load for so long and returns what became of it, when all have been answered or, without wait, at once.
func (w *world) send(l load, long time.Duration) *tally {
	t := newTally(long)
	var here sync.WaitGroup
	if l.try == 0 {
		l.try = time.Hour
	}
	next, end := time.Now(), time.Now().Add(long)
	for {
		next = next.Add(time.Duration(w.rand.ExpFloat64() / l.rate * float64(time.Second)))
		if next.After(end) {
			break
		}
		rank := 2
		if l.ranks != nil {
			rank = l.ranks(w.rand.Float64())
		}
		time.Sleep(time.Until(next))
		t.mu.Lock()
		t.sent[rank]++
		t.mu.Unlock()
		w.wg.Add(1)
		here.Go(func() {
			defer w.wg.Done()
			began := time.Now()
			ticket, _, err := w.gate.Enter(rank, began, time.Time{}, nil)
			if err != nil {
				t.add(rank, began, false, w.gate.Reason(err))
				return
			}
			sent := time.Now()
			served := w.to.serve(l.try)
			if served {
				w.gate.Leave(ticket, time.Since(sent))
			} else {
				w.gate.GiveUp(ticket, time.Since(sent))
			}
			t.add(rank, began, served && time.Since(began) <= l.good, exchange.ReasonNone)
		})
	}
	time.Sleep(time.Until(end))
	here.Wait()
	return t
}
