package transport_test

import (
	"io"
	"net"
	"testing"
	"time"

	"skerry.dev/skerry/wire/transport"
)

// TestSelfTest: it passes where the tests run.
func TestSelfTest(t *testing.T) {
	if err := transport.SelfTest(); err != nil {
		t.Error(err)
	}
}

// TestWatch: a peer that leaves in any way is seen, also behind bytes nobody has read; one that only sends is not.
func TestWatch(t *testing.T) {
	f := func(name string, leave func(*net.TCPConn) error) {
		t.Helper()
		conn, peer := pair(t)
		gone := make(chan struct{})
		stop := conn.(transport.Watcher).Watch(func() { close(gone) })
		defer stop()
		if err := leave(peer); err != nil {
			t.Fatal(err)
		}
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: not seen", name)
		}
	}
	f("FIN", (*net.TCPConn).CloseWrite)
	f("close", (*net.TCPConn).Close)
	f("RST", func(c *net.TCPConn) error { _ = c.SetLinger(0); return c.Close() })
	f("bytes and FIN", func(c *net.TCPConn) error { _, _ = io.WriteString(c, "GET"); return c.CloseWrite() })
}

// TestWatchStop: a watch that is over leaves the connection as it was, unread bytes and deadlines included.
func TestWatchStop(t *testing.T) {
	conn, peer := pair(t)
	for range 100 {
		stop := conn.(transport.Watcher).Watch(func() { t.Error("gone, though nobody has left") })
		if _, err := io.WriteString(peer, "next"); err != nil {
			t.Fatal(err)
		}
		stop()
		b := make([]byte, 4)
		for n := 0; n < 4; {
			got, err := conn.Read(b[n:], soon())
			if err != nil {
				t.Fatal(err)
			}
			n += got
		}
		if string(b) != "next" {
			t.Fatalf("got %q", b)
		}
	}
	stop := conn.(transport.Watcher).Watch(func() {})
	conn.Interrupt(true) // not for the watcher
	stop()
	conn.Interrupt(false)
	conn.Close()
	conn.(transport.Watcher).Watch(func() { t.Error("gone, on a connection we closed") })()
}
