package limit

import (
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// messages is where in the body of a gRPC call its reader is. Each message has a prefix, a flag and a length (PROTOCOL-HTTP2.md of
// grpc/grpc, Length-Prefixed-Message); what has another is no gRPC, and has no messages that could be bounded.
type messages struct {
	prefix int   // bytes of the next prefix that have come
	length int64 // what they say so far
	left   int64 // bytes of the message to come
}

// prefixBytes is the length of a prefix.
const prefixBytes = 1 + 4

var errFlag = fault.New(fault.BodyMalformed, "a message of the gRPC request begins with a flag that is neither 0 nor 1")

// follow takes the next piece of the body. A message of more than most bytes fails by its prefix: nothing of it is waited for.
func (m *messages) follow(view []byte, most int64, tooLarge error) error {
	for len(view) > 0 {
		switch {
		case m.left > 0:
			n := min(m.left, int64(len(view)))
			m.left, view = m.left-n, view[n:]
			continue
		case m.prefix == 0 && view[0] > 1:
			return errFlag
		case m.prefix > 0:
			m.length = m.length<<8 | int64(view[0])
		}
		view = view[1:]
		if m.prefix++; m.prefix == prefixBytes {
			if m.length > most {
				return tooLarge
			}
			*m = messages{left: m.length}
		}
	}
	return nil
}

// isCall reports whether a request is a call of gRPC, in any of its message formats. There is none over HTTP/1.1, nor for a
// service that speaks only that, and it has one type: what names two is bound like everything else.
func isCall(x *exchange.Exchange) bool {
	r := &x.Req
	if r.Method != exchange.MethodPost || !x.Facts.Entry.Calls || x.Conn == nil || x.Conn.Protocol == "h1" || r.Fields.Count(exchange.NameContentType) != 1 {
		return false
	}
	return exchange.IsGRPC(r.Fields.Get(exchange.NameContentType)) // as the service gets it
}
