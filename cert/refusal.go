package cert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"skerry.dev/skerry/meter"
)

// refusal is why a client's certificate was refused; its String is a metric label and never changes.
type refusal uint8

const (
	noReason      refusal = iota
	noCertificate         // it showed none
	expired               // its time, or that of an intermediate one, is over or has not begun
	wrongCA               // no authority of tls.clientCA issued it
	revoked               // it is on a list of tls.clientCRL
	listOutOfDate         // nobody knows: its issuer's list should have been replaced
	noList                // nobody knows: an intermediate authority without a list issued it
	tooLarge              // the chain has more than clientChainBytesMax bytes
	otherwise             // anything else: it is not for clients, for example
	refusals              // how many there are
)

func (r refusal) String() string {
	return [refusals]string{"", "none", "expired", "wrong_ca", "revoked", "list_out_of_date", "no_list", "too_large", "other"}[r]
}

// Error makes a refusal what VerifyPeerCertificate returns.
func (r refusal) Error() string { return "client certificate refused: " + r.String() }

func newRefusals(m *meter.Set) (all [refusals]*meter.Counter) {
	for r := noCertificate; r < refusals; r++ {
		all[r] = m.Counter("skerry_tls_client_certificates_refused_total", "TLS handshakes that failed for the client's certificate, by why.", "reason", r.String())
	}
	return all
}

// tellRefusal makes an event of a refused certificate, of each reason once in a while: whoever runs the edge is asked by that client.
func (s *Store) tellRefusal(c *tls.Conn, r refusal, err error) {
	if !s.told[r].Due(time.Now(), refusalEventEvery) {
		return
	}
	var (
		which  = "none was shown"
		shown  = c.ConnectionState().PeerCertificates
		verify *tls.CertificateVerificationError
	)
	if errors.As(err, &verify) {
		shown = verify.UnverifiedCertificates
	}
	if len(shown) > 0 {
		name, serial := identity(shown[0])
		which = fmt.Sprintf("%.*q, serial %.40s, until %s", refusalNameMax, name, serial, shown[0].NotAfter.UTC().Format(time.RFC3339))
	}
	s.keeper.opt.Meters.Events().Add("client_certificate", fmt.Sprintf("the client certificate of %v for %s was refused (tls.clientCertificates), %s: %s",
		c.RemoteAddr(), socketOf(c.NetConn()).name, r.String(), which))
}

// identity is how a client's certificate is named to people: by its subject (RFC 4514), where that has no common name by the first name of
// subjectAltName, and by its serial number in hexadecimal digits, which is what its authority revokes it by. A subject without a common
// name may be the same for all certificates of an authority, as those of SPIFFE often are.
func identity(leaf *x509.Certificate) (name, serial string) {
	serial = leaf.SerialNumber.Text(16)
	switch {
	case leaf.Subject.CommonName != "":
		return leaf.Subject.String(), serial
	case len(leaf.URIs) > 0:
		return "URI:" + leaf.URIs[0].String(), serial
	case len(leaf.DNSNames) > 0:
		return "DNS:" + leaf.DNSNames[0], serial
	case len(leaf.EmailAddresses) > 0:
		return "email:" + leaf.EmailAddresses[0], serial
	case len(leaf.IPAddresses) > 0:
		return "IP:" + leaf.IPAddresses[0].String(), serial
	}
	return leaf.Subject.String(), serial
}

// refusalOf finds why a handshake failed that ended with ClientCertificate.
func refusalOf(err error) refusal {
	var (
		own     refusal
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return expired
	case errors.As(err, &unknown):
		return wrongCA
	case strings.Contains(err.Error(), noClientCertificate):
		return noCertificate
	}
	return otherwise
}
