package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/plan"
)

// adminDefault is where the admin page is, unless --admin says otherwise.
const adminDefault = "127.0.0.1:9901"

// settingFlags are the flags that decide what plans may be: run, check and explain must agree on them.
type settingFlags struct {
	admin   []string
	allow   []string
	trusted []string
	servers []string
	acme    acmeFlags
	set     plan.Setting
}

func (g *settingFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&g.admin, "admin", []string{adminDefault}, "address of the admin page; repeatable; empty: none. No service may be there")
	f.StringArrayVar(&g.allow, "origin-allow", nil, "CIDR of addresses that services may have although they are refused by default; repeatable")
	f.StringVar(&g.set.Secrets.Dir, "secrets", "", "directory below which file: references to keys and certificates resolve")
	f.StringVar((*string)(&g.set.Tickets), "ticket-secret", "", "what the keys of TLS session tickets are made of, as file:NAME or env:SKERRY_SECRET_NAME: nodes that have it in common resume each other's sessions")
	f.StringVar(&g.set.Files, "files", "", "directory below which services may be directories of files")
	f.StringVar(&g.set.CRS, "crs", "", "directory with a release of the OWASP Core Rule Set 4, in the place of the embedded one")
	f.StringArrayVar(&g.trusted, "trusted-proxies", nil, "CIDR of proxies in front whose forwarding fields are believed; repeatable")
	f.StringVar(&g.set.Env.ClientFrom, "client-from", "x-forwarded-for", "where trusted proxies say who the client is: x-forwarded-for or forwarded (RFC 7239)")
	f.StringVar(&g.set.Region, "region", "", "region of this node: endpoints in the same one are asked first")
	f.StringVar(&g.set.Zone, "zone", "", "zone of this node within --region: endpoints in the same one are asked first")
	f.StringArrayVar(&g.servers, "resolver", nil, "DNS server, as address or address:port, for the names of services; repeatable; those of the system, if left out")
	f.Uint16Var(&g.set.Env.HTTPSPort, "public-https-port", 0, "port of HTTPS as clients see it, for redirects; 0: that of the first --https")
	g.acme.add(cmd)
}

// adminAddrs are the admin addresses without the empty ones, which mean none.
func (g *settingFlags) adminAddrs() []string {
	var addrs []string
	for _, a := range g.admin {
		if a != "" {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// setting is what the flags say; admin are the addresses in use, which may have got their port only by listening.
func (g *settingFlags) setting(admin []string) (plan.Setting, error) {
	out := g.set
	var err error
	if out.Guard.Allow, err = prefixes("--origin-allow", g.allow); err != nil {
		return out, err
	}
	if out.Env.Trusted, err = prefixes("--trusted-proxies", g.trusted); err != nil {
		return out, err
	}
	if err = places(out.Region, out.Zone); err != nil {
		return out, err
	}
	if out.Resolvers, err = resolvers(g.servers); err != nil {
		return out, err
	}
	if err = g.acme.fill(&out); err != nil {
		return out, err
	}
	out.Env.ClientFrom = strings.ToLower(out.Env.ClientFrom)
	if f := out.Env.ClientFrom; f != "x-forwarded-for" && f != "forwarded" {
		return out, fmt.Errorf("--client-from %q is neither x-forwarded-for nor forwarded", f)
	}
	for _, text := range admin {
		a, err := net.ResolveTCPAddr("tcp", text)
		if err != nil {
			return out, fmt.Errorf("--admin %q: %w", text, err)
		}
		ap := a.AddrPort()
		if !ap.Addr().IsValid() { // ":9901"
			ap = netip.AddrPortFrom(netip.IPv6Unspecified(), ap.Port())
		}
		out.Guard.Admin = append(out.Guard.Admin, ap)
	}
	return out, nil
}

// places refuses what no endpoint's region or zone can be: a node with such a name would be far from all of them, and
// nobody would know why.
func places(region, zone string) error {
	for _, p := range [][2]string{{"--region", region}, {"--zone", zone}} {
		if flag, name := p[0], p[1]; !placeName(name) {
			return fmt.Errorf("%s %q is not the name of a place: 1 to %d letters, digits and, behind the first, - _ and .", flag, name, placeBytesMax)
		}
	}
	if zone != "" && region == "" {
		return errors.New("--zone needs --region: zones of several regions may have the same name")
	}
	return nil
}

// placeName reports whether a name has the form of an endpoint's region and zone in the spec; empty, it is not said.
func placeName(s string) bool {
	for i := range len(s) {
		c := s[i]
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !word && (i == 0 || c != '-' && c != '_' && c != '.') {
			return false
		}
	}
	return len(s) <= placeBytesMax
}

// resolvers reads the addresses of DNS servers; the port is 53 if none is said.
func resolvers(texts []string) (all []netip.AddrPort, err error) {
	if len(texts) > resolversMax {
		return nil, fmt.Errorf("--resolver is given %d times, at most %d", len(texts), resolversMax)
	}
	for _, text := range texts {
		ap, err := netip.ParseAddrPort(text)
		if addr, aerr := netip.ParseAddr(text); err != nil && aerr == nil {
			ap, err = netip.AddrPortFrom(addr, 53), nil
		}
		if err != nil || ap.Port() == 0 {
			return nil, fmt.Errorf("--resolver %q is no address such as 10.0.0.2 or 10.0.0.2:53", text)
		}
		if ap.Addr().IsUnspecified() || ap.Addr().IsMulticast() {
			return nil, fmt.Errorf("--resolver %q is no address that one server has", text)
		}
		all = append(all, ap)
	}
	return all, nil
}

// mappedBits is how much of an IPv4 address within IPv6 is not that address (RFC 4291 section 2.5.5.2).
const mappedBits = 96

// prefixes reads CIDRs, or single addresses.
func prefixes(flag string, texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if addr, aerr := netip.ParseAddr(text); err != nil && aerr == nil {
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%s %q is no CIDR such as 169.254.10.0/24", flag, text)
		}
		if p.Addr().Is4In6() && p.Bits() >= mappedBits { // addresses never have this form: it would match none
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}
