package h2

import (
	"encoding/binary"
	"io"

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

// whole returns up to where the last message that is whole in view ends, which begins with one.
func (m *messages) whole(view []byte) []byte {
	n := 0
	for len(view)-n >= len(m.head) {
		size := uint64(len(m.head)) + uint64(binary.BigEndian.Uint32(view[n+1:]))
		if size > uint64(len(view)-n) {
			break
		}
		n += int(size)
	}
	return view[:n]
}

// fit returns how much of view leaves no message unfinished that it begins: the rest of one that has begun, or those that are whole in it.
func (m messages) fit(view []byte) int {
	if m.between() {
		return len(m.whole(view))
	}
	n := 0
	if m.have > 0 {
		n = min(len(m.head)-m.have, len(view))
		m.see(view[:n])
	}
	return n + int(min(uint64(m.left), uint64(len(view)-n)))
}

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

// Whether an answer may end where it stands.
const (
	notCalm uint32 = iota // no: it is no call's, its head is not out, or it is within a message
	calm                  // yes: it is a call's, and between two messages
	parted                // it is to: what still comes goes as far as it is whole messages, or the whole rest of the answer
)

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

// part interrupts the calls of a connection that wait for their next message, in either direction, or for the client to take one. Those
// that do not will see for themselves.
func (c *serverConn) part() {
	var calls []ended
	c.mu.Lock()
	for _, s := range c.streams.slots {
		if s == nil {
			continue
		}
		if s.parting = s.call != nil; s.parting {
			s.writable.wake()
		}
		if one, ok := s.owner.(*serverStream); ok && one.stand.CompareAndSwap(calm, parted) {
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

// isCall reports whether an answer is a call's that may end between two messages. One whose length was announced may not: less is no
// answer at all (RFC 9113 section 8.1.1).
func (s *serverStream) isCall(x *exchange.Exchange, size int64) bool {
	return s.body.call && x.Req.AllowTrailers && size < 0 && exchange.IsGRPC(x.Resp.Fields.Get(exchange.NameContentType))
}

// admit returns what may go of the next piece of a call's answer, err being what came with it. last: then the call is to end. Part may
// have interrupted the wait for it in the same moment: the rest of a message that the piece begins would not come.
func (s *serverStream) admit(view []byte, err error) (_ []byte, last bool) {
	if len(view) > 0 {
		s.stand.CompareAndSwap(calm, notCalm)
	}
	if s.stand.Load() != parted || err == io.EOF {
		return view, false
	}
	return s.messages.whole(view), true
}

// follow has what is sent of a call's answer followed.
func (s *serverStream) follow() {
	c := s.owner
	c.mu.Lock()
	s.call, s.parting = &s.messages, c.server.parting.Load()
	c.mu.Unlock()
	s.stand.Store(calm)
}

// sent takes account of a piece of a call's answer that was sent, unless the call is to end.
func (s *serverStream) sent() {
	if s.messages.between() {
		s.stand.CompareAndSwap(notCalm, calm)
	}
}

// parts reports whether a call is to end where its answer stands now, err being what came of the wait for more of it. If more is there
// already, which may be the end, it is looked at first: see admit.
func (s *serverStream) parts(b exchange.Body, err error) bool {
	parting := s.owner.server.parting.Load()
	switch {
	case s.stand.Load() != calm:
		return false
	case err != nil:
		return parting || fault.Of(err) == fault.StreamAge
	case !parting || !s.stand.CompareAndSwap(calm, parted):
		return false
	}
	ready, ok := b.(exchange.Ready)
	return !ok || !ready.Ready()
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
