package cli

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/plan"
)

// adminDefault is where the admin page is, unless --admin says otherwise.
const adminDefault = "127.0.0.1:9901"

// guardFlags are the flags that decide which origin addresses are refused: run, check and explain must agree on them.
type guardFlags struct {
	admin []string
	allow []string
}

func (g *guardFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&g.admin, "admin", []string{adminDefault}, "address of the admin page; repeatable; empty: none. No service may be there")
	cmd.Flags().StringArrayVar(&g.allow, "origin-allow", nil, "CIDR of addresses that services may have although they are refused by default; repeatable")
}

// adminAddrs are the admin addresses without the empty ones, which mean none.
func (g *guardFlags) adminAddrs() []string {
	var addrs []string
	for _, a := range g.admin {
		if a != "" {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// guard is what the flags say; admin are the addresses in use, which may have got their port only by listening.
func (g *guardFlags) guard(admin []string) (plan.Guard, error) {
	var out plan.Guard
	for _, text := range g.allow {
		p, err := netip.ParsePrefix(text)
		if addr, aerr := netip.ParseAddr(text); err != nil && aerr == nil {
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return out, fmt.Errorf("--origin-allow %q is no CIDR such as 169.254.10.0/24", text)
		}
		out.Allow = append(out.Allow, p.Masked())
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
		out.Admin = append(out.Admin, ap)
	}
	return out, nil
}
