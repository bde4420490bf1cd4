package rewrite

import (
	"encoding/base64"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// forwardClient is what of a client's certificate a service is told (RFC 9440).
type forwardClient struct{ leaf, chain bool }

func newForwardClient(t *spec.TLS) (f forwardClient) {
	if t != nil {
		f.chain = t.Forward == spec.ForwardClientChain
		f.leaf = f.chain || t.Forward == spec.ForwardClientLeaf
	}
	return f
}

// apply sets the fields, if the connection's client showed a certificate and the handshake found it good. What others said in fields of
// these names is gone: see clean. How large they become is bounded by what a handshake takes (cert's clientChainBytesMax).
func (f forwardClient) apply(x *exchange.Exchange) {
	if !f.leaf || x.Conn == nil || x.Conn.TLS == nil || len(x.Conn.TLS.Client) == 0 {
		return
	}
	shown := x.Conn.TLS.Client
	x.Req.Fields.Add(exchange.NameClientCert, byteSequences(x, shown[:1]))
	if f.chain && len(shown) > 1 {
		x.Req.Fields.Add(exchange.NameClientCertChain, byteSequences(x, shown[1:]))
	}
}

// byteSequences is a list of byte sequences (RFC 9651 sections 3.1 and 3.3.5); of one it is an item too.
func byteSequences(x *exchange.Exchange, all [][]byte) []byte {
	size := 0
	for _, b := range all {
		size += len(", ::") + base64.StdEncoding.EncodedLen(len(b))
	}
	piece := x.Scratch.Alloc(size)
	out := piece[:0]
	for i, b := range all {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(base64.StdEncoding.AppendEncode(append(out, ':'), b), ':')
	}
	return x.Scratch.Trim(piece, len(out))
}

// ofClientCert reports whether a field is one that only the edge says, whatever a route says of forwarding fields.
func ofClientCert(id exchange.NameID) bool {
	return id == exchange.NameClientCert || id == exchange.NameClientCertChain
}
