package limit

import (
	"io"
	"sync"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// messages is the body of a gRPC call, which fails at a message that is longer than most bytes. A call may send messages for as long
// as a stream may live, so the sum of them says nothing. Each has a prefix: a flag and a length (PROTOCOL-HTTP2.md of grpc/grpc,
// Length-Prefixed-Message); what has another is no gRPC, and has no messages that could be bounded.
//
// A message fails by its prefix: nothing of it is waited for, and no view with bytes of it comes out.
type messages struct {
	inner    exchange.Body
	most     int64
	tooLarge *fault.Error
	framing

	first []byte // what was at hand before the origin was asked: a view of inner that holds until its next call
	given bool   // first was returned
	begun bool   // inner has been asked for more
	err   error  // how inner ended before the origin was asked, or what is wrong with a message
}

// framing is where in a stream of messages its reader is.
type framing struct {
	prefix int   // bytes of the next prefix that have come
	length int64 // what they say so far
	left   int64 // bytes of the message to come
}

// prefixBytes is the length of a prefix.
const prefixBytes = 1 + 4

var errFlag = fault.New(fault.BodyMalformed, "a message of the gRPC request begins with a flag that is neither 0 nor 1")

var calls = sync.Pool{New: func() any { return new(messages) }}

// follow takes the next piece.
func (f *framing) follow(view []byte, most int64, tooLarge error) error {
	for len(view) > 0 {
		switch {
		case f.left > 0:
			n := min(f.left, int64(len(view)))
			f.left, view = f.left-n, view[n:]
			continue
		case f.prefix == 0 && view[0] > 1:
			return errFlag
		case f.prefix > 0:
			f.length = f.length<<8 | int64(view[0])
		}
		view = view[1:]
		if f.prefix++; f.prefix == prefixBytes {
			if f.length > most {
				return tooLarge
			}
			*f = framing{left: f.length}
		}
	}
	return nil
}

var typeGRPC = []byte("application/grpc")

// isCall reports whether a request is a call of gRPC, in any of its message formats. There is none over HTTP/1.1, and the service gets
// one type: who names two, or the type alone, is bound like everybody.
func isCall(x *exchange.Exchange) bool {
	if x.Req.Method != exchange.MethodPost || x.Conn == nil || x.Conn.Protocol == "h1" || x.Req.Fields.Count(exchange.NameContentType) != 1 {
		return false
	}
	v := x.Req.Fields.Get(exchange.NameContentType)
	if len(v) < len(typeGRPC) || !exchange.EqualFold(v[:len(typeGRPC)], typeGRPC) {
		return false
	}
	rest := exchange.TrimOWS(v[len(typeGRPC):])
	return len(rest) == 0 || rest[0] == '+' || rest[0] == ';'
}

// boundMessages follows the messages of a call. What of them came with the head is looked at before the origin is asked.
func (s *Stage) boundMessages(x *exchange.Exchange) exchange.Verdict {
	m := calls.Get().(*messages)
	m.inner, m.most, m.tooLarge = x.Req.Body, s.bodyMax, s.messageBig
	x.Req.Body = m
	if r, ok := m.inner.(exchange.Ready); ok && m.Size() < 0 && r.Ready() {
		m.first, m.err = m.pull()
		if m.err != nil && m.err != io.EOF {
			return x.Fail(m.err)
		}
	}
	return exchange.Next
}

// pull asks inner for more.
func (m *messages) pull() ([]byte, error) {
	view, err := m.inner.Next()
	if wrong := m.follow(view, m.most, m.tooLarge); wrong != nil {
		m.err = wrong
		return nil, wrong
	}
	return view, err
}

// Next returns the next bytes.
func (m *messages) Next() ([]byte, error) {
	if !m.given {
		m.given = true
		if len(m.first) > 0 {
			return m.first, nil
		}
	}
	if m.err != nil {
		return nil, m.err
	}
	m.begun = true
	return m.pull()
}

// Size is inner's.
func (m *messages) Size() int64 { return m.inner.Size() }

// Ready reports whether Next would answer without waiting.
func (m *messages) Ready() bool {
	if !m.given && len(m.first) > 0 || m.err != nil {
		return true
	}
	r, ok := m.inner.(exchange.Ready)
	return ok && r.Ready()
}

// Whole returns all of the body if its size is known and inner has it in one piece.
func (m *messages) Whole() ([]byte, error) {
	w, ok := m.inner.(exchange.Whole)
	if !ok || m.given || m.begun || len(m.first) > 0 || m.err != nil {
		return nil, nil
	}
	view, err := w.Whole()
	if view == nil || err != nil {
		return nil, err
	}
	m.given, m.begun = true, true
	if m.err = m.follow(view, m.most, m.tooLarge); m.err != nil {
		return nil, m.err
	}
	return view, nil
}

// Replay starts again with what was at hand at first, or with inner, if that still has all it gave.
func (m *messages) Replay() bool {
	if m.begun {
		if !m.inner.Replay() {
			return false
		}
		m.first, m.framing, m.begun, m.err = nil, framing{}, false, nil
	}
	m.given = false
	return true
}

// Close closes inner.
func (m *messages) Close() error { return m.inner.Close() }

// release gives the memory back. Nobody may hold the body any more.
func (m *messages) release() {
	*m = messages{}
	calls.Put(m)
}
