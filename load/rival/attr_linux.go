package rival

import "syscall"

// attributes puts the program into a group of its own and has the kernel end it when this process dies without Stop.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
