package upstream

import (
	"fmt"
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

// metadata are the addresses of cloud metadata services outside the link-local ranges.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}

// Check returns why an address is refused, nil if it is not.
func (g Guard) Check(ap netip.AddrPort) error {
	addr := ap.Addr().Unmap().WithZone("")
	for _, p := range g.Allow {
		if p.Contains(addr) {
			return nil
		}
	}
	for _, admin := range g.Admin {
		if admin.Port() == ap.Port() && (admin.Addr().Unmap() == addr || admin.Addr().IsUnspecified() && addr.IsLoopback()) {
			return refused(ap, "the edge's own admin address")
		}
	}
	switch {
	case addr.IsLinkLocalUnicast():
		return refused(ap, "a link-local address")
	case addr.IsMulticast():
		return refused(ap, "a multicast address")
	case addr.IsUnspecified():
		return refused(ap, "no address of a host")
	}
	for _, m := range metadata {
		if m == addr {
			return refused(ap, "a cloud metadata address")
		}
	}
	return nil
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
