package compile

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// This file is the function for requests: which route takes a request, and what becomes of it.

const docsOrigins = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/helper-functions-origin-modification.html"

// requestRules are what a function cannot do for a route.
var requestRules = struct{ host, mutual finding.Rule }{
	host: finding.Rule{
		ID: "rewrite-host", Severity: finding.Error, Source: docsOrigins,
		Meaning: "A function can give an origin a name as its Host, but neither a port nor an address, and none to a bucket.",
		Remedy:  "use a name alone, or let the service take its own",
		Witness: "any request: the service gets the Host that its origin request policy gives it",
	},
	mutual: finding.Rule{
		ID: "origin-select", Severity: finding.Error, Source: docsOrigins,
		Meaning: "A function cannot select an origin to which CloudFront shows a client certificate.",
		Remedy:  "give the route a path of its own, or send all its requests to that service",
		Witness: "any request of the route",
	},
}

// requestCode writes the function for the requests of a behaviour, or of several: then v is what they have in common.
func (b *builder) requestCode(s *site, v *behavior, of ...*behavior) *coder {
	c := &coder{}
	w := &requestWriter{b: b, s: s, v: v, of: of, c: c}
	g := everyPath
	if v.pattern != "" {
		g = patternGlob(v.pattern)
	}
	w.common = true
	for _, r := range v.routes {
		text := b.policyCode(&r.Policy)
		group := number(&c.groups, text.code)
		w.groups, w.gates = append(w.groups, group), append(w.gates, text.gate)
		w.common = w.common && group == w.groups[0]
	}
	w.begin()
	if w.common {
		w.first(0)
	}
	for i, r := range v.routes {
		test := w.test(rank(r), g)
		if test == "" {
			w.route(i)
			return c
		}
		c.add("routes", "if(%s){", test)
		w.route(i)
		c.add("routes", "}")
	}
	c.add("routes", "return E%s(event,404,'Not Found',{});", w.groups[0]) // a path that the pattern does not have
	return c
}

// requestWriter writes a function for requests.
type requestWriter struct {
	b      *builder
	s      *site
	v      *behavior
	of     []*behavior // that it is for
	c      *coder
	groups []string // numbers of the functions of each route's policy
	gates  []bool   // whether there is a G
	common bool     // all routes have the same
}

// begin makes the path that routes are matched by, and refuses what the edge refuses.
//
// CloudFront has chosen the behaviour by its own reading of the path. Where that could differ from ours, since dot segments or
// codes of unreserved characters stand in it, the client is sent to the normal form: no request is served by a behaviour, with
// its firewall and its cache, that its path does not belong to. Only the case of hex digits is mended in place, which no
// pattern has.
func (w *requestWriter) begin() {
	w.c.use("N")
	w.c.add("routes", "var r=event.request,h=r.headers,p=N(r.uri),q=r.rawQueryString(),m,l;")
	g := w.groups[0]
	w.c.add("routes", "if(!p)return E%s(event,400,'Bad Request',{});", g)
	w.c.add("routes", "if(p!==r.uri&&p!==r.uri.replace(/%%../g,function(x){return x.toUpperCase()}))return L%s(event,308,%s+p+(q===undefined?'':'?'+q));", g, w.origin("h.host.value"))
	w.slashes()
}

// slashes refuses what is here by CloudFront's reading of a path alone, for which several slashes are one: /api/x and //api/x
// have the same behaviour. For the edge they are two paths, and the second one is not below /api.
func (w *requestWriter) slashes() {
	if w.v.pattern == "" && len(w.of) < 2 { // the default behaviour: CloudFront and we have looked at all others
		return
	}
	var tests []string
	for _, r := range w.v.routes {
		if r := rank(r); !r.takes(everyPath) {
			tests = append(tests, pathTestOf(r, "l")+"&&!("+pathTest(r)+")")
		}
	}
	if len(tests) > 0 {
		w.c.add("routes", "if(/\\/\\//.test(p)){l=p.replace(/\\/+/g,'/');if(%s)return E%s(event,404,'Not Found',{})}", strings.Join(tests, "||"), w.groups[0])
	}
}

// origin is scheme and host of a URL that leads back here; host is an expression. A URL without a scheme keeps that of the
// request.
func (w *requestWriter) origin(host string) string {
	if onlyHTTPS(w.s.entry) {
		return "'https://'+" + host
	}
	return "'//'+" + host
}

// first is what comes before a route's own answer: the gate of its policy, and what has moved.
func (w *requestWriter) first(i int) {
	if w.gates[i] {
		w.c.add("routes", "l=G%s(event);if(l)return l;", w.groups[i])
	}
	w.moved(w.groups[i])
}

// test is the condition under which a route takes a request; empty: always.
func (w *requestWriter) test(r ranked, g glob) string {
	var tests []string
	if !r.takes(g) || r.named != 0 { // m has the values of {name}s
		tests = append(tests, pathTest(r))
	}
	m := &r.route.Match
	if len(m.Methods) > 0 {
		tests = append(tests, jsList(withHead(m.Methods))+".indexOf(r.method)>=0")
	}
	for _, p := range m.Headers {
		tests = append(tests, w.fieldTest(r.route, p))
	}
	for _, p := range m.Query {
		value := "," + jsBytes(p.Value)
		if p.Value == "*" {
			value = ""
		}
		tests = append(tests, w.c.use("Q")+"(q,"+jsBytes(p.Name)+value+")")
	}
	return strings.Join(tests, "&&")
}

// pathTest compares p with the path of a route. With {name}s, m has their values, and behind those the rest of a prefix.
func pathTest(r ranked) string { return pathTestOf(r, "p") }

// pathTestOf does so with the path that an expression has.
func pathTestOf(r ranked, p string) string {
	path := r.route.Match.Path.Path
	if r.kind == spec.PathExact {
		return p + "===" + js(path)
	}
	path = strings.TrimSuffix(path, "/")
	if r.kind == spec.PathPattern {
		path = r.route.Match.Path.Path
	}
	if r.named == 0 {
		if r.kind == spec.PathPattern {
			return p + "===" + js(path)
		}
		return "(" + p + "+'/').indexOf(" + js(path+"/") + ")===0"
	}
	var re strings.Builder
	for _, segment := range segmentsOf(path) {
		if isName(segment) {
			re.WriteString(`\/([^\/]+)`)
		} else {
			re.WriteString(`\/` + jsRegexp(segment))
		}
	}
	if r.kind == spec.PathPrefix {
		re.WriteString(`(\/.*)?`)
	}
	return "(m=/^" + re.String() + "$/.exec(" + p + "))"
}

func (w *requestWriter) fieldTest(r *spec.Route, p spec.Pair) string {
	name := strings.ToLower(p.Name)
	switch {
	case name == "cookie" && p.Value == "*":
		return "Object.keys(r.cookies).length>0"
	case name == "cookie" || listed(hiddenFields, name) || listed(objectFields, name):
		w.b.find(&fieldRules.match, w.s, r.At, "spec.routes."+r.Name+".match.headers", "the function cannot compare %s with %q: the route never matches", p.Name, p.Value)
		return "false"
	}
	value := "," + js(p.Value)
	if p.Value == "*" {
		value = ""
	}
	return w.c.use("H") + "(h," + js(name) + value + ")"
}

// route is what becomes of a request that a route has taken. It always returns.
func (w *requestWriter) route(i int) {
	r := w.v.routes[i]
	if !w.common {
		w.first(i)
	}
	switch {
	case r.To.Redirect != nil:
		w.redirect(r, w.groups[i])
	case r.To.Respond != nil:
		w.respond(r.To.Respond, w.groups[i])
	case isNoRoute(r):
		w.c.add("routes", "return E%s(event,404,'Not Found',{});", w.groups[i])
	default:
		w.serve(i)
	}
}

func (w *requestWriter) respond(r *spec.Respond, group string) {
	status := r.Status
	if status == 0 {
		status = 200
	}
	fields, body := "{}", ""
	if r.ContentType != "" || r.Body != "" {
		contentType := r.ContentType
		if contentType == "" {
			contentType = "text/plain; charset=utf-8"
		}
		fields = "{'content-type':{value:" + js(contentType) + "}}"
	}
	if r.Body != "" {
		body = "," + js(r.Body)
	}
	w.c.add("bodies of answers", "return A%s(event,%d,%s%s);", group, status, fields, body)
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// redirect fills a template in, as rewrite.Redirect does.
func (w *requestWriter) redirect(r *spec.Route, group string) {
	to, names := r.To.Redirect.To, namesOf(r.Match.Path)
	var parts []string
	text := func(s string) {
		if s != "" {
			parts = append(parts, js(s))
		}
	}
	at := 0
	for _, span := range placeholder.FindAllStringIndex(to, -1) {
		before, name := to[at:span[0]], to[span[0]+1:span[1]-1]
		at = span[1]
		switch {
		case name == "query":
			end := len(strings.TrimRight(before[max(len(before)-1, 0):], "?&"))
			cut := before[:max(len(before)-1, 0)+end] // without a '?' or '&' that would be left alone
			text(cut)
			parts = append(parts, "(q?"+js(before[len(cut):])+"+q:'')")
		case name == "path":
			text(before)
			parts = append(parts, "p")
		default:
			text(before)
			parts = append(parts, fmt.Sprintf("m[%d]", slices.Index(names, name)+1)) // never in the host: the spec refuses it there
		}
	}
	text(to[at:])
	location := strings.Join(parts, "+")
	if strings.HasPrefix(to, "/") {
		location = "(" + location + ").replace(/^\\/+/,'/')" // two slashes would be another host
	}
	status := r.To.Redirect.Status
	if status == 0 {
		status = 308
	}
	w.c.add("routes", "return L%s(event,%d,%s);", group, status, location)
}

// namesOf are the {name}s of a match, in order.
func namesOf(m spec.PathMatch) (names []string) {
	if m.Kind != spec.PathPattern && m.Kind != spec.PathPrefix {
		return nil
	}
	for _, segment := range segmentsOf(strings.TrimSuffix(m.Path, "/")) {
		if isName(segment) {
			names = append(names, segment[1:len(segment)-1])
		}
	}
	return names
}

// serve sends a request to a service.
func (w *requestWriter) serve(i int) {
	r := w.v.routes[i]
	if slices.ContainsFunc(r.To.Services, func(to spec.Weighted) bool { return to.Service.Directory == nil }) { // nobody tells a bucket
		w.c.use("K")
		w.c.add("routes", "T%s(event);", number(&w.c.tells, w.b.tellCode(w.s, r)))
	}
	list := weighed(r.To.Services)
	switch {
	case len(list) == 1:
		w.choose(r, list[0].Service, r.Name)
	case len(list) > 1:
		total, upTo := 0, 0
		for _, to := range list {
			total += to.Weight
		}
		w.c.add("weights", "l=%s(%s+event.viewer.ip)%%%d;", w.c.use("W"), js(w.s.entry.Meta.Name+"/"+r.Name+" "), total)
		for n, to := range list {
			upTo += to.Weight
			if n < len(list)-1 {
				w.c.add("weights", "if(l<%d){", upTo)
			} else {
				w.c.add("weights", "{")
			}
			w.choose(r, to.Service, fmt.Sprintf("%s.%d", r.Name, n))
			if n < len(list)-1 {
				w.c.add("weights", "}else ")
			} else {
				w.c.add("weights", "}")
			}
		}
	}
	w.path(r)
	w.c.add("routes", "return r;")
}

// choose selects the origin of a service, and tells the cache.
func (w *requestWriter) choose(r *spec.Route, to *spec.Service, key string) {
	if len(w.v.keys) > 0 {
		w.c.add("routes", "h[%s]={value:%s};", js(routeKey), js(key))
	}
	o := w.s.origin(to)
	if o == nil {
		return
	}
	host := w.hostFor(r, to)
	overrides := ""
	if host != "" {
		overrides = ",{hostHeader:" + js(host) + "}"
	}
	if o == w.v.origin && host == "" {
		return
	}
	if o != w.v.origin && slices.ContainsFunc(o.origins, func(d *model.DistributionOrigin) bool {
		return d.CustomOriginConfig != nil && d.CustomOriginConfig.OriginMtlsConfig != nil
	}) {
		w.b.find(&requestRules.mutual, w.s, r.At, "spec.routes."+r.Name, "service %s is asked with a client certificate, and shares the behaviour of %s with other routes or services", to.Meta.Name, w.v.name())
		return
	}
	w.c.cf = true
	switch {
	case o.group != nil:
		w.c.add("routes", "cf.createRequestOriginGroup(%s);", groupCode(o, overrides))
	case o == w.v.origin:
		w.c.add("routes", "cf.updateRequestOrigin(%s);", overrides[1:])
	default:
		w.c.add("routes", "cf.selectRequestOriginById(%s%s);", js(o.id), overrides)
	}
}

// groupCode is the argument that makes an origin group of a service.
func groupCode(o *origin, overrides string) string {
	var ids, statuses []string
	for _, d := range o.origins {
		id := js(literalText(d.Id))
		if overrides != "" {
			id = "{originId:" + id + ",originOverrides:" + overrides[1:] + "}"
		}
		ids = append(ids, id)
	}
	if f := o.group.FailoverCriteria; f != nil && f.StatusCodes != nil {
		for _, status := range f.StatusCodes.Items {
			if n, ok := status.(model.Int); ok {
				statuses = append(statuses, fmt.Sprint(int64(n)))
			}
		}
	}
	return "{originIds:[" + strings.Join(ids, ",") + "],failoverCriteria:{statusCodes:[" + strings.Join(statuses, ",") + "]}}"
}

func literalText(v model.Value) string {
	t, _ := v.(model.Text)
	return string(t)
}

// hostFor is the Host that a function has to give a service; empty: its origin and policies give the right one.
func (w *requestWriter) hostFor(r *spec.Route, to *spec.Service) string {
	host, path := "", "spec.routes."+r.Name+".rewrite.host"
	if to.Host == spec.HostName {
		host = to.HostName
	}
	if r.Rewrite != nil && r.Rewrite.Host != "" {
		host = r.Rewrite.Host
	}
	if host == "" {
		return ""
	}
	_, err := netip.ParseAddr(host)
	if err == nil || strings.ContainsAny(host, ":[") || to.Directory != nil {
		w.b.find(&requestRules.host, w.s, r.At, path, "service %s cannot get the Host %q", to.Meta.Name, host)
		return ""
	}
	return host
}

// path sets the path that the service gets, as rewrite.Out does.
func (w *requestWriter) path(r *spec.Route) {
	rewrite, raw := r.Rewrite, r.Policy.Path != nil && *r.Policy.Path == spec.PathRaw
	sent := "p"
	if raw { // of the same length, and different in the case of hex digits only
		sent = "r.uri"
	}
	switch {
	case rewrite != nil && rewrite.Path != "":
		w.c.add("routes", "r.uri=%s;", fillPath(rewrite.Path, namesOf(r.Match.Path)))
	case rewrite != nil && rewrite.Prefix != "":
		matched := rank(r)
		rest := sent
		switch {
		case matched.named != 0:
			rest = fmt.Sprintf("(m[%d]||'')", len(namesOf(r.Match.Path))+1)
		case matched.depth > 0:
			rest = fmt.Sprintf("%s.slice(%d)", sent, len(strings.TrimSuffix(r.Match.Path.Path, "/")))
		}
		if prefix := strings.TrimRight(rewrite.Prefix, "/"); prefix == "" {
			w.c.add("routes", "r.uri=%s.replace(/^\\/+/,'/')||'/';", rest)
		} else {
			w.c.add("routes", "r.uri=%s+%s;", js(prefix), rest)
		}
	case !raw:
		w.c.add("routes", "r.uri=p;")
	}
	for _, to := range r.To.Services {
		if d := to.Service.Directory; d != nil && d.Index != "" { // a bucket knows no directories
			w.c.add("routes", "if(/\\/$/.test(r.uri))r.uri+=%s;", js(d.Index))
			break
		}
	}
}

// fillPath is a path with the values of {name}s.
func fillPath(path string, names []string) string {
	var parts []string
	literal := ""
	for _, segment := range segmentsOf(path) {
		literal += "/"
		if i := slices.Index(names, strings.Trim(segment, "{}")); isName(segment) && i >= 0 {
			parts = append(parts, js(literal), fmt.Sprintf("m[%d]", i+1))
			literal = ""
			continue
		}
		literal += segment
	}
	if literal != "" {
		parts = append(parts, js(literal))
	}
	return strings.Join(parts, "+")
}
