package handover

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What is said on a line, one byte each.
const (
	sayReady  = 'R' // the new one: I could serve
	sayTurn   = 'T' // the old one: I accept no more, it is your turn
	sayProved = 'P' // the old one: you stay, I am going
	sayEnd    = 'E' // the newest, to an old one: your time is over
	sayTold   = 'M' // the old one: four bytes that say how many follow, which are not this package's
)

// line is one end of the connection between a process and one that it started, or inherited.
type line struct {
	conn   *net.UnixConn
	pid    int           // of the process at the other end
	ready  chan struct{} // closed when it was said
	turn   chan struct{} // also when the other end is gone
	proved chan struct{} // also when the other end is gone
	end    chan struct{}
	gone   chan struct{} // closed when the other end is
	told   atomic.Pointer[func([]byte)]
}

func newLine(conn *net.UnixConn, pid int) *line {
	l := &line{conn: conn, pid: pid, ready: make(chan struct{}), turn: make(chan struct{}), proved: make(chan struct{}), end: make(chan struct{}), gone: make(chan struct{})}
	go l.hear()
	return l
}

// hear notes what is said, until the line ends.
func (l *line) hear() {
	var ready, turn, proved, end sync.Once
	defer close(l.gone)
	defer func() {
		turn.Do(func() { close(l.turn) })
		proved.Do(func() { close(l.proved) })
	}()
	b := make([]byte, 1)
	for {
		if n, err := l.conn.Read(b); n == 0 || err != nil {
			return
		}
		switch b[0] {
		case sayReady:
			ready.Do(func() { close(l.ready) })
		case sayTurn:
			turn.Do(func() { close(l.turn) })
		case sayProved:
			proved.Do(func() { close(l.proved) })
		case sayEnd:
			end.Do(func() { close(l.end) })
		case sayTold:
			if !l.hearTold() {
				return
			}
		}
	}
}

// hearTold passes on what is told; false: the line has ended, or says what cannot be.
func (l *line) hearTold() bool {
	var head [4]byte
	if _, err := io.ReadFull(l.conn, head[:]); err != nil {
		return false
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > toldBytesMax {
		return false
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(l.conn, b); err != nil {
		return false
	}
	if f := l.told.Load(); f != nil {
		(*f)(b)
	}
	return true
}

// tell says something in one write, so that what others say does not come between.
func (l *line) tell(b []byte) error {
	if len(b) > toldBytesMax {
		return fmt.Errorf("%d bytes are to be told, more than %d (toldBytesMax)", len(b), toldBytesMax)
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(toldWait)); err != nil {
		return err
	}
	_, err := l.conn.Write(append(binary.BigEndian.AppendUint32([]byte{sayTold}, uint32(len(b))), b...))
	if err != nil {
		_ = l.conn.CloseWrite() // what follows half of it could not be understood
		return err
	}
	return l.conn.SetWriteDeadline(time.Time{})
}

func (l *line) say(what byte) error {
	_, err := l.conn.Write([]byte{what})
	return err
}

func (l *line) isGone() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// close ends the line here, and waits until nobody hears on it.
func (l *line) close() {
	l.conn.Close()
	<-l.gone
}

// newPair returns the two ends of a line: ours, and the descriptor for a process to be started.
func newPair(pid int) (ours *line, theirs int, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, -1, fmt.Errorf("socketpair: %w", err)
	}
	conn, err := connOf(fds[0])
	if err != nil {
		syscall.Close(fds[1])
		return nil, -1, err
	}
	return newLine(conn, pid), fds[1], nil
}

// connOf makes a connection of a descriptor, which belongs to it then.
func connOf(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "line")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("descriptor %d is no Unix socket", fd)
	}
	return u, nil
}
