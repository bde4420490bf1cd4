package admission_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
)

// between is a latency that is somewhere between two, each as likely.
func between(low, high time.Duration) func(*rand.Rand) func() time.Duration {
	return func(r *rand.Rand) func() time.Duration {
		return func() time.Duration { return low + time.Duration(r.Int64N(int64(high-low))) }
	}
}

// TestOnset looks at each second from the beginning of an overload. After a time in which the service had less to do than it can, its
// base line is known: there is no second in which much less is done, and the best class feels nothing. If the overload is the
// first thing that a gate sees, it must measure the base line, which costs a part of one second.
func TestOnset(t *testing.T) {
	for _, tt := range []struct {
		name    string
		c       spec.Concurrency
		places  int
		mean    time.Duration
		latency func(*rand.Rand) func() time.Duration
	}{
		{"20 places, 50 to 100 ms", spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}, 20, 75 * time.Millisecond,
			between(50*time.Millisecond, 100*time.Millisecond)},
		{"20 places, 100 ms", spec.Concurrency{Adaptive: true, Queue: 100, QueueTime: time.Second}, 20, 100 * time.Millisecond, fixed(100 * time.Millisecond)},
		{"8 places, 40 ms", spec.Concurrency{Adaptive: true, Queue: 50, QueueTime: 500 * time.Millisecond}, 8, 40 * time.Millisecond, fixed(40 * time.Millisecond)},
	} {
		for _, before := range []time.Duration{0, time.Second, 10 * time.Second} {
			t.Run(fmt.Sprintf("%s, after %v", tt.name, before), func(t *testing.T) {
				least, first := 0.8, 0.96
				if before == 0 {
					least, first = 0.6, 0.75
				}
				simulate(t, tt.c, tt.places, tt.latency, func(w *world) {
					capacity := float64(tt.places) / tt.mean.Seconds()
					good := 4*tt.mean + tt.c.QueueTime
					w.send(load{rate: capacity / 2, good: good}, before)
					over := w.send(load{rate: 3 * capacity, ranks: thirds, good: good}, 40*time.Second)
					for i, s := range over.seconds[:40] {
						if i == 6 { // what comes later are probes of a service at its limit, one in 10 to 30 s
							least, first = 0.5, 0.85
						}
						goodput, critical := float64(s.done)/capacity, float64(s.good)/float64(s.sent)
						if goodput < least || critical < first {
							t.Errorf("second %d: goodput %.2f of capacity, want %.2f; critical %.3f, want %.2f", i, goodput, least, critical, first)
						}
					}
				})
			})
		}
	}
}
