package cert

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"time"
)

// kind is the type of a certificate's key, the preferred one first: signing with ECDSA costs a tenth of what RSA costs.
type kind uint8

const (
	kindECDSA kind = iota
	kindEd25519
	kindRSA
	kinds // how many there are
)

func (k kind) String() string { return [kinds]string{"ECDSA", "Ed25519", "RSA"}[k] }

func (l *leaf) kind() kind {
	switch l.x509().PublicKey.(type) {
	case *ecdsa.PublicKey:
		return kindECDSA
	case ed25519.PublicKey:
		return kindEd25519
	}
	return kindRSA
}

// byKind has the best leaf of each kind of key, nil where there is none.
type byKind [kinds]*leaf

// preferred is the first that is in force, or else the first; nil if there is none.
func (b *byKind) preferred(now time.Time) (first *leaf) {
	for _, l := range b {
		switch {
		case l == nil:
		case l.inForce(now):
			return l
		case first == nil:
			first = l
		}
	}
	return first
}

// pick is crypto/tls's GetCertificate: what was chosen by name, or one for the same name with another kind of key if the client
// cannot use that one. Where there is no choice the client is not asked: crypto/tls's error then says what is wrong.
func (s *Socket) pick(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
	others := false
	for _, l := range s.leaves {
		others = others || l != nil && l != s.leaf
	}
	if !others || h.SupportsCertificate(&s.leaf.pair) == nil {
		return &s.leaf.pair, nil
	}
	for _, l := range s.leaves {
		if l != nil && l != s.leaf && h.SupportsCertificate(&l.pair) == nil {
			s.leaf = l
			break
		}
	}
	return &s.leaf.pair, nil
}
