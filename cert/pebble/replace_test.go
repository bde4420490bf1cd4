package pebble_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runEnv is set in processes that are skerry instead of the tests.
const runEnv = "SKERRY_PEBBLE_RUN"

// row is a row of processes that replace each other.
type row struct {
	t      *testing.T
	dir    string
	newest int
	read   int // of standard error, so far
}

// run starts the first process of a row, which orders from the rig's Pebble.
func (r *rig) run(t *testing.T, args ...string) *row {
	t.Helper()
	w := &row{t: t, dir: t.TempDir()}
	text := "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: site, owner: tests}\nspec:\n  hosts: [\"" + strings.Join(r.node.Hosts, "\", \"") +
		"\"]\n  redirect: https\n  routes:\n  - {name: all, respond: {body: here}}\n"
	must(t, os.WriteFile(filepath.Join(w.dir, "spec.yaml"), []byte(text), 0o600))
	must(t, os.WriteFile(filepath.Join(w.dir, "roots.pem"), []byte(r.pebble.roots), 0o600))
	errs, err := os.Create(filepath.Join(w.dir, "err"))
	must(t, err)
	defer errs.Close()
	cmd := exec.Command(os.Args[0], append([]string{"run", "spec.yaml", "--admin", "", "--log", "", "--data", r.node.Data, "--secrets", ".",
		"--http", r.node.HTTP, "--https", r.node.HTTPS, "--acme-email", "edge@skerry-tests.net", "--acme-ca", r.pebble.url, "--acme-ca-roots", "file:roots.pem"}, args...)...)
	cmd.Env, cmd.Dir, cmd.Stderr = append(os.Environ(), runEnv+"=1"), w.dir, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, cmd.Start())
	w.newest = cmd.Process.Pid
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group: every process of the row
		cmd.Wait()                                      // its outcome is known
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(w.dir, "err"))
			t.Logf("standard error:\n%s", text)
		}
	})
	w.await(`https on ([0-9.:]+)`)
	return w
}

// await waits for a match in what is written from the last one on, and returns its last group.
func (w *row) await(pattern string) (group string) {
	w.t.Helper()
	re := regexp.MustCompile(pattern)
	waitFor(w.t, func() bool {
		text, err := os.ReadFile(filepath.Join(w.dir, "err"))
		must(w.t, err)
		m := re.FindSubmatchIndex(text[w.read:])
		if m != nil {
			group = string(text[w.read+m[len(m)-2] : w.read+m[len(m)-1]])
			w.read += m[1]
		}
		return m != nil
	})
	return group
}

// tries has the newest process start another, and returns its number when it serves.
func (w *row) tries() (pid int) {
	w.t.Helper()
	must(w.t, syscall.Kill(w.newest, syscall.SIGUSR2))
	pid, _ = strconv.Atoi(w.await(`replace ready: process (\d+) serves`))
	return pid
}

// replace has the newest process replaced.
func (w *row) replace() {
	w.t.Helper()
	pid := w.tries()
	w.await(fmt.Sprintf(`process %d is (replaced) by process %d;`, w.newest, pid))
	w.newest = pid
	waitFor(w.t, func() bool { // others write meanwhile: it may stand anywhere
		text, err := os.ReadFile(filepath.Join(w.dir, "err"))
		must(w.t, err)
		return strings.Contains(string(text), fmt.Sprintf("data taken: process %d has", pid))
	})
}

// TestReplacedWhileOrdering: a process is replaced, and the one after it, while a CA is about to check who has ordered. It asks the
// newest process, and the one that has ordered brings the orders to their end: one for each name. What it got is in force in the newest.
func TestReplacedWhileOrdering(t *testing.T) {
	r := newRig(t)
	r.node.Hosts = []string{"n0.skerry-tests.net", "n1.skerry-tests.net", "n2.skerry-tests.net"}
	held, release := r.pebble.holdChecks()
	defer release()
	w := r.run(t, "--upgrade-trial", "50ms")
	for range r.node.Hosts {
		await(t, held)
	}
	first := w.newest
	w.replace()
	w.replace()
	w.await(`(stopped): every connection ended by itself`) // the second, which has nothing under way
	r.ordered(t, len(r.node.Hosts))
	if err := syscall.Kill(first, 0); err != nil {
		t.Fatalf("the process that has ordered: %v", err)
	}
	release()
	for _, name := range r.node.Hosts {
		r.pebble.shown(t, r.node.HTTPS, name, nil)
	}
	w.await(`(stopped): every connection ended by itself`) // the first
	w.replace()
	for _, name := range r.node.Hosts {
		if c := r.pebble.shownNow(t, r.node.HTTPS, name); c.DNSNames[0] != name {
			t.Errorf("%s: a certificate for %v", name, c.DNSNames)
		}
	}
	r.ordered(t, len(r.node.Hosts))
}

// TestReplacedOrdersOnTrial: what a process has ordered that did not stay is there for the next one.
func TestReplacedOrdersOnTrial(t *testing.T) {
	r := newRig(t)
	r.pebble.stop()
	w := r.run(t, "--upgrade-trial", "1h")
	w.await(`certificate (failed): no certificate for ` + regexp.QuoteMeta(host)) // which waits a minute now
	r.pebble.start()
	trial := w.tries()
	r.pebble.shown(t, r.node.HTTPS, host, nil)
	must(t, syscall.Kill(trial, syscall.SIGKILL))
	w.await(`replace (failed): `)
	w.tries()
	r.pebble.shownNow(t, r.node.HTTPS, host)
	r.ordered(t, 1)
}

// TestRest: a process that another one has replaced orders no more; the other renews what both have.
func TestRest(t *testing.T) {
	r := newRig(t)
	c := newClocked(t, r)
	first := r.pebble.shown(t, r.node.HTTPS, host, nil)
	waitFor(t, func() bool { return len(c.events("certificate_issued")) == 1 })
	c.keeper.Rest()
	c.jump(61 * day)
	r.node.HTTPS = farIP + ":" + r.https // the CA goes on asking the first, which answers for both
	other := newClocked(t, r)
	other.jump(61 * day)
	second := r.pebble.shown(t, r.node.HTTPS, host, first)
	waitFor(t, func() bool { return len(other.events("certificate_renewed")) == 1 })
	if got := c.events("certificate_renewed"); len(got) > 0 {
		t.Errorf("the one that rests says %q", got)
	}
	if second.Equal(first) || !r.pebble.shownNow(t, nearIP+":"+r.https, host).Equal(first) {
		t.Error("the one that rests does not serve what it has")
	}
	r.ordered(t, 2)
}

func await(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatal("it never came")
	}
}
