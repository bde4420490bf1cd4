package peer_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire/proxyheader"
)

// guest is a client with a connection of its own.
type guest struct{ peer.Client }

func newGuest(n uint16) *guest {
	at := netip.AddrPortFrom(netip.MustParseAddr("203.0.113.7"), n)
	to := netip.MustParseAddrPort("198.51.100.1:443")
	return &guest{peer.Client{Source: at, Destination: to, Conn: &exchange.Conn{Client: at, Local: to}}}
}

// get has a connection for the guest, and says whether it had been kept.
func (g *guest) get(t testing.TB, p *peer.Peer) (c *peer.Conn, kept bool) {
	t.Helper()
	if c := p.GetFor(time.Now(), g.Client); c != nil {
		return c, true
	}
	c, err := p.DialFor(context.Background(), g.Client)
	if err != nil {
		t.Fatal(err)
	}
	return c, false
}

// ask has one exchange carried for the guest, and expects its connection to have been kept, or not.
func (g *guest) ask(t testing.TB, p *peer.Peer, kept bool) {
	t.Helper()
	c, was := g.get(t, p)
	if was != kept {
		t.Errorf("port %d: its connection had been kept is %v", g.Source.Port(), was)
	}
	carry(t, c)
	c.Keep(time.Now())
}

// hosts is a rig whose origin expects PROXY headers, and knows each connection's.
func hosts(t *testing.T, keep spec.KeepAlive) (*rig, *peer.Peer) {
	t.Helper()
	r := newRig(t)
	r.keeper.Connect(func(context.Context, string, string) (net.Conn, error) {
		r.dials.Add(1)
		near, far := net.Pipe()
		go func() {
			b := make([]byte, 300)
			n, _ := far.Read(b)
			h, size, flaw := proxyheader.Parse(b[:n])
			if size != n || flaw != proxyheader.FlawNone {
				t.Errorf("%q is no header", b[:n])
			}
			serve(far, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: "+h.Source.String()+"\r\n\r\n")
		}()
		return near, nil
	})
	p, err := r.keeper.Acquire(peer.Identity{Addr: netip.MustParseAddrPort("192.0.2.1:80"), Proxy: proxyheader.V2}, peer.Limits{Keep: keep, Connect: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return r, p
}

// TestOwn: what a PROXY header announces is kept for its client's connection, for no other one, and ends with it.
func TestOwn(t *testing.T) {
	r, p := hosts(t, keep)
	one, two := newGuest(1), newGuest(2)
	one.ask(t, p, false)
	one.ask(t, p, true)
	two.ask(t, p, false)
	one.ask(t, p, true)
	if c := p.Get(time.Now()); c != nil {
		t.Error("nobody got a client's connection")
	}
	again := newGuest(1) // the same address and port, but not the same connection
	again.ask(t, p, false)
	counts(t, p, 3, 3)
	again.Conn.End()
	two.Conn.End()
	counts(t, p, 1, 1)
	two.ask(t, p, false) // a stream that ends behind its connection
	counts(t, p, 1, 1)

	both := make([]*peer.Conn, 2) // streams of HTTP/2 beside each other
	for i := range both {
		both[i], _ = one.get(t, p)
	}
	for _, c := range both {
		carry(t, c)
		c.Keep(time.Now())
	}
	counts(t, p, 2, 2)
	used, _ := one.get(t, p)
	one.Conn.End()
	counts(t, p, 0, 1)
	carry(t, used)
	used.Keep(time.Now())
	counts(t, p, 0, 0)
	if n := r.closed("client"); n != 5 {
		t.Errorf("%d ended with their clients, want 5", n)
	}
}

// TestOwnMax: at keepAlive.max what was kept first gives way, of keepAlive.connections what is kept for others does; 0 keeps none.
func TestOwnMax(t *testing.T) {
	r, p := hosts(t, spec.KeepAlive{Max: 2, Idle: time.Minute, Connections: 3})
	var g []*guest
	for n := range uint16(4) {
		g = append(g, newGuest(n))
	}
	for _, one := range g[:3] {
		one.ask(t, p, false)
	}
	counts(t, p, 2, 2)
	g[1].ask(t, p, true)
	g[0].ask(t, p, false)
	g[1].ask(t, p, true)
	g[2].ask(t, p, false) // it gave way to the first
	if n := r.closed("full"); n != 3 {
		t.Errorf("%d gave way, want 3", n)
	}
	var busy []*peer.Conn
	for _, one := range g[:3] {
		c, _ := one.get(t, p)
		busy = append(busy, c)
	}
	counts(t, p, 0, 3)
	if _, err := p.DialFor(context.Background(), g[3].Client); err != peer.ErrFull || fault.Of(err) != fault.OriginBusy {
		t.Errorf("a fourth one: %v", err)
	}
	carry(t, busy[0])
	busy[0].Keep(time.Now())
	g[3].ask(t, p, false)
	counts(t, p, 1, 3)
	for _, c := range busy[1:] {
		c.Close()
	}

	_, none := hosts(t, spec.KeepAlive{Idle: time.Minute})
	g[0].ask(t, none, false)
	g[0].ask(t, none, false)
	counts(t, none, 0, 0)
}

// TestOwnMany: one client connection has so many at most.
func TestOwnMany(t *testing.T) {
	r, p := hosts(t, spec.KeepAlive{Max: 100, Idle: time.Minute})
	g := newGuest(1)
	var all []*peer.Conn
	for range 40 {
		c, _ := g.get(t, p)
		all = append(all, c)
	}
	for _, c := range all {
		c.Keep(time.Now())
	}
	counts(t, p, 16, 16)
	g.Conn.End()
	counts(t, p, 0, 0)
	if n := r.closed("client"); n != 40 {
		t.Errorf("%d ended with their client, want 40", n)
	}
}

// TestOwnTimes: the bounds of keepAlive hold for them as for others, and so do the last holder and Stop.
func TestOwnTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := hosts(t, spec.KeepAlive{Max: 9, Idle: 10 * time.Second, Age: 25 * time.Second})
		one, two := newGuest(1), newGuest(2)
		one.ask(t, p, false)
		time.Sleep(9 * time.Second)
		one.ask(t, p, true)
		two.ask(t, p, false)
		time.Sleep(9 * time.Second)
		one.ask(t, p, true)
		time.Sleep(9 * time.Second) // the age of the first, idle of the second
		synctest.Wait()
		counts(t, p, 0, 0)
		if age, idle := r.closed("age"), r.closed("idle"); age != 1 || idle != 1 {
			t.Errorf("%d were too old, %d idle", age, idle)
		}
		one.ask(t, p, false)
		p.Release()
		counts(t, p, 0, 0)
		one.ask(t, p, false)
		counts(t, p, 0, 0)
		if n := r.closed("released"); n != 2 {
			t.Errorf("%d were closed because of the release", n)
		}
		r.keeper.Stop()
	})
	r, p := hosts(t, spec.KeepAlive{Max: 9, Idle: time.Minute, Requests: 2})
	one := newGuest(1)
	for i := range 6 {
		one.ask(t, p, i%2 == 1)
	}
	one.ask(t, p, false)
	r.keeper.Stop()
	if p.Kept() != 0 || r.closed("requests") != 3 || r.closed("stopped") != 1 {
		t.Errorf("%d kept; %d had carried enough, %d were stopped", p.Kept(), r.closed("requests"), r.closed("stopped"))
	}
}

// TestOwnTogether: many clients that come, ask beside each other and leave, over two peers: each answer comes over a connection
// announced as that client's, the bounds hold, and nothing stays.
func TestOwnTogether(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const most = 5
	r, p := hosts(t, spec.KeepAlive{Max: most, Idle: time.Minute, Requests: 20})
	_, q := hosts(t, spec.KeepAlive{Max: most, Idle: 5 * time.Millisecond})
	var wg sync.WaitGroup
	var ports atomic.Uint32
	for i := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, i))
		wg.Go(func() {
			for range 30 {
				visit(t, newGuest(uint16(ports.Add(1))), []*peer.Peer{p, q}, rand.New(rand.NewPCG(random.Uint64(), 0)))
			}
		})
	}
	wg.Wait()
	counts(t, p, 0, 0)
	soon(t, q, 0, 0) // the timer of keepAlive.idle may have taken some out
	t.Logf("%d connections; %d ended with their clients, %d gave way, %d had carried enough", r.dials.Load(), r.closed("client"), r.closed("full"), r.closed("requests"))
}

// visit is the life of one client: several of its exchanges run at once, and some end behind it.
func visit(t *testing.T, g *guest, peers []*peer.Peer, random *rand.Rand) {
	var wg sync.WaitGroup
	for range 1 + random.IntN(4) {
		n, drop := 1+random.IntN(8), random.IntN(8)
		p := peers[random.IntN(len(peers))]
		wg.Go(func() {
			for i := range n {
				c, _ := g.get(t, p)
				if from := announcedAs(t, c); from != g.Source.String() {
					t.Errorf("%v was asked for over the connection of %s", g.Source, from)
				}
				if kept := p.Kept(); kept > 5+8*4 { // and those that are about to give way
					t.Errorf("%d are kept", kept)
				}
				if i == drop {
					c.Close()
				} else {
					c.Keep(time.Now())
				}
			}
		})
	}
	if random.IntN(2) == 0 {
		wg.Wait()
	}
	g.Conn.End()
	wg.Wait()
}

// announcedAs carries one exchange and returns for whom the origin was told that the connection is.
func announcedAs(t *testing.T, c *peer.Conn) string {
	t.Helper()
	x := exchange.Acquire()
	defer x.Release()
	err := begin1(x, c)
	from := string(x.Resp.Fields.Find([]byte("X")))
	if !c.End(x) || err != nil {
		t.Errorf("the connection cannot carry another exchange: %v", err)
	}
	return from
}

// TestOwnPastClosed: of two that are kept for a client the one that was kept last is closed: it gets the other one, and makes none.
func TestOwnPastClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := hosts(t, spec.KeepAlive{Max: 9, Idle: time.Minute, Age: 0})
		one := newGuest(1)
		long, _ := one.get(t, p)
		short, _ := one.get(t, p)
		carry(t, long)
		carry(t, short)
		long.Keep(time.Now())
		short.Keep(time.Now().Add(-50 * time.Second)) // as of an exchange that began long ago: ten seconds are left
		time.Sleep(20 * time.Second)
		synctest.Wait()
		counts(t, p, 1, 1)
		c, kept := one.get(t, p)
		if !kept || c != long || r.dials.Load() != 2 {
			t.Errorf("it got a connection that was kept: %v, the older one: %v, after %d dials", kept, c == long, r.dials.Load())
		}
		c.Close()

		// Not closed by then, but over: as when the one that closes them is late.
		long, _ = one.get(t, p)
		short, _ = one.get(t, p)
		carry(t, long)
		carry(t, short)
		now := time.Now()
		long.Keep(now)
		short.Keep(now.Add(-50 * time.Second))
		c = p.GetFor(now.Add(30*time.Second), one.Client)
		if c != long || r.closed("idle") != 2 {
			t.Errorf("got the older one: %v; %d were closed for being idle", c == long, r.closed("idle"))
		}
		if c != nil {
			c.Close()
		}
		one.Conn.End()
		r.keeper.Stop()
	})
}
