package balance_test

import (
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// far returns so many members in each locality, with names and order by locality.
func far(each ...int) (tiers [][]*balance.Member, all []*balance.Member) {
	sum := 0
	for _, n := range each {
		sum += n
	}
	all = members(sum)
	at := 0
	for tier, n := range each {
		tiers = append(tiers, all[at:at+n])
		for _, member := range tiers[tier] {
			member.Tier = uint8(tier)
		}
		at += n
	}
	return tiers, all
}

// TestHealthSpill: a locality takes 1.4 times its usable share.
func TestHealthSpill(t *testing.T) {
	f := func(each, unhealthy []int, want ...float64) {
		t.Helper()
		for _, by := range algorithms {
			tiers, all := far(each...)
			b := started(t, spec.Balance{By: by}, all)
			for i, n := range unhealthy {
				for _, member := range tiers[i][:n] {
					b.Health(member, false)
				}
			}
			const requests = 6000
			got := map[*balance.Member]int{}
			share := map[*balance.Member]float64{}
			for i := range requests {
				n, p := b.Pick(&balance.Ask{Key: key(i), Keyed: true})
				got[tiers[n.Tier][0]]++
				n.End()
				if spills := p&exchange.PickedSpill != 0; spills != (n.Tier > 0 && each[0] > 0) {
					t.Fatalf("tier %d was picked by %q", n.Tier, how(p))
				}
			}
			for i, w := range want {
				if w > 0 {
					share[tiers[i][0]] = w
				}
			}
			spread(t, got, share)
		}
	}
	f([]int{4, 4, 4}, nil, 1, 0, 0)
	f([]int{4, 4}, []int{1}, 1, 0)
	f([]int{10, 4}, []int{5}, 0.7, 0.3)
	f([]int{10, 10, 4}, []int{5, 9}, 0.7, 0.14, 0.16)
	f([]int{4, 4}, []int{4}, 0, 1)
	f([]int{4, 4, 4}, []int{4, 4}, 0, 0, 1)
	f([]int{10, 10}, []int{8, 9}, 2./3, 1./3) // together they have 0.42: each takes the more
	f([]int{10, 0, 4}, []int{5}, 0.7, 0, 0.3)
	f([]int{0, 4, 4}, nil, 0, 1, 0)
}

// TestHealthSpillKeeps: a key of Maglev that starts farther away always does, and those that need not move stay.
func TestHealthSpillKeeps(t *testing.T) {
	tiers, all := far(10, 10)
	b := started(t, spec.Balance{By: spec.ByMaglev}, all)
	pick := func(i int) *balance.Member {
		n, _ := b.Pick(&balance.Ask{Key: key(i), Keyed: true})
		return n
	}
	home := map[int]*balance.Member{}
	for i := range 1000 {
		home[i] = pick(i)
	}
	for _, n := range tiers[0][:5] {
		b.Health(n, false)
	}
	stayed := 0
	for i := range 1000 {
		n := pick(i)
		if again := pick(i); n != again {
			t.Fatalf("a key went to %s and to %s", n.Name, again.Name)
		}
		if n.Tier == 0 && home[i].Usable() && n != home[i] {
			t.Fatalf("a key moved from %s to %s", home[i].Name, n.Name)
		}
		if n == home[i] {
			stayed++
		}
	}
	if stayed < 250 {
		t.Errorf("%d of 1000 keys stayed, want about 350", stayed)
	}
}

// TestLoadSpill: from Spill open requests for its weight on, a member gives some to the next locality, if that is less busy.
func TestLoadSpill(t *testing.T) {
	for _, by := range algorithms {
		tiers, all := far(2, 2)
		for _, n := range all {
			n.Weight = 2
		}
		b := started(t, spec.Balance{By: by, Spill: 10}, all)
		for range 40 {
			if n, p := b.Pick(&balance.Ask{}); by != spec.ByMaglev && (n.Tier != 0 || p != 0) {
				t.Fatalf("%s: tier %d by %q before the nearest is full", by, n.Tier, how(p))
			}
		}
		if by == spec.ByMaglev {
			continue // keys do not fill members evenly
		}
		spilled := 0
		for range 40 {
			n, p := b.Pick(&balance.Ask{})
			if n.Tier == 1 {
				spilled++
			}
			if (p == exchange.PickedSpill) != (n.Tier == 1) {
				t.Fatalf("%s: tier %d by %q", by, n.Tier, how(p))
			}
		}
		if spilled < 36 { // until both are as busy
			t.Errorf("%s: %d of 40 went farther", by, spilled)
		}
		for range 400 {
			b.Pick(&balance.Ask{})
		}
		near, away := tiers[0][0].Open()+tiers[0][1].Open(), tiers[1][0].Open()+tiers[1][1].Open()
		if near < away-8 {
			t.Errorf("%s: %d open near, %d farther away", by, near, away)
		}
	}
}

// TestLoadSpillOff: Spill 0 never gives any away.
func TestLoadSpillOff(t *testing.T) {
	_, all := far(1, 1)
	b := started(t, spec.Balance{}, all)
	for range 1000 {
		if n, _ := b.Pick(&balance.Ask{}); n != all[0] {
			t.Fatal("it spilled")
		}
	}
}

// TestMaglevSpillByLoad: also a key's member gives way when it is too busy, to the key's member farther away.
func TestMaglevSpillByLoad(t *testing.T) {
	_, all := far(3, 3)
	b := started(t, spec.Balance{By: spec.ByMaglev, Spill: 5}, all)
	a := balance.Ask{Key: 42, Keyed: true}
	home, _ := b.Pick(&a)
	for range 4 {
		if n, _ := b.Pick(&a); n != home {
			t.Fatal("it moved too early")
		}
	}
	n, p := b.Pick(&a)
	if n.Tier != 1 || p != exchange.PickedSpill {
		t.Errorf("%s by %q", n.Name, how(p))
	}
}

// TestPanic: below the threshold all members count as usable, and localities as healthy.
func TestPanic(t *testing.T) {
	f := func(threshold float64, each, unhealthy []int, panics bool, want ...float64) {
		t.Helper()
		for _, by := range algorithms {
			tiers, all := far(each...)
			idle := &balance.Member{Name: "idle", Weight: 0}
			b := started(t, spec.Balance{By: by, Panic: threshold}, append(all, idle))
			for i, n := range unhealthy {
				for _, member := range tiers[i][:n] {
					b.Health(member, false)
				}
			}
			got := make([]float64, len(each))
			for i := range 2000 {
				n, p := b.Pick(&balance.Ask{Key: key(i), Keyed: true})
				if n == nil {
					continue
				}
				if n == idle || p&exchange.PickedPanic != 0 != panics {
					t.Fatalf("%s: %s by %q", by, n.Name, how(p))
				}
				got[n.Tier] += 1. / 2000
				n.End()
			}
			for i, w := range want {
				if d := got[i] - w; d > 0.1 || d < -0.1 {
					t.Errorf("%s, threshold %v, %v of %v unhealthy: tier %d got %.2f, want %.2f", by, threshold, unhealthy, each, i, got[i], w)
				}
			}
		}
	}
	f(0.5, []int{4}, []int{2}, false, 1)
	f(0.5, []int{4}, []int{3}, true, 1)
	f(0.5, []int{4}, []int{4}, true, 1)
	f(0, []int{4}, []int{3}, false, 1)
	f(0, []int{4}, []int{4}, false, 0)
	f(0.5, []int{2, 2}, []int{2, 1}, true, 1, 0)
	f(0.5, []int{2, 2}, []int{2, 0}, false, 0, 1)
}
