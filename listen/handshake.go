package listen

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/transport"
)

// plainAnswer is what a client gets that speaks HTTP where TLS is spoken.
const plainAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 73\r\nConnection: close\r\n\r\n" +
	"This port speaks HTTPS, and the request came over plain HTTP. Use https.\n"

// serverTLS builds what stands on a client's connection: the only place that does. wire/transport looks down through it.
func serverTLS(c net.Conn, store *cert.Store) *tls.Conn {
	return tls.Server(&cert.Socket{Conn: transport.Under(c)}, store.Config())
}

func tlsOf(s *cert.Session) *exchange.TLS {
	return &exchange.TLS{
		ServerName: s.ServerName, Version: s.Version, Curve: string(s.Curve), Policy: s.Policy, Client: s.Client, ClientName: s.ClientName, ClientSerial: s.ClientSerial,
		Local: s.Local, Covers: s.Covers,
	}
}

// handshake does it, on a connection that came at a time, or closes the connection and returns no session.
func (s *Set) handshake(c net.Conn, since time.Time, store *cert.Store) (t *tls.Conn, session *cert.Session) {
	h := handshaking{conn: c, since: time.Now()}
	defer s.fence(&h, "TLS handshake")
	if !s.shaking.add(&h) {
		c.Close()
		return nil, nil
	}
	t = serverTLS(c, store)
	err := t.SetDeadline(since.Add(s.patience))
	if err == nil {
		err = t.Handshake()
	}
	if !s.shaking.remove(&h) && err == nil {
		err = net.ErrClosed // shed when it was just over
	}
	session, result := store.Finish(t, err)
	switch {
	case session == nil && result == cert.PlainHTTP:
		answerPlain(c)
	case session == nil && result == cert.ClientCertificate:
		linger(c, time.Now().Add(lingerMax)) // in TLS 1.3 its first request is on the way already
	case session == nil:
	case t.SetDeadline(time.Time{}) == nil:
		return t, session
	}
	c.Close()
	return nil, nil
}

// fence ends a connection, and nothing else, on a panic before it is handed over.
func (s *Set) fence(h *handshaking, during string) {
	v := recover()
	if v == nil {
		return
	}
	s.shaking.remove(h)
	h.conn.Close()
	s.meters.Counter("skerry_panics_total", "Connections ended by a panic outside a stage: bugs, please report.").Inc()
	s.meters.Events().Add("panic", fmt.Sprintf("%s: %v\n%s", during, v, debug.Stack()))
}

// answerPlain says what is wrong.
func answerPlain(c net.Conn) {
	late := time.Now().Add(lingerMax)
	if c.SetDeadline(late) != nil {
		return
	}
	if _, err := io.WriteString(c, plainAnswer); err == nil {
		linger(c, late)
	}
}

// linger reads on for a moment, as long as the client sends: closing with bytes unread would reset the connection and could destroy what
// was written last, an answer or an alert.
func linger(c net.Conn, late time.Time) {
	if c.SetDeadline(late) != nil {
		return
	}
	if h, ok := c.(interface{ CloseWrite() error }); ok && h.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, c, lingerBytesMax)
	}
}

// handshaking is one connection that has not been handed over: its handshake or its PROXY header is not over, or its client has
// not said which protocol it speaks.
type handshaking struct {
	conn       net.Conn
	since      time.Time // since when it is in this state
	idle       bool      // its client has not said
	listed     bool
	prev, next *handshaking
}

// handshakes lists them, oldest first.
type handshakes struct {
	mu          sync.Mutex
	first, last *handshaking
	closed      bool // none that is idle may begin
	aborted     bool // none at all
}

// add reports false if handshakes are not wanted any more.
func (s *handshakes) add(h *handshaking) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aborted || s.closed && h.idle {
		return false
	}
	h.listed, h.prev = true, s.last
	if s.last != nil {
		s.last.next = h
	} else {
		s.first = h
	}
	s.last = h
	return true
}

// remove reports false if h was closed meanwhile.
func (s *handshakes) remove(h *handshaking) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unlink(h)
}

func (s *handshakes) unlink(h *handshaking) bool {
	if !h.listed {
		return false
	}
	h.listed = false
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		s.first = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	} else {
		s.last = h.prev
	}
	return true
}

// oldest is when the handshake began that has been at it longest; now, if there is none.
func (s *handshakes) oldest(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		return now
	}
	return s.first.since
}

// closeOldest closes the connection that has been at it longest, if it began before that time.
func (s *handshakes) closeOldest(before time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.first
	if h == nil || !h.since.Before(before) {
		return false
	}
	s.unlink(h)
	h.conn.Close()
	return true
}

// endIdle closes those that wait for their client's first bytes.
func (s *handshakes) endIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for h := s.first; h != nil; {
		next := h.next
		if h.idle {
			s.unlink(h)
			h.conn.Close()
		}
		h = next
	}
}

func (s *handshakes) abort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aborted = true
	for h := s.first; h != nil; h = s.first {
		s.unlink(h)
		h.conn.Close()
	}
}
