package resolve_test

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
)

// TestHosts: names of the hosts file and localhost are answered without a server; the file is read again when it changes.
func TestHosts(t *testing.T) {
	server := serve(t, mesh.script)
	s := resolver(t, "search two.search", "10.9.0.1 shop.test db # old-db\n2001:db8::9\tshop.test\n::1 localhost Six.only.\nbroken line\n"+
		"10.9.0.2 localhost\n::ffff:10.9.0.3 mapped\n10.9.0.1 db\n", server)
	f := func(host string, family spec.Family, want string) {
		t.Helper()
		a, err := s.Lookup(t.Context(), host, spec.DNS{Family: family})
		if got := show(a, err); !strings.Contains(got, want) {
			t.Errorf("%s %s: %s, want %s", host, family, got, want)
		}
	}
	f("shop.test", spec.FamilyAuto, "[10.9.0.1] 5s")
	f("Shop.TEST.", spec.FamilyBoth, "[10.9.0.1 2001:db8::9] 5s")
	f("shop.test", spec.FamilyIPv6, "[2001:db8::9] 5s")
	f("db", spec.FamilyAuto, "[10.9.0.1] 5s")
	f("mapped", spec.FamilyIPv4, "[10.9.0.3] 5s")
	f("six.only", spec.FamilyAuto, "[::1] 5s")
	f("six.only", spec.FamilyIPv4, s.hosts+" has it, without")
	f("localhost", spec.FamilyAuto, "[::1] 5s") // never 10.9.0.2
	f("a.localhost.", spec.FamilyBoth, "[127.0.0.1 ::1] 5s")
	// An answer is its receiver's own, also when the file is not read again.
	if err := os.Chtimes(s.hosts, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if a, err := s.Lookup(t.Context(), "db", spec.DNS{}); err != nil {
		t.Error(err)
	} else {
		a.Addrs[0] = netip.IPv6Loopback()
		f("db", spec.FamilyAuto, "[10.9.0.1] 5s")
	}
	if asked := server.keys(); len(asked) != 0 {
		t.Errorf("asked for %v", asked)
	}
	write(t, s.hosts, "10.9.0.7 other\n")
	f("other", spec.FamilyAuto, "[10.9.0.7] 5s")
	f("shop.test", spec.FamilyAuto, "[10.0.0.1 10.0.0.2] 30s")
	f("localhost", spec.FamilyAuto, "[127.0.0.1] 5s")
	if err := os.Remove(s.hosts); err != nil {
		t.Fatal(err)
	}
	f("other", spec.FamilyAuto, "no such name")
	write(t, s.hosts, "10.9.0.8 other\n")
	f("other", spec.FamilyAuto, "[10.9.0.8] 5s")
}

// TestHostsSameAge: a second write within the clock's tick of the first shows too.
func TestHostsSameAge(t *testing.T) {
	s := resolver(t, "", "10.9.0.1 db\n", serve(t, mesh.script))
	f := func(want string) {
		t.Helper()
		a, err := s.Lookup(t.Context(), "db", spec.DNS{})
		if got := show(a, err); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	var written time.Time
	for written = time.Now(); ; written = time.Now() { // it must be read while it is new
		if err := os.Chtimes(s.hosts, time.Time{}, written); err != nil {
			t.Fatal(err)
		}
		if f("[10.9.0.1] 5s"); time.Since(written) < time.Second {
			break
		}
	}
	write(t, s.hosts, "10.9.0.2 db\n")
	if err := os.Chtimes(s.hosts, time.Time{}, written); err != nil {
		t.Fatal(err)
	}
	f("[10.9.0.2] 5s")
	// Once it is old, it is read no more than needed: the same time and size is the same file.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(s.hosts, time.Time{}, old); err != nil {
		t.Fatal(err)
	}
	f("[10.9.0.2] 5s")
	write(t, s.hosts, "10.9.0.3 db\n")
	if err := os.Chtimes(s.hosts, time.Time{}, old); err != nil {
		t.Fatal(err)
	}
	f("[10.9.0.2] 5s")
}

// TestConfAgain: a resolv.conf is read again when it changes, and one that vanishes or is empty for a moment changes
// nothing.
func TestConfAgain(t *testing.T) {
	server := serve(t, mesh.script)
	s := resolver(t, "search one.search\n", "", server)
	f := func(want string) {
		t.Helper()
		before := len(server.keys())
		s.Lookup(t.Context(), "nothing", spec.DNS{Family: spec.FamilyIPv4})
		if got := fmt.Sprint(server.keys()[before:]); got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
	}
	f("[nothing.one.search. A nothing. A]")
	write(t, s.conf, "search three.search two.search\n")
	f("[nothing.three.search. A nothing.two.search. A nothing. A]")
	if err := os.Remove(s.conf); err != nil {
		t.Fatal(err)
	}
	f("[nothing.three.search. A nothing.two.search. A nothing. A]")
	write(t, s.conf, "search one.search\noptions ndots:0\n")
	f("[nothing. A]")
}
