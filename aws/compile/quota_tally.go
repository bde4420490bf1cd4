package compile

import (
	"encoding/json"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// quotaTally counts what has a quota.
type quotaTally struct {
	loads  loads
	counts map[string][]most // by the names of quotas
	bySite map[string]*site
	users  map[*model.Resource]int // distributions and tenants, of what they share
}

func (t *quotaTally) account(name string) {
	if len(t.counts[name]) == 0 {
		t.counts[name] = []most{{}}
	}
	t.counts[name][0].count++
}

func (t *quotaTally) each(name string, r *model.Resource, count int) {
	t.counts[name] = append(t.counts[name], most{count: count, what: r.ID, at: r.At, subject: t.bySite[r.Owner]})
}

func (t *quotaTally) deployment(d *model.Deployment) {
	t.users = map[*model.Resource]int{}
	exports := t.loads.exports(d)
	for _, s := range d.Stacks {
		t.account("stacks")
		t.stack(s, exports[s])
		for _, r := range s.Resources {
			if name := schema.AccountQuota(r.Type()); name != "" {
				t.account(name)
			}
			t.resource(r)
		}
	}
	shared := make([]*model.Resource, 0, len(t.users))
	for r := range t.users {
		shared = append(shared, r)
	}
	slices.SortFunc(shared, func(a, b *model.Resource) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range shared {
		if name := schema.UsersQuota(r.Type()); name != "" {
			t.each(name, r, t.users[r])
		}
	}
	t.zones(d)
	if d.Deployer != nil {
		text, err := json.Marshal(d.Deployer)
		if err != nil {
			panic("BUG: a policy that cannot be written: " + err.Error())
		}
		t.counts["policyCharacters"] = []most{{count: len(text), what: "who deploys"}}
	}
}

func (t *quotaTally) stack(s *model.Stack, exports int) {
	count := func(name string, n int) {
		t.counts[name] = append(t.counts[name], most{count: n, what: s.Name})
	}
	sum := t.loads.sum(s.Resources)
	count("stackResources", sum.resources)
	count("stackOutputs", len(s.Outputs)+exports)
	count("stackDynamicReferences", sum.dynamic)
	count("templateBytes", sum.bytes)
	count("distributionsPerStack", sum.distributions)
}

func (t *quotaTally) resource(r *model.Resource) {
	switch p := r.Props.(type) {
	case *model.Distribution:
		t.distribution(r, p.DistributionConfig)
		t.each("distributionTags", r, len(p.Tags))
	case *model.DistributionTenant:
		t.each("tenantAliases", r, len(p.Domains))
		if c := p.Customizations; c != nil && c.WebAcl != nil {
			t.use(map[*model.Resource]bool{}, c.WebAcl.Arn)
		}
	case *model.CachePolicy:
		t.cachePolicy(r, p)
	case *model.OriginRequestPolicy:
		t.originRequestPolicy(r, p)
	case *model.ResponseHeadersPolicy:
		if c := p.ResponseHeadersPolicyConfig.CustomHeadersConfig; c != nil {
			t.each("responseHeadersPolicyHeaders", r, len(c.Items))
		}
	case *model.Function:
		t.function(r, p)
	case *model.Certificate:
		names := map[string]bool{}
		for _, n := range append(p.SubjectAlternativeNames, p.DomainName) {
			if text, ok := n.(model.Text); ok {
				names[string(text)] = true
			}
		}
		t.each("certificateNames", r, len(names))
	}
}

func (t *quotaTally) distribution(r *model.Resource, c *model.DistributionConfig) {
	t.each("aliases", r, len(c.Aliases))
	t.each("cacheBehaviors", r, len(c.CacheBehaviors)+1)
	t.each("origins", r, len(c.Origins))
	if c.OriginGroups != nil {
		t.each("originGroups", r, len(c.OriginGroups.Items))
	}
	if c.ConnectionMode == model.Text(tenantOnly) {
		t.account("multiTenantDistributions")
		if c.TenantConfig != nil {
			t.each("tenantParameters", r, len(c.TenantConfig.ParameterDefinitions))
		}
	}
	if c.Staging == model.Bool(true) {
		t.account("stagingDistributions")
	}
	headers := 0
	for _, o := range c.Origins {
		headers = max(headers, len(o.OriginCustomHeaders))
	}
	t.each("originCustomHeaders", r, headers)
	used := map[*model.Resource]bool{}
	slots(c, func(v *model.Value) { t.use(used, *v) })
}

// use counts a distribution, or a tenant, as a user of what it refers to, once.
func (t *quotaTally) use(used map[*model.Resource]bool, v model.Value) {
	if r := refers(v); r != nil && !used[r] {
		used[r] = true
		t.users[r]++
	}
}

func (t *quotaTally) cachePolicy(r *model.Resource, p *model.CachePolicy) {
	key := p.CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin
	var query, headers, cookies []model.Value
	if key.QueryStringsConfig != nil {
		query = key.QueryStringsConfig.QueryStrings
	}
	if key.HeadersConfig != nil {
		headers = key.HeadersConfig.Headers
	}
	if key.CookiesConfig != nil {
		cookies = key.CookiesConfig.Cookies
	}
	t.names("cachePolicy", r, query, headers, cookies)
}

func (t *quotaTally) originRequestPolicy(r *model.Resource, p *model.OriginRequestPolicy) {
	c := p.OriginRequestPolicyConfig
	var query, headers, cookies []model.Value
	if c.QueryStringsConfig != nil {
		query = c.QueryStringsConfig.QueryStrings
	}
	if c.HeadersConfig != nil {
		headers = c.HeadersConfig.Headers
	}
	if c.CookiesConfig != nil {
		cookies = c.CookiesConfig.Cookies
	}
	t.names("originRequestPolicy", r, query, headers, cookies)
}

func (t *quotaTally) names(policy string, r *model.Resource, query, headers, cookies []model.Value) {
	t.each(policy+"QueryStrings", r, len(query))
	t.each(policy+"Headers", r, len(headers))
	t.each(policy+"Cookies", r, len(cookies))
	bytes := 0
	for _, v := range slices.Concat(query, headers, cookies) {
		if text, ok := v.(model.Text); ok {
			bytes += len(text)
		}
	}
	t.each(policy+"NameBytes", r, bytes)
}

func (t *quotaTally) function(r *model.Resource, p *model.Function) {
	if code, ok := p.FunctionCode.(model.Text); ok {
		t.each("functionBytes", r, len(code))
	}
	if p.FunctionConfig == nil {
		return
	}
	for _, k := range p.FunctionConfig.KeyValueStoreAssociations {
		if store := refers(k.KeyValueStoreARN); store != nil {
			t.counts["functionsPerKeyValueStore"] = oneMore(t.counts["functionsPerKeyValueStore"], store)
		}
	}
}

// oneMore counts one more for a resource.
func oneMore(list []most, r *model.Resource) []most {
	for i := range list {
		if list[i].what == r.ID {
			list[i].count++
			return list
		}
	}
	return append(list, most{count: 1, what: r.ID, at: r.At})
}

// zones counts the records in each hosted zone.
func (t *quotaTally) zones(d *model.Deployment) {
	counts := map[string]int{}
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			if p, ok := r.Props.(*model.RecordSet); ok {
				if id, ok := p.HostedZoneId.(model.Text); ok {
					counts[string(id)]++
				}
			}
		}
	}
	zones := make([]string, 0, len(counts))
	for id := range counts {
		zones = append(zones, id)
	}
	slices.Sort(zones)
	for _, id := range zones {
		t.counts["zoneRecords"] = append(t.counts["zoneRecords"], most{count: counts[id], what: id})
	}
}
