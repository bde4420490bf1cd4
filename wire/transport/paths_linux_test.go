package transport_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"skerry.dev/skerry/wire/transport"
)

// pathsPair is pair of a connection that may have several paths (Multipath TCP, RFC 8684), as net.Listen accepts it, where the kernel
// does that.
func pathsPair(t *testing.T) (transport.Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var d net.Dialer
	d.SetMultipathTCP(true)
	far, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	several, err := near.(*net.TCPConn).MultipathTCP()
	t.Log("several paths:", several, err)
	return transport.New(near), far.(*net.TCPConn)
}

// TestWatchOfSeveralPaths: that the peer leaves is seen though the path it came by stays.
func TestWatchOfSeveralPaths(t *testing.T) {
	for i, leave := range []func(*net.TCPConn) error{
		(*net.TCPConn).CloseWrite,
		(*net.TCPConn).Close,
		func(c *net.TCPConn) error { _ = c.SetLinger(0); return c.Close() },
		func(c *net.TCPConn) error { _, _ = io.WriteString(c, "GET"); return c.CloseWrite() },
	} {
		conn, peer := pathsPair(t)
		gone := make(chan struct{})
		stop := conn.(transport.Watcher).Watch(func() { close(gone) })
		if err := leave(peer); err != nil {
			t.Fatal(err)
		}
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Errorf("way %d: not seen", i)
		}
		stop()
	}
}

// TestForwardingOfSeveralPaths: no readiness is lost there either.
func TestForwardingOfSeveralPaths(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	near, client := pathsPair(t)
	far, origin := pathsPair(t)
	ended := make(chan error, 2)
	for _, ends := range [][2]transport.Conn{{far, near}, {near, far}} {
		go func() { ended <- bridge(ends[0], ends[1], 4<<10, time.Now().Add(time.Hour)) }()
	}
	for range turns {
		if err := errors.Join(client.SetDeadline(soon()), origin.SetDeadline(soon()), say(client, origin, r), say(origin, client, r)); err != nil {
			t.Fatal(err)
		}
	}
	client.CloseWrite()
	origin.CloseWrite()
	if err := errors.Join(<-ended, <-ended); err != nil {
		t.Error(err)
	}
}
