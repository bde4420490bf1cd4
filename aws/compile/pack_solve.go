package compile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// usage is how much of each quota that depends on the packing groups need.
func (p *packer) usage(groups []group) map[string]int {
	out := map[string]int{}
	users := map[*model.Resource]int{}
	for _, g := range groups {
		p.use(g, out, users)
	}
	for r, n := range users {
		if copied(r) {
			out[schema.AccountQuota(r.Type())] += (n-1)/p.b.granted(schema.UsersQuota(r.Type())) + 1
		} else {
			name := schema.UsersQuota(r.Type())
			out[name] = max(out[name], n)
		}
	}
	return out
}

func (p *packer) use(g group, out map[string]int, users map[*model.Resource]int) {
	out["distributions"]++
	for _, r := range p.uses[g.sites[0]] { // of the others of a group it is the same
		users[r]++
	}
	acl, one := oneACL(g.sites)
	if one && acl != nil {
		users[acl]++
	}
	if g.packing != spec.PackingTenants {
		var hosts []string
		for _, s := range g.sites {
			hosts = append(hosts, s.hosts...)
		}
		if p.b.known(hosts) == nil {
			out["certificates"]++
		}
		return
	}
	out["multiTenantDistributions"]++
	out["connectionGroups"]++
	out["distributionTenants"] += len(g.sites)
	for _, s := range g.sites {
		if !one && s.acl != nil {
			users[s.acl]++
		}
		if p.b.known(s.hosts) == nil {
			out["certificates"]++
		}
	}
}

// broken are the quotas that groups break, and by how much.
func (p *packer) broken(groups []group) map[string]int {
	out := map[string]int{}
	for name, n := range p.usage(groups) {
		if limit := p.b.granted(name); n > limit {
			out[name] = n - limit
		}
	}
	return out
}

// solve picks the groups that keep the quotas and move the fewest entrypoints from distributions of their own: none if that is
// possible; otherwise some of those that are alike share; otherwise, beside them, the largest classes that can become tenants. A
// quota that no packing keeps counts as kept by the packing that breaks it least.
func (p *packer) solve() ([]group, string) {
	own := p.dedicated()
	broken := p.broken(own)
	if len(broken) == 0 {
		return own, "each can have its own within the quotas, which is the least surprising"
	}
	why := "each with its own would need " + p.excess(broken) + "; "
	s := &search{packer: p, bounds: p.bounds()}
	groups, how := s.least(own)
	if len(p.broken(groups)) > 0 {
		how += "; no packing keeps all quotas"
	}
	return groups, why + how
}

// least is the least surprising packing within the bounds, and what it does.
func (s *search) least(own []group) ([]group, string) {
	if s.keeps(own) {
		return own, "no other packing would need less"
	}
	if groups := s.share(nil); groups != nil {
		return groups, "the fewest that suffice share, of those that are alike"
	}
	for n := range s.mostTenants() {
		if groups := s.share(s.relatives()[:n+1]); groups != nil {
			return groups, "that those share who are alike does not suffice, so the largest groups of relatives are tenants"
		}
	}
	return s.densest(), "this packing needs the fewest distributions"
}

func (p *packer) mostTenants() int {
	return min(len(p.relatives()), p.b.granted("multiTenantDistributions"), p.b.granted("connectionGroups"))
}

// densest is the packing with the fewest distributions.
func (p *packer) densest() []group {
	return p.with(p.likes(), p.relatives()[:p.mostTenants()], everyClass)
}

// excess is the broken quotas as text.
func (p *packer) excess(broken map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(broken)) {
		q := quotaNamed(name)
		limit := p.b.granted(name)
		parts = append(parts, fmt.Sprintf("%d %s where %d are possible (%s)", limit+broken[name], q.Of, limit, p.b.figure(q)))
	}
	return strings.Join(parts, ", ")
}

// search is one run of the solver.
type search struct {
	*packer
	bounds map[string]int
}

// bounds are what a packing may need of each quota: its limit, or what the packing needs that is the best there.
func (p *packer) bounds() map[string]int {
	least := map[string]int{}
	for i, groups := range [][]group{p.dedicated(), p.shared(everyClass), p.densest()} {
		usage := p.usage(groups)
		for name := range accountAndUsers {
			if n := usage[name]; i == 0 || n < least[name] {
				least[name] = n
			}
		}
	}
	for name := range least {
		least[name] = max(least[name], p.b.granted(name))
	}
	return least
}

// accountAndUsers are the quotas that depend on the packing.
var accountAndUsers = map[string]bool{
	"distributions": true, "multiTenantDistributions": true, "distributionTenants": true, "connectionGroups": true, "certificates": true,
	"cachePolicies": true, "originRequestPolicies": true, "responseHeadersPolicies": true, "functions": true,
	"originAccessControls": true, "webAcls": true, "distributionsPerVpcOrigin": true,
}

func (s *search) keeps(groups []group) bool {
	for name, n := range s.usage(groups) {
		if n > s.bounds[name] {
			return false
		}
	}
	return true
}

// steps is in how many steps the search goes from the fewest distributions saved to the most.
const steps = 16

// share finds the groups for given tenants: of those that are alike, classes that move the fewest entrypoints and save enough.
// How much is enough begins with what the quota on distributions needs, and grows as long as another quota is broken. nil:
// nothing suffices.
func (s *search) share(kin []*class) []group {
	var free []*class
	taken := map[*site]bool{}
	for _, c := range kin {
		for _, t := range c.sites {
			taken[t] = true
		}
	}
	possible := 0
	for _, c := range s.likes() {
		if !taken[c.sites[0]] {
			free = append(free, c)
			possible += c.saves()
		}
	}
	base := s.usage(s.with(s.likes(), kin, noClass))
	need := max(base["distributions"]-s.bounds["distributions"], 0)
	if need > possible {
		return nil
	}
	best := cheapest(free, possible)
	for step := range steps + 1 {
		save := need + (possible-need)*step/steps
		chosen := best(save)
		groups := s.with(s.likes(), kin, func(c *class) bool { return chosen[c] })
		if s.keeps(groups) {
			return groups
		}
	}
	return nil
}

// cheapest solves a knapsack: for each saving up to the most, which classes save so much or more and have the fewest entrypoints.
// Among those it prefers the first ones.
func cheapest(list []*class, most int) func(save int) map[*class]bool {
	const never = 1 << 30
	cost := make([]int, most+1) // of saving so much with the classes from i on
	for s := range cost[1:] {
		cost[s+1] = never
	}
	take := make([][]bool, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		take[i] = make([]bool, most+1)
		for s := most; s > 0; s-- {
			if with := len(list[i].sites) + cost[max(s-list[i].saves(), 0)]; with <= cost[s] && with < never {
				cost[s], take[i][s] = with, true
			}
		}
	}
	return func(save int) map[*class]bool {
		chosen := map[*class]bool{}
		for i, c := range list {
			if take[i][save] {
				chosen[c] = true
				save = max(save-c.saves(), 0)
			}
		}
		return chosen
	}
}

// byID sorts resources.
func byID(a, b *model.Resource) int { return cmp.Compare(a.ID, b.ID) }
