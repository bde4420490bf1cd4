package upstream

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"skerry.dev/skerry/fault"
)

// Guard says which addresses an origin may have. Link-local addresses hold the metadata services of every cloud, and
// the edge's own admin listener must not be reachable through it.
type Guard struct {
	Allow []netip.Prefix   // exceptions, from --origin-allow
	Admin []netip.AddrPort // the edge's own admin addresses
}

// metadata are the addresses of cloud metadata services, and of what else clouds offer to the machines in them, outside the
// link-local ranges.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS: metadata, and the credentials of pods
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud
	netip.MustParsePrefix("fd00:42::42/128"),    // Scaleway
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle Cloud
}

// disguises are the forms in which an IPv6 address holds an IPv4 one, to which a gateway of the network may lead: the bytes of it.
var disguises = []struct {
	in    netip.Prefix
	bytes [][4]int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), [][4]int{{12, 13, 14, 15}}},                                                   // NAT64, RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), [][4]int{{12, 13, 14, 15}, {6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}}}, // the same of a network, RFC 8215
	{netip.MustParsePrefix("2002::/16"), [][4]int{{2, 3, 4, 5}}},                                                          // 6to4, RFC 3056
	{netip.MustParsePrefix("::/96"), [][4]int{{12, 13, 14, 15}}},                                                          // IPv4-compatible, RFC 4291 section 2.5.5.1
	{netip.MustParsePrefix("::ffff:0:0:0/96"), [][4]int{{12, 13, 14, 15}}},                                                // IPv4-translated, RFC 2765
}

// Check returns why an address is refused, nil if it is not. An IPv6 address that holds an IPv4 one is what it holds as well.
func (g Guard) Check(ap netip.AddrPort) error {
	addr := ap.Addr().Unmap().WithZone("")
	if g.allows(addr) {
		return nil
	}
	if why := g.why(addr, ap.Port()); why != "" {
		return refused(ap, why)
	}
	for _, d := range disguises {
		if !d.in.Contains(addr) || addr.IsLoopback() {
			continue
		}
		all := addr.As16()
		for _, at := range d.bytes {
			v4 := netip.AddrFrom4([4]byte{all[at[0]], all[at[1]], all[at[2]], all[at[3]]})
			if why := g.why(v4, ap.Port()); why != "" && !v4.IsUnspecified() && !g.allows(v4) { // nobody leads to 0.0.0.0
				return refused(ap, "a form of "+v4.String()+", "+why)
			}
		}
	}
	return nil
}

func (g Guard) allows(addr netip.Addr) bool {
	for _, p := range g.Allow {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// why is what an address is that no origin may have; empty: one may.
func (g Guard) why(addr netip.Addr, port uint16) string {
	for _, admin := range g.Admin {
		if admin.Port() == port && (admin.Addr().Unmap() == addr || admin.Addr().IsUnspecified() && ours(addr)) {
			return "the edge's own admin address"
		}
	}
	switch {
	case addr.IsLinkLocalUnicast():
		return "a link-local address"
	case addr.IsMulticast():
		return "a multicast address"
	case addr.IsUnspecified():
		return "no address of a host"
	}
	for _, m := range metadata {
		if m.Contains(addr) {
			return "a cloud metadata address"
		}
	}
	return ""
}

// ours reports whether an address is one of this machine: who listens on all of them is reached by each. They may change at any
// time, and are only asked for where the port is the admin's. One that cannot be told from ours is.
func ours(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	all, err := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == addr {
				return true
			}
		}
	}
	return err != nil
}

func refused(ap netip.AddrPort, why string) error {
	return fault.New(fault.OriginForbidden, fmt.Sprintf("%v is %s, which no origin may have (--origin-allow makes exceptions)", ap, why))
}

// control is a net.Dialer's hook: it sees the address after DNS, before the connection is made.
func (g Guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault.Wrap(fault.OriginForbidden, "address "+address, err)
	}
	return g.Check(ap)
}
