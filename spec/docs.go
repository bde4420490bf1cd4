package spec

import (
	"fmt"
	"slices"
	"strings"
)

// This file is the table of the documents: what each kind may say. Reading, canonical form, schema, formatting and the
// list that portability.yaml must cover follow from it. See policy.go for the fields that three of the objects share.

type metaDoc struct {
	name, namespace, owner val[string]
	labels, annotations    val[[]val[Pair]]
}

type entrypointDoc struct {
	meta        metaDoc
	at          Pos
	hosts       val[[]val[string]]
	canonical   val[string]
	profile     val[string]
	portability val[portabilityDoc]
	redirects   val[redirectsDoc]
	service     val[target]
	routes      val[[]val[routeDoc]]
	policy      policyPart
}

type routeDoc struct {
	name     val[string]
	match    val[matchDoc]
	rewrite  val[rewriteDoc]
	service  val[target]
	services val[[]val[weightedDoc]]
	mirror   val[mirrorDoc]
	redirect val[redirectDoc]
	respond  val[respondDoc]
	policy   policyPart
}

type matchDoc struct {
	path, prefix   val[string]
	methods        val[[]string]
	headers, query val[[]val[Pair]]
}

type weightedDoc struct {
	service val[target]
	weight  val[int]
}

type redirectDoc struct {
	to     val[string]
	status val[int]
}

type respondDoc struct {
	status      val[int]
	contentType val[string]
	body        val[string]
}

type profileDoc struct {
	meta    metaDoc
	at      Pos
	builtIn bool
	extends val[string]
	policy  policyPart
}

// A target is what `service:` says: a URL or the name of a Service.
type target struct {
	name string   // empty if it is a URL
	url  Endpoint // used if name is empty
}

var serviceRef = leaf[target]{
	read: func(l *log, n *node) (t target, ok bool) {
		if !isText(l, n) {
			return t, false
		}
		if bad, _ := docName(n.text); bad == "" {
			return target{name: n.text}, true
		}
		e, bad, fix := parseEndpoint(n.text)
		if bad != "" && !strings.ContainsAny(n.text, "@") && !strings.Contains(n.text, "://") {
			bad = fmt.Sprintf("%q is neither a URL nor the name of a Service", clip(n.text))
			if !strings.ContainsAny(n.text, ".:/") {
				fix = "names have a-z, 0-9 and, between them, -; URLs begin with http:// or https://"
			} else if _, wrong, _ := parseEndpoint("http://" + n.text); wrong == "" {
				fix = fmt.Sprintf(`write "http://%s"`, clip(n.text))
			}
		}
		if bad != "" {
			l.refuse(n.at, fix, "%s", bad)
			return t, false
		}
		e.At = n.at
		return target{url: e}, true
	},
	write: func(t target) any {
		if t.name != "" {
			return t.name
		}
		return t.url.URL()
	},
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "string", "pattern": "^([Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+/?|" + namePattern + ")$"}
	},
}.shape()

var pathInSchema = map[string]any{"pattern": "^/[^?#\\s]*$", "maxLength": textBytesMax}

const namePattern = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"

var (
	nameText  = words(docName, map[string]any{"pattern": "^" + namePattern + "$", "maxLength": nameBytesMax})
	plainText = words(anyText, map[string]any{"maxLength": textBytesMax})
	hostText  = words(hostName, map[string]any{"maxLength": hostBytesMax + 2})
	pathText  = words(matchPath, pathInSchema)
	prefix    = words(matchPrefix, pathInSchema)
)

var metadata = object[metaDoc]{
	name: "metadata", doc: "What a document is and whose.",
	fields: []field[*metaDoc]{
		row("name", func(m *metaDoc) *val[string] { return &m.name }, nameText, "The name, unique among the documents of its kind.").needed(),
		row("namespace", func(m *metaDoc) *val[string] { return &m.namespace }, plainText, "Accepted because Kubernetes writes it; it has no effect."),
		row("owner", func(m *metaDoc) *val[string] { return &m.owner }, plainText, "The team that answers for it."),
		row("labels", func(m *metaDoc) *val[[]val[Pair]] { return &m.labels },
			pairsOf("labels", plainText, plainText, false, labelsMax), "Labels of your own, for finding and grouping."),
		row("annotations", func(m *metaDoc) *val[[]val[Pair]] { return &m.annotations },
			pairsOf("annotations", plainText, shapeOfAnnotation, false, labelsMax), "Accepted because Kubernetes writes them; they have no effect."),
	},
}

// shapeOfAnnotation takes any text: kubectl keeps whole documents in one.
var shapeOfAnnotation = words(func(string) (bad, fix string) { return "", "" }, nil)

var entrypointSpec = object[entrypointDoc]{
	name: "Entrypoint", doc: "A named set of public hosts with its routes and its policy.",
	fields: append([]field[*entrypointDoc]{
		row("hosts", func(e *entrypointDoc) *val[[]val[string]] { return &e.hosts },
			listOf(words(publicHost, map[string]any{"maxLength": hostBytesMax + 2}), hostsMax),
			"The public host names, without port; *.example.com takes every name below example.com.").needed(),
		row("canonicalHost", func(e *entrypointDoc) *val[string] { return &e.canonical }, hostText,
			"The one of the hosts that requests to the others are redirected to: none, if left out."),
		row("profile", func(e *entrypointDoc) *val[string] { return &e.profile }, nameText,
			"The profile whose values are in force where nothing nearer says otherwise: website, if left out."),
		row("portability", func(e *entrypointDoc) *val[portabilityDoc] { return &e.portability }, portabilityShape,
			"Which differences are accepted where the Entrypoint is compiled for another platform: none, if left out."),
		row("redirects", func(e *entrypointDoc) *val[redirectsDoc] { return &e.redirects }, redirects.shape(),
			"Single paths that have gone elsewhere, by the thousand."),
		row("service", func(e *entrypointDoc) *val[target] { return &e.service }, serviceRef,
			"Where requests go that no route takes: a URL, or the name of a Service."),
		row("routes", func(e *entrypointDoc) *val[[]val[routeDoc]] { return &e.routes }, listOf(route.shape(), routesMax),
			"Matches and where they go; the most specific one takes a request."),
	}, lift("Policy", policyFields, func(e *entrypointDoc) *policyDoc { return e.policy.doc() })...),
	elsewhere: map[string]string{"mirror": "write it in a route, beside its service"},
	check: func(l *log, at Pos, e *entrypointDoc) {
		if e.hosts.Set && len(e.hosts.V) == 0 {
			l.refuse(e.hosts.At, "name at least one", "the list of hosts is empty")
		}
		if !e.service.given() && (!e.routes.given() || e.routes.Set && len(e.routes.V) == 0) {
			l.refuse(at, "add `service: URL or name`, or routes", "the Entrypoint goes nowhere: it has neither a service nor a route")
		}
	},
}

var route = object[routeDoc]{
	name: "route", doc: "One match and where it goes: to exactly one of service, services, redirect and respond.",
	fields: append([]field[*routeDoc]{
		row("name", func(r *routeDoc) *val[string] { return &r.name }, nameText,
			"The name in logs and metrics, unique in the Entrypoint: route-1 for the first, and so on, if left out."),
		row("match", func(r *routeDoc) *val[matchDoc] { return &r.match }, match.shape(), "Which requests the route takes: all, if left out."),
		row("rewrite", func(r *routeDoc) *val[rewriteDoc] { return &r.rewrite }, rewrite.shape(),
			"What the service gets instead of what the client sent: nothing else, if left out."),
		row("service", func(r *routeDoc) *val[target] { return &r.service }, serviceRef, "Send them to a service: a URL, or the name of a Service."),
		row("services", func(r *routeDoc) *val[[]val[weightedDoc]] { return &r.services }, listOf(weighted.shape(), weightedMax),
			"Share them among several services by weight; a client stays with its service."),
		row("mirror", func(r *routeDoc) *val[mirrorDoc] { return &r.mirror }, mirror.shape(),
			"Send a copy of a share of them to another service as well, whose answers are thrown away: none, if left out."),
		row("redirect", func(r *routeDoc) *val[redirectDoc] { return &r.redirect }, redirect.shape(), "Answer them with a redirect."),
		row("respond", func(r *routeDoc) *val[respondDoc] { return &r.respond }, respond.shape(), "Answer them with a fixed response."),
	}, lift("Policy", routeFields, func(r *routeDoc) *policyDoc { return r.policy.doc() })...),
	elsewhere: notOnRoutes(),
	check:     checkRoute,
}

func checkRoute(l *log, at Pos, r *routeDoc) {
	const fix = "give it one of service, services, redirect, respond"
	var goes []string
	for _, d := range []struct {
		name  string
		given bool
	}{{"service", r.service.given()}, {"services", r.services.given()}, {"redirect", r.redirect.given()}, {"respond", r.respond.given()}} {
		if d.given {
			goes = append(goes, d.name)
		}
	}
	switch len(goes) {
	case 0:
		l.refuse(at, fix, "the route goes nowhere")
	case 1:
	default:
		l.refuse(at, fix, "the route goes to %s at once", strings.Join(goes, " and "))
	}
	checkWeights(l, r.services)
	checkPlaceholders(l, r)
	checkRewrite(l, r)
	checkMirror(l, r)
}

func checkWeights(l *log, services val[[]val[weightedDoc]]) {
	sum, seen, whole := 0, map[any]bool{}, services.Set
	for _, w := range services.V {
		if !w.Set || !w.V.service.Set || !w.V.weight.Set {
			whole = false
			continue
		}
		sum += w.V.weight.V
		name := serviceRef.write(w.V.service.V)
		if seen[name] {
			l.refuse(w.At, "add the weights up in one line", "the service %q stands twice", name)
		}
		seen[name] = true
	}
	if services.Set && len(services.V) == 0 {
		l.refuse(services.At, "name at least one, or use `service`", "the list of services is empty")
	} else if whole && sum == 0 {
		l.refuse(services.At, "give at least one service a weight above 0", "the weights add up to 0: no service gets a request")
	}
}

// checkPlaceholders refuses a redirect to a {name} that the match does not know.
func checkPlaceholders(l *log, r *routeDoc) {
	if !r.redirect.V.to.Set || r.match.given() && !r.match.Clean {
		return
	}
	known := append([]string{"{path}", "{query}"}, matchNames(r)...)
	for _, p := range placeholders(r.redirect.V.to.V) {
		if !slices.Contains(known, p) {
			l.refuse(r.redirect.V.to.At, instead(p, "placeholder", known), "the redirect uses %s, which the match does not have", clip(p))
		}
	}
}

// placeholders are the {…} of a text, with their braces.
func placeholders(s string) (all []string) {
	for {
		open := strings.IndexAny(s, "{}")
		if open < 0 {
			return all
		}
		end := strings.IndexByte(s[open:], '}')
		if end < 0 {
			return append(all, s[open:])
		}
		all = append(all, s[open:open+end+1])
		s = s[open+end+1:]
	}
}

var match = object[matchDoc]{
	name: "match", doc: "Which requests a route takes; every condition must hold.",
	fields: []field[*matchDoc]{
		row("path", func(m *matchDoc) *val[string] { return &m.path }, pathText, "The whole path; {name} stands for exactly one segment."),
		row("prefix", func(m *matchDoc) *val[string] { return &m.prefix }, prefix,
			"The beginning of the path, by whole segments: /a takes /a, /a/ and /a/b, not /ab."),
		row("methods", func(m *matchDoc) *val[[]string] { return &m.methods }, methodList, "The methods: any, if left out."),
		row("headers", func(m *matchDoc) *val[[]val[Pair]] { return &m.headers },
			pairsOf("headers", headerName, headerValue, true, conditionsMax), "Header fields and the exact value of each; \"*\" is any value."),
		row("query", func(m *matchDoc) *val[[]val[Pair]] { return &m.query },
			pairsOf("query", plainText, plainText, false, conditionsMax), "Query parameters and the exact value of each; \"*\" is any value."),
	},
	check: func(l *log, _ Pos, m *matchDoc) {
		if m.path.given() && m.prefix.given() {
			l.refuse(m.prefix.At, "keep one of them", "a match has either a path or a prefix")
		}
	},
}

var weighted = object[weightedDoc]{
	name: "weighted service", doc: "A service and its share.",
	fields: []field[*weightedDoc]{
		row("service", func(w *weightedDoc) *val[target] { return &w.service }, serviceRef, "A URL, or the name of a Service.").needed(),
		row("weight", func(w *weightedDoc) *val[int] { return &w.weight }, whole(0, weightMax),
			"Its share of the clients, relative to the other weights; 0 gets nothing.").needed(),
	},
}

var redirect = object[redirectDoc]{
	name: "redirect", doc: "An answer that sends the client elsewhere.",
	fields: []field[*redirectDoc]{
		row("to", func(r *redirectDoc) *val[string] { return &r.to },
			words(location, locationInSchema),
			"A URL or an absolute path; {path} and {query} stand for those of the request, {name} for a segment of the match.").needed(),
		rowOr("status", func(r *redirectDoc) *val[int] { return &r.status }, redirectStatus, 308, "The status code."),
	},
}

var locationInSchema = map[string]any{"pattern": "^(/([^/]|$)|[Hh][Tt][Tt][Pp][Ss]?://.)", "maxLength": textBytesMax}

// location checks where a redirect goes.
func location(s string) (bad, fix string) {
	if bad, fix = anyText(s); bad != "" {
		return bad, fix
	}
	lower := strings.ToLower(s)
	web := strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
	switch {
	case strings.ContainsAny(s, " \t\\"):
		return fmt.Sprintf("the redirect to %q has white space or a backslash in it", clip(s)), "write white space as %20"
	case web && strings.ContainsAny(authority(s), "{}"):
		return fmt.Sprintf("the redirect to %q lets the client choose the host", clip(s)), "write the host out; {path} may follow it"
	case strings.HasPrefix(s, "/{path}"):
		return fmt.Sprintf("the redirect to %q begins with two slashes, which browsers take for a host", clip(s)), "{path} begins with / itself: write https://www.example.com{path}"
	case web && authority(s) == "":
		return fmt.Sprintf("the redirect to %q names no host", clip(s)), "write https://www.example.com{path}"
	case !web && (!strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//")):
		return fmt.Sprintf("the redirect to %q is neither a URL nor an absolute path", clip(s)), "begin with https://, http:// or one /"
	}
	return "", ""
}

// authority is the host and port of a URL, up to its path, its query or the {path} that stands for one.
func authority(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "{path}")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

var respond = object[respondDoc]{
	name: "respond", doc: "A fixed response.",
	fields: []field[*respondDoc]{
		rowOr("status", func(r *respondDoc) *val[int] { return &r.status }, whole(200, 599), 200, "The status code."),
		row("contentType", func(r *respondDoc) *val[string] { return &r.contentType }, headerValue,
			"The Content-Type: text/plain; charset=utf-8, if left out and there is a body."),
		row("body", func(r *respondDoc) *val[string] { return &r.body }, words(fixedBody, map[string]any{"maxLength": bodyBytesMax}), "The body, as text."),
	},
	check: func(l *log, _ Pos, r *respondDoc) {
		if s := r.status.V; (s == 204 || s == 205 || s == 304) && r.body.V != "" {
			l.refuse(r.body.At, "remove the body, or take another status", "a response with status %d has no body", s)
		}
	},
}

func fixedBody(s string) (bad, fix string) {
	if len(s) > bodyBytesMax {
		return fmt.Sprintf("the body has %d bytes, the limit is %d", len(s), bodyBytesMax), "serve it from a service"
	}
	return "", ""
}

var profileSpec = object[profileDoc]{
	name: "Profile", doc: "A reusable bundle of policy that an Entrypoint names.",
	fields: append([]field[*profileDoc]{
		row("extends", func(p *profileDoc) *val[string] { return &p.extends }, nameText,
			"The profile whose values this one starts from: the defaults, if left out."),
	}, lift("Policy", policyFields, func(p *profileDoc) *policyDoc { return p.policy.doc() })...),
	elsewhere: map[string]string{"portability": onEntrypoint},
}
