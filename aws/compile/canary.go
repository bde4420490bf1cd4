package compile

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsCanary = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/continuous-deployment.html"

// canaryRules are about weighted services as a continuous deployment.
var canaryRules = struct{ weight, http3, access, first finding.Rule }{
	weight: finding.Rule{
		ID: "canary-weight", Severity: finding.Warning, Source: docsCanary,
		Meaning: "A continuous deployment gives one staging distribution one share of all requests, 15 % at most: weighted routes that ask for something else are left to a function.",
		Remedy:  "give every weighted route two services, and the second one the same share of 15 % or less",
		Witness: "requests for the weighted route: a function chooses by the client's address",
	},
	http3: finding.Rule{
		ID: "canary-http3", Severity: finding.Warning, Source: docsCanary,
		Meaning: "A distribution with HTTP/3 has no continuous deployment: weighted routes are left to a function.",
		Remedy:  "set `http3: off` in the AWS document",
		Witness: "requests for the weighted route: a function chooses by the client's address",
	},
	access: finding.Rule{
		ID: "canary-access", Severity: finding.Warning, Source: docsCanary,
		Meaning: "Buckets and Lambda functions let one distribution by its ARN; a staging distribution would be refused. Weighted routes are left to a function.",
		Remedy:  "split the entrypoint, or leave `canary` to the function",
		Witness: "requests for the weighted route: a function chooses by the client's address",
	},
	first: finding.Rule{
		ID: "canary-first", Severity: finding.Note, Source: docsCanary,
		Meaning: "A distribution gets its continuous deployment policy when it is updated, not when it is made; it gives a share of requests, not of clients, and none while CloudFront is at its peak.",
		Remedy:  "deploy an entrypoint that is new with `canary: function` first",
		Witness: "two requests of one client may be served by two services",
	},
}

// canaryShare is which share of an entrypoint's requests a staging distribution gets; 0: there is none, and routes are as they
// are.
func (b *builder) canaryShare(e *spec.Entrypoint) float64 {
	share, _, _ := b.canaryOf(e)
	return share
}

// canaryOf is canaryShare, and why there is none: the rule and the text of a finding, if something was asked for that cannot be.
func (b *builder) canaryOf(e *spec.Entrypoint) (share float64, rule *finding.Rule, text string) {
	if b.account.Canary != spec.CanaryContinuousDeployment {
		return 0, nil, ""
	}
	var first []spec.Weighted
	for _, r := range e.Routes {
		list := weighed(r.To.Services)
		switch {
		case len(list) < 2:
			continue
		case len(list) > 2:
			return 0, &canaryRules.weight, fmt.Sprintf("route %q has %d services, 2 are possible", r.Name, len(list))
		case list[1].Weight*100 > (list[0].Weight+list[1].Weight)*canaryMost:
			return 0, &canaryRules.weight, fmt.Sprintf("the second service of route %q gets %s, %d %% is possible", r.Name, percent(list), canaryMost)
		case first != nil && first[0].Weight*list[1].Weight != first[1].Weight*list[0].Weight:
			return 0, &canaryRules.weight, fmt.Sprintf("the second service of route %q gets %s, of another route %s", r.Name, percent(list), percent(first))
		}
		first = list
	}
	switch {
	case first == nil:
		return 0, nil, ""
	case b.account.HTTP3:
		return 0, &canaryRules.http3, "the account's distributions have HTTP/3"
	case slices.ContainsFunc(e.Routes, func(r *spec.Route) bool { return slices.ContainsFunc(r.To.Services, closedByARN) }):
		return 0, &canaryRules.access, "an origin is a bucket or a Lambda function"
	}
	return float64(first[1].Weight) / float64(first[0].Weight+first[1].Weight), nil, ""
}

func closedByARN(w spec.Weighted) bool {
	a := w.Service.AWS
	return a != nil && a.Bucket+a.Function != ""
}

func percent(list []spec.Weighted) string {
	share := fmt.Sprintf("%.2f", 100*float64(list[1].Weight)/float64(list[0].Weight+list[1].Weight))
	return strings.TrimSuffix(strings.TrimRight(share, "0"), ".") + " %"
}

// canaryRoutes are the routes of an entrypoint as one of its two distributions has them: each weighted route with its service
// of that number alone. Without a staging distribution they are as they are.
func (b *builder) canaryRoutes(e *spec.Entrypoint, number int) []*spec.Route {
	if b.canaryShare(e) == 0 {
		return e.Routes
	}
	out := slices.Clone(e.Routes)
	for i, r := range out {
		if list := weighed(r.To.Services); len(list) == 2 {
			only := *r
			only.To.Services = []spec.Weighted{{Service: list[number].Service, Weight: 1}}
			out[i] = &only
		}
	}
	return out
}

// canary makes the staging distributions: each is its distribution with the second service of every weighted route in the place
// of the first. Such an entrypoint has a distribution of its own.
func (b *builder) canary() {
	for _, e := range b.edges {
		for _, s := range e.sites {
			share, rule, text := b.canaryOf(s.entry)
			if rule != nil {
				b.find(rule, s, s.entry.At, "spec.routes", "%s", text)
			}
			if share > 0 && len(e.sites) == 1 && len(e.tenants) == 0 && e.distribution != nil {
				b.stage(e, s, share)
			}
		}
	}
}

func (b *builder) stage(e *edge, s *site, share float64) {
	s.own()
	second := &site{entry: s.entry, origins: s.origins, errors: s.errors, acl: s.acl, edge: e, asked: b.canaryRoutes(s.entry, 1)}
	known := len(b.findings)
	b.behaviors(second)
	b.policies(second)
	b.functions(second)
	b.findings = b.findings[:known] // what is found about these routes was found before
	primary := e.distribution.Props.(*model.Distribution)
	c, behaviors := *primary.DistributionConfig, b.config(second)
	c.CacheBehaviors, c.DefaultCacheBehavior = behaviors.CacheBehaviors, behaviors.DefaultCacheBehavior
	c.Aliases, c.Staging = nil, model.Bool(true)
	staging := own("StagingDistribution", e.name, s.entry.At, &model.Distribution{DistributionConfig: &c, Tags: primary.Tags})
	b.marks(staging, second)
	policy := own("ContinuousDeployment", e.name, s.entry.At, &model.ContinuousDeploymentPolicy{
		ContinuousDeploymentPolicyConfig: &model.ContinuousDeploymentPolicyConfig{
			Enabled:                     model.Bool(true),
			StagingDistributionDnsNames: []model.Value{model.Ref{Resource: staging, Attr: "DomainName"}},
			TrafficConfig: &model.ContinuousDeploymentPolicyTrafficConfig{
				Type:               model.Text("SingleWeight"),
				SingleWeightConfig: &model.ContinuousDeploymentPolicySingleWeightConfig{Weight: model.Float(share)},
			},
		},
	})
	primary.DistributionConfig.ContinuousDeploymentPolicyId = model.Ref{Resource: policy, Attr: "Id"}
	e.with = append(e.with, staging, policy)
	b.find(&canaryRules.first, s, s.entry.At, "spec.routes", "a staging distribution gets %.4g of the requests", share)
}
