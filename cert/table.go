package cert

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// A Table says which certificate and which policy a client's hello gets. It never changes; many goroutines use it.
type Table struct {
	exact     map[string]*host
	below     map[string]*host // by what follows "*." of a wildcard host
	longest   int              // bytes of the longest key of below
	byIP      map[netip.Addr]*host
	names     index
	leaves    []*leaf // of every Certificate, by name
	policies  map[string]*policy
	first     choice     // for clients that name no host
	firstHost *host      // if first has no leaf: whose it is
	empty     bool       // there is nothing to serve
	local     []string   // hosts on the local CA
	ordered   []*ordered // the names by ACME among the others' hosts
	beyond    []*host    // what ACME has no room for
	standIn   bool       // the local CA may have to stand in for one of them
	demand    bool       // names below wildcard hosts may be ordered when clients ask for them
	notes     []fault.Problem
	idle      []fault.Problem // certificates that cover nothing
	secret    []byte          // of session tickets; nil: none
	sums      sums            // what the references stood for
}

// host is one host of an entrypoint.
type host struct {
	name   string // as the spec has it; "*.example.com" stands for every name below
	policy *policy
	at     spec.Pos // of its entrypoint
	leaf   *leaf    // the preferred one of the documents'
	leaves byKind   // what the documents have for it
	acme   *ordered // if leaf is nil: by ACME, and the local CA's as long as there is none; nil: the local CA's
}

// now returns the leaf in force; nil: the local CA's. It does not allocate.
func (h *host) now() *leaf {
	if h.leaf == nil && h.acme != nil {
		return h.acme.leaf.Load()
	}
	return h.leaf
}

// choice is what a hello gets.
type choice struct {
	name   string // what the client named, in normal form
	policy *policy
	leaf   *leaf
	leaves byKind // what else there is for clients that cannot use leaf; leaf itself may be among them
	issue  string // if leaf is nil: the host that the local CA issues one for
	demand bool   // if leaf is nil: it may be ordered now, before the local CA is asked
}

// index finds the best leaf for a name.
type index struct {
	exact map[string]*byKind
	below map[string]*byKind // by what follows "*."
	now   time.Time
	lost  []lost
}

// lost is a name that a leaf has and does not get, because another leaf with the same kind of key is better.
type lost struct {
	name     string // as the certificate has it
	leaf, to *leaf
}

// Table compiles what a spec says of TLS: it reads every Certificate and every bundle of client CAs, and makes or renews
// the root of the local CA if a host has no certificate. With problems the table is nil. Certificates beyond their time are none
// of these, see Problems: an edge must start with what there is.
func (k *Keeper) Table(s *spec.Spec) (*Table, []fault.Problem) {
	t := &Table{exact: map[string]*host{}, below: map[string]*host{}, byIP: map[netip.Addr]*host{}, policies: map[string]*policy{}, sums: sums{}}
	var problems []fault.Problem
	for _, c := range s.Certificates {
		l, flaw := k.load(c, t.sums)
		if flaw != nil {
			problems = append(problems, flaw.problem(c.At, fmt.Sprintf("certificate %q", c.Meta.Name)))
			continue
		}
		t.leaves = append(t.leaves, l)
	}
	secret, bad := k.ticketSecret(t.sums)
	if bad != nil {
		problems = append(problems, fault.Problem{Text: bad.text, Fix: bad.fix})
	}
	t.secret = secret
	base, _ := k.policy(nil, nil) // the default one is never at fault
	t.policies[base.key] = base
	t.names = newIndex(t.leaves, k.opt.Now())
	t.demand = k.orders != nil && k.orders.demandable()
	for _, e := range s.Entrypoints {
		p, err := t.policy(k, e)
		if err != nil {
			problems = append(problems, (&flaw{text: err.Error()}).problem(e.At, fmt.Sprintf("entrypoint %q", e.Meta.Name)))
			continue
		}
		for _, name := range e.Hosts {
			t.add(name, p, e.At)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	t.order(k, s)
	t.setFirst(s, base)
	t.note(s)
	if len(t.local) > 0 || t.standIn {
		if _, err := k.authority.ready(k.opt.Now()); err != nil {
			at, text := ownerOf(s, t.onLocal(s))
			return nil, []fault.Problem{(&flaw{err.Error(), "make the directory of --data writable, or give the host a Certificate"}).problem(at, text)}
		}
	}
	return t, nil
}

func ownerOf(s *spec.Spec, host string) (spec.Pos, string) {
	for _, e := range s.Entrypoints {
		if slices.Contains(e.Hosts, host) {
			return e.At, fmt.Sprintf("host %q has no Certificate", host)
		}
	}
	return spec.Pos{}, ""
}

// policy returns the one of this key, so that hosts with the same demands share it.
func (t *Table) policy(k *Keeper, e *spec.Entrypoint) (*policy, error) {
	want := e.Policy.TLS
	if p := t.policies[want.Key()]; p != nil {
		return p, nil
	}
	p, err := k.policy(want, t.sums)
	if err == nil {
		p.at = e.At
		t.policies[p.key] = p
	}
	return p, err
}

func (t *Table) add(name string, p *policy, at spec.Pos) {
	h := &host{name: name, policy: p, at: at}
	rest, wild := strings.CutPrefix(name, "*.")
	if wild {
		if of := t.names.below[rest]; of != nil {
			h.leaves = *of
		}
		t.below[rest] = h
		t.longest = max(t.longest, len(rest))
	} else {
		h.leaves = t.names.best(name)
		t.exact[name] = h
	}
	h.leaf = h.leaves.preferred(t.names.now)
	if a, ok := addressOf(name); ok {
		t.byIP[a] = h
	}
}

// order finds for every host without a document whether it is ordered by ACME or is the local CA's. A name below a wildcard that is
// ordered needs none of its own.
func (t *Table) order(k *Keeper, s *spec.Spec) {
	var wild, rest, all []*host
	for _, e := range s.Entrypoints {
		for _, name := range e.Hosts {
			h := t.hostOf(name)
			switch {
			case h == nil || h.leaf != nil:
				continue
			case strings.HasPrefix(name, "*."):
				wild = append(wild, h)
			default:
				rest = append(rest, h)
			}
			all = append(all, h)
		}
	}
	t.take(k, wild)
	t.take(k, slices.DeleteFunc(rest, func(h *host) bool {
		w := t.below[parent(h.name)]
		if w == nil || w.acme == nil {
			return false
		}
		h.acme = w.acme
		return true
	}))
	for _, h := range all {
		if h.acme == nil {
			t.local = append(t.local, h.name)
		}
	}
}

// take gives hosts that can be ordered by ACME the places of their certificates, as long as there is room.
func (t *Table) take(k *Keeper, hosts []*host) {
	if k.orders == nil {
		return
	}
	hosts = slices.DeleteFunc(hosts, func(h *host) bool { return !k.orders.can(h.name) })
	room := min(namesMax-len(t.ordered), len(hosts))
	t.beyond = append(t.beyond, hosts[room:]...)
	hosts = hosts[:room]
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.name
	}
	for i, m := range k.orders.of(names...) {
		hosts[i].acme = m
		t.ordered, t.standIn = append(t.ordered, m), true
	}
}

// hostOf returns the host of that name in the spec.
func (t *Table) hostOf(name string) *host {
	if rest, wild := strings.CutPrefix(name, "*."); wild {
		return t.below[rest]
	}
	return t.exact[name]
}

// onLocal returns a host that needs the local CA.
func (t *Table) onLocal(s *spec.Spec) string {
	if len(t.local) > 0 {
		return t.local[0]
	}
	for _, e := range s.Entrypoints {
		for _, name := range e.Hosts {
			if h := t.hostOf(name); h != nil && h.acme != nil {
				return name
			}
		}
	}
	return ""
}

// setFirst chooses for clients that name no host. They meet the default policy, so that a request for a host with
// another one is refused on their connection.
func (t *Table) setFirst(s *spec.Spec, base *policy) {
	t.first = choice{policy: base}
	byDefault := slices.IndexFunc(s.Certificates, func(c *spec.Certificate) bool { return c.Default })
	switch {
	case byDefault >= 0:
		t.first.leaf = t.leaves[byDefault]
		t.first.leaves = t.names.instead(t.first.leaf)
	case len(t.leaves) > 0:
		t.first.leaf = t.leaves[0]
		t.first.leaves = t.names.instead(t.first.leaf)
	case len(t.local)+len(t.ordered) > 0:
		t.first.issue = t.onLocal(s)
		t.firstHost = t.hostOf(t.first.issue)
	default:
		t.empty = true
	}
}

// newIndex prefers, among leaves with the same kind of key, what is in force now, then what ends later, then the first by name.
func newIndex(leaves []*leaf, now time.Time) index {
	x := index{exact: map[string]*byKind{}, below: map[string]*byKind{}, now: now}
	ordered := slices.Clone(leaves)
	slices.SortStableFunc(ordered, func(a, b *leaf) int {
		if a.inForce(now) != b.inForce(now) {
			if a.inForce(now) {
				return -1
			}
			return 1
		}
		return cmp.Or(b.x509().NotAfter.Compare(a.x509().NotAfter), strings.Compare(a.document, b.document))
	})
	fill := func(to map[string]*byKind, star string, names map[string]struct{}, l *leaf) {
		kind := l.kind()
		for name := range names {
			of := to[name]
			if of == nil {
				of = new(byKind)
				to[name] = of
			}
			if of[kind] == nil {
				of[kind] = l
			} else {
				x.lost = append(x.lost, lost{star + name, l, of[kind]})
			}
		}
	}
	for _, l := range ordered {
		fill(x.exact, "", l.exact, l)
		fill(x.below, "*.", l.below, l)
	}
	return x
}

// best returns the leaves for a name: of each kind of key the one that has it before a wildcard that covers it, unless only the
// wildcard is in force. It does not allocate.
func (x *index) best(name string) (b byKind) {
	if exact := x.exact[name]; exact != nil {
		b = *exact
	}
	if len(x.below) == 0 {
		return b
	}
	wild := x.below[parent(name)]
	if wild == nil {
		return b
	}
	for i, w := range wild {
		if b[i] == nil || w != nil && !b[i].inForce(x.now) && w.inForce(x.now) {
			b[i] = w
		}
	}
	return b
}

// instead returns the leaves that have every name of a leaf, and other kinds of keys: for clients that name no host and cannot use it.
func (x *index) instead(l *leaf) (all byKind) {
	some := false
	keep := func(of *byKind) {
		if !some {
			all, some = *of, true
		}
		for i := range all {
			if all[i] != of[i] {
				all[i] = nil
			}
		}
	}
	for name := range l.exact {
		keep(x.exact[name])
	}
	for name := range l.below {
		keep(x.below[name])
	}
	return all
}

// choose finds what a hello gets; sni is as the client sent it, to the address it connected to. False: the name is not
// served, or not by a certificate that covers it. It allocates only for names with capitals.
func (t *Table) choose(sni string, to netip.Addr) (choice, bool) {
	if sni == "" {
		if h := t.byIP[to]; h != nil {
			return choice{policy: h.policy, leaf: h.now(), leaves: h.leaves, issue: h.name}, true
		}
		c := t.first
		if h := t.firstHost; h != nil {
			c.leaf = h.now()
		}
		return c, !t.empty
	}
	name, ok := normalName(sni)
	if !ok {
		return choice{}, false
	}
	if h := t.exact[name]; h != nil {
		return choice{name: name, policy: h.policy, leaf: h.now(), leaves: h.leaves, issue: name}, true
	}
	h := t.wildcard(name)
	if h == nil {
		return choice{}, false
	}
	c := choice{name: name, policy: h.policy, leaves: t.names.best(name)}
	c.leaf = c.leaves.preferred(t.names.now)
	if c.leaf == nil && h.leaf == nil {
		c.issue, c.demand = name, t.demand
		if parent(name) == h.name[2:] {
			c.leaf, c.issue, c.demand = h.now(), h.name, t.demand && h.acme == nil
		}
	}
	return c, c.leaf != nil || c.issue != ""
}

// wildcard returns the longest wildcard host above a name, as the router does.
func (t *Table) wildcard(name string) *host {
	if len(t.below) == 0 {
		return nil
	}
	for name = parent(name); name != ""; name = parent(name) {
		if len(name) > t.longest {
			continue
		}
		if h := t.below[name]; h != nil {
			return h
		}
	}
	return nil
}
