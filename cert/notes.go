package cert

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Problems says what of the documents' certificates is refused before it is put in force, though an edge that has it goes on: what has
// ended, of chains too, and what covers no host of any entrypoint. One certificate that is over must not keep thousands from being
// served. By place.
func (t *Table) Problems(now time.Time) []fault.Problem {
	all := slices.Clone(t.idle)
	for _, l := range t.leaves {
		l.dated(func(what string, c *x509.Certificate) {
			if !now.Before(c.NotAfter) {
				all = append(all, problemAt(l.at, what+" ended on "+c.NotAfter.UTC().Format(time.RFC3339), "put a renewed chain and its key in place, or remove the document"))
			}
		})
	}
	fault.SortProblems(all)
	return all
}

// Warnings says in plain words what is no problem yet, or nothing of a certificate's document: certificates, of chains too, that have not
// begun, or end within two weeks of now; client CAs that are not in force or end so soon; revocation lists that are or will soon be out of
// date. By place.
func (t *Table) Warnings(now time.Time) []fault.Problem {
	var all []fault.Problem
	add := func(at spec.Pos, text string) { all = append(all, problemAt(at, text, "")) }
	for _, l := range t.leaves {
		l.dated(func(what string, c *x509.Certificate) {
			if w := warning(c.NotBefore, c.NotAfter, now, expirySoon); w != "" && now.Before(c.NotAfter) {
				add(l.at, what+" "+w)
			}
		})
	}
	for _, m := range t.ordered {
		l := m.leaf.Load()
		if l == nil {
			continue
		}
		c := l.x509()
		if w := warning(c.NotBefore, c.NotAfter, now, l.soon()); w != "" {
			add(t.hostOf(m.name).at, fmt.Sprintf("certificate for %s by ACME %s, and is not renewed yet", m.name, w))
		}
	}
	if n := len(t.beyond); n > 0 {
		add(t.beyond[0].at, fmt.Sprintf("%s: no certificate by ACME: there are %d names, the limit; the local CA serves what is beyond it, which a Certificate, or a wildcard by --acme-dns, can cover",
			several(t.beyond[0].name, n-1), namesMax))
	}
	for _, p := range t.policies {
		for _, c := range p.clients {
			if w := warning(c.NotBefore, c.NotAfter, now, expirySoon); w != "" {
				add(p.at, fmt.Sprintf("client CA %q %s", c.Subject, w))
			}
			if p.lists.revoked(c, p.clients) {
				add(p.at, fmt.Sprintf("client CA %q is revoked by tls.clientCRL: its clients are refused", c.Subject))
			}
		}
		for _, l := range p.lists {
			if w := l.warning(now); w != "" {
				add(p.at, w)
			}
		}
	}
	slices.SortFunc(all, func(a, b fault.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(all)
}

// soon is how long before its end an ordered certificate is warned of: by then it should have been renewed.
func (l *leaf) soon() time.Duration { return min(expirySoon, l.life()/(2*renewShare)) }

// lookEvery is how often it is looked what ends soon: twice in the time that the shortest of the ordered has left by then.
func (t *Table) lookEvery() time.Duration {
	every := expiryLook
	for _, m := range t.ordered {
		if l := m.leaf.Load(); l != nil {
			every = min(every, max(l.soon()/2, expiryLookLeast))
		}
	}
	return every
}

// dated calls f for the certificate and for each of its chain, with what they are called.
func (l *leaf) dated(f func(what string, c *x509.Certificate)) {
	f(fmt.Sprintf("certificate %q", l.document), l.x509())
	for i, c := range l.issuers {
		f(fmt.Sprintf("certificate %q: certificate %d of its chain (%s)", l.document, i+2, c.Subject), c)
	}
}

func problemAt(at spec.Pos, text, fix string) fault.Problem {
	return fault.Problem{File: at.File, Line: at.Line, Col: at.Col, Text: text, Fix: fix}
}

// Notes says what a spec has twice, each at its document: certificates for hosts that get another one.
func (t *Table) Notes() []fault.Problem { return t.notes }

// note finds what Notes returns, and what of Problems does not depend on the time.
func (t *Table) note(s *spec.Spec) {
	if len(t.exact)+len(t.below) == 0 {
		return // documents of certificates alone
	}
	siblings := map[string]bool{} // of hosts without their first label
	for name := range t.exact {
		siblings[parent(name)] = true
	}
	served := func(name string) bool {
		rest, wild := strings.CutPrefix(name, "*.")
		if !wild {
			return t.exact[name] != nil || t.wildcard(name) != nil
		}
		return siblings[rest] || t.below[rest] != nil || t.wildcard(name) != nil
	}
	of := func(l *leaf, text, fix string) fault.Problem {
		return problemAt(l.at, fmt.Sprintf("certificate %q: ", l.document)+text, fix)
	}
	for i, l := range t.leaves {
		if names := l.names(); !s.Certificates[i].Default && !slices.ContainsFunc(names, served) {
			t.idle = append(t.idle, of(l, "no entrypoint has a host that it covers: it is for "+several(names[0], len(names)-1), "remove the document, or add the hosts to an entrypoint"))
		}
	}
	type pair struct{ leaf, to *leaf }
	beaten := map[pair][]string{}
	for _, x := range t.names.lost {
		if served(x.name) {
			beaten[pair{x.leaf, x.to}] = append(beaten[pair{x.leaf, x.to}], x.name)
		}
	}
	for p, names := range beaten {
		slices.Sort(names)
		t.notes = append(t.notes, of(p.leaf,
			fmt.Sprintf("for %s, certificate %q is used, which has an %s key too and %s", several(names[0], len(names)-1), p.to.document, p.to.kind(), p.to.because(p.leaf, t.names.now)),
			"keep one of them, or make one ECDSA and the other RSA"))
	}
	t.names.lost = nil
	fault.SortProblems(t.notes)
}

// several is the first of some names, and how many more there are.
func several(first string, more int) string {
	if more > 0 {
		return fmt.Sprintf("%s and %d more", first, more)
	}
	return first
}

// because says why newIndex prefers a leaf to another one.
func (l *leaf) because(than *leaf, now time.Time) string {
	switch {
	case !than.inForce(now) && l.inForce(now):
		return "is in force"
	case l.x509().NotAfter.Equal(than.x509().NotAfter):
		return "comes first by name"
	}
	return "ends later"
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
