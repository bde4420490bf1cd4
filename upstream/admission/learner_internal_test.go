package admission

import (
	"math"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
)

// of is a window of so many answers of about d.
func of(d time.Duration, n int) sample {
	return sample{n: n, mean: math.Log2(float64(d)), sd: 0.1, se: 0.01}
}

func tooLate(s sample) sample { s.late = true; return s }

// TestProbe: what each step of a probe leads to.
func TestProbe(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name   string
		proven bool // of a base line of 10 ms; without, it was only seen
		steps  []sample
		limits []int // that each leads to
		base   time.Duration
	}{
		{"as it was", true, []sample{of(10*ms, 50)}, []int{100}, 10 * ms},
		{"as it was seen, and it stays when fewer are open", false, []sample{of(10*ms, 50), of(10*ms, 50)}, []int{22, 75}, 10 * ms},
		{"it was seen when the service was full", false, []sample{of(10*ms, 50), of(5*ms, 50), of(5*ms, 50)}, []int{22, 11, 24}, 5 * ms},
		{"slower for good", true, []sample{of(20*ms, 50), of(20*ms, 50)}, []int{22, 100}, 20 * ms},
		{"fewer places", true, []sample{of(20*ms, 50), of(10*ms, 50)}, []int{22, 100}, 10 * ms},
		{"too late until few are open", true, []sample{tooLate(of(15*ms, 50)), tooLate(of(15*ms, 50)), of(15*ms, 50), of(15*ms, 50)}, []int{16, 8, 5, 24}, 15 * ms},
		{"always too late is no measurement", true, []sample{tooLate(of(10*ms, 50)), tooLate(of(10*ms, 50)), tooLate(of(10*ms, 50)), tooLate(of(10*ms, 50))}, []int{16, 8, 4, 100}, 10 * ms},
		{"nobody came", true, []sample{of(time.Second, samplesMin-1)}, []int{100}, 10 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLearner(4, 1000)
			l.limit, l.base, l.known, l.proven = 100, of(10*ms, 1).mean, true, tt.proven
			l.startProbe(of(20*ms, 50), 32, 0)
			for i, s := range tt.steps {
				l.probe.glide(int64(time.Minute))
				l.probed(s, int64(i))
				if l.probe.on {
					l.probe.glide(int64(time.Minute))
				}
				if got := l.places(); got != tt.limits[i] {
					t.Fatalf("after step %d the limit is %d, want %d", i, got, tt.limits[i])
				}
			}
			if got := time.Duration(math.Exp2(l.base)).Round(10 * time.Microsecond); got != tt.base || l.probe.on {
				t.Errorf("base line %v, want %v; it goes on: %v", got, tt.base, l.probe.on)
			}
		})
	}
}

// TestGlide: on the way down half as many may enter as leave.
func TestGlide(t *testing.T) {
	l := newLearner(4, 1000)
	l.limit = 100
	l.startProbe(of(200*time.Millisecond, 50), 25, 0)
	for _, tt := range []struct {
		age    time.Duration
		places int
	}{{0, 100}, {99 * time.Millisecond, 75}, {199 * time.Millisecond, 50}, {299 * time.Millisecond, 25}, {time.Hour, 25}} {
		if there := l.probe.glide(int64(tt.age)); l.places() != tt.places || there != (tt.age > 300*time.Millisecond) {
			t.Errorf("after %v: %d places, want %d; there: %v", tt.age, l.places(), tt.places, there)
		}
	}
}

// TestFill: a step takes as many requests as its own spread asks for, or that of the step before, when a queue may have hidden it.
func TestFill(t *testing.T) {
	for _, tt := range []struct {
		before, now float64
		want        int
	}{{0.1, 0.1, probeFill}, {1.5, 0.1, 100}, {0.1, 1.5, 100}, {0.1, 15, probeFillMax}} {
		p := probe{before: level{sample: sample{sd: tt.before}}}
		if got := p.fill(sample{sd: tt.now}); got != tt.want {
			t.Errorf("with deviations of %v and %v: %d requests, want %d", tt.before, tt.now, got, tt.want)
		}
	}
}

// TestLost: what a limit must have come down to for a probe at once.
func TestLost(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name   string
		peaks  []int // of windows of a limit of 100 in which the service had nothing to wait for
		enough float64
	}{
		{"used to its limit, it must have lost a third", []int{100, 100}, 66},
		{"used far below it, it must be less than was used", []int{20, 20}, 20},
		{"when a load comes it is ahead of the answers", []int{20, 90}, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLearner(4, 1000)
			l.limit, l.base, l.known, l.proven = 100, of(10*ms, 1).mean, true, true
			for i, peak := range tt.peaks {
				l.limit = 100
				l.observe(of(10*ms, 50), peak, false, int64(i))
			}
			for _, limit := range []float64{tt.enough + 1, tt.enough - 1} {
				l.limit = limit
				if due := l.probeDue(int64(probeAgain)); due != (limit < tt.enough) {
					t.Errorf("at a limit of %v a probe is due: %v", limit, due)
				}
			}
		})
	}
}

// TestWindow: what one window does to limit and base line.
func TestWindow(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name  string
		s     sample
		peak  int
		young bool
		limit float64
		base  time.Duration
	}{
		{"far below the limit it is a measurement", of(20*ms, 50), 49, false, 100, 11487 * time.Microsecond},
		{"but not if the slow are missing", of(5*ms, 50), 49, true, 100, 10 * ms},
		{"nor if it is too late", tooLate(of(20*ms, 50)), 49, false, 100, 10 * ms},
		{"near the limit and fast: it grows", of(10*ms, 50), 80, false, 110, 10 * ms},
		{"not so near: it stays", of(10*ms, 50), 79, false, 100, 10 * ms},
		{"slow: it falls by half the way", of(20*ms, 50), 100, false, 92.5, 10 * ms},
		{"very slow: by no more than a quarter, and what it may grow", of(time.Second, 50), 100, false, 80, 10 * ms},
		{"too late: as if it were very slow", tooLate(of(10*ms, 50)), 100, false, 80, 10 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLearner(4, 1000)
			l.limit, l.base, l.known, l.proven = 100, of(10*ms, 1).mean, true, true
			l.confirm(100, 0)
			l.observe(tt.s, tt.peak, tt.young, 1)
			base := time.Duration(math.Exp2(l.base)).Round(time.Microsecond)
			if math.Abs(l.limit-tt.limit) > 0.01 || base != tt.base || l.probe.on {
				t.Errorf("limit %.2f, base line %v; want %.2f, %v; probe %v", l.limit, base, tt.limit, tt.base, l.probe.on)
			}
		})
	}
}

// TestClock: which requests a window counts, and when it is over.
func TestClock(t *testing.T) {
	enter := func(g *Gate, at time.Duration) Ticket {
		ticket, _, err := g.Enter(2, g.start.Add(at), time.Time{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	adaptive := func() *Gate { return NewGate(spec.Concurrency{Adaptive: true}, Meters{}) }
	t.Run("a window lasts until its error is small", func(t *testing.T) {
		g := adaptive()
		for i := range 200 {
			g.Leave(enter(g, 0), time.Duration(1+i%2*100)*time.Millisecond)
		}
		enter(g, windowMin)
		if g.learner.known {
			t.Error("it ended with an error of a quarter")
		}
		enter(g, windowLong)
		if !g.learner.known {
			t.Error("it did not end")
		}
	})
	t.Run("what entered under a higher limit does not count", func(t *testing.T) {
		g := adaptive()
		before := enter(g, 0)
		g.mu.Lock()
		g.learner.limit = 50
		g.apply()
		g.begin(0)
		g.mu.Unlock()
		g.Leave(before, time.Millisecond)
		if n := g.hot.read().n; n != 0 {
			t.Errorf("%d samples", n)
		}
		g.Leave(enter(g, 0), time.Millisecond)
		if n := g.hot.read().n; n != 1 {
			t.Errorf("%d samples of one that entered later", n)
		}
	})
	t.Run("a window of too few starts again", func(t *testing.T) {
		g := adaptive()
		for range samplesMin - 1 {
			g.Leave(enter(g, 0), time.Millisecond)
		}
		enter(g, windowOld)
		if n := g.hot.read().n; n != 0 || g.learner.known {
			t.Errorf("%d samples are kept", n)
		}
	})
}

// TestLogarithm: monotone, and within a fifteenth of a doubling.
func TestLogarithm(t *testing.T) {
	before := uint64(0)
	for d := time.Microsecond; d < 2*time.Hour; d += d/100 + 1 {
		got := logOf(d)
		want := math.Log2(float64(min(d, latencyMax))) * (1 << logShift)
		if got < before || float64(got) > want+0.01 || float64(got) < want-(1<<logShift)/11. {
			t.Fatalf("%v: %d, want %.1f", d, got, want)
		}
		before = got
	}
}
