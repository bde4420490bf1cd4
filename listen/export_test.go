package listen

import (
	"net/netip"
	"time"
)

// Addresses are counts per address, for tests.
type Addresses struct{ addresses }

// NewAddresses returns counts that allow most connections of one address.
func NewAddresses(most int, exempt ...netip.Prefix) *Addresses {
	a := new(Addresses)
	a.open(most, exempt)
	return a
}

// Take is take.
func (a *Addresses) Take(from string) bool { return a.take(netip.MustParseAddr(from)) }

// TakeAddr is take.
func (a *Addresses) TakeAddr(from netip.Addr) bool { return a.take(from) }

// Give is give.
func (a *Addresses) Give(from string) { a.give(netip.MustParseAddr(from)) }

// GiveAddr is give.
func (a *Addresses) GiveAddr(from netip.Addr) { a.give(from) }

// Kept is how many addresses take memory.
func (a *Addresses) Kept() (n int) {
	for i := range a.shards {
		n += len(a.shards[i].open)
	}
	return n
}

// SetGrace sets how old a handshake must be to be shed before Full is asked. Call it before Serve.
func (s *Set) SetGrace(d time.Duration) { s.grace = d }

// Open is how many connections have a place, and how many of them are in a handshake.
func (s *Set) Open() (open, shaking int) {
	s.shaking.mu.Lock()
	defer s.shaking.mu.Unlock()
	for h := s.shaking.first; h != nil; h = h.next {
		shaking++
	}
	return len(s.slots), shaking
}
