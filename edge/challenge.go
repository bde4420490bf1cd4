package edge

import (
	"bytes"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/exchange"
)

// challengePrefix is what the path of a request of HTTP-01 begins with.
var challengePrefix = []byte(cert.ChallengePath)

// challenged reports whether a request is one of HTTP-01 (RFC 8555 section 8.3) for an order under way, of this process or of one that
// shares its storage. It is answered before anything is matched, and so before any redirect to HTTPS; what is no such request goes its
// way, to an origin that orders certificates of its own perhaps. The answer waits in Resp.
func (e *Edge) challenged(x *exchange.Exchange) bool {
	if x.Fault != nil || !bytes.HasPrefix(x.Req.Path, challengePrefix) {
		return false
	}
	if x.Req.Method != exchange.MethodGet && x.Req.Method != exchange.MethodHead {
		return false
	}
	text, ok := e.keepers.Certs.Challenge(x.Req.Host, x.Req.Path)
	if !ok {
		return false
	}
	x.Answer(200)
	x.Resp.Fields.Add(exchange.NameContentType, octets)
	if x.Resp.Length = int64(len(text)); x.Req.Method == exchange.MethodGet {
		x.Resp.Body, x.Resp.Length = x.InMemory([]byte(text)), -1
	}
	return true
}

var octets = []byte("application/octet-stream")

// answerChallenge is the only stage of such a request: what it is answered with is there already.
type answerChallenge struct{}

// Name is "challenge".
func (answerChallenge) Name() string { return "challenge" }

// Request answers.
func (answerChallenge) Request(*exchange.Exchange) exchange.Verdict { return exchange.Respond }
