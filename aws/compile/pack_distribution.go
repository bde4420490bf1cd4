package compile

import (
	"fmt"
	"slices"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// edge makes the distribution of a group. Its certificate, its records and its logs are added by the passes that follow.
func (b *builder) edge(g group) *edge {
	e := &edge{name: g.name(), packing: g.packing, sites: g.sites}
	if g.packing == spec.PackingTenants {
		b.multiTenant(e)
	} else {
		b.standard(e)
	}
	seen := map[*model.Resource]bool{}
	for _, s := range e.sites {
		for _, o := range s.origins {
			for _, r := range o.needs {
				if r.Stack == nil && !seen[r] { // what is shared has a stack already
					seen[r] = true
					e.with = append(e.with, r)
				}
			}
		}
	}
	return e
}

// standard makes a distribution that has all hosts of its sites as alternate domain names.
func (b *builder) standard(e *edge) {
	first := e.sites[0]
	c := b.config(first)
	c.Comment = model.Text(comment(e))
	c.IPV6Enabled = model.Bool(b.account.IPv6)
	c.PriceClass = model.Text(priceClasses[b.account.PriceClass])
	if first.acl != nil {
		c.WebACLId = model.Ref{Resource: first.acl, Attr: "Arn"}
	}
	e.distribution = own("Distribution", e.name, first.entry.At, &model.Distribution{DistributionConfig: c, Tags: b.tags(e.sites...)})
	b.marks(e.distribution, first)
	for _, s := range e.sites {
		for _, h := range s.hosts {
			e.distribution.Mark(fmt.Sprintf("DistributionConfig.Aliases.%d", len(c.Aliases)), s.entry.At)
			c.Aliases = append(c.Aliases, model.Text(h))
		}
	}
}

var priceClasses = map[spec.AWSPriceClass]string{
	spec.PriceClassAll: "PriceClass_All", spec.PriceClass200: "PriceClass_200", spec.PriceClass100: "PriceClass_100",
}

// config is what a distribution takes of a site and of the account, without hosts, firewall and what tenants cannot have.
func (b *builder) config(s *site) *model.DistributionConfig {
	c := &model.DistributionConfig{
		Enabled:              model.Bool(true),
		HttpVersion:          model.Text("http2"),
		Origins:              s.flat(),
		CustomErrorResponses: s.errors,
		DefaultRootObject:    rootObject(s),
		Restrictions: &model.DistributionRestrictions{
			GeoRestriction: &model.DistributionGeoRestriction{RestrictionType: model.Text("none")},
		},
	}
	if b.account.HTTP3 {
		c.HttpVersion = model.Text("http2and3")
	}
	for _, o := range s.origins {
		if o.group == nil {
			continue
		}
		if c.OriginGroups == nil {
			c.OriginGroups = &model.DistributionOriginGroups{}
		}
		c.OriginGroups.Items = append(c.OriginGroups.Items, o.group)
		c.OriginGroups.Quantity = model.Int(len(c.OriginGroups.Items))
	}
	last := len(s.behaviors) - 1
	for _, p := range s.behaviors[:last] {
		c.CacheBehaviors = append(c.CacheBehaviors, p.props)
	}
	c.DefaultCacheBehavior = defaultOf(s.behaviors[last].props)
	return c
}

// defaultOf is a behaviour as the default one of a distribution, which has no pattern.
func defaultOf(p *model.DistributionCacheBehavior) *model.DistributionDefaultCacheBehavior {
	return &model.DistributionDefaultCacheBehavior{
		AllowedMethods: p.AllowedMethods, CachePolicyId: p.CachePolicyId, CachedMethods: p.CachedMethods, Compress: p.Compress,
		DefaultTTL: p.DefaultTTL, FieldLevelEncryptionId: p.FieldLevelEncryptionId, ForwardedValues: p.ForwardedValues,
		FunctionAssociations: p.FunctionAssociations, GrpcConfig: p.GrpcConfig, LambdaFunctionAssociations: p.LambdaFunctionAssociations,
		MaxTTL: p.MaxTTL, MinTTL: p.MinTTL, OriginRequestPolicyId: p.OriginRequestPolicyId, RealtimeLogConfigArn: p.RealtimeLogConfigArn,
		ResponseHeadersPolicyId: p.ResponseHeadersPolicyId, SmoothStreaming: p.SmoothStreaming, TargetOriginId: p.TargetOriginId,
		TrustedKeyGroups: p.TrustedKeyGroups, TrustedSigners: p.TrustedSigners, ViewerProtocolPolicy: p.ViewerProtocolPolicy,
	}
}

// rootObject is the file that "/" stands for, if the default behaviour serves a directory; nil: there is none.
func rootObject(s *site) model.Value {
	last := s.behaviors[len(s.behaviors)-1]
	for _, r := range last.routes {
		if len(r.To.Services) == 1 {
			if dir := r.To.Services[0].Service.Directory; dir != nil && dir.Index != "" {
				return model.Text(dir.Index)
			}
		}
	}
	return nil
}

// marks notes where the parts of a distribution come from.
func (b *builder) marks(r *model.Resource, s *site) {
	n := 0
	for _, o := range s.origins {
		for range o.origins {
			if o.service != nil { // the origin that is never asked has none
				r.Mark(fmt.Sprintf("DistributionConfig.Origins.%d", n), o.service.At)
			}
			n++
		}
	}
	last := len(s.behaviors) - 1
	for i, p := range s.behaviors[:last] {
		r.Mark(fmt.Sprintf("DistributionConfig.CacheBehaviors.%d", i), p.at)
	}
	r.Mark("DistributionConfig.DefaultCacheBehavior", s.behaviors[last].at)
}

// comment is what people see of a distribution in the console.
func comment(e *edge) string {
	text := "skerry: " + e.name
	if n := len(e.sites) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text[:min(len(text), commentMax)]
}

// slots visits the values of a distribution that refer to what several of them share.
func slots(c *model.DistributionConfig, visit func(*model.Value)) {
	for _, p := range c.CacheBehaviors {
		behaviorSlots(p, visit)
	}
	if d := c.DefaultCacheBehavior; d != nil {
		for _, v := range []*model.Value{&d.CachePolicyId, &d.OriginRequestPolicyId, &d.ResponseHeadersPolicyId} {
			visit(v)
		}
		for _, f := range d.FunctionAssociations {
			visit(&f.FunctionARN)
		}
	}
	for _, o := range c.Origins {
		originSlots(o, visit)
	}
	visit(&c.WebACLId)
}

func behaviorSlots(p *model.DistributionCacheBehavior, visit func(*model.Value)) {
	for _, v := range []*model.Value{&p.CachePolicyId, &p.OriginRequestPolicyId, &p.ResponseHeadersPolicyId} {
		visit(v)
	}
	for _, f := range p.FunctionAssociations {
		visit(&f.FunctionARN)
	}
}

func originSlots(o *model.DistributionOrigin, visit func(*model.Value)) {
	visit(&o.OriginAccessControlId)
	if o.VpcOriginConfig != nil {
		visit(&o.VpcOriginConfig.VpcOriginId)
	}
}

// refers is the resource that a value refers to; nil: none.
func refers(v model.Value) *model.Resource {
	if ref, ok := v.(model.Ref); ok {
		return ref.Resource
	}
	return nil
}

// shares are the resources with users' quotas that a site refers to, each once, by id; its firewall is not among them.
func (s *site) shares() []*model.Resource {
	if s.made != nil && s.made.shares != nil {
		return s.made.shares
	}
	out := []*model.Resource{}
	visit := func(v *model.Value) {
		if r := refers(*v); r != nil && schema.UsersQuota(r.Type()) != "" && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	for _, p := range s.behaviors {
		behaviorSlots(p.props, visit)
	}
	for _, o := range s.flat() {
		originSlots(o, visit)
	}
	slices.SortFunc(out, byID)
	if s.made != nil {
		s.made.shares = out
	}
	return out
}
