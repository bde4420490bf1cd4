package compile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

func TestQuotaFindings(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, map[string]int{"distributions": 4, "aliases": 3, "cachePolicy": 30, "webAcls": 2})
	b.add("a", kind{hosts: 4, acl: 1})
	b.add("b", kind{hosts: 3})
	b.add("c", kind{hosts: 3})
	b.add("d", kind{acl: 1})
	b.deployed()
	var got []string
	for _, f := range b.findings {
		got = append(got, fmt.Sprintf("%s %s %s: %s", f.Severity, f.Rule.ID, f.Subject, f.Text))
	}
	slices.Sort(got)
	a, second := logicalID("Distribution", "a"), logicalID("Distribution", "b")
	want := []string{
		`error quota-aliases a: alternate domain names of ` + a + `: 4, 1 more than the limit of 3 (quotas.aliases of the AWS document)`,
		`error quota-unknown : there is no quota "cachePolicy"; did you mean "cachePolicies"?`,
		`note quota-aliases b: alternate domain names of ` + second + `: 3 of 3, and 1 more are nearly as full (quotas.aliases of the AWS document)`,
		`note quota-distributions : distributions: 4 of 4 (quotas.distributions of the AWS document)`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Without overrides a finding names the figure's date and page.
func TestQuotaOfAWS(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, nil)
	b.add("a", kind{})
	for i := range 25 {
		b.cachePolicy(100 + i)
	}
	b.deployed()
	i := slices.IndexFunc(b.findings, func(f finding.Finding) bool { return f.Rule.ID == "quota-cache-policies" })
	want := "cache policies: 26, 6 more than the limit of 20 (AWS's own value as read on 2026-11-22; quotas.cachePolicies of an AWS document says what the account was granted)"
	if i < 0 || b.findings[i].Text != want || b.findings[i].Severity != finding.Error {
		t.Fatalf("got %v", b.findings)
	}
	if r := b.findings[i].Rule; !strings.HasPrefix(r.Source, "https://docs.aws.amazon.com/") || !strings.Contains(r.Remedy, "quotas.cachePolicies") || r.Witness == "" {
		t.Errorf("the rule is %+v", r)
	}
}

// Everything with a quota is counted.
func TestTally(t *testing.T) {
	policy := &model.Resource{ID: "Policy", Props: &model.CachePolicy{CachePolicyConfig: &model.CachePolicyConfig{
		ParametersInCacheKeyAndForwardedToOrigin: &model.CachePolicyParametersInCacheKeyAndForwardedToOrigin{
			QueryStringsConfig: &model.CachePolicyQueryStringsConfig{QueryStrings: model.Texts([]string{"ab", "c"})},
			HeadersConfig:      &model.CachePolicyHeadersConfig{Headers: model.Texts([]string{"d"})},
			CookiesConfig:      &model.CachePolicyCookiesConfig{Cookies: model.Texts([]string{"e", "f", "g"})},
		},
	}}}
	request := &model.Resource{ID: "Request", Props: &model.OriginRequestPolicy{OriginRequestPolicyConfig: &model.OriginRequestPolicyConfig{
		HeadersConfig: &model.OriginRequestPolicyHeadersConfig{Headers: model.Texts([]string{"d", "x"})},
	}}}
	store := &model.Resource{ID: "Store", Props: &model.KeyValueStore{}}
	function := func(id string) *model.Resource {
		return &model.Resource{ID: id, Props: &model.Function{FunctionCode: model.Text("12345"), FunctionConfig: &model.FunctionConfig{
			KeyValueStoreAssociations: []*model.FunctionKeyValueStoreAssociation{{KeyValueStoreARN: model.Ref{Resource: store, Attr: "Arn"}}},
		}}}
	}
	headers := &model.Resource{ID: "Headers", Props: &model.ResponseHeadersPolicy{ResponseHeadersPolicyConfig: &model.ResponseHeadersPolicyConfig{
		CustomHeadersConfig: &model.ResponseHeadersPolicyCustomHeadersConfig{Items: make([]*model.ResponseHeadersPolicyCustomHeader, 4)},
	}}}
	certificate := &model.Resource{ID: "Certificate", Props: &model.Certificate{
		DomainName: model.Text("a.example"), SubjectAlternativeNames: model.Texts([]string{"a.example", "b.example"}),
	}}
	c := &model.DistributionConfig{
		Staging: model.Bool(true), Aliases: model.Texts([]string{"a", "b"}), CacheBehaviors: []*model.DistributionCacheBehavior{{}, {}},
		DefaultCacheBehavior: &model.DistributionDefaultCacheBehavior{CachePolicyId: model.Ref{Resource: policy, Attr: "Id"}},
		Origins:              []*model.DistributionOrigin{{OriginCustomHeaders: make([]*model.DistributionOriginCustomHeader, 2)}},
		OriginGroups:         &model.DistributionOriginGroups{Items: make([]*model.DistributionOriginGroup, 3)},
	}
	record := &model.Resource{ID: "Record", Props: &model.RecordSet{HostedZoneId: model.Text("Z1")}}
	s := &model.Stack{Name: "s"}
	s.Add(policy, request, store, function("F1"), function("F2"), headers, certificate, record,
		&model.Resource{ID: "D", Props: &model.Distribution{DistributionConfig: c, Tags: make([]*model.Tag, 3)}})
	found := &quotaTally{counts: map[string][]most{}, bySite: map[string]*site{}, loads: loads{}}
	found.deployment(&model.Deployment{Stacks: []*model.Stack{s}})
	f := func(name string, want int) {
		t.Helper()
		if list := found.counts[name]; len(list) == 0 || list[0].count != want {
			t.Errorf("%s: %+v, want %d", name, list, want)
		}
	}
	f("distributions", 1)
	f("stagingDistributions", 1)
	f("functions", 2)
	f("functionBytes", 5)
	f("functionsPerKeyValueStore", 2)
	f("cachePolicyQueryStrings", 2)
	f("cachePolicyCookies", 3)
	f("cachePolicyNameBytes", 7)
	f("originRequestPolicyHeaders", 2)
	f("responseHeadersPolicyHeaders", 4)
	f("certificateNames", 2)
	f("distributionsPerCachePolicy", 1)
	f("cacheBehaviors", 3)
	f("originGroups", 3)
	f("originCustomHeaders", 2)
	f("distributionTags", 3)
	f("zoneRecords", 1)
	f("stackResources", 9)
}

// Every quota that stands in the file is counted somewhere, or is for a type that is not made.
func TestEveryQuotaIsCounted(t *testing.T) {
	b := newBench(t, spec.PackingTenants, nil)
	for i := range 3 {
		b.add(fmt.Sprint("t", i), kind{acl: i, origin: fmt.Sprintf("o%d.internal.example.net", i)})
	}
	b.pack()
	d := b.stacks()
	found := &quotaTally{counts: map[string][]most{}, bySite: map[string]*site{}, loads: b.loads}
	found.deployment(d)
	counted := map[string]bool{}
	for name := range found.counts {
		counted[name] = true
	}
	for _, name := range []string{ // TestTally has them
		"stagingDistributions", "functionBytes", "functionsPerKeyValueStore", "originGroups", "certificateNames", "zoneRecords",
		"originRequestPolicyQueryStrings", "originRequestPolicyHeaders", "originRequestPolicyCookies", "originRequestPolicyNameBytes",
		"responseHeadersPolicyHeaders",
	} {
		counted[name] = true
	}
	for _, q := range schema.Quotas() {
		if !counted[q.Name] && q.Type == "" {
			t.Errorf("nobody counts %s", q.Name)
		}
	}
}

func TestEdits(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		if got := nearestName(name, []string{"aliases", "cachePolicies", "distributions"}); got != want {
			t.Errorf("nearest to %s is %s, want %s", name, got, want)
		}
	}
	f("cachepolicies", "cachePolicies")
	f("distribution", "distributions")
	f("alias", "aliases")
	f("", "aliases")
}
