package cert

import (
	"fmt"
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
	if h.acme == nil || h.leaf != nil || h.name != host && t.names.best(host) != nil {
		return ""
	}
	return h.acme.name
}

// Shown is what may be shown of a certificate.
type Shown struct {
	Certificate         string   // the document's name; empty: the local CA
	Names               []string // what it covers, sorted
	Issuer              string
	NotBefore, NotAfter time.Time
	Hosts               []string // the hosts of entrypoints that get it, in their order
}

// Certificates returns every Certificate of the spec, by name.
func (t *Table) Certificates() []Shown {
	all := make([]Shown, len(t.leaves))
	for i, l := range t.leaves {
		all[i] = show(l)
	}
	for _, hosts := range []map[string]*host{t.exact, t.below} {
		for _, h := range hosts {
			if i := slices.Index(t.leaves, h.leaf); i >= 0 {
				all[i].Hosts = append(all[i].Hosts, h.name)
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
	return Shown{Certificate: l.document, Names: l.names(), Issuer: c.Issuer.String(), NotBefore: c.NotBefore, NotAfter: c.NotAfter}
}

// Host returns what a client that names this host (normal form) gets: the certificate, none of whose fields are set if it
// is the local CA's, and the Key of the policy. ok is false if the handshake is refused.
func (t *Table) Host(host string) (shown Shown, policy string, ok bool) {
	if a, isIP := addressOf(host); isIP {
		if h := t.byIP[a]; h != nil {
			return showHost(h.now()), h.policy.key, true
		}
		return Shown{}, "", false
	}
	if rest, wild := strings.CutPrefix(host, "*."); wild {
		if h := t.below[rest]; h != nil {
			return showHost(h.now()), h.policy.key, true
		}
		return Shown{}, "", false
	}
	c, ok := t.choose(host, netip.Addr{})
	if !ok || host == "" {
		return Shown{}, "", false
	}
	return showHost(c.leaf), c.policy.key, true
}

func showHost(l *leaf) Shown {
	if l == nil {
		return Shown{}
	}
	return show(l)
}

// Warnings says in plain words what is no problem yet, or nothing that stops an edge: certificates and client CAs that
// have ended, have not begun, or end within two weeks of now.
func (t *Table) Warnings(now time.Time) []string {
	var all []string
	for _, l := range t.leaves {
		c := l.x509()
		if w := warning(c.NotBefore, c.NotAfter, now, expirySoon); w != "" {
			all = append(all, fmt.Sprintf("certificate %q %s", l.document, w))
		}
	}
	for _, m := range t.ordered {
		if l := m.leaf.Load(); l != nil {
			c := l.x509()
			if w := warning(c.NotBefore, c.NotAfter, now, min(expirySoon, c.NotAfter.Sub(c.NotBefore)/(2*renewShare))); w != "" {
				all = append(all, fmt.Sprintf("certificate for %s by ACME %s, and is not renewed yet", m.name, w))
			}
		}
	}
	for _, p := range t.policies {
		for _, c := range p.clients {
			if w := warning(c.NotBefore, c.NotAfter, now, expirySoon); w != "" {
				all = append(all, fmt.Sprintf("client CA %q %s", c.Subject, w))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func warning(begin, end, now time.Time, soon time.Duration) string {
	switch {
	case now.Before(begin):
		return "is not valid before " + begin.UTC().Format(time.RFC3339)
	case !now.Before(end):
		return "ended on " + end.UTC().Format(time.RFC3339)
	case now.Add(soon).After(end):
		return "ends on " + end.UTC().Format(time.RFC3339)
	}
	return ""
}
