package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// behaviorRows are about one cache behaviour.
var behaviorRows = []row[*behavior]{
	{rule("origin-dangling", refuses,
		"a behaviour sends requests to an origin or a group that the distribution has not",
		"name the Id of one",
		"TargetOriginId: backend, without an origin of that id", api+"CacheBehavior.html"), originDangling},
	{rule("group-methods", refuses,
		"a behaviour with an origin group takes GET, HEAD and OPTIONS only: nothing else fails over",
		"point writing methods at one origin by a behaviour of its own",
		"POST / at a group", guide+"high_availability_origin_failover.html"), groupMethods},
	{rule("methods-set", refuses,
		"CloudFront knows three sets of methods",
		"GET HEAD, GET HEAD OPTIONS, or all seven",
		"AllowedMethods: [GET, HEAD, POST]", api+"AllowedMethods.html"), methodsSet},
	{rule("methods-cached", refuses,
		"cached are GET and HEAD, or OPTIONS too where it is allowed",
		"GET HEAD, or GET HEAD OPTIONS",
		"CachedMethods: [GET, HEAD, POST]", api+"CachedMethods.html"), methodsCached},
	{rule("path-form", refuses,
		"a path pattern has 255 characters at most, and only some of them",
		"use letters, digits, _-.*$/~\"'@:+&? and no query",
		"PathPattern: /a?b=c d", cachePage), pathForm},
	{rule("policy-and-values", refuses,
		"with a cache policy the behaviour has no ForwardedValues and no times of its own",
		"move them into the policy",
		"CachePolicyId with MinTTL", api+"CacheBehavior.html"), policyAndValues},
	{rule("policy-missing", refuses,
		"a behaviour needs a cache policy, or ForwardedValues",
		"name a cache policy; 4135ea2d-6df8-44a3-9df3-4b5a84be39ad caches nothing",
		"a behaviour without both", api+"CacheBehavior.html"), policyMissing},
	{rule("policy-alone", refuses,
		"an origin request policy needs a cache policy beside it",
		"name a cache policy",
		"OriginRequestPolicyId with ForwardedValues", guide+"controlling-origin-requests.html"), policyAlone},
	{rule("function-event", refuses,
		"CloudFront Functions run on viewer-request and viewer-response only",
		"use one of these, or Lambda@Edge",
		"EventType: origin-request", api+"FunctionAssociation.html"), functionEvent},
	{rule("lambda-event", refuses,
		"Lambda@Edge runs on four events",
		"viewer-request, viewer-response, origin-request or origin-response",
		"EventType: request", api+"LambdaFunctionAssociation.html"), lambdaEvent},
	{rule("lambda-body", refuses,
		"only functions for requests see a body",
		"remove IncludeBody",
		"IncludeBody at origin-response", api+"LambdaFunctionAssociation.html"), lambdaBody},
	{rule("event-twice", refuses,
		"an event of a behaviour has one function",
		"merge them",
		"two functions at viewer-request", guide+"edge-functions-restrictions.html"), eventTwice},
	{rule("functions-mixed", refuses,
		"CloudFront Functions and Lambda@Edge do not go together on the viewer's events of a behaviour",
		"use one kind",
		"a function at viewer-request and a Lambda at viewer-response", guide+"edge-functions-restrictions.html"), functionsMixed},
	{rule("lambda-version", refuses,
		"Lambda@Edge takes a numbered version, no alias and not $LATEST",
		"publish a version and name it",
		"an ARN that ends with :$LATEST", guide+"edge-functions-restrictions.html"), lambdaVersion},
	{rule("lambda-region", refuses,
		"Lambda@Edge takes functions of us-east-1 only",
		"deploy it there",
		"arn:aws:lambda:eu-west-1:…", guide+"edge-functions-restrictions.html"), lambdaRegion},
	{rule("function-unpublished", risk,
		"a function that is not published cannot be used by a distribution",
		"AutoPublish: true",
		"AutoPublish: false on a function in use", api+"PublishFunction.html"), functionUnpublished},
	{rule("viewer-http", risk,
		"viewers may speak HTTP without TLS: requests, cookies and answers are readable on the way",
		"ViewerProtocolPolicy: redirect-to-https",
		"GET http://…/login", guide+"using-https-viewers-to-cloudfront.html"), viewerHTTP},
	{rule("grpc", refuses,
		"gRPC needs POST, HTTP/2 to the viewer and HTTPS to the origin",
		"allow all methods, and HttpVersion: http2",
		"GrpcConfig with GET and HEAD", guide+"distribution-using-grpc.html"), grpc},
	{rule("compress-never", risk,
		"nothing is compressed: the cache policy does not take part",
		"EnableAcceptEncodingGzip and EnableAcceptEncodingBrotli in the policy",
		"Compress: true with a policy without both", guide+"ServingCompressedFiles.html"), compressNever},
	{rule("ttl-order", refuses,
		"MinTTL, DefaultTTL and MaxTTL stand in this order",
		"raise MaxTTL, or lower MinTTL",
		"MinTTL: 600, MaxTTL: 60", guide+"Expiration.html"), behaviorTTL},
	{rule("cookies-list", refuses,
		"cookies are listed exactly where some of them are forwarded",
		"write the list, or Forward: none",
		"Forward: whitelist without names", api+"CookiePreference.html"), cookiesList},
	{rule("signers-two", risk,
		"a behaviour has signers by key groups or by accounts",
		"use TrustedKeyGroups alone",
		"both lists", guide+"private-content-trusted-signers.html"), signersTwo},
}

func originDangling(l *linter, b *behavior) {
	id, ok := b.Get("TargetOriginId").AsText()
	if !ok || b.in.open || b.in.originsUnknown() || !b.in.config.Get("Origins").Known() {
		return
	}
	unknownGroup := slices.ContainsFunc(b.in.groups, func(g entry) bool { return g.Get("Id").Open() })
	if b.in.origin(id) == nil && b.in.group(id) == nil && !unknownGroup {
		l.find(b.Get("TargetOriginId"), "no origin and no group has the id %q", short(id))
	}
}

func groupMethods(l *linter, b *behavior) {
	methods, known := set(b.Get("AllowedMethods"))
	if id, ok := b.Get("TargetOriginId").AsText(); ok && known && b.in.group(id) != nil && strings.Contains(methods, "POST") {
		l.find(b.Get("AllowedMethods"), "the behaviour sends %s to the group %s", methods, short(id))
	}
}

const (
	readMethods    = "GET HEAD"
	optionsMethods = "GET HEAD OPTIONS"
	allMethods     = "DELETE GET HEAD OPTIONS PATCH POST PUT"
)

func methodsSet(l *linter, b *behavior) {
	if m, known := set(b.Get("AllowedMethods")); known && m != readMethods && m != optionsMethods && m != allMethods {
		l.find(b.Get("AllowedMethods"), "the set is %q", m)
	}
}

func methodsCached(l *linter, b *behavior) {
	m, known := set(b.Get("CachedMethods"))
	switch allowed, knownAllowed := set(b.Get("AllowedMethods")); {
	case known && m != readMethods && m != optionsMethods:
		l.find(b.Get("CachedMethods"), "the set is %q", m)
	case known && m == optionsMethods && (knownAllowed && allowed == readMethods || lacks(b.Node, "AllowedMethods")):
		l.find(b.Get("CachedMethods"), "OPTIONS is cached and not allowed")
	}
}

func pathForm(l *linter, b *behavior) {
	p, ok := b.Get("PathPattern").AsText()
	if !ok || b.first {
		return
	}
	const known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.*$/~\"'@:+&?,%=!()[];"
	switch {
	case p == "" || len(p) > pathMax:
		l.find(b.Get("PathPattern"), "the path pattern has %d characters", len(p))
	case strings.Trim(p, known) != "" || strings.ContainsFunc(p, func(r rune) bool { return !strings.ContainsRune(known, r) }):
		l.find(b.Get("PathPattern"), "%q has characters that no pattern may have", short(p))
	}
}

var legacyValues = []string{"ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL"}

func policyAndValues(l *linter, b *behavior) {
	if !has(b.Node, "CachePolicyId") {
		return
	}
	for _, name := range legacyValues {
		if has(b.Node, name) {
			l.find(b.Get(name), "%s stands beside CachePolicyId", name)
		}
	}
}

func policyMissing(l *linter, b *behavior) {
	if lacks(b.Node, "CachePolicyId") && lacks(b.Node, "ForwardedValues") {
		l.find(b.Node, "CachePolicyId is missing")
	}
}

func policyAlone(l *linter, b *behavior) {
	if has(b.Node, "OriginRequestPolicyId") && lacks(b.Node, "CachePolicyId") {
		l.find(b.Get("OriginRequestPolicyId"), "CachePolicyId is missing beside it")
	}
}

// associations are the functions of a behaviour.
func (b *behavior) associations(name string) []entry {
	list, _ := entries(b.Get(name))
	return list
}

func functionEvent(l *linter, b *behavior) {
	for _, a := range b.associations("FunctionAssociations") {
		if e, ok := a.Get("EventType").AsText(); ok && e != "viewer-request" && e != "viewer-response" {
			l.find(a.Get("EventType"), "a function of CloudFront stands at %s", short(e))
		}
	}
}

func lambdaEvent(l *linter, b *behavior) {
	for _, a := range b.associations("LambdaFunctionAssociations") {
		if e, ok := a.Get("EventType").AsText(); ok && !slices.Contains(lambdaEvents, e) {
			l.find(a.Get("EventType"), "%q is no event", short(e))
		}
	}
}

var lambdaEvents = []string{"viewer-request", "viewer-response", "origin-request", "origin-response"}

func lambdaBody(l *linter, b *behavior) {
	for _, a := range b.associations("LambdaFunctionAssociations") {
		if isTrue(a.Get("IncludeBody")) && strings.HasSuffix(a.Get("EventType").String(), "-response") {
			l.find(a.Get("IncludeBody"), "IncludeBody stands at %s", a.Get("EventType").String())
		}
	}
}

func eventTwice(l *linter, b *behavior) {
	seen := map[string]bool{}
	for _, name := range []string{"FunctionAssociations", "LambdaFunctionAssociations"} {
		for _, a := range b.associations(name) {
			e, ok := a.Get("EventType").AsText()
			if ok && a.sure && seen[e] {
				l.find(a.Node, "%s has two functions", short(e))
			}
			seen[e] = seen[e] || ok && a.sure
		}
	}
}

func functionsMixed(l *linter, b *behavior) {
	viewer := func(e entry) bool { return e.sure && strings.HasPrefix(e.Get("EventType").String(), "viewer-") }
	lambdas := b.associations("LambdaFunctionAssociations")
	if i := slices.IndexFunc(lambdas, viewer); i >= 0 && slices.ContainsFunc(b.associations("FunctionAssociations"), viewer) {
		l.find(lambdas[i].Node, "Lambda@Edge stands at %s, and the behaviour has a function of CloudFront", lambdas[i].Get("EventType").String())
	}
}

func lambdaVersion(l *linter, b *behavior) {
	for _, a := range b.associations("LambdaFunctionAssociations") {
		arn := a.Get("LambdaFunctionARN")
		text, ok := arn.AsText()
		parts := strings.Split(text, ":")
		if ok && (len(parts) != 8 || strings.Trim(parts[7], "0123456789") != "") {
			l.find(arn, "%q names no numbered version", short(text))
		}
		if r, _ := l.refers(arn); r != nil && (r.Type == typeLambdaFunction || r.Type == typeLambdaAlias) {
			l.find(arn, "%s is no version of a function", r.ID)
		}
	}
}

func lambdaRegion(l *linter, b *behavior) {
	for _, a := range b.associations("LambdaFunctionAssociations") {
		parts := strings.Split(prefix(a.Get("LambdaFunctionARN")), ":")
		if len(parts) > 4 && parts[2] == "lambda" && parts[3] != "us-east-1" {
			l.find(a.Get("LambdaFunctionARN"), "the function is in %s", short(parts[3]))
		}
	}
}

func functionUnpublished(l *linter, b *behavior) {
	for _, a := range b.associations("FunctionAssociations") {
		f := l.refersTo(a.Get("FunctionARN"), typeFunction)
		if f != nil && (isFalse(f.Properties.Get("AutoPublish")) || lacks(f.Properties, "AutoPublish")) {
			l.find(a.Get("FunctionARN"), "%s is not published by this template", f.ID)
		}
	}
}

func viewerHTTP(l *linter, b *behavior) {
	if is(b.Get("ViewerProtocolPolicy"), "allow-all") {
		l.find(b.Get("ViewerProtocolPolicy"), "requests without TLS are answered")
	}
}

func grpc(l *linter, b *behavior) {
	if !isTrue(b.Path("GrpcConfig", "Enabled")) {
		return
	}
	if m, known := set(b.Get("AllowedMethods")); known && m != allMethods || lacks(b.Node, "AllowedMethods") {
		l.find(b.Get("GrpcConfig"), "POST is not allowed here")
	}
	v, ok := b.in.config.Get("HttpVersion").AsText()
	if ok && !strings.Contains(v, "2") || lacks(b.in.config, "HttpVersion") {
		l.find(b.Get("GrpcConfig"), "the distribution does not speak HTTP/2")
	}
	id, _ := b.Get("TargetOriginId").AsText()
	if o := b.in.origin(id); o != nil && is(o.Path("CustomOriginConfig", "OriginProtocolPolicy"), "http-only") {
		l.find(b.Get("GrpcConfig"), "the origin %s is asked without TLS", id)
	}
}

func compressNever(l *linter, b *behavior) {
	p := l.cachePolicy(b)
	if p == nil || !isTrue(b.Get("Compress")) {
		return
	}
	in := p.Properties.Path("CachePolicyConfig", "ParametersInCacheKeyAndForwardedToOrigin")
	off := func(name string) bool { return isFalse(in.Get(name)) || lacks(in, name) }
	if max, ok := p.Properties.Path("CachePolicyConfig", "MaxTTL").AsNumber(); ok && max == 0 {
		return // nothing is cached: that is said there
	}
	if off("EnableAcceptEncodingGzip") && off("EnableAcceptEncodingBrotli") {
		l.find(b.Get("Compress"), "the cache policy %s has neither EnableAcceptEncodingGzip nor EnableAcceptEncodingBrotli", p.ID)
	}
}

// cachePolicy is the cache policy of a behaviour, if this template has it.
func (l *linter) cachePolicy(b *behavior) *cfn.Resource {
	return l.refersTo(b.Get("CachePolicyId"), typeCachePolicy)
}

func behaviorTTL(l *linter, b *behavior) { l.ttlOrder(b.Node) }

// ttlOrder finds times that contradict each other.
func (l *linter) ttlOrder(n *schema.Node) {
	names := []string{"MinTTL", "DefaultTTL", "MaxTTL"}
	for i, name := range names {
		v, ok := n.Get(name).AsNumber()
		if ok && v < 0 {
			l.find(n.Get(name), "%s is below 0", name)
		}
		for _, larger := range names[i+1:] {
			if w, known := n.Get(larger).AsNumber(); ok && known && v > w {
				l.find(n.Get(name), "%s is %s s, and %s is %s s", name, number(v), larger, number(w))
			}
		}
	}
}

func cookiesList(l *linter, b *behavior) {
	c := b.Path("ForwardedValues", "Cookies")
	forward, ok := c.Get("Forward").AsText()
	n, known := count(c.Get("WhitelistedNames"))
	switch {
	case !ok:
	case forward == "whitelist" && (known && n == 0 || lacks(c, "WhitelistedNames")):
		l.find(c, "Forward is whitelist, and no cookie is listed")
	case forward != "whitelist" && n > 0:
		l.find(c.Get("WhitelistedNames"), "Forward is %s, and cookies are listed", short(forward))
	}
}

func signersTwo(l *linter, b *behavior) {
	groups, _ := entries(b.Get("TrustedKeyGroups"))
	accounts, _ := entries(b.Get("TrustedSigners"))
	if len(groups) > 0 && len(accounts) > 0 {
		l.find(b.Get("TrustedSigners"), "TrustedSigners stand beside TrustedKeyGroups")
	}
}
