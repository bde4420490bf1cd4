package upstream_test

import (
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
