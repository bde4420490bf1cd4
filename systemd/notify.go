package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Notifier says to systemd how the service is. A nil one says nothing.
type Notifier struct {
	conn  *net.UnixConn
	every time.Duration
}

// NewNotifier returns one for a process with these environment variables; nil: systemd wants to hear nothing. An error: the address
// that it names cannot be used.
func NewNotifier(env func(string) string) (*Notifier, error) {
	name := env("NOTIFY_SOCKET")
	if name == "" {
		return nil, nil
	}
	if name[0] != '/' && name[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET %q is neither a path nor an abstract name", name)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"}) // @ stands for a NUL
	if err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	n := &Notifier{conn: conn}
	if pid := env("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
		if usec, err := strconv.ParseUint(env("WATCHDOG_USEC"), 10, 63); err == nil && usec > 0 {
			n.every = time.Duration(min(usec, uint64(time.Hour/time.Microsecond))) * time.Microsecond / 2
		}
	}
	return n, nil
}

// Ready says that the service serves, again after Reloading, and the status that people see.
func (n *Notifier) Ready(status string) error { return n.send("READY=1", "STATUS="+status) }

// Main says that another process is the service's main one, and that it serves. Only the one that was may say so.
func (n *Notifier) Main(pid int, status string) error {
	return n.send("MAINPID="+strconv.Itoa(pid), "READY=1", "STATUS="+status)
}

// Reloading says that the service takes up something new: Ready says when it has.
func (n *Notifier) Reloading(status string) error {
	return n.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(monotonic(), 10), "STATUS="+status)
}

// Stopping says that the service is about to end.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Alive says that the service lives.
func (n *Notifier) Alive() error { return n.send("WATCHDOG=1") }

// Every is how often Alive is to be said, half of what systemd waits for it; 0: it does not.
func (n *Notifier) Every() time.Duration {
	if n == nil {
		return 0
	}
	return n.every
}

// Close lets go of the socket.
func (n *Notifier) Close() {
	if n != nil {
		n.conn.Close()
	}
}

func (n *Notifier) send(lines ...string) error {
	if n == nil {
		return nil
	}
	if err := n.conn.SetWriteDeadline(time.Now().Add(sendMax)); err != nil {
		return err
	}
	for i, l := range lines {
		lines[i] = strings.ReplaceAll(l, "\n", " ")
	}
	_, err := n.conn.Write([]byte(strings.Join(lines, "\n") + "\n"))
	return err
}
