package compile

import (
	"maps"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// permit is what whoever deploys one type of resource may do, with CloudFormation and with nothing else.
type permit struct {
	sid     string
	actions []string                             // on what arns returns
	arns    func(arns, *model.Resource) []string // of one resource of the type, as patterns
	anyOf   []string                             // actions that IAM cannot narrow to a resource; wide says why for each
	more    func(arns, *model.Resource) []right  // what depends on the properties; may be nil
}

// wide are the actions that stand with "Resource": "*", each with the reason. All others are on ARNs of this account.
var wide = map[string]string{
	"acm:RequestCertificate":                      "the certificate does not exist yet; the action has no resource type",
	"cloudformation:ValidateTemplate":             "it looks at a template, not at a stack",
	"cloudfront:CreateCachePolicy":                "what is created has no id yet; the action has no resource type",
	"cloudfront:CreateConnectionGroup":            "what is created has no id yet; a multi-tenant distribution makes one too",
	"cloudfront:CreateContinuousDeploymentPolicy": "what is created has no id yet; the action has no resource type",
	"cloudfront:CreateDistribution":               "what is created has no id yet; the action has no resource type",
	"cloudfront:CreateDistributionTenant":         "what is created has no id yet; the action has no resource type",
	"cloudfront:CreateFunction":                   "the action has no resource type",
	"cloudfront:CreateKeyValueStore":              "the action has no resource type",
	"cloudfront:CreateOriginAccessControl":        "what is created has no id yet; the action has no resource type",
	"cloudfront:CreateOriginRequestPolicy":        "what is created has no id yet; the action has no resource type",
	"cloudfront:CreateResponseHeadersPolicy":      "what is created has no id yet; the action has no resource type",
	"cloudfront:CreateVpcOrigin":                  "what is created has no id yet; the action has no resource type",
	"ec2:DescribeInstances":                       "descriptions of EC2 have no resource types; CloudFront looks where a VPC origin is",
	"ec2:DescribeInternetGateways":                "descriptions of EC2 have no resource types; CloudFront looks where a VPC origin is",
	"elasticloadbalancing:DescribeLoadBalancers":  "descriptions of load balancers have no resource types",
	"logs:CreateLogDelivery":                      "the delivery of AWS WAF's log has no resource type",
	"logs:DeleteResourcePolicy":                   "policies of CloudWatch Logs are of the account",
	"logs:DeleteLogDelivery":                      "the delivery of AWS WAF's log has no resource type",
	"logs:DescribeDeliveries":                     "it lists; the action has no resource type",
	"logs:DescribeLogGroups":                      "it lists; AWS WAF looks for the group of its log",
	"logs:DescribeResourcePolicies":               "policies of CloudWatch Logs are of the account",
	"logs:PutResourcePolicy":                      "policies of CloudWatch Logs are of the account",
	"secretsmanager:GetRandomPassword":            "it makes a password and touches no secret",
}

// arns makes ARNs of the account.
type arns struct{ account string }

func (a arns) cloudfront(what string) string { return "arn:aws:cloudfront::" + a.account + ":" + what }

func (a arns) regional(service, what string) string {
	return "arn:aws:" + service + ":" + region + ":" + a.account + ":" + what
}

// madeHere is what names begin with that this compiler makes; a hyphen or a slash follows.
const madeHere = "skerry"

// namePattern is a name as the end of an ARN: all names that are made here, so that the policy need not change with each of them.
func namePattern(name model.Value) string {
	text, known := name.(model.Text)
	rest, made := strings.CutPrefix(string(text), madeHere)
	switch {
	case !known || made && strings.HasPrefix(rest, "-"):
		return madeHere + "-*"
	case made && strings.HasPrefix(rest, "/"):
		return madeHere + "/*"
	}
	return string(text)
}

// right is one statement of a policy.
type right struct {
	sid       string
	actions   []string
	resources []string
}

// deployer is the policy of whoever deploys: only what the types of resources in use need, on ARNs of the account. A bucket that
// templates are kept in is not known here, and neither is who reads the outputs.
func (b *builder) deployer(d *model.Deployment) any {
	a := arns{account: b.account.Account}
	if a.account == "" {
		a.account = "*" // such a policy is good for the resources of its own account all the same
	}
	bySid := map[string]*right{}
	note := func(s right) {
		if known := bySid[s.sid]; known != nil {
			known.actions = append(known.actions, s.actions...)
			known.resources = append(known.resources, s.resources...)
		} else {
			bySid[s.sid] = &s
		}
	}
	seen := map[string]bool{} // types
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			p, ok := permits[r.Type()]
			if !ok {
				panic("BUG: nobody may deploy " + r.Type() + ": iam.go has no row for it")
			}
			if !seen[r.Type()] {
				seen[r.Type()] = true
				note(right{p.sid, p.actions, nil})
				note(right{"NotNarrowed", p.anyOf, nil})
			}
			note(right{p.sid, nil, p.arns(a, r)})
			if p.more != nil {
				for _, more := range p.more(a, r) {
					note(more)
				}
			}
		}
	}
	if len(bySid) == 0 {
		return nil
	}
	note(right{"Stacks", stackActions, []string{a.regional("cloudformation", "stack/"+madeHere+"-*/*")}})
	note(right{"NotNarrowed", []string{"cloudformation:ValidateTemplate"}, nil})
	for _, arn := range b.foreignSecrets() {
		note(right{"SecretsOfOthers", []string{"secretsmanager:GetSecretValue"}, []string{arn}})
	}
	return document(bySid)
}

var stackActions = []string{
	"cloudformation:CreateChangeSet", "cloudformation:CreateStack", "cloudformation:DeleteChangeSet", "cloudformation:DeleteStack",
	"cloudformation:DescribeChangeSet", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks",
	"cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate", "cloudformation:ListStackResources", "cloudformation:UpdateStack",
}

// foreignSecrets are secrets that the spec names and origins are sent.
func (b *builder) foreignSecrets() []string {
	seen := map[string]bool{}
	for _, s := range b.sites {
		for _, o := range s.origins {
			if o.service != nil && o.service.AWS != nil && o.service.AWS.Secret != "" {
				seen[o.service.AWS.Secret] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// document is the policy as free JSON.
func document(bySid map[string]*right) any {
	var list []any
	for _, sid := range slices.Sorted(maps.Keys(bySid)) {
		s := bySid[sid]
		if len(s.actions) == 0 {
			continue
		}
		resources := any("*")
		if sid != "NotNarrowed" {
			resources = sortedSet(s.resources)
		}
		list = append(list, map[string]any{"Sid": sid, "Effect": "Allow", "Action": sortedSet(s.actions), "Resource": resources})
	}
	return map[string]any{"Version": "2012-10-17", "Statement": list}
}

func sortedSet(list []string) []any {
	sorted := slices.Compact(slices.Sorted(slices.Values(list)))
	out := make([]any, len(sorted))
	for i := range sorted {
		out[i] = sorted[i]
	}
	return out
}
