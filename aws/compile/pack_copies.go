package compile

import (
	"fmt"
	"maps"
	"slices"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// copied reports whether there may be several of a shared resource that say the same: AWS bounds how many distributions use one.
// Of a VPC origin there is one, since nothing says that a load balancer can have two.
func copied(r *model.Resource) bool {
	switch r.Props.(type) {
	case *model.CachePolicy, *model.OriginRequestPolicy, *model.ResponseHeadersPolicy, *model.Function, *model.OriginAccessControl, *model.WebACL:
		return true
	}
	return false
}

// use is that a group's distribution, or a tenant, needs a resource.
type use struct {
	key   string // what it is dealt by: the name of the distribution or of the tenant
	sites []*site
}

// copied resources are those that sites refer to instead of others.
type copiedResources map[*site]map[*model.Resource]*model.Resource

// copies makes as many of each shared resource as its users need, and says which site has which of them instead. It returns a text about it.
func (p *packer) copies(groups []group) (copiedResources, string) {
	users := map[*model.Resource][]use{}
	for _, g := range groups {
		for _, r := range p.uses[g.sites[0]] {
			users[r] = append(users[r], use{g.name(), g.sites})
		}
		acl, one := oneACL(g.sites)
		switch {
		case one && acl != nil:
			users[acl] = append(users[acl], use{g.name(), g.sites})
		case g.packing == spec.PackingTenants:
			for _, s := range g.sites {
				if s.acl != nil {
					users[s.acl] = append(users[s.acl], use{s.entry.Meta.Name, []*site{s}})
				}
			}
		}
	}
	several, instead := 0, copiedResources{}
	for _, r := range slices.SortedFunc(maps.Keys(users), byID) {
		if room := p.b.granted(schema.UsersQuota(r.Type())); copied(r) && len(users[r]) > room {
			several++
			p.b.deal(r, users[r], room, instead)
		}
	}
	if several == 0 {
		return instead, ""
	}
	return instead, fmt.Sprintf("of %d policies, functions or web ACLs there are several that say the same, since AWS bounds how many distributions use one", several)
}

// deal makes copies of a resource and notes for each user which of them it has instead.
func (b *builder) deal(r *model.Resource, users []use, room int, instead copiedResources) {
	n := (len(users)-1)/room + 1
	list := []*model.Resource{r}
	for i := 1; i < n; i++ {
		c := b.copied(r, i+1, func() *model.Resource { return copyOf(r, i+1) })
		b.shared.Add(c)
		b.about(r, c, i+1)
		list = append(list, c)
	}
	keys := make([]string, len(users))
	for i, u := range users {
		keys[i] = u.key
	}
	places := deal(keys, n, room)
	for _, u := range users {
		to := list[places[u.key]]
		if to == r {
			continue
		}
		for _, s := range u.sites {
			if instead[s] == nil {
				instead[s] = map[*model.Resource]*model.Resource{}
			}
			instead[s][r] = to
		}
	}
}

// copyOf is the same resource by another name, of a type that copied lists.
func copyOf(r *model.Resource, number int) *model.Resource {
	suffix := fmt.Sprintf("-%d", number)
	renamed := func(v model.Value) model.Value {
		name, _ := v.(model.Text)
		return name + model.Text(suffix)
	}
	c := &model.Resource{ID: fmt.Sprintf("%sCopy%d", r.ID, number), Retain: r.Retain, DependsOn: r.DependsOn}
	switch p := r.Props.(type) {
	case *model.CachePolicy:
		config := *p.CachePolicyConfig
		config.Name = renamed(config.Name)
		c.Props = &model.CachePolicy{CachePolicyConfig: &config}
	case *model.OriginRequestPolicy:
		config := *p.OriginRequestPolicyConfig
		config.Name = renamed(config.Name)
		c.Props = &model.OriginRequestPolicy{OriginRequestPolicyConfig: &config}
	case *model.ResponseHeadersPolicy:
		config := *p.ResponseHeadersPolicyConfig
		config.Name = renamed(config.Name)
		c.Props = &model.ResponseHeadersPolicy{ResponseHeadersPolicyConfig: &config}
	case *model.OriginAccessControl:
		config := *p.OriginAccessControlConfig
		config.Name = renamed(config.Name)
		c.Props = &model.OriginAccessControl{OriginAccessControlConfig: &config}
	case *model.Function:
		made := *p
		made.Name = renamed(made.Name)
		c.Props = &made
	case *model.WebACL:
		made := *p
		made.Name = renamed(made.Name)
		c.Props = &made
	default:
		panic("BUG: " + r.Type() + " is not copied")
	}
	return c
}

// about copies what speaks of a resource and must be there for its copy too: where a web ACL writes its log.
func (b *builder) about(r, to *model.Resource, number int) {
	for _, other := range b.shared.Resources {
		if p, ok := other.Props.(*model.LoggingConfiguration); ok && refers(p.ResourceArn) == r {
			b.shared.Add(b.copied(other, number, func() *model.Resource {
				made := *p
				made.ResourceArn = model.Ref{Resource: to, Attr: "Arn"}
				return &model.Resource{ID: fmt.Sprintf("%sCopy%d", other.ID, number), Props: &made}
			}))
			return
		}
	}
}

// swap makes a site refer to other resources. What several sites may have in common is copied before it is written.
func (s *site) swap(instead map[*model.Resource]*model.Resource) {
	if len(instead) == 0 {
		return
	}
	s.own()
	if to := instead[s.acl]; to != nil {
		s.acl = to
	}
	visit := func(v *model.Value) {
		if ref, ok := (*v).(model.Ref); ok && instead[ref.Resource] != nil {
			*v = model.Ref{Resource: instead[ref.Resource], Attr: ref.Attr}
		}
	}
	there := false
	look := func(v *model.Value) { there = there || instead[refers(*v)] != nil }
	for _, b := range s.behaviors {
		there = false
		if behaviorSlots(b.props, look); !there {
			continue
		}
		made := *b.props
		made.FunctionAssociations = nil
		for _, f := range b.props.FunctionAssociations {
			own := *f
			made.FunctionAssociations = append(made.FunctionAssociations, &own)
		}
		behaviorSlots(&made, visit)
		b.props = &made
	}
	for _, o := range s.origins {
		for i := range o.origins {
			there = false
			if originSlots(o.origins[i], look); !there {
				continue
			}
			made := *o.origins[i]
			originSlots(&made, visit)
			o.origins[i] = &made
		}
	}
}
