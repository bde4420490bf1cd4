package rewrite

import (
	"bytes"
	"fmt"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Moved is the stage of an entrypoint that sends its clients to where things have gone: bulk redirects by exact path, and
// every other host to the canonical one. NewMoved makes it.
type Moved struct {
	canonical []byte // nil: every host is served
	moves     map[string]move
}

// move is one bulk redirect.
type move struct {
	to       []byte // up to the fragment
	fragment []byte // with its '#'; nil: none
	status   int
	absolute bool    // to names a host
	hasQuery bool    // to has a query of its own
	self     *target // if to is From itself on some host or with some query; nil: it never is the URL asked for
}

// target is a `to` in the terms of a request.
type target struct {
	https bool
	host  string // in normal form; empty: the one that was asked for
	port  uint16 // with the scheme's own filled in
	path  string // in normal form
	query []byte // nil: the request's
}

// NewMoved compiles what an entrypoint has moved, nil if it has nothing. All its routes share the one stage. Redirects that
// lead to each other in a circle are refused; one that leads to the URL that was asked for is left out when that happens.
func NewMoved(e *spec.Entrypoint) (*Moved, []fault.Problem) {
	if e.CanonicalHost == "" && len(e.Moved) == 0 {
		return nil, nil
	}
	c := &moves{entry: e, stage: &Moved{moves: make(map[string]move, len(e.Moved))}, next: map[string]string{}}
	if e.CanonicalHost != "" {
		c.stage.canonical = []byte(e.CanonicalHost)
	}
	for i := range e.Moved {
		c.add(&e.Moved[i])
	}
	c.circles()
	return c.stage, c.problems
}

// moves is a Moved in the making.
type moves struct {
	entry    *spec.Entrypoint
	stage    *Moved
	next     map[string]string // From to the path it leads to, if that is on a host of the entrypoint
	problems []fault.Problem
	scratch  exchange.Scratch
}

func (c *moves) bad(m *spec.Moved, text, fix string) {
	if len(c.problems) < problemsMax {
		c.problems = append(c.problems, fault.Problem{Text: fmt.Sprintf("redirect of %s to %q: %s", m.From, m.To, text), Fix: fix})
	}
}

func (c *moves) add(m *spec.Moved) {
	status := m.Status
	if status == 0 {
		status = 308
	}
	if !redirects(status) {
		c.bad(m, fmt.Sprintf("status %d does not redirect", status), fixStatus)
		return
	}
	host, text, fix := checkLocation(m.To)
	if text != "" {
		c.bad(m, text, fix)
		return
	}
	to, fragment, _ := strings.Cut(m.To, "#")
	t, ok := newTarget(to, host, &c.scratch)
	if !ok {
		c.bad(m, "it has no valid host or path", "write https://www.example.com/new or /new")
		return
	}
	v := move{to: []byte(to), status: status, absolute: host > 0, hasQuery: t.query != nil}
	if fragment != "" {
		v.fragment = []byte("#" + fragment)
	}
	local := t.host == "" || hasHost(c.entry.Hosts, t.host)
	switch {
	case t.path == m.From && local:
		if text := c.circular(&t); text != "" {
			c.bad(m, text, "leave it out, or send it somewhere else")
			return
		}
		v.self = &t
	case local:
		c.next[m.From] = t.path
	}
	c.stage.moves[m.From] = v
}

// newTarget reads a `to` without fragment whose host begins at host, 0 for a path.
func newTarget(to string, host int, s *exchange.Scratch) (t target, ok bool) {
	to, query, hasQuery := strings.Cut(to, "?")
	if hasQuery {
		t.query = []byte(query)
	}
	if host > 0 {
		t.https = strings.EqualFold(to[:host], "https://")
		authority, path, _ := strings.Cut(to[host:], "/")
		name, port, err := exchange.NormalHost([]byte(authority), s)
		if err != nil {
			return t, false
		}
		t.host, t.port, to = string(name), portOf(port, t.https), "/"+path
	}
	path, err := exchange.NormalPath([]byte(to), s)
	t.path = string(path)
	return t, err == nil
}

// portOf fills in the port that a URL leaves out.
func portOf(port uint16, https bool) uint16 {
	switch {
	case port != 0:
		return port
	case https:
		return portHTTPS
	}
	return portHTTP
}

// hasHost reports whether one of the hosts is, or with its wildcard takes, this one.
func hasHost(hosts []string, host string) bool {
	for _, h := range hosts {
		if h == host {
			return true
		}
		if below, wildcard := strings.CutPrefix(h, "*"); wildcard && len(host) > len(below) && strings.HasSuffix(host, below) {
			return true
		}
	}
	return false
}

// circular says why a redirect of a path to itself, on this entrypoint, would never end.
func (c *moves) circular(t *target) string {
	plain := c.entry.Policy.Redirect == nil || *c.entry.Policy.Redirect != spec.PlainServed
	switch {
	case t.host == "" && t.query == nil:
		return "it leads to itself"
	case t.host == "":
		return ""
	case !t.https && plain:
		return "it leads from https to http, and `redirect: https` back again"
	case c.entry.CanonicalHost != "" && t.host != c.entry.CanonicalHost:
		return "it leads to another host, and `canonicalHost` back again"
	}
	return ""
}

// circles refuses redirects that lead to each other: the table goes by path alone, so a client would never come out.
func (c *moves) circles() {
	const walking, left = 1, 2
	state := make(map[string]int8, len(c.next))
	for i := range c.entry.Moved {
		m := &c.entry.Moved[i]
		at := m.From
		for state[at] == 0 {
			to, more := c.next[at]
			if !more {
				break
			}
			state[at], at = walking, to
		}
		if state[at] == walking {
			c.bad(m, fmt.Sprintf("following it leads back to %s, again and again", at), "send one of them somewhere else")
		}
		for at = m.From; state[at] == walking; at = c.next[at] {
			state[at] = left
		}
	}
}

// Name is "moved".
func (s *Moved) Name() string { return "moved" }

// Request answers what has moved. A bulk redirect to a path goes to the canonical host at once.
func (s *Moved) Request(x *exchange.Exchange) exchange.Verdict {
	r := &x.Req
	elsewhere := s.canonical != nil && len(r.Host) > 0 && !bytes.Equal(r.Host, s.canonical)
	if len(s.moves) > 0 {
		if m, ok := s.moves[string(r.Path)]; ok && !m.stays(x) {
			return redirectTo(x, m.status, s.bulk(x, &m, elsewhere))
		}
	}
	if !elsewhere {
		return exchange.Next
	}
	to := s.here(x)
	to.path, to.query = pathAsSent(r), r.Query
	return redirectTo(x, 308, to.location(x))
}

// here is the canonical host by the scheme and port that the client used.
func (s *Moved) here(x *exchange.Exchange) url {
	return url{https: x.Facts.Client.HTTPS, host: s.canonical, port: x.Req.Port}
}

// stays reports whether the redirect would lead to the URL that was asked for, but for the canonical host.
func (m *move) stays(x *exchange.Exchange) bool {
	t, r := m.self, &x.Req
	if t == nil || t.query != nil && !bytes.Equal(t.query, r.Query) {
		return false
	}
	if t.host == "" {
		return true
	}
	https := x.Facts.Client.HTTPS
	return t.host == string(r.Host) && t.https == https && t.port == portOf(r.Port, https)
}

// bulk is the Location of a bulk redirect, nil if the request's query cannot stand in one.
func (s *Moved) bulk(x *exchange.Exchange, m *move, elsewhere bool) []byte {
	query := x.Req.Query
	if m.hasQuery {
		query = nil
	}
	var before []byte
	if elsewhere && !m.absolute {
		to := s.here(x)
		before = to.location(x)
	}
	if before == nil && query == nil && m.fragment == nil {
		return m.to
	}
	if !visible(query) {
		return nil
	}
	piece := x.Scratch.Alloc(len(before) + len(m.to) + 1 + len(query) + len(m.fragment))
	out := append(append(piece[:0], before...), m.to...)
	if query != nil {
		out = append(append(out, '?'), query...)
	}
	return x.Scratch.Trim(piece, len(append(out, m.fragment...)))
}
