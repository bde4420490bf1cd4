package systemd_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/systemd"
)

// env is an environment of a few variables.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// manager is systemd's end.
func manager(t *testing.T) (name string, next func() string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "n")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return name, func() string {
		t.Helper()
		b := make([]byte, 4096)
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func TestNotifier(t *testing.T) {
	name, next := manager(t)
	n, err := systemd.NewNotifier(env("NOTIFY_SOCKET", name))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	f := func(err error, want string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got := next(); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
	f(n.Ready("two\nlines"), "READY=1\nSTATUS=two lines\n")
	f(n.Main(17, "x"), "MAINPID=17\nREADY=1\nSTATUS=x\n")
	f(n.Stopping(), "STOPPING=1\n")
	f(n.Alive(), "WATCHDOG=1\n")
	var last int64
	for range 2 {
		if err := n.Reloading("x"); err != nil {
			t.Fatal(err)
		}
		var usec int64
		if got := next(); !strings.HasPrefix(got, "RELOADING=1\n") {
			t.Errorf("it says %q", got)
		} else if _, err := fmt.Sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%d\n", &usec); err != nil || usec <= last {
			t.Errorf("the clock is not later than %d in %q: %v", last, got, err)
		}
		last = usec
	}
	if n.Every() != 0 {
		t.Errorf("a watchdog that nobody asked for, every %v", n.Every())
	}
}

func TestNotifierWatchdog(t *testing.T) {
	name, _ := manager(t)
	f := func(pid, usec string, want time.Duration) {
		t.Helper()
		n, err := systemd.NewNotifier(env("NOTIFY_SOCKET", name, "WATCHDOG_PID", pid, "WATCHDOG_USEC", usec))
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if n.Every() != want {
			t.Errorf("WATCHDOG_PID %q, WATCHDOG_USEC %q: every %v, want %v", pid, usec, n.Every(), want)
		}
	}
	me := strconv.Itoa(os.Getpid())
	f(me, "30000000", 15*time.Second)
	f("", "30000000", 15*time.Second)
	f("1", "30000000", 0)
	f(me, "", 0)
	f(me, "-1", 0)
	f(me, "9223372036854775807", 30*time.Minute)
}

func TestNotifierWithoutSystemd(t *testing.T) {
	n, err := systemd.NewNotifier(env())
	if n != nil || err != nil {
		t.Fatal(n, err)
	}
	if n.Ready("x") != nil || n.Every() != 0 {
		t.Error("a notifier that is none does something")
	}
	n.Close()
	for _, name := range []string{"relative", filepath.Join(t.TempDir(), "nobody")} {
		if _, err := systemd.NewNotifier(env("NOTIFY_SOCKET", name)); err == nil || !strings.HasPrefix(err.Error(), "NOTIFY_SOCKET") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListeners(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	f := func(want string, pairs ...string) {
		t.Helper()
		all, err := systemd.Listeners(env(pairs...))
		if len(all) != 0 || want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v: %v, %v, want %q", pairs, all, err, want)
		}
	}
	f("")
	f("", "LISTEN_PID", "1", "LISTEN_FDS", "1")
	f("", "LISTEN_PID", me, "LISTEN_FDS", "0")
	f("is no number from 0 to 1024", "LISTEN_PID", me, "LISTEN_FDS", "-1")
	f("is no number from 0 to 1024", "LISTEN_PID", me, "LISTEN_FDS", "4000000000")
}
