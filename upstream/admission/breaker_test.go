package admission_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/admission"
)

var breakerSpec = spec.Breaker{Share: 0.5, Requests: 10, Window: 10 * time.Second, Open: 5 * time.Second}

// note allows n requests and notes them.
func note(b *admission.Breaker, n int, failed bool) {
	for range n {
		now := time.Now()
		if ok, _ := b.Allow(now); ok {
			b.Note(failed, now, now)
		}
	}
}

// TestBreakerOpens: what opens a breaker and what does not.
func TestBreakerOpens(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(b *admission.Breaker)
		want string
	}{
		{"too few requests", func(b *admission.Breaker) { note(b, 9, true) }, "closed"},
		{"enough, all failed", func(b *admission.Breaker) { note(b, 10, true) }, "open"},
		{"half of them", func(b *admission.Breaker) { note(b, 5, false); note(b, 5, true) }, "open"},
		{"less than half", func(b *admission.Breaker) { note(b, 6, false); note(b, 5, true) }, "closed"},
		{"within the window", func(b *admission.Breaker) { note(b, 5, true); time.Sleep(8 * time.Second); note(b, 5, true) }, "open"},
		{"not within it", func(b *admission.Breaker) { note(b, 5, true); time.Sleep(10 * time.Second); note(b, 5, true) }, "closed"},
		{"long after", func(b *admission.Breaker) { note(b, 5, true); time.Sleep(time.Hour); note(b, 9, true) }, "closed"},
		{"successes that have been forgotten", func(b *admission.Breaker) { note(b, 100, false); time.Sleep(11 * time.Second); note(b, 10, true) }, "open"},
		{"failures that took longer than the window", func(b *admission.Breaker) {
			asked := time.Now()
			time.Sleep(time.Minute)
			for range 10 {
				b.Note(true, asked, time.Now())
			}
		}, "open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := admission.NewBreaker(breakerSpec, admission.Meters{}, nil)
				time.Sleep(3700 * time.Millisecond)
				tt.do(b)
				if b.State() != tt.want {
					t.Errorf("%s, want %s", b.State(), tt.want)
				}
			})
		})
	}
}

// TestBreakerProbes: the way from open to closed, and back.
func TestBreakerProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		set := meter.NewSet()
		b := admission.NewBreaker(breakerSpec, admission.Meters{Set: set, Service: "pay"}, func(s string) { told = append(told, s) })
		gauge := set.All()[0]
		early := time.Now()
		note(b, 10, true)
		time.Sleep(2 * time.Second)
		if ok, after := b.Allow(time.Now()); ok || after != 3*time.Second || gauge.Func() != 2 {
			t.Errorf("open: %v, %v, gauge %v", ok, after, gauge.Func())
		}
		time.Sleep(3 * time.Second)
		probed := time.Now()
		allowed := func() (n int) {
			for range 10 {
				if ok, after := b.Allow(time.Now()); ok {
					n++
				} else if after != time.Second {
					t.Errorf("told to wait %v", after)
				}
			}
			return n
		}
		if n := allowed(); n != 3 || gauge.Func() != 1 {
			t.Errorf("%d probes, gauge %v", n, gauge.Func())
		}
		b.Note(false, early, time.Now()) // an old request judges nothing
		b.Note(true, early, time.Now())
		if n := allowed(); n != 0 || b.State() != "half-open" {
			t.Errorf("%d more probes, %s", n, b.State())
		}
		b.Note(true, probed, time.Now())
		if ok, after := b.Allow(time.Now()); ok || after != 5*time.Second {
			t.Errorf("after a failed probe: %v, %v", ok, after)
		}
		time.Sleep(5 * time.Second)
		allowed() // these never come back
		time.Sleep(5 * time.Second)
		probed = time.Now()
		if n := allowed(); n != 3 {
			t.Errorf("%d probes after lost ones", n)
		}
		b.Note(false, probed, time.Now())
		b.Note(false, probed, time.Now())
		if n := allowed(); n != 2 {
			t.Errorf("%d probes after two came back", n)
		}
		b.Note(false, probed, time.Now())
		note(b, 9, true) // what was is forgotten
		if b.State() != "closed" || gauge.Func() != 0 {
			t.Errorf("%s, gauge %v", b.State(), gauge.Func())
		}
		if got, want := fmt.Sprint(told), "[open half-open open half-open closed]"; got != want {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

// TestBreakerClocks: a probe counts whose instant is a little before that of the first one.
func TestBreakerClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := admission.NewBreaker(breakerSpec, admission.Meters{}, nil)
		note(b, 10, true)
		time.Sleep(6 * time.Second)
		now := time.Now()
		for _, before := range []time.Duration{0, time.Millisecond, time.Second} {
			if ok, _ := b.Allow(now.Add(-before)); !ok {
				t.Fatalf("%v before the first: refused", before)
			}
			b.Note(false, now.Add(-before), now)
		}
		if b.State() != "closed" {
			t.Errorf("after three good probes: %s", b.State())
		}
	})
}

// TestBreakerError: the error names the settings; without a share there is no breaker, and that lets everything pass.
func TestBreakerError(t *testing.T) {
	b := admission.NewBreaker(breakerSpec, admission.Meters{Service: "pay"}, nil)
	for _, want := range []string{"service pay", "0.5 of at least 10 requests within 10s", "breaker.share", "5s", "breaker.open"} {
		if text := b.Err().Error(); !strings.Contains(text, want) || fault.Of(b.Err()) != fault.OriginTripped {
			t.Errorf("%q does not say %q", text, want)
		}
	}
	b = admission.NewBreaker(spec.Breaker{}, admission.Meters{}, nil)
	if b != nil || b.State() != "closed" {
		t.Error("there is a breaker without a share")
	}
	b.Note(true, time.Now(), time.Now())
	if ok, _ := b.Allow(time.Now()); !ok {
		t.Error("no breaker refuses")
	}
}

// TestBreakerAtOnce: many at once lose no outcome and never let more probes through than there may be.
func TestBreakerAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := admission.NewBreaker(spec.Breaker{Share: 1, Requests: 8000, Window: time.Minute, Open: time.Second}, admission.Meters{}, nil)
		time.Sleep(time.Second)
		at := time.Now()
		together := func(f func()) {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(f)
			}
			wg.Wait()
		}
		together(func() {
			for range 999 {
				b.Note(true, at, at)
			}
		})
		if b.State() != "closed" {
			t.Fatal("it opened too early")
		}
		for range 8 {
			b.Note(true, at, at)
		}
		if b.State() != "open" {
			t.Fatal("outcomes were lost")
		}
		time.Sleep(time.Second)
		var mu sync.Mutex
		probes := 0
		together(func() {
			for range 100 {
				if ok, _ := b.Allow(time.Now()); ok {
					mu.Lock()
					probes++
					mu.Unlock()
				}
			}
		})
		if probes != 3 {
			t.Errorf("%d probes at once", probes)
		}
	})
}

// TestBreakerWithdraw: what a probe came to that says nothing makes room for another one; a request of before the breaker opened
// gives no probe back.
func TestBreakerWithdraw(t *testing.T) {
	b := admission.NewBreaker(spec.Breaker{Share: 0.5, Requests: 1, Window: 10 * time.Second, Open: time.Second}, admission.Meters{Service: "s"}, nil)
	now := time.Now()
	b.Withdraw(now) // closed: nothing
	b.Note(true, now, now)
	b.Withdraw(now) // open: nothing
	later := now.Add(1100 * time.Millisecond)
	probes := func() (n int) {
		for ok, _ := b.Allow(later); ok; ok, _ = b.Allow(later) {
			n++
		}
		return n
	}
	if n := probes(); n != 3 {
		t.Fatalf("%d probes at once, want 3", n)
	}
	b.Withdraw(now)
	if n := probes(); n != 0 {
		t.Errorf("%d probes after a request of before was withdrawn, want 0", n)
	}
	b.Withdraw(later)
	b.Withdraw(later)
	if n := probes(); n != 2 {
		t.Errorf("%d probes after two were withdrawn, want 2", n)
	}
	(*admission.Breaker)(nil).Withdraw(now)
}
