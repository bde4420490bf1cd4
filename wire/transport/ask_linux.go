package transport

import (
	"errors"
	"time"
)

// asking is one Ask under way, worked off inside the netpoller's callback.
type asking struct {
	asked    bool // the request has been written: only the answer is missing
	writing  writing
	reading  reading
	err      error
	callback func(fd uintptr) bool
}

// errRest says that the kernel did not take the whole request at once.
var errRest = errors.New("not everything was taken")

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
	if n.ask == nil {
		n.ask = new(asking)
	}
	a := n.ask
	a.begin(head, body, in)
	got, err = n.readUntil(by, a)
	a.end()
	if err == errRest {
		err = nil
	}
	return a.writing.sent, got, true, err
}

func (a *asking) begin(head, body, in []byte) {
	if a.callback == nil {
		a.callback = a.run
	}
	a.asked, a.err = false, nil
	a.writing.sent, a.writing.err = 0, nil
	a.writing.begin([3][]byte{head, body, nil})
	a.reading.begin(in)
}

func (a *asking) end() {
	a.writing.end()
	a.reading.in = nil
}

// once goes on where the callback was when a deadline ended the wait.
func (a *asking) once(n *netConn) (int, error) {
	if err := n.raw.Read(a.callback); err != nil {
		return 0, err
	}
	if a.err != nil {
		return 0, a.err
	}
	return a.reading.got, a.reading.err
}

// run is the callback: false means wait until the socket is readable, then call again.
func (a *asking) run(fd uintptr) (over bool) {
	if !a.asked {
		a.asked = true
		return !a.write(fd)
	}
	return a.reading.run(fd)
}

// write checks and writes. It reports false if there is nothing to wait for: the connection is stale or broken, or the
// kernel did not take everything, and the caller goes on the ordinary way.
func (a *asking) write(fd uintptr) (asked bool) {
	switch {
	case peekSocket(fd) != peekNothing:
		a.err = ErrStale
	case !a.writing.run(fd):
		a.err = errRest
	default:
		a.err = a.writing.err
	}
	return a.err == nil
}
