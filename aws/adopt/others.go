package adopt

import (
	"slices"

	"skerry.dev/skerry/aws/finding"
)

// shared are types whose resources distributions refer to.
var shared = []string{
	typeAccessControl, "AWS::CloudFront::CloudFrontOriginAccessIdentity", "AWS::CloudFront::VpcOrigin",
	typeCachePolicy, typeRequestPolicy, typeAnswerPolicy, typeCertificate,
}

// lost are types that a spec has nothing of.
var lost = map[string]struct {
	rule *finding.Rule
	text string
}{
	"AWS::CloudFront::DistributionTenant": {ruleFeature, "a tenant is a distribution with hosts of its own; write an Entrypoint for it by hand"},
	"AWS::CloudFront::ConnectionGroup":    {ruleFeature, "it is for tenants"},
	"AWS::CloudFront::ContinuousDeploymentPolicy": {ruleFeature,
		"a staging distribution has a share of the requests; write weighted services in place of it"},
	"AWS::CloudFront::RealtimeLogConfig":      {ruleLogsLost, "nothing is logged in real time"},
	"AWS::CloudFront::MonitoringSubscription": {ruleFeature, "the additional metrics of CloudFront are not asked for"},
	"AWS::CloudFront::TrustStore":             {ruleClients, "no client certificates are asked for; the documents let in everybody"},
	"AWS::CloudFront::AnycastIpList":          {ruleFeature, "there are no addresses of its own"},
	"AWS::CloudFront::ConnectionFunction":     {ruleClients, "its code is not read; whom it turns away, the documents let in"},
	"AWS::CloudFront::KeyValueStore":          {ruleFunction, "what functions look up is not read"},
	"AWS::CloudFront::KeyGroup":               {ruleSigned, "nothing has to be signed; what it keeps to a few, the documents make public"},
	"AWS::CloudFront::PublicKey":              {ruleSigned, "nothing has to be signed; what it keeps to a few, the documents make public"},
}

// others speaks of resources that no distribution refers to, and of those that are not taken over.
func (m *mapping) others() {
	for _, f := range m.of(typeFunction) {
		m.keep(f)
	}
	for _, r := range m.resources {
		if l, known := lost[r.Type]; known {
			m.ledger.refuse(r.Props, l.rule, l.text)
			continue
		}
		if slices.Contains(shared, r.Type) && !m.used[r] {
			m.ledger.exact(r.Props, "", "no distribution of the input uses it")
		}
	}
}
