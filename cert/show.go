package cert

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Local returns the hosts that no Certificate covers, in the order of entrypoints: the local CA serves them, which no
// browser trusts. It must not be changed.
func (t *Table) Local() []string { return t.local }

// AllOrdered returns the names that are ordered by ACME, sorted.
func (t *Table) AllOrdered() []string {
	var names []string
	for _, m := range t.ordered {
		names = append(names, m.name)
	}
	slices.Sort(names)
	return names
}

// Ordered returns the name, perhaps a wildcard, that is ordered by ACME for a host in normal form; empty: none is.
func (t *Table) Ordered(host string) string {
	h := t.hostOf(host)
	if h == nil {
		if h = t.wildcard(host); h == nil || parent(host) != h.name[2:] {
			return ""
		}
	}
	if h.acme == nil || h.leaf != nil || h.name != host && t.names.best(host) != (byKind{}) {
		return ""
	}
	return h.acme.name
}

// Shown is what may be shown of a certificate.
type Shown struct {
	Certificate         string   // the document's name; empty: the local CA
	Names               []string // what it covers, sorted
	Issuer              string
	Key                 string // the type of its key: ECDSA, Ed25519 or RSA
	NotBefore, NotAfter time.Time
	Hosts               []string // the hosts of entrypoints that get it, in their order
}

// Certificates returns every Certificate of the spec, by name.
func (t *Table) Certificates() []Shown {
	all, at := make([]Shown, len(t.leaves)), make(map[*leaf]int, len(t.leaves))
	for i, l := range t.leaves {
		all[i], at[l] = show(l), i
	}
	for _, hosts := range []map[string]*host{t.exact, t.below} {
		for _, h := range hosts {
			for _, l := range h.leaves {
				if l != nil {
					all[at[l]].Hosts = append(all[at[l]].Hosts, h.name)
				}
			}
		}
	}
	for i := range all {
		slices.Sort(all[i].Hosts)
	}
	return all
}

func show(l *leaf) Shown {
	c := l.x509()
	return Shown{Certificate: l.document, Names: l.names(), Issuer: c.Issuer.String(), Key: l.kind().String(), NotBefore: c.NotBefore, NotAfter: c.NotAfter}
}

// Host returns what clients that name this host (normal form) get: certificates with different kinds of keys, the one preferred first and
// none if it is the local CA's, and the Key of the policy. ok is false if the handshake is refused.
func (t *Table) Host(name string) (shown []Shown, policy string, ok bool) {
	var h *host
	if a, isIP := addressOf(name); isIP {
		h = t.byIP[a]
	} else if rest, wild := strings.CutPrefix(name, "*."); wild {
		h = t.below[rest]
	} else if c, ok := t.choose(name, netip.Addr{}); ok && name != "" {
		return showAll(c.leaf, &c.leaves), c.policy.key, true
	}
	if h == nil {
		return nil, "", false
	}
	return showAll(h.now(), &h.leaves), h.policy.key, true
}

// showAll shows what a host gets, first what is preferred.
func showAll(first *leaf, all *byKind) (shown []Shown) {
	if first != nil {
		shown = append(shown, show(first))
	}
	for _, l := range all {
		if l != nil && l != first {
			shown = append(shown, show(l))
		}
	}
	return shown
}
