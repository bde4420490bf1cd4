package lint

import (
	"cmp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// templateRows are about a template as a whole.
var templateRows = []row[*cfn.Template]{
	{rule("many-resources", refuses,
		"a stack has 500 resources at most",
		"split the stack",
		"501 resources", templates+"cloudformation-limits.html"), manyResources},
	{rule("dependency-cycle", refuses,
		"resources depend on each other in a circle, so that none can be made first",
		"break the circle",
		"A refers to B, and B to A", templates+"troubleshooting.html"), dependencyCycle},
}

// resourceRows are about every resource.
var resourceRows = []row[*cfn.Resource]{
	{rule("resource-type", refuses,
		"a resource has a type",
		"write Type",
		"a resource without Type", templates+"resources-section-structure.html"), resourceType},
	{rule("resource-id", refuses,
		"a logical id has 1 to 255 letters and digits",
		"rename it",
		"my-distribution", templates+"resources-section-structure.html"), resourceID},
	{rule("ref-dangling", refuses,
		"a reference names no resource and no parameter of the template",
		"name one",
		"Ref: Missing", templates+"intrinsic-function-reference-ref.html"), refDangling},
	{rule("attribute-unknown", refuses,
		"the type has no such attribute",
		"take one from the page of the type",
		"Fn::GetAtt: [Distribution, Arn]", templates+"intrinsic-function-reference-getatt.html"), attributeUnknown},
	{rule("reference-kind", refuses,
		"the property needs another resource, or another attribute of it",
		"refer to what the property is named for",
		"CachePolicyId: {Ref: OriginRequestPolicy}", ""), referenceKind},
	{rule("depends-dangling", refuses,
		"DependsOn names no resource of the template",
		"name one, or remove it",
		"DependsOn: Missing", templates+"aws-attribute-dependson.html"), dependsDangling},
}

func manyResources(l *linter, t *cfn.Template) {
	if n := len(t.Resources); n > cfn.StackResourcesMax {
		l.find(nil, "the template has %d resources, the limit is %d", n, cfn.StackResourcesMax)
	}
}

// deep visits a value and all of which it may be made, also what functions take.
func deep(n *schema.Node, visit func(*schema.Node)) {
	if n == nil {
		return
	}
	visit(n)
	for _, f := range n.Fields {
		deep(f.Value, visit)
	}
	for _, item := range n.Items {
		deep(item, visit)
	}
	if n.Call != nil {
		for _, part := range n.Call.Parts {
			deep(part, visit)
		}
		for _, choice := range n.Call.Choices {
			deep(choice, visit)
		}
		deep(n.Call.From, visit)
	}
}

// references are what a value refers to, wherever below it: resources by their ids, with the value that does.
func references(n *schema.Node, visit func(n *schema.Node, id, attr string)) {
	deep(n, func(n *schema.Node) {
		if id, attr, ok := n.Refers(); ok {
			visit(n, id, attr)
		}
	})
}

func dependencyCycle(l *linter, t *cfn.Template) {
	after := map[string][]string{}
	ids := make([]string, 0, len(t.Resources))
	for _, r := range t.Resources {
		needs := func(id string) {
			if t.Resource(id) != nil {
				after[r.ID] = append(after[r.ID], id)
			}
		}
		ids = append(ids, r.ID)
		for _, id := range r.DependsOn {
			needs(id)
		}
		references(r.Properties, func(_ *schema.Node, id, _ string) { needs(id) })
	}
	if circle := circleOf(ids, func(id string) []string { return after[id] }); circle != nil {
		l.at = t.Resource(circle[0])
		l.find(nil, "%s", strings.Join(circle, " needs "))
		l.at = nil
	}
}

// circleOf finds things that need each other in a circle: the first one stands at both ends. nil: there is none.
func circleOf[T comparable](list []T, needs func(T) []T) []T {
	state := map[T]int{} // 1: on the way, 2: done
	var path []T
	var walk func(t T) []T
	walk = func(t T) []T {
		state[t] = 1
		path = append(path, t)
		for _, next := range needs(t) {
			if state[next] == 1 {
				return append(slices.Clone(path[slices.Index(path, next):]), next)
			}
			if state[next] == 0 {
				if circle := walk(next); circle != nil {
					return circle
				}
			}
		}
		path = path[:len(path)-1]
		state[t] = 2
		return nil
	}
	for _, t := range list {
		if state[t] == 0 {
			if circle := walk(t); circle != nil {
				return circle
			}
		}
	}
	return nil
}

func resourceType(l *linter, r *cfn.Resource) {
	if r.Type == "" {
		l.find(nil, "the resource has no type")
	}
}

func resourceID(l *linter, r *cfn.Resource) {
	if len(r.ID) == 0 || len(r.ID) > 255 || strings.Trim(r.ID, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" ||
		strings.ContainsAny(r.ID, "-_. ") {
		l.find(nil, "the id is %q", short(r.ID))
	}
}

func refDangling(l *linter, r *cfn.Resource) {
	if l.t.Partial {
		return
	}
	references(r.Properties, func(n *schema.Node, id, _ string) {
		if !l.t.Declares(id) {
			l.find(n, "there is no %q", short(id))
		}
	})
}

func attributeUnknown(l *linter, r *cfn.Resource) {
	references(r.Properties, func(n *schema.Node, id, attr string) {
		to := l.t.Resource(id)
		if to == nil || schema.HasAttribute(to.Type, attr) || strings.Contains(attr, "${") {
			return
		}
		l.find(n, "%s has no attribute %s", to.Type, short(attr))
	})
}

// needs says what a property refers to: a type, and which of its attributes, where an empty one is what Ref gives.
type needs struct {
	property string
	types    []string
	attrs    []string
}

var wanted = []needs{
	{"CachePolicyId", []string{typeCachePolicy}, []string{"", "Id"}},
	{"OriginRequestPolicyId", []string{typeOriginPolicy}, []string{"", "Id"}},
	{"ResponseHeadersPolicyId", []string{typeHeadersPolicy}, []string{"", "Id"}},
	{"OriginAccessControlId", []string{typeAccessControl}, []string{"", "Id"}},
	{"ContinuousDeploymentPolicyId", []string{typeContinuous}, []string{"", "Id"}},
	{"VpcOriginId", []string{typeVpcOrigin}, []string{"", "Id"}},
	{"FunctionARN", []string{typeFunction}, []string{"", "FunctionARN", "FunctionMetadata.FunctionARN"}},
	{"KeyValueStoreARN", []string{typeKeyValueStore}, []string{"Arn"}},
	{"LambdaFunctionARN", []string{typeLambdaVersion}, []string{"", "FunctionArn"}},
	{"AcmCertificateArn", []string{typeCertificate}, []string{"", "CertificateArn"}},
	{"WebACLId", []string{typeWebACL, "AWS::WAF::WebACL"}, []string{"", "Arn"}},
	{"RealtimeLogConfigArn", []string{typeRealtimeLog}, []string{"", "Arn"}},
}

// statementNeeds is the same for the ARN of statements of AWS WAF.
var statementNeeds = []needs{
	{"IPSetReferenceStatement", []string{typeIPSet}, []string{"Arn"}},
	{"RegexPatternSetReferenceStatement", []string{typeRegexSet}, []string{"Arn"}},
	{"RuleGroupReferenceStatement", []string{typeRuleGroup}, []string{"Arn"}},
}

func referenceKind(l *linter, r *cfn.Resource) {
	hold := func(w needs, n *schema.Node) {
		to, attr := l.refers(n)
		if to == nil || strings.HasPrefix(to.Type, "Custom::") || to.Type == "AWS::CloudFormation::CustomResource" || to.Type == "AWS::CloudFormation::Stack" {
			return
		}
		switch {
		case !slices.Contains(w.types, to.Type):
			l.find(n, "%s is a %s", to.ID, short(to.Type))
		case !slices.Contains(w.attrs, attr):
			l.find(n, "%s of %s is not what %s needs", cmp.Or(attr, "Ref"), to.ID, w.property)
		}
	}
	each(r.Properties, func(n *schema.Node) {
		for _, f := range n.Fields {
			for _, w := range wanted {
				if w.property == f.Name && strings.HasPrefix(r.Type, "AWS::CloudFront::") {
					hold(w, f.Value)
				}
			}
			for _, w := range statementNeeds {
				if w.property == f.Name && f.Value.Get("Arn") != nil {
					hold(w, f.Value.Get("Arn"))
				}
			}
		}
	})
	if r.Type == typeACLLogging {
		hold(needs{"ResourceArn", []string{typeWebACL}, []string{"Arn"}}, r.Properties.Get("ResourceArn"))
	}
}

func dependsDangling(l *linter, r *cfn.Resource) {
	for _, id := range r.DependsOn {
		if !l.t.Partial && !l.t.Declares(id) {
			l.find(nil, "there is no %q", short(id))
		}
	}
}
