package peer

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"net/netip"

	"skerry.dev/skerry/fault"
)

// TLS is how an origin is spoken to. Two are the same if their content is.
type TLS struct {
	ServerName string // asked for (SNI) and verified; empty: the address is verified
	MinVersion string // "1.2" or "1.3"; empty: "1.2"
	Roots      []byte // PEM of the authorities that the origin's certificate must come from; empty: the system's
	Chain      []byte // PEM of the certificate that is shown, leaf first; empty: none
	Key        []byte // PEM
}

// The names of the protocols in ALPN (RFC 7301 section 6, RFC 9113 section 11.1). One alone is offered: a service says what it speaks.
const (
	alpnHTTP1 = "http/1.1"
	alpnHTTP2 = "h2"
)

// digest stands for a TLS, and keeps no key in memory; that of nil is zero.
type digest [sha256.Size]byte

func (t *TLS) digest() (d digest) {
	if t == nil {
		return d
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(t.ServerName), []byte(t.MinVersion), t.Roots, t.Chain, t.Key} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	h.Sum(d[:0])
	return d
}

// config checks everything that can be checked without the origin. Nothing in it can be told to trust blindly.
func (t *TLS) config(addr netip.Addr, http2 bool) (*tls.Config, error) {
	c := &tls.Config{ServerName: t.ServerName, NextProtos: []string{alpnHTTP1}, ClientSessionCache: tls.NewLRUClientSessionCache(sessionsMax)}
	if c.ServerName == "" {
		c.ServerName = addr.WithZone("").String()
	}
	if http2 {
		c.NextProtos = []string{alpnHTTP2}
	}
	switch t.MinVersion {
	case "", "1.2":
		c.MinVersion = tls.VersionTLS12
	case "1.3":
		c.MinVersion = tls.VersionTLS13
	default:
		return nil, fault.New(fault.OriginTLS, "tls.minVersion is "+t.MinVersion+", and only 1.2 and 1.3 are spoken")
	}
	if len(t.Roots) > 0 {
		roots, err := authorities(t.Roots)
		if err != nil {
			return nil, err
		}
		c.RootCAs = roots
	}
	if len(t.Chain)+len(t.Key) > 0 {
		own, err := tls.X509KeyPair(t.Chain, t.Key)
		if err != nil {
			return nil, fault.Wrap(fault.OriginTLS, "tls.certificate and tls.key", err)
		}
		// Shown whatever authorities the origin lists: that list is a hint, and an origin that wants another certificate says so.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
	}
	return c, nil
}

// authorities reads PEM certificates. A block that is none is refused, not skipped: who wrote it would believe it counts.
func authorities(text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	found := 0
	for rest := text; ; found++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fault.New(fault.OriginTLS, "tls.ca holds a "+block.Type+", and only CERTIFICATE belongs there")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fault.Wrap(fault.OriginTLS, "tls.ca holds a certificate that does not parse", err)
		}
		pool.AddCert(c)
	}
	if begun := bytes.Count(text, []byte("-----BEGIN")); found == 0 || found != begun {
		return nil, fault.New(fault.OriginTLS, "tls.ca holds no PEM, or a block of it that is broken")
	}
	return pool, nil
}

// Check reports what is wrong with it that can be seen without the origin; of kind OriginTLS.
func (t *TLS) Check() error {
	_, err := t.config(netip.IPv4Unspecified(), false)
	return err
}
