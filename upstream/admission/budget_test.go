package admission_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/admission"
)

// TestBudgetBound: whatever comes when, retries are never more than share × requests + perSecond × seconds + what may be saved,
// and one that asks after enough requests gets them.
func TestBudgetBound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		share := rapid.Float64Range(0, 1).Draw(rt, "share")
		perSecond := rapid.IntRange(0, 50).Draw(rt, "perSecond")
		start := time.Now() // before the budget's own: it counts no time of before
		b := admission.NewBudget(spec.RetryBudget{Share: share, PerSecond: perSecond})
		now, retries, requests := start, 0, 0
		most := 0.0 // requests in three seconds, at most
		var lately []time.Time
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms")) * time.Millisecond)
			for range rapid.IntRange(0, 200).Draw(rt, "requests") {
				b.Request(now)
				requests++
				lately = append(lately, now)
			}
			for len(lately) > 0 && now.Sub(lately[0]) > 3*time.Second {
				lately = lately[1:]
			}
			most = max(most, float64(len(lately)))
			for range rapid.IntRange(0, 200).Draw(rt, "retries") {
				if b.Retry(now) {
					retries++
				}
			}
			saved := max(3*float64(perSecond), share*most)
			if bound := share*float64(requests) + float64(perSecond)*now.Sub(start).Seconds() + saved; float64(retries) > bound+1e-6 {
				rt.Fatalf("%d retries of %d requests in %v, at most %.2f", retries, requests, now.Sub(start), bound)
			}
		}
	})
}

// TestBudget: what a budget gives, in numbers.
func TestBudget(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    spec.RetryBudget
		do   func(b *admission.Budget)
		want int
	}{
		{"at first", spec.RetryBudget{Share: 0.2, PerSecond: 10}, func(*admission.Budget) {}, 10},
		{"a share", spec.RetryBudget{Share: 0.2}, func(b *admission.Budget) { requests(b, 1000) }, 200},
		{"a share, as time goes by", spec.RetryBudget{Share: 0.2}, func(b *admission.Budget) {
			for range 5 {
				requests(b, 100)
				time.Sleep(time.Second)
			}
		}, 40}, // of the last two whole seconds
		{"what is saved is that of three seconds", spec.RetryBudget{Share: 0.1}, func(b *admission.Budget) {
			for range 60 {
				time.Sleep(time.Second)
				requests(b, 100)
			}
		}, 30},
		{"and is forgotten", spec.RetryBudget{Share: 0.1}, func(b *admission.Budget) { requests(b, 1000); time.Sleep(time.Minute) }, 0},
		{"time alone", spec.RetryBudget{PerSecond: 10}, func(*admission.Budget) { time.Sleep(time.Second) }, 20},
		{"time alone, long", spec.RetryBudget{PerSecond: 10}, func(*admission.Budget) { time.Sleep(time.Hour) }, 30},
		{"nothing", spec.RetryBudget{}, func(b *admission.Budget) { requests(b, 1000); time.Sleep(time.Hour) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := admission.NewBudget(tt.b)
				tt.do(b)
				if got := retries(b, 1000); got != tt.want {
					t.Errorf("%d retries, want %d", got, tt.want)
				}
			})
		})
	}
	var none *admission.Budget
	none.Request(time.Now())
	if none.Retry(time.Now()) {
		t.Error("no budget gives a retry")
	}
}

func requests(b *admission.Budget, n int) {
	for range n {
		b.Request(time.Now())
	}
}

func retries(b *admission.Budget, n int) (got int) {
	for range n {
		if b.Retry(time.Now()) {
			got++
		}
	}
	return got
}

// TestBudgetAtOnce: of many at once no request is lost and no retry given twice.
func TestBudgetAtOnce(t *testing.T) {
	b := admission.NewBudget(spec.RetryBudget{Share: 0.5})
	now := time.Now()
	var wg sync.WaitGroup
	var got atomic.Int64
	for range 8 {
		wg.Go(func() {
			for i := range 1000 {
				b.Request(now)
				if i%3 == 0 && b.Retry(now) {
					got.Add(1)
				}
			}
		})
	}
	wg.Wait()
	for b.Retry(now) {
		got.Add(1)
	}
	if got.Load() != 4000 {
		t.Errorf("%d retries of 8,000 requests, want 4,000", got.Load())
	}
}

// TestRetryAfter: never less than asked for, spread over some seconds, in whole ones.
func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		least    time.Duration
		from, to int64
	}{{0, 1, 5}, {-time.Second, 1, 5}, {time.Second, 1, 5}, {1500 * time.Millisecond, 2, 6}, {5 * time.Second, 5, 9}, {30 * time.Second, 30, 45}} {
		seen := map[int64]bool{}
		for random := range uint64(1000) {
			seen[admission.RetryAfter(tt.least, random)] = true
		}
		if int64(len(seen)) != tt.to-tt.from+1 || !seen[tt.from] || !seen[tt.to] {
			t.Errorf("after %v: %v, want %d to %d", tt.least, seen, tt.from, tt.to)
		}
	}
}
