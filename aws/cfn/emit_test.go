package cfn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// pair is two stacks: what is shared, and a distribution that uses it.
func pair() *model.Deployment {
	policy := &model.Resource{ID: "CachePolicyA", Props: &model.CachePolicy{CachePolicyConfig: &model.CachePolicyConfig{
		Name: model.Text("skerry-a"), MinTTL: model.Int(0), DefaultTTL: model.Int(60), MaxTTL: model.Int(3600),
		ParametersInCacheKeyAndForwardedToOrigin: &model.CachePolicyParametersInCacheKeyAndForwardedToOrigin{
			EnableAcceptEncodingGzip: model.Bool(true),
			CookiesConfig:            &model.CachePolicyCookiesConfig{CookieBehavior: model.Text("none")},
			HeadersConfig:            &model.CachePolicyHeadersConfig{HeaderBehavior: model.Text("none")},
			QueryStringsConfig:       &model.CachePolicyQueryStringsConfig{QueryStringBehavior: model.Text("all")},
		},
	}}}
	function := &model.Resource{ID: "FunctionA", Retain: true, Props: &model.Function{
		Name: model.Text("a"), FunctionConfig: &model.FunctionConfig{Comment: model.Text(""), Runtime: model.Text("cloudfront-js-2.0")},
		FunctionCode: model.Text("function handler(event) {\n    return `${event.request.uri}`;\n}\n"),
	}}
	acl := &model.Resource{ID: "WebACLA", Props: &model.WebACL{Name: model.Text("a"), Scope: model.Text("CLOUDFRONT")}}
	distribution := &model.Resource{ID: "DistributionShop", Owner: "shop", Props: &model.Distribution{DistributionConfig: &model.DistributionConfig{
		Enabled: model.Bool(true), Comment: model.Text("shop: it's 5 % \"off\"\t\u2028 é 😀"), WebACLId: model.Ref{Resource: acl, Attr: "Arn"},
		Aliases: model.Texts([]string{"www.example.com", "*.example.com", "true", "12"}),
		DefaultCacheBehavior: &model.DistributionDefaultCacheBehavior{
			TargetOriginId: model.Text("shop"), ViewerProtocolPolicy: model.Text("redirect-to-https"), CachePolicyId: model.Ref{Resource: policy, Attr: "Id"},
			FunctionAssociations: []*model.DistributionFunctionAssociation{
				{EventType: model.Text("viewer-request"), FunctionARN: model.Ref{Resource: function, Attr: "FunctionARN"}},
			},
		},
		Origins: []*model.DistributionOrigin{},
	}}}
	bucketPolicy := &model.Resource{ID: "BucketPolicyShop", DependsOn: []*model.Resource{distribution}, Props: &model.BucketPolicy{
		Bucket: model.Text("files"),
		PolicyDocument: map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*", "Principal": map[string]any{"Service": "cloudfront.amazonaws.com"},
			"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceArn": model.Join{
				model.Text("arn:"), model.Partition, model.Text(":cloudfront::"), model.AccountID, model.Text(":distribution/"), model.Ref{Resource: distribution},
			}}},
		}}},
	}}
	mixed := &model.Resource{ID: "Group", Props: &model.LogGroup{LogGroupName: model.Join{model.Text("a${b}"), model.Ref{Resource: policy}}}}
	shared := &model.Stack{Name: "skerry-shared", Region: "us-east-1", Note: "what several distributions use"}
	shared.Add(policy, function, acl)
	edge := &model.Stack{Name: "skerry-edge-01", Region: "us-east-1", After: []*model.Stack{shared}}
	edge.Add(distribution, bucketPolicy, mixed)
	edge.Outputs = []model.Output{{ID: "Name", Note: "where DNS points to", Value: model.Ref{Resource: distribution, Attr: "DomainName"}}}
	return &model.Deployment{Stacks: []*model.Stack{shared, edge}}
}

func TestEmitReadsBack(t *testing.T) {
	d := pair()
	files, err := cfn.Emit(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"json", "yaml"} {
		var list []*cfn.Template
		for _, f := range files {
			data := f.JSON()
			if form == "yaml" {
				data = f.YAML()
			}
			r, err := cfn.Read(f.Stack.Name+"."+form, data)
			if err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			list = append(list, r)
		}
		same(t, d, list)
	}
	var list []*cfn.Template
	for _, f := range files {
		list = append(list, f.Template())
	}
	same(t, d, list)
}

// same compares a deployment with what templates say.
func same(t testing.TB, d *model.Deployment, list []*cfn.Template) {
	t.Helper()
	got, problems := cfn.Deployment(list...)
	for _, p := range problems {
		t.Error(p)
	}
	if diff := cmp.Diff(flat(d), flat(got)); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
}

// flat is a deployment as text, with references in one form.
func flat(d *model.Deployment) []string {
	var out []string
	for _, s := range d.Stacks {
		out = append(out, fmt.Sprintf("stack %s %s %q after %d", s.Name, s.Region, s.Note, len(s.After)))
		for _, o := range s.Outputs {
			out = append(out, fmt.Sprint("output ", o.ID, o.Note, plain(o.Value)))
		}
		for _, r := range sortedByID(s.Resources) {
			out = append(out, fmt.Sprintf("%s %s owner %q retain %v after %s", r.ID, r.Type(), r.Owner, r.Retain, ids(r.DependsOn)))
			out = append(out, fmt.Sprint(model.Tree(r.Props, plain)))
		}
	}
	return out
}

func plain(v model.Value) any {
	switch v := v.(type) {
	case model.Ref:
		if v.Attr == schema.RefAttr(v.Resource.Type()) {
			v.Attr = ""
		}
		return "ref(" + v.Resource.ID + "." + v.Attr + ")"
	case model.Join:
		var parts []string
		for _, p := range v {
			parts = append(parts, fmt.Sprint(plain(p)))
		}
		return strings.Join(parts, "")
	case model.Pseudo:
		return "pseudo(" + string(v) + ")"
	}
	return v
}

func sortedByID(list []*model.Resource) []*model.Resource {
	out := append([]*model.Resource(nil), list...)
	for i := range out {
		for j := i; j > 0 && out[j].ID < out[j-1].ID; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

func ids(list []*model.Resource) string {
	var out []string
	for _, r := range list {
		out = append(out, r.ID)
	}
	return strings.Join(out, " ")
}
