package transport

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Watch waits in a goroutine for the peer to leave. Bytes it sends meanwhile stay where they are: the state of the socket
// tells whether a FIN stands behind them.
func (n *netConn) Watch(gone func()) (stop func()) {
	if n.raw == nil {
		return func() {}
	}
	var stopped atomic.Bool
	done := make(chan struct{})
	if n.conn.SetReadDeadline(time.Time{}) != nil {
		return func() {} // closed: whoever uses it next will see
	}
	go func() {
		defer close(done)
		left := false
		for !stopped.Load() {
			err := n.raw.Read(func(fd uintptr) bool { left = hasLeft(fd); return left })
			if left {
				break
			}
			if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
				return // closed on our side
			}
			if !stopped.Load() { // an Interrupt, which is not for a watcher
				_ = n.conn.SetReadDeadline(time.Time{})
			}
		}
		if left && !stopped.Load() {
			gone()
		}
	}()
	return func() {
		stopped.Store(true)
		// The error would be that of a closed connection, on which nobody waits.
		_ = n.conn.SetReadDeadline(time.Unix(1, 0))
		<-done
		n.read = time.Unix(1, 0) // armed, and over: the next read arms its own
	}
}

// hasLeft reports whether the peer has ended its side of a socket, or the connection is broken. The state that TCP_INFO tells would not do:
// of a connection of several paths (RFC 8684), which net.Listen accepts, it is one path's.
func hasLeft(fd uintptr) bool {
	const readHangup = 0x2000 // POLLRDHUP; errors are always told
	for {
		ask := struct {
			fd          int32
			asked, told int16
		}{fd: int32(fd), asked: readHangup}
		var now syscall.Timespec // do not wait
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&ask)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
		if errno != syscall.EINTR {
			return errno != 0 || ask.told != 0
		}
	}
}
