package cert

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/tls"
	"slices"
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
// cannot use that one. Where there is no choice the client is not asked: crypto/tls's error then says what is wrong. It does not
// allocate.
func (s *Socket) pick(h *tls.ClientHelloInfo) *tls.Certificate {
	others := false
	for _, l := range s.leaves {
		others = others || l != nil && l != s.leaf
	}
	if !others || s.policy.fits(h, s.leaf) {
		return &s.leaf.pair
	}
	for _, l := range s.leaves {
		if l != nil && l != s.leaf && s.policy.fits(h, l) {
			s.leaf = l
			break
		}
	}
	return &s.leaf.pair
}

// fits reports whether a client can use a certificate that covers what it named. It says what ClientHelloInfo.SupportsCertificate says,
// which makes a dozen lists and an error for it; a test holds the two against each other. Like that one it does not look at the
// signatures of the chain. Of GODEBUG only what is set by default is known.
func (p *policy) fits(h *tls.ClientHelloInfo, l *leaf) bool {
	thirteen := slices.Contains(h.SupportedVersions, tls.VersionTLS13)
	if !thirteen && (p.min > tls.VersionTLS12 || !slices.Contains(h.SupportedVersions, tls.VersionTLS12)) {
		return false
	}
	if len(h.SignatureSchemes) > 0 && !slices.ContainsFunc(h.SignatureSchemes, func(s tls.SignatureScheme) bool { return l.signs(s, thirteen) }) {
		return false
	}
	return thirteen || p.fits12(h, l)
}

// fits12 is what TLS 1.2 asks for besides a signature: a cipher suite for the kind of key, a curve to exchange keys on, uncompressed
// points, and of a key of ECDSA that the client names its curve too (RFC 8422 section 5.1).
func (p *policy) fits12(h *tls.ClientHelloInfo, l *leaf) bool {
	if len(h.SupportedPoints) > 0 && !slices.Contains(h.SupportedPoints, pointUncompressed) {
		return false
	}
	if !slices.ContainsFunc(h.SupportedCurves, p.exchanges12) {
		return false
	}
	signed := suitesEC
	switch l.kind() {
	case kindRSA:
		signed = suitesRSA
	case kindECDSA:
		if c := l.curve(); !p.exchanges12(c) || !slices.Contains(h.SupportedCurves, c) {
			return false
		}
	case kindEd25519:
		if len(h.SignatureSchemes) == 0 {
			return false
		}
	}
	return slices.ContainsFunc(h.CipherSuites, func(id uint16) bool { return slices.Contains(signed, id) })
}

// pointUncompressed is the one format of points that is left (RFC 8422 section 5.1.2).
const pointUncompressed = 0

// exchanges12 reports whether the policy takes a key exchange in TLS 1.2, which knows no hybrid ones.
func (p *policy) exchanges12(id tls.CurveID) bool {
	switch id {
	case tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521:
		return slices.Contains(p.config.CurvePreferences, id)
	}
	return false
}

// curve is that of a key of ECDSA.
func (l *leaf) curve() tls.CurveID {
	key, _ := l.x509().PublicKey.(*ecdsa.PublicKey)
	switch key.Curve {
	case elliptic.P256():
		return tls.CurveP256
	case elliptic.P384():
		return tls.CurveP384
	case elliptic.P521():
		return tls.CurveP521
	}
	return 0
}

// signs reports whether a key can sign by this scheme. TLS 1.3 has one for each curve, and no PKCS #1 v1.5; SHA-1 is in neither.
func (l *leaf) signs(s tls.SignatureScheme, thirteen bool) bool {
	switch s {
	case tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512:
		return l.kind() == kindRSA
	case tls.PKCS1WithSHA256, tls.PKCS1WithSHA384, tls.PKCS1WithSHA512:
		return l.kind() == kindRSA && !thirteen
	case tls.Ed25519:
		return l.kind() == kindEd25519
	}
	if l.kind() != kindECDSA {
		return false
	}
	switch s {
	case tls.ECDSAWithP256AndSHA256:
		return !thirteen || l.curve() == tls.CurveP256
	case tls.ECDSAWithP384AndSHA384:
		return !thirteen || l.curve() == tls.CurveP384
	case tls.ECDSAWithP521AndSHA512:
		return !thirteen || l.curve() == tls.CurveP521
	}
	return false
}
