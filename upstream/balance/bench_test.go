package balance_test

import (
	"fmt"
	"testing"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// BenchmarkPick is one request: Pick, End and a success noted.
func BenchmarkPick(b *testing.B) {
	for _, by := range algorithms {
		for _, n := range []int{1, 3, 100} {
			for _, weighted := range []bool{false, true} {
				name := fmt.Sprintf("%s/members=%d", by, n)
				if weighted {
					name += "/weighted"
				}
				b.Run(name, func(b *testing.B) { benchmark(b, by, n, weighted) })
			}
		}
	}
}

func benchmark(b *testing.B, by spec.BalanceBy, n int, weighted bool) {
	all := members(n)
	for i, member := range all {
		if weighted {
			member.Weight = 1 + i%5
		}
	}
	balancer := balance.New(spec.Balance{By: by, Panic: 0.5, Spill: 100}, spec.Ejection{Failures: 5, Share: 0.5}, nil)
	defer balancer.Close()
	balancer.Set(all)
	b.RunParallel(func(pb *testing.PB) {
		key := uint64(0)
		for pb.Next() {
			key++
			member, _ := balancer.Pick(&balance.Ask{Key: key, Keyed: true})
			balancer.Note(member, false)
			member.End()
		}
	})
}

// BenchmarkHash is the hash of a cookie, and of an address.
func BenchmarkHash(b *testing.B) {
	key := []byte("0123456789abcdef0123456789abcdef")
	for b.Loop() {
		balance.Hash(key)
	}
}
