package listen_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/listen"
	"skerry.dev/skerry/meter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func dial(t *testing.T, s *listen.Set) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestServe: connections of every address are handled; after Close no more, and the open ones go on until they end.
func TestServe(t *testing.T) {
	set := meter.NewSet()
	s, err := listen.Open([]listen.Listener{{Addr: "127.0.0.1:0"}, {Addr: "127.0.0.1:0"}}, listen.Options{Conns: 10, Meters: set})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(func(c net.Conn, _ *exchange.TLS, _ string) {
		_, _ = io.Copy(c, c)
		c.Close()
	})
	c := dial(t, s)
	defer c.Close()
	other, err := net.Dial("tcp", s.Addrs()[1].String())
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	b := make([]byte, 2)
	echo := func() {
		t.Helper()
		if _, err := io.WriteString(c, "hi"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "hi" {
			t.Fatalf("got %q, %v", b, err)
		}
	}
	echo()
	s.Close()
	s.Close() // twice is once
	if refused, err := net.Dial("tcp", s.Addrs()[0].String()); err == nil {
		refused.Close()
		t.Error("a closed listener took a connection")
	}
	echo()
	c.Close()
	s.Wait()
	if n := set.Counter("skerry_connections_accepted_total", "", "address", s.Addrs()[0].String()).Value(); n != 1 {
		t.Errorf("%d connections counted, want 1", n)
	}
}

// TestLimit: beyond the limit a connection waits for a place, and is not refused.
func TestLimit(t *testing.T) {
	s, err := listen.Open([]listen.Listener{{Addr: "127.0.0.1:0"}}, listen.Options{Conns: 1})
	if err != nil {
		t.Fatal(err)
	}
	started, end := make(chan struct{}, 2), make(chan struct{})
	s.Serve(func(c net.Conn, _ *exchange.TLS, _ string) {
		started <- struct{}{}
		<-end
		c.Close()
	})
	first, second := dial(t, s), dial(t, s)
	defer first.Close()
	defer second.Close()
	<-started
	select {
	case <-started:
		t.Error("two connections are served at a limit of one")
	default:
	}
	end <- struct{}{}
	<-started
	end <- struct{}{}
	s.Close()
	s.Wait()
}

// TestOpenAllOrNone: an address that cannot be had leaves none open, and is named.
func TestOpenAllOrNone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var first *net.TCPListener
	_, err = listen.Open([]listen.Listener{{Addr: "127.0.0.1:0"}, {Addr: taken.Addr().String()}}, listen.Options{Listen: func(_, addr string) (net.Listener, error) {
		l, err := net.Listen("tcp", addr)
		if first == nil {
			first, _ = l.(*net.TCPListener)
		}
		return l, err
	}})
	if err == nil || !strings.Contains(err.Error(), "listen on "+taken.Addr().String()+" (--http): ") {
		t.Fatalf("got %v, want the address that is taken", err)
	}
	if err := first.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) { // to listen there again could meet another who has got that port
		first.Close()
		t.Errorf("the first address was left open: %v", err)
	}
}
