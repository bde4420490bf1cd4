package lint

import (
	"net/netip"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// wafPartRows are about sets, logs and associations of AWS WAF.
var wafPartRows = []row[*cfn.Resource]{
	{rule("cidr", refuses,
		"an address of an IP set is in CIDR notation; /0 is not taken",
		"write 192.0.2.1/32",
		"192.0.2.1, or 0.0.0.0/0", wafAPI+"IPSet.html"), cidr},
	{rule("cidr-version", refuses,
		"an IP set has addresses of one version",
		"move it to a set of the other version",
		"2001:db8::/32 in a set of IPV4", wafAPI+"IPSet.html"), cidrVersion},
	{rule("cidr-twice", risk,
		"an address stands twice in an IP set, or in a wider one of it",
		"remove it",
		"192.0.2.0/24 and 192.0.2.1/32", ""), cidrTwice},
	{rule("cidr-many", refuses,
		"an IP set has 10,000 addresses at most",
		"split it",
		"10,001 addresses", wafLimits), cidrMany},
	{rule("waf-set-name", refuses,
		"names of AWS WAF have 1 to 128 letters, digits, hyphens and underscores",
		"rename it",
		"Name: my set", wafAPI+"IPSet.html"), wafSetName},
	{rule("waf-set-region", refuses,
		"the scope CLOUDFRONT exists in us-east-1 only",
		"deploy the stack there",
		"Scope: CLOUDFRONT in eu-west-1", waf+"how-aws-waf-works-resources.html"), wafSetRegion},
	{rule("regex-set-size", refuses,
		"a set has one to ten regular expressions",
		"use a second set",
		"11 expressions", wafLimits), regexSetSize},
	{rule("regex-set-dialect", refuses,
		"AWS WAF does not take this regular expression",
		"write it without what it does not know",
		"(?=a), \\1, (?>a), a++", waf+"waf-regex-pattern-support.html"), regexSetDialect},
	{rule("waf-log-name", refuses,
		"what takes the logs of AWS WAF has a name that begins with aws-waf-logs-",
		"rename the bucket, the stream or the log group",
		"arn:aws:s3:::my-logs", waf+"logging-destinations.html"), wafLogName},
	{rule("waf-log-one", refuses,
		"the logs of a web ACL go to one place",
		"name one ARN",
		"two LogDestinationConfigs", wafAPI+"LoggingConfiguration.html"), wafLogOne},
	{rule("waf-log-redacted", refuses,
		"only UriPath, QueryString, SingleHeader and Method can be redacted",
		"use DataProtectionConfig of the web ACL for the rest",
		"RedactedFields: [{Body: {}}]", wafAPI+"LoggingConfiguration.html"), wafLogRedacted},
	{rule("waf-association", refuses,
		"a distribution names its web ACL itself; an association is for regional resources",
		"WebACLId of the distribution",
		"WebACLAssociation with the ARN of a distribution", wafAPI+"AssociateWebACL.html"), wafAssociation},
}

func addresses(r *cfn.Resource) []entry {
	if r.Type != typeIPSet {
		return nil
	}
	list, _ := entries(r.Properties.Get("Addresses"))
	return list
}

func cidr(l *linter, r *cfn.Resource) {
	for _, e := range addresses(r) {
		text, ok := e.AsText()
		if !ok {
			continue
		}
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil || p.Addr().Is4In6():
			l.find(e.Node, "%q is not in CIDR notation", short(text))
		case p.Bits() == 0:
			l.find(e.Node, "%s is everything", text)
		}
	}
}

func cidrVersion(l *linter, r *cfn.Resource) {
	version, ok := r.Properties.Get("IPAddressVersion").AsText()
	if !ok {
		return
	}
	for _, e := range addresses(r) {
		if p, err := netip.ParsePrefix(e.String()); err == nil && p.Addr().Is4() != (version == "IPV4") {
			l.find(e.Node, "%s is not of %s", e.String(), short(version))
		}
	}
}

func cidrTwice(l *linter, r *cfn.Resource) {
	var seen []netip.Prefix
	list := addresses(r)
	if len(list) > 1000 {
		return // each would be compared with all
	}
	for _, e := range list {
		p, err := netip.ParsePrefix(e.String())
		if err != nil || !e.sure {
			continue
		}
		if i := slices.IndexFunc(seen, func(o netip.Prefix) bool { return o.Bits() <= p.Bits() && o.Contains(p.Addr()) }); i >= 0 {
			l.find(e.Node, "%s is part of %s", p, seen[i])
		}
		seen = append(seen, p)
	}
}

func cidrMany(l *linter, r *cfn.Resource) {
	if n := len(addresses(r)); n > cidrsMax {
		l.find(r.Properties.Get("Addresses"), "there are %d", n)
	}
}

func wafSetName(l *linter, r *cfn.Resource) {
	n := r.Properties.Get("Name")
	if name, ok := n.AsText(); ok && (r.Type == typeIPSet || r.Type == typeRegexSet) && !wafNamePattern.MatchString(name) {
		l.find(n, "the name is %q", short(name))
	}
}

func wafSetRegion(l *linter, r *cfn.Resource) {
	s := r.Properties.Get("Scope")
	if (r.Type == typeIPSet || r.Type == typeRegexSet) && is(s, "CLOUDFRONT") && l.t.Region != "" && l.t.Region != "us-east-1" {
		l.find(s, "this stack goes to %s", l.t.Region)
	}
}

func regexSetSize(l *linter, r *cfn.Resource) {
	n := r.Properties.Get("RegularExpressionList")
	if regexes, known := count(n); r.Type == typeRegexSet && known && (regexes == 0 || regexes > regexesMax) {
		l.find(n, "there are %d", regexes)
	}
}

func regexSetDialect(l *linter, r *cfn.Resource) {
	list, _ := entries(r.Properties.Get("RegularExpressionList"))
	for _, e := range list {
		text, ok := e.AsText()
		if r.Type != typeRegexSet || !ok {
			continue
		}
		flaw := regexFlaw(text)
		if n := len([]rune(text)); n == 0 || n > regexMax {
			flaw = "it has " + itoa(n) + " characters"
		}
		if flaw != "" {
			l.find(e.Node, "%q: %s", short(text), flaw)
		}
	}
}

func wafLogName(l *linter, r *cfn.Resource) {
	list, _ := entries(r.Properties.Get("LogDestinationConfigs"))
	for _, e := range list {
		if r.Type != typeACLLogging {
			return
		}
		if to, _ := l.refers(e.Node); to != nil {
			name := to.Properties.Get(map[string]string{
				typeLogGroup: "LogGroupName", "AWS::S3::Bucket": "BucketName", "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
			}[to.Type])
			if text := prefix(name); !begins(text, !name.Known()) {
				l.find(e.Node, "%s has the name %s", to.ID, short(text))
			}
			continue
		}
		if name, more, known := logName(e.Node); known && !begins(name, more) {
			l.find(e.Node, "the name is %q", short(name))
		}
	}
}

// begins is whether a name begins as the logs of AWS WAF need it, or may, where more of it is not known.
func begins(name string, more bool) bool {
	const needed = "aws-waf-logs-"
	return strings.HasPrefix(name, needed) || more && strings.HasPrefix(needed, name)
}

// logName is the name of a bucket, a stream or a log group out of its ARN, as far as its beginning is known; more: it goes on.
func logName(n *schema.Node) (name string, more, known bool) {
	arn, ok := pattern(n)
	parts := strings.SplitN(arn, ":", 6)
	if !ok || len(parts) < 6 {
		return "", false, false
	}
	name = parts[5]
	if parts[2] != "s3" {
		name = strings.TrimPrefix(strings.TrimPrefix(name, "log-group:"), "deliverystream/")
	}
	name, _, more = strings.Cut(name, "\x00")
	return name, more, true
}

func wafLogOne(l *linter, r *cfn.Resource) {
	n := r.Properties.Get("LogDestinationConfigs")
	if places, known := count(n); r.Type == typeACLLogging && known && places != 1 {
		l.find(n, "there are %d", places)
	}
}

func wafLogRedacted(l *linter, r *cfn.Resource) {
	if r.Type != typeACLLogging {
		return
	}
	list, _ := entries(r.Properties.Get("RedactedFields"))
	for _, e := range list {
		for _, f := range e.Fields {
			if !slices.Contains([]string{"UriPath", "QueryString", "SingleHeader", "Method"}, f.Name) {
				l.find(f.Value, "%s cannot be redacted", short(f.Name))
			}
		}
	}
	if len(list) > logFieldsMax {
		l.find(r.Properties.Get("RedactedFields"), "there are %d, the limit is %d", len(list), logFieldsMax)
	}
}

func wafAssociation(l *linter, r *cfn.Resource) {
	if r.Type != typeACLAssociation {
		return
	}
	n := r.Properties.Get("ResourceArn")
	if to, _ := l.refers(n); to != nil && to.Type == typeDistribution || strings.Contains(prefix(n), ":cloudfront:") {
		l.find(n, "this is a distribution")
	}
	if a := l.refersTo(r.Properties.Get("WebACLArn"), typeWebACL); a != nil && is(a.Properties.Get("Scope"), "CLOUDFRONT") {
		l.find(r.Properties.Get("WebACLArn"), "%s has the scope CLOUDFRONT", a.ID)
	}
}
