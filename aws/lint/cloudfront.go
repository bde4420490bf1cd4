package lint

import (
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// cloudfrontRows are about the policies, functions and access controls of CloudFront.
var cloudfrontRows = []row[*cfn.Resource]{
	{rule("policy-name", refuses,
		"the name of a policy, a function, a store or a control has letters, digits, hyphens and underscores",
		"rename it",
		"Name: my policy", api+"CachePolicyConfig.html"), policyName},
	{rule("policy-ttl-order", refuses,
		"MinTTL, DefaultTTL and MaxTTL stand in this order",
		"raise MaxTTL, or lower MinTTL",
		"MinTTL: 600, MaxTTL: 60", api+"CachePolicyConfig.html"), policyTTL},
	{rule("policy-ttl-zero", refuses,
		"a policy that caches nothing (MaxTTL: 0) has no cache key: nothing may be in it",
		"move it into an origin request policy, or use the managed policy CachingDisabled",
		"MaxTTL: 0 with HeaderBehavior: whitelist", api+"CachePolicyConfig.html"), policyTTLZero},
	{rule("policy-list", refuses,
		"names are listed exactly where some of them count",
		"write the list, or none or all",
		"QueryStringBehavior: whitelist without QueryStrings", api+"ParametersInCacheKeyAndForwardedToOrigin.html"), policyList},
	{rule("policy-name-twice", refuses,
		"a name stands twice in a list of a policy; header fields in whatever case",
		"keep one",
		"Accept and accept", api+"Headers.html"), policyNameTwice},
	{rule("policy-header", refuses,
		"CloudFront refuses the header field in this policy",
		"use EnableAcceptEncodingGzip and Brotli for Accept-Encoding, a cache policy or AllViewer for Authorization, and CookiesConfig for cookies",
		"Headers: [Authorization] in an origin request policy", guide+"controlling-origin-requests.html"), policyHeader},
	{rule("policy-header-cloudfront", refuses,
		"allViewerAndWhitelistCloudFront lists only fields that CloudFront adds",
		"list names that begin with CloudFront-",
		"Headers: [Accept]", api+"OriginRequestPolicyHeadersConfig.html"), policyHeaderCloudFront},
	{rule("policy-many", refuses,
		"the policy names more than a policy may",
		"ask AWS for more, or name fewer",
		"11 header fields", limitsPage), policyMany},
	{rule("policy-min-ttl", risk,
		"with MinTTL above 0 CloudFront keeps answers that say no-store or private",
		"MinTTL: 0",
		"GET of an answer with Cache-Control: no-store, by two clients", guide+"Expiration.html"), policyMinTTL},
	{rule("function-size", refuses,
		"the code of a function has 10,240 bytes at most",
		"shorten it, or move data into a key value store",
		"12 KB of redirects", guide+"cloudfront-function-restrictions.html"), functionSize},
	{rule("function-store", refuses,
		"a function uses one key value store, and only with cloudfront-js-2.0",
		"Runtime: cloudfront-js-2.0 with one association",
		"KeyValueStoreAssociations with cloudfront-js-1.0", guide+"kvs-with-functions-associate.html"), functionStore},
	{rule("function-handler", refuses,
		"a function has function handler(event)",
		"define it",
		"code without handler", guide+"writing-function-code.html"), functionHandler},
	{rule("function-syntax", refuses,
		"the runtime does not know what the code uses",
		"write it in ECMAScript 5.1 with what the runtime adds",
		"const in cloudfront-js-1.0, or a class", guide+"functions-javascript-runtime-features.html"), functionSyntax},
	{rule("access-never", risk,
		"the access control never signs: what it is for stays open, or refuses everything",
		"SigningBehavior: always",
		"SigningBehavior: never", api+"OriginAccessControlConfig.html"), accessNever},
	{rule("store-source", refuses,
		"a key value store is filled from an object of S3, by its ARN",
		"SourceType: S3 and an ARN of S3",
		"SourceArn: s3://bucket/key", api+"ImportSource.html"), storeSource},
	{rule("staging-weight", refuses,
		"a staging distribution gets 15 % at most",
		"Weight: 0.15 at most; for more use a function",
		"Weight: 0.5", guide+"continuous-deployment.html"), stagingWeight},
	{rule("staging-header", refuses,
		"the name of the header field begins with aws-cf-cd-",
		"rename it",
		"Header: X-Canary", guide+"continuous-deployment.html"), stagingHeader},
	{rule("staging-sticky", refuses,
		"a session lasts 300 to 3,600 seconds, and is not idle for longer than it lasts",
		"IdleTTL from 300, MaximumTTL up to 3600",
		"IdleTTL: 600, MaximumTTL: 300", api+"SessionStickinessConfig.html"), stagingSticky},
	{rule("staging-config", refuses,
		"the type of the traffic names the configuration that goes with it",
		"SingleWeightConfig for SingleWeight, SingleHeaderConfig for SingleHeader",
		"Type: SingleWeight with SingleHeaderConfig", api+"TrafficConfig.html"), stagingConfig},
	{rule("staging-names", refuses,
		"a policy names one staging distribution",
		"name its domain",
		"two StagingDistributionDnsNames", api+"StagingDistributionDnsNames.html"), stagingNames},
	{rule("vpc-origin-arn", refuses,
		"a VPC origin is a load balancer or an instance, by its ARN",
		"the ARN of it",
		"Arn: my-alb", guide+"private-content-vpc-origins.html"), vpcOriginARN},
	{rule("sampling", refuses,
		"a sampling rate is a percentage",
		"a number from 1 to 100",
		"SamplingRate: 150", api+"RealtimeLogConfig.html"), sampling},
	{rule("tenant-domains", refuses,
		"a tenant has domains, each a host name",
		"write host names",
		"Domains: [https://a.example.com]", guide+"distribution-config-options.html"), tenantDomains},
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// names says where each type has a name and how long it may be.
var names = []struct {
	resourceType string
	path         []string
	most         int
}{
	{typeCachePolicy, []string{"CachePolicyConfig", "Name"}, policyNameMax},
	{typeOriginPolicy, []string{"OriginRequestPolicyConfig", "Name"}, policyNameMax},
	{typeHeadersPolicy, []string{"ResponseHeadersPolicyConfig", "Name"}, policyNameMax},
	{typeFunction, []string{"Name"}, functionMax},
	{typeKeyValueStore, []string{"Name"}, functionMax},
	{typeAccessControl, []string{"OriginAccessControlConfig", "Name"}, functionMax},
}

func policyName(l *linter, r *cfn.Resource) {
	for _, where := range names {
		n := r.Properties.Path(where.path...)
		name, ok := n.AsText()
		if r.Type != where.resourceType || !ok {
			continue
		}
		free := r.Type == typeAccessControl // its name may be any
		if len(name) == 0 || len(name) > where.most || !free && !namePattern.MatchString(name) {
			l.find(n, "%q is not 1 to %d letters, digits, hyphens and underscores", short(name), where.most)
		}
	}
}

func policyTTL(l *linter, r *cfn.Resource) {
	if r.Type == typeCachePolicy {
		l.ttlOrder(r.Properties.Get("CachePolicyConfig"))
	}
}

// parts are the three lists of a policy.
type listed struct {
	kind  string       // header fields, cookies, query parameters
	how   *schema.Node // none, whitelist, …
	names *schema.Node
	in    *schema.Node
	quota string // of a cache policy and of an origin request policy
}

func policyLists(r *cfn.Resource) []listed {
	var in *schema.Node
	quota := "cachePolicy"
	switch r.Type {
	case typeCachePolicy:
		in = r.Properties.Path("CachePolicyConfig", "ParametersInCacheKeyAndForwardedToOrigin")
	case typeOriginPolicy:
		in, quota = r.Properties.Get("OriginRequestPolicyConfig"), "originRequestPolicy"
	default:
		return nil
	}
	h, c, q := in.Get("HeadersConfig"), in.Get("CookiesConfig"), in.Get("QueryStringsConfig")
	return []listed{
		{"header fields", h.Get("HeaderBehavior"), h.Get("Headers"), h, quota + "Headers"},
		{"cookies", c.Get("CookieBehavior"), c.Get("Cookies"), c, quota + "Cookies"},
		{"query parameters", q.Get("QueryStringBehavior"), q.Get("QueryStrings"), q, quota + "QueryStrings"},
	}
}

func policyTTLZero(l *linter, r *cfn.Resource) {
	if max, ok := r.Properties.Path("CachePolicyConfig", "MaxTTL").AsNumber(); r.Type != typeCachePolicy || !ok || max != 0 {
		return
	}
	for _, p := range policyLists(r) {
		if how, ok := p.how.AsText(); ok && how != "none" {
			l.find(p.how, "MaxTTL is 0, and %s count", p.kind)
		}
	}
	in := r.Properties.Path("CachePolicyConfig", "ParametersInCacheKeyAndForwardedToOrigin")
	for _, name := range []string{"EnableAcceptEncodingGzip", "EnableAcceptEncodingBrotli"} {
		if isTrue(in.Get(name)) {
			l.find(in.Get(name), "MaxTTL is 0, and %s is on", name)
		}
	}
}

func policyList(l *linter, r *cfn.Resource) {
	for _, p := range policyLists(r) {
		how, ok := p.how.AsText()
		n, known := count(p.names)
		needs := slices.Contains([]string{"whitelist", "allExcept", "allViewerAndWhitelistCloudFront"}, how)
		switch {
		case !ok:
		case needs && (known && n == 0 || p.names == nil):
			l.find(p.in, "it is %s, and no %s are listed", how, p.kind)
		case !needs && n > 0:
			l.find(p.names, "it is %s, and %s are listed", short(how), p.kind)
		}
	}
}

func policyNameTwice(l *linter, r *cfn.Resource) {
	for _, p := range policyLists(r) {
		seen := map[string]bool{}
		list, _ := entries(p.names)
		for _, e := range list {
			name, ok := e.AsText()
			if p.kind == "header fields" {
				name = strings.ToLower(name)
			}
			if ok && e.sure && seen[name] {
				l.find(e.Node, "%q stands twice", short(name))
			}
			seen[name] = seen[name] || ok && e.sure
		}
	}
}

// unlisted are header fields that CloudFront refuses in a list of either policy; Authorization is refused in one of them only.
var unlisted = strings.Fields("accept-encoding connection content-length cookie expect proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade via x-real-ip")

func policyHeader(l *linter, r *cfn.Resource) {
	lists := policyLists(r)
	if len(lists) == 0 || is(lists[0].how, "allExcept") {
		return
	}
	list, _ := entries(lists[0].names)
	for _, e := range list {
		name, ok := e.AsText()
		low := strings.ToLower(name)
		switch {
		case !ok:
		case slices.Contains(unlisted, low), strings.HasPrefix(low, "x-amz-cf-"), strings.HasPrefix(low, "x-edge-"),
			low == "authorization" && r.Type == typeOriginPolicy:
			l.find(e.Node, "%s cannot stand in this list", short(name))
		case !isToken(name):
			l.find(e.Node, "%q is no name of a header field", short(name))
		}
	}
}

// isToken is whether a text is the name of a header field (RFC 9110 section 5.1).
func isToken(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~") == ""
}

func policyHeaderCloudFront(l *linter, r *cfn.Resource) {
	lists := policyLists(r)
	if len(lists) == 0 || !is(lists[0].how, "allViewerAndWhitelistCloudFront") {
		return
	}
	list, _ := entries(lists[0].names)
	for _, e := range list {
		if name, ok := e.AsText(); ok && !strings.HasPrefix(strings.ToLower(name), "cloudfront-") {
			l.find(e.Node, "%s is not added by CloudFront", short(name))
		}
	}
}

func policyMany(l *linter, r *cfn.Resource) {
	for _, p := range policyLists(r) {
		list, _ := entries(p.names)
		l.quota(p.names, len(sure(list, func(e entry) bool { return e.sure })), p.quota)
	}
	custom, _ := entries(r.Properties.Path("ResponseHeadersPolicyConfig", "CustomHeadersConfig", "Items"))
	l.quota(r.Properties.Path("ResponseHeadersPolicyConfig", "CustomHeadersConfig"), len(custom), "responseHeadersPolicyHeaders")
}

func policyMinTTL(l *linter, r *cfn.Resource) {
	n := r.Properties.Path("CachePolicyConfig", "MinTTL")
	if v, ok := n.AsNumber(); r.Type == typeCachePolicy && ok && v > 0 {
		l.find(n, "answers stay %s s at least, whatever the origin says", number(v))
	}
}

func accessNever(l *linter, r *cfn.Resource) {
	if n := r.Properties.Path("OriginAccessControlConfig", "SigningBehavior"); r.Type == typeAccessControl && is(n, "never") {
		l.find(n, "requests are not signed")
	}
}

func storeSource(l *linter, r *cfn.Resource) {
	n := r.Properties.Path("ImportSource", "SourceArn")
	if arn, ok := n.AsText(); r.Type == typeKeyValueStore && ok && !(strings.HasPrefix(arn, "arn:") && strings.Contains(arn, ":s3:::")) {
		l.find(n, "%q is no ARN of S3", short(arn))
	}
}

// traffic is the configurations of a continuous deployment policy with their types, in the new form and in the old one.
func traffic(r *cfn.Resource) (kinds, weights, headers []*schema.Node) {
	if r.Type != typeContinuous {
		return nil, nil, nil
	}
	c := r.Properties.Get("ContinuousDeploymentPolicyConfig")
	for _, in := range []*schema.Node{c.Get("TrafficConfig"), c} {
		if in != nil {
			kinds = append(kinds, in)
		}
	}
	for _, n := range []*schema.Node{c.Path("TrafficConfig", "SingleWeightConfig"), c.Get("SingleWeightPolicyConfig")} {
		if n != nil {
			weights = append(weights, n)
		}
	}
	for _, n := range []*schema.Node{c.Path("TrafficConfig", "SingleHeaderConfig"), c.Get("SingleHeaderPolicyConfig")} {
		if n != nil {
			headers = append(headers, n)
		}
	}
	return kinds, weights, headers
}

func stagingWeight(l *linter, r *cfn.Resource) {
	_, weights, _ := traffic(r)
	for _, w := range weights {
		l.within(w.Get("Weight"), 0, weightMax, "")
	}
}

func stagingHeader(l *linter, r *cfn.Resource) {
	_, _, headers := traffic(r)
	for _, h := range headers {
		if name, ok := h.Get("Header").AsText(); ok && !strings.HasPrefix(strings.ToLower(name), "aws-cf-cd-") {
			l.find(h.Get("Header"), "the field is %q", short(name))
		}
	}
}

func stagingSticky(l *linter, r *cfn.Resource) {
	_, weights, _ := traffic(r)
	for _, w := range weights {
		s := w.Get("SessionStickinessConfig")
		l.within(s.Get("IdleTTL"), 300, 3600, " s")
		l.within(s.Get("MaximumTTL"), 300, 3600, " s")
		idle, ok := s.Get("IdleTTL").AsNumber()
		if most, known := s.Get("MaximumTTL").AsNumber(); ok && known && idle > most {
			l.find(s, "IdleTTL is %s s, and MaximumTTL is %s s", number(idle), number(most))
		}
	}
}

func stagingConfig(l *linter, r *cfn.Resource) {
	kinds, _, _ := traffic(r)
	for _, in := range kinds {
		kind, ok := in.Get("Type").AsText()
		if !ok {
			continue
		}
		config := kind + "Config"
		if in.Get("SingleWeightPolicyConfig") != nil || in.Get("SingleHeaderPolicyConfig") != nil {
			config = kind + "PolicyConfig"
		}
		if lacks(in, config) {
			l.find(in, "the type is %s, and %s is missing", short(kind), short(config))
		}
	}
}

func stagingNames(l *linter, r *cfn.Resource) {
	n := r.Properties.Path("ContinuousDeploymentPolicyConfig", "StagingDistributionDnsNames")
	if names, known := count(n); r.Type == typeContinuous && known && names != 1 {
		l.find(n, "%s named", plural(names, "distribution is", "distributions are"))
	}
}

func vpcOriginARN(l *linter, r *cfn.Resource) {
	n := r.Properties.Path("VpcOriginEndpointConfig", "Arn")
	arn, ok := n.AsText()
	parts := strings.Split(arn, ":")
	if r.Type == typeVpcOrigin && ok && (len(parts) < 6 || parts[0] != "arn" || parts[2] != "elasticloadbalancing" && parts[2] != "ec2") {
		l.find(n, "%q is no ARN of a load balancer or an instance", short(arn))
	}
}

func sampling(l *linter, r *cfn.Resource) {
	switch r.Type {
	case typeRealtimeLog:
		l.within(r.Properties.Get("SamplingRate"), 1, 100, " %")
	case typeHeadersPolicy:
		l.within(r.Properties.Path("ResponseHeadersPolicyConfig", "ServerTimingHeadersConfig", "SamplingRate"), 0, 100, " %")
	}
}

func tenantDomains(l *linter, r *cfn.Resource) {
	list, _ := entries(r.Properties.Get("Domains"))
	if r.Type != typeTenant {
		return
	}
	if n, known := count(r.Properties.Get("Domains")); known && n == 0 {
		l.find(r.Properties.Get("Domains"), "no domain is listed")
	}
	for _, e := range list {
		name, ok := e.AsText()
		if name == "" {
			name = e.Get("Domain").String()
			ok = name != ""
		}
		if ok && !isHost(strings.TrimPrefix(name, "*.")) {
			l.find(e.Node, "%q is no host name", short(name))
		}
	}
}
