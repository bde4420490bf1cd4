package cert

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"skerry.dev/skerry/spec"
)

// list is the revocation list of one authority (RFC 5280 section 5).
type list struct {
	issuer     string
	this, next time.Time
	serials    map[string]struct{} // big-endian, without leading zeros
}

// lists are those of a policy, by issuerKey.
type lists map[string]*list

// issuerKey tells authorities apart: two may have one name, as when one gets a new key.
func issuerKey(ca *x509.Certificate) string {
	return string(ca.RawSubjectPublicKeyInfo) + string(ca.RawSubject)
}

func (l *list) has(c *x509.Certificate) bool {
	_, ok := l.serials[string(c.SerialNumber.Bytes())]
	return ok
}

// outOfDate reports whether there should be a newer one. A list from the future is none: it revokes at least as much.
func (l *list) outOfDate(now time.Time) bool { return !now.Before(l.next) }

// check refuses a client none of whose chains holds. Each certificate of a chain but the trusted one is looked up in its issuer's
// list. Where there is no list, or one that is out of date, nobody knows, and the client is refused: whoever keeps the next list from
// coming here would else keep a revoked certificate good.
func (l lists) check(chains [][]*x509.Certificate, now time.Time) error {
	worst := noReason
	for _, chain := range chains {
		r := l.checkChain(chain, now)
		if r == noReason {
			return nil
		}
		if worst == noReason || r == revoked {
			worst = r
		}
	}
	return worst
}

func (l lists) checkChain(chain []*x509.Certificate, now time.Time) refusal {
	found := noReason
	for i := range len(chain) - 1 {
		switch of := l[issuerKey(chain[i+1])]; {
		case of == nil:
			found = noList
		case of.has(chain[i]): // also on a list out of date
			return revoked
		case of.outOfDate(now):
			found = listOutOfDate
		}
	}
	return found
}

// lists reads the lists of the authorities. Each must have one, and each list an authority that signed it.
func (k *Keeper) lists(ref spec.Ref, authorities []*x509.Certificate, seen sums) (lists, error) {
	text, err := k.read(ref, seen)
	if err != nil {
		return nil, err
	}
	parsed, err := parseLists(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	all := lists{}
	for i, p := range parsed {
		if bad := listFlaw(p); bad != "" {
			return nil, fmt.Errorf("%s: list %d (%s) %s", ref, i+1, p.Issuer, bad)
		}
		n := slices.IndexFunc(authorities, func(ca *x509.Certificate) bool {
			return bytes.Equal(ca.RawSubject, p.RawIssuer) && p.CheckSignatureFrom(ca) == nil
		})
		if n < 0 {
			return nil, fmt.Errorf("%s: list %d (%s) is signed by none of the authorities in tls.clientCA that may sign lists", ref, i+1, p.Issuer)
		}
		key := issuerKey(authorities[n])
		if before := all[key]; before == nil || before.this.Before(p.ThisUpdate) {
			all[key] = newList(p)
		}
	}
	for i, ca := range authorities {
		if all[issuerKey(ca)] == nil && !all.revoked(ca, authorities) {
			return nil, fmt.Errorf("%s: it has no list of authority %d of tls.clientCA (%s): nobody could say which of its certificates are revoked", ref, i+1, ca.Subject)
		}
	}
	return all, nil
}

// revoked reports whether one authority has another one on its list.
func (l lists) revoked(ca *x509.Certificate, authorities []*x509.Certificate) bool {
	return slices.ContainsFunc(authorities, func(by *x509.Certificate) bool {
		of := l[issuerKey(by)]
		return of != nil && bytes.Equal(ca.RawIssuer, by.RawSubject) && of.has(ca) && ca.CheckSignatureFrom(by) == nil
	})
}

func newList(p *x509.RevocationList) *list {
	l := &list{issuer: p.Issuer.String(), this: p.ThisUpdate, next: p.NextUpdate, serials: make(map[string]struct{}, len(p.RevokedCertificateEntries))}
	for i := range p.RevokedCertificateEntries {
		l.serials[string(p.RevokedCertificateEntries[i].SerialNumber.Bytes())] = struct{}{}
	}
	return l
}

// parseLists reads every list of a PEM text, or one in DER.
func parseLists(text []byte) (all []*x509.RevocationList, err error) {
	const begin = "-----BEGIN X509 CRL-----"
	begun := bytes.Count(text, []byte(begin))
	if begun == 0 {
		one, err := x509.ParseRevocationList(text)
		if err != nil {
			return nil, fmt.Errorf("it is a revocation list neither in PEM (%s) nor in DER: %w", begin, err)
		}
		return []*x509.RevocationList{one}, nil
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		if len(all) == listsMax {
			return nil, fmt.Errorf("it has more than %d lists, the limit", listsMax)
		}
		one, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("list %d does not parse: %w", len(all)+1, err)
		}
		all = append(all, one)
	}
	if begun > len(all) {
		return nil, fmt.Errorf("%d lists begin, only %d are whole", begun, len(all))
	}
	return all, nil
}

// listFlaw says why a list cannot be used. A critical extension that is not understood changes what a list means (RFC 5280 section
// 5.2): it may be a difference to another list, or be about some certificates only.
func listFlaw(p *x509.RevocationList) string {
	if p.NextUpdate.IsZero() {
		return "does not say when the next one comes"
	}
	if weakSignature(p.SignatureAlgorithm) {
		return "has a signature by " + p.SignatureAlgorithm.String()
	}
	for _, e := range p.Extensions {
		if e.Critical {
			return fmt.Sprintf("has the critical extension %s; lists must be complete ones", e.Id)
		}
	}
	for _, entry := range p.RevokedCertificateEntries {
		for _, e := range entry.Extensions {
			if e.Critical {
				return fmt.Sprintf("has an entry with the critical extension %s; entries must be about certificates of the list's issuer", e.Id)
			}
		}
	}
	return ""
}

// warning says that a list is out of date, or in the last quarter of its time: the next one should have come.
func (l *list) warning(now time.Time) string {
	switch late := l.next.Add(-l.next.Sub(l.this) / 4); {
	case l.outOfDate(now):
		return fmt.Sprintf("revocation list of %q is out of date since %s: its clients are refused", l.issuer, l.next.UTC().Format(time.RFC3339))
	case now.After(late):
		return fmt.Sprintf("revocation list of %q ends on %s: then its clients are refused", l.issuer, l.next.UTC().Format(time.RFC3339))
	}
	return ""
}
