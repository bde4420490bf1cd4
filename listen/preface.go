package listen

import (
	"net"
	"time"

	"skerry.dev/skerry/wire/transport"
)

// preface is what a client sends first that knows that HTTP/2 is spoken (RFC 9113 section 3.4). No request of HTTP/1 begins so:
// there is none of version 2.0.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// tellApart waits for what the client sends first, takes nothing of it and returns the protocol as Handler gets it, with the
// connection to go on with; or closes it and returns none. A client that ends its side before it has said anything is left to
// HTTP/1.1, which knows how to part. c came at the time since.
func (s *Set) tellApart(c net.Conn, since time.Time) (conn net.Conn, protocol string) {
	h := handshaking{conn: c, since: time.Now(), idle: true}
	defer s.fence(&h, "preface")
	if !s.shaking.add(&h) {
		c.Close()
		return nil, ""
	}
	begins, conn, err := transport.BeginsWith(c, preface, since.Add(s.preface))
	if !s.shaking.remove(&h) && err == nil {
		err = net.ErrClosed // shed when it was just over
	}
	if err == transport.ErrTimeout {
		s.silent.Inc()
	}
	switch {
	case err != nil:
		c.Close()
		return nil, ""
	case begins:
		return conn, "h2"
	}
	return conn, ""
}
