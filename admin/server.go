package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Server is a running admin server.
type Server struct {
	http      *http.Server
	listeners []net.Listener
	open      atomic.Int64
	serving   sync.WaitGroup
	once      sync.Once
	err       error // of Close
}

// Serve listens on every address, "host:port", and serves h there until Close. If it cannot listen on one, it leaves
// none open and says which. A host that is a name may also be used as Host by clients. listen opens them; nil: net.Listen.
func Serve(addrs []string, listen func(addr string) (net.Listener, error), h http.Handler) (*Server, error) {
	if listen == nil {
		listen = func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
	}
	s := new(Server)
	hosts := map[string]bool{}
	for _, addr := range addrs {
		host, _, err := net.SplitHostPort(addr)
		if err == nil {
			var l net.Listener
			if l, err = listen(addr); err == nil {
				s.listeners = append(s.listeners, l)
			}
		}
		if err != nil {
			for _, l := range s.listeners {
				l.Close()
			}
			return nil, fmt.Errorf("listen on the admin address %s (--admin): %w", addr, err)
		}
		if host != "" {
			hosts[hostOf(host)] = true
		}
	}
	s.http = &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeadTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headBytesMax,
		ConnState:         s.limit,
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(context.Background(), hostsKey{}, hosts) },
	}
	for _, l := range s.listeners {
		s.serving.Go(func() { s.http.Serve(l) }) // its error says no more than that Close was called
	}
	return s, nil
}

// Addrs are the addresses it listens on, in the order of Serve's; port 0 is replaced by the one that was chosen.
func (s *Server) Addrs() []string {
	addrs := make([]string, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr().String()
	}
	return addrs
}

// Close stops accepting, lets answers that are under way end for two seconds, cuts off the others, and waits until
// nothing accepts. A second Close returns the same.
func (s *Server) Close() error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := s.http.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			s.err = s.http.Close()
		} else if err != nil {
			s.err = fmt.Errorf("close the admin server: %w", err)
		}
		s.serving.Wait()
	})
	return s.err
}

// limit closes connections beyond connsMax. The open ones go on: they are the ones with which an operator finds out.
func (s *Server) limit(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if s.open.Add(1) > connsMax {
			c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	}
}
