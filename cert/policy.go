package cert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"

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
	tickets *tls.Config         // the keeper's, shared by all
	clients []*x509.Certificate // the client CAs; nil: no certificate is asked for
}

// suites are those of TLS 1.2 that are both forward secret and authenticated encryption; HTTP/2 forbids all others (RFC
// 9113 appendix A). Those of TLS 1.3 are not ours to choose.
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

func (k *Keeper) policy(t *spec.TLS, seen sums) (*policy, error) {
	full := withDefaults(t)
	p := &policy{key: full.Key(), tickets: k.tickets}
	switch full.MinVersion {
	case "1.2":
		p.min = tls.VersionTLS12
	case "1.3":
		p.min = tls.VersionTLS13
	default:
		return nil, fmt.Errorf(`tls.minVersion %q is neither "1.2" nor "1.3"`, full.MinVersion)
	}
	p.config = &tls.Config{
		Time:           k.opt.Now,
		NextProtos:     k.opt.Protocols,
		MinVersion:     p.min,
		CipherSuites:   suites(),
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return &socketOf(h.Conn).leaf.pair, nil },
		WrapSession:    p.wrap,
		UnwrapSession:  p.unwrap,
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
	if full.ClientCA == "" {
		return nil, fmt.Errorf("tls.clientCertificates is %s, but tls.clientCA does not say whom to trust", full.ClientCertificates)
	}
	var err error
	if p.clients, err = k.bundle(full.ClientCA, seen); err != nil {
		return nil, fmt.Errorf("tls.clientCA: %w", err)
	}
	p.config.ClientCAs = x509.NewCertPool()
	for _, c := range p.clients {
		p.config.ClientCAs.AddCert(c)
	}
	// A resumption would carry over what another handshake found, perhaps under a bundle that is gone.
	p.config.SessionTicketsDisabled = true
	return p, nil
}

// bound is what a session is tied to. RFC 6066 section 3 wants the name; the policy is what the client met.
func (p *policy) bound(name string) []byte {
	return []byte("skerry\x00" + p.key + "\x00" + name)
}

func (p *policy) wrap(s tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
	session.Extra = append(session.Extra, p.bound(s.ServerName))
	return p.tickets.EncryptTicket(s, session)
}

// unwrap makes nothing of a ticket that was issued under another name or policy: the handshake is a full one.
func (p *policy) unwrap(ticket []byte, s tls.ConnectionState) (*tls.SessionState, error) {
	session, err := p.tickets.DecryptTicket(ticket, s)
	if err != nil || session == nil {
		return nil, err
	}
	want := p.bound(s.ServerName)
	if !slices.ContainsFunc(session.Extra, func(have []byte) bool { return bytes.Equal(have, want) }) {
		return nil, nil
	}
	return session, nil
}
