package handover

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// Sockets are the listening sockets of a process. The zero value has none; a nil one only opens new sockets.
type Sockets struct {
	mu     sync.Mutex
	given  []*Listener
	open   []*Listener
	paused bool
}

// Give adds a socket that the process was started with, for whoever listens on its address. An error: it is no listening TCP socket.
func (s *Sockets) Give(l net.Listener) error {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return fmt.Errorf("the socket %s %v that the process was given is no TCP socket", l.Addr().Network(), l.Addr())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = append(s.given, newListener(t, s, "", ""))
	return nil
}

// Listen returns the socket for an address, host:port, of some kind: the one that the process before had for the same kind and words,
// or one that somebody else gave for this address, or a new one.
func (s *Sockets) Listen(kind, addr string) (net.Listener, error) {
	if s == nil {
		return net.Listen("tcp", addr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.given, func(l *Listener) bool {
		if l.kind != "" {
			return l.kind == kind && l.asked == addr
		}
		return same(l.Addr(), addr)
	})
	if i >= 0 {
		l := s.given[i]
		s.given = slices.Delete(s.given, i, i+1)
		l.kind, l.asked = kind, addr
		return s.take(l), nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return s.take(newListener(l.(*net.TCPListener), s, kind, addr)), nil
}

// take adds a socket to the open ones. With the lock.
func (s *Sockets) take(l *Listener) *Listener {
	s.open = append(s.open, l)
	if s.paused {
		l.pause(true)
	}
	return l
}

// same reports whether a socket is bound to what addr says.
func same(bound net.Addr, addr string) bool {
	b, ok := bound.(*net.TCPAddr)
	want, err := net.ResolveTCPAddr("tcp", addr)
	if !ok || err != nil || want.Port == 0 || b.Port != want.Port {
		return false
	}
	if want.IP == nil { // ":443"
		return b.IP.IsUnspecified()
	}
	return b.IP.Equal(want.IP)
}

// CloseUnused closes what the process was given and nobody listens on, and returns the addresses.
func (s *Sockets) CloseUnused() (addrs []string) {
	s.mu.Lock()
	given := s.given
	s.given = nil
	s.mu.Unlock()
	for _, l := range given {
		addrs = append(addrs, l.Addr().String())
		l.Close()
	}
	return addrs
}

// Pause has nobody accept any more until Resume, also on sockets that are opened meanwhile; what comes meanwhile waits in the system's queues, or for another process that has
// the same sockets. A connection that is being accepted is still returned.
func (s *Sockets) Pause() { s.pause(true) }

// Resume ends a Pause.
func (s *Sockets) Resume() { s.pause(false) }

func (s *Sockets) pause(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused == on {
		return
	}
	s.paused = on
	for _, l := range s.open {
		l.pause(on)
	}
}

// forget drops a socket that was closed.
func (s *Sockets) forget(l *Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(o *Listener) bool { return o == l })
}

// Listener is a listening socket that can be paused.
type Listener struct {
	*net.TCPListener
	of          *Sockets
	kind, asked string // what it is for; empty: nobody has said yet
	once        sync.Once
	closed      chan struct{}
	mu          sync.Mutex
	resumed     chan struct{} // closed by resuming; nil: not paused
	nudged      bool          // Accept is to return once
}

func newListener(l *net.TCPListener, of *Sockets, kind, asked string) *Listener {
	return &Listener{TCPListener: l, of: of, kind: kind, asked: asked, closed: make(chan struct{})}
}

// Accept waits for a connection; while the listener is paused it does not accept any. After a Nudge it returns
// os.ErrDeadlineExceeded once.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.TCPListener.Accept()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return c, err
		}
		resumed, nudged := l.woken()
		if nudged {
			return nil, err
		}
		if resumed == nil {
			continue
		}
		select {
		case <-resumed:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// woken says why an Accept has ended without a connection.
func (l *Listener) woken() (resumed chan struct{}, nudged bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if nudged = l.nudged; nudged && l.resumed == nil {
		_ = l.SetDeadline(time.Time{}) // fails if the listener is closed
	}
	l.nudged = false
	return l.resumed, nudged
}

// Nudge makes an Accept that waits, or else the next one, return once without a connection, to see whether anybody accepts; no
// connection is lost by that. False: the listener is paused.
func (l *Listener) Nudge() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.resumed != nil {
		return false
	}
	l.nudged = true
	_ = l.SetDeadline(time.Unix(1, 0))
	return true
}

// pause sets a deadline that has passed, which ends an Accept that waits.
func (l *Listener) pause(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !on {
		if !l.nudged {
			_ = l.SetDeadline(time.Time{})
		}
		close(l.resumed)
		l.resumed = nil
		return
	}
	l.resumed = make(chan struct{})
	_ = l.SetDeadline(time.Unix(1, 0))
}

// Close closes it in this process. Another that has the socket goes on.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.of.forget(l)
	})
	return l.TCPListener.Close()
}
