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
			err := n.raw.Read(func(fd uintptr) bool { left = !established(fd); return left })
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

// established reports whether neither side of a socket has ended it.
func established(fd uintptr) bool {
	const tcpInfo, stateEstablished = 11, 1 // TCP_INFO, whose first byte is the state; TCP_ESTABLISHED
	var state [4]byte
	size := uint32(len(state))
	_, _, errno := syscall.RawSyscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, tcpInfo,
		uintptr(unsafe.Pointer(&state)), uintptr(unsafe.Pointer(&size)), 0)
	return errno == 0 && state[0] == stateEstablished
}
