package balance_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var algorithms = []spec.BalanceBy{spec.ByRoundRobin, spec.ByLeastRequests, spec.ByPowerOfTwo, spec.ByMaglev}

// members returns so many members of weight 1 in the nearest locality.
func members(n int) []*balance.Member {
	all := make([]*balance.Member, n)
	for i := range all {
		all[i] = &balance.Member{Name: fmt.Sprintf("10.0.%d.%d:8080", i/250, i%250), Weight: 1}
	}
	return all
}

// weighted returns a member for each weight.
func weighted(weights ...int) []*balance.Member {
	all := members(len(weights))
	for i, w := range weights {
		all[i].Weight = w
	}
	return all
}

// started is a balancer of members that is closed with the test.
func started(t testing.TB, by spec.Balance, all []*balance.Member) *balance.Balancer {
	t.Helper()
	b := balance.New(by, spec.Ejection{}, nil)
	t.Cleanup(b.Close)
	b.Set(all)
	return b
}

// key is the i-th of many keys.
func key(i int) uint64 { return balance.Hash(fmt.Append(nil, "client ", i)) }

// counts is how many of so many requests each member gets that are open one at a time, each with a key of its own.
func counts(b *balance.Balancer, requests int) map[*balance.Member]int {
	got := map[*balance.Member]int{}
	for i := range requests {
		n, _ := b.Pick(&balance.Ask{Key: key(i), Keyed: true})
		got[n]++
		if n != nil {
			n.End()
		}
	}
	return got
}

// spread fails the test if members did not get their share of requests, give or take six standard deviations of a draw by
// lot: a right balancer fails once in 10^8 runs.
func spread(t testing.TB, got map[*balance.Member]int, share map[*balance.Member]float64) {
	t.Helper()
	total, sum := 0, 0.0
	for _, n := range got {
		total += n
	}
	for _, s := range share {
		sum += s
	}
	for n := range got {
		if share[n] == 0 {
			t.Errorf("%s got %d requests, want none", name(n), got[n])
		}
	}
	for n, s := range share {
		p := s / sum
		want := p * float64(total)
		if d := math.Abs(float64(got[n]) - want); d > 6*math.Sqrt(want*(1-p))+1 {
			t.Errorf("%s got %d of %d requests, want %.0f", n.Name, got[n], total, want)
		}
	}
}

// byWeight is the share of each member by its weight alone.
func byWeight(all []*balance.Member) map[*balance.Member]float64 {
	share := map[*balance.Member]float64{}
	for _, n := range all {
		if n.Weight > 0 {
			share[n] = float64(n.Weight)
		}
	}
	return share
}

func name(n *balance.Member) string {
	if n == nil {
		return "nobody"
	}
	return n.Name
}

// load begins so many requests at a member, around the balancer's choice.
func load(t testing.TB, b *balance.Balancer, n *balance.Member, requests int, all []*balance.Member) {
	t.Helper()
	others := slices.DeleteFunc(slices.Clone(all), func(o *balance.Member) bool { return o == n })
	for range requests {
		if got, _ := b.Pick(&balance.Ask{Tried: others}); got != n {
			t.Fatalf("%s got a request that only %s may have", name(got), n.Name)
		}
	}
}

// how prints the bits.
func how(p exchange.Picked) string {
	var said []string
	for _, bit := range slices.Sorted(maps.Keys(bits)) {
		if p&bit != 0 {
			said = append(said, bits[bit])
		}
	}
	return strings.Join(said, " ")
}

var bits = map[exchange.Picked]string{
	exchange.PickedSticky: "sticky", exchange.PickedFailover: "failover", exchange.PickedPanic: "panic", exchange.PickedSpill: "spill",
}
