package cert

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"sync"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// challengeKinds are those that the edge itself answers.
var challengeKinds = []string{acme.ChallengeTypeHTTP01, acme.ChallengeTypeTLSALPN01}

// solver keeps the challenges under way: in memory, and in the storage for other processes that the CA may reach.
type solver struct {
	store *store
	mu    sync.Mutex
	here  map[string]challenge // by kind and name
}

type challenge struct {
	text string // of HTTP-01
	path string
	pair *tls.Certificate // of TLS-ALPN-01
}

func newChallenge(c acme.Challenge) (challenge, error) {
	if c.Type == acme.ChallengeTypeHTTP01 {
		return challenge{text: c.KeyAuthorization, path: c.HTTP01ResourcePath()}, nil
	}
	pair, err := acmez.TLSALPN01ChallengeCert(c)
	return challenge{pair: pair}, err
}

// Present makes a challenge known.
func (s *solver) Present(ctx context.Context, c acme.Challenge) error {
	made, err := newChallenge(c)
	if err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := s.store.files.Store(ctx, challengeFile(c.Type, c.Identifier.Value), text); err != nil {
		return err
	}
	s.mu.Lock()
	s.here[c.Type+c.Identifier.Value] = made
	s.mu.Unlock()
	return nil
}

// CleanUp forgets it.
func (s *solver) CleanUp(ctx context.Context, c acme.Challenge) error {
	s.mu.Lock()
	delete(s.here, c.Type+c.Identifier.Value)
	s.mu.Unlock()
	return s.store.files.Delete(context.WithoutCancel(ctx), challengeFile(c.Type, c.Identifier.Value))
}

// find returns the challenge of a kind for a name, of this process or of another one.
func (s *solver) find(kind, name string) (challenge, bool) {
	s.mu.Lock()
	c, ok := s.here[kind+name]
	s.mu.Unlock()
	if ok {
		return c, true
	}
	text, err := s.store.load(challengeFile(kind, name))
	if err != nil {
		return challenge{}, false
	}
	var theirs acme.Challenge
	if json.Unmarshal(text, &theirs) != nil || theirs.Type != kind || theirs.Identifier.Value != name || theirs.KeyAuthorization == "" {
		return challenge{}, false
	}
	c, err = newChallenge(theirs)
	return c, err == nil
}

// ChallengePath is what the path of every request of HTTP-01 begins with (RFC 8555 section 8.3).
const ChallengePath = "/.well-known/acme-challenge/"

// Challenge returns the answer to a request of HTTP-01 over plain HTTP, for a host and a path in normal form. False: no process
// that shares the storage has ordered that, and the request is like any other.
func (k *Keeper) Challenge(host, path []byte) (answer string, ok bool) {
	if k.orders == nil || len(path) > challengePathMax || !public(string(host)) {
		return "", false
	}
	c, ok := k.orders.solver.find(acme.ChallengeTypeHTTP01, string(host))
	if !ok || c.path != string(path) {
		return "", false
	}
	k.orders.answered(acme.ChallengeTypeHTTP01)
	return c.text, true
}

func (o *orders) answered(kind string) {
	o.meters.Counter("skerry_acme_challenges_total", "Challenges of ACME that were answered.", "challenge", kind).Inc()
}

// asksChallenge reports whether a hello is one of TLS-ALPN-01: it names a host, and nothing but acme-tls/1 (RFC 8737 section 3).
func asksChallenge(h *tls.ClientHelloInfo) bool {
	return len(h.SupportedProtos) == 1 && h.SupportedProtos[0] == acmez.ACMETLS1Protocol
}

// challenge returns the configuration for a handshake of TLS-ALPN-01; nil if there is no such challenge. What it shows is good for
// nothing else: the connection is closed when it has been shown.
func (k *Keeper) challenge(sni string) *tls.Config {
	name, ok := normalName(sni)
	if k.orders == nil || !ok || !public(name) {
		return nil
	}
	c, ok := k.orders.solver.find(acme.ChallengeTypeTLSALPN01, name)
	if !ok {
		return nil
	}
	k.orders.answered(acme.ChallengeTypeTLSALPN01)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*c.pair}, NextProtos: []string{acmez.ACMETLS1Protocol},
		SessionTicketsDisabled: true, Time: k.opt.Now}
}
