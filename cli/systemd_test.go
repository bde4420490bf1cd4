package cli_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/load/rival"
)

// manager is systemd's end of a row of processes. It hears the main process only, as NotifyAccess=main has it.
type manager struct {
	t     *testing.T
	name  string
	heard chan word
	main  int
}

// word is what a process has said.
type word struct {
	pid  int
	text string
}

func newManager(t *testing.T, name string) *manager {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	raw, err := c.SyscallConn()
	if err == nil {
		cerr := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1) })
		err = errors.Join(err, cerr)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{t: t, name: name, heard: make(chan word, 10_000)} // the system's queue has room for ten
	go func() {
		b, oob := make([]byte, 4096), make([]byte, 128)
		for {
			n, o, _, _, err := c.ReadMsgUnix(b, oob)
			if err != nil {
				return
			}
			w := word{text: string(b[:n])}
			if all, err := syscall.ParseSocketControlMessage(oob[:o]); err == nil && len(all) == 1 {
				if who, err := syscall.ParseUnixCredentials(&all[0]); err == nil {
					w.pid = int(who.Pid)
				}
			}
			m.heard <- w
		}
	}()
	return m
}

// says waits for a match, and passes over WATCHDOG=1 unless it is meant. Nobody but the main process may say anything.
func (m *manager) says(pattern string) {
	m.t.Helper()
	for {
		var got word
		select {
		case got = <-m.heard:
		case <-time.After(patience):
			m.t.Fatalf("it does not say %q", pattern)
		}
		if got.pid != m.main {
			m.t.Errorf("process %d says %q, and %d is the main one", got.pid, got.text, m.main)
		}
		if got.text == "WATCHDOG=1\n" && pattern != "WATCHDOG=1" {
			continue
		}
		if !regexp.MustCompile("^" + pattern + "\n").MatchString(got.text) {
			m.t.Fatalf("it says %q, want a match of %q", got.text, pattern)
		}
		return
	}
}

// TestSystemd: what the process says to systemd over its life, through a reload and a replacement: nothing while it is on trial, nor
// once another is the main process.
func TestSystemd(t *testing.T) {
	r := newRow(t)
	m := newManager(t, filepath.Join(r.dir, "n"))
	r.start("NOTIFY_SOCKET="+m.name+` WATCHDOG_PID=$$ WATCHDOG_USEC=20000 exec "$0" "$@"`, nil, "--http", "127.0.0.1:0", "--upgrade-trial", "200ms")
	m.main = r.newest
	chat := r.chat() // keeps the first process
	m.says(`READY=1\nSTATUS=plan: 1 entrypoint.*`)
	for range 3 {
		m.says("WATCHDOG=1")
	}
	r.signal(syscall.SIGHUP)
	m.says(`RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reload`)
	m.says(`READY=1\nSTATUS=plan: 1 entrypoint.*`)

	restore := r.install("exit 3")
	r.signal(syscall.SIGUSR2)
	m.says(`RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=replacing the process`)
	m.says(`READY=1\nSTATUS=plan: 1 entrypoint.*`)
	restore()

	r.replace()
	m.says(`RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=replacing the process`)
	m.says(fmt.Sprintf(`MAINPID=%d\nREADY=1\nSTATUS=plan: 1 entrypoint.*`, r.newest))
	m.main = r.newest
	for range 5 { // although WATCHDOG_PID was the old one's
		m.says("WATCHDOG=1")
	}
	r.echo(chat, "still there")
	r.signal(syscall.SIGTERM)
	m.says("STOPPING=1")
	r.await(`stopped: every connection ended by itself`)
}

// TestSystemdSocketForNobody: a socket that no flag names is closed, and said.
func TestSystemdSocketForNobody(t *testing.T) {
	r := newRow(t)
	socket, addr := shortQueue(t, 8)
	r.start(`LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`, []*os.File{socket}, "--http", "127.0.0.1:0")
	r.awaitAll(`WARNING: the process was given a socket on `+regexp.QuoteMeta(addr)+`, and no flag says what for`, 1)
}

// deployed reads a file of deploy/.
func deployed(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// knownFlags fails if a command line of `skerry run` has a flag that there is not.
func knownFlags(t *testing.T, words []string) {
	t.Helper()
	help, err := runSkerry(t.TempDir(), "run", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		if strings.HasPrefix(w, "--") && !strings.Contains(help, w+" ") {
			t.Errorf("skerry run has no flag %s", w)
		}
	}
}

// TestUnit: the unit says what replacing the process needs, and systemd finds nothing wrong with it.
func TestUnit(t *testing.T) {
	unit := deployed(t, "skerry.service")
	var start string
	for _, want := range []string{
		"Type=notify", "NotifyAccess=main", "ExecReload=/bin/kill -HUP $MAINPID", "WatchdogSec=30s", "Restart=always", "User=skerry", "NoNewPrivileges=yes",
		"CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "ProtectSystem=strict", "StateDirectory=skerry", "WantedBy=multi-user.target",
	} {
		if !slices.Contains(strings.Split(unit, "\n"), want) {
			t.Errorf("it does not say %s", want)
		}
	}
	for line := range strings.Lines(unit) {
		if rest, ok := strings.CutPrefix(line, "ExecStart="); ok {
			start = rest
		}
	}
	knownFlags(t, strings.Fields(start))
	if missing := rival.Missing("systemd-analyze"); missing != "" {
		t.Logf("systemd has not looked at it: %s", missing)
		return
	}
	program, err := exec.LookPath("skerry")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "skerry.service")
	if err := os.WriteFile(copied, []byte(strings.ReplaceAll(unit, "/usr/local/bin/skerry", program)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", copied).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "skerry.service") { // others are about units of this machine
			t.Errorf("systemd: %s", line)
		}
	}
	if err != nil {
		t.Errorf("systemd-analyze verify: %v", err)
	}
}

// TestContainerfile: nothing but the binary, certificates and a directory, and not root.
func TestContainerfile(t *testing.T) {
	stages := strings.Split(deployed(t, "Containerfile"), "\nFROM ")
	last := strings.Split(strings.TrimSpace(stages[len(stages)-1]), "\n")
	if last[0] != "scratch" {
		t.Errorf("the last stage begins with %q", last[0])
	}
	if !strings.Contains(stages[1], "CGO_ENABLED=0 go build -trimpath") {
		t.Error("the binary is not static")
	}
	var cmd []string
	user := ""
	for _, line := range last[1:] {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "COPY", "VOLUME", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT":
		case "USER":
			user = rest
		case "CMD":
			cmd = strings.FieldsFunc(rest, func(c rune) bool { return strings.ContainsRune(`[]", `, c) })
		default:
			t.Errorf("what is %q?", line)
		}
	}
	if user != "65532:65532" {
		t.Errorf("it runs as %q", user)
	}
	if len(cmd) == 0 || cmd[0] != "run" {
		t.Errorf("the command is %q", cmd)
	}
	knownFlags(t, cmd)
}
