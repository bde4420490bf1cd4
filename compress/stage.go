package compress

import (
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Stage puts on responses the coding that Accept has chosen. New makes it.
type Stage struct {
	identified   bool // compress.identified
	certificates bool // the host asks for client certificates
	encoders     *Encoders
}

// New compiles what a policy says of compression; nil if it is off, which a nil pointer in the policy means as well.
// There is nothing in it that can be wrong.
func New(p *spec.Policy, keep *Encoders) (*Stage, []fault.Problem) {
	if p.Compress == nil || !p.Compress.On {
		return nil, nil
	}
	return &Stage{
		identified:   p.Compress.Identified,
		certificates: p.TLS != nil && p.TLS.ClientCertificates != "" && p.TLS.ClientCertificates != spec.ClientAuthOff,
		encoders:     keep,
	}, nil
}

// Name is "compress".
func (s *Stage) Name() string { return "compress" }

// Request asks the origin for what Accept has chosen.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	if x.Facts.Encoding.Plain {
		x.Req.Fields.Set(exchange.NameAcceptEncoding, values[identity])
	}
	return exchange.Next
}

// Response compresses what should be, and says in Vary what could have been. Edge-made errors, which are rendered later, are
// not.
func (s *Stage) Response(x *exchange.Exchange) exchange.Verdict {
	r := &x.Resp
	if x.Fault != nil || r.Tunnel != nil {
		return exchange.Next
	}
	if r.Status == 304 {
		notModified(x)
		return exchange.Next
	}
	kind, ok := candidate(x)
	if !ok {
		return exchange.Next
	}
	addVary(x)
	c := codingOf(x.Facts.Encoding.Accept)
	if c == identity || coded(r.Fields) || s.revealing(x, kind) {
		return exchange.Next
	}
	if x.Req.Method == exchange.MethodHead {
		return headOnly(x, c)
	}
	return s.encode(x, c)
}

// codingOf is the coding of a name.
func codingOf(name string) coding {
	for c := gzipped; c < codings; c++ {
		if names[c] == name {
			return c
		}
	}
	return identity
}

// headOnly answers HEAD with the head that GET would get, but for its length, which nobody knows yet.
func headOnly(x *exchange.Exchange, c coding) exchange.Verdict {
	if b := x.Resp.Body; b != nil {
		x.Resp.Body = nil
		b.Close()
	}
	setCoding(x, c)
	return exchange.Next
}

// encode puts the coding on the body: at once if all of it is there, piece by piece otherwise.
func (s *Stage) encode(x *exchange.Exchange, c coding) exchange.Verdict {
	b := s.encoders.lend(x, c)
	if b == nil { // too many are at work
		return exchange.Next
	}
	data, err := atHand(x.Resp.Body)
	smaller := true
	if err == nil && data != nil {
		smaller, err = b.encodeWhole(data)
	}
	if err != nil {
		s.encoders.takeBack(x)
		return x.Fail(err)
	}
	if !smaller && x.Resp.Body.Replay() {
		x.Facts.Encoding.Before = 0
		s.encoders.takeBack(x)
		return exchange.Next
	}
	b.wrap(x.Resp.Body)
	x.Resp.Body = b
	x.Facts.Encoding.Made = names[c]
	setCoding(x, c)
	return exchange.Next
}

// Done takes the encoder back, and the memory that the body was sent from.
func (s *Stage) Done(x *exchange.Exchange) {
	if x.Facts.Encoding.Made != "" {
		s.encoders.takeBack(x)
	}
}
