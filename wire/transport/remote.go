package transport

import (
	"net"
	"net/netip"
)

// WithRemote returns c with another address for its RemoteAddr: that of the client for whom a proxy made the connection. New,
// Open and Under find the socket all the same.
func WithRemote(c net.Conn, remote netip.AddrPort) net.Conn {
	r := &remoteConn{Conn: c, ip: remote.Addr().As16()}
	r.addr.IP, r.addr.Port = r.ip[:], int(remote.Port())
	return r
}

// remoteConn is a connection that is said to come from elsewhere.
type remoteConn struct {
	net.Conn
	ip   [16]byte // of addr, so that both are one piece of memory
	addr net.TCPAddr
}

// RemoteAddr is the address that was said.
func (r *remoteConn) RemoteAddr() net.Addr { return &r.addr }

// NetConn is the connection below.
func (r *remoteConn) NetConn() net.Conn { return r.Conn }

// announcer is who said that address.
func (r *remoteConn) announcer() net.Addr { return r.Conn.RemoteAddr() }

// CloseWrite closes the sending side, or everything where that cannot be done alone.
func (r *remoteConn) CloseWrite() error { return closeWrite(r.Conn) }

// Announcer returns the address of the proxy that said for whom c is, as WithRemote was told; nil: c comes from where it says.
func Announcer(c net.Conn) net.Addr {
	for {
		switch on := c.(type) {
		case interface{ announcer() net.Addr }:
			return on.announcer()
		case interface{ NetConn() net.Conn }:
			c = on.NetConn()
		default:
			return nil
		}
	}
}

// tcpOf is a TCP connection, also one with another address; nil: it is none.
func tcpOf(c net.Conn) *net.TCPConn {
	if r, ok := c.(*remoteConn); ok {
		c = r.Conn
	}
	tcp, _ := c.(*net.TCPConn)
	return tcp
}
