package resolve

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// outcome is how a try at a server ended.
type outcome uint8

const (
	answered    outcome = iota // also that there is no such name
	silent                     // no answer in time
	unreachable                // no way to it, or a connection that broke
	declined                   // it will not or cannot answer: SERVFAIL, REFUSED, and the like
	malformed                  // an answer to the question that breaks the rules
	outcomes                   // how many there are
)

// String is the label of the outcome in metrics.
func (o outcome) String() string {
	return [...]string{"answered", "timeout", "unreachable", "refused", "malformed"}[o]
}

// failure is a try at a server that brought no answer; the next server is asked.
type failure struct {
	outcome outcome
	text    string
	cause   error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return f.text + ": " + f.cause.Error()
	}
	return f.text
}

func (f *failure) Unwrap() error { return f.cause }

func wrong(text string) error { return &failure{malformed, "its answer is malformed: " + text, nil} }

// lost says what an error of a socket means.
func lost(ctx context.Context, text string, err error) error {
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return &failure{silent, "no answer in time", nil}
	}
	return &failure{unreachable, text, err}
}

// ask asks one server over the network until ctx ends: over UDP, and over TCP if the answer does not fit or stream says so.
func (r *Resolver) ask(ctx context.Context, server netip.AddrPort, q question, stream bool) (reply, error) {
	if !stream {
		m, err := r.askDatagram(ctx, server, q)
		if err != nil {
			return reply{}, err
		}
		if !m.header.Truncated {
			return q.read(m)
		}
	}
	m, err := askStream(ctx, server, q)
	if err != nil {
		return reply{}, err
	}
	if m.header.Truncated {
		return reply{}, wrong("truncated, over TCP")
	}
	return q.read(m)
}

// askDatagram sends the question from a socket of its own, whose port the kernel chooses at random, and waits for the
// message that answers it. The kernel lets only the server's address and port through. What comes from there and is not
// the answer may have been sent by somebody who guesses: it is counted, and the waiting goes on.
func (r *Resolver) askDatagram(ctx context.Context, server netip.AddrPort, q question) (message, error) {
	conn, err := dial(ctx, "udp", server)
	if err != nil {
		return message{}, err
	}
	defer conn.Close()
	id := newID()
	query, err := q.query(id, 0)
	if err != nil {
		return message{}, err
	}
	if _, err = conn.Write(query); err != nil {
		return message{}, lost(ctx, "send to it", err)
	}
	buf := make([]byte, datagramMax)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return message{}, lost(ctx, "read from it", err)
		}
		if m, ok := q.match(buf[:n], id); ok {
			return m, nil
		}
		r.foreign.Inc()
	}
}

// askStream asks over a TCP connection of its own (RFC 7766). Nobody but the server can answer there.
func askStream(ctx context.Context, server netip.AddrPort, q question) (message, error) {
	conn, err := dial(ctx, "tcp", server)
	if err != nil {
		return message{}, err
	}
	defer conn.Close()
	id := newID()
	query, err := q.query(id, 2)
	if err != nil {
		return message{}, err
	}
	binary.BigEndian.PutUint16(query, uint16(len(query)-2))
	if _, err = conn.Write(query); err != nil {
		return message{}, lost(ctx, "send to it over TCP", err)
	}
	var size [2]byte
	if _, err = io.ReadFull(conn, size[:]); err != nil {
		return message{}, lost(ctx, "read from it over TCP", err)
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err = io.ReadFull(conn, msg); err != nil {
		return message{}, lost(ctx, "read from it over TCP", err)
	}
	m, ok := q.match(msg, id)
	if !ok {
		return message{}, wrong("to another question, over TCP")
	}
	return m, nil
}

// bound is a connection whose waiting ends with a context.
type bound struct {
	net.Conn
	stop func() bool
}

func (b bound) Close() error {
	b.stop()
	return b.Conn.Close()
}

func dial(ctx context.Context, network string, server netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, lost(ctx, "reach it", err)
	}
	return bound{conn, context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })}, nil
}

// newID is unpredictable, like the port: together they are what a forger must guess (RFC 5452 section 9.2).
func newID() uint16 {
	var b [2]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint16(b[:])
}
