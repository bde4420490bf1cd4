package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// class is entrypoints that could have a distribution together; two or more.
type class struct {
	sites []*site   // by name
	boxes [][]*site // of those that are alike: which fit one distribution together
}

// saves is how many distributions there are less if the class shares.
func (c *class) saves() int { return len(c.sites) - len(c.boxes) }

// likes are the classes of entrypoints whose distributions would be the same but for their hosts, by their first names.
func (p *packer) likes() []*class {
	if p.alike == nil {
		p.alike = classes(p.sites, p.likeness)
		p.alike = slices.DeleteFunc(p.alike, func(c *class) bool {
			c.boxes = p.boxed(c.sites)
			return c.saves() == 0
		})
	}
	return p.alike
}

// relatives are the classes of entrypoints that could be tenants of one multi-tenant distribution, those that save the most
// first.
func (p *packer) relatives() []*class {
	if p.kin == nil {
		p.kin = p.families(p.kinship)
	}
	return p.kin
}

func (p *packer) families(key func(*site) string) []*class {
	list := slices.DeleteFunc(classes(p.sites, key), func(c *class) bool {
		return len(differ(c.sites)) > p.b.granted("tenantParameters")
	})
	slices.SortStableFunc(list, func(a, b *class) int { return cmp.Compare(len(b.sites), len(a.sites)) })
	return list
}

// classes are the sites with the same key, by their first names; an empty key is like no other. Who is alone is in none.
func classes(sites []*site, key func(*site) string) []*class {
	byKey := map[string]*class{}
	out := []*class{}
	for _, s := range sites {
		k := key(s)
		if k == "" {
			continue
		}
		c := byKey[k]
		if c == nil {
			c = &class{}
			byKey[k] = c
			out = append(out, c)
		}
		c.sites = append(c.sites, s)
	}
	return slices.DeleteFunc(out, func(c *class) bool { return len(c.sites) < 2 })
}

// likeness is the same for sites whose distributions would be the same but for hosts, comment and tags.
func (p *packer) likeness(s *site) string {
	if p.alone(s) {
		return ""
	}
	return model.Digest(p.shareable(s)) + settings(s)
}

// shareable is the distribution of a site but for hosts, comment and tags.
func (p *packer) shareable(s *site) *model.DistributionConfig {
	c := p.b.config(s)
	if s.acl != nil {
		c.WebACLId = model.Ref{Resource: s.acl, Attr: "Arn"}
	}
	return c
}

// settings are what a distribution has besides that, as text.
func settings(s *site) string {
	var log spec.Switch
	var tls spec.TLS
	if s.entry.Policy.Log != nil {
		log = *s.entry.Policy.Log
	}
	if s.entry.Policy.TLS != nil {
		tls = *s.entry.Policy.TLS
	}
	return fmt.Sprintf(" log %v tls %+v", log, tls)
}

// alone reports whether a site must have a distribution of its own: a continuous deployment is for all of a distribution.
func (p *packer) alone(s *site) bool {
	return p.b.account.Canary == spec.CanaryContinuousDeployment && slices.ContainsFunc(s.entry.Routes, func(r *spec.Route) bool {
		return len(r.To.Services) > 1
	})
}

// kinship is the same for sites that could be tenants of one distribution: what they have as likeness, but that the firewall may
// differ, and the first label of each origin's name, and its id.
func (p *packer) kinship(s *site) string {
	c := p.family(s)
	if c == nil {
		return ""
	}
	return model.Digest(c) + settings(s)
}

// withoutSecrets is kinship but for what CloudFront sends to the origins in fields of its own.
func (p *packer) withoutSecrets(s *site) string {
	c := p.family(s)
	if c == nil {
		return ""
	}
	for _, o := range c.Origins { // copies, which tenancy made
		o.OriginCustomHeaders = nil
	}
	return model.Digest(c) + settings(s)
}

// family is the distribution that a site could be a tenant of; nil: it cannot be one.
func (p *packer) family(s *site) *model.DistributionConfig {
	if p.alone(s) || len(s.hosts) > p.b.granted("tenantAliases") {
		return nil
	}
	names := make([]string, len(s.flat()))
	for i := range names {
		names[i] = template(i)
	}
	return p.b.tenancy(s, names, !choosesOrigins(s))
}

// secrets says so where entrypoints are no tenants of one distribution only because each origin is sent a secret of its own:
// fields that CloudFront adds are those of the distribution.
func (p *packer) secrets(groups []group) {
	wanted := p.b.account.Packing == spec.PackingTenants || p.b.account.Packing != spec.PackingDedicated && len(p.broken(groups)) > 0
	if !wanted {
		return
	}
	count := func(list []*class) (sites int) {
		for _, c := range list {
			sites += len(c.sites)
		}
		return sites
	}
	now, could := count(p.relatives()), p.families(p.withoutSecrets)
	if n := count(could); n > now {
		p.b.find(&tenantRules.secrets, nil, p.b.account.At, "spec.packing", "%d entrypoints can be tenants; %d could, of %d distributions, if their origins were sent the same secret",
			now, n, len(could))
	}
}

// flat are the origins of a site's distribution, in their order.
func (s *site) flat() []*model.DistributionOrigin {
	var out []*model.DistributionOrigin
	for _, o := range s.origins {
		out = append(out, o.origins...)
	}
	return out
}

// parameter is the name of the parameter of a multi-tenant distribution that stands for the first label of an origin's name.
func parameter(i int) string { return fmt.Sprintf("origin%d", i+1) }

func template(i int) string { return "{{" + parameter(i) + "}}" }

// differ is which origins have not the same name in all sites.
func differ(sites []*site) []int {
	var out []int
	for i, o := range sites[0].flat() {
		if slices.ContainsFunc(sites, func(s *site) bool { return s.flat()[i].DomainName != o.DomainName }) {
			out = append(out, i)
		}
	}
	return out
}

// splitOrigin cuts the name of an origin after its first label, if two or more labels follow: a parameter is documented for what
// stands before a name, not for a whole one.
func splitOrigin(name model.Value) (label, rest string, ok bool) {
	text, literal := name.(model.Text)
	label, rest, cut := strings.Cut(string(text), ".")
	return label, rest, literal && cut && strings.Contains(rest, ".")
}

// choosesOrigins reports whether a function names origins by their ids, which a multi-tenant distribution then has to keep.
func choosesOrigins(s *site) bool {
	for _, b := range s.behaviors {
		for _, f := range b.props.FunctionAssociations {
			r := refers(f.FunctionARN)
			if r == nil {
				continue
			}
			if made, ok := r.Props.(*model.Function); ok {
				code, _ := made.FunctionCode.(model.Text)
				if strings.Contains(string(code), "RequestOrigin") {
					return true
				}
			}
		}
	}
	return false
}
