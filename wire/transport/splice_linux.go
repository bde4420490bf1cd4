package transport

import (
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A Pipe carries bytes from one TCP connection to another inside the kernel, without a copy in user space. One
// goroutine uses it, between GetPipe and Release.
type Pipe struct {
	r, w    int
	inside  int // bytes that were filled in and not drained
	cleanup runtime.Cleanup

	most  int
	got   int
	err   error
	sent  int64
	fill  func(fd uintptr) bool
	drain func(fd uintptr) bool
}

// pipes holds the ones that wait for use, empty. One that the garbage collector takes is closed.
var pipes sync.Pool

// GetPipe returns an empty pipe, nil if there is none to be had: then bytes go the ordinary way.
func GetPipe() *Pipe {
	if p, ok := pipes.Get().(*Pipe); ok {
		return p
	}
	var fds [2]int
	if syscall.Pipe2(fds[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		return nil
	}
	const setPipeSize = 1031 // F_SETPIPE_SZ
	// A smaller pipe, where the system's limit is lower, works too.
	_, _, _ = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fds[1]), setPipeSize, pipeBytes)
	p := &Pipe{r: fds[0], w: fds[1]}
	p.fill, p.drain = p.fillFrom, p.drainTo
	p.cleanup = runtime.AddCleanup(p, closeBoth, fds)
	return p
}

func closeBoth(fds [2]int) {
	syscall.Close(fds[0])
	syscall.Close(fds[1])
}

// Release gives the pipe back, or closes it if there are bytes in it that nobody will take.
func (p *Pipe) Release() {
	if p.inside == 0 {
		pipes.Put(p)
		return
	}
	p.cleanup.Stop()
	closeBoth([2]int{p.r, p.w})
}

// CanSplice reports whether bytes can go from src to dst through a Pipe.
func CanSplice(dst, src Conn) bool { return rawOf(dst) != nil && rawOf(src) != nil }

// rawOf is a connection that is read and written by raw calls; nil if it is not one.
func rawOf(c Conn) *netConn {
	if n, ok := c.(*netConn); ok && n.tcp != nil && n.raw != nil {
		return n
	}
	return nil
}

// Fill waits until bytes have come from src, at most until by, and takes up to most of them into the pipe, which must be
// empty. Its errors are those of Conn.Read; nothing is lost by them.
func Fill(p *Pipe, src Conn, most int64, by time.Time) (int64, error) {
	p.most = int(min(most, pipeBytes))
	n, err := src.(*netConn).readUntil(by, p)
	p.inside += n
	return int64(n), err
}

// Drain gives what is in the pipe to dst. Its errors are those of Conn.Write; bytes may be lost by them.
func Drain(dst Conn, p *Pipe, patience time.Duration) (int64, error) {
	return dst.(*netConn).writePatiently(patience, p)
}

// spliceFlags are SPLICE_F_MOVE and SPLICE_F_NONBLOCK.
const spliceFlags = 1 | 2

// fillFrom is the callback on the source: false means wait until it is readable, then call again. The pipe is empty, so
// that EAGAIN can only be the socket's.
func (p *Pipe) fillFrom(fd uintptr) (over bool) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SPLICE, fd, 0, uintptr(p.w), 0, uintptr(p.most), spliceFlags)
		switch {
		case errno == syscall.EAGAIN:
			return false
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			p.err = os.NewSyscallError("splice", errno)
		case n == 0:
			p.err = io.EOF
		default:
			p.got = int(n)
		}
		return true
	}
}

// drainTo is the callback on the taker: false means wait until it is writable, then call again.
func (p *Pipe) drainTo(fd uintptr) (over bool) {
	for p.inside > 0 {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SPLICE, uintptr(p.r), 0, fd, 0, uintptr(p.inside), spliceFlags)
		switch {
		case errno == syscall.EAGAIN:
			return false
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			p.err = os.NewSyscallError("splice", errno)
			return true
		}
		p.inside -= int(n)
		p.sent += int64(n)
	}
	return true
}

// once fills the pipe from n, waiting until the armed deadline.
func (p *Pipe) once(n *netConn) (int, error) {
	p.got, p.err = 0, nil
	if err := n.raw.Read(p.fill); err != nil {
		return 0, err
	}
	return p.got, p.err
}

func (n *netConn) drainOnce(p *Pipe) (int64, error) {
	p.sent, p.err = 0, nil
	err := n.raw.Write(p.drain)
	if err == nil {
		err = p.err
	}
	return p.sent, err
}
