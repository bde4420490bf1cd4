package compile

import (
	"fmt"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// tenantRules are what tenants of a distribution cannot have.
var tenantRules = struct{ price, secrets finding.Rule }{
	price: finding.Rule{
		ID: "tenants-price-class", Severity: finding.Warning, Source: docsTenants,
		Meaning: "A multi-tenant distribution has no price class: all edge locations answer, at their prices.",
		Remedy:  "say `packing: dedicated` or `packing: shared`, or `priceClass: all`",
		Witness: "a request from a region that the price class leaves out is answered there",
	},
	secrets: finding.Rule{
		ID: "tenants-secret", Severity: finding.Note, Source: docsTenants,
		Meaning: "What CloudFront sends to an origin in fields of its own is the same for all tenants of a distribution, so services with a secret each cannot be the origins of its tenants.",
		Remedy:  "name the same `aws.secret` in the services that may trust each other, or close the origins in a way that needs no secret",
		Witness: "two entrypoints that differ in their service only",
	},
}

const docsTenants = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-config-options.html"

// multiTenant makes a multi-tenant distribution with a tenant for each site, and the connection group that their hosts point to.
// What such a distribution cannot have is left out: alternate domain names, the price class, IPv6 (the connection group has it),
// continuous deployment, origin access identities, TTLs outside of policies, a dedicated address.
func (b *builder) multiTenant(e *edge) {
	first := e.sites[0]
	names := make([]string, len(first.flat()))
	var defined []*model.DistributionParameterDefinition
	changing := differ(e.sites)
	for _, i := range changing {
		names[i] = template(i)
		defined = append(defined, &model.DistributionParameterDefinition{
			Name: model.Text(parameter(i)),
			Definition: &model.DistributionDefinition{StringSchema: &model.DistributionStringSchema{
				Required: model.Bool(true), Comment: model.Text("the first label of the origin's name"),
			}},
		})
	}
	if b.account.PriceClass != spec.PriceClassAll {
		b.find(&tenantRules.price, nil, b.account.At, "spec.priceClass", "priceClass is %s, and %d entrypoints are tenants of the distribution of %s",
			b.account.PriceClass, len(e.sites), e.name)
	}
	c := b.tenancy(first, names, !sameIDs(e.sites))
	c.Comment = model.Text(comment(e))
	c.ConnectionMode = model.Text(tenantOnly)
	if defined != nil {
		c.TenantConfig = &model.DistributionTenantConfig{ParameterDefinitions: defined}
	}
	acl, one := oneACL(e.sites)
	if one && acl != nil {
		c.WebACLId = model.Ref{Resource: acl, Attr: "Arn"}
	}
	e.distribution = own("MultiTenant", e.name, first.entry.At, &model.Distribution{DistributionConfig: c, Tags: b.tags(e.sites...)})
	b.marks(e.distribution, first)
	name := logicalID("ConnectionGroup", e.name)
	e.group = own("ConnectionGroup", e.name, first.entry.At, &model.ConnectionGroup{
		Name: model.Text("skerry-" + name), Enabled: model.Bool(true), Ipv6Enabled: model.Bool(b.account.IPv6), Tags: b.tags(e.sites...),
	})
	for _, s := range e.sites {
		e.tenants = append(e.tenants, b.tenant(e, s, changing, !one))
	}
}

// oneACL is the firewall of all sites; false: they have several.
func oneACL(sites []*site) (*model.Resource, bool) {
	for _, s := range sites {
		if s.acl != sites[0].acl {
			return nil, false
		}
	}
	return sites[0].acl, true
}

func sameIDs(sites []*site) bool {
	for _, s := range sites {
		for i, o := range s.flat() {
			if o.Id != sites[0].flat()[i].Id {
				return false
			}
		}
	}
	return true
}

func (b *builder) tenant(e *edge, s *site, changing []int, ownACL bool) *model.Resource {
	name := s.entry.Meta.Name
	t := &model.DistributionTenant{
		Name:              model.Text("skerry-" + logicalID("Tenant", name)),
		DistributionId:    model.Ref{Resource: e.distribution, Attr: "Id"},
		ConnectionGroupId: model.Ref{Resource: e.group, Attr: "Id"},
		Domains:           model.Texts(s.hosts),
		Enabled:           model.Bool(true),
		Tags:              b.tags(s),
	}
	for _, i := range changing {
		label, _, _ := splitOrigin(s.flat()[i].DomainName)
		t.Parameters = append(t.Parameters, &model.DistributionTenantParameter{Name: model.Text(parameter(i)), Value: model.Text(label)})
	}
	if ownACL && s.acl != nil {
		t.Customizations = &model.DistributionTenantCustomizations{WebAcl: &model.DistributionTenantWebAclCustomization{
			Action: model.Text("override"), Arn: model.Ref{Resource: s.acl, Attr: "Arn"},
		}}
	}
	r := own("Tenant", name, s.entry.At, t)
	for i := range s.hosts {
		r.Mark(fmt.Sprintf("Domains.%d", i), s.entry.At)
	}
	return r
}

// tenancy is the configuration of a distribution for tenants: names, where they are not empty, stand for the first labels of the
// origins' names, and origins have numbers as ids if they are to have none of the site's own.
func (b *builder) tenancy(s *site, names []string, numbered bool) *model.DistributionConfig {
	ids := map[model.Value]model.Value{}
	for i, o := range s.flat() {
		ids[o.Id] = o.Id
		if numbered {
			ids[o.Id] = model.Text(fmt.Sprintf("origin-%d", i+1))
		}
	}
	groups := 0
	for _, o := range s.origins {
		if o.group != nil {
			groups++
			ids[o.group.Id] = o.group.Id
			if numbered {
				ids[o.group.Id] = model.Text(fmt.Sprintf("group-%d", groups))
			}
		}
	}
	c := b.config(s)
	for i, o := range c.Origins {
		made := *o
		made.Id = ids[o.Id]
		if _, rest, ok := splitOrigin(o.DomainName); ok && names[i] != "" {
			made.DomainName = model.Text(names[i] + "." + rest)
		}
		c.Origins[i] = &made
	}
	for i, p := range c.CacheBehaviors {
		made := *p
		made.TargetOriginId = renamed(ids, p.TargetOriginId)
		c.CacheBehaviors[i] = &made
	}
	c.DefaultCacheBehavior.TargetOriginId = renamed(ids, c.DefaultCacheBehavior.TargetOriginId)
	if c.OriginGroups != nil {
		for i, g := range c.OriginGroups.Items {
			c.OriginGroups.Items[i] = renamedGroup(ids, g)
		}
	}
	return c
}

func renamed(ids map[model.Value]model.Value, id model.Value) model.Value {
	if to, ok := ids[id]; ok {
		return to
	}
	return id
}

func renamedGroup(ids map[model.Value]model.Value, g *model.DistributionOriginGroup) *model.DistributionOriginGroup {
	made := *g
	made.Id = renamed(ids, g.Id)
	members := *g.Members
	members.Items = nil
	for _, m := range g.Members.Items {
		members.Items = append(members.Items, &model.DistributionOriginGroupMember{OriginId: renamed(ids, m.OriginId)})
	}
	made.Members = &members
	return &made
}
