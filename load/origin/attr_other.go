//go:build !linux

package origin

import "syscall"

// attributes gives the child a group of its own: when its parent dies the kernel sends an orphaned group with a stopped process
// SIGHUP and SIGCONT, so that a paused child ends too.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitStopped trusts that a signal is handled soon.
func awaitStopped(int) error { return nil }
