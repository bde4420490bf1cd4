package compile

import (
	"maps"
	"slices"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// grantRules are what letting distributions read comes to.
var grantRules = struct{ policy, region, size finding.Rule }{
	policy: finding.Rule{
		ID: "bucket-policy", Severity: finding.Note, Source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucketpolicy.html",
		Meaning: "A bucket has one policy: the one that lets the distributions read takes the place of what was there.",
		Remedy:  "use a bucket of its own for the files",
	},
	region: finding.Rule{
		ID: "grant-region", Severity: finding.Error, Source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-overview.html",
		Meaning: "The policy of a bucket and the permission of a Lambda function are made in their own region, and no stack outside us-east-1 can refer to the distributions: until somebody grants it, the origin refuses CloudFront.",
		Remedy:  "use a bucket or a function in us-east-1; or grant what the finding names by hand, and allow `grant-region`",
		Witness: "any request of the route: 403 of the origin",
	},
	size: finding.Rule{
		ID: "bucket-policy-size", Severity: finding.Error, Source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html",
		Meaning: "The policy of a bucket has 20 KB at most, and each distribution that reads it takes some 70 bytes.",
		Remedy:  "use fewer distributions (`packing: shared` or `tenants`), or several buckets",
	},
}

// grants lets the distributions ask the buckets and the functions that are their origins: each by its own ARN, so that no other
// distribution, of this account or of another one, may.
func (b *builder) grants() {
	buckets := map[string]*grant{}
	for _, e := range b.edges {
		seen := map[string]bool{}
		for _, s := range e.sites {
			for _, o := range s.origins {
				if o.service == nil || o.service.AWS == nil || seen[o.service.AWS.Bucket+o.service.AWS.Function] {
					continue
				}
				a := o.service.AWS
				seen[a.Bucket+a.Function] = true
				switch {
				case a.Bucket != "":
					if buckets[a.Bucket] == nil {
						buckets[a.Bucket] = &grant{site: s, of: o.service}
					}
					buckets[a.Bucket].edges = append(buckets[a.Bucket].edges, e)
				case a.Function != "":
					b.letInvoke(s, e, o.service)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(buckets)) {
		b.letRead(name, buckets[name])
	}
}

// grant is a bucket and the distributions that read it.
type grant struct {
	site  *site // the first one
	of    *spec.Service
	edges []*edge
}

// letRead makes the policy of a bucket.
func (b *builder) letRead(bucket string, g *grant) {
	path := "Service " + g.of.Meta.Name + " spec.aws.bucket"
	if g.of.AWS.Region != region {
		b.find(&grantRules.region, g.site, g.of.AWS.At, path,
			"the bucket %s is in %s: its policy must let cloudfront.amazonaws.com do s3:GetObject where AWS:SourceArn is the ARN of the distribution, of %d of them", bucket, g.of.AWS.Region, len(g.edges))
		return
	}
	if len(g.edges) > bucketReadersMax {
		b.find(&grantRules.size, g.site, g.of.AWS.At, path, "%d distributions read the bucket %s, its policy has room for %d", len(g.edges), bucket, bucketReadersMax)
	}
	var arns []any
	for _, e := range g.edges {
		arns = append(arns, distributionARN(e))
	}
	r := own("BucketPolicy", bucket, g.of.AWS.At, &model.BucketPolicy{
		Bucket: model.Text(bucket),
		PolicyDocument: map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{map[string]any{
				"Sid": "SkerryReads", "Effect": "Allow", "Action": "s3:GetObject",
				"Principal": map[string]any{"Service": "cloudfront.amazonaws.com"},
				"Resource":  model.Join{model.Text("arn:"), model.Partition, model.Text(":s3:::" + bucket + "/*")},
				"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceArn": arns}},
			}},
		},
	})
	r.Owner = ""
	b.find(&grantRules.policy, g.site, g.of.AWS.At, path, "the policy of the bucket %s becomes that of the deployment", bucket)
	if len(g.edges) > 1 {
		b.late = append(b.late, r)
		return
	}
	g.edges[0].with = append(g.edges[0].with, r)
}

// letInvoke makes the permissions of a Lambda function. Its URL needs both: one to be called, and one for what stands behind it.
func (b *builder) letInvoke(s *site, e *edge, svc *spec.Service) {
	if of := regionOf(svc.AWS.Function); of != region {
		b.find(&grantRules.region, s, svc.AWS.At, "Service "+svc.Meta.Name+" spec.aws.function",
			"the function %s is in %s: it must let cloudfront.amazonaws.com do lambda:InvokeFunctionUrl and lambda:InvokeFunction where AWS:SourceArn is the ARN of the distribution",
			svc.AWS.Function, of)
		return
	}
	allow := func(what, action string) *model.Permission {
		p := &model.Permission{
			Action: model.Text(action), FunctionName: model.Text(svc.AWS.Function), Principal: model.Text("cloudfront.amazonaws.com"),
			SourceArn: distributionARN(e),
		}
		r := own(what, e.name+"\x00"+svc.AWS.Function, svc.AWS.At, p)
		r.Owner = s.entry.Meta.Name
		e.with = append(e.with, r)
		return p
	}
	allow("UrlPermission", "lambda:InvokeFunctionUrl").FunctionUrlAuthType = model.Text("AWS_IAM")
	allow("InvokePermission", "lambda:InvokeFunction").InvokedViaFunctionUrl = model.Bool(true)
}

// distributionARN is the ARN of a distribution.
func distributionARN(e *edge) model.Value {
	return model.Join{
		model.Text("arn:"), model.Partition, model.Text(":cloudfront::"), model.AccountID, model.Text(":distribution/"),
		model.Ref{Resource: e.distribution},
	}
}
