package cert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/spec"
)

// leaf is a certificate with its chain and key, as handshakes use it. It is never changed.
type leaf struct {
	document string // the Certificate it comes from; empty: the local CA issued it
	pair     tls.Certificate
	exact    map[string]struct{} // the hosts it names, in normal form
	below    map[string]struct{} // by what follows "*." of its wildcards, which stand for one label
	covers   func(host []byte) bool
	issuers  []*x509.Certificate // the rest of the chain
	at       spec.Pos            // of the document
	renew    time.Time           // when the local CA issues the next one
}

// newLeaf indexes the names of pair.Leaf. There are none if exact and below are empty.
func newLeaf(document string, pair tls.Certificate) *leaf {
	l := &leaf{document: document, pair: pair, exact: map[string]struct{}{}, below: map[string]struct{}{}}
	for _, name := range pair.Leaf.DNSNames {
		wild := strings.HasPrefix(name, "*.")
		normal, ok := normalName(strings.TrimPrefix(name, "*."))
		switch {
		case !ok || numeric(normal): // an address is named as one (RFC 9525 section 6.2), and has nothing below it
		case wild:
			l.below[normal] = struct{}{}
		default:
			l.exact[normal] = struct{}{}
		}
	}
	for _, ip := range pair.Leaf.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok {
			l.exact[hostOf(a.Unmap())] = struct{}{}
		}
	}
	l.covers = l.good
	return l
}

// numeric reports whether the last label is a number, so that the whole can only be an IPv4 address.
func numeric(name string) bool {
	return strings.Trim(name[strings.LastIndexByte(name, '.')+1:], "0123456789") == ""
}

// good reports whether the certificate is good for a host in normal form (RFC 9525 section 6.3). It does not allocate.
func (l *leaf) good(host []byte) bool {
	if _, ok := l.exact[string(host)]; ok {
		return true
	}
	dot := bytes.IndexByte(host, '.')
	if dot < 0 || len(l.below) == 0 {
		return false
	}
	_, ok := l.below[string(host[dot+1:])]
	return ok
}

// names returns what it covers, sorted, wildcards as "*.example.com".
func (l *leaf) names() []string {
	names := make([]string, 0, len(l.exact)+len(l.below))
	for name := range l.exact {
		names = append(names, name)
	}
	for name := range l.below {
		names = append(names, "*."+name)
	}
	slices.Sort(names)
	return names
}

func (l *leaf) x509() *x509.Certificate { return l.pair.Leaf }

// life is how long the certificate holds in all.
func (l *leaf) life() time.Duration { return l.x509().NotAfter.Sub(l.x509().NotBefore) }

// inForce reports whether a client with the right time would take it.
func (l *leaf) inForce(now time.Time) bool {
	return !now.Before(l.x509().NotBefore) && now.Before(l.x509().NotAfter)
}
