package engine

import (
	"net/netip"

	"skerry.dev/skerry/waf/body"
)

// Input is a whole request, for who has one: tests, the shadow, people who ask why. Traffic feeds a Transaction as it goes.
type Input struct {
	Client netip.AddrPort
	ID     []byte
	Method []byte
	Target []byte
	Proto  []byte
	Host   []byte // without port
	Path   []byte // as exclusions name paths
	Fields []body.Pair
	Media  body.Media // what Content-Type says; kind None or Opaque: Body is not taken apart
	Body   []byte
}

// Judge runs the rules of a request, phases 1 and 2, and returns its transaction; End it.
func (p *Policy) Judge(in *Input) *Transaction {
	t := p.Begin()
	t.Client(in.Client.Addr(), in.Client.Port())
	t.ID(in.ID)
	t.Server(in.Host)
	t.Line(in.Method, in.Target, in.Proto)
	for _, f := range in.Fields {
		t.Header(f.Name, f.Value)
	}
	t.Media(in.Media)
	t.Path(in.Method, in.Path)
	if t.Head().Refused() {
		return t
	}
	if len(in.Body) > 0 {
		_ = t.Body(in.Media, in.Body) // the verdict says what became of it
	}
	t.Request()
	return t
}
