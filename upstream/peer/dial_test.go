package peer_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire"
)

// TestDialErrors: a connection that cannot be made says whose fault it is, and is counted by that.
func TestDialErrors(t *testing.T) {
	r := newRig(t)
	p := r.acquire(keep)
	failing := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
	}
	f := func(err error, want fault.Kind, text string) {
		t.Helper()
		r.keeper.Connect(failing(err))
		count := r.set.Counter("skerry_origin_connects_total", "", "result", want.Name())
		before := count.Value()
		if _, got := p.Dial(context.Background()); fault.Of(got) != want || !strings.Contains(got.Error(), text) {
			t.Errorf("%v: got %v, want %s with %q", err, got, want.Name(), text)
		}
		if count.Value() != before+1 {
			t.Errorf("%v: not counted as %s", err, want.Name())
		}
	}
	call := func(e syscall.Errno) error { return os.NewSyscallError("connect", e) }
	f(call(syscall.ECONNREFUSED), fault.OriginRefused, "connect to 192.0.2.1:80")
	f(call(syscall.EHOSTUNREACH), fault.OriginUnreachable, "192.0.2.1:80")
	f(call(syscall.ETIMEDOUT), fault.OriginConnectTimeout, "192.0.2.1:80")
	f(os.ErrDeadlineExceeded, fault.OriginConnectTimeout, "within 1s (timeouts.connect)")
	f(call(syscall.EMFILE), fault.Overloaded, "ulimit -n")
	f(call(syscall.EADDRNOTAVAIL), fault.Overloaded, "the edge itself")
	f(fault.New(fault.OriginForbidden, "not there"), fault.OriginForbidden, "not there")
	counts(t, p, 0, 0)
}

// TestDialTimes: what ends a dial that hangs says which time was up.
func TestDialTimes(t *testing.T) {
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
	f := func(name string, bound func(*peer.Keeper) (context.Context, context.CancelFunc), took time.Duration, check func(err error) bool) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.keeper.Connect(hang)
			p := r.acquire(keep)
			ctx, cancel := bound(r.keeper)
			defer cancel()
			start := time.Now()
			_, err := p.Dial(ctx)
			if !check(err) || time.Since(start) != took {
				t.Errorf("%s: got %v after %v", name, err, time.Since(start))
			}
			counts(t, p, 0, 0)
		})
	}
	timeout := func(text string) func(error) bool {
		return func(err error) bool {
			return fault.Of(err) == fault.OriginConnectTimeout && strings.Contains(err.Error(), text)
		}
	}
	f("its own", func(*peer.Keeper) (context.Context, context.CancelFunc) {
		return context.WithCancel(context.Background())
	},
		time.Second, timeout("timeouts.connect"))
	f("the request's", func(*peer.Keeper) (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 300*time.Millisecond)
	}, 300*time.Millisecond, timeout("timeouts.whole"))
	f("cancelled", func(*peer.Keeper) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(100*time.Millisecond, cancel)
		return ctx, cancel
	}, 100*time.Millisecond, func(err error) bool { return errors.Is(err, wire.ErrAbandoned) })
	f("stopped", func(k *peer.Keeper) (context.Context, context.CancelFunc) {
		time.AfterFunc(100*time.Millisecond, k.Stop)
		return context.WithCancel(context.Background())
	}, 100*time.Millisecond, func(err error) bool { return fault.Of(err) == fault.Draining })
}

// TestHandshakeTime: timeouts.connect bounds TCP and TLS together.
func TestHandshakeTime(t *testing.T) {
	root := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.keeper.Connect(func(context.Context, string, string) (net.Conn, error) {
			<-time.After(700 * time.Millisecond)
			near, far := net.Pipe()
			go func() { _, _ = far.Read(make([]byte, 4096)); <-time.After(time.Minute); far.Close() }()
			return near, nil
		})
		p, err := r.keeper.Acquire(peer.Identity{Addr: netip.MustParseAddrPort("192.0.2.1:443"), TLS: &peer.TLS{Roots: root.pem}}, peer.Limits{Keep: keep, Connect: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = p.Dial(context.Background())
		if took := time.Since(start); fault.Of(err) != fault.OriginConnectTimeout || !strings.Contains(err.Error(), "TLS handshake with 192.0.2.1:443 within 1s") || took > 1001*time.Millisecond {
			t.Errorf("got %v after %v", err, took)
		}
		<-time.After(2 * time.Minute)
	})
}

// TestDialTCP: connections are really made, by way of the keeper's control, which sees the address and may refuse it.
func TestDialTCP(t *testing.T) {
	addr := plainOrigin(t, fine)
	var asked []string
	forbid := false
	k := peer.NewKeeper(func(network, address string, _ syscall.RawConn) error {
		asked = append(asked, network+" "+address)
		if forbid {
			return fault.New(fault.OriginForbidden, "not there")
		}
		return nil
	}, meter.NewSet())
	defer k.Stop()
	p, err := k.Acquire(peer.Identity{Addr: addr}, peer.Limits{Keep: keep, Connect: patience})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, p)
	if status, _, err := use(c); err != nil || status != 200 {
		t.Errorf("%d, %v", status, err)
	}
	c.Close()
	forbid = true
	if _, err := p.Dial(context.Background()); fault.Of(err) != fault.OriginForbidden {
		t.Errorf("got %v, want what control says", err)
	}
	if len(asked) != 2 || asked[0] != "tcp4 "+addr.String() {
		t.Errorf("control was asked %q", asked)
	}
	// The end of a connection has its port for itself, and nobody listens there.
	taken, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dead := taken.LocalAddr().(*net.TCPAddr).AddrPort()
	forbid = false
	if p, err = k.Acquire(peer.Identity{Addr: dead}, peer.Limits{Keep: keep, Connect: patience}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Dial(context.Background()); fault.Of(err) != fault.OriginRefused {
		t.Errorf("got %v", err)
	}
}
