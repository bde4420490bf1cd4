package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/resolve"
)

// site is a resolver with files of its own.
type site struct {
	*resolve.Resolver
	conf, hosts string
	set         *meter.Set
}

// resolver makes one that asks these servers; conf and hosts are the contents of its files.
func resolver(t testing.TB, conf, hosts string, servers ...*server) site {
	t.Helper()
	dir := t.TempDir()
	s := site{conf: filepath.Join(dir, "resolv.conf"), hosts: filepath.Join(dir, "hosts"), set: meter.NewSet()}
	write(t, s.conf, conf)
	write(t, s.hosts, hosts)
	o := resolve.Options{Conf: s.conf, Hosts: s.hosts, Meters: s.set, Setting: "--dns"}
	for _, server := range servers {
		o.Servers = append(o.Servers, server.addr)
	}
	var err error
	if s.Resolver, err = resolve.New(o); err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s site) queries(outcome string) uint64 {
	return s.set.Counter("skerry_dns_queries_total", "", "outcome", outcome).Value()
}

// show is an answer in one line: addresses, TTL; or the error's text.
func show(a resolve.Answer, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(a.Addrs, " ", a.TTL)
}

// mesh is what most tests ask.
var mesh = zone{
	"shop.test. A":         "shop.test. 60 A 10.0.0.2\nshop.test. 30 A 10.0.0.1\nshop.test. 60 A 10.0.0.2",
	"shop.test. AAAA":      "shop.test. 20 AAAA 2001:db8::1",
	"six.test. A":          "",
	"six.test. AAAA":       "six.test. 90 AAAA 2001:db8::6",
	"one.test. A":          "one.test. 70 A 10.0.0.3",
	"one.test. AAAA":       "NXDOMAIN", // as broken balancers say
	"brief.test. A":        "brief.test. 10 A 10.0.0.1",
	"brief.test. AAAA":     "brief.test. 20 AAAA 2001:db8::1",
	"half.test. A":         "half.test. 70 A 10.0.0.3",
	"half.test. AAAA":      "SERVFAIL",
	"other.test. A":        "SERVFAIL",
	"other.test. AAAA":     "other.test. 70 AAAA 2001:db8::7",
	"empty.test. A":        "",
	"empty.test. AAAA":     "",
	"zero.test. A":         "zero.test. 0 A 10.0.0.4",
	"long.test. A":         "long.test. 86400 A 10.0.0.4",
	"sign.test. A":         "sign.test. 2147483648 A 10.0.0.4",
	"most.test. A":         "most.test. 2147483647 A 10.0.0.4",
	"alias.test. A":        "alias.test. 90 CNAME b.test.\nb.test. 15 CNAME C.test.\nc.TEST. 60 A 10.0.0.5",
	"shuffled.test. A":     "c.test. 60 A 10.0.0.5\nb.test. 15 CNAME c.test.\nshuffled.test. 90 CNAME b.test.",
	"loop.test. A":         "loop.test. 90 CNAME b.test.\nb.test. 15 CNAME loop.test.",
	"self.test. A":         "self.test. 90 CNAME self.test.",
	"two.test. A":          "two.test. 90 CNAME a.test.\ntwo.test. 90 CNAME b.test.\na.test. 9 A 10.0.0.6",
	"nowhere.test. A":      "nowhere.test. 90 CNAME gone.test.",
	"gone.test. A":         "gone.test. 90 CNAME b.test.\nNXDOMAIN",
	"both.test. A":         "both.test. 90 A 10.0.0.7\nNXDOMAIN",
	"stranger.test. A":     "evil.test. 5 A 10.66.0.1\nstranger.test. 70 A 10.0.0.8\nstranger.test.evil. 5 A 10.66.0.2\nevil.test. 5 CNAME x.test.",
	"foreign.test. A":      "evil.test. 5 A 10.66.0.1\nx.foreign.test. 5 A 10.66.0.1",
	"class.test. A":        "class.test. 5 CHAOS 10.66.0.1\nclass.test. 70 TXT 10.66.0.1\nclass.test. 70 A 10.0.0.9",
	"type.test. A":         "type.test. 5 AAAA 2001:db8::66",
	"mapped.test. AAAA":    "mapped.test. 70 AAAA ::ffff:10.66.0.1\nmapped.test. 70 AAAA 2001:db8::8",
	"lame.test. A":         "LAME",
	"strange.test. A":      "RCODE11",
	"big.test. A":          "TC\nbig.test. 70 A 10.0.0.10",
	"many.test. A":         many("many.test."),
	"refused.test. A":      "REFUSED",
	"api.two.search. A":    "api.two.search. 70 A 10.0.0.11",
	"api.one.search. A":    "",
	"api.one.search. AAAA": "",
	"dots.two.search. A":   "dots.two.search. 70 A 10.0.0.12",
	"dots.a. A":            "NXDOMAIN",
	"dots.a.two.search. A": "dots.a.two.search. 70 A 10.66.0.12",
	"sick.one.search. A":   "SERVFAIL",
	"sick.two.search. A":   "sick.two.search. 70 A 10.66.0.13",
}

// many is an answer that fits no datagram.
func many(name string) string {
	var b strings.Builder
	b.WriteString("TC\n")
	for i := range 100 {
		fmt.Fprintf(&b, "%s 70 A 10.1.0.%d\n", name, (i*37)%100)
	}
	return b.String()
}

func TestLookup(t *testing.T) {
	s := resolver(t, "search one.search two.search\noptions attempts:1\n", "", serve(t, mesh.script))
	f := func(host string, d spec.DNS, want string) {
		t.Helper()
		a, err := s.Lookup(t.Context(), host, d)
		if got := show(a, err); !strings.Contains(got, want) || err == nil && got != want {
			t.Errorf("%s %s:\n got %s\nwant %s", host, d.Family, got, want)
		}
		if err != nil && (fault.Of(err) != fault.OriginDNS || !strings.Contains(err.Error(), fmt.Sprintf("%q", host))) {
			t.Errorf("%s: an error of kind %s that does not name the host: %v", host, fault.Of(err).Name(), err)
		}
	}
	v4, v6, both := spec.DNS{Family: spec.FamilyIPv4}, spec.DNS{Family: spec.FamilyIPv6}, spec.DNS{Family: spec.FamilyBoth}
	auto := spec.DNS{}
	f("shop.test", v4, "[10.0.0.1 10.0.0.2] 30s")
	f("SHOP.test.", v4, "[10.0.0.1 10.0.0.2] 30s")
	f("shop.test", v6, "[2001:db8::1] 20s")
	f("shop.test", both, "[10.0.0.1 10.0.0.2 2001:db8::1] 20s")
	f("brief.test", both, "[10.0.0.1 2001:db8::1] 10s")
	f("shop.test", auto, "[10.0.0.1 10.0.0.2] 30s")
	f("six.test", auto, "[2001:db8::6] 1m30s")
	f("six.test", both, "[2001:db8::6] 1m30s")
	f("one.test", both, "[10.0.0.3] 1m10s")
	f("six.test", v4, "it has no address of the family that the service's dns.family wants (ipv4)")
	f("empty.test", both, "it has no address")
	f("missing.test", auto, "there is no such name, says 127.0.0.1:")
	// What nobody could say is not "none".
	f("half.test", auto, "[10.0.0.3] 1m10s")
	f("half.test", both, "ServerFailure")
	f("other.test", auto, "ServerFailure")
	f("refused.test", v4, "Refused")
	f("lame.test", v4, "asks no one")
	f("strange.test", v4, "it answers RCODE 11") // one without a name
	// How long it holds.
	f("zero.test", v4, "[10.0.0.4] 1s")
	f("zero.test", spec.DNS{Family: spec.FamilyIPv4, TTLMin: 3 * time.Second}, "[10.0.0.4] 3s")
	f("long.test", v4, "[10.0.0.4] 5m0s")
	f("most.test", spec.DNS{Family: spec.FamilyIPv4, TTLMax: math.MaxInt64}, "[10.0.0.4] 596523h14m7s")
	f("sign.test", v4, "[10.0.0.4] 1s")
	// Aliases.
	f("alias.test", v4, "[10.0.0.5] 15s")
	f("shuffled.test", v4, "[10.0.0.5] 15s")
	f("loop.test", v4, "circle")
	f("self.test", v4, "circle")
	f("two.test", v4, "two aliases")
	f("nowhere.test", v4, "it has no address")
	f("gone.test", v4, "there is no such name")
	f("both.test", v4, "addresses and NXDOMAIN at once")
	// Records of others.
	f("stranger.test", v4, "[10.0.0.8] 1m10s")
	f("foreign.test", v4, "it has no address")
	f("class.test", v4, "[10.0.0.9] 1m10s")
	f("type.test", v4, "it has no address")
	f("mapped.test", v6, "[2001:db8::8] 1m10s")
	f("big.test", v4, "[10.0.0.10] 1m10s")
	// The search list.
	f("api", v4, "[10.0.0.11] 1m10s")
	f("api.", v4, "there is no such name")
	f("dots", v4, "[10.0.0.12] 1m10s")
	f("dots.a", v4, "there is no such name") // and not dots.a.two.search
	f("sick", v4, "sick.one.search. A: it answers RCODE ServerFailure")
	f("nothing", v4, "asked for nothing.one.search., nothing.two.search., nothing.")
	// What is no name.
	f("", v4, "1 to 253 characters")
	f("a..b", v4, "1 to 63 characters")
	f("a b", v4, "letters")
	f(strings.Repeat("a", 64)+".test", v4, "1 to 63")
	f(strings.Repeat("a.", 127)+"a", v4, "1 to 253")
	// What needs no server.
	f("192.0.2.1", v6, "[192.0.2.1] 5m0s")
	f("2001:db8::1", v4, "[2001:db8::1] 5m0s")
}

// TestBounded: of too many addresses the same ones are always taken, over TCP because they fit no datagram.
func TestBounded(t *testing.T) {
	server := serve(t, mesh.script)
	s := resolver(t, "", "", server)
	a, err := s.Lookup(t.Context(), "many.test", spec.DNS{Family: spec.FamilyIPv4})
	if err != nil || len(a.Addrs) != 64 || a.Addrs[63] != netip.MustParseAddr("10.1.0.63") || !slices.IsSortedFunc(a.Addrs, netip.Addr.Compare) {
		t.Errorf("%d addresses, %v: %v", len(a.Addrs), a.Addrs, err)
	}
	if n := s.set.Counter("skerry_dns_addresses_dropped_total", "").Value(); n != 36 {
		t.Errorf("%d counted as dropped", n)
	}
	if got := fmt.Sprint(server.keys()); got != "[many.test. A many.test. A tcp]" {
		t.Errorf("asked %s", got)
	}
}

// TestLookupEnds: a lookup ends with its context, waits for what it started, and says what happened.
func TestLookupEnds(t *testing.T) {
	asked := make(chan struct{}, 9)
	s := resolver(t, "", "", serve(t, func(query) { asked <- struct{}{} }))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; <-asked; cancel() }()
	_, err := s.Lookup(ctx, "shop.test", spec.DNS{})
	if !errors.Is(err, context.Canceled) || fault.Of(err) != fault.OriginDNS {
		t.Error(err)
	}
	if n := s.set.Counter("skerry_dns_lookups_total", "", "outcome", "canceled").Value(); n != 1 || s.queries("timeout") != 0 {
		t.Errorf("%d counted as given up, %d as timeout", n, s.queries("timeout"))
	}
}

// TestNextServer: a server that is silent, refuses, fails or answers what cannot be read is passed over; one that says
// that there is nothing is believed.
func TestNextServer(t *testing.T) {
	good := serve(t, zone{"shop.test. A": "shop.test. 70 A 10.0.0.1"}.script)
	f := func(outcome string, bad *server, want string) {
		t.Helper()
		conf := "options timeout:15"
		if outcome == "timeout" { // the good one has no longer either
			conf = "options timeout:4"
		}
		s := resolver(t, conf, "", bad, good)
		a, err := s.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyIPv4})
		if got := show(a, err); !strings.Contains(got, want) {
			t.Errorf("after %s: %s", outcome, got)
		}
		if outcome != "" && s.queries(outcome) != 1 {
			t.Errorf("not counted as %s", outcome)
		}
	}
	closed := serve(t, zone{}.script)
	// A socket that hears another address only: to all others nobody is there, and nobody else gets the port.
	taken, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")), net.UDPAddrFromAddrPort(good.addr))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	closed.addr = taken.LocalAddr().(*net.UDPAddr).AddrPort()
	f("unreachable", closed, "[10.0.0.1]")
	f("timeout", serve(t, zone{"shop.test. A": "SILENT"}.script), "[10.0.0.1]")
	f("refused", serve(t, zone{"shop.test. A": "SERVFAIL"}.script), "[10.0.0.1]")
	f("refused", serve(t, zone{"shop.test. A": "REFUSED"}.script), "[10.0.0.1]")
	f("refused", serve(t, zone{"shop.test. A": "LAME"}.script), "[10.0.0.1]")
	f("malformed", serve(t, zone{"shop.test. A": "shop.test. 1 CNAME shop.test."}.script), "[10.0.0.1]")
	f("malformed", serve(t, func(q query) {
		m, _ := response(q, "shop.test. 70 A 10.66.0.1")
		msg := packed(m)
		q.send(msg[:len(msg)-2]) // cut within the address
	}), "[10.0.0.1]")
	f("malformed", serve(t, raw("shop.test. 70 A 10.66.0.1", dnsmessage.TypeA, 10, 66, 0, 1, 0)), "[10.0.0.1]")
	f("malformed", serve(t, raw("", dnsmessage.TypeA, 10, 66, 0)), "[10.0.0.1]")
	f6 := resolver(t, "options attempts:1", "", serve(t, raw("", dnsmessage.TypeAAAA, make([]byte, 17)...)))
	if a, err := f6.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyIPv6}); err == nil || f6.queries("malformed") != 1 {
		t.Errorf("an AAAA record of 17 bytes: %v %v", a, err)
	}
	f("malformed", serve(t, raw("shop.test. 70 A 10.66.0.1", dnsmessage.TypeCNAME, 99, 'a')), "[10.0.0.1]")
	f("malformed", serve(t, func(q query) {
		m, _ := response(q, "shop.test. 70 A 10.66.0.1\nother.test. 70 TXT text")
		msg := packed(m)
		msg[len(msg)-len("\x04text")-1] += 9 // the last record, none of ours, runs over the end
		q.send(msg)
	}), "[10.0.0.1]")
	f("answered", serve(t, zone{}.script), "no such name")
	f("answered", serve(t, zone{"shop.test. A": ""}.script), "no address")

	s := resolver(t, "options attempts:3", "", closed)
	_, err = s.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyIPv4})
	for _, part := range []string{"3 tries of 5s at each of 1 (servers: --dns; options timeout and attempts: ", closed.addr.String(), "connection refused"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %v", part, err)
		}
	}
	if s.queries("unreachable") != 3 {
		t.Errorf("%d tries", s.queries("unreachable"))
	}
}

// raw answers with records and one more of a type that has any bytes.
func raw(text string, kind dnsmessage.Type, data ...byte) func(query) {
	return func(q query) {
		m, _ := response(q, text)
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("shop.test."), Class: dnsmessage.ClassINET, TTL: 70},
			Body:   &dnsmessage.UnknownResource{Type: kind, Data: data},
		})
		q.send(packed(m))
	}
}

// TestRotate: with the option, each query begins with another server.
func TestRotate(t *testing.T) {
	z := zone{"shop.test. A": "shop.test. 70 A 10.0.0.1"}
	a, b := serve(t, z.script), serve(t, z.script)
	for _, c := range []struct {
		options string
		want    int
	}{{"", 0}, {"options rotate", 5}} {
		s := resolver(t, c.options, "", a, b)
		before := len(b.keys())
		for range 10 {
			if _, err := s.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyIPv4}); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(b.keys()) - before; n != c.want {
			t.Errorf("%q: the second server was asked %d times", c.options, n)
		}
	}
}

// TestNew: servers that cannot be asked are refused with the name of the setting.
func TestNew(t *testing.T) {
	for _, servers := range [][]netip.AddrPort{{{}}, {netip.MustParseAddrPort("10.0.0.1:0")}, make([]netip.AddrPort, 9)} {
		if _, err := resolve.New(resolve.Options{Servers: servers, Setting: "--dns"}); err == nil || !strings.Contains(err.Error(), "--dns") {
			t.Errorf("%v: %v", servers, err)
		}
	}
	if _, err := resolve.New(resolve.Options{}); err != nil {
		t.Error(err)
	}
}

// TestSameAsNet: where net.Resolver has an opinion, it is the same.
func TestSameAsNet(t *testing.T) {
	server := serve(t, mesh.script)
	s := resolver(t, "options attempts:1", "", server)
	theirs := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.addr.String())
	}}
	for _, host := range []string{
		"shop.test.", "one.test.", "alias.test.", "zero.test.", "big.test.", "missing.test.", "empty.test.", "refused.test.", "stranger.test.", "class.test.",
	} {
		want, theirErr := theirs.LookupNetIP(t.Context(), "ip4", host)
		for i := range want {
			want[i] = want[i].Unmap()
		}
		// It takes the records of any name and class.
		want = slices.DeleteFunc(want, netip.MustParsePrefix("10.66.0.0/16").Contains)
		slices.SortFunc(want, netip.Addr.Compare)
		want = slices.Compact(want)
		got, err := s.Lookup(t.Context(), host, spec.DNS{Family: spec.FamilyIPv4})
		if (err == nil) != (theirErr == nil) || !slices.Equal(got.Addrs, want) {
			t.Errorf("%s: %v %v, but net says %v %v", host, got.Addrs, err, want, theirErr)
		}
	}
}
