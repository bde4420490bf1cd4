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

// references are what a value refers to, wherever below it: resources by their ids, with the value that does.
func references(n *schema.Node, visit func(n *schema.Node, id, attr string)) {
	if n == nil {
		return
	}
	if id, attr, ok := n.Refers(); ok {
		visit(n, id, attr)
	}
	for _, f := range n.Fields {
		references(f.Value, visit)
	}
	for _, item := range n.Items {
		references(item, visit)
	}
	if n.Call != nil {
		for _, part := range slices.Concat(n.Call.Parts, n.Call.Choices) {
			references(part, visit)
		}
		references(n.Call.From, visit)
	}
}

func dependencyCycle(l *linter, t *cfn.Template) {
	after := map[string][]string{}
	for _, r := range t.Resources {
		after[r.ID] = append(after[r.ID], r.DependsOn...)
		references(r.Properties, func(_ *schema.Node, id, _ string) { after[r.ID] = append(after[r.ID], id) })
	}
	state := map[string]int{} // 1: on the way, 2: done
	var path []string
	var walk func(id string) []string
	walk = func(id string) []string {
		state[id] = 1
		path = append(path, id)
		for _, next := range after[id] {
			if state[next] == 1 {
				return append(slices.Clone(path[slices.Index(path, next):]), next)
			}
			if state[next] == 0 && t.Resource(next) != nil {
				if circle := walk(next); circle != nil {
					return circle
				}
			}
		}
		path = path[:len(path)-1]
		state[id] = 2
		return nil
	}
	for _, r := range t.Resources {
		if state[r.ID] != 0 {
			continue
		}
		if circle := walk(r.ID); circle != nil {
			l.at = t.Resource(circle[0])
			l.find(nil, "%s", strings.Join(circle, " needs "))
			l.at = nil
			return
		}
	}
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
