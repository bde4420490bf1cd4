package peer_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire"
)

var addr2 = netip.MustParseAddrPort("192.0.2.1:80")

// streams is a setting of how many streams a connection may have.
func streams(n uint32) []http2.Setting {
	return []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: n}}
}

// silent answers nothing.
func silent(*far, uint32) {}

// TestColdStart: many requests at once make few connections: as many as they need of those that carry a hundred each.
func TestColdStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.settings, o.gate = streams(128), make(chan struct{})
		p := o.acquire2(keep)
		var wg sync.WaitGroup
		got := make(chan *peer.Conn, 200)
		for range 200 {
			wg.Go(func() { got <- mustGet(t, p) })
		}
		synctest.Wait()
		if n := o.dials.Load(); n != 2 {
			t.Errorf("%d connections are made for 200 requests, want 2", n)
		}
		close(o.gate)
		wg.Wait()
		close(got)
		counts(t, p, 0, 2)
		for c := range got {
			carry(t, c)
			c.Keep(time.Now())
		}
		counts(t, p, 2, 2)
	})
}

// TestFew: requests that one connection carries easily make no second one, and a second one for more goes again.
func TestFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.keeper.Shards(4)
		o.ask = silent
		p := o.acquire2(keep)
		for range 16 {
			defer begin(t, p).drop()
		}
		synctest.Wait()
		counts(t, p, 0, 1)
		for range 200 { // busy: others are made beside, one for each processor
			c := mustGet(t, p)
			defer c.Close()
			synctest.Wait()
		}
		if n := p.Open(); n != 4 {
			t.Errorf("%d connections for 216 requests and 4 processors, want 4", n)
		}
	})
}

// TestOneProcessor: busy or not, one connection is made while it has places.
func TestOneProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.keeper.Shards(1)
		p := o.acquire2(keep)
		for range 100 {
			c := mustGet(t, p)
			defer c.Close()
			synctest.Wait()
		}
		counts(t, p, 0, 1)
	})
}

// TestFull: who finds every connection full makes another, up to keepAlive.connections.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.settings = streams(3)
		p := o.acquire2(spec.KeepAlive{Max: 9, Idle: time.Minute, Connections: 2})
		var all []*peer.Conn
		for range 6 {
			all = append(all, mustGet(t, p))
			synctest.Wait() // the settings come
		}
		counts(t, p, 0, 2)
		if _, err := get(p); err != peer.ErrFull {
			t.Errorf("got %v, want ErrFull", err)
		}
		all[1].Close()
		carry(t, mustGet(t, p))
		for i, c := range all {
			if i != 1 {
				c.Close()
			}
		}
		if o.dials.Load() != 2 {
			t.Errorf("%d dials", o.dials.Load())
		}
	})
}

// TestOneStream: an origin that carries one exchange on a connection gets as many connections as there are requests, made at the
// same time.
func TestOneStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.settings = streams(1)
		p := o.acquire2(spec.KeepAlive{Max: 100, Idle: time.Minute})
		first := mustGet(t, p)
		synctest.Wait()
		second := mustGet(t, p) // from now on it is known
		synctest.Wait()
		o.gate = make(chan struct{})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				c := mustGet(t, p)
				carry(t, c)
				c.Keep(time.Now())
			})
		}
		synctest.Wait()
		if n := o.dials.Load(); n != 22 {
			t.Errorf("%d connections, want 22", n)
		}
		close(o.gate)
		wg.Wait()
		first.Close()
		second.Close()
		synctest.Wait()
		counts(t, p, 22, 22)
	})
}

// TestWaiting: who gives up waiting leaves the others their connection, and takes no place.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.gate = make(chan struct{})
		p := o.acquire2(keep)
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := p.Dial(ctx); err != wire.ErrAbandoned {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { carry(t, mustGet(t, p)) })
		late, stop := context.WithTimeout(context.Background(), time.Millisecond)
		defer stop()
		if _, err := p.Dial(late); fault.Of(err) != fault.OriginConnectTimeout || !strings.Contains(err.Error(), "timeouts.try") {
			t.Errorf("got %v", err)
		}
		cancel()
		synctest.Wait()
		close(o.gate)
		wg.Wait()
		if o.dials.Load() != 1 {
			t.Errorf("%d dials, want 1", o.dials.Load())
		}
	})
}

// TestSharedFailure: everybody who waited for a connection hears why there is none; it is counted once, and nothing is left.
func TestSharedFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.keeper.Connect(func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(time.Millisecond)
			return nil, errors.New("no")
		})
		p := o.acquire2(keep)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := get(p); fault.Of(err) != fault.OriginUnreachable {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		counts(t, p, 0, 0)
		if n := o.set.Counter("skerry_origin_connects_total", "", "result", "origin_unreachable").Value(); n != 1 {
			t.Errorf("counted %d times", n)
		}
	})
}

// TestNobodyThere: an origin that ends every connection at once is asked once for each request, not for ever.
func TestNobodyThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.keeper.Connect(func(context.Context, string, string) (net.Conn, error) {
			o.dials.Add(1)
			near, there := net.Pipe()
			there.Close()
			return near, nil
		})
		p := o.acquire2(keep)
		for range 5 {
			c, err := get(p)
			if err == nil {
				_, _, err = use(c)
				c.Close()
			}
			if err == nil {
				t.Error("no error")
			}
			synctest.Wait()
		}
		counts(t, p, 0, 0)
		if n := o.dials.Load(); n > 5 || o.closed("origin") != int(n) {
			t.Errorf("%d dials, %d closed", n, o.closed("origin"))
		}
	})
}

// TestGoAway: after GOAWAY nothing begins on a connection; what has begun ends well, and then it is closed.
func TestGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.ask = silent
		p := o.acquire2(keep)
		first := begin(t, p)
		synctest.Wait()
		o.ends()[0].leave(1)
		synctest.Wait()
		o.ask = nil
		c := mustGet(t, p)
		carry(t, c)
		c.Keep(time.Now())
		counts(t, p, 1, 2)
		o.ends()[0].answer(1)
		if err := first.end(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		counts(t, p, 1, 1)
		if o.closed("origin") != 1 || o.dials.Load() != 2 {
			t.Errorf("%d closed, %d dials", o.closed("origin"), o.dials.Load())
		}
	})
}

// TestBreaks: a connection that breaks fails its exchanges, is counted once, and is nobody's any more.
func TestBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.ask = silent
		p := o.acquire2(keep)
		a, b := begin(t, p), begin(t, p)
		synctest.Wait()
		o.ends()[0].conn.Close()
		for _, x := range []*open{a, b} {
			if err := x.end(); err != wire.ErrDied {
				t.Errorf("got %v, want ErrDied", err)
			}
		}
		synctest.Wait()
		counts(t, p, 0, 0)
		if o.closed("origin") != 1 {
			t.Errorf("%d closed", o.closed("origin"))
		}
	})
}

// TestSharedTimes: keepAlive.idle counts from the last exchange's end, keepAlive.age from the beginning, and neither ends one that
// is under way.
func TestSharedTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		p := o.acquire2(spec.KeepAlive{Max: 9, Idle: 10 * time.Second, Age: 100 * time.Second})
		c := mustGet(t, p)
		after(t, 20*time.Second)
		counts(t, p, 0, 1)
		carry(t, c)
		c.Keep(time.Now())
		after(t, 9900*time.Millisecond)
		counts(t, p, 1, 1)
		after(t, 600*time.Millisecond)
		counts(t, p, 0, 0)
		if o.closed("idle") != 1 || o.keeper.Armed() {
			t.Errorf("%d closed as idle, timer armed: %v", o.closed("idle"), o.keeper.Armed())
		}
		o.ask = silent
		long := begin(t, p)
		after(t, 101*time.Second)
		counts(t, p, 0, 1)
		o.ask = nil
		carry(t, mustGet(t, p))
		counts(t, p, 0, 2) // another was made
		o.ends()[1].answer(1)
		if err := long.end(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if p.Open() != 1 || o.closed("age") != 1 {
			t.Errorf("%d open, %d closed for their age", p.Open(), o.closed("age"))
		}
	})
}

// TestSharedRequests: a connection carries keepAlive.requests, also at once.
func TestSharedRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		p := o.acquire2(spec.KeepAlive{Max: 9, Idle: time.Minute, Requests: 3})
		var all []*peer.Conn
		for range 7 {
			all = append(all, mustGet(t, p))
		}
		counts(t, p, 0, 3)
		for _, c := range all {
			carry(t, c)
			c.Keep(time.Now())
		}
		synctest.Wait()
		counts(t, p, 1, 1)
		if o.closed("requests") != 2 {
			t.Errorf("%d closed", o.closed("requests"))
		}
	})
}

// TestSharedMax: no more connections are kept without an exchange than keepAlive.max.
func TestSharedMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.settings = streams(1)
		p := o.acquire2(spec.KeepAlive{Max: 2, Idle: time.Minute})
		var all []*peer.Conn
		for range 5 {
			all = append(all, mustGet(t, p))
			synctest.Wait()
		}
		counts(t, p, 0, 5)
		for _, c := range all {
			carry(t, c)
			c.Keep(time.Now())
		}
		synctest.Wait()
		counts(t, p, 2, 2)
		if o.closed("full") != 3 {
			t.Errorf("%d closed", o.closed("full"))
		}
	})
}

// TestSharedRelease: kept connections close with the last holder, those in use when their exchanges are over; who still has the
// peer is served, and leaves nothing.
func TestSharedRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.settings = streams(1)
		p := o.acquire2(keep)
		used := mustGet(t, p)
		synctest.Wait()
		kept := mustGet(t, p)
		synctest.Wait()
		carry(t, kept)
		kept.Keep(time.Now())
		counts(t, p, 1, 2)
		p.Release()
		synctest.Wait()
		counts(t, p, 0, 1)
		carry(t, used)
		used.Keep(time.Now())
		late := mustGet(t, p)
		carry(t, late)
		late.Keep(time.Now())
		synctest.Wait()
		counts(t, p, 0, 0)
		if o.closed("released") != 3 {
			t.Errorf("%d were closed because of the release, want 3", o.closed("released"))
		}
	})
}

// TestSharedStop: every connection closes, also under exchanges, also one that is being made.
func TestSharedStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.ask = silent
		p, other := o.acquire2(keep), o.acquire2(spec.KeepAlive{Max: 1})
		a := begin(t, p)
		synctest.Wait()
		o.gate = make(chan struct{})
		ended := make(chan error, 1)
		go func() { _, err := other.Dial(context.Background()); ended <- err }()
		synctest.Wait()
		o.keeper.Stop()
		if err := <-ended; fault.Of(err) != fault.Draining {
			t.Errorf("the dial: %v", err)
		}
		if err := a.end(); err == nil {
			t.Error("the exchange went on")
		}
		synctest.Wait() // who reads the connection may be first to see that it is over
		counts(t, p, 0, 0)
		counts(t, other, 0, 0)
		if _, err := p.Dial(context.Background()); fault.Of(err) != fault.Draining {
			t.Errorf("got %v", err)
		}
	})
}

// TestSharedBeside: a check has a connection of its own, which is not counted, and may be closed at any time.
func TestSharedBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		p := o.acquire2(spec.KeepAlive{Max: 1, Idle: time.Minute, Connections: 1})
		user := mustGet(t, p)
		c, err := p.DialBeside(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		counts(t, p, 0, 1)
		carry(t, c)
		c.Close()
		c.Close()
		synctest.Wait()
		counts(t, p, 0, 1)
		user.Close()
		counts(t, p, 1, 1)
		if o.closed("use") != 1 {
			t.Errorf("%d closed", o.closed("use"))
		}
	})
}

// TestUnused: a place that was not used, or is given up, is a place again.
func TestUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin2(t)
		o.settings = streams(1)
		p := o.acquire2(spec.KeepAlive{Max: 1, Idle: time.Minute, Connections: 1})
		mustGet(t, p).Keep(time.Now())
		synctest.Wait()
		mustGet(t, p).Close()
		o.ask = silent
		begin(t, p).drop()
		o.ask = nil
		synctest.Wait()
		c := mustGet(t, p)
		carry(t, c)
		c.Keep(time.Now())
		counts(t, p, 1, 1)
		if o.dials.Load() != 1 {
			t.Errorf("%d dials", o.dials.Load())
		}
	})
}
