package transport

import (
	"crypto/tls"
	"net"
	"net/netip"
	"testing"
)

// TestWithRemoteIsRaw: another address costs a connection none of its raw calls, on TLS neither.
func TestWithRemoteIsRaw(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	c := WithRemote(near, netip.MustParseAddrPort("203.0.113.7:4444"))
	if n := New(c).(*netConn); n.tcp != near || n.raw == nil || n.peek == nil {
		t.Errorf("plain: %+v", n)
	}
	if n := New(tls.Server(Under(c), &tls.Config{})).(*netConn); n.below == nil || n.below.TCPConn != near || n.raw == nil {
		t.Errorf("TLS: %+v", n)
	}
}
