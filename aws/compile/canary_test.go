package compile

import (
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
)

func canarySpec(aws string, routes ...string) string {
	return entrySpec("plain", "---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: aws, owner: shop}\nspec: {certificates: [{arn: 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012', hosts: [shop.example.com]}], "+
		aws+"}\n", routes...)
}

func twoServices(first, second string) string {
	return `services: [{service: "https://one.example.net", weight: ` + first + `}, {service: "https://two.example.net", weight: ` + second + `}]`
}

func TestCanary(t *testing.T) {
	d, list := Run(loaded(t, canarySpec("canary: continuousDeployment, http3: off",
		"name: a, match: {prefix: /a}, "+twoServices("90", "10"), `name: b, match: {prefix: /b}, service: "https://three.example.net"`, "name: web, "+twoServices("9", "1"))))
	found := map[string]*model.Resource{}
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			switch p := r.Props.(type) {
			case *model.Distribution:
				key := "primary"
				if p.DistributionConfig.Staging == model.Bool(true) {
					key = "staging"
				}
				found[key] = r
			case *model.ContinuousDeploymentPolicy:
				found["policy"] = r
			}
		}
	}
	if len(found) != 3 {
		t.Fatalf("found %v; %v", found, list)
	}
	primary, staging := found["primary"].Props.(*model.Distribution).DistributionConfig, found["staging"].Props.(*model.Distribution).DistributionConfig
	policy := found["policy"].Props.(*model.ContinuousDeploymentPolicy).ContinuousDeploymentPolicyConfig
	if primary.ContinuousDeploymentPolicyId != model.Value(model.Ref{Resource: found["policy"], Attr: "Id"}) || staging.ContinuousDeploymentPolicyId != nil {
		t.Errorf("the policies are %v and %v", primary.ContinuousDeploymentPolicyId, staging.ContinuousDeploymentPolicyId)
	}
	if policy.TrafficConfig.SingleWeightConfig.Weight != model.Float(0.1) || policy.TrafficConfig.SingleWeightConfig.SessionStickinessConfig != nil ||
		policy.StagingDistributionDnsNames[0] != model.Value(model.Ref{Resource: found["staging"], Attr: "DomainName"}) {
		t.Errorf("policy %+v", policy.TrafficConfig)
	}
	if len(primary.Aliases) != 1 || staging.Aliases != nil || staging.HttpVersion != model.Text("http2") || len(staging.Origins) != 3 || len(primary.Origins) != 3 {
		t.Errorf("aliases %v and %v, origins %d and %d", primary.Aliases, staging.Aliases, len(primary.Origins), len(staging.Origins))
	}
	if primary.DefaultCacheBehavior.TargetOriginId == staging.DefaultCacheBehavior.TargetOriginId {
		t.Errorf("both ask %v", primary.DefaultCacheBehavior.TargetOriginId)
	}
	for i, p := range primary.CacheBehaviors {
		other := staging.CacheBehaviors[i]
		if p.PathPattern != other.PathPattern || (p.TargetOriginId == other.TargetOriginId) != strings.HasPrefix(literalText(p.PathPattern), "/b") {
			t.Errorf("%v asks %v and %v", p.PathPattern, p.TargetOriginId, other.TargetOriginId)
		}
	}
	for _, f := range list {
		if strings.HasPrefix(f.Rule.ID, "canary-") && f.Rule.ID != "canary-first" || f.Rule.ID == "weights" {
			t.Errorf("found %v", f)
		}
	}
}

func TestCanaryFallsBack(t *testing.T) {
	f := func(aws, want string, routes ...string) {
		t.Helper()
		d, list := Run(loaded(t, canarySpec(aws, routes...)))
		var got []string
		for _, f := range list {
			if strings.HasPrefix(f.Rule.ID, "canary-") {
				got = append(got, f.Rule.ID+": "+f.Text)
			}
		}
		if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%s %v: got %q, want %q", aws, routes, got, want)
		}
		weights := false
		for _, s := range d.Stacks {
			for _, r := range s.Resources {
				switch p := r.Props.(type) {
				case *model.ContinuousDeploymentPolicy:
					t.Errorf("%s %v: there is a continuous deployment", aws, routes)
				case *model.Function:
					weights = weights || strings.Contains(literalText(p.FunctionCode), "crypto")
				}
			}
		}
		if !weights {
			t.Errorf("%s %v: no function chooses", aws, routes)
		}
	}
	const cd = "canary: continuousDeployment, http3: off"
	f("canary: function", "", "name: web, "+twoServices("9", "1"))
	f("canary: continuousDeployment", "canary-http3: the account's distributions have HTTP/3", "name: web, "+twoServices("9", "1"))
	f(cd, `canary-weight: the second service of route "web" gets 16.67 %, 15 % is possible`, "name: web, "+twoServices("5", "1"))
	f(cd, `canary-weight: the second service of route "web" gets 10 %, of another route 5 %`, "name: a, match: {prefix: /a}, "+twoServices("95", "5"), "name: web, "+twoServices("9", "1"))
	f(cd, `canary-weight: route "web" has 3 services, 2 are possible`, strings.Replace("name: web, "+twoServices("9", "1"), "]", `, {service: "https://three.example.net", weight: 1}]`, 1))
}
