package listen

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"skerry.dev/skerry/meter"
)

// Set is the open listeners of an edge.
type Set struct {
	listeners []net.Listener
	meters    *meter.Set
	slots     chan struct{} // one per connection that may be open
	closed    chan struct{}
	once      sync.Once
	accepting sync.WaitGroup
	conns     sync.WaitGroup
}

// Open listens on every address (host:port; port 0 picks a free one), or on none and says why. most bounds the open
// connections: 0 takes a quarter of the descriptors the process may have.
func Open(addrs []string, most int, meters *meter.Set) (*Set, error) {
	if most <= 0 {
		most = defaultConns()
	}
	s := &Set{meters: meters, slots: make(chan struct{}, most), closed: make(chan struct{})}
	for _, a := range addrs {
		l, err := net.Listen("tcp", a)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("listen on %s: %w", a, err)
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
}

func defaultConns() int {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil || lim.Cur > connsWithoutLimit*descriptorsPerConn {
		return connsWithoutLimit
	}
	return max(int(lim.Cur)/descriptorsPerConn, 16)
}

// Addrs returns the addresses that were opened, ports filled in.
func (s *Set) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Serve accepts connections in the background and calls handle for each, in a goroutine of its own. At the limit it
// stops accepting: the system's backlog holds what comes, which is kinder than to reset it.
func (s *Set) Serve(handle func(net.Conn)) {
	for _, l := range s.listeners {
		s.accepting.Go(func() { s.accept(l, handle) })
	}
}

func (s *Set) accept(l net.Listener, handle func(net.Conn)) {
	accepted := s.meters.Counter("skerry_connections_accepted_total", "Client connections accepted.", "address", l.Addr().String())
	var pause time.Duration
	for {
		select {
		case s.slots <- struct{}{}:
		case <-s.closed:
			return
		}
		c, err := l.Accept()
		if err != nil {
			<-s.slots
			if errors.Is(err, net.ErrClosed) {
				return
			}
			pause = min(max(2*pause, 5*time.Millisecond), acceptBackoffMax)
			s.meters.Events().Add("accept_failed", fmt.Sprintf("accept on %v: %v; next try in %v", l.Addr(), err, pause))
			select {
			case <-time.After(pause):
			case <-s.closed:
				return
			}
			continue
		}
		pause = 0
		accepted.Inc()
		s.conns.Go(func() {
			defer func() { <-s.slots }()
			handle(c)
		})
	}
}

// Close stops accepting. Connections that are open go on.
func (s *Set) Close() {
	s.once.Do(func() {
		close(s.closed)
		for _, l := range s.listeners {
			l.Close()
		}
	})
	s.accepting.Wait()
}

// Wait returns when every handler has. Call it after Close.
func (s *Set) Wait() { s.conns.Wait() }
