package transport

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// netConn is a Conn on any net.Conn. It arms a deadline only if none is armed that is early enough: an armed one that
// turns out too early is put off when it fires. A busy connection so pays for a deadline once a minute, not twice a
// request.
type netConn struct {
	conn  net.Conn
	tcp   *net.TCPConn // conn, if it is one
	raw   syscall.RawConn
	peek  func(fd uintptr)
	quiet peekResult

	read        time.Time     // armed read deadline; zero: none
	armed       time.Duration // patience of the armed write deadline; zero: none
	interrupted atomic.Bool
	vec         [3][]byte
	bufs        net.Buffers
	ask         asking
	reading     reading
	writing     writing
}

// peekResult is what a look at the socket found.
type peekResult uint8

const (
	peekNothing peekResult = iota // open, nothing to read
	peekData
	peekGone // FIN, RST or an error
)

// New returns a Conn on c.
func New(c net.Conn) Conn {
	n := &netConn{conn: c}
	if tcp, ok := c.(*net.TCPConn); ok {
		n.tcp = tcp
	}
	under := c
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		under = t.NetConn()
	}
	if s, ok := under.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			n.raw = raw
			n.peek = func(fd uintptr) { n.quiet = peekSocket(fd) }
		}
	}
	return n
}

func (n *netConn) Read(p []byte, by time.Time) (int, error) {
	n.reading.begin(p)
	got, err := n.readUntil(by, &n.reading)
	n.reading.in = nil
	return got, err
}

// An inflow takes bytes from a connection once, waiting until the armed deadline: a reading, an asking or a Pipe.
type inflow interface {
	once(n *netConn) (int, error)
}

// readUntil waits for bytes until by, whatever deadline was armed before.
func (n *netConn) readUntil(by time.Time, in inflow) (int, error) {
	for {
		if n.read.IsZero() || n.read.After(by) {
			if err := n.conn.SetReadDeadline(by); err != nil {
				return 0, err
			}
			n.read = by
		}
		// After arming: an Interrupt whose own deadline we have just overwritten is seen here.
		if n.interrupted.Load() {
			n.read = time.Time{}
			return 0, ErrInterrupted
		}
		got, err := in.once(n)
		if got > 0 {
			return got, nil
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		n.read = time.Time{}
		if n.interrupted.Load() {
			return 0, ErrInterrupted
		}
		if !time.Now().Before(by) {
			return 0, ErrTimeout
		}
	}
}

func (n *netConn) Write(head, body, tail []byte, patience time.Duration) (int64, error) {
	n.vec = [3][]byte{head, body, tail}
	n.bufs = n.vec[:]
	if n.rawWrites() {
		n.beginWrite()
		defer n.endWrite()
	}
	total, err := n.writePatiently(patience, nil)
	n.bufs, n.vec = nil, [3][]byte{}
	return total, err
}

// writePatiently writes what Write has laid out or, if there is a pipe, what is in that.
func (n *netConn) writePatiently(patience time.Duration, from *Pipe) (total int64, err error) {
	err = os.ErrDeadlineExceeded
	// An armed deadline may be about to pass when the write begins: the second one is this write's own.
	for try := 0; try < 2 && errors.Is(err, os.ErrDeadlineExceeded); try++ {
		// TLS is broken for good after a write that timed out: there a deadline must not be an old one.
		if n.tcp == nil || n.armed == 0 || n.armed > patience {
			if err := n.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
				return total, err
			}
			n.armed = patience
		}
		var sent int64
		if from != nil {
			sent, err = n.drainOnce(from)
		} else {
			sent, err = n.writeBufs()
		}
		total += sent
		if err != nil {
			n.armed = 0
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ErrTimeout
	}
	return total, err
}

// writeBufs writes what is left, one piece by an ordinary write, more as a vector.
func (n *netConn) writeBufs() (int64, error) {
	if n.rawWrites() {
		return n.writeOnce()
	}
	for len(n.bufs) > 0 && len(n.bufs[0]) == 0 {
		n.bufs = n.bufs[1:]
	}
	for len(n.bufs) > 0 && len(n.bufs[len(n.bufs)-1]) == 0 {
		n.bufs = n.bufs[:len(n.bufs)-1]
	}
	switch len(n.bufs) {
	case 0:
		return 0, nil
	case 1:
		sent, err := n.conn.Write(n.bufs[0])
		n.bufs[0] = n.bufs[0][sent:]
		return int64(sent), err
	}
	return n.bufs.WriteTo(n.conn)
}

func (n *netConn) Quiet() bool {
	if n.raw == nil {
		return true // no socket below, as in tests on net.Pipe: the first read will tell
	}
	n.quiet = peekGone
	if n.raw.Control(n.peek) != nil {
		return false
	}
	if n.tcp == nil { // TLS: a record may wait that carries no data, such as a session ticket
		return n.quiet != peekGone
	}
	return n.quiet == peekNothing
}

func (n *netConn) Interrupt(on bool) {
	n.interrupted.Store(on)
	if on {
		// The error would be that of a closed connection, on which no Read waits.
		_ = n.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

func (n *netConn) Close() error { return n.conn.Close() }

// CloseWrite closes the sending side, or everything where that cannot be done alone.
func (n *netConn) CloseWrite() error {
	if h, ok := n.conn.(HalfCloser); ok {
		return h.CloseWrite()
	}
	return n.conn.Close()
}
