package h2

import (
	"encoding/binary"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// errParted ends a call of gRPC whose client was told to begin another one.
var errParted = fault.New(fault.Draining, "the process that has the call ends: its client was told so by grpc-status 14, UNAVAILABLE")

// What a call gets that the edge ends: most clients begin another one for this status and for no other.
var (
	unavailable   = []byte("14")
	partedMessage = []byte("The edge ended the stream%3A begin another one.")
)

// messages follows the messages of gRPC (PROTOCOL-HTTP2.md of grpc/grpc, Length-Prefixed-Message) in bytes that go by, as far as to
// know where one ends.
type messages struct {
	head [5]byte // a flag and a length
	have int     // of the head of a message
	left uint32  // of the message
}

// between reports whether the last byte was the end of a message, or none has come.
func (m *messages) between() bool { return m.have == 0 && m.left == 0 }

// see takes the next bytes.
func (m *messages) see(view []byte) {
	for len(view) > 0 {
		if m.left > 0 {
			n := min(uint64(m.left), uint64(len(view)))
			m.left -= uint32(n)
			view = view[n:]
			continue
		}
		n := copy(m.head[m.have:], view)
		m.have += n
		view = view[n:]
		if m.have == len(m.head) {
			m.left, m.have = binary.BigEndian.Uint32(m.head[1:]), 0
		}
	}
}

// Part ends, now or later, every tunnel of WebSocket that is between two messages, with status 1012 (see wire.Tunnels), and every
// call of gRPC whose answer has begun and is between two messages, with UNAVAILABLE. It does not wait: see Wait.
func (s *Server) Part() {
	s.tunnels.Part()
	s.parting.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.part()
	}
}

// part interrupts the calls of a connection that wait for their next message, in either direction. Those that do not will see for
// themselves.
func (c *serverConn) part() {
	var calls []ended
	c.mu.Lock()
	for _, s := range c.streams.slots {
		if s == nil {
			continue
		}
		if one, ok := s.owner.(*serverStream); ok && one.calm.Load() {
			s.interrupted = true
			s.readable.wake()
			calls = append(calls, ended{one, s.id})
		}
	}
	c.mu.Unlock()
	for _, e := range calls {
		e.owner.ended(&c.conn, e.id)
	}
}

// parts reports whether a call is to end where its answer stands now, err being what came of the wait for more of it.
func (s *serverStream) parts(err error) bool {
	return s.calm.Load() && (s.owner.server.parting.Load() || fault.Of(err) == fault.StreamAge)
}

// part ends a call with a status that has its client begin another one. The error is why, for the log.
func (s *serverStream) part(x *exchange.Exchange, err error) error {
	if fault.Of(err) != fault.StreamAge {
		err = errParted
	}
	x.Resp.Trailers = x.Resp.Trailers[:0]
	x.Resp.Trailers.Add(exchange.NameGrpcStatus, unavailable)
	x.Resp.Trailers.Add(exchange.NameGrpcMessage, partedMessage)
	if s.finishBody(x) == nil {
		s.code = codeNone
	}
	return err
}
