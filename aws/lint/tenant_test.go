package lint_test

import (
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/lint"
)

// TestOriginOfTenants holds that a name with the parameter of a tenant in it is a host name, and that braces alone make none.
func TestOriginOfTenants(t *testing.T) {
	for name, want := range map[string]int{
		"{{origin1}}.s3.us-east-1.amazonaws.com": 0,
		"{{origin}}":                             0,
		"{{a}}-{{b}}.example.com":                0,
		"{{origin1}.example.com":                 1,
		"{{}}.example.com":                       1,
		"{{origin 1}}.example.com":               1,
	} {
		template, err := cfn.Read("tenants.yaml", []byte(`
Resources:
  Tenants:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        ConnectionMode: tenant-only
        Enabled: true
        Origins: [{Id: it, DomainName: "`+name+`", CustomOriginConfig: {OriginProtocolPolicy: https-only, OriginSSLProtocols: [TLSv1.2]}}]
        DefaultCacheBehavior: {TargetOriginId: it, ViewerProtocolPolicy: https-only, CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad}
`))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, f := range lint.Check(template, nil) {
			if f.Rule.ID == "origin-domain" {
				found++
			}
		}
		if found != want {
			t.Errorf("%s: origin-domain %d times, want %d", name, found, want)
		}
	}
}
