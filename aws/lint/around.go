package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// aroundRows are about what stands around a distribution: names of DNS, certificates, logs, buckets.
var aroundRows = []row[*cfn.Resource]{
	{rule("alias-zone", refuses,
		"an alias of a distribution names the zone of CloudFront, which is Z2FDTNDATAQYW2",
		"HostedZoneId: Z2FDTNDATAQYW2",
		"the id of the own zone in AliasTarget", route53+"resource-record-sets-values-alias.html"), aliasZone},
	{rule("alias-ttl", refuses,
		"an alias has no TTL and no records of its own",
		"remove them",
		"AliasTarget with TTL: 300", route53+"resource-record-sets-values-alias.html"), aliasTTL},
	{rule("record-ttl", refuses,
		"records need a TTL",
		"TTL: 300",
		"ResourceRecords without TTL", route53+"resource-record-sets-values-basic.html"), recordTTL},
	{rule("record-empty", refuses,
		"a record set has records or an alias",
		"write one of them",
		"neither", route53+"resource-record-sets-values-basic.html"), recordEmpty},
	{rule("alias-record-type", refuses,
		"an alias of a distribution is A, AAAA or HTTPS",
		"use these types",
		"Type: CNAME with AliasTarget", route53+"resource-record-sets-values-alias.html"), aliasRecordType},
	{rule("alias-health", refuses,
		"an alias of a distribution does not look at its health",
		"EvaluateTargetHealth: false",
		"EvaluateTargetHealth: true", route53+"resource-record-sets-values-alias-common.html"), aliasHealth},
	{rule("alias-ipv6", refuses,
		"the distribution answers no IPv6: the record resolves to nothing",
		"IPV6Enabled: true, or no AAAA record",
		"AAAA with IPV6Enabled: false", guide+"cloudfront-enable-ipv6.html"), aliasIPv6},
	{rule("alias-unknown", risk,
		"the distribution does not know this name and refuses requests for it",
		"add it to Aliases",
		"GET / of the name gives 403", guide+"CNAMEs.html"), aliasUnknown},
	{rule("record-zone", refuses,
		"a record stands in one zone, by its id or its name",
		"keep one",
		"HostedZoneId and HostedZoneName", route53+"resource-record-sets-values-basic.html"), recordZone},
	{rule("record-outside", refuses,
		"a record has a name inside its zone",
		"use the zone of the name",
		"www.example.org in example.com.", route53+"resource-record-sets-values-basic.html"), recordOutside},
	{rule("certificate-email", risk,
		"the stack waits until somebody follows a link in a mail",
		"ValidationMethod: DNS",
		"ValidationMethod: EMAIL", "https://docs.aws.amazon.com/acm/latest/userguide/domain-ownership-validation.html"), certificateEmail},
	{rule("certificate-names", refuses,
		"a certificate has more names than ACM gives it",
		"ask AWS for more, or use two",
		"11 names", "https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html"), certificateNames},
	{rule("delivery-source", refuses,
		"a distribution has ACCESS_LOGS to deliver, by its ARN",
		"LogType: ACCESS_LOGS",
		"ResourceArn: {Ref: Distribution}", logs+"AWS-logs-and-resource-policy.html"), deliverySource},
	{rule("delivery-region", refuses,
		"logs of CloudFront are delivered from us-east-1",
		"deploy the stack there",
		"a delivery source in eu-west-1", guide+"standard-logging.html"), deliveryRegion},
	{rule("bucket-policy-open", risk,
		"everybody may read the bucket, past CloudFront and its firewall",
		"Principal: {Service: cloudfront.amazonaws.com} with aws:SourceArn",
		"GET of the bucket's own name", guide+"private-content-restricting-access-to-s3.html"), bucketPolicyOpen},
	{rule("bucket-policy-source", risk,
		"every distribution of every account may read the bucket",
		"the condition StringEquals aws:SourceArn with the ARN of the distribution",
		"a distribution of somebody else in front of the bucket", guide+"private-content-restricting-access-to-s3.html"), bucketPolicySource},
	{rule("lambda-permission", risk,
		"everybody's distributions may call the function",
		"SourceArn: the ARN of the distribution",
		"Principal: cloudfront.amazonaws.com without SourceArn", guide+"private-content-restricting-access-to-lambda.html"), lambdaPermission},
}

// cloudFrontZone is the hosted zone of all distributions.
const cloudFrontZone = "Z2FDTNDATAQYW2"

// records are the record sets of a resource.
func records(r *cfn.Resource) (out []*schema.Node) {
	switch r.Type {
	case typeRecordSet:
		return []*schema.Node{r.Properties}
	case typeRecordSetGroup:
		list, _ := entries(r.Properties.Get("RecordSets"))
		for _, e := range list {
			out = append(out, e.Node)
		}
	}
	return out
}

// target is the distribution that an alias points to, if this template has it; yes: it is a distribution anyway.
func (l *linter) target(record *schema.Node) (d *distribution, yes bool) {
	name := record.Path("AliasTarget", "DNSName")
	if r := l.refersTo(name, typeDistribution); r != nil {
		return l.facts.distributions[r], true
	}
	text, _ := name.AsText()
	return nil, strings.HasSuffix(strings.TrimSuffix(text, "."), ".cloudfront.net")
}

// aliases visits the record sets that point to distributions.
func (l *linter) aliases(r *cfn.Resource, visit func(record *schema.Node, d *distribution)) {
	for _, record := range records(r) {
		if d, yes := l.target(record); yes {
			visit(record, d)
		}
	}
}

func aliasZone(l *linter, r *cfn.Resource) {
	l.aliases(r, func(record *schema.Node, _ *distribution) {
		n := record.Path("AliasTarget", "HostedZoneId")
		if id, ok := n.AsText(); ok && id != cloudFrontZone && id != "Z3RFFRIM2A3IF5" { // the other one is that of China
			l.find(n, "the zone is %s", short(id))
		} else if to, _ := l.refers(n); to != nil {
			l.find(n, "the zone is %s", to.ID)
		}
	})
}

func aliasTTL(l *linter, r *cfn.Resource) {
	for _, record := range records(r) {
		for _, name := range []string{"TTL", "ResourceRecords"} {
			if has(record, "AliasTarget") && has(record, name) {
				l.find(record.Get(name), "%s stands beside AliasTarget", name)
			}
		}
	}
}

func recordTTL(l *linter, r *cfn.Resource) {
	for _, record := range records(r) {
		if has(record, "ResourceRecords") && lacks(record, "TTL") && lacks(record, "AliasTarget") {
			l.find(record, "TTL is missing")
		}
	}
}

func recordEmpty(l *linter, r *cfn.Resource) {
	for _, record := range records(r) {
		if lacks(record, "AliasTarget") && lacks(record, "ResourceRecords") {
			l.find(record, "there are neither ResourceRecords nor AliasTarget")
		}
	}
}

func aliasRecordType(l *linter, r *cfn.Resource) {
	l.aliases(r, func(record *schema.Node, _ *distribution) {
		if kind, ok := record.Get("Type").AsText(); ok && !slices.Contains([]string{"A", "AAAA", "HTTPS"}, kind) {
			l.find(record.Get("Type"), "the type is %s", short(kind))
		}
	})
}

func aliasHealth(l *linter, r *cfn.Resource) {
	l.aliases(r, func(record *schema.Node, _ *distribution) {
		if n := record.Path("AliasTarget", "EvaluateTargetHealth"); isTrue(n) {
			l.find(n, "EvaluateTargetHealth is on")
		}
	})
}

func aliasIPv6(l *linter, r *cfn.Resource) {
	l.aliases(r, func(record *schema.Node, d *distribution) {
		if d == nil || d.tenants || !is(record.Get("Type"), "AAAA") {
			return
		}
		if v := d.config.Get("IPV6Enabled"); isFalse(v) || lacks(d.config, "IPV6Enabled") {
			l.find(record.Get("Type"), "%s has no IPv6", d.ID)
		}
	})
}

func aliasUnknown(l *linter, r *cfn.Resource) {
	l.aliases(r, func(record *schema.Node, d *distribution) {
		name, ok := record.Get("Name").AsText()
		name = strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(name, ".")), `\052`, "*")
		if d == nil || d.tenants || !ok || d.config.Open() {
			return
		}
		list, open := d.aliases()
		for _, e := range list {
			alias, known := e.AsText()
			open = open || !known
			if known && certifies(alias, name) {
				return
			}
		}
		if !open {
			l.find(record.Get("Name"), "%s has no alternate domain name %s", d.ID, short(name))
		}
	})
}

func recordZone(l *linter, r *cfn.Resource) {
	if r.Type != typeRecordSet && r.Type != typeRecordSetGroup {
		return
	}
	found, open := only(r.Properties, "HostedZoneId", "HostedZoneName")
	for _, record := range records(r) {
		more, maybe := only(record, "HostedZoneId", "HostedZoneName")
		if found, open = append(found, more...), open || maybe; r.Type == typeRecordSet {
			found = more
		}
	}
	if len(found) == 0 && !open || r.Type == typeRecordSet && len(found) > 1 {
		l.find(r.Properties, "%s", map[bool]string{true: "the record has no zone", false: "HostedZoneId and HostedZoneName stand together"}[len(found) == 0])
	}
}

func recordOutside(l *linter, r *cfn.Resource) {
	for _, record := range records(r) {
		zone := record.Get("HostedZoneName")
		if zone == nil {
			zone = r.Properties.Get("HostedZoneName")
		}
		if z := l.refersTo(record.Get("HostedZoneId"), "AWS::Route53::HostedZone"); z != nil {
			zone = z.Properties.Get("Name")
		}
		in, ok := zone.AsText()
		name, known := record.Get("Name").AsText()
		in, name = strings.ToLower(strings.TrimSuffix(in, ".")), strings.ToLower(strings.TrimSuffix(name, "."))
		if ok && known && name != in && !strings.HasSuffix(name, "."+in) {
			l.find(record.Get("Name"), "%s is not in the zone %s", short(name), short(in))
		}
	}
}

func certificateEmail(l *linter, r *cfn.Resource) {
	n := r.Properties.Get("ValidationMethod")
	if r.Type == typeCertificate && (is(n, "EMAIL") || lacks(r.Properties, "ValidationMethod") && lacks(r.Properties, "CertificateAuthorityArn")) {
		at := r.Properties
		if n != nil {
			at = n
		}
		l.find(at, "the method is EMAIL")
	}
}

func certificateNames(l *linter, r *cfn.Resource) {
	if r.Type == typeCertificate {
		list, _ := texts(r.Properties.Get("SubjectAlternativeNames"))
		list = append(list, r.Properties.Get("DomainName").String())
		slices.Sort(list)
		l.quota(r.Properties.Get("SubjectAlternativeNames"), len(slices.Compact(list)), "certificateNames")
	}
}

func deliverySource(l *linter, r *cfn.Resource) {
	n := r.Properties.Get("ResourceArn")
	if r.Type != typeDeliverySource {
		return
	}
	if to, _ := l.refers(n); to != nil && to.Type == typeDistribution {
		l.find(n, "this is not the ARN of %s, which no attribute has: write arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${%s}", to.ID, to.ID)
	}
	kind, ok := r.Properties.Get("LogType").AsText()
	if ok && strings.Contains(whole(n), ":cloudfront:") && kind != "ACCESS_LOGS" && kind != "CONNECTION_LOGS" {
		l.find(r.Properties.Get("LogType"), "a distribution has no %s", short(kind))
	}
}

// whole is a text with its unknown parts left out.
func whole(n *schema.Node) string {
	text, _ := pattern(n)
	return strings.ReplaceAll(text, "\x00", "")
}

func deliveryRegion(l *linter, r *cfn.Resource) {
	n := r.Properties.Get("ResourceArn")
	if r.Type == typeDeliverySource && l.t.Region != "" && l.t.Region != "us-east-1" && strings.Contains(whole(n), ":cloudfront:") {
		l.find(n, "this stack goes to %s", l.t.Region)
	}
}

// grants visits the statements of a policy that allow something.
func grants(r *cfn.Resource, visit func(s *schema.Node)) {
	list := r.Properties.Path("PolicyDocument", "Statement")
	if list != nil && list.Kind == schema.Map {
		list = &schema.Node{Kind: schema.List, Items: []*schema.Node{list}}
	}
	items, _ := entries(list)
	for _, e := range items {
		if is(e.Get("Effect"), "Allow") {
			visit(e.Node)
		}
	}
}

func bucketPolicyOpen(l *linter, r *cfn.Resource) {
	if r.Type != typeBucketPolicy {
		return
	}
	grants(r, func(s *schema.Node) {
		p := s.Get("Principal")
		if (is(p, "*") || is(p.Get("AWS"), "*")) && s.Get("Condition") == nil {
			l.find(p, "the principal is *, without a condition")
		}
	})
}

func bucketPolicySource(l *linter, r *cfn.Resource) {
	if r.Type != typeBucketPolicy {
		return
	}
	grants(r, func(s *schema.Node) {
		if is(s.Path("Principal", "Service"), "cloudfront.amazonaws.com") && s.Get("Condition") == nil {
			l.find(s.Get("Principal"), "cloudfront.amazonaws.com may, without a condition")
		}
	})
}

func lambdaPermission(l *linter, r *cfn.Resource) {
	if r.Type == typeLambdaPermitted && is(r.Properties.Get("Principal"), "cloudfront.amazonaws.com") && lacks(r.Properties, "SourceArn") {
		l.find(r.Properties.Get("Principal"), "SourceArn is missing")
	}
}
