package origin

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// childArgument is the first argument of a program that is to be an endpoint; its address is the second.
const childArgument = "skerry-origin-child"

// answerDone is the child's answer to a mode that it has taken; any other is an error.
const answerDone = "done"

// journalFD is the descriptor of the journal in the child.
const journalFD = 3

// IsChild reports whether this process was started by Start and is to call Main.
func IsChild() bool { return len(os.Args) == 3 && os.Args[1] == childArgument }

// Main is the endpoint: it returns when the parent has gone. Call it only if IsChild says so, before anything else.
func Main() {
	s := &server{addr: os.Args[2], notes: os.NewFile(journalFD, "journal"), conns: map[net.Conn]struct{}{}}
	s.rule.Store(newRule(Mode{Listen: ListenRefuse}))
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m Mode
		if err = json.Unmarshal(line, &m); err == nil {
			err = s.set(m)
		}
		answer := answerDone
		if err != nil {
			answer = err.Error()
		}
		io.WriteString(os.Stdout, answer+"\n")
	}
}

// rule is a mode with what its requests share.
type rule struct {
	Mode
	places chan struct{} // one element for each request that is worked on; nil: no bound
	over   chan struct{} // closed when another rule holds
}

func newRule(m Mode) *rule {
	r := &rule{Mode: m, over: make(chan struct{})}
	if m.Places > 0 {
		r.places = make(chan struct{}, m.Places)
	}
	return r
}

// server is the child.
type server struct {
	addr  string
	rule  atomic.Pointer[rule]
	notes *os.File
	noted atomic.Int64 // bytes

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	conns    map[net.Conn]struct{}
	files    *syscall.Rlimit // the limit on descriptors as it was; nil: it is
}

// set makes a mode hold.
func (s *server) set(m Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.rule.Swap(newRule(m))
	close(before.over)
	if err := s.limitFiles(m.Listen == ListenNoFiles && s.listener != nil); err != nil {
		return err
	}
	if m.Listen == ListenRefuse {
		s.refuse()
		return nil
	}
	if s.listener != nil {
		return nil
	}
	if err := s.listen(); err != nil {
		return err
	}
	return s.limitFiles(m.Listen == ListenNoFiles)
}

// limitFiles takes the process's descriptors away, but for those that it has, or gives them back.
func (s *server) limitFiles(none bool) error {
	switch {
	case none && s.files == nil:
		var was syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			return err
		}
		s.files = &was
		return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 0, Max: was.Max})
	case !none && s.files != nil:
		was := s.files
		s.files = nil
		return syscall.Setrlimit(syscall.RLIMIT_NOFILE, was)
	}
	return nil
}

func (s *server) refuse() {
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
	for c := range s.conns {
		c.Close()
	}
	clear(s.conns)
}

func (s *server) listen() error {
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	if err := shorten(l.(*net.TCPListener)); err != nil {
		l.Close()
		return err
	}
	s.listener = l
	go s.accept(l)
	return nil
}

// shorten gives a listener our backlog instead of the system's longest.
func shorten(l *net.TCPListener) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), backlog) }); err != nil {
		return err
	}
	return failed
}

func (s *server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			<-time.After(acceptAgain)
			continue
		}
		if !s.keep(l, c) {
			c.Close()
			continue
		}
		go s.serve(c)
	}
}

// keep takes a connection in, unless its listener has been closed meanwhile.
func (s *server) keep(l net.Listener, c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != l {
		return false
	}
	s.conns[c] = struct{}{}
	s.note(noteConn)
	return true
}

func (s *server) forget(c net.Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// note adds a line to the journal, in one write.
func (s *server) note(line string) {
	switch n := s.noted.Add(int64(len(line)) + 1); {
	case n <= journalBytesMax:
		io.WriteString(s.notes, line+"\n")
	case n-int64(len(line))-1 <= journalBytesMax:
		io.WriteString(s.notes, noteFull+"\n")
	}
}
