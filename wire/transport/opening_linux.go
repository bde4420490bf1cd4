package transport

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// opening is a look at what a peer sends first, inside the netpoller's callback.
type opening struct {
	judge Judge
	size  int
	err   error
}

// lookInto is Open on a TCP connection, which is then read by raw calls like any other. looked is false where that cannot be.
func lookInto(c net.Conn, size int, judge Judge) (conn net.Conn, looked bool, err error) {
	tcp := tcpOf(c)
	if tcp == nil || !rawAllowed() {
		return nil, false, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, false, nil
	}
	o := &opening{judge: judge, size: size}
	if err = raw.Read(o.run); err == nil {
		err = o.err
	}
	return c, true, err
}

// run is the callback: false means wait until the socket is readable, then call again. Bytes that stay in the socket do not make
// it so: only those, or the FIN, that come after this look do.
func (o *opening) run(fd uintptr) (over bool) {
	piece := openings.Get().(*[openingBytesMax]byte)
	defer openings.Put(piece)
	for ended := false; ; ended = true {
		n, errno := receive(fd, piece[:o.size], syscall.MSG_PEEK)
		switch {
		case errno == syscall.EAGAIN:
			return false
		case errno != 0:
			o.err = os.NewSyscallError("read", errno)
			return true
		}
		take, over := show(o.judge, piece[:n], o.size, ended || n == 0)
		switch {
		case over:
			o.take(fd, piece[:take])
			return true
		case !hasLeft(fd):
			return false
		}
		// A FIN stands behind what there is, or behind what has come since.
	}
}

// take takes what a look has seen.
func (o *opening) take(fd uintptr, seen []byte) {
	if len(seen) == 0 {
		return
	}
	switch n, errno := receive(fd, seen, 0); {
	case errno != 0:
		o.err = os.NewSyscallError("read", errno)
	case n != len(seen):
		o.err = io.ErrUnexpectedEOF // somebody else reads
	}
}

// receive reads what there is, without waiting; 0 and no error is the end.
func receive(fd uintptr, in []byte, flags uintptr) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&in[0])), uintptr(len(in)),
			flags|syscall.MSG_DONTWAIT, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
