package balance_test

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// model is what the balancer must do, said in the plainest way.
type model struct {
	by      spec.Balance
	members []*balance.Member
	open    map[*balance.Member]int64
}

// candidates returns who may be had but for limits and what was tried, and whether there is a panic.
func (m *model) candidates() (all []*balance.Member, panics bool) {
	weighty := slices.DeleteFunc(slices.Clone(m.members), func(n *balance.Member) bool { return n.Weight <= 0 })
	usable := slices.DeleteFunc(slices.Clone(weighty), func(n *balance.Member) bool { return !n.Usable() })
	if float64(len(usable)) < m.by.Panic*float64(len(weighty)) {
		return weighty, true
	}
	return usable, false
}

func (m *model) check(t *rapid.T, a *balance.Ask, n *balance.Member, p exchange.Picked) {
	all, panics := m.candidates()
	left := slices.DeleteFunc(slices.Clone(all), func(n *balance.Member) bool { return slices.Contains(a.Tried, n) })
	free := slices.DeleteFunc(slices.Clone(left), func(n *balance.Member) bool { return n.Limit > 0 && m.open[n] >= n.Limit })
	if n == nil {
		if len(free) > 0 || p != 0 || a.Full != (len(left) > 0) {
			t.Fatalf("nobody, %q, full %v, while %d members are free and %d could be", how(p), a.Full, len(free), len(left))
		}
		return
	}
	if !slices.Contains(free, n) || a.Full {
		t.Fatalf("%s: tried, full, unusable, without weight or no member; full %v", n.Name, a.Full)
	}
	kept := slices.ContainsFunc(free, func(n *balance.Member) bool { return n.ID() == a.Sticky })
	want := exchange.Picked(0)
	nearest := slices.MinFunc(m.members, func(a, b *balance.Member) int {
		if (a.Weight > 0) != (b.Weight > 0) {
			return b.Weight - a.Weight
		}
		return int(a.Tier) - int(b.Tier)
	})
	switch {
	case kept && n.ID() != a.Sticky:
		t.Fatalf("%s was picked instead of the cookie's", n.Name)
	case kept:
		want |= exchange.PickedSticky
	case a.Sticky != 0:
		want |= exchange.PickedFailover
	}
	if panics {
		want |= exchange.PickedPanic
	}
	if !kept && n.Tier > nearest.Tier {
		want |= exchange.PickedSpill
	}
	if p != want {
		t.Fatalf("%s was picked by %q, want %q", n.Name, how(p), how(want))
	}
}

// TestPickAgainstModel: whatever happens before, Pick names only a member that may be had, and says how.
func TestPickAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := model{
			by: spec.Balance{
				By: rapid.SampledFrom(algorithms).Draw(t, "by"), Sticky: &spec.Sticky{Cookie: "s"},
				Panic: rapid.SampledFrom([]float64{0, 0.3, 0.5, 1}).Draw(t, "panic"), Spill: rapid.IntRange(0, 3).Draw(t, "spill"),
			},
			open: map[*balance.Member]int64{},
		}
		pool := members(rapid.IntRange(1, 8).Draw(t, "members"))
		for _, n := range pool {
			n.Weight = rapid.IntRange(0, 4).Draw(t, "weight")
			n.Tier = uint8(rapid.IntRange(0, 2).Draw(t, "tier"))
			n.Limit = rapid.Int64Range(0, 3).Draw(t, "limit")
		}
		b := balance.New(m.by, spec.Ejection{}, nil)
		defer b.Close()
		some := rapid.SliceOfDistinct(rapid.SampledFrom(pool), rapid.ID[*balance.Member])
		one := rapid.SampledFrom(pool)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				m.members = some.Draw(t, "members")
				b.Set(m.members)
			},
			"health": func(t *rapid.T) { b.Health(one.Draw(t, "of"), rapid.Bool().Draw(t, "healthy")) },
			"pick": func(t *rapid.T) {
				a := balance.Ask{Tried: some.Draw(t, "tried"), Key: rapid.Uint64().Draw(t, "key"), Keyed: rapid.Bool().Draw(t, "keyed")}
				if rapid.Bool().Draw(t, "sticky") {
					a.Sticky = one.Draw(t, "cookie").ID()
				}
				n, p := b.Pick(&a)
				m.check(t, &a, n, p)
				if n != nil {
					m.open[n]++
				}
			},
			"end": func(t *rapid.T) {
				if n := one.Draw(t, "of"); m.open[n] > 0 {
					m.open[n]--
					n.End()
				}
			},
			"": func(t *rapid.T) {
				for _, n := range pool {
					if n.Open() != m.open[n] {
						t.Fatalf("%s has %d open, want %d", n.Name, n.Open(), m.open[n])
					}
				}
			},
		})
	})
}

// TestTriedSpread: what another member is asked after a failure, the others share by weight.
func TestTriedSpread(t *testing.T) {
	for _, by := range []spec.BalanceBy{spec.ByLeastRequests, spec.ByPowerOfTwo, spec.ByMaglev} {
		all := members(5)
		b := started(t, spec.Balance{By: by}, all)
		got := map[*balance.Member]int{}
		for i := range 20_000 {
			n, _ := b.Pick(&balance.Ask{Key: key(i), Keyed: true, Tried: all[1:2]})
			got[n]++
			n.End()
		}
		if len(got) != 4 || got[all[1]] != 0 {
			t.Errorf("%s: %d members got requests, the tried one %d", by, len(got), got[all[1]])
		}
		for _, n := range got {
			if n < 4000 || n > 6000 {
				t.Errorf("%s: a member got %d of 20000 tries, want about 5000", by, n)
			}
		}
	}
}

// TestManyTried: also where few of many may be had, they are found.
func TestManyTried(t *testing.T) {
	for _, by := range algorithms {
		all := weighted(slices.Repeat([]int{1, 3}, 150)...)
		b := started(t, spec.Balance{By: by}, all)
		got := map[*balance.Member]int{}
		for i := range 40 {
			n, _ := b.Pick(&balance.Ask{Key: key(i), Keyed: true, Tried: all[2:]})
			got[n]++
		}
		if got[all[0]]+got[all[1]] != 40 {
			t.Errorf("%s: %d of 40 found one of the two that were left", by, got[all[0]]+got[all[1]])
		}
	}
}

// TestLimitHolds: many goroutines at once never bring a member beyond its limit, and all places are used.
func TestLimitHolds(t *testing.T) {
	for _, by := range algorithms {
		all := members(4)
		for _, n := range all {
			n.Limit = 5
		}
		b := started(t, spec.Balance{By: by}, all)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 2000 {
					n, _ := b.Pick(&balance.Ask{})
					if n == nil {
						continue
					}
					if open := n.Open(); open > n.Limit {
						t.Errorf("%s: %d requests are open at a member with limit %d", by, open, n.Limit)
					}
					n.End()
				}
			})
		}
		wg.Wait()
		for range 20 {
			if n, _ := b.Pick(&balance.Ask{}); n == nil {
				t.Errorf("%s: nobody while there are places", by)
			}
		}
		a := balance.Ask{}
		if n, _ := b.Pick(&a); n != nil || !a.Full {
			t.Errorf("%s: %s beyond all limits, full %v", by, name(n), a.Full)
		}
	}
}

// TestConcurrent: everything at once, for the race detector; at the end the counts are right.
func TestConcurrent(t *testing.T) {
	for _, by := range algorithms {
		all := members(12)
		for i, n := range all {
			n.Tier, n.Weight, n.Limit = uint8(i%3), 1+i%4, int64(i%2*20)
		}
		b := balance.New(spec.Balance{By: by, Panic: 0.5, Spill: 1, SlowStart: 1e6, Sticky: &spec.Sticky{}}, spec.Ejection{Failures: 2, Time: 1e6, Share: 0.5},
			func(n *balance.Member, ejected bool, _ string) {
				if n.Ejected() != ejected {
					t.Errorf("%s was told as ejected %v", n.Name, ejected)
				}
			})
		b.Set(all)
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 3000 {
					a := balance.Ask{Key: key(i), Keyed: i%2 == 0}
					if i%5 == 0 {
						a.Sticky = all[i%12].ID()
					}
					if n, _ := b.Pick(&a); n != nil {
						b.Note(n, i%7 < g)
						n.End()
					}
				}
			})
		}
		wg.Go(func() {
			for i := range 200 {
				b.Set(all[i%6:])
				b.Health(all[i%12], i%3 > 0)
			}
		})
		wg.Wait()
		b.Close()
		for _, n := range all {
			if n.Open() != 0 {
				t.Errorf("%s: %d requests are left open", by, n.Open())
			}
		}
	}
}

// TestZero: without members there is nobody, and the zero spec balances.
func TestZero(t *testing.T) {
	b := balance.New(spec.Balance{}, spec.Ejection{}, nil)
	defer b.Close()
	a := balance.Ask{Sticky: 1}
	if n, p := b.Pick(&a); n != nil || p != 0 || a.Full {
		t.Errorf("%s, %q, full %v of no members", name(n), how(p), a.Full)
	}
	n := &balance.Member{Name: "a", Weight: 1}
	b.Note(n, true)
	b.Health(n, false)
	b.Health(n, true)
	b.Set([]*balance.Member{n, n})
	if got, p := b.Pick(&balance.Ask{}); got != n || p != 0 || n.Open() != 1 {
		t.Errorf("%s, %q, %d open", name(got), how(p), n.Open())
	}
}
