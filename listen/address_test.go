package listen_test

import (
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/listen"
	"skerry.dev/skerry/meter"
)

// TestAddresses: an IPv4 address by itself, an IPv6 address by its /64, trusted ones without limit, and nothing is kept of
// those that have no connection.
func TestAddresses(t *testing.T) {
	a := listen.NewAddresses(2, netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48"))
	f := func(from string, want bool) {
		t.Helper()
		if a.Take(from) != want {
			t.Errorf("%s: got %v", from, !want)
		}
	}
	f("192.0.2.1", true)
	f("192.0.2.1", true)
	f("192.0.2.1", false)
	f("192.0.2.2", true)
	f("2001:db8::1", true)
	f("2001:db8::ffff", true)
	f("2001:db8::2:1", false)
	f("2001:db8:0:1::1", true)
	for range 5 {
		f("10.1.2.3", true)
		f("2001:db8:1:2::3", true)
	}
	a.Give("192.0.2.1")
	f("192.0.2.1", true)
	f("192.0.2.1", false)
	for _, from := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::9", "2001:db8::8", "2001:db8:0:1::2", "10.1.2.3", "2001:db8:1:2::3"} {
		a.Give(from)
	}
	if n := a.Kept(); n != 0 {
		t.Errorf("%d addresses are kept", n)
	}
}

// TestAddressesTogether: many goroutines never get more than the limit, and what they give back is free again.
func TestAddressesTogether(t *testing.T) {
	a := listen.NewAddresses(8)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 2000 {
				addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(4))})
				if a.TakeAddr(addr) {
					a.GiveAddr(addr)
				} else {
					t.Error("refused: eight goroutines hold at most eight")
				}
			}
		})
	}
	wg.Wait()
	if n := a.Kept(); n != 0 {
		t.Errorf("%d addresses are kept", n)
	}
}

// TestPerAddress: beyond its limit an address is closed at once, which is counted, and told of once; others go on.
func TestPerAddress(t *testing.T) {
	set := meter.NewSet()
	s, err := listen.Open([]listen.Listener{{Addr: "127.0.0.1:0"}}, listen.Options{Conns: 10, PerAddress: 2, Meters: set})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(func(c net.Conn, _ *exchange.TLS, _ string) {
		_, _ = io.Copy(c, c)
		c.Close()
	})
	echoes := func(c net.Conn) bool {
		b := make([]byte, 1)
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Write([]byte("x")); err != nil {
			return false
		}
		_, err := io.ReadFull(c, b)
		return err == nil
	}
	first, second := dial(t, s), dial(t, s)
	defer second.Close()
	if !echoes(first) || !echoes(second) {
		t.Error("a connection within the limit was refused")
	}
	for range 3 {
		c := dial(t, s)
		if echoes(c) {
			t.Error("a third connection was served")
		}
		c.Close()
	}
	far, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if !echoes(far) {
		t.Error("another address was refused")
	}
	if n := set.Counter("skerry_connections_refused_total", "", "reason", "per_address").Value(); n != 3 {
		t.Errorf("%d refused connections counted", n)
	}
	if events := set.Events().Since(0); len(events) != 1 || events[0].Kind != "connections_refused" {
		t.Errorf("events: %v", events)
	}
	first.Close()
	for { // its handler ends a moment later
		c := dial(t, s)
		ok := echoes(c)
		c.Close()
		if ok {
			break
		}
	}
	second.Close()
	far.Close()
	s.Close()
	s.Wait()
}

func BenchmarkAddresses(b *testing.B) {
	a := listen.NewAddresses(1000)
	addrs := make([]netip.Addr, 1<<16)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := addrs[i&(1<<16-1)]
		a.TakeAddr(k)
		a.GiveAddr(k)
		i++
	}
}
