package transport

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// netConn is a Conn on any net.Conn. It arms a deadline only if none is armed that is early enough: an armed one that
// turns out too early is put off when it fires. A busy connection so pays for a deadline once a minute, not twice a
// request.
type netConn struct {
	conn  net.Conn
	tcp   *net.TCPConn // conn, if it is one that is read and written by raw calls
	below *socket      // what TLS stands on, if it came from Under
	raw   syscall.RawConn
	peek  func(fd uintptr)
	quiet peekResult

	read        time.Time     // armed read deadline; zero: none
	armed       time.Duration // patience of the armed write deadline; zero: none
	interrupted atomic.Bool
	stuck       atomic.Bool // a write was not taken in time: Close resets
	vec         [3][]byte
	bufs        net.Buffers
	ask         *asking // of a connection that has asked
	reading     reading
	writing     writing
	records     func(fd uintptr) bool // readRecords; nil unless there is something below
}

// records holds memory in which the pieces of a write become one.
var records = sync.Pool{New: func() any { return new([recordBytes]byte) }}

// peekResult is what a look at the socket found.
type peekResult uint8

const (
	peekNothing peekResult = iota // open, nothing to read
	peekData
	peekGone // FIN, RST or an error
)

// New returns a Conn on c.
func New(c net.Conn) Conn {
	n := &netConn{conn: c, tcp: tcpOf(c)}
	under := c
	for {
		t, ok := under.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		under = t.NetConn()
	}
	if below, ok := under.(*socket); ok {
		n.below, n.records = below, n.readRecords
	}
	if s, ok := under.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			n.raw = raw
			n.peek = func(fd uintptr) { n.quiet = peekSocket(fd) }
		}
	}
	if !rawAllowed() || n.raw == nil {
		n.tcp, n.below = nil, nil
	}
	if n.below != nil {
		n.below.settle()
	}
	return n
}

func (n *netConn) Read(p []byte, by time.Time) (int, error) {
	n.reading.begin(p)
	got, err := n.readUntil(by, &n.reading)
	n.reading.in = nil
	return got, err
}

// ReadLent takes memory only when there is something, on TCP and on TLS that Under made. Elsewhere memory is lent for the
// whole wait.
func (n *netConn) ReadLent(l Lender, by time.Time) (got int, err error) {
	if n.tcp == nil && n.below == nil {
		return n.readLending(l, by)
	}
	n.reading.beginLent(l)
	got, err = n.readUntil(by, &n.reading)
	n.reading.in, n.reading.lender = nil, nil
	return got, err
}

// readLending lends memory for the whole of a read.
func (n *netConn) readLending(l Lender, by time.Time) (got int, err error) {
	if got, err = n.Read(l.Lend(), by); got == 0 {
		l.Return()
	}
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
	if n.below != nil {
		return n.writeRecords([3][]byte{head, body, tail}, patience)
	}
	n.vec = [3][]byte{head, body, tail}
	if n.tcp == nil {
		return n.writeOrdinary(patience)
	}
	n.beginWrite()
	total, err := n.writePatiently(patience, nil)
	n.endWrite()
	n.vec = [3][]byte{}
	return total, err
}

// writePatiently writes what Write has laid out or, if there is a pipe, what is in that.
func (n *netConn) writePatiently(patience time.Duration, from *Pipe) (total int64, err error) {
	err = os.ErrDeadlineExceeded
	// An armed deadline may be about to pass when the write begins: the second one is this write's own.
	for try := 0; try < 2 && errors.Is(err, os.ErrDeadlineExceeded); try++ {
		if n.armed == 0 || n.armed > patience {
			if err := n.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
				return total, err
			}
			n.armed = patience
		}
		var sent int64
		if from != nil {
			sent, err = n.drainOnce(from)
		} else {
			sent, err = n.writeOnce()
		}
		total += sent
		if err != nil {
			n.armed = 0
		}
	}
	return total, n.timedOut(err)
}

// timedOut is for the error of a write: ErrTimeout, if its deadline passed.
func (n *netConn) timedOut(err error) error {
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		n.stuck.Store(true)
		return ErrTimeout
	}
	return err
}

// writeOrdinary writes by the connection's own calls, in one piece if that is small. TLS is broken for good after a write that
// timed out, so here a deadline is never an old one.
func (n *netConn) writeOrdinary(patience time.Duration) (total int64, err error) {
	if err := n.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	if size := len(n.vec[0]) + len(n.vec[1]) + len(n.vec[2]); size <= recordBytes {
		piece := records.Get().(*[recordBytes]byte)
		joined := append(append(append(piece[:0], n.vec[0]...), n.vec[1]...), n.vec[2]...)
		sent, err := n.conn.Write(joined)
		records.Put(piece)
		n.vec = [3][]byte{}
		return int64(sent), n.timedOut(err)
	}
	n.bufs = n.vec[:]
	total, err = n.bufs.WriteTo(n.conn)
	n.bufs, n.vec = nil, [3][]byte{}
	return total, n.timedOut(err)
}

func (n *netConn) Quiet() bool {
	if n.raw == nil {
		return true // no socket below, as in tests on net.Pipe: the first read will tell
	}
	n.quiet = peekGone
	if n.raw.Control(n.peek) != nil {
		return false
	}
	// Over TLS too: an origin that closes says so in a record before its FIN. Session tickets come before the first answer, and a
	// key update that waits costs a connection.
	return n.quiet == peekNothing
}

func (n *netConn) Interrupt(on bool) {
	n.interrupted.Store(on)
	if on {
		// The error would be that of a closed connection, on which no Read waits.
		_ = n.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// Close closes the connection. One whose peer did not take a write in time is reset: what the kernel holds for it, up to some
// megabytes, would otherwise stay there for as long as that peer likes.
func (n *netConn) Close() error {
	if n.stuck.Load() {
		return n.reset()
	}
	if n.below != nil {
		return n.closeBelow()
	}
	return n.conn.Close()
}

// reset closes the socket below, without a word of TLS, and has the kernel throw away what has not left yet.
func (n *netConn) reset() error {
	under := n.conn
	for {
		t, ok := under.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		under = t.NetConn()
	}
	if s, ok := under.(interface{ SetLinger(sec int) error }); ok {
		_ = s.SetLinger(0) // fails on a closed socket only
	}
	return under.Close()
}

// CloseWrite closes the sending side, or everything where that cannot be done alone.
func (n *netConn) CloseWrite() error { return closeWrite(n.conn) }
