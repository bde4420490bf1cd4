package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

// Successor is a process that is to replace this one.
type Successor struct {
	process *Process
	line    *line
	os      *os.Process
	ended   chan struct{} // closed when it has ended
	state   string        // how; not before ended is closed
}

// Start runs the program anew, with the same arguments and every open socket, and returns when it says that it would serve. If it does not
// within timeout, or ends, or ctx does, it is killed and the error says what happened: this process is as it was.
//
// The descriptors are passed by syscall.ForkExec because os/exec would make them blocking, which is a property of the socket and
// not of the descriptor: no Accept of this process could be ended any more.
func (p *Process) Start(ctx context.Context, timeout time.Duration) (*Successor, error) {
	s, err := p.begin()
	if err != nil {
		return nil, err
	}
	go s.reap()
	if err := s.awaitReady(ctx, timeout); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// begin starts the process. It alone has the other end of its line then.
func (p *Process) begin() (*Successor, error) {
	ours, theirs, err := newPair(0)
	if err != nil {
		return nil, err
	}
	files := []int{theirs}
	defer func() {
		for _, fd := range files {
			syscall.Close(fd)
		}
	}()
	text, err := p.pass(&files)
	if err != nil {
		ours.close()
		return nil, err
	}
	attr := &syscall.ProcAttr{Env: environment(text), Files: []uintptr{0, 1, 2}}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	pid, err := syscall.ForkExec(p.program, p.args, attr)
	if err != nil {
		ours.close()
		return nil, fmt.Errorf("%s cannot be run: %w", p.program, err)
	}
	ours.pid = pid
	s := &Successor{process: p, line: ours, ended: make(chan struct{})}
	if s.os, err = os.FindProcess(pid); err != nil {
		panic("BUG: a child that cannot be found: " + err.Error())
	}
	return s, nil
}

// pass adds the descriptors for a successor to files, behind that of its line, and returns what Variable is to say.
func (p *Process) pass(files *[]int) (text string, err error) {
	h := handed{Version: handedVersion, From: os.Getpid(), Older: []int{}}
	for _, l := range p.livingOlder() {
		fd, err := duplicate(l.conn)
		if err != nil {
			return "", err
		}
		*files, h.Older = append(*files, fd), append(h.Older, l.pid)
	}
	p.Sockets.mu.Lock()
	defer p.Sockets.mu.Unlock()
	for _, l := range p.Sockets.open {
		fd, err := duplicate(l)
		if err != nil {
			return "", fmt.Errorf("the socket %v: %w", l.Addr(), err)
		}
		*files, h.Sockets = append(*files, fd), append(h.Sockets, socket{l.kind, l.asked})
	}
	b, err := json.Marshal(h)
	return string(b), err
}

// livingOlder are the lines to those before that have not ended, the one that started this process at the end.
func (p *Process) livingOlder() (all []*line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range append(slices.Clone(p.older), p.before) {
		if l != nil && !l.isGone() {
			all = append(all, l)
		}
	}
	return all
}

// reap waits for the end of the process.
func (s *Successor) reap() {
	state, err := s.os.Wait()
	if err != nil {
		s.state = err.Error()
	} else {
		s.state = state.String()
	}
	close(s.ended)
}

// errors of a successor that does not take over.
var errStopped = errors.New("this process was told to stop meanwhile")

func (s *Successor) awaitReady(ctx context.Context, timeout time.Duration) error {
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case <-s.line.ready:
		return nil
	case <-s.ended:
		return fmt.Errorf("process %d ended before it was ready: %s", s.PID(), s.state)
	case <-s.line.gone:
		select { // it is about to end, or is something else, that closes what it does not know
		case <-s.ended:
			return fmt.Errorf("process %d ended before it was ready: %s", s.PID(), s.state)
		case <-time.After(lineGrace):
			return fmt.Errorf("process %d closed the line to this one, on which it would have to say that it is ready", s.PID())
		}
	case <-late.C:
		return fmt.Errorf("process %d was not ready within %v (--upgrade-timeout)", s.PID(), timeout)
	case <-ctx.Done():
		return errStopped
	}
}

// PID is the number of the process.
func (s *Successor) PID() int { return s.line.pid }

// Turn tells it that this process does not accept any more.
func (s *Successor) Turn() { _ = s.line.say(sayTurn) } // it has ended: Try says so

// Tell tells it something, as long as both live; or its own successor. An error: it is too long, or the other has ended or does not hear, and
// will hear nothing more but that something is lost.
func (s *Successor) Tell(b []byte) error { return s.line.tell(b) }

// ToldAll says that nothing more is to be told. Without it the other takes it that something is lost.
func (s *Successor) ToldAll() { _ = s.line.say(sayAll) } // it has ended, or knows already that something is

// Try watches it for a time. An error: it has ended, or ctx has; then it is killed, and this process goes on or ends.
func (s *Successor) Try(ctx context.Context, trial time.Duration) error {
	over := time.NewTimer(trial)
	defer over.Stop()
	var err error
	select {
	case <-over.C:
		return nil
	case <-s.ended:
		err = fmt.Errorf("process %d ended within %v (--upgrade-trial) of being ready: %s", s.PID(), trial, s.state)
	case <-ctx.Done():
		err = errStopped
	}
	s.Kill()
	return err
}

// Proved tells it that it stays and this process goes. Of the processes before, those beyond two are told to end.
func (s *Successor) Proved() {
	p := s.process
	older := p.livingOlder()
	p.mu.Lock()
	p.after = s.line
	p.mu.Unlock()
	p.leave()
	_ = s.line.say(sayProved) // it has ended: then the supervisor of both must start it anew
	for len(older)+1 > olderMax {
		_ = older[0].say(sayEnd) // it has ended meanwhile
		older = older[1:]
	}
}

// EndOlder tells the processes before this one to end, and waits until they have, or for as long as grace. It is for one that serves
// for good and is about to end.
func (p *Process) EndOlder(grace time.Duration) {
	late := time.NewTimer(grace)
	defer late.Stop()
	older := p.livingOlder()
	for _, l := range older {
		_ = l.say(sayEnd) // it has ended meanwhile
	}
	for _, l := range older {
		select {
		case <-l.gone:
		case <-late.C:
			return
		}
	}
}

// Kill ends it, and waits for that. It is for one that has not been proved.
func (s *Successor) Kill() {
	_ = s.os.Kill() // it has ended by itself
	<-s.ended
	s.line.close()
}
