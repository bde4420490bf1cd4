package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// socket is a TCP connection below TLS, read and written by raw system calls like any other. A write of several records
// is held back until its last one, so that it takes one system call; and because it is the socket that waits and
// not TLS, a wait that times out leaves TLS whole. Reads after the handshake wait above TLS: see readRecords.
type socket struct {
	*net.TCPConn
	remote  *remoteConn // has another address than the connection's own; nil: nobody said any
	raw     syscall.RawConn
	reading reading
	fd      uintptr // while TLS is asked inside of a callback
	inside  bool

	mu      sync.Mutex // orders what leaves; held while a flush waits
	writing writing
	held    *[]byte // records of a write under way; nil: none is
	settled bool    // the handshake is over: what TLS sends by itself does not wait
	own     []byte  // of that, what the kernel did not take yet
}

// Under returns what TLS is to stand on instead of a TCP connection, so that New finds it below TLS. Any other
// connection is returned as it is.
func Under(c net.Conn) net.Conn {
	tcp := tcpOf(c)
	if tcp == nil || !rawAllowed() {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	s := &socket{TCPConn: tcp, raw: raw}
	s.remote, _ = c.(*remoteConn)
	return s
}

// RemoteAddr is that of what Under was given.
func (s *socket) RemoteAddr() net.Addr {
	if s.remote != nil {
		return s.remote.RemoteAddr()
	}
	return s.TCPConn.RemoteAddr()
}

// announcer is who said that address.
func (s *socket) announcer() net.Addr {
	if s.remote != nil {
		return s.remote.announcer()
	}
	return nil
}

// wouldBlock says that there is nothing to read now. TLS takes it for an error that passes, and goes on where it was at
// its next read, because it is Temporary.
type wouldBlock struct{}

func (wouldBlock) Error() string   { return "there is nothing to read now" }
func (wouldBlock) Timeout() bool   { return false }
func (wouldBlock) Temporary() bool { return true }

// Read reads for TLS.
func (s *socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if s.inside {
		return s.readNow(p)
	}
	s.reading.begin(p)
	err := s.raw.Read(s.reading.callback)
	s.reading.in = nil
	if err != nil {
		return 0, err
	}
	return s.reading.got, s.reading.err
}

// readNow reads what there is.
func (s *socket) readNow(p []byte) (int, error) {
	s.reading.begin(p)
	over := s.reading.run(s.fd)
	s.reading.in = nil
	if !over {
		return 0, wouldBlock{}
	}
	return s.reading.got, s.reading.err
}

// readRecords is the callback of a read through TLS: false means wait until the socket is readable, then call again. TLS is
// asked inside of it, so that no readiness gets lost between its asking the socket and the wait, and so that a connection
// that waits does so on a shallow stack and without memory for what may come.
func (n *netConn) readRecords(fd uintptr) (over bool) {
	r := &n.reading
	if r.in == nil {
		r.in = r.lender.Lend()
	}
	n.below.fd, n.below.inside = fd, true
	got, err := n.conn.Read(r.in)
	n.below.inside = false
	if _, waits := err.(wouldBlock); waits && got == 0 {
		r.giveBack()
		return false
	}
	if r.got = got; got == 0 {
		r.err = err
		r.giveBack()
	}
	return true
}

// Write takes a record from TLS: into held, if it belongs to a write under way.
func (s *socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil {
		*s.held = append(*s.held, p...)
		return len(p), nil
	}
	if s.settled {
		return s.writeOwn(p)
	}
	s.writing.begin([3][]byte{p})
	defer s.writing.end()
	sent, err := s.writing.once(s.raw)
	return int(sent), err
}

// errUnread says that a peer makes TLS answer, and takes no answers.
var errUnread = errors.New("the peer does not read what TLS itself has to tell it")

// writeOwn sends a record that TLS makes by itself: an alert, or the answer to a KeyUpdate. It does not wait, because who asks
// for it may be a reader, whom no deadline would free. What the kernel does not take goes before the next write.
func (s *socket) writeOwn(p []byte) (int, error) {
	if len(s.own)+len(p) > ownBytesMax {
		return 0, errUnread
	}
	s.own = append(s.own, p...)
	return len(p), s.sendOwn()
}

// sendOwn sends what the kernel takes at once of TLS's own records.
func (s *socket) sendOwn() error {
	s.writing.begin([3][]byte{s.own})
	defer s.writing.end()
	s.writing.sent, s.writing.err = 0, nil
	if err := s.raw.Control(func(fd uintptr) { s.writing.run(fd) }); err != nil {
		return err
	}
	if s.own = s.own[s.writing.sent:]; len(s.own) == 0 {
		s.own = nil // most connections never have any again
	}
	return s.writing.err
}

// settle is called when the handshake is over.
func (s *socket) settle() {
	s.mu.Lock()
	s.settled = true
	s.mu.Unlock()
}

var helds = sync.Pool{New: func() any { b := make([]byte, 0, recordBytes+512); return &b }}

// writeRecords sends a write through TLS: in full records, and in as few system calls as heldBytes allows. If it fails, the
// connection is of no more use; the count then says no more than whether anything has left.
func (n *netConn) writeRecords(parts [3][]byte, patience time.Duration) (total int64, err error) {
	s, t := n.below, n.conn.(*tls.Conn)
	held := helds.Get().(*[]byte)
	s.hold(held)
	piece := records.Get().(*[recordBytes]byte)
	used := 0
	for _, p := range parts {
		for len(p) > 0 && err == nil {
			c := copy(piece[used:], p)
			used, p = used+c, p[c:]
			if used == recordBytes {
				total += int64(used)
				used, err = 0, n.record(t, piece[:], patience)
			}
		}
	}
	if used > 0 && err == nil {
		total += int64(used)
		_, err = t.Write(piece[:used])
	}
	records.Put(piece)
	if err == nil {
		err = n.flush(patience)
	}
	s.hold(nil)
	if cap(*held) <= 2*heldBytes {
		*held = (*held)[:0]
		helds.Put(held)
	}
	return total, err
}

// record puts a full record to those that are held back, and lets them go if they are enough.
func (n *netConn) record(t *tls.Conn, full []byte, patience time.Duration) error {
	_, err := t.Write(full)
	if err == nil && len(*n.below.held) >= heldBytes {
		err = n.flush(patience)
	}
	return err
}

// hold has the records of a write gathered, behind those of TLS's own that still wait; nil: the write is over.
func (s *socket) hold(in *[]byte) {
	s.mu.Lock()
	if s.held = in; in != nil && s.own != nil {
		*in, s.own = append(*in, s.own...), nil
	}
	s.mu.Unlock()
}

// flush sends what is held back.
func (n *netConn) flush(patience time.Duration) error {
	s := n.below
	s.mu.Lock()
	defer s.mu.Unlock()
	n.vec = [3][]byte{*s.held}
	n.beginWrite()
	_, err := n.writePatiently(patience, nil)
	n.endWrite()
	n.vec = [3][]byte{}
	*s.held = (*s.held)[:0]
	return err
}

// closeBelow closes TLS with its alert if that can leave at once; a peer that does not read gets none. As with any
// connection, several goroutines may call it.
func (n *netConn) closeBelow() error {
	s := n.below
	if !s.mu.TryLock() {
		return s.TCPConn.Close() // a write waits: it ends now
	}
	alert := s.held == nil // otherwise the records of a write would swallow it
	if alert && s.own != nil {
		_ = s.sendOwn() // the last chance; the alert, if it has gone that way already, among them
	}
	s.mu.Unlock()
	if !alert {
		return s.TCPConn.Close()
	}
	return n.conn.Close()
}
