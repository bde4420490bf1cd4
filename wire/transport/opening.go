package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A Judge is shown what a peer has sent so far, from its first byte on: never more than it wants to see, and again when there is
// more. Once it is over, take of these bytes are taken from the connection. ended says that nothing comes after them; it must
// then be over, as it must when it has seen all that it wants to. What it was shown is not its own.
type Judge interface {
	Judge(seen []byte, ended bool) (take int, over bool)
}

// Open shows a judge what the peer sends first, at most size bytes, which are openingBytesMax or fewer. It waits until the judge
// is over, but not beyond by: then it returns ErrTimeout. What the judge does not take is not taken: whoever reads from conn,
// which stands for c from now on and is c itself where the socket can be looked into, gets it. No deadline is left on it. It
// holds no memory while it waits, but where the socket cannot be looked into.
func Open(c net.Conn, size int, by time.Time, judge Judge) (conn net.Conn, err error) {
	if size > openingBytesMax {
		panic("BUG: transport: an opening of more bytes than one look takes")
	}
	if err = c.SetReadDeadline(by); err != nil {
		return c, err
	}
	conn, looked, err := lookInto(c, size, judge)
	if !looked {
		conn, err = readAhead(c, size, judge)
	}
	switch {
	case err == nil:
		err = c.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = ErrTimeout
	}
	return conn, err
}

// openings holds memory for a look.
var openings = sync.Pool{New: func() any { return new([openingBytesMax]byte) }}

// show asks a judge, who has to decide now if there will be nothing else to decide by.
func show(judge Judge, seen []byte, size int, ended bool) (take int, over bool) {
	take, over = judge.Judge(seen, ended)
	if !over && (ended || len(seen) == size) {
		panic("BUG: transport: a judge has seen everything and is not over")
	}
	return take, over
}

// readAhead is Open by reading: what is not taken is read again.
func readAhead(c net.Conn, size int, judge Judge) (net.Conn, error) {
	in := make([]byte, size)
	for got := 0; ; {
		n, err := c.Read(in[got:])
		got += n
		if err != nil && err != io.EOF {
			return c, err
		}
		take, over := show(judge, in[:got], size, err == io.EOF)
		switch {
		case !over:
		case take == got:
			return c, nil
		default:
			return &replayed{Conn: c, first: in[take:got]}, nil
		}
	}
}

// replayed is a connection whose first bytes have been read, and are read again.
type replayed struct {
	net.Conn
	first []byte
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
func (r *replayed) CloseWrite() error { return closeWrite(r.Conn) }

func closeWrite(c net.Conn) error {
	if h, ok := c.(HalfCloser); ok {
		return h.CloseWrite()
	}
	return c.Close()
}
