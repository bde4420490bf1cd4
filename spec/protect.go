package spec

import (
	"net/netip"
	"slices"
	"time"
)

// This file is the model of the protections: what the policies of policy.go become.

// Trace says how W3C trace context is made and how many exchanges become spans. The trace is started anew at the edge; its
// id is the request id.
type Trace struct {
	On     bool    `yaml:"-"`
	Sample float64 `yaml:"sample"` // share of exchanges exported as spans, 0 to 1; default 0.01
}

// TLS is what a handshake for a host of the entrypoint must have, and what a service learns of it.
type TLS struct {
	MinVersion         string        `yaml:"minVersion"`               // "1.2" or "1.3"; default "1.2"
	Curves             []Curve       `yaml:"curves"`                   // key exchanges that are taken; their order means nothing. Empty: all
	ClientCertificates ClientAuth    `yaml:"clientCertificates"`       // default off
	ClientCA           Ref           `yaml:"clientCA"`                 // PEM bundle that client certificates are checked against
	ClientCRL          Ref           `yaml:"clientCRL"`                // revocation lists (PEM or DER) of its authorities; empty: none is asked
	Forward            ForwardClient `yaml:"forwardClientCertificate"` // empty: off
}

// Curve names a key exchange; the name is older than those that are no curves.
type Curve string

// The values of Curve. The hybrid ones, which a quantum computer does not break, need TLS 1.3.
const (
	CurveX25519MLKEM768     Curve = "X25519MLKEM768"
	CurveSecP256r1MLKEM768  Curve = "SecP256r1MLKEM768"
	CurveSecP384r1MLKEM1024 Curve = "SecP384r1MLKEM1024"
	CurveX25519             Curve = "X25519"
	CurveP256               Curve = "P-256"
	CurveP384               Curve = "P-384"
	CurveP521               Curve = "P-521"
)

// Curves are all of them, those first that are preferred: what a policy has that names none.
func Curves() []Curve {
	return []Curve{
		CurveX25519MLKEM768, CurveSecP256r1MLKEM768, CurveSecP384r1MLKEM1024, CurveX25519, CurveP256, CurveP384, CurveP521,
	}
}

// Hybrid reports whether it is one of the post-quantum ones.
func (c Curve) Hybrid() bool {
	return c == CurveX25519MLKEM768 || c == CurveSecP256r1MLKEM768 || c == CurveSecP384r1MLKEM1024
}

// ForwardClient says what a service learns of a client's certificate (RFC 9440).
type ForwardClient string

// The values of ForwardClient.
const (
	ForwardClientOff   ForwardClient = "off"
	ForwardClientLeaf  ForwardClient = "leaf"  // Client-Cert
	ForwardClientChain ForwardClient = "chain" // Client-Cert-Chain too: the intermediate authorities, without the trusted one
)

// ClientAuth says whether a client must show a certificate.
type ClientAuth string

// The values of ClientAuth.
const (
	ClientAuthOff      ClientAuth = "off"
	ClientAuthOptional ClientAuth = "optional" // checked if there is one
	ClientAuthRequired ClientAuth = "required"
)

// Key is what distinguishes policies: a connection whose handshake enforced one must not be used for a host with another. Of
// nil, and of values left empty, it is that of the defaults.
func (t *TLS) Key() string {
	var full TLS
	if t != nil {
		full = *t
	}
	key := orElse(full.MinVersion, "1.2") + " " + string(orElse(full.ClientCertificates, ClientAuthOff)) + " " + string(full.ClientCA)
	if full.ClientCRL != "" {
		key += " " + string(full.ClientCRL)
	}
	all := Curves()
	named := slices.DeleteFunc(slices.Clone(all), func(c Curve) bool { return !slices.Contains(full.Curves, c) })
	if len(full.Curves) > 0 && len(named) < len(all) {
		for _, c := range named {
			key += " " + string(c)
		}
	}
	return key
}

// PlainHTTP is what a request over plain HTTP gets where the edge also has an HTTPS listener.
type PlainHTTP string

// The values of PlainHTTP.
const (
	PlainToHTTPS PlainHTTP = "https" // a 308 to the same URL with https
	PlainServed  PlainHTTP = "off"   // the same as over HTTPS
)

// HSTS is Strict-Transport-Security (RFC 6797); MaxAge 0 is off. It is never sent over plain HTTP, with a certificate of the
// local CA, or for localhost and IP addresses.
type HSTS struct {
	MaxAge            time.Duration `yaml:"maxAge"` // default one year; whole seconds
	IncludeSubDomains bool          `yaml:"includeSubDomains"`
	Preload           bool          `yaml:"preload"`
}

// CORS says which pages of other origins may call (Fetch standard). No Origins is off.
type CORS struct {
	Origins     []string      `yaml:"origins"`     // "https://app.example.com", "https://*.example.com", or "*" alone
	Methods     []string      `yaml:"methods"`     // default GET, HEAD, POST
	Headers     []string      `yaml:"headers"`     // request headers; "*" any. Default none beyond the safelisted
	Expose      []string      `yaml:"expose"`      // response headers that scripts may read
	Credentials bool          `yaml:"credentials"` // not with origin "*"
	MaxAge      time.Duration `yaml:"maxAge"`      // how long a browser may keep a preflight's answer; default 10 min
}

// Limit bounds the requests of one client address (an IPv6 address by its /64), as a token bucket. Rate.Count 0 is off.
type Limit struct {
	PerAddress Rate `yaml:"perAddress"`
	Burst      int  `yaml:"burst"` // requests that may come at once; default twice the count of the rate
}

// Rate is a number of events in a span of time: 300/s, 10/m, 1000/h.
type Rate struct {
	Count int
	Per   time.Duration // a second, a minute or an hour
}

// Size is a number of bytes, written as 512, 64KB or 10MB; the units are powers of 1024.
type Size int64

// Compress says what the edge compresses.
type Compress struct {
	On bool `yaml:"-"`
	// Identified also compresses answers to requests with a cookie or Authorization that may reflect what the client
	// sent; off, because the size of such an answer tells a secret in it (BREACH).
	Identified bool `yaml:"identified"`
}

// ErrorPage is the HTML of an edge-made error answer. {request_id} in it stands for the request's id.
type ErrorPage struct {
	Status int // 400 to 599
	HTML   string
}

// Maintenance answers 503 to everybody but Allow.
type Maintenance struct {
	On         bool           `yaml:"-"`
	RetryAfter time.Duration  `yaml:"retryAfter"` // default 5 min; whole seconds
	Allow      []netip.Prefix `yaml:"allow"`      // client addresses that are served all the same
}
