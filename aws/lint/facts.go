package lint

import (
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// The types that rules are about.
const (
	typeDistribution    = "AWS::CloudFront::Distribution"
	typeTenant          = "AWS::CloudFront::DistributionTenant"
	typeCachePolicy     = "AWS::CloudFront::CachePolicy"
	typeOriginPolicy    = "AWS::CloudFront::OriginRequestPolicy"
	typeHeadersPolicy   = "AWS::CloudFront::ResponseHeadersPolicy"
	typeFunction        = "AWS::CloudFront::Function"
	typeKeyValueStore   = "AWS::CloudFront::KeyValueStore"
	typeAccessControl   = "AWS::CloudFront::OriginAccessControl"
	typeVpcOrigin       = "AWS::CloudFront::VpcOrigin"
	typeContinuous      = "AWS::CloudFront::ContinuousDeploymentPolicy"
	typeRealtimeLog     = "AWS::CloudFront::RealtimeLogConfig"
	typeWebACL          = "AWS::WAFv2::WebACL"
	typeRuleGroup       = "AWS::WAFv2::RuleGroup"
	typeIPSet           = "AWS::WAFv2::IPSet"
	typeRegexSet        = "AWS::WAFv2::RegexPatternSet"
	typeACLLogging      = "AWS::WAFv2::LoggingConfiguration"
	typeACLAssociation  = "AWS::WAFv2::WebACLAssociation"
	typeCertificate     = "AWS::CertificateManager::Certificate"
	typeRecordSet       = "AWS::Route53::RecordSet"
	typeRecordSetGroup  = "AWS::Route53::RecordSetGroup"
	typeBucketPolicy    = "AWS::S3::BucketPolicy"
	typeDelivery        = "AWS::Logs::Delivery"
	typeDeliverySource  = "AWS::Logs::DeliverySource"
	typeDeliveryTarget  = "AWS::Logs::DeliveryDestination"
	typeLambdaURL       = "AWS::Lambda::Url"
	typeLambdaVersion   = "AWS::Lambda::Version"
	typeLambdaFunction  = "AWS::Lambda::Function"
	typeLogGroup        = "AWS::Logs::LogGroup"
	typeIdentity        = "AWS::CloudFront::CloudFrontOriginAccessIdentity"
	typeLambdaAlias     = "AWS::Lambda::Alias"
	typeLambdaPermitted = "AWS::Lambda::Permission"
)

// facts are what rules look at, gathered once.
type facts struct {
	distributions map[*cfn.Resource]*distribution
	acls          map[*cfn.Resource]*acl
}

// distribution is a distribution with its parts.
type distribution struct {
	*cfn.Resource
	config    *schema.Node // DistributionConfig
	behaviors []*behavior  // the default one first
	origins   []*origin
	groups    []entry
	open      bool // there may be origins or groups that nobody sees here
	tenants   bool // it is for tenants
}

// behavior is a cache behaviour.
type behavior struct {
	*schema.Node
	in    *distribution
	sure  bool
	first bool // it is the default one, which comes last
}

// pattern is its path pattern without the slash that may be left out; false: not known.
func (b *behavior) pattern() (string, bool) {
	p, ok := b.Get("PathPattern").AsText()
	return strings.TrimPrefix(p, "/"), ok
}

// origin is an origin.
type origin struct {
	*schema.Node
	in   *distribution
	sure bool
}

func (f *facts) gather(t *cfn.Template) {
	for _, r := range t.Resources {
		switch r.Type {
		case typeDistribution:
			f.distributions[r] = newDistribution(r)
		case typeWebACL, typeRuleGroup:
			f.acls[r] = newACL(r)
		}
	}
}

func newDistribution(r *cfn.Resource) *distribution {
	d := &distribution{Resource: r, config: r.Properties.Get("DistributionConfig")}
	d.tenants = is(d.config.Get("ConnectionMode"), "tenant-only")
	if b := d.config.Get("DefaultCacheBehavior"); b.Known() {
		d.behaviors = append(d.behaviors, &behavior{Node: b, in: d, sure: true, first: true})
	}
	list, _ := entries(d.config.Get("CacheBehaviors"))
	for _, e := range list {
		d.behaviors = append(d.behaviors, &behavior{Node: e.Node, in: d, sure: e.sure})
	}
	list, open := entries(d.config.Get("Origins"))
	for _, e := range list {
		d.origins = append(d.origins, &origin{Node: e.Node, in: d, sure: e.sure})
	}
	d.groups, d.open = entries(d.config.Path("OriginGroups", "Items"))
	d.open = d.open || open || d.config.Open() || d.config.Get("OriginGroups").Open()
	for _, legacy := range []string{"CustomOrigin", "S3Origin"} {
		d.open = d.open || d.config.Get(legacy) != nil
	}
	return d
}

// origin finds an origin by its id; nil: there is none, or it is not known.
func (d *distribution) origin(id string) *origin {
	for _, o := range d.origins {
		if is(o.Get("Id"), id) {
			return o
		}
	}
	return nil
}

// group finds an origin group by its id; nil: there is none, or it is not known.
func (d *distribution) group(id string) *schema.Node {
	for _, g := range d.groups {
		if is(g.Get("Id"), id) {
			return g.Node
		}
	}
	return nil
}

// refers returns the resource that a value refers to, of this template or of the one that exports the value, with the attribute; nil:
// it does not, or there is none.
func (l *linter) refers(n *schema.Node) (*cfn.Resource, string) {
	t := l.t
	if name, ok := imported(n); ok {
		e := l.set.exports[name]
		if e == nil || e.sometimes {
			return nil, ""
		}
		t, n = e.in, e.value
	}
	id, attr, ok := n.Refers()
	if !ok {
		return nil, ""
	}
	return t.Resource(id), attr
}

// refersTo returns the resource of a type that a value refers to, as refers does; nil: it does not.
func (l *linter) refersTo(n *schema.Node, resourceType string) *cfn.Resource {
	if r, _ := l.refers(n); r != nil && r.Type == resourceType {
		return r
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// number is a known number as findings show it.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
