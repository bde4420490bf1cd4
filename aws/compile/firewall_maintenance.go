package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// maintenance answers 503 where a policy says so, to all but the addresses that it lets pass.
func (a *acl) maintenance() {
	groups := a.lanes.by(func(p *spec.Policy) string {
		if p.Maintenance == nil || !p.Maintenance.On {
			return ""
		}
		return fmt.Sprint(p.Maintenance.RetryAfter, p.Maintenance.Allow)
	})
	for _, g := range groups {
		m := g.policy.Maintenance
		if g.key == "" {
			continue
		}
		wait := strconv.Itoa(int(m.RetryAfter.Seconds()))
		a.rule(bandMaintenance, g.name("maintenance"), g.at, and(a.lanes.reach(g.in, true), not(a.from(m.Allow))), a.refuse(503, "Retry-After", wait))
	}
}

// from fits the client addresses of networks; none, if there are no networks.
func (a *acl) from(list []netip.Prefix) *statement {
	byVersion := map[string][]string{}
	for _, p := range list {
		for _, half := range halves(p.Masked()) {
			version := "IPV6"
			if half.Addr().Is4() {
				version = "IPV4"
			}
			byVersion[version] = append(byVersion[version], half.String())
		}
	}
	var of []*statement
	for _, version := range []string{"IPV4", "IPV6"} {
		addresses := byVersion[version]
		if len(addresses) == 0 {
			continue
		}
		slices.Sort(addresses)
		props := &model.IPSet{Scope: scopeCloudFront, IPAddressVersion: model.Text(version), Addresses: model.Texts(slices.Compact(addresses))}
		of = append(of, inSet(a.b.share("IPSet", a.site.entry.At, props, func(name string) { props.Name = model.Text(name) })))
	}
	return or(of...)
}

// halves are the networks that an IP set takes for a network: it refuses those of all addresses.
func halves(p netip.Prefix) []netip.Prefix {
	if p.Bits() > 0 {
		return []netip.Prefix{p}
	}
	upper := "8000::/1"
	if p.Addr().Is4() {
		upper = "128.0.0.0/1"
	}
	return []netip.Prefix{netip.PrefixFrom(p.Addr(), 1), netip.MustParsePrefix(upper)}
}
