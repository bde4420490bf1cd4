package transport

import (
	"errors"
	"io"
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
	limited     io.LimitedReader
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
		got, err := n.readOnce(p)
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
	var total int64
	err := os.ErrDeadlineExceeded
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
		sent, err = n.writeBufs()
		total += sent
		if err != nil {
			n.armed = 0
		}
	}
	n.bufs, n.vec = nil, [3][]byte{}
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

// CanSplice reports whether Splice can move bytes between the two.
func CanSplice(dst, src Conn) bool {
	d, ok := dst.(*netConn)
	s, ok2 := src.(*netConn)
	return ok && ok2 && d.tcp != nil && s.tcp != nil
}

// Splice moves exactly want bytes from src to dst inside the kernel and returns how many it moved, and whose error
// ended it early. src may be silent for srcWait, and has to bring at least rate bytes a second after that, if rate is
// not 0; dst may take as long for SpliceBytes as both waits together. After an interrupt src can be read on; after any
// other error of either side bytes may be lost, and both must be closed. Call it only if CanSplice.
func Splice(dst, src Conn, want int64, srcWait, dstWait time.Duration, rate int64) (moved int64, source, sink error) {
	d, s := dst.(*netConn), src.(*netConn)
	defer func() { d.armed, s.read = 0, time.Time{} }()
	for moved < want {
		by := time.Now().Add(srcWait)
		late := by.Add(dstWait)
		if err := s.conn.SetReadDeadline(by); err != nil {
			return moved, err, nil
		}
		if err := d.conn.SetWriteDeadline(late); err != nil {
			return moved, nil, err
		}
		if s.interrupted.Load() {
			return moved, ErrInterrupted, nil
		}
		piece := min(want-moved, SpliceBytes)
		s.limited = io.LimitedReader{R: s.tcp, N: piece}
		n, err := d.tcp.ReadFrom(&s.limited)
		s.limited.R = nil
		moved += n
		switch {
		case err == nil && n < piece:
			return moved, io.EOF, nil
		case err == nil:
		case s.interrupted.Load() && errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(late):
			return moved, ErrInterrupted, nil
		case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(late):
			return moved, nil, ErrTimeout
		case errors.Is(err, os.ErrDeadlineExceeded):
			// The source was too slow for the whole piece. What it brought has left: the pipe is empty whenever it is waited for.
			if n == 0 || n < int64(srcWait/time.Second)*rate {
				return moved, ErrTimeout, nil
			}
		case s.gone():
			return moved, err, nil
		default:
			return moved, nil, err
		}
	}
	return moved, nil, nil
}

// gone reports whether the connection has ended. After an error of a splice, which does not say whose it was, this tells.
func (n *netConn) gone() bool {
	n.quiet = peekGone
	return n.raw == nil || n.raw.Control(n.peek) != nil || n.quiet == peekGone
}
