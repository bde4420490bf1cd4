package cert

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// Session is what a handshake settled; it is never changed.
type Session struct {
	ServerName   string                 // the host the client named, in normal form; empty: none
	Version      uint16                 // as crypto/tls numbers it
	Curve        spec.Curve             // the key exchange; empty: none, as when TLS 1.2 resumed a session
	Client       [][]byte               // the client's certificate and its chain in DER, leaf first, without the trusted authority; nil: it showed none
	ClientName   string                 // who the client is by that certificate: its subject, or a name from subjectAltName; empty: it names nobody, or is none
	ClientSerial string                 // the number of that certificate, in hexadecimal digits; empty: it showed none
	Protocol     string                 // what ALPN chose; empty: the client offered none
	Policy       string                 // Key of the policy that was enforced
	Local        bool                   // the certificate is the local CA's
	Resumed      bool                   // an earlier session went on
	Covers       func(host []byte) bool // whether the certificate is good for a host in normal form; it does not allocate
}

// Result is how a handshake ended; its String is a metric label and never changes.
type Result uint8

// The results.
const (
	OK                Result = iota
	Timeout                  // the client was too slow
	ClientLeft               // it closed or reset the connection
	UnrecognizedName         // it named a host that is not served
	NoVersion                // it speaks no version that the policy takes
	NoCipher                 // no cipher suite in common
	NoCurve                  // it offers none of the policy's key exchanges
	NoProtocol               // none of its ALPN protocols is spoken here
	ClientCertificate        // it showed none where it must, or one that is not good
	ClientAlert              // it did not like what it got: mostly, it does not trust the certificate
	PlainHTTP                // it spoke HTTP without TLS
	NotTLS                   // it spoke something else
	Closed                   // we closed the connection meanwhile
	Challenge                // it was a CA that checked a challenge of ACME: there is nothing more to say
	Failed                   // anything else
	results                  // how many there are
)

// String is the result as metrics print it.
func (r Result) String() string {
	return [results]string{
		"ok", "timeout", "client_left", "unrecognized_name", "no_version", "no_cipher", "no_curve", "no_protocol",
		"client_certificate", "client_alert", "plain_http", "not_tls", "closed", "acme_challenge", "failed",
	}[r]
}

type counts struct {
	results [results]*meter.Counter
	refused [refusals]*meter.Counter // what became ClientCertificate
	resumed *meter.Counter
}

func newCounts(m *meter.Set) (c counts) {
	for r := range results {
		c.results[r] = m.Counter("skerry_tls_handshakes_total", "TLS handshakes with clients, by how they ended.", "result", r.String())
	}
	c.refused = newRefusals(m)
	c.resumed = m.Counter("skerry_tls_resumed_total", "TLS handshakes that went on with an earlier session.")
	return c
}

// Finish counts a handshake on a connection of Config that ended with err, and returns what it settled. The session is nil
// unless the result is OK.
func (s *Store) Finish(c *tls.Conn, err error) (*Session, Result) {
	sock := socketOf(c.NetConn())
	r := resultOf(sock, err)
	s.counts.results[r].Inc()
	if r == ClientCertificate {
		why := refusalOf(err)
		s.counts.refused[why].Inc()
		s.tellRefusal(c, why, err)
	}
	if r != OK {
		return nil, r
	}
	state := c.ConnectionState()
	if state.DidResume {
		s.counts.resumed.Inc()
	}
	session := &Session{
		ServerName: sock.name,
		Version:    state.Version,
		Curve:      curveOf(state.CurveID),
		Client:     sock.policy.shown(state.VerifiedChains),
		Protocol:   state.NegotiatedProtocol,
		Policy:     sock.policy.key,
		Local:      sock.leaf.document == "",
		Resumed:    state.DidResume,
		Covers:     sock.leaf.covers,
	}
	if session.Client != nil {
		session.ClientName, session.ClientSerial = identity(state.PeerCertificates[0])
	}
	return session, OK
}

func resultOf(sock *Socket, err error) Result {
	var (
		record  tls.RecordHeaderError
		refused refusal
		verify  *tls.CertificateVerificationError
		network *net.OpError
	)
	switch {
	case err == nil && sock.challenge:
		return Challenge
	case err == nil:
		return OK
	case sock.refused:
		return UnrecognizedName
	case sock.old:
		return NoVersion
	case sock.apart:
		return NoCurve
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case errors.Is(err, net.ErrClosed):
		return Closed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ClientLeft
	case errors.As(err, &record):
		if speaksHTTP(record.RecordHeader) {
			return PlainHTTP
		}
		return NotTLS
	case errors.As(err, &verify), errors.As(err, &refused):
		return ClientCertificate
	case errors.As(err, &network) && network.Op == "remote error":
		return ClientAlert
	}
	return resultOfText(err.Error())
}

// noClientCertificate is what crypto/tls says of a client that showed none.
const noClientCertificate = "didn't provide a certificate"

// resultOfText reads the errors that crypto/tls gives no type. A test makes each of them happen.
func resultOfText(text string) Result {
	switch {
	case strings.Contains(text, noClientCertificate):
		return ClientCertificate
	case strings.Contains(text, "unsupported application protocols"):
		return NoProtocol
	case strings.Contains(text, "no cipher suite supported"):
		return NoCipher
	case strings.Contains(text, "bad record MAC"):
		return ClientAlert // OpenSSL sends its alert about a certificate in the clear, also in TLS 1.3, where all else is encrypted
	}
	return Failed
}

// speaksHTTP reports whether what came in place of a TLS record is the beginning of a request line: a method's capitals
// and a space or more capitals.
func speaksHTTP(head [5]byte) bool {
	for i, c := range head {
		if c == ' ' {
			return i >= 3
		}
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
