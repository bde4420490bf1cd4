package compress

import (
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Accept chooses a coding for the client. It is a stage of its own because a cache, which stands between it and what encodes,
// stores an answer once for each coding. NewAccept makes it.
type Accept struct{}

// NewAccept returns the stage for a policy that compresses, nil for any other.
func NewAccept(p *spec.Policy) (*Accept, []fault.Problem) {
	if p.Compress == nil || !p.Compress.On {
		return nil, nil
	}
	return &Accept{}, nil
}

// Name is "accept".
func (*Accept) Name() string { return "accept" }

// Request notes what the client gets at most, and makes Accept-Encoding that one word. A request for a range gets identity: a
// piece of a coded body is of no use to anybody. If an earlier stage took Accept-Encoding away from the origin, or set it to
// identity, the origin is asked for identity, and the edge compresses.
func (*Accept) Request(x *exchange.Exchange) exchange.Verdict {
	c, takes := accepted(clientFields(x))
	if x.Req.Fields.Get(exchange.NameRange) != nil && !dropRange(x, c) {
		c, takes = identity, 0
	}
	left, _ := accepted(x.Req.Fields)
	f := &x.Facts.Encoding
	f.Accept, f.Takes, f.Plain = names[c], takes, left == identity
	x.Req.Fields.Set(exchange.NameAcceptEncoding, values[c])
	return exchange.Next
}
