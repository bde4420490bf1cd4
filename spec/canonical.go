package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Canonical is the spec as JSON: one document a line, sorted by kind and name, every value in force written out, so that
// it does not depend on files, order, formatting or comments. It is a spec itself: reading it gives the same spec, apart
// from the sources of values.
func Canonical(s *Spec) []byte {
	var out bytes.Buffer
	size := 0
	for _, e := range s.Entrypoints {
		size += len(e.written)
	}
	out.Grow(size)
	if s.AWS != nil {
		out.Write(canonicalAWS(s.AWS))
	}
	for _, c := range s.Certificates {
		out.Write(canonicalCertificate(c))
	}
	for _, e := range s.Entrypoints {
		out.Write(canonicalEntrypoint(e))
	}
	for _, p := range s.userProfiles() {
		out.Write(canonicalProfile(p))
	}
	for _, v := range s.Services {
		if !v.Inline { // those stand in the routes, as URLs
			out.Write(canonicalService(v))
		}
	}
	return out.Bytes()
}

// write keeps the canonical form of every part, while nobody else has seen the spec.
func (s *Spec) write() {
	once := policies{}
	for _, e := range s.Entrypoints {
		if e.written == nil { // by an earlier spec, see Reader
			e.written = writeEntrypoint(e, once)
		}
	}
	for _, v := range s.Services {
		if !v.Inline && v.written == nil { // those stand in the routes
			v.written = canonicalService(v)
		}
	}
}

// policies are the fields of policies as they are written. Entrypoints that say nothing share that of their profile.
type policies map[*Headers]ordered

func (ps policies) of(p *Policy) ordered {
	w, done := ps[p.Headers]
	if !done || p.Headers == nil {
		w, _ = policyShape.write(*policyDocOf(p)).(ordered)
		ps[p.Headers] = w
	}
	return w
}

func canonicalEntrypoint(e *Entrypoint) []byte {
	if e.written != nil {
		return e.written
	}
	return writeEntrypoint(e, policies{})
}

func writeEntrypoint(e *Entrypoint, once policies) []byte {
	silence := policyPart{&policyDoc{}}
	d := entrypointDoc{
		profile: said(e.Profile), redirects: redirectsDocOf(e.Moved), portability: portabilityDocOf(e.Portability), policy: silence,
		canonical: saidText(e.CanonicalHost),
	}
	d.hosts.Set = true
	for _, h := range e.Hosts {
		d.hosts.V = append(d.hosts.V, said(h))
	}
	d.routes.Set = true
	d.routes.V = make([]val[routeDoc], 0, len(e.Routes))
	for _, r := range e.Routes {
		rd := routeDocOf(r)
		rd.policy = silence
		if !samePolicy(&r.Policy, &e.Policy) {
			rd.policy = policyPart{policyDocOf(&r.Policy)}
		}
		d.routes.V = append(d.routes.V, said(rd))
	}
	own, _ := entrypointShape.write(d).(ordered)
	// The policy is the last part of the table of an Entrypoint.
	return canonicalDocument("Entrypoint", metaDocOf(e.Meta), slices.Concat(own, once.of(&e.Policy)))
}

// samePolicy says whether a route says nothing that its entrypoint does not: then it is left out, as most are.
func samePolicy(a, b *Policy) bool {
	if a.Headers == b.Headers && a.Log == b.Log && a.Methods == b.Methods { // shared, see settled
		return true
	}
	for _, r := range policyRows {
		if r.same(a, b) {
			continue
		}
		var da, db policyDoc
		r.tell(a, &da)
		r.tell(b, &db)
		if !bytes.Equal(toJSON(r.write(&da)), toJSON(r.write(&db))) {
			return false
		}
	}
	if a.WAF != b.WAF && !bytes.Equal(toJSON(waf.write(wafDocOf(a.WAF).V)), toJSON(waf.write(wafDocOf(b.WAF).V))) {
		return false
	}
	if a.Cache != b.Cache && !bytes.Equal(toJSON(cache.write(cacheDocOf(a.Cache).V)), toJSON(cache.write(cacheDocOf(b.Cache).V))) {
		return false
	}
	ha, hb := headersDocOf(a.Headers), headersDocOf(b.Headers)
	return bytes.Equal(toJSON(headersShape.write(ha.V)), toJSON(headersShape.write(hb.V)))
}

var (
	policyShape  = object[policyDoc]{name: "Policy", fields: policyFields}.shape()
	headersShape = headers.shape()
)

func canonicalProfile(p *Profile) []byte {
	said := policyDocOf(&p.Policy)
	said.waf, said.cache = p.waf, p.cache // which know zero values from those that nobody said
	d := profileDoc{extends: saidText(p.Extends), policy: policyPart{said}}
	return canonicalDocument("Profile", metaDocOf(p.Meta), profileShape.write(d))
}

func canonicalService(v *Service) []byte {
	if v.written != nil {
		return v.written
	}
	return canonicalDocument("Service", metaDocOf(v.Meta), serviceShape.write(docOf(v)))
}

func canonicalDocument(kind string, m metaDoc, spec any) []byte {
	if spec == nil {
		spec = ordered{}
	}
	return append(toJSON(ordered{
		{"apiVersion", APIVersion}, {"kind", kind}, {"metadata", metadataShape.write(m)}, {"spec", spec},
	}), '\n')
}

func routeDocOf(r *Route) routeDoc {
	d := routeDoc{name: said(r.Name), match: said(matchDocOf(&r.Match)), rewrite: rewriteDocOf(r.Rewrite), mirror: mirrorDocOf(r.Mirror)}
	if d.rewrite.V.prefix.Set && r.Match.Path.Kind == PathAny {
		d.match.V.prefix = said("/") // a rewrite needs one
	}
	for _, w := range r.To.Services {
		d.services.Set = true
		d.services.V = append(d.services.V, said(weightedDoc{said(targetOf(w.Service)), said(w.Weight)}))
	}
	if v := r.To.Redirect; v != nil {
		d.redirect = said(redirectDoc{said(v.To), said(v.Status)})
	}
	if v := r.To.Respond; v != nil {
		d.respond = said(respondDoc{said(v.Status), saidText(v.ContentType), saidText(v.Body)})
	}
	return d
}

// targetOf is a service as `service:` names it.
func targetOf(s *Service) target {
	if s.Inline {
		return target{url: s.Endpoints[0]}
	}
	return target{name: s.Meta.Name}
}

func redirectsDocOf(ms []Moved) (d val[redirectsDoc]) {
	for _, m := range ms {
		d.Set, d.V.list.Set = true, true
		d.V.list.V = append(d.V.list.V, said(movedDoc{said(m.From), said(m.To), said(m.Status)}))
	}
	return d
}

func matchDocOf(m *Match) matchDoc {
	var d matchDoc
	switch m.Path.Kind {
	case PathExact, PathPattern:
		d.path = said(m.Path.Path)
	case PathPrefix:
		d.prefix = said(m.Path.Path)
	}
	d.methods = saidIf(m.Methods, len(m.Methods) > 0)
	d.headers, d.query = pairsDocOf(m.Headers), pairsDocOf(m.Query)
	return d
}

func pairsDocOf(ps []Pair) val[[]val[Pair]] {
	var d val[[]val[Pair]]
	for _, p := range ps {
		d.Set = true
		d.V = append(d.V, said(p))
	}
	return d
}

// Identity is a hash over the service's name and everything it does, but not over owner, labels and what it is elsewhere. What outlives a plan,
// such as a pool of connections or the health of endpoints, is kept for as long as the identity stays.
func (s *Service) Identity() string {
	d := docOf(s)
	d.meta, d.aws = metaDoc{}, val[awsOriginDoc]{}
	sum := sha256.Sum256(append([]byte(s.Meta.Name+"\n"), toJSON(serviceShape.write(d))...))
	return "sha256:" + hex.EncodeToString(sum[:])
}
