package compile

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

type policyDocument struct {
	Version   string
	Statement []struct {
		Sid, Effect string
		Action      []string
		Resource    any
	}
}

func policyOf(t testing.TB, d *model.Deployment) policyDocument {
	t.Helper()
	data, err := json.Marshal(d.Deployer)
	if err != nil {
		t.Fatal(err)
	}
	var out policyDocument
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// allowed are the resources on which a policy allows an action.
func (p policyDocument) allowed(action string) []string {
	var out []string
	for _, s := range p.Statement {
		if !slices.Contains(s.Action, action) {
			continue
		}
		if list, ok := s.Resource.([]any); ok {
			for _, r := range list {
				out = append(out, r.(string))
			}
			continue
		}
		out = append(out, s.Resource.(string))
	}
	slices.Sort(out)
	return out
}

// everyType has a resource of each type that may be deployed.
func everyType() *model.Deployment {
	s := &model.Stack{Name: "s", Region: region}
	name := func(n string) model.Value { return model.Text(n) }
	props := []model.Properties{
		&model.CachePolicy{}, &model.OriginRequestPolicy{}, &model.ResponseHeadersPolicy{}, &model.OriginAccessControl{}, &model.ContinuousDeploymentPolicy{},
		&model.Function{Name: name("skerry-function-1")}, &model.KeyValueStore{ImportSource: &model.KeyValueStoreImportSource{SourceArn: name("arn:aws:s3:::files/moved.json")}},
		&model.Distribution{}, &model.DistributionTenant{}, &model.ConnectionGroup{}, &model.VpcOrigin{},
		&model.WebACL{Name: name("skerry-webacl-1")}, &model.IPSet{Name: name("skerry-ipset-1")}, &model.RegexPatternSet{Name: name("mine")}, &model.RuleGroup{},
		&model.LoggingConfiguration{LogDestinationConfigs: model.Texts([]string{"arn:aws:s3:::aws-waf-logs-x"})},
		&model.Certificate{DomainValidationOptions: []*model.CertificateDomainValidationOption{{HostedZoneId: name("ZCERT")}}},
		&model.RecordSet{HostedZoneId: name("ZHOST")}, &model.BucketPolicy{Bucket: name("files")},
		&model.Permission{FunctionName: name("arn:aws:lambda:eu-west-1:1:function:f")}, &model.Secret{Name: name("skerry/origin/app")}, &model.RotationSchedule{},
		&model.LogGroup{LogGroupName: name("aws-waf-logs-x")}, &model.ResourcePolicy{}, &model.DeliverySource{}, &model.DeliveryDestination{DestinationResourceArn: name("arn:aws:s3:::logs/prefix")}, &model.Delivery{},
	}
	for i, p := range props {
		s.Add(&model.Resource{ID: "R" + string(rune('A'+i)), Props: p})
	}
	return &model.Deployment{Stacks: []*model.Stack{s}}
}

func TestDeployer(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, nil)
	d := everyType()
	d.Deployer = b.deployer(d)
	p := policyOf(t, d)
	if p.Version != "2012-10-17" {
		t.Errorf("version %s", p.Version)
	}
	used := map[string]bool{}
	for _, s := range p.Statement {
		if s.Effect != "Allow" || len(s.Action) == 0 {
			t.Errorf("statement %+v", s)
		}
		for _, a := range s.Action {
			if strings.Contains(a, "*") {
				t.Errorf("%s is no single action", a)
			}
			if s.Resource == "*" {
				used[a] = true
				if wide[a] == "" {
					t.Errorf("%s is on everything, and nothing says why", a)
				}
			} else if wide[a] != "" {
				t.Errorf("%s is on %v, though it cannot be narrowed", a, s.Resource)
			}
		}
		list, _ := s.Resource.([]any)
		for _, r := range list {
			if !strings.HasPrefix(r.(string), "arn:aws:") || strings.HasPrefix(r.(string), "arn:aws:*") {
				t.Errorf("%s is on %v", s.Sid, r)
			}
		}
		if s.Resource != "*" && len(list) == 0 {
			t.Errorf("%s is on nothing", s.Sid)
		}
	}
	f := func(action string, want ...string) {
		t.Helper()
		if got := p.allowed(action); !slices.Equal(got, want) {
			t.Errorf("%s is allowed on %q, want %q", action, got, want)
		}
	}
	f("cloudfront:UpdateFunction", "arn:aws:cloudfront::123456789012:function/skerry-*")
	f("cloudfront:UpdateDistribution", "arn:aws:cloudfront::123456789012:distribution/*")
	f("cloudfront:AllowVendedLogDeliveryForResource", "arn:aws:cloudfront::123456789012:distribution/*")
	f("cloudfront:CreateDistribution", "*")
	f("wafv2:UpdateRegexPatternSet", "arn:aws:wafv2:us-east-1:123456789012:global/regexpatternset/mine/*")
	f("wafv2:PutLoggingConfiguration", "arn:aws:wafv2:us-east-1:123456789012:global/ipset/skerry-*/*", "arn:aws:wafv2:us-east-1:123456789012:global/managedruleset/*/*",
		"arn:aws:wafv2:us-east-1:123456789012:global/regexpatternset/skerry-*/*", "arn:aws:wafv2:us-east-1:123456789012:global/rulegroup/skerry-*/*",
		"arn:aws:wafv2:us-east-1:123456789012:global/webacl/skerry-*/*")
	f("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/ZCERT", "arn:aws:route53:::hostedzone/ZHOST")
	f("s3:PutBucketPolicy", "arn:aws:s3:::aws-waf-logs-x", "arn:aws:s3:::files", "arn:aws:s3:::logs")
	f("s3:GetObject", "arn:aws:s3:::files/moved.json")
	f("lambda:AddPermission", "arn:aws:lambda:eu-west-1:1:function:f")
	f("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:skerry/*")
	f("logs:PutDeliverySource", "arn:aws:logs:us-east-1:123456789012:delivery-source:*")
	f("iam:CreateServiceLinkedRole", "arn:aws:iam::123456789012:role/aws-service-role/vpcorigin.cloudfront.amazonaws.com/AWSServiceRoleForCloudFrontVPCOrigin")
	for a := range wide {
		if !used[a] {
			t.Errorf("%s stands in the table and in no policy", a)
		}
	}
}

// Only what is deployed may be done.
func TestDeployerIsNarrow(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, nil)
	b.add("a", kind{})
	d := b.deployed()
	for _, s := range policyOf(t, d).Statement {
		for _, a := range s.Action {
			service, _, _ := strings.Cut(a, ":")
			if !slices.Contains([]string{"cloudfront", "cloudformation"}, service) {
				t.Errorf("%s is allowed", a)
			}
			if strings.Contains(a, "Function") || strings.Contains(a, "Tenant") {
				t.Errorf("%s is allowed, and there is none", a)
			}
		}
	}
	b.account.Account = ""
	if got := policyOf(t, &model.Deployment{Deployer: b.deployer(d)}).allowed("cloudfront:GetDistribution"); !slices.Equal(got, []string{"arn:aws:cloudfront::*:distribution/*"}) {
		t.Errorf("without an account: %q", got)
	}
	if b.deployer(&model.Deployment{}) != nil {
		t.Error("nothing to deploy needs rights")
	}
}

// Secrets that the spec names are read, and no others.
func TestDeployerReadsForeignSecrets(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, nil)
	s := b.add("a", kind{})
	arn := "arn:aws:secretsmanager:eu-west-1:123456789012:secret:origin-abc"
	s.origins[0].service = &spec.Service{AWS: &spec.AWSOrigin{Secret: arn}}
	if got := policyOf(t, b.deployed()).allowed("secretsmanager:GetSecretValue"); !slices.Equal(got, []string{arn}) {
		t.Errorf("secrets: %q", got)
	}
}

// Each type of the model may be deployed, or is never made.
func TestPermits(t *testing.T) {
	never := []string{
		"AWS::CloudFront::AnycastIpList", "AWS::CloudFront::CloudFrontOriginAccessIdentity", "AWS::CloudFront::ConnectionFunction",
		"AWS::CloudFront::KeyGroup", "AWS::CloudFront::MonitoringSubscription", "AWS::CloudFront::PublicKey", "AWS::CloudFront::RealtimeLogConfig",
		"AWS::CloudFront::TrustStore", "AWS::IAM::ManagedPolicy", "AWS::Route53::HostedZone", "AWS::Route53::RecordSetGroup", "AWS::WAFv2::WebACLAssociation",
	}
	data, err := os.ReadFile("../schema/cfn.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Resources map[string]any }
	if err := json.Unmarshal(data, &file); err != nil || len(file.Resources) < 30 {
		t.Fatal(len(file.Resources), err)
	}
	for name := range file.Resources {
		if _, ok := permits[name]; ok == slices.Contains(never, name) {
			t.Errorf("%s: may be deployed: %v, and is never made: %v", name, ok, !ok)
		}
	}
}
