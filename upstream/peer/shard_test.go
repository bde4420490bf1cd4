package peer_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
)

// TestShardSize: two processors' shards are never on one cache line.
func TestShardSize(t *testing.T) {
	if peer.ShardBytes != 128 {
		t.Errorf("a shard takes %d bytes, want 128", peer.ShardBytes)
	}
}

// dialled returns so many connections with an end, as Keep gives them one.
func dialled(t testing.TB, p *peer.Peer, n int) []*peer.Conn {
	t.Helper()
	all := make([]*peer.Conn, n)
	for i := range all {
		all[i] = dial(t, p)
		all[i].Keep(time.Now())
		if p.Get(time.Now()) != all[i] {
			t.Fatal("what was kept last is not given out first")
		}
	}
	return all
}

// TestOrder: of a shard the connection that was used last is given out first, and of the shards the own one, then the next.
func TestOrder(t *testing.T) {
	r := newRig(t)
	r.keeper.Shards(1)
	p := r.acquire(keep)
	all := dialled(t, p, 3)
	for _, c := range all {
		c.Keep(time.Now())
	}
	for _, want := range slices.Backward(all) {
		if p.Get(time.Now()) != want {
			t.Error("not the one that was used last")
		}
	}
	p.Release()
}

// TestStealing: what lies in others' shards is found from every processor, the last used of each first.
func TestStealing(t *testing.T) {
	r := newRig(t)
	r.keeper.Shards(8)
	p := r.acquire(spec.KeepAlive{Max: 100, Idle: time.Minute})
	all := dialled(t, p, 12)
	at := map[*peer.Conn]int{}
	for i, c := range all {
		if !p.PushAt(i%4*2, c) {
			t.Fatal("not kept")
		}
		at[c] = i
	}
	last := [4]int{100, 100, 100, 100}
	for range all {
		c := p.Get(time.Now())
		if c == nil {
			t.Fatal("something was not found")
		}
		i, known := at[c]
		if !known || i >= last[i%4] {
			t.Errorf("got %d of shard %d after %d", i, i%4*2, last[i%4])
		}
		last[i%4] = i
		delete(at, c)
		defer c.Close()
	}
	if p.Get(time.Now()) != nil {
		t.Error("more came out than was put in")
	}
	p.Release()
}

// TestMax: keepAlive.max bounds what all shards hold together, and is reached: whichever shard wants a place gets one as long as
// there is one that is not used.
func TestMax(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, most := range []int{0, 1, 3, 7} {
		r := newRig(t)
		r.keeper.Shards(4)
		p := r.acquire(spec.KeepAlive{Max: 9, Idle: time.Minute})
		free := dialled(t, p, 9)
		p = r.acquire(spec.KeepAlive{Max: most, Idle: time.Minute})
		for range 2000 {
			if random.IntN(2) == 0 && len(free) > 0 {
				i := random.IntN(4)
				if was := p.Kept(); p.PushAt(i, free[0]) != (was < most) {
					t.Fatalf("max %d, %d kept: the next one is kept %v", most, was, was >= most)
				} else if was < most {
					free = free[1:]
				}
			} else if c := p.Get(time.Now()); c != nil {
				free = append(free, c)
			}
			of, spare := p.Rooms()
			for _, n := range of {
				spare += n
			}
			if spare != most || p.Kept() > most {
				t.Fatalf("%d places of %d, %d kept", spare, most, p.Kept())
			}
		}
	}
}

// TestTogether: many at once get, keep, dial, break and release, while the keeper stops: every connection is in one place at a
// time, and all are closed in the end.
func TestTogether(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range 4 {
		k := peer.NewKeeper(nil, meter.NewSet())
		k.Shards(4)
		var sockets atomic.Int64
		k.Connect(func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			far.Close()
			sockets.Add(1)
			return &counted{Conn: near, n: &sockets}, nil
		})
		peers := make([]*peer.Peer, 2)
		for i := range peers {
			var err error
			l := peer.Limits{Keep: spec.KeepAlive{Max: 5, Idle: time.Minute, Connections: 12, Requests: 50}}
			if peers[i], err = k.Acquire(peer.Identity{Addr: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(i))}, l); err != nil {
				t.Fatal(err)
			}
		}
		var users sync.Map // of connections
		var wg sync.WaitGroup
		for g := range 16 {
			random := rand.New(rand.NewPCG(seed, uint64(round*100+g)))
			wg.Go(func() {
				for range 400 {
					together(t, peers[random.IntN(2)], random, &users)
				}
			})
		}
		if round%2 == 0 {
			wg.Go(func() { peers[0].Release(); k.Stop() })
			wg.Wait()
		} else {
			wg.Wait()
			peers[0].Release()
		}
		peers[1].Release()
		for _, p := range peers {
			counts(t, p, 0, 0)
		}
		if n := sockets.Load(); n != 0 {
			t.Errorf("round %d: %d sockets are left open", round, n)
		}
		k.Stop()
	}
}

// together is one exchange of TestTogether.
func together(t *testing.T, p *peer.Peer, random *rand.Rand, users *sync.Map) {
	c := p.Get(time.Now())
	if c == nil {
		var err error
		if c, err = p.Dial(context.Background()); err != nil {
			return
		}
	}
	if _, used := users.LoadOrStore(c, true); used {
		t.Error("a connection has two users")
	}
	if p.Open() > 12 { // what is kept cannot be counted in one moment
		t.Errorf("%d open", p.Open())
	}
	users.Delete(c)
	if random.IntN(20) == 0 {
		c.Close()
		return
	}
	c.Keep(time.Now())
}

// counted is a connection whose Close counts, once.
type counted struct {
	net.Conn
	n    *atomic.Int64
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.n.Add(-1) })
	return c.Conn.Close()
}
