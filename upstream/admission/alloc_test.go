//go:build !race && !poison

package admission_test

import (
	"testing"
	"time"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/admission"
)

// TestNoAllocation: neither the usual way nor a refusal takes memory, nor does a short wait.
func TestNoAllocation(t *testing.T) {
	meters := admission.Meters{Set: meter.NewSet(), Service: "pay"}
	fixed := admission.NewGate(spec.Concurrency{Max: 2, Queue: 10, QueueTime: time.Millisecond}, meters)
	full := admission.NewGate(spec.Concurrency{Max: 1}, meters)
	waits := admission.NewGate(spec.Concurrency{Max: 1, Queue: 10, QueueTime: time.Microsecond}, meters)
	adaptive := admission.NewGate(spec.Concurrency{Adaptive: true}, meters)
	breaker := admission.NewBreaker(breakerSpec, meters, nil)
	tripped := admission.NewBreaker(breakerSpec, meters, nil)
	note(tripped, 10, true)
	budget := admission.NewBudget(spec.RetryBudget{Share: 0.2, PerSecond: 10})
	now := time.Now()
	enter := func(g *admission.Gate) func() {
		return func() {
			if ticket, _, err := g.Enter(2, now, time.Time{}, nil); err == nil {
				g.Leave(ticket, time.Millisecond)
			}
		}
	}
	passing := enter(adaptive)
	_, _, _ = full.Enter(0, now, time.Time{}, nil)
	_, _, _ = waits.Enter(0, now, time.Time{}, nil)
	for name, f := range map[string]func(){
		"fixed": enter(fixed), "full": enter(full), "waits": enter(waits), "adaptive": passing, "no gate": enter(nil),
		"adaptive, windows": func() { now = now.Add(time.Millisecond); passing() },
		"breaker":           func() { breaker.Allow(now); breaker.Note(false, now, now) },
		"tripped":           func() { tripped.Allow(now); _ = tripped.Err() },
		"budget":            func() { budget.Request(now) },
		"retry":             func() { budget.Retry(now) },
	} {
		if n := testing.AllocsPerRun(500, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkGate(b *testing.B) {
	for name, c := range map[string]spec.Concurrency{"fixed": {Max: 1000}, "adaptive": {Adaptive: true}} {
		g := admission.NewGate(c, admission.Meters{})
		now := time.Now()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ticket, _, _ := g.Enter(2, now, time.Time{}, nil)
				g.Leave(ticket, time.Millisecond)
			}
		})
		b.Run(name+", parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ticket, _, _ := g.Enter(2, now, time.Time{}, nil)
					g.Leave(ticket, time.Millisecond)
				}
			})
		})
	}
}

func BenchmarkBreaker(b *testing.B) {
	k := admission.NewBreaker(breakerSpec, admission.Meters{}, nil)
	now := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			k.Allow(now)
			k.Note(false, now, now)
		}
	})
}

func BenchmarkBudget(b *testing.B) {
	k := admission.NewBudget(spec.RetryBudget{Share: 0.2, PerSecond: 10})
	now := time.Now()
	b.Run("request", func(b *testing.B) {
		for b.Loop() {
			k.Request(now)
		}
	})
	b.Run("request, parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				k.Request(now)
			}
		})
	})
}
