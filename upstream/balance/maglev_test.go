package balance_test

import (
	"net/netip"
	"slices"
	"testing"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// homes is where each of so many keys goes.
func homes(b *balance.Balancer, keys int) []*balance.Member {
	all := make([]*balance.Member, keys)
	for i := range all {
		all[i], _ = b.Pick(&balance.Ask{Key: key(i), Keyed: true})
		all[i].End()
	}
	return all
}

// moved is how many keys went from and to other members than one.
func moved(before, after []*balance.Member, but *balance.Member) (all, others int) {
	for i := range before {
		if before[i] != after[i] {
			all++
			if before[i] != but && after[i] != but {
				others++
			}
		}
	}
	return all, others
}

// TestMaglevMovement: while a member is out exactly its own keys are elsewhere, evenly; then all are at home again. When a member
// leaves or joins for good, few others move.
func TestMaglevMovement(t *testing.T) {
	const keys = 20_000
	for _, n := range []int{3, 10, 60} {
		all := members(n + 1)
		b := started(t, spec.Balance{By: spec.ByMaglev}, all)
		before := homes(b, keys)
		out := all[n/2]
		b.Health(out, false)
		during := homes(b, keys)
		m, others := moved(before, during, out)
		if share := float64(m) / keys * float64(n+1); others != 0 || share < 0.8 || share > 1.2 {
			t.Errorf("%d members, one out: %d keys moved, %d of them of others", n+1, m, others)
		}
		got := map[*balance.Member]int{}
		for i := range before {
			if before[i] == out {
				got[during[i]]++
			}
		}
		for o, keys := range got {
			if mean := m / n; keys > 2*mean+10 {
				t.Errorf("%d members, one out: %s took %d of its %d keys", n+1, o.Name, keys, m)
			}
		}
		b.Health(out, true)
		if m, _ := moved(before, homes(b, keys), nil); m != 0 {
			t.Errorf("%d members, all back: %d keys moved", n+1, m)
		}
		b.Set(slices.Concat(all[:n/2], all[n/2+1:]))
		m, others = moved(before, homes(b, keys), out)
		t.Logf("%d members, one leaves: %.4f of the keys moved, %.4f of them need not", n+1, float64(m)/keys, float64(others)/keys)
		if float64(others)/keys > 0.08 {
			t.Errorf("%d members, one leaves: %.3f of the keys moved that need not", n+1, float64(others)/keys)
		}
		b.Set(all)
		if m, _ := moved(before, homes(b, keys), nil); m != 0 {
			t.Errorf("%d members, it joins again: %d keys moved", n+1, m)
		}
	}
}

// TestMaglevAgrees: neither the order of members nor what happened before matters, only who there is.
func TestMaglevAgrees(t *testing.T) {
	one, two := weighted(1, 2, 3, 4, 5), weighted(1, 2, 3, 4, 5)
	slices.Reverse(two)
	a := started(t, spec.Balance{By: spec.ByMaglev}, one)
	b := started(t, spec.Balance{By: spec.ByMaglev}, two[:2])
	b.Set(two)
	x, y := homes(a, 1000), homes(b, 1000)
	for i := range x {
		if x[i].Name != y[i].Name {
			t.Fatalf("key %d: %s and %s", i, x[i].Name, y[i].Name)
		}
	}
}

// TestMaglevFewUsable: where most of many members are out, a key still has one member, and all take part.
func TestMaglevFewUsable(t *testing.T) {
	all := members(300)
	b := started(t, spec.Balance{By: spec.ByMaglev}, all)
	for _, n := range all[3:] {
		b.Health(n, false)
	}
	x, y := homes(b, 3000), homes(b, 3000)
	got := map[*balance.Member]int{}
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("key %d: %s and %s", i, x[i].Name, y[i].Name)
		}
		got[x[i]]++
	}
	for _, n := range all[:3] {
		if got[n] < 600 {
			t.Errorf("one of the last three got %d of 3000 keys", got[n])
		}
	}
}

// TestMaglevUnkeyed: without a key each request goes anywhere, and its next tries to the following members.
func TestMaglevUnkeyed(t *testing.T) {
	all := members(4)
	b := started(t, spec.Balance{By: spec.ByMaglev}, all)
	got := map[*balance.Member]int{}
	for range 4000 {
		a := balance.Ask{}
		n, _ := b.Pick(&a)
		got[n]++
		n.End()
		if again, _ := b.Pick(&a); again != n {
			t.Fatal("the made up key changed")
		}
	}
	for _, n := range all {
		if got[n] < 800 {
			t.Errorf("a member got %d of 4000 requests", got[n])
		}
	}
}

// TestHash: hashes never change, and differ in all bits.
func TestHash(t *testing.T) {
	f := func(got, want uint64) {
		t.Helper()
		if got != want {
			t.Errorf("%#x, want %#x", got, want)
		}
	}
	f(balance.Hash(nil), 0xb8371b5e9326a9e3)
	f(balance.Hash([]byte("a")), 0x712927d6f1d1c9d5)
	f(balance.Hash([]byte("12345678")), 0x97a92cb40921a28f)
	f(balance.Hash([]byte("session-0123456789")), 0x362557a25591bfdb)
	f(balance.HashAddr(netip.MustParseAddr("192.0.2.1")), 0x122a3856e252d0d6)
	f(balance.HashAddr(netip.MustParseAddr("2001:db8::1")), 0x849551e17f30c07b)
	f((&balance.Member{Name: "10.0.0.1:8080"}).ID(), 0x8c4e9e4ece02080d)
	f(balance.HashAddr(netip.MustParseAddr("::ffff:192.0.2.1")), balance.HashAddr(netip.MustParseAddr("192.0.2.1")))
	f(balance.HashAddr(netip.MustParseAddr("fe80::1%eth0")), balance.HashAddr(netip.MustParseAddr("fe80::1")))
	seen := map[uint64]string{}
	for n := range 300 { // zeros and their number are not the same
		h := balance.Hash(make([]byte, n))
		if was, ok := seen[h]; ok {
			t.Errorf("%d zeros hash like %s", n, was)
		}
		seen[h] = string(rune(n))
	}
	for bit := range 64 {
		ones := 0
		for i := range 2000 {
			ones += int(key(i) >> bit & 1)
		}
		if ones < 850 || ones > 1150 {
			t.Errorf("bit %d is set in %d of 2000 hashes", bit, ones)
		}
	}
}
