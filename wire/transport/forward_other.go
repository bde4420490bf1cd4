//go:build !linux

package transport

import "time"

// Forwarding is nothing here: bytes go the ordinary way.
type Forwarding struct{}

// NewForwarding returns nil.
func NewForwarding(_, _ Conn, _ Lender, _ func(view []byte)) *Forwarding { return nil }

// Run is never called.
func (*Forwarding) Run(time.Time) (sent, got int, err error) { return 0, 0, ErrStale }
