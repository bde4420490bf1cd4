package peer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is what a connection over a socket has to be made, which a busy machine may take its time for.
const patience = 20 * time.Second

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

// serve answers every request on a connection in the same way until it ends.
func serve(c net.Conn, answer string) {
	defer c.Close()
	b := make([]byte, 0, 4096)
	for {
		n, err := c.Read(b[len(b):cap(b)])
		if err != nil {
			return
		}
		if b = b[:len(b)+n]; strings.HasSuffix(string(b), "\r\n\r\n") {
			b = b[:0]
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
}

// rig is a keeper whose connections are pipes to an origin that always answers the same.
type rig struct {
	t      *testing.T
	keeper *peer.Keeper
	set    *meter.Set
	answer string
	dials  atomic.Int32
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, set: meter.NewSet(), answer: fine}
	r.keeper = peer.NewKeeper(nil, r.set)
	r.keeper.Connect(func(context.Context, string, string) (net.Conn, error) {
		r.dials.Add(1)
		near, far := net.Pipe()
		go serve(far, r.answer)
		return near, nil
	})
	t.Cleanup(r.keeper.Stop)
	return r
}

var keep = spec.KeepAlive{Max: 4, Idle: 55 * time.Second}

func (r *rig) acquire(keep spec.KeepAlive) *peer.Peer {
	r.t.Helper()
	p, err := r.keeper.Acquire(peer.Identity{Addr: netip.MustParseAddrPort("192.0.2.1:80")}, peer.Limits{Keep: keep, Connect: time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func dial(t testing.TB, p *peer.Peer) *peer.Conn {
	t.Helper()
	c, err := p.Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// use has a connection carry one exchange, to its end.
func use(c *peer.Conn) (status int, reusable bool, err error) {
	x := exchange.Acquire()
	defer x.Release()
	err = begin1(x, c)
	for err == nil && x.Resp.Body != nil {
		_, err = x.Resp.Body.Next()
	}
	status = x.Resp.Status
	reusable = c.End(x)
	if err == io.EOF {
		err = nil
	}
	return status, reusable, err
}

// begin1 sends a request on a connection and reads the head of its answer.
func begin1(x *exchange.Exchange, c *peer.Conn) error {
	x.Now = time.Now()
	x.Req.Method, x.Req.MethodName, x.Req.Path = exchange.MethodGet, []byte("GET"), []byte("/")
	q := wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: 10 * time.Second, FirstByte: 10 * time.Second, Now: x.Now}
	if _, err := c.Send(x, &q); err != nil {
		return err
	}
	return c.Receive(x)
}

// carry is use, for tests to which the exchange does not matter.
func carry(t testing.TB, c *peer.Conn) {
	t.Helper()
	if status, reusable, err := use(c); err != nil || status != 200 || !reusable {
		t.Fatalf("got %d, reusable %v, %v", status, reusable, err)
	}
}

// closed is how many connections were closed for a reason.
func (r *rig) closed(reason string) int {
	return int(r.set.Counter("skerry_origin_connections_closed_total", "", "reason", reason).Value())
}

func counts(t testing.TB, p *peer.Peer, kept, open int) {
	t.Helper()
	if p.Kept() != kept || p.Open() != open {
		t.Errorf("%d kept of %d open, want %d of %d", p.Kept(), p.Open(), kept, open)
	}
}

// soon is counts for what somebody else may still be ending.
func soon(t testing.TB, p *peer.Peer, kept, open int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); p.Kept() != kept || p.Open() != open; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d kept of %d open, want %d of %d", p.Kept(), p.Open(), kept, open)
		}
	}
}

// TestSharing: who asks under the same identity and limits gets the same connections, and nobody else does; the last one to
// let go closes them.
func TestSharing(t *testing.T) {
	r := newRig(t)
	root := newAuthority(t)
	chain, key := root.issue(t, client)
	same := func() (peer.Identity, peer.Limits) {
		return peer.Identity{Addr: netip.MustParseAddrPort("192.0.2.1:443"), TLS: &peer.TLS{ServerName: "a.example", MinVersion: "1.2", Roots: root.pem, Chain: chain, Key: key}},
			peer.Limits{Keep: keep, Connect: time.Second}
	}
	id, l := same()
	first, err := r.keeper.Acquire(id, l)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	f := func(name string, shared bool, change func(id *peer.Identity, l *peer.Limits)) {
		t.Helper()
		id, l := same()
		change(&id, &l)
		p, err := r.keeper.Acquire(id, l)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Release()
		if (p == first) != shared {
			t.Errorf("%s: shared is %v", name, !shared)
		}
	}
	chain2, key2 := root.issue(t, client)
	f("the same", true, func(*peer.Identity, *peer.Limits) {})
	f("mapped address", true, func(id *peer.Identity, _ *peer.Limits) { id.Addr = netip.MustParseAddrPort("[::ffff:192.0.2.1]:443") })
	f("address", false, func(id *peer.Identity, _ *peer.Limits) { id.Addr = netip.MustParseAddrPort("192.0.2.2:443") })
	f("port", false, func(id *peer.Identity, _ *peer.Limits) { id.Addr = netip.MustParseAddrPort("192.0.2.1:444") })
	f("plain", false, func(id *peer.Identity, _ *peer.Limits) { id.TLS = nil })
	f("protocol", false, func(id *peer.Identity, _ *peer.Limits) { id.Protocol = spec.ProtocolHTTP2 })
	f("the same protocol", true, func(id *peer.Identity, _ *peer.Limits) { id.Protocol = spec.ProtocolHTTP1 })
	f("name", false, func(id *peer.Identity, _ *peer.Limits) { id.TLS.ServerName = "b.example" })
	f("version", false, func(id *peer.Identity, _ *peer.Limits) { id.TLS.MinVersion = "1.3" })
	f("authorities", false, func(id *peer.Identity, _ *peer.Limits) { id.TLS.Roots = newAuthority(t).pem })
	f("no authorities", false, func(id *peer.Identity, _ *peer.Limits) { id.TLS.Roots = nil })
	f("certificate", false, func(id *peer.Identity, _ *peer.Limits) { id.TLS.Chain, id.TLS.Key = chain2, key2 })
	f("no certificate", false, func(id *peer.Identity, _ *peer.Limits) { id.TLS.Chain, id.TLS.Key = nil, nil })
	f("a field's end that is the next one's beginning", false, func(id *peer.Identity, _ *peer.Limits) {
		id.TLS.ServerName, id.TLS.MinVersion = "a.example1.2", ""
	})
	f("keep-alive", false, func(_ *peer.Identity, l *peer.Limits) { l.Keep.Max++ })
	f("connect", false, func(_ *peer.Identity, l *peer.Limits) { l.Connect++ })
}

// TestRelease: kept connections close with the last holder, one in use when it comes back.
func TestRelease(t *testing.T) {
	r := newRig(t)
	p, second := r.acquire(keep), r.acquire(keep)
	a, b := dial(t, p), dial(t, p)
	carry(t, a)
	a.Keep(time.Now())
	p.Release()
	counts(t, p, 1, 2)
	second.Release()
	counts(t, p, 0, 1)
	carry(t, b)
	b.Keep(time.Now())
	counts(t, p, 0, 0)
	if r.acquire(keep) == p {
		t.Error("a peer came back from the dead")
	}
	if r.closed("released") != 2 {
		t.Errorf("%d were closed because of the release, want 2", r.closed("released"))
	}
}

// TestStop: every connection closes, also under an exchange, and none is opened afterwards.
func TestStop(t *testing.T) {
	r := newRig(t)
	r.answer = "HTTP/1.1 1" // it never gets further
	p := r.acquire(keep)
	c := dial(t, p)
	ended := make(chan error, 1)
	go func() { _, _, err := use(c); ended <- err }()
	idle := dial(t, p)
	idle.Keep(time.Now())
	r.keeper.Stop()
	if err := <-ended; err == nil {
		t.Error("the exchange went on")
	}
	c.Keep(time.Now()) // whatever its user thinks
	counts(t, p, 0, 0)
	if _, err := p.Dial(context.Background()); fault.Of(err) != fault.Draining {
		t.Errorf("got %v", err)
	}
	counts(t, p, 0, 0)
	p.Release()
}

// TestIdle: a kept connection closes soon after keepAlive.idle by itself, and is not given out from then on. While nothing is
// kept no timer runs.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p, other := r.acquire(keep), r.acquire(spec.KeepAlive{Max: 1, Idle: 10 * time.Second})
		a, b, c := dial(t, p), dial(t, p), dial(t, other)
		if r.keeper.Armed() {
			t.Error("the timer runs while nothing is kept")
		}
		a.Keep(time.Now())
		after(t, 20*time.Second)
		b.Keep(time.Now())
		c.Keep(time.Now()) // its end is before that for which the timer is set
		counts(t, p, 2, 2)
		after(t, 9900*time.Millisecond)
		counts(t, other, 1, 1)
		after(t, 600*time.Millisecond)
		counts(t, other, 0, 0)
		after(t, 24400*time.Millisecond)
		counts(t, p, 2, 2)
		after(t, 600*time.Millisecond) // 55.5 s
		counts(t, p, 1, 1)
		if got := p.Get(time.Now().Add(19500 * time.Millisecond)); got != nil {
			t.Error("a connection was given out that is over, because nobody had closed it yet")
		}
		after(t, time.Minute)
		counts(t, p, 0, 0)
		if r.keeper.Armed() || r.closed("idle") != 3 {
			t.Errorf("%d closed as idle, timer armed: %v", r.closed("idle"), r.keeper.Armed())
		}
	})
}

// after lets time pass, and everything happen that is due by then.
func after(t *testing.T, d time.Duration) {
	t.Helper()
	<-time.After(d)
	synctest.Wait()
}

// TestAge: a connection older than keepAlive.age carries no new request, wherever it is at that moment; those made together do
// not end together.
func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p := r.acquire(spec.KeepAlive{Max: 100, Idle: time.Hour, Age: 100 * time.Second})
		var used []*peer.Conn
		for range 100 {
			dial(t, p).Keep(time.Now())
		}
		for range 3 {
			used = append(used, p.Get(time.Now()))
		}
		after(t, 89*time.Second)
		counts(t, p, 97, 100)
		after(t, 6500*time.Millisecond)
		if left := p.Kept(); left < 10 || left > 90 {
			t.Errorf("%d of 97 are left halfway through the spread", left)
		}
		after(t, 5*time.Second)
		counts(t, p, 0, 3)
		for _, c := range used {
			c.Keep(time.Now())
		}
		counts(t, p, 0, 0)
		if r.closed("age") != 100 {
			t.Errorf("%d closed for their age", r.closed("age"))
		}
	})
}

// TestRequests: a connection carries keepAlive.requests, or as many as its origin says.
func TestRequests(t *testing.T) {
	f := func(limit int, answer string, want int, why string) {
		t.Helper()
		r := newRig(t)
		r.answer = answer
		p := r.acquire(spec.KeepAlive{Max: 1, Idle: time.Minute, Requests: limit})
		defer p.Release()
		c := dial(t, p)
		n := 0
		for ; c != nil && n < 20; c = p.Get(time.Now()) {
			carry(t, c)
			n++
			c.Keep(time.Now())
		}
		if n != want || why != "" && r.closed(why) != 1 {
			t.Errorf("limit %d, %q: %d requests, want %d, ended by %s: %d", limit, answer, n, want, why, r.closed(why))
		}
		if c != nil {
			c.Close()
		}
	}
	said := func(field string) string { return strings.Replace(fine, "\r\n", "\r\nKeep-Alive: "+field+"\r\n", 1) }
	f(0, fine, 20, "")
	f(1, fine, 1, "requests")
	f(7, fine, 7, "requests")
	f(0, said("max=0"), 1, "keep_alive")
	f(7, said("max=0"), 1, "keep_alive")
	f(3, said("max=100"), 3, "requests")
	f(0, said("timeout=5, max=100"), 20, "")
	f(0, said("timeout=0"), 1, "keep_alive")
	f(0, said("max=-1, timeout=x"), 20, "")
}

// TestOriginTimeout: a connection is let go of before the origin closes it.
func TestOriginTimeout(t *testing.T) {
	f := func(field string, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.answer = strings.Replace(fine, "\r\n", "\r\nKeep-Alive: "+field+"\r\n", 1)
			p := r.acquire(keep)
			c := dial(t, p)
			carry(t, c)
			c.Keep(time.Now())
			start := time.Now()
			if c = p.Get(start.Add(want - 1)); c == nil {
				t.Fatalf("%s: not kept for %v", field, want)
			}
			c.Keep(start)
			if p.Get(start.Add(want)) != nil {
				t.Errorf("%s: kept for longer than %v", field, want)
			}
			c = dial(t, p)
			carry(t, c)
			c.Keep(time.Now())
			after(t, want+500*time.Millisecond)
			counts(t, p, 0, 0) // also when nobody asks
		})
	}
	f("timeout=20", 19*time.Second)
	f("timeout=2", time.Second)
	f("timeout=1", 500*time.Millisecond)
	f("timeout=500", 55*time.Second)
	f("timeout=20, timeout=10", 9*time.Second)
}

// TestConnections: no more are open than keepAlive.connections, being made included; a failed dial gives its place back.
func TestConnections(t *testing.T) {
	r := newRig(t)
	p := r.acquire(spec.KeepAlive{Max: 2, Idle: time.Minute, Connections: 2})
	a := dial(t, p)
	b := dial(t, p)
	if _, err := p.Dial(context.Background()); err != peer.ErrFull || fault.Of(err) != fault.OriginBusy {
		t.Errorf("got %v, want ErrFull", err)
	}
	a.Keep(time.Now())
	if _, err := p.Dial(context.Background()); err != peer.ErrFull {
		t.Errorf("got %v, want ErrFull: a kept connection is open too", err)
	}
	b.Close()
	b.Close()
	counts(t, p, 1, 1)
	r.keeper.Connect(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no") })
	for range 3 {
		if _, err := p.Dial(context.Background()); fault.Of(err) != fault.OriginUnreachable {
			t.Errorf("got %v", err)
		}
	}
	counts(t, p, 1, 1)
	p.Release()
	counts(t, p, 0, 0)
}

// unconnected connects to nobody.
func unconnected(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	far.Close()
	return near, nil
}
