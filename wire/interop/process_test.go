package interop_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/cli"
)

// childEnv is set in processes that are skerry instead of the tests.
const childEnv = "SKERRY_INTEROP_CHILD"

// runChild is the life of such a process; it returns in the one of the tests.
func runChild() {
	if _, ok := os.LookupEnv(childEnv); ok {
		os.Exit(cli.Main(os.Args[1:]))
	}
}

// row is a row of processes that replace each other. The newest is the one that is signalled.
type row struct {
	t          *testing.T
	dir        string
	newest     int
	read       int // of standard error, so far
	http       string
	https, h2c string
}

// startRow starts the first process, on a spec.
func startRow(t *testing.T, spec string, args ...string) *row {
	t.Helper()
	r := &row{t: t, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(r.dir, "spec.yaml"), []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}
	errs, err := os.Create(filepath.Join(r.dir, "err"))
	if err != nil {
		t.Fatal(err)
	}
	defer errs.Close()
	cmd := exec.Command(os.Args[0], append([]string{"run", "spec.yaml", "--admin", "", "--log", "log", "--data", "data", "--drain-delay", "0s",
		"--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--h2c", "127.0.0.1:0"}, args...)...)
	// Programs under the race detector would sleep for a second at their end.
	cmd.Env, cmd.Dir, cmd.Stderr = append(os.Environ(), childEnv+"=1", "GORACE=atexit_sleep_ms=10"), r.dir, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.newest = cmd.Process.Pid
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group: every process of the row
		cmd.Wait()                                      // its outcome is known
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(r.dir, "err"))
			t.Logf("standard error:\n%s", text)
		}
	})
	r.http = r.await(`http on ([0-9.:]+)`)
	r.https = r.await(`https on ([0-9.:]+)`)
	r.h2c = r.await(`h2c on ([0-9.:]+)`)
	return r
}

// await waits for a match in what is written from the last one on, and returns its last group.
func (r *row) await(pattern string) (group string) {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	for by := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(r.dir, "err"))
		if err != nil {
			r.t.Fatal(err)
		}
		if m := re.FindSubmatchIndex(text[r.read:]); m != nil {
			group = string(text[r.read+m[len(m)-2] : r.read+m[len(m)-1]])
			r.read += m[1]
			return group
		}
		if time.Now().After(by) {
			r.t.Fatalf("after %v: no match of %q", patience, pattern)
		}
	}
}

// replace has the newest process replaced.
func (r *row) replace() {
	r.t.Helper()
	if err := syscall.Kill(r.newest, syscall.SIGUSR2); err != nil {
		r.t.Fatal(err)
	}
	old := r.newest
	r.newest, _ = strconv.Atoi(r.await(fmt.Sprintf(`process %d is replaced by process (\d+);`, old)))
	for by := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) { // others write meanwhile: it may stand anywhere
		text, err := os.ReadFile(filepath.Join(r.dir, "err"))
		if err != nil {
			r.t.Fatal(err)
		}
		if bytes.Contains(text, fmt.Appendf(nil, "data taken: process %d has", r.newest)) {
			return
		}
		if time.Now().After(by) {
			r.t.Fatalf("process %d has not taken --data", r.newest)
		}
	}
}

// trusting is how clients do TLS with the row.
func (r *row) trusting() *tls.Config {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "data", "local-ca", "ca.pem"))
	if err != nil {
		r.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool}
}
