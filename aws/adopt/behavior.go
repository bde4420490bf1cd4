package adopt

import (
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// route is a cache behaviour on its way to a route.
type route struct {
	name    string
	pattern pathPattern
	node    *schema.Node // of the behaviour
	match   spec.PathMatch
	to      *service
	rewrite []said
	policy  []said
}

// fields are the route as a document has it.
func (r *route) fields() []said {
	list := []said{{"name", r.name}}
	switch r.match.Kind {
	case spec.PathExact, spec.PathPattern:
		list = put(list, r.match.Path, "match", "path")
	case spec.PathPrefix:
		list = put(list, r.match.Path, "match", "prefix")
	case spec.PathAny:
		if at(r.rewrite, "prefix") != nil { // there has to be a prefix to replace
			list = put(list, "/", "match", "prefix")
		}
	}
	if len(r.rewrite) > 0 {
		list = append(list, said{"rewrite", r.rewrite})
	}
	return append(append(list, said{"service", r.to.name}), r.policy...)
}

// behaviors turns cache behaviours into routes. CloudFront takes the first whose pattern fits, a spec the most specific one; with
// whole paths and what stands below a path the two differ only where no request comes to the later one.
func (e *entry) behaviors() {
	var before, lost []*route
	for i, b := range e.cacheBehaviors() {
		r := &route{node: b, pattern: pathPattern{text: "*", kind: patternEvery, match: spec.PathMatch{Kind: spec.PathAny}}}
		n := b.Get("PathPattern")
		if isDefault := i == len(e.cacheBehaviors())-1 && n == nil; !isDefault {
			text, ok := e.known(n)
			if !ok {
				e.refuse(b, ruleUnknownValue, "the path of the behaviour is known only to the deployment")
				continue
			}
			r.pattern = patternOf(text)
		}
		r.match = r.pattern.match
		if i := slices.IndexFunc(before, func(other *route) bool { return other.pattern.covers(r.pattern) }); i >= 0 {
			e.means(b, "no request comes to it: the behaviour for "+before[i].pattern.text+" stands before it")
			continue
		}
		before = append(before, r)
		if r.pattern.kind == patternOther {
			lost = append(lost, r)
			continue
		}
		r.name = e.routeName(r.match)
		e.routes = append(e.routes, r)
	}
	if !slices.ContainsFunc(e.routes, func(r *route) bool { return r.match.Kind == spec.PathAny }) {
		r := &route{name: "default", node: &schema.Node{Kind: schema.Map}}
		e.routes = append(e.routes, r)
		e.problem(ruleUnknownValue, "DistributionConfig.DefaultCacheBehavior", "there is no behaviour for all other paths; they go nowhere")
	}
	for _, r := range e.routes {
		e.behavior(r)
	}
	e.securityHSTS()
	e.below()
	for _, r := range lost {
		e.lose(r)
	}
}

// lose refuses a behaviour whose pattern no route can say, and names who takes its requests.
func (e *entry) lose(r *route) {
	path := r.pattern.witness()
	text := "no route can say the path " + r.pattern.text
	if other := taker(e.routes, path); other != nil {
		text += ": GET " + path + " takes the route " + other.name
	}
	e.guards(r.node)
	e.refuse(r.node, rulePattern, text)
}

// below looks at prefixes: a route takes the path itself too, which CloudFront's pattern does not stand for.
func (e *entry) below() {
	for _, r := range slices.Clone(e.routes) {
		if r.pattern.kind != patternBelow {
			if r.pattern.kind == patternExact || r.node.Get("PathPattern") != nil {
				e.say(verdict{node: r.node.Get("PathPattern"), is: Exact, at: e.place(r, "match")})
			}
			continue
		}
		n := r.node.Get("PathPattern")
		own := slices.IndexFunc(e.routes, func(other *route) bool { return other.match == exactly(r.match.Path) })
		var rest []*route
		for _, other := range e.routes {
			if other != r {
				rest = append(rest, other)
			}
		}
		switch other := taker(rest, r.match.Path); {
		case own >= 0 && alike(e.routes[own], r):
			e.say(verdict{node: e.routes[own].node.Get("PathPattern"), is: Exact, at: e.place(r, "match.prefix")})
			for i := range e.verdicts {
				if e.verdicts[i].at.route == e.routes[own] {
					e.verdicts[i].at.route = r
				}
			}
			r.name = e.routes[own].name
			e.routes = slices.Delete(e.routes, own, own+1)
			e.say(verdict{node: n, is: Exact, at: e.place(r, "match.prefix")})
		case own >= 0 || other == nil || alike(other, r):
			e.say(verdict{node: n, is: Exact, at: e.place(r, "match.prefix")})
		default:
			e.say(verdict{node: n, is: Approximated, at: e.place(r, "match.prefix"), rule: ruleBelow,
				text: "the prefix " + r.match.Path + " takes the path " + r.match.Path + " itself too, which CloudFront gives to the route " + other.name})
		}
	}
}

// alike reports whether it makes no difference which of two routes takes a request.
func alike(a, b *route) bool {
	return a.to == b.to && len(a.rewrite)+len(b.rewrite) == 0 && sameValue(a.policy, b.policy)
}

// behavior is one route: where it goes, and its policy.
func (e *entry) behavior(r *route) {
	b := r.node
	e.guards(b)
	e.features(b, behaviorFeatures)
	o := e.targetOrigin(r)
	e.methods(r)
	c := e.caching(r)
	q := e.requestPolicy(r)
	r.to = e.serviceOf(o, e.hostSent(c, q), isTrue(b.Path("GrpcConfig", "Enabled")))
	e.grpc(r)
	e.cache(r, c)
	e.passed(r, c, q)
	if c != nil {
		c.tell.done("cache", "")
	}
	e.answers(r)
	e.destined(r, o)
	e.compress(r, c)
}

func isTrue(n *schema.Node) bool { return n.String() == "true" }

var behaviorFeatures = []feature{
	{[]string{"SmoothStreaming"}, isFalse, ruleFeature, "files are cut for Smooth Streaming"},
	{[]string{"FieldLevelEncryptionId"}, isEmpty, ruleFeature, "fields of forms are encrypted; the documents send them as they came"},
	{[]string{"RealtimeLogConfigArn"}, isEmpty, ruleLogsLost, "requests are logged in real time; the documents do not"},
}

// guards refuses what may keep requests out: signed URLs, and code that is not read.
func (e *entry) guards(b *schema.Node) {
	path := b.Get("PathPattern").String()
	if path == "" {
		path = "all other paths"
	}
	for _, name := range []string{"TrustedKeyGroups", "TrustedSigners"} {
		switch n := b.Get(name); {
		case n == nil:
		case isEmpty(n) || isFalse(n.Get("Enabled")):
			e.means(n, "nothing has to be signed")
		default:
			e.refuse(n, ruleSigned, path+" is for signed URLs and cookies alone; the documents make it public")
		}
	}
	list := b.Get("FunctionAssociations")
	if list != nil && isEmpty(list) {
		e.means(list, "there is none")
	} else if list.Open() {
		e.refuse(list, ruleFunction, unknownText)
	}
	for _, n := range list.List() {
		text := "its code is not read"
		if f := e.target(n.Get("FunctionARN"), typeFunction); f != nil {
			text = "the code of " + f.Name + " is not read"
			e.keep(f)
		}
		e.refuse(n, ruleFunction, path+" has a function for "+n.Get("EventType").String()+", and "+text+"; whom it turns away, the documents let in")
	}
	list = b.Get("LambdaFunctionAssociations")
	if list != nil && isEmpty(list) {
		e.means(list, "there is none")
	} else if list != nil {
		e.refuse(list, ruleFunction, path+" has a function of Lambda@Edge, whose code is not read; whom it turns away, the documents let in")
	}
}

// keep keeps the code of a function beside the documents. It may have come in a file of its own.
func (m *mapping) keep(f *resource) {
	if m.used[f] {
		return
	}
	text, code := "its code is not read", ""
	same := func(other *resource) bool { return other == f || other.Name == f.Name }
	for _, other := range m.of(typeFunction) {
		for _, n := range []*schema.Node{other.Code, other.Props.Get("FunctionCode")} {
			if same(other) && code == "" {
				code = n.String()
			}
		}
	}
	if code != "" {
		name := "functions/" + m.unique("function", f.Name, "function") + ".js"
		m.found.files = append(m.found.files, Document{Name: name, Data: []byte(code)})
		text += "; it is kept in " + name
	}
	for _, other := range m.of(typeFunction) {
		if same(other) {
			m.used[other] = true
			m.ledger.refuse(other.Props, ruleFunction, text)
			m.ledger.refuse(other.Code, ruleFunction, text)
		}
	}
}

// methods are the allowed ones. What is stored of OPTIONS a spec does not say.
func (e *entry) methods(r *route) {
	n := r.node.Get("AllowedMethods")
	if n.Open() {
		e.refuse(n, ruleUnknownValue, unknownText)
		return
	}
	var list []string
	for _, item := range n.List() {
		if method, ok := e.known(item); slices.Contains(httpMethod, method) {
			list = append(list, method)
			e.say(verdict{node: item, is: Exact, at: e.place(r, "methods")})
		} else if ok {
			e.refuse(item, ruleFeature, "CloudFront has no such method")
		}
	}
	if len(list) == 0 {
		list = []string{"GET", "HEAD"}
	}
	r.policy = put(r.policy, sorted(list), "methods")
	switch cached := r.node.Get("CachedMethods"); {
	case cached == nil:
	case cached.Open():
		e.refuse(cached, ruleUnknownValue, unknownText)
	case slices.Contains(texts(cached), "OPTIONS"):
		e.say(verdict{node: cached, is: Approximated, at: e.place(r, "cache"), rule: ruleCacheKey, text: "answers to OPTIONS are not stored"})
	default:
		e.means(cached, "they are the methods whose answers are stored anyway")
	}
}

// compress is what CloudFront compresses: what it may store, if the policy has both in its key.
func (e *entry) compress(r *route, c *cachePolicy) {
	n := r.node.Get("Compress")
	on, known := n.AsBool()
	switch {
	case n == nil:
	case !known:
		e.refuse(n, ruleUnknownValue, unknownText)
	case !on:
		e.say(verdict{node: n, is: Exact, at: e.place(r, "compress"), text: "off is that of the profile"})
	case !c.stores() || !c.gzip && !c.brotli:
		e.means(n, "nothing is compressed here: the cache policy has no Accept-Encoding, or stores nothing")
	default:
		r.policy = put(r.policy, "on", "compress")
		e.say(verdict{node: n, is: Approximated, at: e.place(r, "compress"), rule: ruleCompress,
			text: "the edge compresses other content types, zstd too, and what is not stored"})
	}
}

// grpc is HTTP/2 towards the service.
func (e *entry) grpc(r *route) {
	n := r.node.Path("GrpcConfig", "Enabled")
	switch on, known := n.AsBool(); {
	case n == nil:
	case !known:
		e.refuse(n, ruleUnknownValue, unknownText)
	case !on:
		e.means(n, "it is off")
	case r.to.http2:
		e.say(verdict{node: n, is: Exact, at: spot{document: "Service " + r.to.name, field: "protocol"}})
	default:
		e.refuse(n, ruleOrigin, "the origin is not asked by HTTPS")
	}
}

// inSeconds is a time as documents write it.
func inSeconds(seconds float64) string {
	n := int(seconds)
	switch {
	case n == 0:
		return "off"
	case n%3600 == 0:
		return number(n/3600) + "h"
	case n%60 == 0:
		return number(n/60) + "m"
	}
	return number(n) + "s"
}

func number(n int) string { return strconv.Itoa(n) }

// inWords are names in a sentence.
func inWords(names []string) string { return strings.Join(names, ", ") }
