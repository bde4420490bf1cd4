package adopt

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// answerForm is an answer of AWS's API, by the name under which it has the resource.
type answerForm struct {
	name   string // "Distribution", or of a config alone "DistributionConfig"
	cfn    string // the type of the resource
	config string // the one property that the answer is; empty: it has the properties
	many   bool   // a list of resources
}

// answerForms are the answers that are read.
var answerForms = [...]answerForm{
	{name: "Distribution", cfn: "AWS::CloudFront::Distribution"},
	{name: "DistributionConfig", cfn: "AWS::CloudFront::Distribution", config: "DistributionConfig"},
	{name: "DistributionTenant", cfn: "AWS::CloudFront::DistributionTenant"},
	{name: "ConnectionGroup", cfn: "AWS::CloudFront::ConnectionGroup"},
	{name: "CachePolicy", cfn: "AWS::CloudFront::CachePolicy"},
	{name: "CachePolicyConfig", cfn: "AWS::CloudFront::CachePolicy", config: "CachePolicyConfig"},
	{name: "OriginRequestPolicy", cfn: "AWS::CloudFront::OriginRequestPolicy"},
	{name: "OriginRequestPolicyConfig", cfn: "AWS::CloudFront::OriginRequestPolicy", config: "OriginRequestPolicyConfig"},
	{name: "ResponseHeadersPolicy", cfn: "AWS::CloudFront::ResponseHeadersPolicy"},
	{name: "ResponseHeadersPolicyConfig", cfn: "AWS::CloudFront::ResponseHeadersPolicy", config: "ResponseHeadersPolicyConfig"},
	{name: "OriginAccessControl", cfn: "AWS::CloudFront::OriginAccessControl"},
	{name: "OriginAccessControlConfig", cfn: "AWS::CloudFront::OriginAccessControl", config: "OriginAccessControlConfig"},
	{name: "CloudFrontOriginAccessIdentity", cfn: "AWS::CloudFront::CloudFrontOriginAccessIdentity"},
	{name: "FunctionSummary", cfn: typeFunction},
	{name: "KeyValueStore", cfn: "AWS::CloudFront::KeyValueStore"},
	{name: "VpcOrigin", cfn: "AWS::CloudFront::VpcOrigin"},
	{name: "ContinuousDeploymentPolicy", cfn: "AWS::CloudFront::ContinuousDeploymentPolicy"},
	{name: "KeyGroup", cfn: "AWS::CloudFront::KeyGroup"},
	{name: "PublicKey", cfn: "AWS::CloudFront::PublicKey"},
	{name: "RealtimeLogConfig", cfn: "AWS::CloudFront::RealtimeLogConfig"},
	{name: "MonitoringSubscription", cfn: "AWS::CloudFront::MonitoringSubscription", config: "MonitoringSubscription"},
	{name: "WebACL", cfn: "AWS::WAFv2::WebACL"},
	{name: "RuleGroup", cfn: "AWS::WAFv2::RuleGroup"},
	{name: "IPSet", cfn: "AWS::WAFv2::IPSet"},
	{name: "RegexPatternSet", cfn: "AWS::WAFv2::RegexPatternSet"},
	{name: "LoggingConfiguration", cfn: "AWS::WAFv2::LoggingConfiguration"},
	{name: "ResourceRecordSets", cfn: typeRecordSet, many: true},
	{name: "HostedZone", cfn: "AWS::Route53::HostedZone"},
	{name: "HostedZones", cfn: "AWS::Route53::HostedZone", many: true},
	{name: "Certificate", cfn: typeCertificate},
}

// aroundAnswers are what stands beside a resource in an answer, and is no setting of it.
var aroundAnswers = [...]string{
	"ETag", "LockToken", "ApplicationIntegrationURL", "ContentType", "DelegationSet", "IsTruncated", "MaxItems", "Marker", "NextMarker",
	"NextRecordName", "NextRecordType", "NextRecordIdentifier", "NextToken", "Location",
}

const awsState = "state of AWS, no setting"

// answer reads an answer of AWS's API; false: the document is none.
func (f *found) answer(src *source, root *schema.Node) bool {
	known := false
	for i := range answerForms {
		form := &answerForms[i]
		n := root.Get(form.name)
		list := []*schema.Node{n}
		if form.many && n != nil && n.Kind == schema.List {
			list = n.Items
		} else if n == nil || form.many || n.Kind != schema.Map {
			continue
		}
		known = true
		if form.cfn == "AWS::WAFv2::WebACL" && n.Get("WebACLId") != nil {
			src.whole(n, Refused, n.Get("Name").String(), ruleNotUnderstood, "this is a web ACL of AWS WAF Classic, and only the newer AWS WAF is read")
			continue
		}
		for _, n := range list {
			f.answered(src, form, n)
		}
	}
	if etag := root.Get("ETag"); etag != nil && root.Get("ContentType") != nil && len(root.Fields) == 2 {
		known = true // of get-function, which writes the code into a file
	}
	for _, field := range root.Fields {
		if known && slices.Contains(aroundAnswers[:], field.Name) {
			src.settle(field.Value, "", awsState)
		}
	}
	return known
}

// answered reads one resource of an answer.
func (f *found) answered(src *source, form *answerForm, n *schema.Node) {
	if n.Kind != schema.Map {
		return // what is left of it is refused at the end
	}
	r := &resource{Type: form.cfn, Name: named(form, n, src.name), names: answerNames(form, n)}
	r.Props = &schema.Node{Kind: schema.Map, At: n.At}
	if twice := f.add(r); twice != "" {
		src.whole(n, Refused, r.Name, ruleTwice, twice)
		return
	}
	s := &shaper{source: src, resource: r}
	props := reflect.TypeOf(model.New(form.cfn)).Elem()
	if form.config != "" {
		config, _ := props.FieldByName(form.config)
		if v := s.shape(config.Type, n); v != nil {
			r.Props.Fields = append(r.Props.Fields, schema.Field{Name: form.config, At: n.At, Value: v})
		}
		return
	}
	s.beside(n, props)
	if v := s.shape(reflect.PointerTo(props), n); v != nil {
		r.Props = v
	}
	s.scope(n)
	if form.cfn == typeRecordSet {
		s.record(n)
	}
}

// nameFields are where a resource says how it is called, the best first.
var nameFields = [...]string{"Name", "Id", "DomainName", "CertificateArn", "ResourceArn"}

// named is what messages call a resource.
func named(form *answerForm, n *schema.Node, file string) string {
	if form.cfn == "AWS::CloudFront::Distribution" {
		if id := n.Get("Id").String(); id != "" {
			return id
		}
	}
	of := []*schema.Node{n}
	for _, f := range n.Fields {
		if strings.HasSuffix(f.Name, "Config") {
			of = append(of, f.Value)
		}
	}
	for _, field := range nameFields {
		for _, n := range of {
			if name := n.Get(field).String(); name != "" {
				if form.many {
					name = strings.TrimSpace(unescaped(name) + " " + n.Get("Type").String())
				}
				return name
			}
		}
	}
	return baseName(file)
}

// idFields are what others refer to a resource by, the id first.
var idFields = [...]string{"Id", "ARN", "Arn", "DomainName", "RoutingEndpoint"}

func answerNames(form *answerForm, n *schema.Node) []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch form.cfn {
	case typeFunction:
		add(n.Path("FunctionMetadata", "FunctionARN").String())
		add(n.Get("Name").String())
		return names
	case typeRecordSet, "AWS::WAFv2::LoggingConfiguration":
		return nil // nobody refers to them
	case typeCertificate:
		return []string{n.Get("CertificateArn").String()}
	}
	for _, field := range idFields {
		if form.config == "" {
			add(strings.TrimPrefix(n.Get(field).String(), "/hostedzone/"))
		}
	}
	if form.cfn == "AWS::CloudFront::KeyValueStore" || form.cfn == "AWS::CloudFront::RealtimeLogConfig" {
		add(n.Get("Name").String())
	}
	return names
}

// beside settles what an answer says of a resource beside its properties.
func (s *shaper) beside(n *schema.Node, props reflect.Type) {
	for _, f := range n.Fields {
		if _, known := property(props, f.Name); !known && slices.Contains(stateFields[:], f.Name) || f.Name == "FunctionMetadata" {
			s.settle(f.Value, s.resource.Name, awsState)
		}
	}
	if s.resource.Type != typeCertificate {
		return
	}
	s.settle(n.Get("DomainValidationOptions"), s.resource.Name, "how AWS has seen that the domain is ours")
	for _, name := range certificateState {
		s.settle(n.Get(name), s.resource.Name, awsState)
	}
}

// stateFields are what AWS says of a resource, and nobody sets.
var stateFields = [...]string{
	"Id", "ARN", "Arn", "CertificateArn", "Status", "LastModifiedTime", "CreatedTime", "InProgressInvalidationBatches", "DomainName",
	"ActiveTrustedSigners", "ActiveTrustedKeyGroups", "AliasICPRecordals", "S3CanonicalUserId", "Capacity", "LabelNamespace",
	"CallerReference", "ResourceRecordSetCount", "IsDefault", "RoutingEndpoint", "AccountId", "ETag",
}

var certificateState = [...]string{
	"Serial", "Subject", "Issuer", "CreatedAt", "IssuedAt", "ImportedAt", "NotBefore", "NotAfter", "SignatureAlgorithm", "InUseBy", "Type",
	"KeyUsages", "ExtendedKeyUsages", "RenewalEligibility", "RenewalSummary", "ManagedBy", "FailureReason", "RevokedAt", "RevocationReason",
}

// scope is said by the ARN of what belongs to AWS WAF: a property of its own in CloudFormation.
func (s *shaper) scope(n *schema.Node) {
	if !strings.HasPrefix(s.resource.Type, "AWS::WAFv2::") || s.resource.Type == "AWS::WAFv2::LoggingConfiguration" {
		return
	}
	arn := n.Get("ARN")
	scope := &schema.Node{Kind: schema.Text, Text: "REGIONAL", At: n.At}
	if arn == nil {
		return
	}
	if scope.At = arn.At; strings.Contains(arn.Text, ":global/") {
		scope.Text = "CLOUDFRONT"
	}
	s.resource.Props.Fields = append(s.resource.Props.Fields, schema.Field{Name: "Scope", At: arn.At, Value: scope})
}

// record settles records that no distribution can stand behind.
func (s *shaper) record(n *schema.Node) {
	switch n.Get("Type").String() {
	case "A", "AAAA", "CNAME", "HTTPS", "SVCB":
		return
	}
	f := s.found
	f.resources = f.resources[:len(f.resources)-1]
	f.ledger.exact(s.resource.Props, "", notEdge)
}

// zones says of records in which zone they are, which answers do not: the one zone of the input with the longest name that fits.
func (f *found) zones() {
	for _, r := range f.of(typeRecordSet) {
		if r.Props.Get("HostedZoneId") != nil || r.Props.Get("HostedZoneName") != nil {
			continue
		}
		name, longest, id := "."+strings.TrimSuffix(r.Props.Get("Name").String(), "."), 0, ""
		for _, zone := range f.of("AWS::Route53::HostedZone") {
			in := strings.TrimSuffix(zone.Props.Get("Name").String(), ".")
			switch fits := strings.HasSuffix(name, "."+in) && len(zone.names) > 0; {
			case fits && len(in) > longest:
				longest, id = len(in), zone.names[0]
			case fits && len(in) == longest:
				id = "" // two of one name: nobody knows which
			}
		}
		if id != "" {
			v := &schema.Node{Kind: schema.Text, Text: id, At: r.Props.At}
			r.Props.Fields = append(r.Props.Fields, schema.Field{Name: "HostedZoneId", At: v.At, Value: v})
		}
	}
}

// unescaped is a name of Route 53 with what it writes as \052 for a star.
func unescaped(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' && i+3 < len(name) {
			if c, err := strconv.ParseUint(name[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}
