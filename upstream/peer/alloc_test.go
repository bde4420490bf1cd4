//go:build !race && !poison

// With -race a sync.Pool forgets at random, and poison allocates: neither says anything about allocations or speed.

package peer_test

import (
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
)

var long = spec.KeepAlive{Max: 256, Idle: time.Hour, Age: 10 * time.Hour}

// TestGetKeepAllocations: taking a kept connection and giving it back allocates nothing.
func TestGetKeepAllocations(t *testing.T) {
	r := newRig(t)
	r.keeper.Shards(4)
	p := r.acquire(long)
	c := dial(t, p)
	carry(t, c)
	c.Keep(time.Now())
	now := time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		c := p.Get(now)
		c.Keep(now)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestPlaceAllocations: so does taking a place on a shared connection.
func TestPlaceAllocations(t *testing.T) {
	o := newOrigin2(t)
	p := o.acquire2(long)
	c := mustGet(t, p)
	carry(t, c)
	c.Keep(time.Now())
	now := time.Now()
	if n := testing.AllocsPerRun(1000, func() { p.Get(now).Keep(now) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// mutexStack is the plainest thing that does the same: one stack, one lock, and no limit but the number.
type mutexStack struct {
	mu   sync.Mutex
	kept []*peer.Conn
}

func (s *mutexStack) get(time.Time) *peer.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.kept)
	if n == 0 {
		return nil
	}
	c := s.kept[n-1]
	s.kept = s.kept[:n-1]
	return c
}

func (s *mutexStack) keep(c *peer.Conn, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) < 256 {
		s.kept = append(s.kept, c)
	}
}

func BenchmarkGetKeep(b *testing.B) {
	f := func(name string, shards int, get func(p *peer.Peer) (func(time.Time) *peer.Conn, func(*peer.Conn, time.Time))) {
		k := peer.NewKeeper(nil, nil)
		defer k.Stop()
		k.Connect(unconnected)
		if shards > 0 {
			k.Shards(shards)
		}
		p, err := k.Acquire(peer.Identity{}, peer.Limits{Keep: long})
		if err != nil {
			b.Fatal(err)
		}
		take, give := get(p)
		now := time.Now()
		for range 64 {
			give(dial(b, p), now)
		}
		b.Run(name+"/serial", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				give(take(now), now)
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					give(take(now), now)
				}
			})
		})
	}
	own := func(p *peer.Peer) (func(time.Time) *peer.Conn, func(*peer.Conn, time.Time)) {
		return p.Get, (*peer.Conn).Keep
	}
	f("peer", 0, own)
	f("peer of one shard", 1, own)
	f("mutex", 1, func(*peer.Peer) (func(time.Time) *peer.Conn, func(*peer.Conn, time.Time)) {
		s := new(mutexStack)
		return s.get, s.keep
	})
}
