package transport

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// On Linux a TCP connection is read and written by raw system calls inside the netpoller's callbacks. The sockets never
// block, so the scheduler need not be told of each call: that saves it two state changes a call, and keeps its watchdog
// from waking up to take the processor away from a goroutine that is in the kernel for some microseconds.

// reading is the one raw read a connection makes at a time.
type reading struct {
	in       []byte
	lender   Lender // of in, which is nil while there is nothing to read; nil: in is there all the time
	got      int
	err      error
	callback func(fd uintptr) bool
}

// run is the callback: false means wait until the socket is readable, then call again.
func (r *reading) run(fd uintptr) (over bool) {
	if r.in == nil {
		r.in = r.lender.Lend()
	}
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&r.in[0])), uintptr(len(r.in)), 0, 0, 0)
		switch {
		case errno == syscall.EAGAIN:
			r.giveBack()
			return false
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			r.err = os.NewSyscallError("read", errno)
			r.giveBack()
		case n == 0:
			r.err = io.EOF
			r.giveBack()
		default:
			r.got = int(n)
		}
		return true
	}
}

// giveBack lets go of lent memory that nothing was read into.
func (r *reading) giveBack() {
	if r.lender != nil {
		r.lender.Return()
		r.in = nil
	}
}

func (r *reading) begin(in []byte) {
	if r.callback == nil {
		r.callback = r.run
	}
	r.in, r.lender, r.got, r.err = in, nil, 0, nil
}

// beginLent begins a read into memory that is lent when there is something.
func (r *reading) beginLent(l Lender) {
	r.begin(nil)
	r.lender = l
}

// once waits for bytes until the armed deadline.
func (r *reading) once(n *netConn) (int, error) {
	callback := r.callback
	switch {
	case len(r.in) == 0 && r.lender == nil:
		return n.conn.Read(r.in)
	case n.below != nil:
		callback = n.records
	case n.tcp == nil:
		return n.conn.Read(r.in)
	}
	if err := n.raw.Read(callback); err != nil {
		return 0, err
	}
	return r.got, r.err
}

// writing is the one raw write a connection makes at a time; it goes on where it was after a wait.
type writing struct {
	parts    [3]syscall.Iovec
	first    int // of parts, the first with something left
	count    int
	sent     int64
	err      error
	callback func(fd uintptr) bool
}

// begin takes up to three pieces, some of which may be empty.
func (w *writing) begin(pieces [3][]byte) {
	w.first, w.count = 0, 0
	for _, p := range pieces {
		if len(p) > 0 {
			w.parts[w.count].Base = &p[0]
			w.parts[w.count].SetLen(len(p))
			w.count++
		}
	}
}

// end lets go of the pieces.
func (w *writing) end() { w.parts = [3]syscall.Iovec{} }

// run is the callback: false means wait until the socket is writable, then call again.
func (w *writing) run(fd uintptr) (over bool) {
	for w.first < w.count {
		sent, errno := w.send(fd)
		switch {
		case errno == syscall.EAGAIN:
			return false
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			w.err = os.NewSyscallError("write", errno)
			return true
		}
		w.advance(uint64(sent))
	}
	return true
}

// send makes one call, where one piece is left one that is cheaper than a vector. sendto and recvfrom reach the socket
// without the layer of files, which read and write pass through.
func (w *writing) send(fd uintptr) (sent uintptr, errno syscall.Errno) {
	p := &w.parts[w.first]
	if w.count-w.first == 1 {
		sent, _, errno = syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(p.Base)), uintptr(p.Len), syscall.MSG_NOSIGNAL, 0, 0)
	} else {
		sent, _, errno = syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(p)), uintptr(w.count-w.first))
	}
	return sent, errno
}

// advance skips what was sent.
func (w *writing) advance(sent uint64) {
	w.sent += int64(sent)
	for sent > 0 {
		p := &w.parts[w.first]
		size := uint64(p.Len)
		if sent < size {
			p.Base = (*byte)(unsafe.Add(unsafe.Pointer(p.Base), sent))
			p.SetLen(int(size - sent))
			return
		}
		sent -= size
		w.first++
	}
}

// beginWrite takes the pieces of a write, endWrite lets go of them.
func (n *netConn) beginWrite() { n.writing.begin(n.vec) }

func (n *netConn) endWrite() { n.writing.end() }

// writeOnce sends what is left until the armed deadline.
func (n *netConn) writeOnce() (sent int64, err error) { return n.writing.once(n.raw) }

// once sends what is left, waiting until the armed deadline.
func (w *writing) once(raw syscall.RawConn) (sent int64, err error) {
	if w.callback == nil {
		w.callback = w.run
	}
	w.sent, w.err = 0, nil
	if err = raw.Write(w.callback); err == nil {
		err = w.err
	}
	return w.sent, err
}
