package transport

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// asking is one Ask under way, worked off inside the netpoller's callback.
type asking struct {
	step     askStep
	parts    [2]syscall.Iovec
	count    int
	want     int64 // bytes to write
	sent     int64
	reading  reading
	err      error
	callback func(fd uintptr) bool
}

type askStep uint8

const (
	askWrite askStep = iota
	askRead
)

// Ask writes head and body on a kept connection and waits for the first bytes of the answer, which go to in. It checks
// first that the connection is quiet, and returns ErrStale with nothing sent if it is not. ok is false, and nothing has
// been done, where this connection cannot ask.
//
// It saves a system call. An ordinary read on a socket asks the kernel first and waits when there is nothing, which
// after a request is always. Waiting at once is safe only if no readiness can get lost: the callback of RawConn.Read
// runs after the netpoller has forgotten what it knew, so check, write and wait in this order, inside one callback,
// leave no gap in which an answer or a FIN could arrive unseen.
func (n *netConn) Ask(head, body, in []byte, by time.Time) (sent int64, got int, ok bool, err error) {
	if n.tcp == nil || n.raw == nil || len(head) == 0 || len(in) == 0 {
		return 0, 0, false, nil
	}
	if n.read.IsZero() || n.read.After(by) {
		if err := n.conn.SetReadDeadline(by); err != nil {
			return 0, 0, true, err
		}
		n.read = by
	}
	a := &n.ask
	a.begin(head, body, in)
	for {
		err = n.raw.Read(a.callback)
		if err == nil || !isTimeout(err) {
			break
		}
		// An old deadline, from before this exchange: put it off, and go on where the callback was.
		n.read = time.Time{}
		if n.interrupted.Load() {
			err = ErrInterrupted
			break
		}
		if !time.Now().Before(by) {
			err = ErrTimeout
			break
		}
		if err := n.conn.SetReadDeadline(by); err != nil {
			return a.sent, 0, true, err
		}
		n.read = by
	}
	if err == nil {
		err = a.err
	}
	if err == nil {
		err = a.reading.err
	}
	a.reading.in = nil
	a.parts = [2]syscall.Iovec{}
	return a.sent, a.reading.got, true, err
}

func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

func (a *asking) begin(head, body, in []byte) {
	if a.callback == nil {
		a.callback = a.run
	}
	a.step, a.sent, a.err = askWrite, 0, nil
	a.reading.in, a.reading.got, a.reading.err = in, 0, nil
	a.parts[0].Base = &head[0]
	a.parts[0].SetLen(len(head))
	a.count, a.want = 1, int64(len(head)+len(body))
	if len(body) > 0 {
		a.parts[1].Base = &body[0]
		a.parts[1].SetLen(len(body))
		a.count = 2
	}
}

// run is the callback: false means wait until the socket is readable, then call again.
func (a *asking) run(fd uintptr) (over bool) {
	if a.step == askWrite {
		a.step = askRead
		return !a.write(fd)
	}
	return a.reading.run(fd)
}

// write checks and writes. It reports false if there is nothing to wait for: the connection is stale or broken, or the
// kernel did not take everything, and the caller goes on the ordinary way.
func (a *asking) write(fd uintptr) (asked bool) {
	if peekSocket(fd) != peekNothing {
		a.err = ErrStale
		return false
	}
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&a.parts)), uintptr(a.count))
	if errno != 0 {
		if errno != syscall.EAGAIN && errno != syscall.EINTR {
			a.err = os.NewSyscallError("writev", errno)
		}
		return false
	}
	a.sent = int64(n)
	return a.sent == a.want
}
