package transport

import (
	"errors"
	"io"
	"time"
)

// Conn is one connection. One goroutine may read while another writes; Interrupt and Close may come from any.
type Conn interface {
	// Read waits until at least one byte is there, at most until by, and returns ErrTimeout, ErrInterrupted, io.EOF or
	// the system's error otherwise. A timeout or an interrupt leaves the connection usable.
	Read(p []byte, by time.Time) (int, error)
	// Write sends head, body and tail, each of which may be nil, in one system call where it can, and returns how many
	// bytes left. It returns ErrTimeout if they were not all taken within patience; it may wait up to twice as long,
	// because looking at the clock for every write would cost more than the exactness is worth.
	Write(head, body, tail []byte, patience time.Duration) (int64, error)
	// Quiet reports whether a kept connection is open and has nothing to read.
	Quiet() bool
	// Interrupt(true) makes a Read that waits, now or later, return ErrInterrupted until Interrupt(false).
	Interrupt(on bool)
	io.Closer
}

// LentReader is a Conn that can wait without memory. ReadLent is Read into memory that is lent only while there is
// something to read. It may return less than a Read would.
type LentReader interface {
	ReadLent(l Lender, by time.Time) (int, error)
}

// A Lender has memory for a read. Return gives it back unused, if any is lent.
type Lender interface {
	Lend() []byte
	Return()
}

// Watcher is a Conn that can tell that its peer has left while nobody reads. gone is called at most once, from another
// goroutine, when the peer has closed its sending side or reset the connection. stop ends the watch and waits until gone is not
// running any more. Until then nobody may read.
type Watcher interface {
	Watch(gone func()) (stop func())
}

// HalfCloser is a Conn whose sending side can be closed alone.
type HalfCloser interface{ CloseWrite() error }

// Asker is a Conn that can write a request on a kept connection and wait for the answer in one step. sent and got are
// how many bytes left and came; both, and ok, can be there without an error when the caller has to go on by Write and Read.
type Asker interface {
	Ask(head, body, in []byte, by time.Time) (sent int64, got int, ok bool, err error)
}

// The errors of a Conn that are not the system's.
var (
	ErrTimeout     = errors.New("the deadline passed")
	ErrInterrupted = errors.New("the read was interrupted")
	ErrStale       = errors.New("the peer closed the kept connection, or sent what nobody asked for")
)
