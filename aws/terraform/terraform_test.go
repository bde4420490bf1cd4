package terraform_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/terraform"
	"skerry.dev/skerry/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

// cases are deployments by name, with the findings that Terraform has about them.
var cases = map[string]struct {
	make func() *model.Deployment
	ids  []string
}{
	"shop":   {shop, []string{"note terraform-retain"}},
	"deep":   {deep, []string{"warning terraform-rule-json", "warning terraform-rule-json"}},
	"closed": {closed, []string{"warning terraform-state-secret"}},
	"canary": {canary, nil},
	"many":   {many, []string{"warning terraform-tenants"}},
}

// TestGolden writes each case, compares it with its golden file, and reads it back.
func TestGolden(t *testing.T) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := c.make()
			data, findings, err := terraform.Emit(d)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, f := range findings {
				ids = append(ids, f.Severity.String()+" "+f.Rule.ID)
			}
			if !slices.Equal(ids, c.ids) {
				t.Errorf("findings %v, want %v: %v", ids, c.ids, findings)
			}
			golden(t, filepath.Join("testdata", name+".tf.json"), data)
			equal(t, d, data)
		})
	}
}

func golden(t *testing.T, path string, data []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, data) {
		t.Errorf("%s is otherwise (-update writes it):\n%s", path, data)
	}
}

// TestOrder writes a deployment whose resources stand in another order.
func TestOrder(t *testing.T) {
	for name, c := range cases {
		d := c.make()
		first, _, _ := terraform.Emit(d)
		for _, s := range d.Stacks {
			slices.Reverse(s.Resources)
		}
		if second, _, _ := terraform.Emit(d); !bytes.Equal(first, second) {
			t.Errorf("%s: the order of resources changes the file", name)
		}
	}
}

// TestCompiled takes what the compiler makes of specs there and back.
func TestCompiled(t *testing.T) {
	for _, path := range specs(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, problems := spec.Load([]string{path}, spec.Options{})
			for _, p := range problems {
				t.Error(p)
			}
			d, _ := compile.Run(s)
			data, findings, err := terraform.Emit(d)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				if f.Rule.ID == "terraform-unsupported" {
					t.Error(f)
				}
			}
			equal(t, d, data)
		})
	}
}

func specs(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(list) == 0 {
		t.Fatalf("no specs in testdata: %v", err)
	}
	return list
}

// TestUnsupported names what Terraform has no place for.
func TestUnsupported(t *testing.T) {
	f := func(p model.Properties, want string) {
		t.Helper()
		s := &model.Stack{Name: "one", Region: "us-east-1"}
		s.Add(&model.Resource{ID: "Thing", Props: p})
		_, findings, err := terraform.Emit(&model.Deployment{Stacks: []*model.Stack{s}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Rule.ID == "terraform-unsupported" && strings.Contains(f.Path+": "+f.Text, want) {
				return
			}
		}
		t.Errorf("%v do not say %q", findings, want)
	}
	f(&model.TrustStore{}, "Resources.Thing: AWS::CloudFront::TrustStore is not written")
	f(&model.KeyValueStore{Name: text("a"), ImportSource: &model.KeyValueStoreImportSource{}}, "Thing.Properties.ImportSource: the provider's version 6.25.0 has no import_source")
	f(&model.Function{}, "the provider needs code")
	f(&model.IPSet{Name: model.Pseudo("AWS::StackName")}, "Thing.Properties.Name: AWS::StackName is known to CloudFormation only")
	f(&model.IPSet{Name: model.Intrinsic{Name: "Fn::Select"}}, "the function Fn::Select is known to CloudFormation only")
	f(&model.IPSet{Name: text("{{resolve:ssm:a}}")}, "only values of Secrets Manager can be asked for")
	f(&model.IPSet{Name: text("{{resolve:secretsmanager:a:SecretString:b:AWSPREVIOUS}}")}, "a version of a secret cannot be named")
	f(&model.Certificate{DomainValidationOptions: []*model.CertificateDomainValidationOption{{DomainName: text("a"), ValidationDomain: text("b")}}}, "a hosted zone only")
	f(&model.WebACL{DefaultAction: &model.WebACLDefaultAction{}, OnSourceDDoSProtectionConfig: &model.WebACLOnSourceDDoSProtectionConfig{}}, "on_source_ddos_protection_config")
	f(&model.WebACL{Rules: []*model.WebACLRule{{Action: &model.WebACLRuleAction{Monetize: &model.WebACLMonetizeAction{}}}}}, "Rules.0.Action.Monetize: ")
	f(&model.WebACL{Rules: []*model.WebACLRule{{Statement: &model.WebACLStatement{ByteMatchStatement: &model.WebACLByteMatchStatement{SearchStringBase64: text("/w==")}}}}}, "search_string_base64")
	f(&model.RotationSchedule{SecretId: text("a"), HostedRotationLambda: &model.RotationScheduleHostedRotationLambda{}}, "hosted_rotation_lambda")
}

// TestErrors refuses deployments that are none.
func TestErrors(t *testing.T) {
	gone := &model.Resource{ID: "Gone", Props: &model.IPSet{}}
	f := func(want string, list ...*model.Resource) {
		t.Helper()
		s := &model.Stack{Name: "one", Region: "us-east-1"}
		s.Add(list...)
		if _, _, err := terraform.Emit(&model.Deployment{Stacks: []*model.Stack{s}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("two resources have the logical id A", &model.Resource{ID: "A", Props: &model.IPSet{}}, &model.Resource{ID: "A", Props: &model.IPSet{}})
	f("A refers to Gone, which is in no stack", &model.Resource{ID: "A", Props: &model.IPSet{Name: model.Ref{Resource: gone, Attr: "Arn"}}})
	f("Quantity is 3 of 0 items", &model.Resource{ID: "A", Props: &model.Distribution{DistributionConfig: &model.DistributionConfig{OriginGroups: &model.DistributionOriginGroups{Quantity: model.Int(3)}}}})
}

// TestNames gives logical ids that differ in case only names of their own.
func TestNames(t *testing.T) {
	s := &model.Stack{Name: "one", Region: "us-east-1"}
	for _, id := range []string{"FooB", "FooBAR", "FooBar", "FOOBar"} {
		r := cachePolicy(id)
		s.Add(r)
	}
	d := &model.Deployment{Stacks: []*model.Stack{s}}
	data, _, err := terraform.Emit(d)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, d, data)
}

// TestReadErrors refuses files that Emit has not written.
func TestReadErrors(t *testing.T) {
	data, _, err := terraform.Emit(canary())
	if err != nil {
		t.Fatal(err)
	}
	f := func(old, new, want string) {
		t.Helper()
		if !strings.Contains(string(data), old) {
			t.Fatalf("no %q in the file", old)
		}
		_, err := terraform.Read([]byte(strings.Replace(string(data), old, new, 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", new, err, want)
		}
	}
	f(`"http_version": "http2"`, `"http_versions": "http2"`, "http_versions: no property of CloudFormation is mapped to it")
	f(`"${aws_cloudfront_response_headers_policy.headers_ab12.id}"`, `"${var.headers}"`, `Emit writes no expression like "var.headers"`)
	f(`headers_ab12.id}`, `headers.id}`, "there is no aws_cloudfront_response_headers_policy.headers")
	f(`"skerry-shared HeadersAB12"`, `"HeadersAB12"`, "names no stack and logical id")
	f(`"aws_cloudfront_response_headers_policy": {`, `"aws_sns_topic": {`, "Emit writes no such resource")
	f(`"weight": 0.05`, `"weight": {"a": 1}`, "text, a number or true and false is needed")
	f(`"terraform": {`, `"module": {`, "module: Emit writes no such block")
}

// BenchmarkEmit500x10 writes 500 entrypoints of 10 routes.
func BenchmarkEmit500x10(b *testing.B) {
	var text strings.Builder
	text.WriteString("apiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: aws}\nspec:\n  account: \"123456789012\"\n  zones: {example.com: Z0123456789ABCDEFGHIJ}\n")
	for i := range 500 {
		fmt.Fprintf(&text, "---\napiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop-%03d}\nspec:\n  hosts: [shop-%03d.example.com]\n  profile: api\n  routes:\n", i, i)
		for r := range 9 {
			fmt.Fprintf(&text, "  - {name: part-%d, match: {prefix: /part-%d}, service: \"https://app-%03d.internal.example.net\"}\n", r, r, i)
		}
		fmt.Fprintf(&text, "  - {name: rest, service: \"https://app-%03d.internal.example.net\"}\n", i)
	}
	path := filepath.Join(b.TempDir(), "edge.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	s, problems := spec.Load([]string{path}, spec.Options{})
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	d, _ := compile.Run(s)
	b.ReportAllocs()
	for b.Loop() {
		data, _, err := terraform.Emit(d)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}

// FuzzRead reads anything, and what can be read is written again.
func FuzzRead(f *testing.F) {
	for _, c := range cases {
		data, _, _ := terraform.Emit(c.make())
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := terraform.Read(data)
		if err != nil {
			return
		}
		if again, findings, err := terraform.Emit(d); err == nil && len(findings) == 0 {
			equal(t, d, again)
		}
	})
}
