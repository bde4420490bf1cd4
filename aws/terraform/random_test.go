package terraform_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/terraform"
)

// mapped are the types that are written for Terraform.
var mapped = []string{
	"AWS::CertificateManager::Certificate", "AWS::CloudFront::CachePolicy", "AWS::CloudFront::ConnectionGroup", "AWS::CloudFront::ContinuousDeploymentPolicy",
	"AWS::CloudFront::Distribution", "AWS::CloudFront::DistributionTenant", "AWS::CloudFront::Function", "AWS::CloudFront::KeyGroup",
	"AWS::CloudFront::KeyValueStore", "AWS::CloudFront::MonitoringSubscription", "AWS::CloudFront::OriginAccessControl", "AWS::CloudFront::OriginRequestPolicy",
	"AWS::CloudFront::RealtimeLogConfig", "AWS::CloudFront::ResponseHeadersPolicy", "AWS::CloudFront::VpcOrigin", "AWS::IAM::ManagedPolicy",
	"AWS::Lambda::Permission", "AWS::Logs::Delivery", "AWS::Logs::DeliveryDestination", "AWS::Logs::DeliverySource", "AWS::Logs::LogGroup",
	"AWS::Logs::ResourcePolicy", "AWS::Route53::HostedZone", "AWS::Route53::RecordSet", "AWS::S3::BucketPolicy", "AWS::SecretsManager::RotationSchedule",
	"AWS::SecretsManager::Secret", "AWS::WAFv2::IPSet", "AWS::WAFv2::LoggingConfiguration", "AWS::WAFv2::RegexPatternSet", "AWS::WAFv2::RuleGroup", "AWS::WAFv2::WebACL",
}

// TestRandom writes properties that have anything in them. What Terraform has no place for must be told; it is taken out, until all
// of it can be said; then it must come back as it was.
func TestRandom(t *testing.T) {
	seed := rand.Uint64()
	said := map[string]int{}
	t.Logf("seed %d", seed)
	const least = 5
	tooFew := func() bool {
		return slices.ContainsFunc(mapped, func(kind string) bool { return said[kind] < least })
	}
	for i := 0; i < 2000 || i < 20_000 && tooFew(); i++ { // chance may be against a kind of which Terraform can say little
		g := newGenerator(seed, uint64(i))
		kind := mapped[i%len(mapped)]
		r := &model.Resource{ID: "Thing1AB", Props: model.New(kind), Owner: "shop", DependsOn: []*model.Resource{g.to}}
		g.fill(reflect.ValueOf(r.Props).Elem(), 0)
		s := &model.Stack{Name: "one", Region: "us-east-1", Note: "a note"}
		s.Add(g.to, r)
		d := &model.Deployment{Stacks: []*model.Stack{s}}
		if data := sayable(t, d, r); data != nil {
			said[kind]++
			equal(t, d, data)
		}
		if t.Failed() {
			t.Fatalf("seed %d, run %d", seed, i)
		}
	}
	for _, kind := range mapped {
		if said[kind] < least {
			t.Errorf("%s could be said %d times: the test says little of it", kind, said[kind])
		}
	}
}

// sayable takes out of a resource what Terraform cannot say, and writes the rest; nil: nothing is left.
func sayable(t *testing.T, d *model.Deployment, r *model.Resource) []byte {
	t.Helper()
	for range 60 {
		data, findings, err := terraform.Emit(d)
		if err != nil {
			t.Fatal(err)
		}
		if finding.Errors(findings) == 0 {
			return data
		}
		if !prune(r, findings) {
			return nil
		}
	}
	return nil
}

// equal holds what Read makes of a file against the deployment.
func equal(t *testing.T, d *model.Deployment, data []byte) {
	t.Helper()
	back, err := terraform.Read(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	want := terraform.Normal(d)
	if len(back.Stacks) != len(want.Stacks) {
		t.Fatalf("%d stacks, want %d", len(back.Stacks), len(want.Stacks))
	}
	for i, s := range want.Stacks {
		got := back.Stacks[i]
		if got.Name != s.Name || got.Region != s.Region || got.Note != s.Note || len(got.Resources) != len(s.Resources) || len(got.After) != len(s.After) {
			t.Errorf("stack %+v, want %+v", got, s)
		}
		if a, b := model.Digest(got.Outputs), model.Digest(s.Outputs); a != b {
			t.Errorf("outputs %v, want %v", got.Outputs, s.Outputs)
		}
		for _, r := range s.Resources {
			same(t, back.Resource(r.ID), r)
		}
	}
}

func same(t *testing.T, got, want *model.Resource) {
	t.Helper()
	if got == nil {
		t.Fatalf("%s did not come back", want.ID)
	}
	if got.Retain != want.Retain || got.Owner != want.Owner || len(got.DependsOn) != len(want.DependsOn) {
		t.Errorf("%s: retain %v, owner %q, %d before it; want %v, %q, %d", want.ID, got.Retain, got.Owner, len(got.DependsOn), want.Retain, want.Owner, len(want.DependsOn))
	}
	for i := range want.DependsOn {
		if got.DependsOn[i].ID != want.DependsOn[i].ID {
			t.Errorf("%s depends on %s, want %s", want.ID, got.DependsOn[i].ID, want.DependsOn[i].ID)
		}
	}
	if got.Type() != want.Type() || model.Digest(got.Props) != model.Digest(want.Props) {
		t.Fatalf("%s came back otherwise (- is wanted):\n%s", want.ID, cmp.Diff(shown(want.Props), shown(got.Props)))
	}
}

// generator fills properties with anything.
type generator struct {
	rand *rand.Rand
	to   *model.Resource // that references go to
}

func newGenerator(seed, run uint64) *generator {
	return &generator{rand: rand.New(rand.NewPCG(seed, run)), to: &model.Resource{ID: "Other", Props: &model.WebACL{
		Name: model.Text("other"), Scope: model.Text("CLOUDFRONT"), DefaultAction: &model.WebACLDefaultAction{Allow: &model.WebACLAllowAction{}},
		VisibilityConfig: &model.WebACLVisibilityConfig{CloudWatchMetricsEnabled: model.Bool(true), MetricName: model.Text("other"), SampledRequestsEnabled: model.Bool(true)},
	}}}
}

var valueType = reflect.TypeFor[model.Value]()

// needed are what the provider needs in a distribution; without them nothing else of it would be seen.
var needed = []string{
	"DefaultCacheBehavior", "DomainName", "Enabled", "EventType", "ErrorCode", "FailoverCriteria", "Id", "Members", "OriginId", "Origins", "StatusCodes",
	"TargetOriginId", "ViewerProtocolPolicy", "LambdaFunctionARN", "FunctionARN", "GeoRestriction", "RestrictionType", "PathPattern", "Comment", "DistributionConfig",
}

func (g *generator) chance(percent int) bool { return g.rand.IntN(100) < percent }

func pick[T any](g *generator, list []T) T { return list[g.rand.IntN(len(list))] }

func (g *generator) fill(v reflect.Value, depth int) {
	percent := max(8, 110-11*depth)
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if name == "Quantity" || !slices.Contains(needed, name) && !g.chance(percent) {
			continue
		}
		g.field(f, name, depth)
	}
	if q := v.FieldByName("Quantity"); q.IsValid() {
		q.Set(reflect.ValueOf(model.Int(v.FieldByName("Items").Len())))
	}
}

func (g *generator) field(f reflect.Value, name string, depth int) {
	switch t := f.Type(); {
	case t == valueType:
		f.Set(reflect.ValueOf(g.value(name)))
	case t.Kind() == reflect.Interface:
		if strings.HasSuffix(name, "PolicyDocument") {
			f.Set(reflect.ValueOf(g.free(0)))
			return
		}
		f.Set(reflect.ValueOf(map[string]any{}))
	case t.Kind() == reflect.Pointer:
		f.Set(reflect.New(t.Elem()))
		g.fill(f.Elem(), depth+1)
	case t.Kind() == reflect.Slice:
		n := (g.rand.IntN(7) + 2) / 3
		if slices.Contains(needed, name) {
			n++
		}
		f.Set(reflect.MakeSlice(t, n, n))
		for i := range n {
			g.field(f.Index(i), name, depth+1)
		}
	case t.Kind() == reflect.Map && t.Elem() != valueType:
		f.Set(reflect.MakeMap(t))
		for _, key := range []string{"CLOUDFRONT", pick(g, []string{"API_GATEWAY", "one", "${two}"})} {
			inner := reflect.New(t.Elem().Elem())
			g.fill(inner.Elem(), depth+1)
			f.SetMapIndex(reflect.ValueOf(key), inner)
		}
	}
}

// texts are such as templates and JSON could misread.
var texts = []string{"", "a", "viewer-request", "${x}", "%{if}", "$${y}", "$", "%", "$%{", "$$${z}", "a\"b\\c\n\td", "<&>", "\u2028é", "${\"${a}\"}", "{{resolve", "X-Header", "60"}

func (g *generator) value(name string) model.Value {
	if name == "TTL" || name == "ResponseCode" {
		return model.Text("404")
	}
	if name == "Key" { // of a tag
		return model.Text(pick(g, []string{"a", "b", "${c}", "d:e", "f", "g", "h"}) + strconv.Itoa(g.rand.IntN(90)))
	}
	switch g.rand.IntN(10) {
	case 0:
		return model.Int(g.rand.Int64N(1<<40) - 5)
	case 1:
		return model.Bool(g.chance(50))
	case 2:
		return model.Ref{Resource: g.to, Attr: pick(g, []string{"Arn", "Id"})}
	case 3:
		return pick(g, []model.Value{model.AccountID, model.Region, model.Partition})
	case 4:
		return model.Join{model.Text("a"), model.Join{g.value(""), model.Text("")}, g.value("")}
	case 5:
		return model.Float(0.25)
	}
	return model.Text(pick(g, texts))
}

func (g *generator) free(depth int) any {
	switch n := g.rand.IntN(6); {
	case n == 0 && depth < 4:
		return map[string]any{pick(g, texts): g.free(depth + 1), "b": g.free(depth + 1)}
	case n == 1 && depth < 4:
		return []any{g.free(depth + 1), g.free(depth + 1)}
	case n == 2:
		return pick(g, texts)
	case n == 3:
		return true
	}
	if depth == 0 {
		return map[string]any{"a": g.value("")}
	}
	return g.value("")
}

// prune takes what Terraform cannot say out of a resource; false: all of it.
func prune(r *model.Resource, findings []finding.Finding) bool {
	for _, f := range findings {
		if f.Severity != finding.Error {
			continue
		}
		path, ok := strings.CutPrefix(f.Path, "Resources."+r.ID+".Properties.")
		if !ok {
			return false
		}
		v := reflect.ValueOf(r.Props).Elem()
		names := strings.Split(path, ".")
		for i, name := range names {
			inner := step(v, name)
			if !inner.IsValid() {
				break
			}
			if i == len(names)-1 || inner.Kind() == reflect.Pointer && inner.IsNil() {
				cut(v, name)
				break
			}
			v = inner
			for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
				v = v.Elem()
			}
		}
	}
	return true
}

func step(v reflect.Value, name string) reflect.Value {
	switch v.Kind() {
	case reflect.Struct:
		return v.FieldByName(name)
	case reflect.Slice:
		for i := range v.Len() {
			if name == string(rune('0'+i)) {
				return v.Index(i)
			}
		}
	case reflect.Map:
		return v.MapIndex(reflect.ValueOf(name))
	}
	return reflect.Value{}
}

// cut takes a property away, an item of a list, a key of a map.
func cut(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Struct:
		v.FieldByName(name).SetZero()
		if name == "Items" && v.FieldByName("Quantity").IsValid() {
			v.FieldByName("Quantity").Set(reflect.ValueOf(model.Int(0)))
		}
	case reflect.Slice:
		if v.CanSet() {
			v.Set(v.Slice(0, 0))
		}
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String {
			v.SetMapIndex(reflect.ValueOf(name), reflect.Value{})
		}
	}
}

func shown(p model.Properties) []string {
	var b strings.Builder
	show(&b, model.Tree(p, func(v model.Value) any { return v }), "")
	return strings.Split(b.String(), "\n")
}
