package spec

import (
	"slices"
	"strings"
)

// A settled policy is what is in force at some point of the way from the defaults over profiles and the entrypoint to a
// route, with the source of each value. It is never changed: laying another document over it makes a new one, and where
// the document says nothing the same one serves on. 100,000 routes that say nothing share one.
type settled struct {
	policy            Policy
	rows              []Source // one for each of policyRows
	request, response []edit   // by folded name
	sources           []Source // all of them, for explain
}

// An edit is what happens to the fields of one name.
type edit struct {
	name   string
	value  string
	remove bool
	from   string
}

func (e edit) folded() string { return strings.ToLower(e.name) }

// defaults are in force where nothing says otherwise. A profile of one's own that extends nothing starts here.
var defaults = (&settled{rows: make([]Source, len(policyRows))}).lay(&policyDoc{
	log: said(Switch(true)), requestID: said(Switch(true)), forwarded: said(ForwardedSet), errors: said(ErrorsAuto),
	path: said(PathNormal), websocket: said(Switch(true)), methods: said([]string{}), headers: said(headersDoc{}),
}, "default")

// lay lays a document over what is in force. from is the source of its values; empty: each value's place.
func (s *settled) lay(d *policyDoc, from string) *settled {
	if d.silent() {
		return s
	}
	n := &settled{policy: s.policy, rows: slices.Clone(s.rows), request: s.request, response: s.response}
	for i, r := range policyRows {
		if at, set := r.set(d); set {
			r.take(d, &n.policy)
			n.rows[i] = Source{Path: "spec." + r.name, Value: oneLine(r.write(d)), From: orElse(from, whence(at))}
		}
	}
	n.request = layEdits(s.request, d.headers.V.request.V, from)
	n.response = layEdits(s.response, d.headers.V.response.V, from)
	n.policy.Headers = &Headers{Request: editsModel(n.request), Response: editsModel(n.response)}
	n.sources = slices.Clone(n.rows)
	n.sources = appendEdits(n.sources, "spec.headers.request", n.request)
	n.sources = appendEdits(n.sources, "spec.headers.response", n.response)
	return n
}

// silent says whether a document says nothing of the policy.
func (d *policyDoc) silent() bool {
	for _, r := range policyRows {
		if _, set := r.set(d); set {
			return false
		}
	}
	return !d.headers.Set
}

// layEdits merges name by name: the nearer edit of a name replaces the farther one, whichever of the two it is.
func layEdits(far []edit, near editsDoc, from string) []edit {
	byName := make(map[string]edit, len(far)+len(near.set.V)+len(near.remove.V))
	for _, e := range far {
		byName[e.folded()] = e
	}
	for _, p := range near.set.V {
		if p.Set {
			byName[strings.ToLower(p.V.Name)] = edit{name: p.V.Name, value: p.V.Value, from: orElse(from, whence(p.At))}
		}
	}
	for _, r := range near.remove.V {
		if r.Set {
			byName[strings.ToLower(r.V)] = edit{name: r.V, remove: true, from: orElse(from, whence(r.At))}
		}
	}
	out := make([]edit, 0, len(byName))
	for _, e := range byName {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b edit) int { return strings.Compare(a.folded(), b.folded()) })
	return out
}

func editsModel(es []edit) *Edits {
	m := &Edits{Set: map[string]string{}, Remove: []string{}}
	for _, e := range es {
		if e.remove {
			m.Remove = append(m.Remove, e.name)
		} else {
			m.Set[e.name] = e.value
		}
	}
	return m
}

func appendEdits(out []Source, path string, es []edit) []Source {
	for _, e := range es {
		if e.remove {
			out = append(out, Source{Path: path + ".remove", Value: e.name, From: e.from})
		} else {
			out = append(out, Source{Path: path + ".set." + e.name, Value: e.value, From: e.from})
		}
	}
	return out
}

// asWritten is the policy of a profile: what it says and nothing else.
func (d *policyDoc) asWritten() Policy {
	var p Policy
	for _, r := range policyRows {
		if _, set := r.set(d); set {
			r.take(d, &p)
		}
	}
	if h := d.headers; h.Set {
		p.Headers = &Headers{}
		if h.V.request.Set {
			p.Headers.Request = editsModel(layEdits(nil, h.V.request.V, ""))
		}
		if h.V.response.Set {
			p.Headers.Response = editsModel(layEdits(nil, h.V.response.V, ""))
		}
	}
	return p
}

// policyDocOf is a policy as a document says it, for the canonical form.
func policyDocOf(p *Policy) policyDoc {
	var d policyDoc
	for _, r := range policyRows {
		r.tell(p, &d)
	}
	if p.Headers != nil {
		d.headers = said(headersDoc{editsDocOf(p.Headers.Request), editsDocOf(p.Headers.Response)})
	}
	return d
}

func editsDocOf(e *Edits) val[editsDoc] {
	if e == nil || len(e.Set)+len(e.Remove) == 0 {
		return val[editsDoc]{}
	}
	var d editsDoc
	if len(e.Set) > 0 {
		d.set = said(pairs(e.Set))
	}
	for _, name := range e.Remove {
		d.remove.Set = true
		d.remove.V = append(d.remove.V, said(name))
	}
	return said(d)
}
