package transport

import (
	"syscall"
	"unsafe"
)

// peekSocket looks at a socket without taking anything from it and without waiting. It is a raw system call because
// syscall.Recvfrom allocates the sender's address.
func peekSocket(fd uintptr) peekResult {
	var b [1]byte
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b)), 1,
		syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	switch {
	case errno == syscall.EAGAIN:
		return peekNothing
	case errno != 0 || n == 0:
		return peekGone
	}
	return peekData
}
