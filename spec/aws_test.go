package spec_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/spec"
)

const account = "---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: production}\nspec: {account: \"123456789012\"}\n"

func TestDefaultAWS(t *testing.T) {
	if s := mustParse(t, yaml(six)); s.AWS != nil {
		t.Errorf("without a document: %+v", s.AWS)
	}
	got := mustParse(t, yaml(strings.Replace(account, "spec: {account: \"123456789012\"}", "spec: {}", 1))).AWS
	got.Meta, got.At = spec.Meta{}, spec.Pos{}
	if want := spec.DefaultAWS(); !reflect.DeepEqual(got, want) {
		t.Errorf("a document that says nothing is %+v, without one it is %+v", got, want)
	}
}

// TestAWSAlone: a document of an account is a document, though it serves nothing.
func TestAWSAlone(t *testing.T) {
	path := t.TempDir() + "/aws.yaml"
	write(t, path, account)
	if s, problems := spec.Load([]string{path}, spec.Options{}); s == nil || s.AWS == nil {
		t.Error(problems)
	}
}

// TestExampleOfAWS holds the example to every field of the three objects: each is said once at least.
func TestExampleOfAWS(t *testing.T) {
	s, problems := spec.Load([]string{"../testdata/spec-next"}, spec.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	said := map[string]bool{"AWS.logs": true, "AWS.firewall": true, "aws certificate.arn": true, "aws certificate.hosts": true, "Service.aws": true, "Entrypoint.portability": true}
	note := func(kind string, sources []spec.Source) {
		for _, source := range sources {
			if _, ok := source.Pos(); ok {
				said[spec.FieldOf(kind, source.Path)] = true
			}
		}
	}
	note("AWS", s.AWS.Sources)
	for _, v := range s.Services {
		note("Service", v.Sources)
	}
	for _, e := range s.Entrypoints {
		note("Entrypoint", e.Sources)
	}
	for _, field := range spec.FieldPaths() {
		object, _, _ := strings.Cut(field, ".")
		about := object == "AWS" || object == "portability" || strings.HasPrefix(object, "aws ") || strings.HasSuffix(field, ".aws")
		if about && !said[field] {
			t.Errorf("testdata/spec-next says nothing of %s", field)
		}
	}
}

// profiled is an entrypoint under a profile of one's own, which extends a built-in one.
const profiled = six + `  profile: mine
  routes: [{match: {path: /a}, service: http://a, waf: {paranoia: 2}, headers: {request: {set: {X.A: b}}}}]
---
apiVersion: skerry.dev/v1
kind: Profile
metadata: {name: mine}
spec: {extends: api, limit: {perAddress: 1/s}, methods: [GET], headers: {response: {remove: [Server]}}}
`

func TestSources(t *testing.T) {
	s := mustParse(t, yaml(profiled+account))
	route := s.Entrypoints[0].Routes[0].Sources
	f := func(sources []spec.Source, path, value string, author spec.Author, at string) {
		t.Helper()
		got, ok := spec.SourceOf(sources, path)
		pos, written := got.Pos()
		if !ok || got.Value != value || got.Author() != author || written != (at != "") || pos.String() != at {
			t.Errorf("%s is %+v by %d at %q, want %q by %d at %q", path, got, got.Author(), pos, value, author, at)
		}
	}
	f(route, "spec.waf.paranoia", "2", spec.AuthorSpec, "x.yaml:8:67")
	f(route, "spec.headers.request.set.X.A", "b", spec.AuthorSpec, "x.yaml:8:97")
	f(route, "spec.headers.response.remove", "Server", spec.AuthorProfile, "x.yaml:13:94")
	f(route, "spec.limit", "{perAddress: 1/s, burst: 2}", spec.AuthorProfile, "x.yaml:13:29")
	f(route, "spec.limit.burst", "{perAddress: 1/s, burst: 2}", spec.AuthorProfile, "x.yaml:13:29")
	f(route, "spec.waf.allow.methods", "[GET]", spec.AuthorProfile, "x.yaml:13:57") // it follows from methods
	f(route, "spec.errors", "problem", spec.AuthorBuiltIn, "")
	f(route, "spec.hedge", "off", spec.AuthorDefault, "")
	f(s.Services[0].Sources, "spec.endpoints", "[http://127.0.0.1:9000]", spec.AuthorSpec, "x.yaml:6:12")
	f(s.Services[0].Sources, "spec.timeouts.connect", "2s", spec.AuthorDefault, "")
	f(s.AWS.Sources, "spec.account", "123456789012", spec.AuthorSpec, "x.yaml:18:17")
	f(s.AWS.Sources, "spec.firewall.bodyKB", "16", spec.AuthorDefault, "")
	for _, path := range []string{"", "spec", "spec.", "spec.wa", "spec.limits", "hedge"} {
		if got, ok := spec.SourceOf(route, path); ok {
			t.Errorf("%q is the value %+v", path, got)
		}
	}
	if at, ok := (spec.Source{From: "spec x.yaml:1:1"}).Pos(); ok {
		t.Errorf("a source that Parse did not make stands at %s", at)
	}
}

// TestEverySourceIsAField: what stands in Sources has a line in portability.yaml, be it a field or inside of one.
func TestEverySourceIsAField(t *testing.T) {
	s, problems := spec.Load([]string{"../testdata/spec-next"}, spec.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	seen := map[string]bool{}
	check := func(kind string, sources []spec.Source) {
		for _, source := range sources {
			field := spec.FieldOf(kind, source.Path)
			d, ok := spec.DifferenceOf(field)
			if !ok || (d.Fit == spec.FitExact) != (d.ID == "") || d.Reason != spec.DifferenceReason(d.ID) {
				t.Errorf("%s %s: the field %q has the difference %+v", kind, source.Path, field, d)
			}
			seen[field] = true
			if at, ok := source.Pos(); ok && (source.Author() < spec.AuthorProfile || at.Line < 1 || at.Col < 1) {
				t.Errorf("%s %s by %d stands at %+v", kind, source.Path, source.Author(), at)
			} else if !ok && source.Author() >= spec.AuthorProfile {
				t.Errorf("%s %s from %s has no place", kind, source.Path, source.From)
			}
		}
	}
	for _, e := range s.Entrypoints {
		check("Entrypoint", e.Sources)
		for _, r := range e.Routes {
			check("Entrypoint", r.Sources)
		}
	}
	for _, v := range s.Services {
		check("Service", v.Sources)
	}
	check("AWS", s.AWS.Sources)
	for _, field := range []string{"Policy.hedge", "waf.paranoia", "waf allow.methods", "cache key.query", "cache ttl.max", "edits.set", "health.path", "aws logs.waf", "portability.allow"} {
		if !seen[field] {
			t.Errorf("no value of the examples is the field %s", field)
		}
	}
}

func TestFieldOf(t *testing.T) {
	f := func(kind, path, want string) {
		t.Helper()
		if got := spec.FieldOf(kind, path); got != want {
			t.Errorf("%s %s is %q, want %q", kind, path, got, want)
		}
	}
	f("Entrypoint", "spec.hosts", "Entrypoint.hosts")
	f("Entrypoint", "spec.log", "Policy.log")
	f("Profile", "spec.log", "Policy.log")
	f("Entrypoint", "spec.limit.burst", "limit.burst")
	f("Entrypoint", "spec.headers.request.set.limit", "edits.set")
	f("Entrypoint", "spec.headers.request.remove", "edits.remove")
	f("Entrypoint", "spec.hsts.maxAge", "hsts.maxAge")
	f("Service", "spec.balance.sticky.cookie", "sticky.cookie")
	f("AWS", "spec.zones.firewall.example.com", "AWS.zones")
	f("Certificate", "spec.key", "Certificate.key")
	f("Service", "spec.log", "")
	f("Entrypoint", "", "")
	f("Ingress", "spec.hosts", "")
	f("metadata", "name", "metadata.name")
}

func TestDifferences(t *testing.T) {
	var names []string
	words := map[string]bool{}
	for name, d := range spec.Differences() {
		names = append(names, name)
		words[d.Fit.String()] = true
		if again, ok := spec.DifferenceOf(name); !ok || again != d {
			t.Errorf("%s is %+v and %+v", name, d, again)
		}
	}
	want := spec.FieldPaths()
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(names, want) || len(words) != 3 {
		t.Errorf("got the words %v and the fields\n%v\nwant\n%v", words, names, want)
	}
	for range spec.Differences() {
		break // a loop may end before its end
	}
	d, _ := spec.DifferenceOf("Policy.hedge")
	if d.Fit != spec.FitNone || d.ID != "hedging" || !strings.HasPrefix(d.Reason, "No second origin") {
		t.Errorf("got %+v", d)
	}
	if d, ok := spec.DifferenceOf("Policy.hedges"); ok || spec.DifferenceReason("") != "" || spec.DifferenceReason("hedges") != "" {
		t.Errorf("got %+v", d)
	}
}

// TestSchemaOfAWS: the schema and Parse say the same of what AWS has a form for.
func TestSchemaOfAWS(t *testing.T) {
	s := schema(t)
	f := func(want bool, kind, fields string) {
		t.Helper()
		text := fmt.Sprintf("apiVersion: skerry.dev/v1\nkind: %s\nmetadata: {name: a}\nspec:\n  %s\n", kind, fields)
		if err := valid(t, s, text); (err == nil) != want {
			t.Errorf("the schema says %v of\n%s", err, text)
		}
		if _, problems := spec.Parse([]spec.File{yaml(text)}); (len(problems) == 0) != want {
			t.Errorf("Parse says %v of\n%s", problems, text)
		}
	}
	const id = "12345678-90ab-cdef-1234-567890abcdef"
	for _, line := range []string{
		`account: "000000000012"`, "packing: tenants", "packing: shared", "priceClass: 200", `priceClass: "200"`, "http3: false", "ipv6: off", "canary: function",
		"zones: {example.com: Z1}", "zones: {}", "quotas: {wcu5000: 1}", "quotas: {a: 10000000}", "allow: []", "allow: [a, a-1]", "logs: {}", "firewall: {bodyKB: 48}",
		`certificates: [{arn: "arn:aws:acm:us-east-1:123456789012:certificate/` + id + `", hosts: ["*.example.com"]}]`,
		`logs: {bucket: "arn:aws:s3:::a.b-c"}`, `logs: {waf: "arn:aws:s3:::aws-waf-logs-a"}`, `logs: {waf: "arn:aws:firehose:us-east-1:123456789012:deliverystream/aws-waf-logs-A.b_c"}`,
	} {
		f(true, "AWS", line)
	}
	for _, line := range []string{
		"account: 123456789012", `account: "1234"`, "packing: off", "priceClass: 300", "http3: 3", "canary: off", "zones: [example.com]", "zones: {example.com: z1}",
		"zones: {example.com: /hostedzone/Z1}", "quotas: {A: 1}", "quotas: {a-b: 1}", "quotas: {a: 0}", "quotas: {a: 1.5}", `quotas: {a: "1"}`, "quotas: [a]", "allow: a", "allow: [A]",
		"allow: [a_b]", "logs: off", "firewall: {bodyKB: 8}", "firewall: {bots: on}", "firewall: {rules: []}", "certificates: [{}]", "certificates: {}",
		`certificates: [{arn: "arn:aws:acm:eu-central-1:123456789012:certificate/` + id + `", hosts: [a.b]}]`,
		`certificates: [{arn: "arn:aws:acm:us-east-1:123456789012:certificate/` + strings.ToUpper(id) + `", hosts: [a.b]}]`,
		`logs: {bucket: a}`, `logs: {bucket: "arn:aws:s3:::A"}`, `logs: {waf: "arn:aws:s3:::logs"}`, `logs: {waf: "arn:aws:logs:eu-central-1:123456789012:log-group:aws-waf-logs-a"}`,
	} {
		f(false, "AWS", line)
	}
	const lb = `loadBalancer: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/`
	for _, line := range []string{
		"directory: {path: a}, aws: {bucket: a.b-c, region: ap-southeast-7}", `endpoints: [https://a], aws: {` + lb + `net/a-B/0123456789abcdef"}`,
		`endpoints: [https://a, https://b], aws: {secret: "arn:aws:secretsmanager:us-east-1:123456789012:secret:a/b_c-a1B2c3"}`,
		`endpoints: ["https://A.Lambda-URL.eu-central-1.on.aws:443/"], aws: {function: "arn:aws:lambda:eu-central-1:123456789012:function:a_b:v1"}`,
	} {
		f(true, "Service", split(line))
	}
	for _, line := range []string{
		"directory: {path: a}, aws: {bucket: a, region: eu-central-1}", "directory: {path: a}, aws: {bucket: abc, region: eu}", "directory: {path: a}, aws: off",
		"directory: {path: a}, aws: {buckets: abc}", `endpoints: [https://a], aws: {` + lb + `a"}`, `endpoints: [https://a], aws: {` + lb + `app/a/0"}`,
		`endpoints: [https://a], aws: {secret: file:a}`, `endpoints: [https://a], aws: {function: a}`,
		`endpoints: [https://a.lambda-url.eu-central-1.on.aws], aws: {function: "arn:aws:lambda:eu-central-1:123456789012:function:a:1"}`,
	} {
		f(false, "Service", split(line))
	}
	for _, line := range []string{"portability: {allow: []}", "portability: {allow: [a-b]}"} {
		f(true, "Entrypoint", "hosts: [a.b]\n  service: http://a\n  "+line)
	}
	for _, line := range []string{"portability: off", "portability: {}", "portability: [a]", "portability: {allow: [A]}", "portability: {allow: a}", "portability: {deny: [a]}"} {
		f(false, "Entrypoint", "hosts: [a.b]\n  service: http://a\n  "+line)
	}
}

// split puts the aws of a service on a line of its own.
func split(line string) string { return strings.Replace(line, ", aws: ", "\n  aws: ", 1) }
