//go:build !linux

package transport

// reading and writing are nothing here: the ordinary calls do.
type (
	reading struct{}
	writing struct{}
)

func (n *netConn) readOnce(p []byte) (int, error) { return n.conn.Read(p) }

func (n *netConn) rawWrites() bool { return false }

func (n *netConn) beginWrite() {}

func (n *netConn) endWrite() {}

func (n *netConn) writeOnce() (int64, error) { return 0, nil }
