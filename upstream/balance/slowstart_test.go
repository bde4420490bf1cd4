package balance_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// ramp checks what share of the requests a member gets beside two others, at each tenth part of a slow start of nine seconds.
func ramp(t *testing.T, b *balance.Balancer, n *balance.Member) {
	t.Helper()
	for step := range 12 {
		synctest.Wait()
		weight := min(1, 0.1*float64(step+1))
		want := weight / (2 + weight)
		if got := float64(counts(b, 5000)[n]) / 5000; math.Abs(got-want) > 0.04 {
			t.Errorf("after %d s it gets %.3f, want %.3f", step, got, want)
		}
		time.Sleep(time.Second)
	}
}

// TestSlowStart: who comes later, back to health, or back from an ejection gets a tenth of its share, and then more.
func TestSlowStart(t *testing.T) {
	for _, by := range algorithms {
		synctest.Test(t, func(t *testing.T) {
			all := members(3)
			b := balance.New(spec.Balance{By: by, SlowStart: 9 * time.Second}, spec.Ejection{Failures: 1, Time: time.Minute, Share: 0.5}, nil)
			defer b.Close()
			b.Set(all)
			if got := counts(b, 3000)[all[0]]; got < 600 {
				t.Errorf("%s: at the very beginning a member gets %d of 3000", by, got)
			}
			b.Health(all[0], false)
			time.Sleep(time.Minute)
			b.Health(all[0], true)
			ramp(t, b, all[0])

			fail(b, all[0], 1)
			time.Sleep(time.Minute)
			ramp(t, b, all[0])

			b.Set(all[1:])
			time.Sleep(time.Minute)
			b.Set(all)
			ramp(t, b, all[0])
		})
	}
}

// TestSlowStartTogether: members that all come back at once share at once; one that comes later starts beside those who are further.
func TestSlowStartTogether(t *testing.T) {
	for _, by := range algorithms {
		synctest.Test(t, func(t *testing.T) {
			all := members(3)
			b := balance.New(spec.Balance{By: by, SlowStart: 9 * time.Second}, spec.Ejection{}, nil)
			defer b.Close()
			b.Set(all)
			for _, n := range all {
				b.Health(n, false)
			}
			b.Health(all[1], true)
			b.Health(all[2], true)
			share := func(n *balance.Member, want float64) {
				t.Helper()
				synctest.Wait()
				if got := float64(counts(b, 5000)[n]) / 5000; math.Abs(got-want) > 0.04 {
					t.Errorf("%s: it gets %.3f, want %.3f", by, got, want)
				}
			}
			share(all[1], 0.5)
			time.Sleep(4 * time.Second)
			b.Health(all[0], true)
			share(all[0], 0.2/2.2) // 10 % beside 50 %
			time.Sleep(20 * time.Second)
			share(all[0], 1./3)
		})
	}
}

// TestSlowStartSpill: a locality that comes back takes little before it gives some to the next one.
func TestSlowStartSpill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tiers, all := far(2, 2)
		b := balance.New(spec.Balance{SlowStart: 9 * time.Second, Spill: 100}, spec.Ejection{}, nil)
		defer b.Close()
		b.Set(all)
		for _, n := range tiers[0] {
			b.Health(n, false)
		}
		for _, n := range tiers[0] {
			b.Health(n, true)
		}
		for range 100 {
			b.Pick(&balance.Ask{})
		}
		if near := tiers[0][0].Open() + tiers[0][1].Open(); near < 18 || near > 22 { // a tenth of 200
			t.Errorf("%d of 100 open requests are at the locality that is back", near)
		}
	})
}

// TestSlowStartNoSpill: where all localities come back together, none spills early.
func TestSlowStartNoSpill(t *testing.T) {
	tiers, all := far(2, 2)
	b := started(t, spec.Balance{SlowStart: time.Hour, Spill: 100}, nil)
	b.Set(all)
	for range 200 {
		b.Pick(&balance.Ask{})
	}
	if near := tiers[0][0].Open() + tiers[0][1].Open(); near < 199 { // the pair of a draw may differ by one
		t.Errorf("%d of 200 open requests are at the nearest locality", near)
	}
}

// TestSlowStartOff: without one a member that is back has all of its share.
func TestSlowStartOff(t *testing.T) {
	all := members(2)
	b := started(t, spec.Balance{}, all)
	b.Health(all[0], false)
	b.Health(all[0], true)
	if got := counts(b, 1000)[all[0]]; got < 300 {
		t.Errorf("without a slow start a member that is back gets %d of 1000 requests", got)
	}
}
