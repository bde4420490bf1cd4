package balance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func slotsOf(weights ...int64) []slot {
	slots := make([]slot, len(weights))
	for i, w := range weights {
		slots[i].weight = w
	}
	return slots
}

// TestScheduleOrder: rounds as a person would write them.
func TestScheduleOrder(t *testing.T) {
	f := func(want string, weights ...int64) {
		t.Helper()
		got := ""
		for _, i := range newSchedule(slotsOf(weights...)) {
			got += string('a' + rune(i))
		}
		if got != want {
			t.Errorf("%v: %s, want %s", weights, got, want)
		}
	}
	f("abc", 100, 100, 100)
	f("aba", 200, 100)
	f("abaaaca", 500, 100, 100)
	f("abacadbaca", 500, 200, 200, 100)
	f("abaababa", 5, 3)
}

// TestScheduleSmooth: in a round each member has its weight in turns, exactly if the round is not too long, and never waits for more
// than what the others may have meanwhile.
func TestScheduleSmooth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(1, 1000), 1, 40).Draw(t, "weights")
		schedule := newSchedule(slotsOf(weights...))
		reduced := reduce(slotsOf(weights...))
		last, turns := make([]int, len(weights)), make([]int64, len(weights))
		for i := range last {
			last[i] = -1
		}
		for at, i := range append(slices.Clone(schedule), schedule...) {
			if last[i] >= 0 {
				most := 0
				for _, w := range reduced {
					most += int((w + reduced[i] - 1) / reduced[i])
				}
				if at-last[i] > most {
					t.Fatalf("member %d waited for %d turns, want at most %d", i, at-last[i], most)
				}
			}
			last[i] = at
			if at < len(schedule) {
				turns[i]++
			}
		}
		sum, turnsSum := int64(0), int64(0)
		for i, w := range weights {
			sum, turnsSum = sum+w, turnsSum+turns[i]
			if turns[i] != reduced[i] {
				t.Fatalf("member %d has %d turns, want %d", i, turns[i], reduced[i])
			}
		}
		for i, w := range weights {
			if d := math.Abs(float64(turns[i])*float64(sum) - float64(w)*float64(turnsSum)); sum <= scheduleMax && d != 0 {
				t.Fatalf("member %d with weight %d of %d has %d turns of %d", i, w, sum, turns[i], turnsSum)
			}
		}
		if len(schedule) > scheduleMax+len(weights) {
			t.Fatalf("a round of %d turns", len(schedule))
		}
	})
}

// TestScheduleBounded: as many members as there may be, of any weight, have a turn each.
func TestScheduleBounded(t *testing.T) {
	weights := make([]int64, membersMax)
	for i := range weights {
		weights[i] = int64(1+i%1000) * 100
	}
	schedule := newSchedule(slotsOf(weights...))
	if len(schedule) > 5*membersMax {
		t.Errorf("a round of %d turns for %d members", len(schedule), membersMax)
	}
	had := make([]bool, membersMax)
	for _, i := range schedule {
		had[i] = true
	}
	if slices.Contains(had, false) {
		t.Error("a member has no turn")
	}
}

// TestLots: all lots together give each slot its weight.
func TestLots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(1, 100_000), 1, 50).Draw(t, "weights")
		lots := newLots(slotsOf(weights...))
		has := make([]float64, len(weights))
		for i, l := range lots {
			has[i] += float64(l.keep)
			has[l.other] += float64(1<<32-1) - float64(l.keep)
		}
		sum := int64(0)
		for _, w := range weights {
			sum += w
		}
		for i, w := range weights {
			want := float64(w) / float64(sum)
			if got := has[i] / float64(1<<32-1) / float64(len(lots)); math.Abs(got-want) > 1e-8 {
				t.Fatalf("weight %d of %d: %v, want %v", w, sum, got, want)
			}
		}
	})
}

// named returns members with IDs, in the order of a balancer.
func named(weights ...int) []*Member {
	all := make([]*Member, len(weights))
	for i, w := range weights {
		all[i] = &Member{Name: fmt.Sprintf("https://member-%d.example:443", i), Weight: w}
		all[i].id = all[i].ID()
	}
	return all
}

// TestTable: the places of a Maglev table are shared by weight, within a percent of what a member should have or one place.
func TestTable(t *testing.T) {
	f := func(size int, weights ...int) {
		t.Helper()
		all := named(weights...)
		table := newTable(all)
		if len(table) != size {
			t.Errorf("%d members: %d places, want %d", len(all), len(table), size)
		}
		has, sum := make([]int, len(all)), 0
		for _, i := range table {
			has[i]++
		}
		for _, w := range weights {
			sum += w
		}
		for i, w := range weights {
			want := float64(w) / float64(sum) * float64(size)
			if d := math.Abs(float64(has[i]) - want); d > max(1.5, want/100) || has[i] == 0 {
				t.Errorf("%d members: weight %d of %d has %d places of %d, want %.1f", len(all), w, sum, has[i], size, want)
			}
		}
	}
	f(2039, 1)
	f(2039, 1, 1, 1)
	f(2039, 5, 1, 1)
	f(2039, 1000, 1)
	f(2039, append(slices.Repeat([]int{1000}, 19), 1)...)
	f(2039, slices.Repeat([]int{1}, 20)...)
	f(16381, slices.Repeat([]int{1}, 21)...)
	f(16381, slices.Repeat([]int{1, 2, 7}, 50)...)
	f(65537, slices.Repeat([]int{1}, 200)...)
	f(65537, slices.Repeat([]int{10, 1}, 300)...)
	f(65537, slices.Repeat([]int{1}, 5000)...)
}

// TestTableSizes: a permutation of the places needs a prime.
func TestTableSizes(t *testing.T) {
	for _, size := range tableSizes {
		for d := 2; d*d <= size; d++ {
			if size%d == 0 {
				t.Errorf("%d is %d times %d", size, d, size/d)
			}
		}
	}
	if membersMax >= 1<<16-1 || membersMax > tableSizes[len(tableSizes)-1] {
		t.Error("16 bits or the largest table cannot hold membersMax members")
	}
}

// TestTableMovement: when a member joins the membership for good, few more places change hands than it gets.
func TestTableMovement(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{3, 5, 10, 19, 50, 150, 400} {
		all := named(slices.Repeat([]int{1}, n+1)...)
		all[0], all[n] = all[n], all[0]
		cut := r.IntN(n)
		before, after := newTable(all[:n]), newTable(slices.Concat(all[:cut], all[cut+1:]))
		if len(before) != len(after) {
			t.Fatalf("%d members: the table changed its size", n)
		}
		moved := 0
		for at, i := range before {
			next := all[:n+1][after[at]]
			if int(after[at]) >= cut {
				next = all[after[at]+1]
			}
			if all[i] != next {
				moved++
			}
		}
		// Here all[n] takes the place of all[cut]: both shares move, 2/n, and what the walks displace.
		if most := 2*2.0/float64(n) + 0.1; float64(moved) > most*float64(len(before)) {
			t.Errorf("%d members: %.3f of the places moved, want at most %.3f", n, float64(moved)/float64(len(before)), most)
		}
	}
}

// TestTurns: each processor has few others at its counter, and each counter starts elsewhere.
func TestTurns(t *testing.T) {
	for procs, want := range map[int]int{1: 1, 8: 1, 9: 2, 16: 2, 64: 8, 100: 16} {
		if got := len(newTurns(procs)); got != want {
			t.Errorf("%d processors: %d counters, want %d", procs, got, want)
		}
	}
	b := &Balancer{by: roundRobin, turns: newTurns(64)}
	v := view{tiers: []tier{{slots: make([]slot, 5)}}}
	got := map[*slot]int{}
	for i := range v.tiers[0].slots {
		v.tiers[0].slots[i] = slot{member: new(Member), weight: 100}
	}
	for range 50_000 {
		s, _ := b.find(&v, new(Ask))
		got[s]++
	}
	for _, n := range got {
		if n < 9990 || n > 10_010 { // each of the counters is at most one off
			t.Errorf("a member got %d of 50000 turns, want about 10000", n)
		}
	}
}

// TestShares: localities together take all requests, whoever is usable, and one without a usable member none.
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var usable, all [levels]int
		some := 0
		for i := range all {
			all[i] = rapid.IntRange(0, membersMax).Draw(t, "all")
			usable[i] = rapid.IntRange(0, all[i]).Draw(t, "usable")
			some += usable[i]
		}
		sum := uint64(0)
		for i, s := range shares(usable, all) {
			if sum += s; usable[i] == 0 && s != 0 {
				t.Fatalf("tier %d of %v without a usable member takes %d", i, usable, s)
			}
		}
		if some > 0 && sum != whole {
			t.Fatalf("%v of %v take %d of %d", usable, all, sum, whole)
		}
	})
}
