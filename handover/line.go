package handover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What is said on a line: one letter each. Behind sayTold, and behind every small letter, four bytes say how many more follow, toldBytesMax at
// most. The process at the other end may be of a version before or after this one: what is not known is passed over, and none of these may
// ever mean something else.
const (
	sayReady  = 'R' // the new one: I could serve
	sayTurn   = 'T' // the old one: I accept no more, it is your turn
	sayProved = 'P' // the old one: you stay, I am going
	sayEnd    = 'E' // the newest, to an old one: your time is over
	sayTold   = 'M' // the old one: what is not this package's
	sayAll    = 'A' // the old one: that was all that is to be told
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
	told   atomic.Pointer[hearer]

	hearing  sync.WaitGroup
	heardOut bool        // it had ended before we heard: who heard then knows how
	leaving  atomic.Bool // another process is to hear in our place
	writing  sync.Mutex
}

// hearer is who is told something: what it is, or that some of it may be lost.
type hearer struct {
	told func([]byte)
	lost func()
}

// newLine returns a line on which nobody hears yet.
func newLine(conn *net.UnixConn, pid int) *line {
	return &line{conn: conn, pid: pid, ready: make(chan struct{}), turn: make(chan struct{}), proved: make(chan struct{}), end: make(chan struct{}), gone: make(chan struct{})}
}

// isOver reports whether the other end is gone and nothing is left to be heard.
func (l *line) isOver() (over bool) {
	raw, err := l.conn.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Read(func(fd uintptr) bool { // it is closed: then it shows when it is read
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		over = n == 0 && err == nil
		return true
	})
	return over
}

// listen has somebody hear. Of all processes that have this end of a line one hears at a time, or each would get a part.
func (l *line) listen() { l.hearing.Go(l.hear) }

// leave has nobody hear any more, between two things that are said: what comes next is for the process that hears in our place.
func (l *line) leave() {
	l.leaving.Store(true)
	_ = l.conn.SetReadDeadline(time.Unix(1, 0)) // it is closed: then nobody hears either
	l.hearing.Wait()
}

// hear notes what is said, until the line ends or is left.
func (l *line) hear() {
	var ready, turn, proved, end sync.Once
	defer func() {
		turn.Do(func() { close(l.turn) })
		proved.Do(func() { close(l.proved) })
	}()
	b, all := make([]byte, 1), l.heardOut
	for !l.leaving.Load() {
		if err := l.read(b, false); errors.Is(err, os.ErrDeadlineExceeded) {
			return
		} else if err != nil {
			l.ended(all || errors.Is(err, net.ErrClosed))
			return
		}
		switch say := b[0]; say {
		case sayReady:
			ready.Do(func() { close(l.ready) })
		case sayTurn:
			turn.Do(func() { close(l.turn) })
		case sayProved:
			proved.Do(func() { close(l.proved) })
		case sayEnd:
			end.Do(func() { close(l.end) })
		case sayAll:
			all = true
		default:
			if (say == sayTold || say >= 'a' && say <= 'z') && !l.hearLong(say) {
				l.ended(false)
				return
			}
		}
	}
}

// ended notes that the other end is gone, or as good as that. all: nothing that it has told is lost.
func (l *line) ended(all bool) {
	if h := l.told.Load(); h != nil && !all {
		h.lost()
	}
	close(l.gone)
}

// read fills b. whole: it goes on though the line is to be left.
func (l *line) read(b []byte, whole bool) error {
	for len(b) > 0 {
		n, err := l.conn.Read(b)
		if b = b[n:]; whole && errors.Is(err, os.ErrDeadlineExceeded) {
			err = l.conn.SetReadDeadline(time.Time{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hearLong takes what follows a letter, and passes on what is told; false: the line has ended, or says what cannot be.
func (l *line) hearLong(say byte) bool {
	var head [4]byte
	if l.read(head[:], true) != nil {
		return false
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > toldBytesMax {
		return false
	}
	b := make([]byte, n)
	if l.read(b, true) != nil {
		return false
	}
	if h := l.told.Load(); h != nil && say == sayTold {
		h.told(b)
	}
	return true
}

// tell tells something.
func (l *line) tell(b []byte) error {
	if len(b) > toldBytesMax {
		return fmt.Errorf("%d bytes are to be told, more than %d (toldBytesMax)", len(b), toldBytesMax)
	}
	return l.write(append(binary.BigEndian.AppendUint32([]byte{sayTold}, uint32(len(b))), b...))
}

func (l *line) say(what byte) error { return l.write([]byte{what}) }

// write says something as a whole, or nothing any more.
func (l *line) write(b []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(toldWait)); err != nil {
		return err
	}
	_, err := l.conn.Write(b)
	if err != nil {
		_ = l.conn.CloseWrite() // what follows half of it could not be understood
	}
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
	l.hearing.Wait()
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
	l := newLine(conn, pid)
	l.listen()
	return l, fds[1], nil
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
