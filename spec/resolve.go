package spec

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// resolver turns documents into a spec: names become pointers, profiles and defaults are merged in.
type resolver struct {
	log      *log
	spec     *Spec
	services map[string]*Service // by name, and by URL for inline ones
	names    []string            // of the services that have documents
	profiles map[string]*profileDoc
	settled  map[string]*settled // of profiles, once settled
	hosts    map[string]Pos
	inline   map[string]*Service // of an earlier spec, by URL; see Reader
	asked    []askedService      // by the entrypoint that is resolved
}

func newResolver(l *log) *resolver {
	return &resolver{
		log: l, spec: &Spec{}, services: map[string]*Service{}, hosts: map[string]Pos{},
		profiles: map[string]*profileDoc{}, settled: map[string]*settled{},
	}
}

// common takes the documents that entrypoints hang on.
func (r *resolver) common(docs *documents) {
	r.addProfiles(docs.profiles)
	r.addServices(docs.services)
	r.addCertificates(docs.certificates)
	r.addAWS(docs.aws)
}

// sorted is the spec when all is in it.
func (r *resolver) sorted() *Spec {
	s := r.spec
	slices.SortFunc(s.Entrypoints, func(a, b *Entrypoint) int { return strings.Compare(a.Meta.Name, b.Meta.Name) })
	slices.SortFunc(s.Services, func(a, b *Service) int { return strings.Compare(a.Meta.Name, b.Meta.Name) })
	slices.SortFunc(s.Certificates, func(a, b *Certificate) int { return strings.Compare(a.Meta.Name, b.Meta.Name) })
	slices.SortFunc(s.Profiles, func(a, b *Profile) int { return strings.Compare(a.Meta.Name, b.Meta.Name) })
	return s
}

// unique reports a name that another document of the kind has. A document without a usable name has its problem already.
func (r *resolver) unique(kind string, name val[string], seen map[string]Pos) bool {
	if !name.Set {
		return true
	}
	if first, again := seen[name.V]; again {
		r.log.refuse(name.At, twice(kind, name.V, first), "the %s %q is described twice", kind, name.V)
		return false
	}
	seen[name.V] = name.At
	return true
}

func (r *resolver) addProfiles(own []profileDoc) {
	seen := map[string]Pos{}
	for _, d := range append(builtIn(), own...) {
		name := d.meta.name.V
		if first := r.profiles[name]; first != nil && first.builtIn {
			r.log.refuse(d.meta.name.At, "take another name, and `extends: "+name+"` to start from it",
				"the profile %q is built in and cannot be replaced", name)
			continue
		}
		if !d.builtIn && !r.unique("Profile", d.meta.name, seen) {
			continue
		}
		r.profiles[name] = &d
		r.spec.Profiles = append(r.spec.Profiles, &Profile{
			Meta: d.meta.model(), At: d.at, BuiltIn: d.builtIn, Extends: d.extends.V, Policy: d.policy.doc().asWritten(),
			waf: d.policy.doc().waf, cache: d.policy.doc().cache,
		})
	}
	for _, p := range r.spec.Profiles { // in the order of documents, so that problems are found in it
		r.profile(p.Meta.Name, nil)
	}
}

// profile settles a profile; chain are the ones that extend it, the farthest first.
func (r *resolver) profile(name string, chain []string) *settled {
	if s := r.settled[name]; s != nil {
		return s
	}
	d, base := r.profiles[name], defaults
	chain = append(chain, name)
	switch up := d.extends; {
	case !up.Set:
	case r.profiles[up.V] == nil:
		r.log.refuse(up.At, instead(up.V, "Profile", r.profileNames()), "unknown profile %q", up.V)
	case slices.Contains(chain, up.V):
		r.log.refuse(up.At, "remove one `extends`", "profiles extend each other in a circle: %s", strings.Join(append(chain, up.V), " → "))
	case len(chain) > extendsMax:
		r.log.refuse(up.At, "", "the chain of profiles is longer than %d: %s", extendsMax, strings.Join(chain, " → "))
	default:
		base = r.profile(up.V, chain)
	}
	if r.settled[name] == nil {
		r.settled[name] = r.lay(base, d.policy.said, "profile "+name)
	}
	return r.settled[name]
}

// lay lays a document over what is in force, and refuses what can only be seen of both together: a firewall that would hold more
// of a body than passes, a cache whose parts contradict each other.
func (r *resolver) lay(base *settled, d *policyDoc, from string) *settled {
	n := base.lay(d, from)
	if d == nil {
		return n
	}
	if held := d.waf.V.bodyBytesMax; held.Set && n.policy.WAF.Mode != WAFOff && holdsMore(n.waf, *n.policy.BodyMax) {
		r.log.refuse(held.At, "raise bodyMax, or lower it", "the firewall would hold bodies of %v, and bodyMax lets none pass beyond %v",
			writeSize(held.V), writeSize(*n.policy.BodyMax))
	}
	checkCache(r.log, d.cache, n.policy.Cache)
	return n
}

func (r *resolver) profileNames() []string {
	var names []string
	for name := range r.profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r *resolver) addServices(docs []serviceDoc) {
	seen := map[string]Pos{}
	for _, d := range docs {
		if !r.unique("Service", d.meta.name, seen) || !d.meta.name.Set {
			continue
		}
		s := d.model()
		r.services[s.Meta.Name] = s
		r.names = append(r.names, s.Meta.Name)
		r.spec.Services = append(r.spec.Services, s)
	}
	slices.Sort(r.names)
}

// service finds the service of a reference; nil if there is none, which is a problem already.
func (r *resolver) service(ref val[target]) *Service {
	if !ref.Set {
		return nil
	}
	s := r.find(ref)
	r.asked = append(r.asked, askedService{ref, s})
	return s
}

func (r *resolver) find(ref val[target]) *Service {
	name := ref.V.name
	if name != "" {
		if r.services[name] == nil {
			r.log.refuse(ref.At, instead(name, "Service", r.names), "unknown service %q", name)
		}
		return r.services[name]
	}
	url := ref.V.url.URL()
	if r.services[url] == nil {
		s := r.inline[url]
		if s == nil || s.At != ref.At {
			s = inlineService(ref.V.url, ref.At)
		}
		r.services[url] = s
		r.spec.Services = append(r.spec.Services, s)
	}
	return r.services[url]
}

func (r *resolver) entrypoint(d *entrypointDoc) {
	e := &Entrypoint{Meta: d.meta.model(), At: d.at, Profile: "website", Hosts: r.entrypointHosts(d.hosts.V)}
	base := r.settled[e.Profile]
	if p := d.profile; p.Set {
		e.Profile = p.V
		if r.profiles[p.V] == nil {
			r.log.refuse(p.At, instead(p.V, "Profile", r.profileNames()), "unknown profile %q", p.V)
		} else {
			base = r.settled[p.V]
		}
	}
	e.CanonicalHost = r.canonicalHost(d, e)
	e.Moved = r.moved(d.redirects, e.Hosts)
	own := r.lay(base, d.policy.said, "")
	e.Policy, e.Sources = own.policy, own.sources
	if d.portability.Set {
		var from []Source
		e.Portability, from = d.portability.V.model()
		e.Sources = slices.Concat(own.sources, from)
	}
	for i, rd := range d.routes.V {
		if rd.Set {
			e.Routes = append(e.Routes, r.route(rd, i, own))
		}
	}
	if s := r.service(d.service); s != nil {
		e.Routes = append(e.Routes, &Route{
			Name: "default", At: d.service.At, Policy: own.policy, Sources: own.sources,
			To: Destination{Services: []Weighted{{Service: s, Weight: 1}}},
		})
	}
	r.distinctRoutes(e, d.routes.V)
	r.spec.Entrypoints = append(r.spec.Entrypoints, e)
}

// entrypointHosts are the hosts in normal form; each may stand once in the whole spec.
func (r *resolver) entrypointHosts(vs []val[string]) []string {
	hosts := make([]string, 0, len(vs))
	for _, v := range vs {
		if !v.Set {
			continue
		}
		host := foldHost(v.V)
		if first, again := r.hosts[host]; again {
			r.log.refuse(v.At, "remove it from one of the two", "the host %q stands twice, first at %s", host, first)
			continue
		}
		r.hosts[host] = v.At
		hosts = append(hosts, host)
	}
	slices.Sort(hosts)
	return hosts
}

// canonicalHost is the host that requests to the other ones are sent to: one of them, and no wildcard.
func (r *resolver) canonicalHost(d *entrypointDoc, e *Entrypoint) string {
	if !d.canonical.Set {
		return ""
	}
	host := foldHost(d.canonical.V)
	if d.hosts.Clean && !slices.Contains(e.Hosts, host) {
		r.log.refuse(d.canonical.At, "add it to `hosts`, or name one of them",
			"the canonicalHost %q is none of the hosts of the Entrypoint", host)
	}
	return host
}

func (r *resolver) route(d val[routeDoc], i int, base *settled) *Route {
	own := r.lay(base, d.V.policy.said, "")
	out := &Route{
		Name: fmt.Sprintf("route-%d", i+1), At: d.At, Match: d.V.match.V.model(), To: r.destination(&d.V),
		Policy: own.policy, Sources: own.sources,
	}
	if d.V.name.Set {
		out.Name = d.V.name.V
	}
	if d.V.rewrite.Set {
		out.Rewrite = d.V.rewrite.V.model()
	}
	if d.V.mirror.Set {
		out.Mirror = r.mirror(d.V.mirror, out.To)
	}
	return out
}

func (r *resolver) destination(d *routeDoc) (to Destination) {
	if s := r.service(d.service); s != nil {
		to.Services = []Weighted{{Service: s, Weight: 1}}
	}
	for _, w := range d.services.V {
		if s := r.service(w.V.service); s != nil {
			if s.Directory != nil && len(d.services.V) > 1 {
				r.log.refuse(w.At, "give the directory a route of its own", "the service %q is a directory, which cannot share requests with others", s.Meta.Name)
			}
			to.Services = append(to.Services, Weighted{Service: s, Weight: w.V.weight.V})
		}
	}
	var f filler // these defaults have no place in explain: the destination is printed whole
	if v := d.redirect; v.Set {
		redirectShape.fill(&v.V, "", &f)
		to.Redirect = &Redirect{Status: v.V.status.V, To: v.V.to.V}
	}
	if v := d.respond; v.Set {
		respondShape.fill(&v.V, "", &f)
		to.Respond = &Respond{Status: v.V.status.V, ContentType: v.V.contentType.V, Body: v.V.body.V}
		if !v.V.contentType.Set && v.V.body.V != "" {
			to.Respond.ContentType = "text/plain; charset=utf-8"
		}
	}
	return to
}

var redirectShape, respondShape = redirect.shape(), respond.shape()

// model is the match in normal form: conditions sorted, a prefix without its last slash.
func (d matchDoc) model() Match {
	m := Match{Methods: d.methods.V, Headers: sortedPairs(d.headers.V), Query: sortedPairs(d.query.V)}
	switch trimmed := strings.TrimSuffix(d.prefix.V, "/"); {
	case d.path.Set && strings.Contains(d.path.V, "{"):
		m.Path = PathMatch{PathPattern, d.path.V}
	case d.path.Set:
		m.Path = PathMatch{PathExact, d.path.V}
	case trimmed != "":
		m.Path = PathMatch{PathPrefix, trimmed}
	}
	return m
}

func sortedPairs(vs []val[Pair]) []Pair {
	if len(vs) == 0 {
		return nil
	}
	ps := values(vs)
	sort.Slice(ps, func(i, j int) bool { return ps[i].Name < ps[j].Name })
	return ps
}

// distinctRoutes refuses two routes of one name, and two that take the very same requests.
// A broken match takes part in neither: it may be meant as another one.
func (r *resolver) distinctRoutes(e *Entrypoint, docs []val[routeDoc]) {
	broken := map[Pos]bool{}
	for _, d := range docs {
		broken[d.At] = d.V.match.given() && !d.V.match.Clean
	}
	names, matches := map[string]*Route{}, map[string]*Route{}
	for _, o := range e.Routes {
		if broken[o.At] {
			continue
		}
		if first := names[o.Name]; first != nil {
			r.log.refuse(o.At, "name the routes", "the route name %q stands twice in Entrypoint %q, first at line %d", o.Name, e.Meta.Name, first.At.Line)
		}
		names[o.Name] = o
		key := o.Match.key()
		if first := matches[key]; first != nil {
			r.log.refuse(o.At, "change the match of one, or remove it",
				"the routes %q and %q of Entrypoint %q take the same requests; the first is at line %d", first.Name, o.Name, e.Meta.Name, first.At.Line)
		}
		matches[key] = o
	}
}

// key is the same for matches that take the same requests: the names of {segments} and the case of headers do not count.
func (m Match) key() string {
	segments := strings.Split(m.Path.Path, "/")
	for i, s := range segments {
		if _, ok := segmentName(s); ok {
			segments[i] = "{}"
		}
	}
	var headers, query []string
	for _, h := range m.Headers {
		headers = append(headers, strings.ToLower(h.Name), h.Value)
	}
	for _, q := range m.Query {
		query = append(query, q.Name, q.Value)
	}
	return string(toJSON([]any{int(m.Path.Kind), strings.Join(segments, "/"), m.Methods, headers, query}))
}
