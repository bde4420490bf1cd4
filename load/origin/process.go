package origin

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"skerry.dev/skerry/load/rival"
)

// A Process is one endpoint. Its methods may be called from any goroutine, one after the other takes effect.
type Process struct {
	addr string

	mu      sync.Mutex
	mode    Mode
	journal *journal // nil after Stop
	child   *child   // nil while there is none
	paused  bool
}

// child is one life of the process.
type child struct {
	cmd     *exec.Cmd
	control *os.File // commands to it
	answers *os.File // and its answers
	reader  *bufio.Reader
	errors  tail
	ended   chan struct{}
}

var (
	errStopped = errors.New("the endpoint was stopped for good: start another")
	errDead    = errors.New("the endpoint's process does not run: Restart it first")
	errPaused  = errors.New("the endpoint's process is paused: Resume it first")
	errChild   = errors.New("an endpoint's process runs the whole program: main or TestMain must call origin.IsChild first")
	errAlive   = errors.New("the endpoint's process runs: Kill it first")
)

// Start starts an endpoint on a free loopback port and returns when it behaves as m says. The program must call IsChild as the package
// comment says; if it does not, Start fails after some seconds.
func Start(m Mode) (*Process, error) {
	if IsChild() {
		return nil, errChild
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	j, err := newJournal()
	if err != nil {
		return nil, err
	}
	p := &Process{mode: m, journal: j}
	for range portTries {
		if p.addr, err = rival.FreeAddr(); err != nil {
			break
		}
		if err = p.Restart(); err == nil {
			return p, nil
		}
		if !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			break
		}
	}
	p.Stop()
	return nil, err
}

// Addr is the endpoint's address, host:port; it stays the same for the life of p.
func (p *Process) Addr() string { return p.addr }

// URL is the address as an endpoint of a service.
func (p *Process) URL() string { return "http://" + p.addr }

// Mode changes how the endpoint behaves, and returns when it does. Answers under way go on as they were, but those of AnswerNever end.
func (p *Process) Mode(m Mode) error {
	if err := m.check(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.child == nil:
		return errDead
	case p.paused:
		return errPaused
	}
	if err := p.child.order(m); err != nil {
		return err
	}
	p.mode = m
	return nil
}

// Pause stops the process (SIGSTOP) and returns when it stands: the kernel goes on taking connections and bytes for it.
func (p *Process) Pause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.child == nil:
		return errDead
	case p.paused:
		return nil
	}
	if err := p.child.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	p.paused = true
	return awaitStopped(p.child.cmd.Process.Pid)
}

// Resume lets a paused process go on; it does nothing to one that runs.
func (p *Process) Resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child == nil {
		return errDead
	}
	p.paused = false
	return p.child.cmd.Process.Signal(syscall.SIGCONT)
}

// Kill ends the process by SIGKILL, paused or not, and returns when its sockets are gone; it does nothing to one that has ended.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kill()
}

func (p *Process) kill() {
	if p.child != nil {
		p.child.kill()
	}
	p.child, p.paused = nil, false
}

// Restart starts a killed endpoint again, on the same port, in the mode it had last, and returns when it listens.
func (p *Process) Restart() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.journal == nil:
		return errStopped
	case p.child != nil:
		return errAlive
	}
	c, err := startChild(p.addr, p.journal.file)
	if err != nil {
		return err
	}
	if err := c.order(p.mode); err != nil {
		c.kill()
		return err
	}
	p.child = c
	return nil
}

// Seen is what has arrived so far, over all restarts. It never waits for the process.
func (p *Process) Seen() (Seen, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.journal == nil {
		return Seen{}, errStopped
	}
	return p.journal.read()
}

// Stop ends the endpoint for good; it may be called more than once.
func (p *Process) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kill()
	if p.journal != nil {
		p.journal.file.Close()
		p.journal = nil
	}
}

func startChild(addr string, notes *os.File) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	commands, control, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answers, replies, err := os.Pipe()
	if err != nil {
		commands.Close()
		control.Close()
		return nil, err
	}
	c := &child{control: control, answers: answers, reader: bufio.NewReader(answers), ended: make(chan struct{})}
	c.cmd = exec.Command(self, childArgument, addr)
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = commands, replies, &c.errors
	c.cmd.ExtraFiles = []*os.File{notes}
	c.cmd.SysProcAttr = attributes()
	err = c.cmd.Start()
	commands.Close()
	replies.Close()
	if err != nil {
		control.Close()
		answers.Close()
		return nil, fmt.Errorf("start an endpoint: %w", err)
	}
	go func() {
		c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// order sends a mode and waits until it holds.
func (c *child) order(m Mode) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	limit := time.Now().Add(controlWait)
	c.control.SetWriteDeadline(limit)
	c.answers.SetReadDeadline(limit)
	if _, err := c.control.Write(append(line, '\n')); err != nil {
		return c.lost(err)
	}
	answer, err := c.reader.ReadString('\n')
	switch answer = strings.TrimSpace(answer); {
	case err != nil:
		return c.lost(err)
	case answer != answerDone:
		return errors.New(answer)
	}
	return nil
}

// lost is the error of a child that does not answer.
func (c *child) lost(err error) error {
	c.kill() // so that its standard error is complete
	return fmt.Errorf("the endpoint's process does not answer within %v; does main or TestMain call origin.IsChild first? %w %s", controlWait, err, c.errors.text())
}

func (c *child) kill() {
	c.cmd.Process.Kill()
	<-c.ended
	c.control.Close()
	c.answers.Close()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	t.kept = t.kept[max(0, len(t.kept)-stderrBytesMax):]
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}
