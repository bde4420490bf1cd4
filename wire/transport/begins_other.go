//go:build !linux

package transport

import "net"

// lookInto cannot look here: what is read is read again.
func lookInto(net.Conn, string) (begins bool, conn net.Conn, err error) { return false, nil, nil }
