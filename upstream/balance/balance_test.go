package balance_test

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

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
