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

// nodes returns so many nodes of weight 1 in the nearest locality.
func nodes(n int) []*balance.Node {
	all := make([]*balance.Node, n)
	for i := range all {
		all[i] = &balance.Node{Name: fmt.Sprintf("10.0.%d.%d:8080", i/250, i%250), Weight: 1}
	}
	return all
}

// weighted returns a node for each weight.
func weighted(weights ...int) []*balance.Node {
	all := nodes(len(weights))
	for i, w := range weights {
		all[i].Weight = w
	}
	return all
}

// started is a balancer of nodes that is closed with the test.
func started(t testing.TB, by spec.Balance, all []*balance.Node) *balance.Balancer {
	t.Helper()
	b := balance.New(by, spec.Ejection{}, nil)
	t.Cleanup(b.Close)
	b.Set(all)
	return b
}

// key is the i-th of many keys.
func key(i int) uint64 { return balance.Hash(fmt.Append(nil, "client ", i)) }

// counts is how many of so many requests each node gets that are open one at a time, each with a key of its own.
func counts(b *balance.Balancer, requests int) map[*balance.Node]int {
	got := map[*balance.Node]int{}
	for i := range requests {
		n, _ := b.Pick(&balance.Ask{Key: key(i), Keyed: true})
		got[n]++
		if n != nil {
			n.End()
		}
	}
	return got
}

// spread fails the test if nodes did not get their share of requests, give or take six standard deviations of a draw by
// lot: a right balancer fails once in 10^8 runs.
func spread(t testing.TB, got map[*balance.Node]int, share map[*balance.Node]float64) {
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

// byWeight is the share of each node by its weight alone.
func byWeight(all []*balance.Node) map[*balance.Node]float64 {
	share := map[*balance.Node]float64{}
	for _, n := range all {
		if n.Weight > 0 {
			share[n] = float64(n.Weight)
		}
	}
	return share
}

func name(n *balance.Node) string {
	if n == nil {
		return "nobody"
	}
	return n.Name
}

// load begins so many requests at a node, around the balancer's choice.
func load(t testing.TB, b *balance.Balancer, n *balance.Node, requests int, all []*balance.Node) {
	t.Helper()
	others := slices.DeleteFunc(slices.Clone(all), func(o *balance.Node) bool { return o == n })
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
