//go:build !race && !poison

package balance_test

import (
	"testing"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// TestNoAllocation: neither a usual request nor one with a cookie, a second try or a farther locality costs memory.
func TestNoAllocation(t *testing.T) {
	for _, by := range algorithms {
		_, all := far(3, 3)
		all[1].Weight, all[1].Limit = 3, 50
		b := balance.New(spec.Balance{By: by, Sticky: &spec.Sticky{}, Spill: 1, Panic: 0.5}, spec.Ejection{Failures: 5, Share: 0.5}, nil)
		defer b.Close()
		b.Set(all)
		b.Health(all[0], false)
		first, _ := b.Pick(&balance.Ask{})
		cookie := first.ID()
		i := uint64(0)
		if n := testing.AllocsPerRun(1000, func() {
			i++
			var tried [1]*balance.Member
			a := balance.Ask{Key: i, Keyed: true, Sticky: cookie * (i & 1)}
			n, _ := b.Pick(&a)
			b.Note(n, i%7 == 0)
			n.End()
			tried[0] = n
			a.Tried = tried[:]
			n, _ = b.Pick(&a)
			b.Note(n, false)
			n.End()
		}); n != 0 {
			t.Errorf("%s: %v allocations", by, n)
		}
	}
}
