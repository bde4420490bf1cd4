package spec

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// A settled policy is what is in force at some point of the way from the defaults over profiles and the entrypoint to a
// route, with the source of each value. It is never changed: laying another document over it makes a new one, and where
// the document says nothing the same one serves on. 100,000 routes that say nothing share one.
type settled struct {
	policy            Policy
	rows              []Source // one for each of policyRows
	waf               *WAF     // before what follows from other fields, see layWAF
	wafRows           []Source // one for each of wafParts
	cache             *Cache   // before what follows from its mode, see layCache
	cacheRows         []Source // one for each of cacheParts
	request, response []edit   // by folded name
	sources           []Source // all of them, for explain
}

// An edit is what happens to the fields of one name.
type edit struct {
	name  string
	value string
	verb  verb
	from  string
	at    Pos
}

// verb is what an edit does.
type verb uint8

const (
	setVerb verb = iota
	defaultVerb
	removeVerb
)

// String is the verb as documents write it.
func (v verb) String() string { return [...]string{"set", "default", "remove"}[v] }

func (e edit) folded() string { return strings.ToLower(e.name) }

// defaults are in force where nothing says otherwise. A profile of one's own that extends nothing starts here, so they are
// the careful choice: what the profile api has, but for what only programs would bear. No header is edited: a profile
// could not take that back.
var defaults = (&settled{rows: make([]Source, len(policyRows))}).lay(&policyDoc{
	log: said(Switch(true)), trace: said(Trace{On: true, Sample: 0.01}), requestID: said(Switch(true)), forwarded: said(ForwardedSet),
	tls: said(TLS{MinVersion: "1.2", ClientCertificates: ClientAuthOff}), redirect: said(PlainToHTTPS), hsts: said(HSTS{MaxAge: year}),
	cors: said(CORS{}), limit: said(Limit{PerAddress: Rate{300, time.Second}, Burst: 600}),
	headMax: said(Size(32 << 10)), bodyMax: said(Size(10 << 20)), compress: said(Compress{On: true}),
	errors: said(ErrorsAuto), errorPages: said([]ErrorPage{}), maintenance: said(Maintenance{}),
	path: said(PathNormal), websocket: said(Switch(true)), streamAge: said(24 * time.Hour),
	retry: said(Retry{Tries: 3, Statuses: []int{502, 503}}), hedge: said(Hedge{}), priority: said(Priority{ClassNormal, ClassLow}), methods: said([]string{}),
	waf: wafDefaults, cache: cacheDefaults, headers: said(headersDoc{}),
}, "default")

// lay lays a document over what is in force. from is the source of its values; empty: each value's place.
func (s *settled) lay(d *policyDoc, from string) *settled {
	if d.silent() {
		return s
	}
	n := &settled{
		policy: s.policy, rows: slices.Clone(s.rows), waf: s.waf, wafRows: s.wafRows, cache: s.cache, cacheRows: s.cacheRows,
		request: s.request, response: s.response,
	}
	for i, r := range policyRows {
		if at, set := r.set(d); set {
			r.take(d, &n.policy)
			n.rows[i] = Source{Path: "spec." + r.name, Value: r.brief(d), From: orElse(from, whence(at)), at: at}
		}
	}
	n.layWAF(d, from)
	n.layCache(d, from)
	n.request = layEdits(s.request, d.headers.V.request.V, from)
	n.response = layEdits(s.response, d.headers.V.response.V, from)
	n.policy.Headers = &Headers{Request: editsModel(n.request), Response: editsModel(n.response)}
	n.sources = n.appendCache(n.appendWAF(slices.Clone(n.rows)))
	n.sources = appendEdits(n.sources, "spec.headers.request", n.request)
	n.sources = appendEdits(n.sources, "spec.headers.response", n.response)
	return n
}

// silent says whether a document says nothing of the policy.
func (d *policyDoc) silent() bool {
	if d == nil {
		return true
	}
	for _, r := range policyRows {
		if _, set := r.set(d); set {
			return false
		}
	}
	return !d.waf.Set && !d.cache.Set && !d.headers.Set
}

// layEdits merges name by name: the nearer edit of a name replaces the farther one, whatever each of the two does.
func layEdits(far []edit, near editsDoc, from string) []edit {
	byName := make(map[string]edit, len(far)+len(near.set.V)+len(near.defaults.V)+len(near.remove.V))
	for _, e := range far {
		byName[e.folded()] = e
	}
	put := func(v verb, ps []val[Pair]) {
		for _, p := range ps {
			if p.Set {
				byName[strings.ToLower(p.V.Name)] = edit{name: p.V.Name, value: p.V.Value, verb: v, from: orElse(from, whence(p.At)), at: p.At}
			}
		}
	}
	put(setVerb, near.set.V)
	put(defaultVerb, near.defaults.V)
	for _, r := range near.remove.V {
		if r.Set {
			byName[strings.ToLower(r.V)] = edit{name: r.V, verb: removeVerb, from: orElse(from, whence(r.At)), at: r.At}
		}
	}
	out := make([]edit, 0, len(byName))
	for _, e := range byName {
		out = append(out, e)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].folded() < out[j].folded() })
	return out
}

func editsModel(es []edit) *Edits {
	m := &Edits{Set: map[string]string{}, Default: map[string]string{}, Remove: []string{}}
	for _, e := range es {
		switch e.verb {
		case setVerb:
			m.Set[e.name] = e.value
		case defaultVerb:
			m.Default[e.name] = e.value
		case removeVerb:
			m.Remove = append(m.Remove, e.name)
		}
	}
	return m
}

func appendEdits(out []Source, path string, es []edit) []Source {
	for _, e := range es {
		s := Source{Path: path + "." + e.verb.String(), Value: e.name, From: e.from, at: e.at}
		if e.verb != removeVerb {
			s.Path, s.Value = s.Path+"."+e.name, e.value
		}
		out = append(out, s)
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
	p.WAF, p.Cache = partsAsWritten(wafParts, d.waf), partsAsWritten(cacheParts, d.cache)
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
func policyDocOf(p *Policy) *policyDoc {
	d := &policyDoc{}
	for _, r := range policyRows {
		r.tell(p, d)
	}
	d.waf, d.cache = wafDocOf(p.WAF), cacheDocOf(p.Cache)
	d.headers = headersDocOf(p.Headers)
	return d
}

func headersDocOf(h *Headers) val[headersDoc] {
	if h == nil {
		return val[headersDoc]{}
	}
	return said(headersDoc{editsDocOf(h.Request), editsDocOf(h.Response)})
}

func editsDocOf(e *Edits) val[editsDoc] {
	if e == nil || len(e.Set)+len(e.Default)+len(e.Remove) == 0 {
		return val[editsDoc]{}
	}
	var d editsDoc
	if len(e.Set) > 0 {
		d.set = said(pairs(e.Set))
	}
	if len(e.Default) > 0 {
		d.defaults = said(pairs(e.Default))
	}
	for _, name := range e.Remove {
		d.remove.Set = true
		d.remove.V = append(d.remove.V, said(name))
	}
	return said(d)
}
