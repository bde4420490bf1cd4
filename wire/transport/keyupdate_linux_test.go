package transport_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/wire/transport"
)

// updater sends KeyUpdate messages (RFC 8446 section 4.6.3) on a TLS 1.3 client's connection, which crypto/tls has no call
// for. The client must not write any more.
type updater struct {
	below  *net.TCPConn
	secret []byte // of what the client sends
}

// updating is secure with an updater.
func updating(t *testing.T) (conn transport.Conn, far *net.TCPConn, client *tls.Conn, u *updater) {
	t.Helper()
	far, near := sockets(t)
	server := tls.Server(transport.Under(far), &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, MinVersion: tls.VersionTLS13})
	var keys strings.Builder
	client = tls.Client(near, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &keys})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	u = &updater{below: near}
	for line := range strings.Lines(keys.String()) {
		if f := strings.Fields(line); f[0] == "CLIENT_TRAFFIC_SECRET_0" {
			u.secret, _ = hex.DecodeString(f[2])
		}
	}
	if suite := client.ConnectionState().CipherSuite; len(u.secret) != sha256.Size {
		t.Fatalf("cipher suite %s: its hash is not SHA-256", tls.CipherSuiteName(suite))
	} else if suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Fatalf("cipher suite %s, want AES-128", tls.CipherSuiteName(suite))
	}
	conn = transport.New(server)
	t.Cleanup(func() { conn.Close(); client.Close() })
	return conn, far, client, u
}

func (u *updater) derive(label string, n int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(append(info, "tls13 "+label...), 0)
	out, err := hkdf.Expand(sha256.New, u.secret, string(info), n)
	if err != nil {
		panic(err)
	}
	return out
}

// ask is a KeyUpdate that wants the peer to update its keys too, and so to answer.
func (u *updater) ask() []byte {
	block, err := aes.NewCipher(u.derive("key", 16))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	inner := []byte{24, 0, 0, 1, 1, 22} // update_requested, in a handshake record
	head := []byte{23, 3, 3, 0, byte(len(inner) + aead.Overhead())}
	sealed := aead.Seal(head, u.derive("iv", 12), inner, head) // each update starts with sequence number 0
	u.secret = u.derive("traffic upd", sha256.Size)
	return sealed
}

// TestKeyUpdateLate: a peer that asks for new keys long after the last write, whose deadline has passed, gets its answer, and the
// connection goes on.
func TestKeyUpdateLate(t *testing.T) {
	conn, far, client, u := updating(t)
	b := make([]byte, 100)
	for _, text := range []string{"one", "two", "three"} {
		if _, err := conn.Write([]byte(text), nil, nil, time.Minute); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := far.SetWriteDeadline(time.Unix(1, 0)); err != nil { // as if the minute were over
			t.Fatal(err)
		}
		if n, err := client.Read(b); err != nil || string(b[:n]) != text {
			t.Fatalf("the client got %q, %v", b[:n], err)
		}
		if _, err := conn.Read(b, time.Now().Add(20*time.Millisecond)); err != transport.ErrTimeout {
			t.Fatal(err)
		}
		if _, err := u.below.Write(u.ask()); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(b, time.Now().Add(20*time.Millisecond)); err != transport.ErrTimeout {
			t.Fatal(err)
		}
	}
}

// TestOwnRecordsUnread: what TLS writes by itself, from within a read, never waits for the peer: one that asks for new keys
// over and over, with a byte in between, and reads no answer could otherwise hold a connection beyond every deadline.
func TestOwnRecordsUnread(t *testing.T) {
	far, near := sockets(t)
	defer near.Close()
	below := transport.Under(far)
	conn := transport.New(tls.Server(below, &tls.Config{}))
	over := make(chan error, 1)
	go func() {
		answer, sent := make([]byte, 27), 0
		for sent < 64<<20 {
			n, err := below.Write(answer)
			if sent += n; err != nil {
				over <- err
				return
			}
		}
		over <- nil
	}()
	select {
	case err := <-over:
		if err == nil {
			t.Error("64 MB were kept for a peer that reads nothing")
		}
	case <-time.After(20 * time.Second):
		t.Error("a write waits for the peer")
	}
	closedSoon(t, conn)
}
