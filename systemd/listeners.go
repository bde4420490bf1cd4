package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstFD is the first descriptor that systemd passes.
const firstFD = 3

// Listeners returns the sockets with which systemd has started this process, if it has. An error: one of them is no listening socket.
func Listeners(env func(string) string) (all []net.Listener, err error) {
	if env("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(env("LISTEN_FDS"))
	if err != nil || n < 0 || n > socketsMax {
		return nil, fmt.Errorf("LISTEN_FDS %q is no number from 0 to %d", env("LISTEN_FDS"), socketsMax)
	}
	for fd := firstFD; fd < firstFD+n; fd++ {
		f := os.NewFile(uintptr(fd), "socket")
		l, lerr := net.FileListener(f)
		f.Close()
		if lerr != nil {
			err = fmt.Errorf("LISTEN_FDS: descriptor %d is no listening socket: %w", fd, lerr)
			continue
		}
		all = append(all, l)
	}
	if err != nil {
		for _, l := range all {
			l.Close()
		}
		return nil, err
	}
	return all, nil
}
