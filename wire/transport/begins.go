package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// BeginsWith reports whether what the peer sends first begins with want, which has at most beginningBytesMax bytes. It waits
// until the first byte that differs, until want is complete or until the peer has ended its side, but not beyond by: then it
// returns ErrTimeout. The bytes are not taken: whoever reads from conn, which stands for c from now on and is c itself where the
// socket can be looked into, gets them too. No deadline is left on it.
func BeginsWith(c net.Conn, want string, by time.Time) (begins bool, conn net.Conn, err error) {
	if len(want) > beginningBytesMax {
		panic("BUG: transport: a beginning of more bytes than one look takes")
	}
	if err = c.SetReadDeadline(by); err != nil {
		return false, c, err
	}
	begins, conn, err = lookInto(c, want)
	if conn == nil {
		r := &replayed{Conn: c}
		begins, err = r.begins(want)
		conn = r
	}
	switch {
	case err == nil:
		err = c.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = ErrTimeout
	}
	return begins, conn, err
}

// replayed is a connection whose first bytes have been read, and are read again.
type replayed struct {
	net.Conn
	first []byte
}

// begins reads until it is decided.
func (r *replayed) begins(want string) (bool, error) {
	in := make([]byte, len(want))
	got := 0
	for {
		n, err := r.Conn.Read(in[got:])
		got += n
		r.first = in[:got]
		switch {
		case !strings.HasPrefix(want, string(r.first)):
			return false, nil
		case got == len(want):
			return true, nil
		case err == io.EOF:
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// Read gives what was read before, then what comes.
func (r *replayed) Read(p []byte) (int, error) {
	if len(r.first) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.first)
	if r.first = r.first[n:]; len(r.first) == 0 {
		r.first = nil
	}
	return n, nil
}

// NetConn is the connection below, on which New finds the socket.
func (r *replayed) NetConn() net.Conn { return r.Conn }

// CloseWrite closes the sending side, or everything where that cannot be done alone.
func (r *replayed) CloseWrite() error {
	if h, ok := r.Conn.(HalfCloser); ok {
		return h.CloseWrite()
	}
	return r.Conn.Close()
}
