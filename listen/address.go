package listen

import (
	"hash/maphash"
	"net"
	"net/netip"
	"sync"

	"github.com/gaissmai/bart"
)

// addresses counts the open connections of each client address. An address without any takes no memory.
type addresses struct {
	most    int
	trusted *bart.Lite // without limit
	seed    maphash.Seed
	shards  [addressShards]struct {
		mu   sync.Mutex
		open map[netip.Addr]int32
	}
}

func (a *addresses) open(most int, trusted []netip.Prefix) {
	a.most, a.trusted, a.seed = most, new(bart.Lite), maphash.MakeSeed()
	for _, p := range trusted {
		a.trusted.Insert(p)
	}
	for i := range a.shards {
		a.shards[i].open = map[netip.Addr]int32{}
	}
}

// clientOf returns the address at the other end, without zone.
func clientOf(c net.Conn) netip.Addr {
	if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// portOf returns the port at the other end.
func portOf(c net.Conn) uint16 {
	if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return t.AddrPort().Port()
	}
	return 0
}

// key is what stands for a client.
func key(from netip.Addr) netip.Addr {
	if !from.Is6() {
		return from
	}
	p, err := from.Prefix(addressBits6)
	if err != nil {
		panic("BUG: an IPv6 address without a /64: " + err.Error())
	}
	return p.Addr()
}

// take counts one more connection, unless the address has as many as it may. What take allowed must be given back.
func (a *addresses) take(from netip.Addr) bool {
	if a.trusted.Contains(from) {
		return true
	}
	k := key(from)
	s := &a.shards[maphash.Comparable(a.seed, k)%addressShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.open[k]
	if int(n) >= a.most {
		return false
	}
	s.open[k] = n + 1
	return true
}

// give takes one connection off the count.
func (a *addresses) give(from netip.Addr) {
	if a.trusted.Contains(from) {
		return
	}
	k := key(from)
	s := &a.shards[maphash.Comparable(a.seed, k)%addressShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[k]--; s.open[k] <= 0 {
		delete(s.open, k)
	}
}
