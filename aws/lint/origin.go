package lint

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// originRows are about one origin.
var originRows = []row[*origin]{
	{rule("origin-kind", refuses,
		"an origin is a bucket, a custom origin or a VPC origin",
		"write exactly one of S3OriginConfig, CustomOriginConfig and VpcOriginConfig",
		"an origin with none of them", api+"Origin.html"), originKind},
	{rule("origin-domain", refuses,
		"the domain of an origin is a host name: no scheme, port, path or address",
		"write the name; ports stand in CustomOriginConfig",
		"DomainName: https://api.example.com/v1", originPage), originDomain},
	{rule("origin-path", refuses,
		"the path of an origin begins with a slash and does not end with one",
		"write /v1",
		"OriginPath: v1/", originPage), originPath},
	{rule("origin-attempts", refuses,
		"CloudFront tries to connect once to three times",
		"1, 2 or 3",
		"ConnectionAttempts: 5", api+"Origin.html"), originAttempts},
	{rule("origin-connect-timeout", refuses,
		"CloudFront waits 1 to 10 seconds for a connection",
		"a number from 1 to 10",
		"ConnectionTimeout: 30", api+"Origin.html"), originConnectTimeout},
	{rule("origin-read-timeout", refuses,
		"CloudFront waits 1 to 120 seconds for an answer",
		"a number from 1 to 120",
		"OriginReadTimeout: 300", api+"CustomOriginConfig.html"), originReadTimeout},
	{rule("origin-keepalive", refuses,
		"CloudFront keeps connections 1 to 120 seconds",
		"a number from 1 to 120",
		"OriginKeepaliveTimeout: 300", api+"CustomOriginConfig.html"), originKeepalive},
	{rule("origin-completion", refuses,
		"the time for the whole answer is not shorter than that for its next byte",
		"raise ResponseCompletionTimeout",
		"ResponseCompletionTimeout: 10 with OriginReadTimeout: 30", api+"Origin.html"), originCompletion},
	{rule("origin-port", refuses,
		"CloudFront connects to 80, 443 and ports from 1024 on",
		"use one of them",
		"HTTPPort: 81", api+"CustomOriginConfig.html"), originPort},
	{rule("origin-header", refuses,
		"CloudFront does not add this header field to requests",
		"choose another name",
		"HeaderName: Host", guide+"add-origin-custom-headers.html"), originHeader},
	{rule("origin-header-twice", refuses,
		"a header field is added once",
		"keep one",
		"X-Key twice", guide+"add-origin-custom-headers.html"), originHeaderTwice},
	{rule("origin-header-long", refuses,
		"the value of an added field has 1,783 characters at most",
		"shorten it",
		"HeaderValue of 2,000 characters", limitsPage), originHeaderLong},
	{rule("origin-header-secret", hint,
		"a secret stands in the template: whoever reads it, or its history, can pass by CloudFront",
		"HeaderValue: '{{resolve:secretsmanager:origin:SecretString:value}}'",
		"X-Origin-Secret with a literal HeaderValue", templates+"dynamic-references-secretsmanager.html"), originHeaderSecret},
	{rule("access-two", refuses,
		"a bucket is reached by an origin access control or by an origin access identity",
		"use the control, and leave OriginAccessIdentity empty",
		"both", guide+"private-content-restricting-access-to-s3.html"), accessTwo},
	{rule("access-website", refuses,
		"the website of a bucket takes no signed requests: an origin access control or identity does not work there",
		"use the bucket's own endpoint, or a custom origin",
		"my-site.s3-website-eu-west-1.amazonaws.com with an access control", guide+"private-content-restricting-access-to-s3.html"), accessWebsite},
	{rule("website-kind", refuses,
		"the website of a bucket is a custom origin, asked by HTTP",
		"CustomOriginConfig with http-only",
		"S3OriginConfig for an s3-website endpoint", guide+"DownloadDistS3AndCustomOrigins.html"), websiteKind},
	{rule("access-type", refuses,
		"the type of an origin access control is that of the origin",
		"s3 for buckets, lambda for function URLs",
		"a control for s3 at a function URL", api+"OriginAccessControlConfig.html"), accessType},
	{rule("access-vpc", refuses,
		"a VPC origin takes no origin access control",
		"remove it",
		"OriginAccessControlId beside VpcOriginConfig", api+"Origin.html"), accessVPC},
	{rule("access-http", refuses,
		"signed requests go by HTTPS only",
		"OriginProtocolPolicy: https-only",
		"a control with http-only", guide+"private-content-restricting-access-to-lambda.html"), accessHTTP},
	{rule("bucket-open", risk,
		"the bucket has to be public, since CloudFront does not sign requests",
		"OriginAccessControlId, and a policy that lets the distribution read",
		"GET of the bucket's own name answers too", guide+"private-content-restricting-access-to-s3.html"), bucketOpen},
	{rule("function-url-open", risk,
		"anybody can call the function at its own URL",
		"AuthType: AWS_IAM and an origin access control",
		"GET of the function's URL answers too", guide+"private-content-restricting-access-to-lambda.html"), functionURLOpen},
	{rule("origin-http", risk,
		"CloudFront asks the origin without TLS over the internet",
		"OriginProtocolPolicy: https-only",
		"http-only to a custom origin", guide+"using-https-cloudfront-to-custom-origin.html"), originHTTP},
	{rule("origin-tls-old", risk,
		"the origin may be asked with a version of TLS that nobody should use",
		"OriginSSLProtocols: [TLSv1.2]",
		"OriginSSLProtocols with TLSv1", api+"OriginSslProtocols.html"), originTLSOld},
	{rule("shield-region", refuses,
		"Origin Shield stands in some regions only",
		"use the nearest of the list",
		"OriginShieldRegion: eu-north-1", guide+"origin-shield.html"), shieldRegion},
	{rule("shield-missing", refuses,
		"Origin Shield needs a region",
		"OriginShieldRegion",
		"Enabled without a region", api+"OriginShield.html"), shieldMissing},
}

var originKinds = []string{"S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig"}

func originKind(l *linter, o *origin) {
	kinds, open := only(o.Node, originKinds...)
	if len(kinds) > 1 || len(kinds) == 0 && !open && o.Kind == schema.Map {
		l.find(o.Node, "the origin %s has %s", o.Get("Id").String(), map[bool]string{true: "none", false: strings.Join(kinds, " and ")}[len(kinds) == 0])
	}
}

// parameter is a place in an origin that each tenant of a multi-tenant distribution has a value of its own for.
var parameter = regexp.MustCompile(`\{\{[A-Za-z0-9_-]+\}\}`)

func originDomain(l *linter, o *origin) {
	name, ok := pattern(o.Get("DomainName"))
	if !ok {
		return
	}
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	switch {
	case strings.ContainsAny(name, "/:?#@ ") && !strings.Contains(name, "{{"):
		l.find(o.Get("DomainName"), "%q has more than a host name", short(strings.ReplaceAll(name, "\x00", "…")))
	case err == nil:
		l.find(o.Get("DomainName"), "%s is an address", name)
	case !strings.Contains(name, "\x00") && !isHost(parameter.ReplaceAllString(name, "x")):
		l.find(o.Get("DomainName"), "%q is no host name", short(name))
	}
}

func originPath(l *linter, o *origin) {
	if p, ok := o.Get("OriginPath").AsText(); ok && p != "" && (p[0] != '/' || p[len(p)-1] == '/') {
		l.find(o.Get("OriginPath"), "the path is %q", short(p))
	}
}

// within finds a number that is outside its bounds.
func (l *linter) within(n *schema.Node, least, most float64, unit string) {
	if v, ok := n.AsNumber(); ok && (v < least || v > most) {
		l.find(n, "%s%s is not from %s to %s", number(v), unit, number(least), number(most))
	}
}

func originAttempts(l *linter, o *origin) { l.within(o.Get("ConnectionAttempts"), 1, 3, "") }

func originConnectTimeout(l *linter, o *origin) { l.within(o.Get("ConnectionTimeout"), 1, 10, " s") }

func originReadTimeout(l *linter, o *origin) {
	for _, kind := range originKinds {
		l.within(o.Path(kind, "OriginReadTimeout"), 1, 120, " s")
	}
}

func originKeepalive(l *linter, o *origin) {
	for _, kind := range originKinds {
		l.within(o.Path(kind, "OriginKeepaliveTimeout"), 1, 120, " s")
	}
}

func originCompletion(l *linter, o *origin) {
	all, ok := o.Get("ResponseCompletionTimeout").AsNumber()
	for _, kind := range originKinds {
		next, known := o.Path(kind, "OriginReadTimeout").AsNumber()
		if !known && has(o.Node, kind) && lacks(o.Get(kind), "OriginReadTimeout") {
			next, known = 30, true // what CloudFront takes
		}
		if ok && known && all < next {
			l.find(o.Get("ResponseCompletionTimeout"), "%s s for the whole answer, and %s s for the next byte", number(all), number(next))
		}
	}
}

func originPort(l *linter, o *origin) {
	for _, name := range []string{"HTTPPort", "HTTPSPort"} {
		n := o.Path("CustomOriginConfig", name)
		if v, ok := n.AsNumber(); ok && v != 80 && v != 443 && (v < 1024 || v > 65535) {
			l.find(n, "CloudFront does not connect to the port %s", number(v))
		}
	}
}

func originHeader(l *linter, o *origin) {
	list, _ := entries(o.Get("OriginCustomHeaders"))
	for _, e := range list {
		name, ok := e.Get("HeaderName").AsText()
		low := strings.ToLower(name)
		if ok && (slices.Contains(unaddable, low) || strings.HasPrefix(low, "x-amz-") || strings.HasPrefix(low, "x-edge-")) {
			l.find(e.Get("HeaderName"), "CloudFront does not add %s", short(name))
		}
	}
}

var unaddable = strings.Fields(`authorization cache-control connection content-length cookie host if-match if-modified-since if-none-match if-range
	if-unmodified-since max-forwards pragma proxy-authenticate proxy-authorization proxy-connection range request-range te trailer
	transfer-encoding upgrade via x-real-ip`)

func originHeaderTwice(l *linter, o *origin) {
	seen := map[string]bool{}
	list, _ := entries(o.Get("OriginCustomHeaders"))
	for _, e := range list {
		name, ok := e.Get("HeaderName").AsText()
		low := strings.ToLower(name)
		if ok && e.sure && seen[low] {
			l.find(e.Get("HeaderName"), "%s stands twice", short(name))
		}
		seen[low] = seen[low] || ok && e.sure
	}
}

func originHeaderLong(l *linter, o *origin) {
	list, _ := entries(o.Get("OriginCustomHeaders"))
	for _, e := range list {
		if v, ok := e.Get("HeaderValue").AsText(); ok && len(v) > cspMax {
			l.find(e.Get("HeaderValue"), "the value has %d characters", len(v))
		}
	}
}

func originHeaderSecret(l *linter, o *origin) {
	list, _ := entries(o.Get("OriginCustomHeaders"))
	for _, e := range list {
		name, _ := e.Get("HeaderName").AsText()
		if v, ok := e.Get("HeaderValue").AsText(); ok && len(v) >= secretMin && namesSecret(name) {
			l.find(e.Get("HeaderValue"), "the value of %s is a literal of %d characters", short(name), len(v))
		}
	}
}

var (
	secretWords = strings.Fields("secret token password passwd passphrase credential credentials apikey")
	secretLast  = strings.Fields("key auth verify authorization signature") // what X-Key-Version holds is none
)

// namesSecret is whether a header field is named like one that holds a secret.
func namesSecret(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c == '-' || c == '_' || c == '.' })
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(secretWords, w) }) ||
		len(words) > 0 && slices.Contains(secretLast, words[len(words)-1])
}

// signs is whether an origin has an access control, as far as is known.
func (o *origin) signs() bool {
	c := o.Get("OriginAccessControlId")
	return has(o.Node, "OriginAccessControlId") && !is(c, "")
}

// identity is whether an origin is known to have an access identity.
func (o *origin) identity() bool {
	return prefix(o.Path("S3OriginConfig", "OriginAccessIdentity")) != ""
}

// website is whether an origin is the website of a bucket.
func (o *origin) website() bool {
	name, _ := pattern(o.Get("DomainName"))
	website := strings.Contains(name, ".s3-website")
	references(o.Get("DomainName"), func(_ *schema.Node, _, attr string) { website = website || attr == "WebsiteURL" })
	return website
}

// bucket is whether an origin is a bucket by its own endpoint.
func (o *origin) bucket() bool {
	name, _ := pattern(o.Get("DomainName"))
	_, attr, _ := o.Get("DomainName").Refers()
	own := strings.Contains(name, ".s3.") || strings.Contains(name, ".s3-") || attr == "RegionalDomainName"
	return !o.website() && (has(o.Node, "S3OriginConfig") || own)
}

func accessTwo(l *linter, o *origin) {
	if o.signs() && o.identity() {
		l.find(o.Path("S3OriginConfig", "OriginAccessIdentity"), "the origin has OriginAccessControlId too")
	}
}

func accessWebsite(l *linter, o *origin) {
	if o.website() && (o.signs() || o.identity()) {
		l.find(o.Get("DomainName"), "this is the website of a bucket")
	}
}

func websiteKind(l *linter, o *origin) {
	switch {
	case !o.website():
	case has(o.Node, "S3OriginConfig"):
		l.find(o.Get("S3OriginConfig"), "the website of a bucket has S3OriginConfig")
	case is(o.Path("CustomOriginConfig", "OriginProtocolPolicy"), "https-only"):
		l.find(o.Path("CustomOriginConfig", "OriginProtocolPolicy"), "the website of a bucket does not speak HTTPS")
	}
}

func accessType(l *linter, o *origin) {
	c := l.refersTo(o.Get("OriginAccessControlId"), typeAccessControl)
	if c == nil {
		return
	}
	kind, ok := c.Properties.Path("OriginAccessControlConfig", "OriginAccessControlOriginType").AsText()
	name, _ := pattern(o.Get("DomainName"))
	switch {
	case !ok:
	case kind != "s3" && has(o.Node, "S3OriginConfig"):
		l.find(o.Get("OriginAccessControlId"), "%s is for %s, and this is a bucket", c.ID, short(kind))
	case kind == "s3" && has(o.Node, "CustomOriginConfig") && !o.bucket() && o.Get("DomainName").Known():
		l.find(o.Get("OriginAccessControlId"), "%s is for s3, and this is a custom origin", c.ID)
	case kind != "lambda" && strings.Contains(name, ".lambda-url."):
		l.find(o.Get("OriginAccessControlId"), "%s is for %s, and this is the URL of a function", c.ID, short(kind))
	}
}

func accessVPC(l *linter, o *origin) {
	if o.signs() && has(o.Node, "VpcOriginConfig") {
		l.find(o.Get("OriginAccessControlId"), "this is a VPC origin")
	}
}

func accessHTTP(l *linter, o *origin) {
	p := o.Path("CustomOriginConfig", "OriginProtocolPolicy")
	if o.signs() && (is(p, "http-only") || is(p, "match-viewer")) {
		l.find(p, "requests to this origin are signed, and go by %s", p.String())
	}
}

func bucketOpen(l *linter, o *origin) {
	name, _ := pattern(o.Get("DomainName"))
	if has(o.Node, "S3OriginConfig") && o.bucket() && lacks(o.Node, "OriginAccessControlId") && !o.identity() &&
		!o.Path("S3OriginConfig", "OriginAccessIdentity").Open() && !strings.Contains(name, "mediastore") {
		l.find(o.Node, "the origin %s has neither OriginAccessControlId nor OriginAccessIdentity", o.Get("Id").String())
	}
}

func functionURLOpen(l *linter, o *origin) {
	references(o.Get("DomainName"), func(n *schema.Node, _, _ string) {
		if r := l.refersTo(n, typeLambdaURL); r != nil && is(r.Properties.Get("AuthType"), "NONE") {
			l.find(o.Get("DomainName"), "%s has AuthType NONE", r.ID)
		}
	})
}

func originHTTP(l *linter, o *origin) {
	if p := o.Path("CustomOriginConfig", "OriginProtocolPolicy"); is(p, "http-only") && !o.website() {
		l.find(p, "the origin %s is asked by HTTP", o.Get("Id").String())
	}
}

func originTLSOld(l *linter, o *origin) {
	list, _ := entries(o.Path("CustomOriginConfig", "OriginSSLProtocols"))
	for _, e := range list {
		if v, ok := e.AsText(); ok && slices.Contains([]string{"SSLv3", "TLSv1", "TLSv1.1"}, v) {
			l.find(e.Node, "%s is among them", v)
		}
	}
}

var shieldRegions = strings.Fields(`us-east-2 us-east-1 us-west-2 ap-south-1 ap-northeast-1 ap-northeast-2 ap-southeast-1 ap-southeast-2
	eu-central-1 eu-west-1 eu-west-2 sa-east-1 me-central-1`)

func shieldRegion(l *linter, o *origin) {
	if r, ok := o.Path("OriginShield", "OriginShieldRegion").AsText(); ok && r != "" && !slices.Contains(shieldRegions, r) {
		l.find(o.Path("OriginShield", "OriginShieldRegion"), "%s has no Origin Shield", short(r))
	}
}

func shieldMissing(l *linter, o *origin) {
	if s := o.Get("OriginShield"); isTrue(s.Get("Enabled")) && (lacks(s, "OriginShieldRegion") || is(s.Get("OriginShieldRegion"), "")) {
		l.find(s, "OriginShieldRegion is missing")
	}
}
