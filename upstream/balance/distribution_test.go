package balance_test

import (
	"fmt"
	"testing"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// TestDistribution: what each member gets of requests that come one by one, before and after one is unhealthy and back.
func TestDistribution(t *testing.T) {
	const requests = 15_000
	for _, by := range algorithms {
		for _, weights := range [][]int{
			{1}, {1, 1}, {1, 1, 1}, {5, 1, 1}, {3, 2}, {1000, 999, 1}, {0, 1, 0, 2}, {10, 10, 1, 1, 1, 7, 30}, {100, 1},
			{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3},
		} {
			t.Run(fmt.Sprint(by, weights), func(t *testing.T) {
				all := weighted(weights...)
				b := started(t, spec.Balance{By: by}, all)
				check := func(without *balance.Member) {
					t.Helper()
					share := byWeight(all)
					delete(share, without)
					if by == spec.ByMaglev {
						return // of a table the places have shares of their own: TestTable
					}
					spread(t, counts(b, requests), share)
				}
				check(nil)
				if len(byWeight(all)) > 1 {
					gone := all[len(all)-1]
					b.Health(gone, false)
					check(gone)
					if got := counts(b, 1000)[gone]; got != 0 {
						t.Errorf("an unhealthy member got %d requests", got)
					}
					b.Health(gone, true)
					check(nil)
					all = all[:len(all)-1]
					b.Set(all)
					check(nil)
				}
			})
		}
	}
}

// TestLoadDecides: a member that has more open requests than the others gets none, or few.
func TestLoadDecides(t *testing.T) {
	f := func(by spec.BalanceBy, weights []int, atMost int) {
		t.Helper()
		all := weighted(weights...)
		b := started(t, spec.Balance{By: by}, all)
		load(t, b, all[0], 20*weights[0], all)
		for _, n := range all[1:] {
			load(t, b, n, 10*n.Weight, all)
		}
		if got := counts(b, 3000)[all[0]]; got > atMost {
			t.Errorf("%s %v: the busiest member got %d of 3000 requests, want at most %d", by, weights, got, atMost)
		}
	}
	f(spec.ByLeastRequests, []int{1, 1, 1}, 0)
	f(spec.ByLeastRequests, []int{7, 2, 1}, 0)
	f(spec.ByPowerOfTwo, []int{1, 1, 1}, 0)
	f(spec.ByPowerOfTwo, []int{1, 1}, 0)
	f(spec.ByPowerOfTwo, []int{7, 2, 1}, 0)
}

// TestEqualLoad: requests that stay open fill the members by weight.
func TestEqualLoad(t *testing.T) {
	f := func(by spec.BalanceBy, apart int64, weights ...int) {
		t.Helper()
		all := weighted(weights...)
		b := started(t, spec.Balance{By: by}, all)
		const each = 100
		for _, w := range weights {
			for range each * w {
				b.Pick(&balance.Ask{})
			}
		}
		for _, n := range all {
			if d := n.Open() - int64(each*n.Weight); d > apart || d < -apart {
				t.Errorf("%s %v: weight %d has %d open, want %d, give or take %d", by, weights, n.Weight, n.Open(), each*n.Weight, apart)
			}
		}
	}
	f(spec.ByRoundRobin, 1, 1, 1, 1, 1)
	f(spec.ByRoundRobin, 1, 10, 5, 1)
	f(spec.ByLeastRequests, 1, 1, 1, 1, 1)
	f(spec.ByLeastRequests, 3, 10, 5, 1)
	f(spec.ByPowerOfTwo, 8, 1, 1, 1, 1, 1, 1, 1, 1)
	f(spec.ByPowerOfTwo, 60, 10, 5, 1)
}

// TestLightNode: a member of little weight gets little also while the others are a little busy.
func TestLightNode(t *testing.T) {
	for _, by := range []spec.BalanceBy{spec.ByLeastRequests, spec.ByPowerOfTwo} {
		all := weighted(100, 100, 1)
		b := started(t, spec.Balance{By: by}, all)
		load(t, b, all[0], 5, all)
		load(t, b, all[1], 5, all)
		if got := counts(b, 10_000)[all[2]]; got > 150 {
			t.Errorf("%s: a member with 0.5 %% of the weight got %d of 10000 requests", by, got)
		}
	}
}

// TestRoundRobinOrder: equal members come in turn, from any start.
func TestRoundRobinOrder(t *testing.T) {
	all := members(5)
	b := started(t, spec.Balance{By: spec.ByRoundRobin}, all)
	var before int
	for i := range 100 {
		n, _ := b.Pick(&balance.Ask{})
		at := 0
		for all[at] != n {
			at++
		}
		if i > 0 && at != (before+1)%5 {
			t.Fatalf("member %d came after member %d", at, before)
		}
		before = at
	}
}

// TestRoundRobinLevels: what starts in a farther locality goes round there by itself.
func TestRoundRobinLevels(t *testing.T) {
	all := members(8)
	for i, n := range all {
		n.Tier = uint8(i / 4)
	}
	b := started(t, spec.Balance{By: spec.ByRoundRobin}, all)
	b.Health(all[0], false) // 3 of 4: 1.4 times that is more than all
	b.Health(all[1], false) // 2 of 4: 70 %
	got := counts(b, 50_000)
	for _, n := range all[4:] {
		if d := got[n] - got[all[4]]; d > 1 || d < -1 {
			t.Errorf("of the farther members one got %d requests, another %d", got[all[4]], got[n])
		}
	}
}
