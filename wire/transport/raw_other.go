//go:build !linux

package transport

// reading and writing are nothing here: the ordinary calls do.
type (
	reading struct{ in []byte }
	writing struct{}
)

func (r *reading) begin(in []byte) { r.in = in }

func (r *reading) once(n *netConn) (int, error) { return n.conn.Read(r.in) }

func (n *netConn) rawWrites() bool { return false }

func (n *netConn) beginWrite() {}

func (n *netConn) endWrite() {}

func (n *netConn) writeOnce() (int64, error) { return 0, nil }
