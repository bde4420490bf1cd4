package transport

import (
	"net"
	"os"
	"syscall"
	"unsafe"
)

// beginning is a look at what a peer sends first, inside the netpoller's callback.
type beginning struct {
	want   string
	begins bool
	err    error
	in     [beginningBytesMax]byte
}

// lookInto is BeginsWith on a TCP connection, which is then read by raw calls like any other. conn is nil where that cannot be.
func lookInto(c net.Conn, want string) (begins bool, conn net.Conn, err error) {
	tcp, ok := c.(*net.TCPConn)
	if !ok || !rawAllowed() {
		return false, nil, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false, nil, nil
	}
	b := &beginning{want: want}
	if err = raw.Read(b.run); err == nil {
		err = b.err
	}
	return b.begins, c, err
}

// run is the callback: false means wait until the socket is readable, then call again. Bytes that stay in the socket do not make
// it so: only those, or the FIN, that come after this look do.
func (b *beginning) run(fd uintptr) (over bool) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b.in)), uintptr(len(b.want)),
			syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == syscall.EAGAIN:
			return false
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			b.err = os.NewSyscallError("read", errno)
			return true
		case n == 0 || string(b.in[:n]) != b.want[:n]:
			return true
		case int(n) == len(b.want):
			b.begins = true
			return true
		}
		return !established(fd) // a FIN stands behind what there is
	}
}
