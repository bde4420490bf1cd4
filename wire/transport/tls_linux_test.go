package transport_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/wire/transport"
)

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secure returns a TLS connection on a raw socket and its client, shaken hands.
func secure(t testing.TB) (conn transport.Conn, client *tls.Conn, below *net.TCPConn) {
	t.Helper()
	far, near := sockets(t)
	server := tls.Server(transport.Under(far), &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	client = tls.Client(near, &tls.Config{InsecureSkipVerify: true})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	conn = transport.New(server)
	t.Cleanup(func() { conn.Close(); client.Close() })
	return conn, client, near
}

// sockets returns the two ends of a loopback connection.
func sockets(t testing.TB) (a, b *net.TCPConn) {
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
	return p.(*net.TCPConn), c.(*net.TCPConn)
}

// TestTLSWrites: writes of all sizes and cuts arrive as they were, whether they fit a record, what is held back, or neither.
func TestTLSWrites(t *testing.T) {
	conn, client, _ := secure(t)
	seed := mrand.Uint64()
	t.Logf("seed %d", seed)
	rng := mrand.New(mrand.NewPCG(seed, 1))
	var want bytes.Buffer
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(client)
		got <- b
	}()
	all := make([]byte, 300<<10)
	for i := range all {
		all[i] = byte(rng.Uint32())
	}
	part := func(most int) []byte { n := rng.IntN(most); return all[n : n+rng.IntN(most)] }
	for i := range 200 {
		most := []int{1, 200, 20_000, 150_000}[i%4]
		head, body, tail := part(most), part(most), part(200)
		n, err := conn.Write(head, body, tail, time.Minute)
		if err != nil || n != int64(len(head)+len(body)+len(tail)) {
			t.Fatalf("wrote %d, %v", n, err)
		}
		want.Write(head)
		want.Write(body)
		want.Write(tail)
	}
	conn.Close()
	if !bytes.Equal(<-got, want.Bytes()) {
		t.Error("what arrived is not what was written")
	}
}

// TestTLSCloses: a drain may close a connection while its own goroutine does. The race detector looks on; the client hears
// that it is over, by TLS's own alert unless one closer was in another's way.
func TestTLSCloses(t *testing.T) {
	for range 20 {
		conn, client, _ := secure(t)
		start := make(chan struct{})
		var closing sync.WaitGroup
		for range 3 {
			closing.Go(func() {
				<-start
				conn.Close() // of the closers but the first it may fail
			})
		}
		close(start)
		closing.Wait()
		client.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := client.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the client got %d bytes, %v; want an end", n, err)
		}
	}
}

// TestTLSReadLent: a TLS connection lends memory only when there is something, and loses no byte.
func TestTLSReadLent(t *testing.T) {
	conn, client, _ := secure(t)
	lender := &lender{memory: make([]byte, 100)}
	waiting := make(chan struct{})
	go func() {
		<-waiting
		_, _ = io.WriteString(client, "hello")
	}()
	if lender.lent {
		t.Fatal("lent before anything was asked")
	}
	close(waiting)
	n, err := conn.(transport.LentReader).ReadLent(lender, soon())
	got := append([]byte{}, lender.memory[:n]...)
	for err == nil && len(got) < 5 {
		n, err = conn.Read(lender.memory, soon())
		got = append(got, lender.memory[:n]...)
	}
	if err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

// lender lends one piece of memory.
type lender struct {
	memory  []byte
	lent    bool
	returns int
}

func (l *lender) Lend() []byte { l.lent = true; return l.memory }
func (l *lender) Return()      { l.lent = false; l.returns++ }

// TestReadLent: while a connection waits, nothing is lent; after an error neither.
func TestReadLent(t *testing.T) {
	conn, peer := pair(t)
	l := &lender{memory: make([]byte, 100)}
	for by := soon(); l.returns == 0 && time.Now().Before(by); { // on a busy machine a deadline may pass before the first look
		if _, err := conn.(transport.LentReader).ReadLent(l, time.Now().Add(10*time.Millisecond)); err != transport.ErrTimeout || l.lent {
			t.Fatalf("after a wait for nothing: %v, lent %v", err, l.lent)
		}
	}
	if l.returns == 0 {
		t.Error("nothing was lent and returned")
	}
	if _, err := io.WriteString(peer, "hello"); err != nil {
		t.Fatal(err)
	}
	n, err := conn.(transport.LentReader).ReadLent(l, soon())
	if err != nil || string(l.memory[:n]) != "hello" || !l.lent {
		t.Errorf("got %q, %v, lent %v", l.memory[:n], err, l.lent)
	}
	peer.Close()
	if _, err := conn.(transport.LentReader).ReadLent(l, soon()); err != io.EOF || l.lent {
		t.Errorf("after the end: %v, lent %v", err, l.lent)
	}
}

// TestTLSCloseUnread: neither a write nor a close hangs on a peer that takes nothing; the write's deadline holds.
func TestTLSCloseUnread(t *testing.T) {
	conn, _, _ := secure(t)
	_, err := conn.Write(nil, make([]byte, 32<<20), nil, 50*time.Millisecond)
	if err != transport.ErrTimeout {
		t.Errorf("a write that nobody takes: %v, want ErrTimeout", err)
	}
	closedSoon(t, conn)
	conn, _, _ = secure(t)
	writing := make(chan error, 1)
	go func() {
		_, err := conn.Write(nil, make([]byte, 32<<20), nil, time.Minute)
		writing <- err
	}()
	closedSoon(t, conn)
	if err := <-writing; err == nil {
		t.Error("a write on a closed connection succeeded")
	}
}

// closedSoon closes a connection, which must not wait for its peer: crypto/tls alone would give it five seconds.
func closedSoon(t *testing.T, conn transport.Conn) {
	t.Helper()
	start := time.Now()
	conn.Close()
	if took := time.Since(start); took >= 5*time.Second {
		t.Errorf("Close took %v", took)
	}
}

// TestFallback: without raw calls everything works the same.
func TestFallback(t *testing.T) {
	transport.UseRaw(false)
	defer transport.UseRaw(true)
	conn, peer := pair(t)
	if _, _, ok, _ := conn.(transport.Asker).Ask([]byte("q"), nil, make([]byte, 9), soon()); ok {
		t.Error("a connection of the fallback can ask")
	}
	go echo(peer)
	l := &lender{memory: make([]byte, 100)}
	for _, body := range []string{"one", string(bytes.Repeat([]byte("x"), 50))} {
		if _, err := conn.Write([]byte("a"), []byte(body), []byte("z"), time.Minute); err != nil {
			t.Fatal(err)
		}
		n, err := conn.(transport.LentReader).ReadLent(l, soon())
		if err != nil || string(l.memory[:n]) != "a"+body+"z" {
			t.Errorf("got %q, %v", l.memory[:n], err)
		}
	}
	secured, client, _ := secure(t)
	if _, err := secured.Write([]byte("head"), bytes.Repeat([]byte("b"), 40<<10), nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4+40<<10)
	if _, err := io.ReadFull(client, b); err != nil || string(b[:5]) != "headb" {
		t.Errorf("got %q, %v", b[:5], err)
	}
}
