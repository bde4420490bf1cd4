package transport_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/wire/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns the two ends of a loopback connection.
func pair(t testing.TB) (conn transport.Conn, peer *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn = transport.New(c)
	t.Cleanup(func() { conn.Close(); p.Close() })
	return conn, p.(*net.TCPConn)
}

// awaitGone returns once the peer's FIN or bytes have arrived here.
func awaitNotQuiet(t *testing.T, c transport.Conn) {
	t.Helper()
	for start := time.Now(); c.Quiet(); {
		if time.Since(start) > 10*time.Second {
			t.Fatal("the connection stays quiet")
		}
	}
}

func soon() time.Time { return time.Now().Add(20 * time.Second) }

// echo sends back what comes until the connection ends, and allocates nothing on the way.
func echo(peer *net.TCPConn) {
	b := make([]byte, 100)
	for {
		n, err := peer.Read(b)
		if err != nil {
			return
		}
		if _, err := peer.Write(b[:n]); err != nil {
			return
		}
	}
}

// TestAsk: question and answer, many times over one connection.
func TestAsk(t *testing.T) {
	conn, peer := pair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		echo(peer)
	}()
	in := make([]byte, 100)
	for i := range 1000 {
		sent, got, ok, err := conn.(transport.Asker).Ask([]byte("head"), []byte("body"), in, soon())
		if !ok {
			t.Fatal("this connection cannot ask") // only off Linux, where the file is not built
		}
		if err != nil || sent != 8 || string(in[:got]) != "headbody" {
			t.Fatalf("round %d: sent %d, got %q, %v", i, sent, in[:got], err)
		}
	}
	conn.Close()
	<-done
}

// TestAskStale: on a connection that the peer has closed, or on which it spoke unasked, nothing is sent.
func TestAskStale(t *testing.T) {
	f := func(name string, spoil func(*net.TCPConn) error) {
		conn, peer := pair(t)
		if err := spoil(peer); err != nil {
			t.Fatal(err)
		}
		awaitNotQuiet(t, conn)
		sent, _, _, err := conn.(transport.Asker).Ask([]byte("head"), nil, make([]byte, 10), soon())
		if !errors.Is(err, transport.ErrStale) || sent != 0 {
			t.Errorf("%s: sent %d, %v; want ErrStale", name, sent, err)
		}
	}
	f("closed", (*net.TCPConn).Close)
	f("half closed", (*net.TCPConn).CloseWrite)
	f("unasked bytes", func(p *net.TCPConn) error { _, err := p.Write([]byte("x")); return err })
}

// TestAskEnds: every way in which no answer comes.
func TestAskEnds(t *testing.T) {
	ask := func(conn transport.Conn, by time.Time) error {
		_, _, _, err := conn.(transport.Asker).Ask([]byte("head"), nil, make([]byte, 10), by)
		return err
	}
	conn, _ := pair(t)
	if err := ask(conn, time.Now().Add(20*time.Millisecond)); err != transport.ErrTimeout {
		t.Errorf("silent peer: %v, want ErrTimeout", err)
	}
	conn, peer := pair(t)
	go func(peer *net.TCPConn) {
		_, _ = io.ReadFull(peer, make([]byte, 4))
		peer.CloseWrite()
	}(peer)
	if err := ask(conn, soon()); err != io.EOF {
		t.Errorf("peer that closes: %v, want io.EOF", err)
	}
	conn, peer = pair(t)
	go func() {
		_, _ = io.ReadFull(peer, make([]byte, 4))
		conn.Interrupt(true)
	}()
	if err := ask(conn, soon()); err != transport.ErrInterrupted {
		t.Errorf("interrupted: %v, want ErrInterrupted", err)
	}
}

// TestAskOldDeadline: a deadline armed for an earlier, shorter wait does not end a later one.
func TestAskOldDeadline(t *testing.T) {
	conn, peer := pair(t)
	b := make([]byte, 10)
	if _, err := conn.Read(b, time.Now().Add(10*time.Millisecond)); err != transport.ErrTimeout {
		t.Fatal(err)
	}
	go func() {
		if _, err := io.ReadFull(peer, make([]byte, 4)); err == nil {
			_, _ = peer.Write([]byte("ok"))
		}
	}()
	_, got, _, err := conn.(transport.Asker).Ask([]byte("head"), nil, b, soon())
	if err != nil || string(b[:got]) != "ok" {
		t.Errorf("got %q, %v", b[:got], err)
	}
}

// TestAskLarge: what the kernel does not take at once is left to the caller, without an error.
func TestAskLarge(t *testing.T) {
	conn, peer := pair(t)
	large := make([]byte, 64<<20)
	in := make([]byte, 10)
	sent, got, ok, err := conn.(transport.Asker).Ask([]byte("head"), large, in, soon())
	if err != nil || !ok || got != 0 || sent == 0 || sent >= int64(len(large)) {
		t.Fatalf("sent %d, got %d, %v, %v", sent, got, ok, err)
	}
	peer.Close()
}

// TestAskAllocs: asking allocates nothing.
func TestAskAllocs(t *testing.T) {
	conn, peer := pair(t)
	go echo(peer)
	in, head, by := make([]byte, 100), []byte("head"), soon()
	if n := testing.AllocsPerRun(100, func() {
		if _, _, _, err := conn.(transport.Asker).Ask(head, nil, in, by); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per question", n)
	}
}
