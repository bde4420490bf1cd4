//go:build !race && !poison

package cert_test

import (
	"net/netip"
	"testing"
)

// TestChooseAllocatesNothing: among 10,000 hosts.
func TestChooseAllocatesNothing(t *testing.T) {
	table := manyHosts(t)
	to := netip.MustParseAddr("127.0.0.1")
	for _, name := range []string{"h9999.shop999.example.com", "h7777.shop777.example.com", "a.w0.example.com", "a.example.com", "a.b.c.example.net", ""} {
		if n := testing.AllocsPerRun(100, func() { table.ChooseOnly(name, to) }); n != 0 {
			t.Errorf("%q: %v allocations", name, n)
		}
	}
}

// TestChoose10000AllocatesNothing: among 15,000 certificates with both kinds of keys.
func TestChoose10000AllocatesNothing(t *testing.T) {
	table, names := tenThousand()
	to := netip.MustParseAddr("127.0.0.1")
	i := 0
	if n := testing.AllocsPerRun(1000, func() { table.ChooseOnly(names[i], to); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	h := onlyRSA(names[1])
	if n := testing.AllocsPerRun(1000, func() { table.Pick(h) }); n != 0 {
		t.Errorf("a client of RSA alone: %v allocations", n)
	}
}

// TestCoversAllocatesNothing: it is asked for every request.
func TestCoversAllocatesNothing(t *testing.T) {
	w := newWorld(t, "")
	_, _, covers, err := w.keeper.LocalLeaf("*.example.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"a.example.com", "a.b.example.com", "localhost", "127.0.0.1", "[::1]"} {
		b := []byte(host)
		if n := testing.AllocsPerRun(100, func() { covers(b) }); n != 0 {
			t.Errorf("%q: %v allocations", host, n)
		}
	}
}
