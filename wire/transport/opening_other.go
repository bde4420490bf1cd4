//go:build !linux

package transport

import "net"

// lookInto cannot look here: what is read is read again.
func lookInto(net.Conn, int, Judge) (conn net.Conn, looked bool, err error) { return nil, false, nil }
