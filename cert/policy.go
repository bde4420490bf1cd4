package cert

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"skerry.dev/skerry/spec"
)

func withDefaults(t *spec.TLS) spec.TLS {
	var full spec.TLS
	if t != nil {
		full = *t
	}
	if full.MinVersion == "" {
		full.MinVersion = "1.2"
	}
	if full.ClientCertificates == "" {
		full.ClientCertificates = spec.ClientAuthOff
	}
	return full
}

// policy is what handshakes for some hosts must meet.
type policy struct {
	key     string
	min     uint16
	config  *tls.Config
	tickets *tickets            // the keeper's, shared by all
	clients []*x509.Certificate // the client CAs; nil: no certificate is asked for
	lists   lists               // their revocation lists; nil: nobody asks
	now     func() time.Time
	at      spec.Pos // of the first entrypoint that has it
}

// suitesRSA and suitesEC are those of TLS 1.2 that are both forward secret and authenticated encryption; HTTP/2 forbids all others (RFC
// 9113 appendix A). Those of TLS 1.3 are not ours to choose. A key of Ed25519 signs in those for ECDSA (RFC 8422 section 5.10).
var (
	suitesRSA = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}
	suitesEC  = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}
)

func (k *Keeper) policy(t *spec.TLS, seen sums) (*policy, error) {
	full := withDefaults(t)
	p := &policy{key: full.Key(), tickets: k.tickets, now: k.opt.Now}
	switch full.MinVersion {
	case "1.2":
		p.min = tls.VersionTLS12
	case "1.3":
		p.min = tls.VersionTLS13
	default:
		return nil, fmt.Errorf(`tls.minVersion %q is neither "1.2" nor "1.3"`, full.MinVersion)
	}
	curves, err := curvesOf(full.Curves)
	if err != nil {
		return nil, err
	}
	p.config = &tls.Config{
		Time:             k.opt.Now,
		NextProtos:       k.opt.Protocols,
		MinVersion:       p.min,
		CipherSuites:     slices.Concat(suitesEC, suitesRSA),
		CurvePreferences: curves,
		GetCertificate:   func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return socketOf(h.Conn).pick(h), nil },
		WrapSession:      p.wrap,
		UnwrapSession:    p.unwrap,
	}
	switch full.ClientCertificates {
	case spec.ClientAuthOff:
		return p, nil
	case spec.ClientAuthOptional:
		p.config.ClientAuth = tls.VerifyClientCertIfGiven
	case spec.ClientAuthRequired:
		p.config.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return nil, fmt.Errorf("tls.clientCertificates %q is none of off, optional and required", full.ClientCertificates)
	}
	return p, k.askClients(p, &full, seen)
}

// askClients makes a policy check client certificates.
func (k *Keeper) askClients(p *policy, full *spec.TLS, seen sums) error {
	if full.ClientCA == "" {
		return fmt.Errorf("tls.clientCertificates is %s, but tls.clientCA does not say whom to trust", full.ClientCertificates)
	}
	bundle, err := k.bundle(full.ClientCA, seen)
	if err != nil {
		return fmt.Errorf("tls.clientCA: %w", err)
	}
	p.clients = bundle
	if full.ClientCRL != "" {
		if p.lists, err = k.lists(full.ClientCRL, bundle, seen); err != nil {
			return fmt.Errorf("tls.clientCRL: %w", err)
		}
	}
	p.config.ClientCAs = x509.NewCertPool()
	for _, c := range p.clients {
		if !p.lists.revoked(c, bundle) {
			p.config.ClientCAs.AddCert(c)
		}
	}
	p.config.VerifyPeerCertificate = p.verify
	// A resumption would carry over what another handshake found, perhaps under a bundle that is gone.
	p.config.SessionTicketsDisabled = true
	return nil
}

// verify refuses what crypto/tls has found to be good, but is too large to be told to a service, or revoked.
func (p *policy) verify(sent [][]byte, chains [][]*x509.Certificate) error {
	total := 0
	for _, c := range sent {
		total += len(c)
	}
	switch {
	case len(sent) == 0:
		return nil
	case total > clientChainBytesMax:
		return tooLarge
	case p.lists == nil:
		return nil
	}
	return p.lists.check(chains, p.now())
}

// shown is the chain of a client's certificate in DER, leaf first and without the authority that is trusted; nil: it showed none.
func (p *policy) shown(chains [][]*x509.Certificate) (chain [][]byte) {
	for _, c := range chains {
		if p.lists != nil && p.lists.checkChain(c, p.now()) != noReason {
			continue
		}
		chain = append(chain, c[0].Raw)
		for i := 1; i < len(c)-1; i++ {
			chain = append(chain, c[i].Raw)
		}
		return chain
	}
	return nil
}

// curveID is a key exchange as crypto/tls numbers it; of several it prefers the hybrid ones.
func curveID(c spec.Curve) (id tls.CurveID, ok bool) {
	switch c {
	case spec.CurveX25519MLKEM768:
		id = tls.X25519MLKEM768
	case spec.CurveSecP256r1MLKEM768:
		id = tls.SecP256r1MLKEM768
	case spec.CurveSecP384r1MLKEM1024:
		id = tls.SecP384r1MLKEM1024
	case spec.CurveX25519:
		id = tls.X25519
	case spec.CurveP256:
		id = tls.CurveP256
	case spec.CurveP384:
		id = tls.CurveP384
	case spec.CurveP521:
		id = tls.CurveP521
	default:
		return 0, false
	}
	return id, true
}

// curveOf is curveID the other way round; empty if there was no exchange.
func curveOf(id tls.CurveID) spec.Curve {
	for _, c := range spec.Curves() {
		if of, _ := curveID(c); of == id {
			return c
		}
	}
	return ""
}

func curvesOf(names []spec.Curve) (ids []tls.CurveID, err error) {
	if len(names) == 0 {
		names = spec.Curves()
	}
	for _, c := range names {
		id, ok := curveID(c)
		if !ok {
			return nil, fmt.Errorf("tls.curves: %q is none of %q", c, spec.Curves())
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// shares reports whether a client that offers these could exchange keys. One that names none speaks of it nowhere.
func (p *policy) shares(offered []tls.CurveID) bool {
	return len(offered) == 0 || slices.ContainsFunc(offered, func(id tls.CurveID) bool { return slices.Contains(p.config.CurvePreferences, id) })
}
