package upstream_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// TestGuard: the addresses no origin may have, and the exceptions.
func TestGuard(t *testing.T) {
	g := upstream.Guard{
		Admin: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9901"), netip.MustParseAddrPort("[::]:9902")},
		Allow: []netip.Prefix{netip.MustParsePrefix("169.254.10.0/24")},
	}
	f := func(addr, want string) {
		t.Helper()
		err := g.Check(netip.MustParseAddrPort(addr))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", addr, err, want)
		}
		if err != nil && fault.Of(err) != fault.OriginForbidden {
			t.Errorf("%s: kind %s", addr, fault.Of(err).Name())
		}
	}
	f("127.0.0.1:9000", "")
	f("10.0.0.1:80", "")
	f("[2001:db8::1]:80", "")
	f("169.254.169.254:80", "link-local")
	f("[::ffff:169.254.169.254]:80", "link-local")
	f("[fe80::1%eth0]:80", "link-local")
	f("169.254.10.7:80", "")
	f("[fd00:ec2::254]:80", "metadata")
	f("100.100.100.200:80", "metadata")
	f("127.0.0.1:9901", "admin")
	f("127.0.0.1:9902", "admin")
	f("[::1]:9902", "admin")
	f("10.0.0.1:9901", "")
	f("0.0.0.0:80", "no address")
	f("224.0.0.1:80", "multicast")
	f("[fd00:ec2::23]:80", "metadata")
	f("[fd20:ce::254]:80", "metadata")
	f("168.63.129.16:32526", "metadata")
	for _, form := range []string{"64:ff9b::%x:%x", "64:ff9b:1::%x:%x", "2002:%x:%x::1", "::%x:%x", "::ffff:0:%x:%x"} {
		f("["+fmt.Sprintf(form, 0xa9fe, 0xa9fe)+"]:80", "a form of 169.254.169.254, a link-local address")
		f("["+fmt.Sprintf(form, 0x6464, 0x64c8)+"]:80", "a form of 100.100.100.200, a cloud metadata")
		f("["+fmt.Sprintf(form, 0x7f00, 1)+"]:9901", "a form of 127.0.0.1, the edge's own admin")
		f("["+fmt.Sprintf(form, 0xa9fe, 0x0a07)+"]:80", "") // 169.254.10.7
		f("["+fmt.Sprintf(form, 0x0a00, 1)+"]:80", "")      // 10.0.0.1
	}
	f("[64:ff9b:1:a9fe:a9:fe00::]:80", "a form of 169.254.169.254")
	f("[::1]:80", "")
}

// TestGuardWildcard: an admin listener on all addresses is reached by every address of the machine, not only by loopback.
func TestGuardWildcard(t *testing.T) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, admin := range []string{"0.0.0.0:9902", "[::]:9902"} {
		g := upstream.Guard{Admin: []netip.AddrPort{netip.MustParseAddrPort(admin)}}
		for _, a := range all {
			own := netip.MustParsePrefix(a.String()).Addr()
			if g.Check(netip.AddrPortFrom(own, 9902)) == nil {
				t.Errorf("admin on %s: an origin may be %s:9902", admin, own)
			}
		}
		if err := g.Check(netip.MustParseAddrPort("203.0.113.77:9902")); err != nil {
			t.Error(err)
		}
	}
}

// TestGuardAfterDNS: a name that resolves to a refused address is refused when it is dialled.
func TestGuardAfterDNS(t *testing.T) {
	set := meter.NewSet()
	k := newKeeper(t, upstream.Options{Meters: set, Guard: upstream.Guard{Admin: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9901"), netip.MustParseAddrPort("[::1]:9901")}}})
	s := service("s")
	s.Endpoints = []spec.Endpoint{{Host: "localhost", Port: 9901, Weight: 1}}
	r := &rig{set: set, keep: k, lease: k.Lease()}
	defer r.lease.Release()
	var problems []fault.Problem
	if r.stage, problems = upstream.New([]spec.Weighted{{Service: s, Weight: 1}}, policy(), "e/r", r.lease); len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, _, _, err := r.get(localhost); fault.Of(err) != fault.OriginForbidden {
		t.Errorf("got %v, want a refusal", err)
	}
}
