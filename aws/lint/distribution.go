package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// distributionRows are about a distribution as a whole.
var distributionRows = []row[*distribution]{
	{rule("group-members", refuses,
		"an origin group has exactly two members, the second for when the first fails",
		"name two origins",
		"a group with one member", guide+"high_availability_origin_failover.html"), groupMembers},
	{rule("group-member-dangling", refuses,
		"a member of an origin group names no origin of the distribution",
		"name the Id of an origin",
		"OriginId: backup, without an origin of that id", guide+"high_availability_origin_failover.html"), groupMemberDangling},
	{rule("group-status", refuses,
		"CloudFront fails over only for some status codes",
		"use 400, 403, 404, 416, 429, 500, 502, 503 or 504",
		"StatusCodes: [501]", api+"OriginGroupFailoverCriteria.html"), groupStatus},
	{rule("quantity", refuses,
		"Quantity says how many Items there are, and is refused if it does not",
		"count the items",
		"Quantity: 3 with two status codes", api+"StatusCodes.html"), quantity},
	{rule("origin-id-twice", refuses,
		"two origins, or an origin and a group, have the same id",
		"give each its own",
		"two origins with Id: api", api+"Origin.html"), originIDTwice},
	{rule("origin-unused", hint,
		"no behaviour and no group uses the origin",
		"remove it, or point a behaviour at it",
		"an origin that no TargetOriginId names", ""), originUnused},
	{rule("path-twice", refuses,
		"two behaviours have the same path pattern; a leading slash makes no difference",
		"merge them",
		"/img/* and img/*", cachePage), pathTwice},
	{rule("path-shadowed", refuses,
		"a behaviour never gets a request: each path that it matches is taken by one before it",
		"move it before the wider one",
		"GET /img/logo.png takes the first of * and /img/*", cachePage), pathShadowed},
	{rule("alias-certificate", refuses,
		"CloudFront takes alternate domain names only with a certificate that covers them",
		"name one of AWS Certificate Manager in us-east-1",
		"Aliases without ViewerCertificate", guide+"CNAMEs.html"), aliasCertificate},
	{rule("alias-not-covered", refuses,
		"the certificate does not cover an alternate domain name",
		"add the name to its SubjectAlternativeNames",
		"shop.example.com with a certificate for www.example.com", guide+"CNAMEs.html"), aliasNotCovered},
	{rule("alias-form", refuses,
		"an alternate domain name is a host name, or one with *. before it",
		"write the name without scheme, port and path",
		"https://www.example.com/", guide+"CNAMEs.html"), aliasForm},
	{rule("certificate-region", refuses,
		"CloudFront takes certificates from us-east-1 only",
		"request one there",
		"arn:aws:acm:eu-west-1:…", guide+"cnames-and-https-requirements.html"), certificateRegion},
	{rule("certificate-one", refuses,
		"a distribution has one certificate: of ACM, of IAM, or the one of CloudFront",
		"keep one",
		"AcmCertificateArn and CloudFrontDefaultCertificate", api+"ViewerCertificate.html"), certificateOne},
	{rule("certificate-sni", refuses,
		"a certificate needs SslSupportMethod",
		"sni-only, which costs nothing",
		"AcmCertificateArn without SslSupportMethod", api+"ViewerCertificate.html"), certificateSNI},
	{rule("tls-default", risk,
		"with the certificate of CloudFront the minimum is TLSv1, whatever is asked for",
		"use a certificate of your own",
		"CloudFrontDefaultCertificate with TLSv1.2_2021", api+"ViewerCertificate.html"), tlsDefault},
	{rule("tls-old", risk,
		"viewers may use a version of TLS that nobody should use",
		"TLSv1.2_2021, or later",
		"MinimumProtocolVersion: TLSv1", guide+"secure-connections-supported-viewer-protocols-ciphers.html"), tlsOld},
	{rule("root-object-slash", refuses,
		"the default root object is a name without a leading slash; with one, / is not found",
		"remove the slash",
		"GET / with DefaultRootObject: /index.html", guide+"DefaultRootObject.html"), rootObjectSlash},
	{rule("error-code", refuses,
		"CloudFront has custom errors for some status codes only",
		"use one of 400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504",
		"ErrorCode: 418", api+"CustomErrorResponse.html"), errorCode},
	{rule("error-twice", refuses,
		"two custom errors have the same code",
		"keep one",
		"ErrorCode: 404 twice", api+"CustomErrorResponse.html"), errorTwice},
	{rule("error-page", refuses,
		"a page and the code it is answered with go together",
		"write both or none",
		"ResponsePagePath without ResponseCode", api+"CustomErrorResponse.html"), errorPage},
	{rule("error-page-path", refuses,
		"the path of an error page begins with a slash",
		"write it from the root",
		"ResponsePagePath: error.html", api+"CustomErrorResponse.html"), errorPagePath},
	{rule("error-response", refuses,
		"an error page is answered with a status code that CloudFront knows",
		"use 200, or one of the codes that errors have",
		"ResponseCode: 302", api+"CustomErrorResponse.html"), errorResponse},
	{rule("geo-locations", refuses,
		"a geographic restriction lists countries exactly if its type is whitelist or blacklist",
		"list countries, or write none",
		"RestrictionType: none with Locations", api+"GeoRestriction.html"), geoLocations},
	{rule("geo-country", refuses,
		"countries are the two capital letters of ISO 3166-1",
		"write the code",
		"UK instead of GB", api+"GeoRestriction.html"), geoCountry},
	{rule("log-bucket", refuses,
		"the bucket of access logs is its domain name",
		"write name.s3.amazonaws.com",
		"Bucket: my-logs", guide+"AccessLogs.html"), logBucket},
	{rule("web-acl-form", refuses,
		"a distribution takes the ARN of a global web ACL of AWS WAF, or the id of one of WAF Classic",
		"Fn::GetAtt of Arn, of a web ACL with the scope CLOUDFRONT",
		"WebACLId: {Ref: Acl}", api+"DistributionConfig.html"), webACLForm},
	{rule("web-acl-scope", refuses,
		"a distribution takes no web ACL with the scope REGIONAL",
		"make one with the scope CLOUDFRONT in us-east-1",
		"a REGIONAL web ACL at a distribution", waf+"how-aws-waf-works-resources.html"), webACLScope},
	{rule("http3-staging", refuses,
		"a distribution with HTTP/3 takes no part in continuous deployment",
		"HttpVersion: http2",
		"HttpVersion: http3 with ContinuousDeploymentPolicyId", guide+"continuous-deployment.html"), http3Staging},
	{rule("staging-policy", refuses,
		"a staging distribution has no continuous deployment policy of its own",
		"put it on the primary distribution",
		"Staging: true with ContinuousDeploymentPolicyId", guide+"continuous-deployment.html"), stagingPolicy},
	{rule("comment-long", refuses,
		"a comment has 128 characters at most",
		"shorten it",
		"Comment of 200 characters", api+"DistributionConfig.html"), commentLong},
	{rule("tenant-setting", refuses,
		"a distribution for tenants has no such setting: tenants, or the connection group, have it",
		"remove it",
		"Aliases with ConnectionMode: tenant-only", guide+"distribution-config-options.html"), tenantSetting},
	{rule("many-behaviors", refuses,
		"there are more cache behaviours than a distribution may have",
		"ask AWS for more, or split the distribution",
		"80 behaviours", limitsPage), manyBehaviors},
	{rule("many-aliases", refuses,
		"there are more alternate domain names than a distribution may have",
		"ask AWS for more, or split the distribution",
		"120 aliases", limitsPage), manyAliases},
	{rule("many-origins", refuses,
		"there are more origins than a distribution may have",
		"ask AWS for more, or split the distribution",
		"150 origins", limitsPage), manyOrigins},
	{rule("many-groups", refuses,
		"there are more origin groups than a distribution may have",
		"ask AWS for more, or split the distribution",
		"11 groups", limitsPage), manyGroups},
}

func groupMembers(l *linter, d *distribution) {
	for _, g := range d.groups {
		if n, known := count(g.Path("Members", "Items")); known && n != 2 {
			l.find(g.Get("Members"), "the origin group %s has %s", g.Get("Id").String(), plural(n, "member", "members"))
		}
	}
}

func groupMemberDangling(l *linter, d *distribution) {
	for _, g := range d.groups {
		members, _ := entries(g.Path("Members", "Items"))
		for _, m := range members {
			id, ok := m.Get("OriginId").AsText()
			if ok && !d.open && d.origin(id) == nil && !d.originsUnknown() {
				l.find(m.Get("OriginId"), "the group %s has the member %q, and no origin has that id", g.Get("Id").String(), short(id))
			}
		}
	}
}

// originsUnknown is whether some origin has an id that is not known.
func (d *distribution) originsUnknown() bool {
	return slices.ContainsFunc(d.origins, func(o *origin) bool { return o.Get("Id").Open() })
}

func groupStatus(l *linter, d *distribution) {
	for _, g := range d.groups {
		codes, _ := entries(g.Path("FailoverCriteria", "StatusCodes", "Items"))
		for _, c := range codes {
			if s, ok := c.AsText(); ok && !slices.Contains(failoverCodes, s) {
				l.find(c.Node, "%s is no status code that an origin group fails over for", short(s))
			}
		}
	}
}

var failoverCodes = strings.Fields("400 403 404 416 429 500 502 503 504")

func quantity(l *linter, d *distribution) {
	each(d.config.Get("OriginGroups"), func(n *schema.Node) {
		items, known := count(n.Get("Items"))
		if q, ok := n.Get("Quantity").AsNumber(); ok && known && int(q) != items {
			l.find(n.Get("Quantity"), "Quantity is %s, and there are %d items", number(q), items)
		}
	})
}

// each visits a value and all values below it.
func each(n *schema.Node, visit func(*schema.Node)) {
	if n == nil {
		return
	}
	visit(n)
	for _, f := range n.Fields {
		each(f.Value, visit)
	}
	for _, item := range n.Items {
		each(item, visit)
	}
}

func originIDTwice(l *linter, d *distribution) {
	seen := map[string]bool{}
	check := func(n *schema.Node, sure bool) {
		if id, ok := n.Get("Id").AsText(); ok && sure {
			if seen[id] {
				l.find(n.Get("Id"), "the id %q stands twice", short(id))
			}
			seen[id] = true
		}
	}
	for _, o := range d.origins {
		check(o.Node, o.sure)
	}
	for _, g := range d.groups {
		check(g.Node, g.sure)
	}
}

func originUnused(l *linter, d *distribution) {
	used := map[string]bool{}
	behaviors, open := entries(d.config.Get("CacheBehaviors"))
	for _, b := range append(behaviors, entry{d.config.Get("DefaultCacheBehavior"), true}) {
		if id, ok := b.Get("TargetOriginId").AsText(); ok {
			used[id] = true
		} else {
			open = true
		}
	}
	for _, g := range d.groups {
		members, _ := entries(g.Path("Members", "Items"))
		for _, m := range members {
			used[m.Get("OriginId").String()] = true
			open = open || m.Get("OriginId").Open()
		}
	}
	for _, o := range d.origins {
		if id, ok := o.Get("Id").AsText(); ok && !open && !d.open && !used[id] && len(d.functionsThatChoose(l)) == 0 {
			l.find(o.Node, "nothing uses the origin %q", short(id))
		}
	}
}

// functionsThatChoose are the functions of the distribution that may send a request to any origin.
func (d *distribution) functionsThatChoose(l *linter) (out []string) {
	for _, b := range d.behaviors {
		for _, name := range []string{"FunctionAssociations", "LambdaFunctionAssociations"} {
			list, open := entries(b.Get(name))
			if open {
				out = append(out, name)
			}
			for _, a := range list {
				f := l.refersTo(a.Get("FunctionARN"), typeFunction)
				if f == nil || strings.Contains(prefix(f.Properties.Get("FunctionCode")), "Origin") {
					out = append(out, a.Get("FunctionARN").String())
				}
			}
		}
	}
	return out
}

func rootObjectSlash(l *linter, d *distribution) {
	if v := d.config.Get("DefaultRootObject"); strings.HasPrefix(prefix(v), "/") {
		l.find(v, "the default root object %q begins with a slash", short(prefix(v)))
	}
}

func errorCode(l *linter, d *distribution) {
	list, _ := entries(d.config.Get("CustomErrorResponses"))
	for _, e := range list {
		if code, ok := e.Get("ErrorCode").AsText(); ok && !slices.Contains(errorCodes, code) {
			l.find(e.Get("ErrorCode"), "%s is no status code with a custom error", short(code))
		}
	}
}

var errorCodes = strings.Fields("400 403 404 405 414 416 500 501 502 503 504")

func errorTwice(l *linter, d *distribution) {
	seen := map[string]bool{}
	list, _ := entries(d.config.Get("CustomErrorResponses"))
	for _, e := range list {
		code, ok := e.Get("ErrorCode").AsText()
		if ok && e.sure && seen[code] {
			l.find(e.Get("ErrorCode"), "the status code %s has two custom errors", short(code))
		}
		seen[code] = ok && e.sure || seen[code]
	}
}

func errorPage(l *linter, d *distribution) {
	list, _ := entries(d.config.Get("CustomErrorResponses"))
	for _, e := range list {
		switch {
		case has(e.Node, "ResponsePagePath") && lacks(e.Node, "ResponseCode"):
			l.find(e.Node, "ResponsePagePath stands without ResponseCode")
		case has(e.Node, "ResponseCode") && lacks(e.Node, "ResponsePagePath"):
			l.find(e.Node, "ResponseCode stands without ResponsePagePath")
		}
	}
}

func errorPagePath(l *linter, d *distribution) {
	list, _ := entries(d.config.Get("CustomErrorResponses"))
	for _, e := range list {
		if p := prefix(e.Get("ResponsePagePath")); p != "" && p[0] != '/' {
			l.find(e.Get("ResponsePagePath"), "the path %q does not begin with a slash", short(p))
		}
	}
}

func errorResponse(l *linter, d *distribution) {
	list, _ := entries(d.config.Get("CustomErrorResponses"))
	for _, e := range list {
		if code, ok := e.Get("ResponseCode").AsText(); ok && code != "200" && !slices.Contains(errorCodes, code) {
			l.find(e.Get("ResponseCode"), "an error page is not answered with %s", short(code))
		}
	}
}

func geoLocations(l *linter, d *distribution) {
	g := d.config.Path("Restrictions", "GeoRestriction")
	kind, ok := g.Get("RestrictionType").AsText()
	n, known := count(g.Get("Locations"))
	switch {
	case !ok:
	case kind == "none" && n > 0:
		l.find(g.Get("Locations"), "the type is none, and %s listed", plural(n, "country is", "countries are"))
	case kind != "none" && (known && n == 0 || lacks(g, "Locations")):
		l.find(g, "the type is %s, and no country is listed", short(kind))
	}
}

func geoCountry(l *linter, d *distribution) {
	list, _ := entries(d.config.Path("Restrictions", "GeoRestriction", "Locations"))
	for _, e := range list {
		if c, ok := e.AsText(); ok && !isCountry(c) {
			l.find(e.Node, "%q is no country", short(c))
		}
	}
}

func logBucket(l *linter, d *distribution) {
	b := d.config.Path("Logging", "Bucket")
	if r, attr := l.refers(b); r != nil && attr == "" {
		l.find(b, "Ref gives the name of the bucket; use Fn::GetAtt of DomainName")
	}
	if name, ok := b.AsText(); ok && !strings.Contains(name, ".s3.") && !strings.Contains(name, ".s3-") {
		l.find(b, "%q is no domain name of a bucket", short(name))
	}
}

func webACLForm(l *linter, d *distribution) {
	id := d.config.Get("WebACLId")
	if r, attr := l.refers(id); r != nil && r.Type == typeWebACL && attr != "Arn" {
		l.find(id, "this is not the ARN of %s, but what %s gives", r.ID, map[bool]string{true: "Ref", false: attr}[attr == ""])
		return
	}
	text, ok := id.AsText()
	parts := strings.Split(prefix(id), ":")
	switch {
	case len(parts) >= 6 && parts[2] == "wafv2" && !strings.HasPrefix(parts[5], "global/webacl/"):
		l.find(id, "this is the ARN of something that is not a global web ACL")
	case len(parts) > 3 && parts[2] == "wafv2" && parts[3] != "us-east-1":
		l.find(id, "the web ACL is in %s; those of CloudFront are in us-east-1", short(parts[3]))
	case ok && text != "" && !strings.HasPrefix(text, "arn:") && len(text) != 36:
		l.find(id, "%q is neither an ARN nor the id of a web ACL of WAF Classic", short(text))
	}
}

func webACLScope(l *linter, d *distribution) {
	id := d.config.Get("WebACLId")
	if r := l.refersTo(id, typeWebACL); r != nil && is(r.Properties.Get("Scope"), "REGIONAL") {
		l.find(id, "the web ACL %s has the scope REGIONAL", r.ID)
	}
}

func http3Staging(l *linter, d *distribution) {
	v, ok := d.config.Get("HttpVersion").AsText()
	if ok && strings.Contains(strings.ToLower(v), "3") && (isTrue(d.config.Get("Staging")) || has(d.config, "ContinuousDeploymentPolicyId")) {
		l.find(d.config.Get("HttpVersion"), "the distribution has %s and takes part in continuous deployment", v)
	}
}

func stagingPolicy(l *linter, d *distribution) {
	if isTrue(d.config.Get("Staging")) && has(d.config, "ContinuousDeploymentPolicyId") {
		l.find(d.config.Get("ContinuousDeploymentPolicyId"), "this is a staging distribution")
	}
}

func commentLong(l *linter, d *distribution) {
	if c, ok := d.config.Get("Comment").AsText(); ok && len([]rune(c)) > commentMax {
		l.find(d.config.Get("Comment"), "the comment has %d characters", len([]rune(c)))
	}
}

func tenantSetting(l *linter, d *distribution) {
	if !d.tenants {
		return
	}
	for _, name := range []string{"Aliases", "CNAMEs", "ContinuousDeploymentPolicyId", "IPV6Enabled", "PriceClass", "Staging", "AnycastIpListId"} {
		if v := d.config.Get(name); v != nil && !isFalse(v) && !maybeAbsent(v) {
			l.find(v, "%s stands at a distribution for tenants", name)
		}
	}
	for _, b := range d.behaviors {
		if has(b.Node, "ForwardedValues") {
			l.find(b.Get("ForwardedValues"), "a distribution for tenants has cache policies instead of ForwardedValues")
		}
	}
}

// quota finds more of something than AWS's own value allows.
func (l *linter) quota(at *schema.Node, n int, name string) {
	if q, ok := schema.QuotaNamed(name); ok && n > q.Limit {
		l.find(at, "%d %s, the limit is %d", n, q.Of, q.Limit)
	}
}

func manyBehaviors(l *linter, d *distribution) {
	l.quota(d.config.Get("CacheBehaviors"), len(sure(d.behaviors, func(b *behavior) bool { return b.sure })), "cacheBehaviors")
}

func manyAliases(l *linter, d *distribution) {
	names, _ := d.aliases()
	l.quota(d.config.Get("Aliases"), len(sure(names, func(e entry) bool { return e.sure })), "aliases")
}

func manyOrigins(l *linter, d *distribution) {
	l.quota(d.config.Get("Origins"), len(sure(d.origins, func(o *origin) bool { return o.sure })), "origins")
}

func manyGroups(l *linter, d *distribution) {
	l.quota(d.config.Get("OriginGroups"), len(sure(d.groups, func(e entry) bool { return e.sure })), "originGroups")
}

// sure are the items that stand there whatever a condition says.
func sure[T any](list []T, is func(T) bool) (out []T) {
	for _, item := range list {
		if is(item) {
			out = append(out, item)
		}
	}
	return out
}
