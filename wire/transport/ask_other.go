//go:build !linux

package transport

import "time"

// asking is nothing here.
type asking struct{}

// Ask cannot be done here: ok is false.
func (n *netConn) Ask(_, _, _ []byte, _ time.Time) (sent int64, got int, ok bool, err error) {
	return 0, 0, false, nil
}
