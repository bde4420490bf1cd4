//go:build !linux

package transport

import "time"

// Pipe is nothing here: bytes go the ordinary way.
type Pipe struct{}

// GetPipe returns nil: there is no way through the kernel.
func GetPipe() *Pipe { return nil }

// Release does nothing.
func (*Pipe) Release() {}

// CanSplice reports false.
func CanSplice(_, _ Conn) bool { return false }

// Fill is never called.
func Fill(*Pipe, Conn, int64, time.Time) (int64, error) { return 0, ErrStale }

// Drain is never called.
func Drain(Conn, *Pipe, time.Duration) (int64, error) { return 0, ErrStale }

func (n *netConn) drainOnce(*Pipe) (int64, error) { return 0, ErrStale }
