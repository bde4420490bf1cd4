package peer_test

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// TestCrowd: many at once use, give up and return places on shared connections, while origins say GOAWAY and hang up, and the peer is
// released or the keeper stops: never are more connections open than there may be, and all are closed in the end.
func TestCrowd(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range 4 {
		var sockets atomic.Int64
		o := newOrigin2(t)
		o.keeper.Shards(4)
		o.settings = streams(3)
		var answered atomic.Uint64
		o.ask = func(f *far, id uint32) {
			switch n := answered.Add(1); {
			case n%41 == 0:
				f.conn.Close()
			case n%23 == 0:
				f.answer(id)
				f.leave(id)
			default:
				f.answer(id)
			}
		}
		o.keeper.Connect(func(context.Context, string, string) (net.Conn, error) {
			near, there := net.Pipe()
			sockets.Add(1)
			o.listen(there)
			return &counted{Conn: near, n: &sockets}, nil
		})
		p := o.acquire2(spec.KeepAlive{Max: 2, Idle: time.Minute, Connections: 7, Requests: 30})
		var wg sync.WaitGroup
		var whole atomic.Int64
		for g := range 16 {
			random := rand.New(rand.NewPCG(seed, uint64(round*100+g)))
			wg.Go(func() {
				for range 200 {
					crowd(t, p, random, &whole)
				}
			})
		}
		if round%2 == 0 {
			wg.Go(func() { p.Release(); o.keeper.Stop() })
			wg.Wait()
		} else {
			wg.Wait()
			p.Release()
			if whole.Load() < 500 {
				t.Errorf("only %d exchanges were whole", whole.Load())
			}
			o.keeper.Stop() // those in use have been returned: it only waits
		}
		soon(t, p, 0, 0) // a connection that breaks is ended by who reads it
		for end := time.Now().Add(10 * time.Second); sockets.Load() != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("round %d: %d sockets are left open", round, sockets.Load())
			}
		}
	}
}

// crowd is one exchange of TestCrowd.
func crowd(t *testing.T, p *peer.Peer, random *rand.Rand, whole *atomic.Int64) {
	ctx := context.Background()
	if random.IntN(10) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(random.IntN(200))*time.Microsecond)
		defer cancel()
	}
	c := p.Get(time.Now())
	for c == nil {
		var err error
		switch c, err = p.Dial(ctx); err {
		case nil:
		case peer.ErrFull: // it comes at once: all would be over before who ends a connection has told of it
			time.Sleep(50 * time.Microsecond)
			c = p.Get(time.Now())
		default:
			return
		}
	}
	if n := p.Open(); n > 7 {
		t.Errorf("%d open", n)
	}
	switch random.IntN(10) {
	case 0:
		c.Keep(time.Now())
	case 1:
		c.Abandon()
		if _, _, err := use(c); err == nil || err != wire.ErrAbandoned && err != transport.ErrStale && err != wire.ErrDied {
			t.Errorf("an abandoned exchange: %v", err)
		}
		c.Close()
	default:
		_, reusable, err := use(c)
		if err == nil {
			whole.Add(1)
		}
		if reusable {
			c.Keep(time.Now())
		} else {
			c.Close()
		}
	}
}
