package cli

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// successor is an edge in a process of its own, as `skerry run` starts it, and what it says.
type successor struct {
	stage demoStage // where its clients find it
	cmd   *exec.Cmd
	said  *bufio.Scanner // by all processes of its row: ends when the last of them does
	pid   int            // of the process that serves now
}

// start runs this program with the documents of the demo, and returns when it serves.
func (s *demoStage) start() (p *successor, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	specs := filepath.Dir(s.specName)
	data := filepath.Join(filepath.Dir(specs), "replaced")
	p = &successor{cmd: exec.Command(program, "run", specs, "--https", "127.0.0.1:0", "--admin", "", "--log", "", "--data", data,
		"--upgrade-trial", demoTrial.String(), "--drain-delay", "0s")}
	said, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p.said = bufio.NewScanner(said)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.pid = p.cmd.Process.Pid
	p.stage.https = p.hear(`^skerry: https on (.*)$`)
	root, err := os.ReadFile(filepath.Join(data, "local-ca", "ca.pem"))
	p.stage.roots = x509.NewCertPool()
	if err == nil && (p.stage.https == "" || !p.stage.roots.AppendCertsFromPEM(root)) {
		err = fmt.Errorf("%s run %s does not serve", program, specs)
	}
	if err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// hear waits for a line of the process, and returns what the pattern's group matches; empty: it ended before.
func (p *successor) hear(pattern string) string {
	line := regexp.MustCompile(pattern)
	for p.said.Scan() {
		if m := line.FindSubmatch(bytes.TrimSpace(p.said.Bytes())); m != nil {
			return string(m[1])
		}
	}
	return ""
}

// replace has another process take over, and returns when the first has ended. False: nothing of the kind happened.
func (p *successor) replace() bool {
	if p.cmd.Process.Signal(syscall.SIGUSR2) != nil {
		return false
	}
	next, err := strconv.Atoi(p.hear(`^skerry: (?:replace failed: .*|process \d+ is replaced by process (\d+);.*)$`))
	if err != nil {
		return false
	}
	p.pid = next
	return p.hear(`^skerry: process \d+ stopped: (.*)$`) == "every connection ended by itself"
}

// end stops the process that serves now, and waits for all of its row: what they say ends with the last of them.
func (p *successor) end() {
	_ = syscall.Kill(p.pid, syscall.SIGTERM) // it has ended by itself
	for p.said.Scan() {
	}
	_ = p.cmd.Wait() // how the first of the row ended was said before
}

// stepReplace puts another process in the place of an edge that is busy.
func stepReplace(w *presenter, s *demoStage) {
	const conns = 8
	p, err := s.start()
	if err != nil {
		w.check(false, "an edge in a process of its own: %v", err)
		return
	}
	defer p.end()
	first := p.pid
	l := demoLoad{stop: make(chan struct{})}
	for range conns {
		l.conns.Go(func() { l.run(&p.stage) })
	}
	busy := await(func() bool { return l.sent.Load() > 100 })
	replaced := p.replace()
	at := l.sent.Load()
	busy = busy && await(func() bool { return l.sent.Load() > at+100 })
	close(l.stop)
	l.conns.Wait()
	w.check(replaced, "process %d got SIGUSR2 and started process %d, which took the socket; the first ended", first, p.pid)
	w.check(busy && l.failed.Load() == 0, "%s on %s meanwhile, %d failed", count(int(l.sent.Load()), "request"), count(conns, "connection"), l.failed.Load())
}
