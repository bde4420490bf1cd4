//go:build !linux

package transport

import (
	"net"
	"time"
)

// rawAllowed reports false: everything goes by the connection's own calls.
func rawAllowed() bool { return false }

// SelfTest has nothing to test here.
func SelfTest() error { return nil }

// UseRaw does nothing here.
func UseRaw(bool) {}

// Under returns c: TLS stands on the connection itself.
func Under(c net.Conn) net.Conn { return c }

// reading and writing are nothing here: the ordinary calls do.
type (
	reading struct {
		in     []byte
		lender Lender
	}
	writing struct{}
	socket  struct{ net.Conn }
)

func (r *reading) begin(in []byte) { r.in = in }

func (r *reading) beginLent(Lender) {}

func (r *reading) once(n *netConn) (int, error) { return n.conn.Read(r.in) }

func (n *netConn) beginWrite() {}

func (n *netConn) endWrite() {}

func (n *netConn) writeOnce() (int64, error) { return 0, nil }

func (n *netConn) writeRecords([3][]byte, time.Duration) (int64, error) { return 0, nil }

func (n *netConn) readRecords(uintptr) bool { return true }

func (s *socket) settle() {}

func (n *netConn) closeBelow() error { return n.conn.Close() }

// Watch sees nothing here: a client that leaves is noticed by the next write.
func (n *netConn) Watch(func()) (stop func()) { return func() {} }
