package compile

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// drawnBench is random sites under random quotas.
func drawnBench(t *rapid.T, tb testing.TB, packings ...spec.AWSPacking) *bench {
	quotas := map[string]int{}
	quota := func(name string, least, most int) {
		if rapid.Bool().Draw(t, name+" is written") {
			quotas[name] = rapid.IntRange(least, most).Draw(t, name)
		}
	}
	quota("distributions", 1, 30)
	quota("aliases", 4, 12)
	quota("cachePolicies", 1, 6)
	quota("distributionsPerCachePolicy", 1, 10)
	quota("distributionsPerWebAcl", 1, 10)
	quota("webAcls", 1, 6)
	quota("multiTenantDistributions", 0, 4)
	quota("distributionTenants", 0, 20)
	quota("distributionsPerStack", 2, 10)
	quota("certificates", 0, 20)
	b := newBench(tb, rapid.SampledFrom(packings).Draw(t, "packing"), quotas)
	if rapid.Bool().Draw(t, "no certificate is there") {
		b.account.Certificates = nil
	}
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,6}`), 1, 30, ident).Draw(t, "names")
	slices.Sort(names)
	for _, name := range names {
		k := kind{
			cache: rapid.IntRange(0, 2).Draw(t, "cache"), acl: rapid.IntRange(0, 2).Draw(t, "acl"), hosts: rapid.IntRange(1, 3).Draw(t, "hosts"),
			header: rapid.SampledFrom([]string{"", "x"}).Draw(t, "header"),
		}
		if rapid.Bool().Draw(t, "origin") {
			k.origin = name + ".internal.example.net"
		}
		b.add(name, k)
	}
	return b
}

// Every host of every site is an alternate domain name of exactly one distribution, or a domain of exactly one tenant.
func TestEveryHostOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawnBench(rt, t, spec.PackingAuto, spec.PackingDedicated, spec.PackingShared, spec.PackingTenants)
		d := b.deployed()
		after(t, d)
		seen := map[model.Value]int{}
		for _, s := range d.Stacks {
			for _, r := range s.Resources {
				switch p := r.Props.(type) {
				case *model.Distribution:
					for _, h := range p.DistributionConfig.Aliases {
						seen[h]++
					}
				case *model.DistributionTenant:
					for _, h := range p.Domains {
						seen[h]++
					}
				}
			}
		}
		hosts := 0
		for _, s := range b.sites {
			for _, h := range s.hosts {
				hosts++
				if seen[model.Text(h)] != 1 {
					rt.Fatalf("%s is in %d distributions or tenants", h, seen[model.Text(h)])
				}
			}
		}
		if len(seen) != hosts {
			rt.Fatalf("%d hosts deployed, %d asked for", len(seen), hosts)
		}
	})
}

// What the packer reckons is what is deployed, and what auto claims to keep is kept.
func TestAutoKeepsQuotas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawnBench(rt, t, spec.PackingAuto)
		p := &packer{b: b.builder, sites: b.sites, uses: map[*site][]*model.Resource{}}
		for _, s := range b.sites {
			p.uses[s] = s.shares()
		}
		groups, why := p.solve()
		reckoned := p.usage(groups)
		broken := p.broken(groups)
		d := b.deployed()
		counted := map[string]int{}
		for _, s := range d.Stacks {
			for _, r := range s.Resources {
				if name := schema.AccountQuota(r.Type()); name != "" {
					counted[name]++
				}
			}
		}
		for _, name := range []string{"distributions", "distributionTenants", "connectionGroups", "cachePolicies", "webAcls"} {
			if counted[name] != reckoned[name] {
				rt.Fatalf("%d %s were reckoned with and %d are deployed (%s)", reckoned[name], name, counted[name], why)
			}
		}
		for _, f := range b.findings {
			if f.Severity != finding.Error || f.Rule.ID == "quota-stack-resources" {
				continue
			}
			known := slices.ContainsFunc(slices.Collect(maps.Keys(broken)), func(name string) bool { return quotaNamed(name).ID() == f.Rule.ID })
			if !known {
				rt.Fatalf("the packer did not know of: %s (%s)", f, why)
			}
		}
	})
}

// A packing is the same whatever the order of the sites, and one entrypoint more changes nothing of the others if each has its
// own.
func TestOneMore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(rt, "n")
		extra := rapid.IntRange(0, n-1).Draw(rt, "extra")
		digests := func(without int) map[string]string {
			b := newBench(t, spec.PackingDedicated, nil)
			for i := range n {
				if i != without {
					b.add(fmt.Sprintf("s%02d", i), kind{cache: i % 3, acl: i % 2})
				}
			}
			out := map[string]string{}
			for _, s := range b.deployed().Stacks {
				for _, r := range s.Resources {
					if r.Owner != fmt.Sprintf("s%02d", extra) {
						out[r.ID] = model.Digest(r.Props)
					}
				}
			}
			return out
		}
		with, without := digests(-1), digests(extra)
		for id, sum := range without {
			if with[id] != sum {
				rt.Fatalf("%s changes when an entrypoint is added", id)
			}
		}
	})
}

// The same sites give the same deployment in whatever order they come.
func TestPackingWithoutOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawnBench(rt, t, spec.PackingAuto, spec.PackingShared, spec.PackingTenants)
		c := &bench{builder: newBuilder(b.spec, new(Memory)), t: t}
		c.account = b.account
		c.sites = rapid.Permutation(b.sites).Draw(rt, "order")
		for _, r := range rapid.Permutation(b.shared.Resources).Draw(rt, "shared") {
			c.shared.Add(r)
		}
		first := text(b.copyOfSites().deployed())
		if second := text(c.copyOfSites().deployed()); first != second {
			rt.Fatalf("got\n%s\nand\n%s", first, second)
		}
	})
}

// copyOfSites makes sites of its own: packing may change what they refer to.
func (b *bench) copyOfSites() *bench {
	for i, s := range b.sites {
		made := *s
		made.behaviors, made.origins = nil, nil
		for _, v := range s.behaviors {
			own := *v
			made.behaviors = append(made.behaviors, &own)
		}
		for _, o := range s.origins {
			own := *o
			own.origins = slices.Clone(o.origins)
			made.origins = append(made.origins, &own)
		}
		b.sites[i] = &made
	}
	return b
}

// text is a deployment as text: what is in which stack, with its digest.
func text(d *model.Deployment) string {
	out := ""
	for _, s := range d.Stacks {
		out += s.Name + "\n"
		for _, r := range s.Resources {
			out += " " + r.ID + " " + model.Digest(r.Props) + "\n"
		}
	}
	return out + fmt.Sprint(d.Packing, d.Deployer)
}
