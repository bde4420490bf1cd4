package handover

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Variable is the environment variable by which a process learns what it was given. It is for one process: who reads it unsets it.
const Variable = "SKERRY_HANDOVER"

// handedVersion is raised when a program that knows only lower ones would misunderstand what Variable says. It ignores what it does not know, so
// what may be ignored needs no new version; more descriptors go behind the others.
const handedVersion = 1

// handed is what Variable says. Descriptors are numbered from firstFD on in the order: line to the process that starts this one, lines
// to older ones, sockets.
type handed struct {
	Version int      `json:"version"` // handedVersion
	From    int      `json:"from"`    // number of the process that starts this one
	Older   []int    `json:"older"`   // numbers of older ones that have not ended, the oldest first
	Sockets []socket `json:"sockets"`
}

type socket struct {
	Kind string `json:"kind"`
	Addr string `json:"addr"` // as it was asked for: the port may be 0
}

// firstFD follows standard input, output and error.
const firstFD = 3

// Process is this process in the row of those that replace each other.
type Process struct {
	Sockets Sockets

	program string
	args    []string
	before  *line // to the process that started this one; nil: it is the first

	joining sync.WaitGroup // older lines are heard when the one before has left them

	mu    sync.Mutex
	older []*line // to those before that one, the oldest first
	after *line   // to the process that is to replace this one; nil: there is none
}

// Begin says what the process was started as: args[0] is the program, whose file is looked up now, so that a new file at the same path is
// what Start runs; text is what Variable says, empty for the first of a row. Its descriptors belong to the Process then.
func Begin(args []string, text string) (*Process, error) {
	p := &Process{args: args}
	var err error
	if p.program, err = exec.LookPath(args[0]); err == nil {
		p.program, err = filepath.Abs(p.program)
	}
	if err != nil {
		p.program = args[0] // Start says why it cannot be run
	}
	if text == "" {
		return p, nil
	}
	var h handed
	err = json.Unmarshal([]byte(text), &h)
	if h.Version > handedVersion { // the error may come of that
		return nil, fmt.Errorf("%s has version %d, and this program knows %d at most: it cannot replace the process that started it; restart the service instead",
			Variable, h.Version, handedVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("%s says what cannot be read: %w", Variable, err)
	}
	if n := len(h.Older) + len(h.Sockets); n > socketsMax {
		return nil, fmt.Errorf("%s names %d descriptors, more than %d (socketsMax)", Variable, n, socketsMax)
	}
	err = p.inherit(&h)
	if err == nil {
		err = p.isChild(os.Getppid())
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("%s: %w", Variable, err)
	}
	return p, nil
}

// isChild is an error if a living process has started another one, which has started this one: it watches, names to its supervisor and
// would kill that other. One that has ended has no children any more.
func (p *Process) isChild(parent int) error {
	if parent == p.before.pid {
		return nil
	}
	select {
	case <-p.before.gone:
		return nil
	case <-time.After(lineGrace):
		return fmt.Errorf("process %d has started process %d, and that has started this one: a script in the place of the program must exec it", p.before.pid, parent)
	}
}

// inherit takes the descriptors over.
func (p *Process) inherit(h *handed) error {
	fd := firstFD
	for _, pid := range append([]int{h.From}, h.Older...) {
		c, err := connOf(fd)
		if err != nil {
			return err
		}
		l := newLine(c, pid)
		if fd == firstFD {
			p.before = l
		} else {
			p.older = append(p.older, l)
		}
		fd++
	}
	p.join()
	for _, s := range h.Sockets {
		f := os.NewFile(uintptr(fd), "socket")
		l, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("descriptor %d, for %s %s: %w", fd, s.Kind, s.Addr, err)
		}
		t, ok := l.(*net.TCPListener)
		if !ok {
			l.Close()
			return fmt.Errorf("descriptor %d, for %s %s, is no TCP socket", fd, s.Kind, s.Addr)
		}
		p.Sockets.given = append(p.Sockets.given, newListener(t, &p.Sockets, s.Kind, s.Addr))
		fd++
	}
	return nil
}

// join has the processes before this one heard: the last one now, and the others when that does not hear them any more.
func (p *Process) join() {
	p.before.listen()
	older := slices.Clone(p.older)
	p.joining.Go(func() {
		<-p.before.proved
		for _, l := range older {
			l.heardOut = l.isOver()
			l.listen()
		}
	})
}

// Replaces is the number of the process that this one is to replace; 0: it is the first.
func (p *Process) Replaces() int {
	if p.before == nil {
		return 0
	}
	return p.before.pid
}

// Older is a process before this one.
type Older struct {
	PID  int
	Gone <-chan struct{} // closed when it has ended; of all but the last it is not known before Proved
}

// Older are the processes before this one that lived when it was started, the one that it is to replace at the end.
func (p *Process) Older() (all []Older) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range append(slices.Clone(p.older), p.before) {
		if l != nil {
			all = append(all, Older{l.pid, l.gone})
		}
	}
	return all
}

// Ready tells the process before that this one would serve. An error: it is not there any more, which is no reason to end.
func (p *Process) Ready() error {
	if p.before == nil {
		return nil
	}
	return p.before.say(sayReady)
}

// Turn is closed when this process is to accept: the one before has stopped, or is gone, or there was none.
func (p *Process) Turn() <-chan struct{} {
	if p.before == nil {
		return closed()
	}
	return p.before.turn
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Proved is closed when this process is the one that serves for good: the one before has said so, or is gone, or there was none.
func (p *Process) Proved() <-chan struct{} {
	if p.before == nil {
		return closed()
	}
	return p.before.proved
}

// Told has f called with each thing that a process before tells: one after the other, for each of those processes, before anything is heard that
// it says later. lost is called when such a process ends, or does not tell any more, without having told everything. It is for before Ready.
func (p *Process) Told(f func([]byte), lost func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range append(slices.Clone(p.older), p.before) {
		if l != nil {
			l.told.Store(&hearer{f, lost})
		}
	}
}

// leave has the processes before this one heard by the one that replaces it: what they tell is for the newest.
func (p *Process) leave() {
	p.joining.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range append(slices.Clone(p.older), p.before) {
		if l != nil {
			l.leave()
		}
	}
}

// MustEnd is closed when a newer process says that this one's time is over. It is for after Successor.Proved.
func (p *Process) MustEnd() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.after == nil {
		return nil
	}
	return p.after.end
}

// Close lets go of all lines. Sockets are closed by who listens on them.
func (p *Process) Close() {
	p.Sockets.CloseUnused()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before != nil {
		p.before.close()
		p.joining.Wait()
	}
	for _, l := range append(slices.Clone(p.older), p.after) {
		if l != nil {
			l.close()
		}
	}
	p.older = nil
}

// environment is what a successor gets: ours, without what is for this process alone.
func environment(text string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == Variable || slices.Contains(ownVariables, name)
	})
	return append(env, Variable+"="+text)
}

// ownVariables name the process that they are for, or its descriptors (sd_listen_fds(3), sd_watchdog_enabled(3)).
var ownVariables = []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "WATCHDOG_PID"}

// duplicate returns another descriptor for what c has, which no program that is started inherits by chance.
func duplicate(c syscall.Conn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd = -1
	cerr := raw.Control(func(of uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if fd, err = syscall.Dup(int(of)); err == nil {
			syscall.CloseOnExec(fd)
		}
	})
	if err == nil {
		err = cerr
	}
	return fd, err
}
