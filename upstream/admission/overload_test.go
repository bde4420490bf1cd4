package admission_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
)

func fixed(d time.Duration) func(*rand.Rand) func() time.Duration {
	return func(*rand.Rand) func() time.Duration { return constant(d) }
}

// thirds puts a fifth of the requests into critical, two fifths into normal and two into low.
func thirds(r float64) int {
	switch {
	case r < 0.2:
		return spec.ClassCritical.Rank()
	case r < 0.6:
		return spec.ClassNormal.Rank()
	}
	return spec.ClassLow.Rank()
}

// TestOverload: at three times what a service can do, it goes on doing at least 80 % of it in good time, the better classes
// first; and when the load is gone everybody is served again.
func TestOverload(t *testing.T) {
	for _, tt := range []struct {
		name    string
		c       spec.Concurrency
		places  int
		latency time.Duration
		first   float64 // of critical requests that must be good
	}{
		{"fixed", spec.Concurrency{Max: 20, Queue: 100, QueueTime: time.Second}, 20, 20 * time.Millisecond, 0.98},
		{"adaptive, 20 places", spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}, 20, 20 * time.Millisecond, 0.98},
		{"adaptive, 4 places", spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}, 4, 10 * time.Millisecond, 0.98},
		{"adaptive, 150 places", spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}, 150, 200 * time.Millisecond, 0.98},
		// A probe lasts for some latencies, here longer than one may wait.
		{"adaptive, slow", spec.Concurrency{Adaptive: true, Queue: 50, QueueTime: time.Second}, 40, time.Second, 0.94},
	} {
		t.Run(tt.name, func(t *testing.T) {
			simulate(t, tt.c, tt.places, fixed(tt.latency), func(w *world) {
				capacity := float64(tt.places) / tt.latency.Seconds()
				good := 2*tt.latency + tt.c.QueueTime // a learned limit makes the service up to twice as slow
				w.send(load{rate: capacity / 2, good: good}, 5*time.Second)
				const long = 40
				over := w.send(load{rate: 3 * capacity, ranks: thirds, good: good}, long*time.Second)
				_, n := over.all()
				limit, base := w.gate.Found()
				goodput := float64(n) / (capacity * long)
				t.Logf("goodput %.3f of capacity; critical %.3f, normal %.3f, low %.3f; limit %.1f, base line %.4f s; %v",
					goodput, over.share(0), over.share(2), over.share(3), limit, base, over.reasons)
				if goodput < 0.8 {
					t.Errorf("goodput %.3f of capacity, want 0.8", goodput)
				}
				if over.share(0) < tt.first || over.share(3) > over.share(2)/2 {
					t.Errorf("critical %.3f, normal %.3f, low %.3f: the better class is not first", over.share(0), over.share(2), over.share(3))
				}
				w.send(load{rate: capacity / 2, good: good}, 10*time.Second) // what recovery may take
				after := w.send(load{rate: capacity / 2, good: good}, 10*time.Second)
				if sent, good := after.all(); good < sent {
					t.Errorf("10 s after the overload %d of %d are good", good, sent)
				}
			})
		})
	}
}

// TestColdStart: the first thing that a gate sees is overload.
func TestColdStart(t *testing.T) {
	c := spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}
	simulate(t, c, 20, fixed(20*time.Millisecond), func(w *world) {
		over := w.send(load{rate: 3000, good: 1020 * time.Millisecond}, 20*time.Second)
		_, n := over.all()
		limit, base := w.gate.Found()
		t.Logf("goodput %.3f, limit %.1f, base line %.4f s", float64(n)/20_000, limit, base)
		if n < 16_000 || base < 0.018 || base > 0.025 || limit < 20 || limit > 45 {
			t.Errorf("goodput %.3f, limit %.1f, base line %.4f s", float64(n)/20_000, limit, base)
		}
	})
}

// TestTimeouts: a service that is too slow for its timeouts at the first limit, so that nothing would ever be answered, is seen
// as slow, because who leaves tells how long it waited in vain.
func TestTimeouts(t *testing.T) {
	c := spec.Concurrency{Adaptive: true, Queue: 20, QueueTime: 100 * time.Millisecond}
	simulate(t, c, 4, fixed(100*time.Millisecond), func(w *world) {
		l := load{rate: 120, good: time.Second, try: 300 * time.Millisecond}
		w.send(l, 10*time.Second)
		_, n := w.send(l, 20*time.Second).all()
		limit, base := w.gate.Found()
		t.Logf("goodput %.3f, limit %.1f, base line %.4f s", float64(n)/800, limit, base)
		if n < 640 {
			t.Errorf("goodput %.3f, limit %.1f, base line %.4f s", float64(n)/800, limit, base)
		}
	})
}

// TestSlowerForGood: a service whose latency doubles for good does half, not less, and the limit is learned again.
func TestSlowerForGood(t *testing.T) {
	c := spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}
	simulate(t, c, 50, fixed(20*time.Millisecond), func(w *world) {
		l := load{rate: 5000, good: time.Second + 40*time.Millisecond}
		w.send(l, 15*time.Second)
		w.to.change(constant(40 * time.Millisecond))
		_, n := w.send(l, 10*time.Second).all()
		t.Logf("the ten seconds after: %.3f of what it can do", float64(n)/12_500)
		if n < 10_000 {
			t.Errorf("the ten seconds after: %.3f of what it can do", float64(n)/12_500)
		}
		limit, base := w.gate.Found()
		t.Logf("limit %.1f, base line %.4f s", limit, base)
		if limit < 50 || limit > 110 || base < 0.036 || base > 0.05 {
			t.Errorf("limit %.1f, base line %.4f s, want 50 to 110 and 0.04", limit, base)
		}
	})
}

// TestFewerPlaces: a service that loses half of its places gets half as many requests.
func TestFewerPlaces(t *testing.T) {
	c := spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}
	simulate(t, c, 60, fixed(20*time.Millisecond), func(w *world) {
		l := load{rate: 6000, good: time.Second + 40*time.Millisecond}
		w.send(l, 15*time.Second)
		before, _ := w.gate.Found()
		go func() {
			for range 30 {
				w.to.places <- struct{}{}
			}
		}()
		w.send(l, 10*time.Second)
		limit, base := w.gate.Found()
		t.Logf("limit %.1f, then %.1f, base line %.4f s", before, limit, base)
		if limit < 30 || limit > 65 || base > 0.026 {
			t.Errorf("limit %.1f, then %.1f, base line %.4f s", before, limit, base)
		}
	})
}

// TestLongOverload: under overload that lasts the base line does not drift up, and the limit with it.
func TestLongOverload(t *testing.T) {
	c := spec.Concurrency{Adaptive: true, Queue: 20, QueueTime: 100 * time.Millisecond}
	simulate(t, c, 10, fixed(50*time.Millisecond), func(w *world) {
		l := load{rate: 400, good: time.Second}
		for range 6 {
			_, n := w.send(l, 50*time.Second).all()
			limit, base := w.gate.Found()
			t.Logf("goodput %.3f, limit %.1f, base line %.4f s", float64(n)/10_000, limit, base)
			if limit < 10 || limit > 24 || base > 0.06 || base < 0.045 || n < 9_000 {
				t.Errorf("goodput %.3f, limit %.1f, base line %.4f s", float64(n)/10_000, limit, base)
			}
		}
	})
}

// noises are latencies that vary much from request to request.
var noises = []struct {
	name   string
	places int
	mean   time.Duration
	make   func(r *rand.Rand) func() time.Duration
}{
	{"lognormal", 100, 33 * time.Millisecond, func(r *rand.Rand) func() time.Duration {
		return func() time.Duration { return time.Duration(20e6 * math.Exp(r.NormFloat64())) }
	}},
	{"2 ms or 50 ms", 30, 7 * time.Millisecond, func(r *rand.Rand) func() time.Duration {
		return func() time.Duration {
			if r.Float64() < 0.1 {
				return 50 * time.Millisecond
			}
			return 2 * time.Millisecond
		}
	}},
	{"2 ms or 500 ms", 100, 102 * time.Millisecond, func(r *rand.Rand) func() time.Duration {
		return func() time.Duration {
			if r.Float64() < 0.2 {
				return 500 * time.Millisecond
			}
			return 2 * time.Millisecond
		}
	}},
}

// TestNoise: latency that varies does not collapse the limit, neither at light load nor at all that the service can do.
func TestNoise(t *testing.T) {
	c := spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}
	for _, noise := range noises {
		t.Run(noise.name, func(t *testing.T) {
			simulate(t, c, noise.places, noise.make, func(w *world) {
				capacity := float64(noise.places) / noise.mean.Seconds()
				good := time.Minute
				for _, rate := range []float64{0.1, 0.6, 2, 0.6} {
					l := load{rate: rate * capacity, good: good}
					w.send(l, 5*time.Second)
					seen := w.send(l, 15*time.Second)
					sent, n := seen.all()
					limit, base := w.gate.Found()
					served := float64(n) / float64(sent) * max(1, rate)
					t.Logf("at %.1f of capacity: %.4f served, limit %.1f, base line %.4f s", rate, served, limit, base)
					low, high := 0.6*float64(noise.places), 2.5*float64(noise.places)
					switch {
					case rate < 0.5:
						low, high = 64, 64 // what nobody used says nothing
					case rate < 1:
						high = max(high, 108) // of requests that come by chance enough to use nearly all of the first 64 let it grow, by its root each time
					}
					if rate < 1 && n < sent || served < 0.85 || limit < low || limit > max(high, 64) {
						t.Errorf("at %.1f of capacity: %.4f served, limit %.1f, base line %.4f s", rate, served, limit, base)
					}
				}
			})
		})
	}
}
