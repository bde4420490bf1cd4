package compile

import (
	"cmp"
	"fmt"
	"slices"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// tenantOnly is the ConnectionMode of a multi-tenant distribution.
const tenantOnly = "tenant-only"

// group is entrypoints that have a distribution together.
type group struct {
	packing spec.AWSPacking // dedicated: it is one
	sites   []*site         // by name
}

// name is that of its first entrypoint. When that leaves, or one with a lesser name joins, the distribution is another one.
func (g group) name() string { return g.sites[0].entry.Meta.Name }

// packer decides which entrypoints have a distribution together.
type packer struct {
	b     *builder
	sites []*site // those that have something to serve, by name
	uses  map[*site][]*model.Resource
	// made when they are asked for
	alike []*class // entrypoints whose distributions would be the same but for their hosts
	kin   []*class // those that could be tenants of one
}

// pack spreads entrypoints over distributions and makes these.
func (b *builder) pack() {
	p := &packer{b: b, uses: map[*site][]*model.Resource{}}
	for _, s := range b.sites {
		if len(s.hosts) > 0 && len(s.behaviors) > 0 { // of what else there is, whoever refused it has said why
			p.sites = append(p.sites, s)
			p.uses[s] = s.shares()
		}
	}
	slices.SortFunc(p.sites, func(a, b *site) int { return cmp.Compare(a.entry.Meta.Name, b.entry.Meta.Name) })
	groups, why := p.choose()
	instead, made := p.copies(groups)
	for _, g := range groups {
		e := b.rememberedEdge(g, instead)
		b.edges = append(b.edges, e)
		for _, s := range g.sites {
			s.edge = e
		}
	}
	b.packed = p.choices(groups, why, made)
}

// choose picks the groups, as the account says or, if it leaves it open, the least surprising ones that fit. why is about all of
// them.
func (p *packer) choose() (groups []group, why string) {
	switch p.b.account.Packing {
	case spec.PackingDedicated:
		groups, why = p.dedicated(), "the AWS document says dedicated"
	case spec.PackingShared:
		groups, why = p.shared(everyClass), "the AWS document says shared"
	case spec.PackingTenants:
		groups, why = p.tenants(len(p.relatives()), noClass), "the AWS document says tenants"
	default:
		groups, why = p.solve()
	}
	p.others(groups)
	p.secrets(groups)
	p.apart(groups)
	return groups, why
}

// dedicated is a distribution for each entrypoint.
func (p *packer) dedicated() []group {
	groups := make([]group, len(p.sites))
	for i, s := range p.sites {
		groups[i] = group{spec.PackingDedicated, []*site{s}}
	}
	return groups
}

// everyClass and noClass say which classes share distributions.
func everyClass(*class) bool { return true }
func noClass(*class) bool    { return false }

// shared is a distribution for each box of the classes that are chosen, and one for each other entrypoint.
func (p *packer) shared(chosen func(*class) bool) []group {
	return p.with(p.likes(), nil, chosen)
}

// tenants is a multi-tenant distribution for each of the first n classes that can have one; of the others those that are chosen
// share.
func (p *packer) tenants(n int, chosen func(*class) bool) []group {
	return p.with(p.likes(), p.relatives()[:n], chosen)
}

func (p *packer) with(likes, kin []*class, chosen func(*class) bool) []group {
	var groups []group
	taken := map[*site]bool{}
	take := func(packing spec.AWSPacking, sites []*site) {
		groups = append(groups, group{packing, sites})
		for _, s := range sites {
			taken[s] = true
		}
	}
	for _, c := range kin {
		take(spec.PackingTenants, c.sites)
	}
	for _, c := range likes {
		if len(c.sites) > 0 && !taken[c.sites[0]] && chosen(c) { // who is alike is kin: one taken, all taken
			for _, box := range c.boxes {
				if len(box) > 1 {
					take(spec.PackingShared, box)
				}
			}
		}
	}
	for _, s := range p.sites {
		if !taken[s] {
			take(spec.PackingDedicated, []*site{s})
		}
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(a.name(), b.name()) })
	return groups
}

// others notes for each quota that a packing breaks which other packing would keep it.
func (p *packer) others(groups []group) {
	broken := p.broken(groups)
	if len(broken) == 0 {
		return
	}
	for _, other := range []struct {
		name   spec.AWSPacking
		groups func() []group
	}{
		{spec.PackingDedicated, p.dedicated},
		{spec.PackingShared, func() []group { return p.shared(everyClass) }},
		{spec.PackingTenants, func() []group { return p.tenants(len(p.relatives()), noClass) }},
		{spec.PackingAuto, func() []group { groups, _ := p.solve(); return groups }},
	} {
		if other.name == p.b.account.Packing || other.name == spec.PackingAuto && p.b.account.Packing == "" {
			continue
		}
		usage := p.usage(other.groups())
		for name := range broken {
			if limit := p.b.granted(name); usage[name] <= limit {
				p.b.fits[name] = joined(p.b.fits[name], fmt.Sprintf("packing %s would need %d", other.name, usage[name]))
			}
		}
	}
	for name := range broken {
		if p.b.fits[name] == "" {
			p.b.fits[name] = "no packing would need so few"
		}
	}
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// choices are the decisions, as a deployment tells them.
func (p *packer) choices(groups []group, why, made string) []model.Choice {
	byPacking := map[spec.AWSPacking][]string{}
	distributions := map[spec.AWSPacking]int{}
	var each []model.Choice
	for _, g := range groups {
		names := g.names()
		byPacking[g.packing] = append(byPacking[g.packing], names...)
		distributions[g.packing]++
		if g.packing != spec.PackingDedicated {
			each = append(each, model.Choice{
				Packing: string(g.packing), Distribution: g.sites[0].edge.distribution.ID, Entrypoints: names, Why: g.why(),
			})
		}
	}
	var out []model.Choice
	for _, packing := range []spec.AWSPacking{spec.PackingDedicated, spec.PackingShared, spec.PackingTenants} {
		names := byPacking[packing]
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		text := fmt.Sprintf("%d of %d entrypoints, distributions: %d; %s", len(names), len(p.sites), distributions[packing], why+named[packing])
		if made != "" {
			text += "; " + made
		}
		out = append(out, model.Choice{Packing: string(packing), Entrypoints: names, Why: text})
	}
	return append(out, each...)
}

func (g group) names() []string {
	out := make([]string, len(g.sites))
	for i, s := range g.sites {
		out[i] = s.entry.Meta.Name
	}
	return out
}

func (g group) why() string {
	if g.packing == spec.PackingTenants {
		return "they differ in hosts, firewall and the first label of an origin's name at most"
	}
	hosts := 0
	for _, s := range g.sites {
		hosts += len(s.hosts)
	}
	return fmt.Sprintf("they differ in their hosts at most, %d together", hosts)
}

// named is what it means that a distribution has the name of the first of its entrypoints.
var named = map[spec.AWSPacking]string{
	spec.PackingShared: "; a distribution has the name of its first entrypoint, so when that leaves another one takes its hosts over, " +
		"and CloudFront lets a host be in one distribution at a time",
	spec.PackingTenants: "; a distribution has the name of its first entrypoint, so when that leaves its tenants move to another one",
}

// boxed cuts the sites of a class so that each box fits one distribution: its alternate domain names, and the names of one
// certificate if none is there that has them all.
func (p *packer) boxed(sites []*site) [][]*site {
	aliases, names := p.b.granted("aliases"), p.b.granted("certificateNames")
	var out [][]*site
	for _, box := range spread(sites, func(s *site) string { return s.entry.Meta.Name }, func(list []*site) bool {
		var hosts []string
		for _, s := range list {
			hosts = append(hosts, s.hosts...)
		}
		return len(hosts) <= aliases && (len(hosts) <= names || len(fewest(hosts)) <= names || p.b.known(hosts) != nil)
	}) {
		out = append(out, box.things)
	}
	return out
}
