// Package transport is the bytes below a protocol: one connection with deadlines, behind an interface of five methods.
//
// It owns Conn, its implementation on net.Conn, the check that a kept connection is still quiet, and Splice, which
// moves bytes between two TCP connections without a copy in user space.
//
// It promises that no method allocates, that a deadline is never early, and that arming deadlines costs no system call
// and almost no time on a busy connection. It knows nothing of HTTP.
package transport
