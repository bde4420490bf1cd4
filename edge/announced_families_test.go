package edge_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/load/rival"
)

// behind6 are nginx and HAProxy on an address of each family, which say what the header says.
var behind6 = map[string]string{
	"nginx": `access_log off;
server {
	listen FOUR proxy_protocol;
	listen SIX proxy_protocol;
	default_type text/plain;
	location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port"; }
}
`,
	"haproxy": `global
	maxconn 500
defaults
	mode http
	timeout connect 10s
	timeout client 20s
	timeout server 20s
frontend all
	bind FOUR accept-proxy
	bind SIX accept-proxy
	http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port]"
`,
}

// TestAnnouncedFamilies: balancers of either family, on a socket for both, speak for clients of either family, and services of
// either family are told of them; where client and address are of two families, both are written as IPv6.
func TestAnnouncedFamilies(t *testing.T) {
	needs(t, "nginx", "haproxy")
	routes, services := "", ""
	var paths []string
	for name, run := range map[string]func(rival.Options) (*rival.Proc, error){"nginx": rival.Nginx, "haproxy": rival.HAProxy} {
		addrs := map[string]string{"FOUR": freeAddr(t), "SIX": freeAddr6(t, "::1")}
		p, err := run(rival.Options{Dir: t.TempDir(), Conf: strings.NewReplacer("FOUR", addrs["FOUR"], "SIX", addrs["SIX"]).Replace(behind6[name]), Ready: addrs["SIX"]})
		must(t, err)
		t.Cleanup(p.Stop)
		for family, addr := range addrs {
			for _, version := range []string{"v1", "v2"} {
				service := strings.ToLower(name + family + version)
				paths = append(paths, "/"+service)
				routes += fmt.Sprintf("    - {match: {path: /%[1]s}, service: %[1]s}\n", service)
				services += fmt.Sprintf(announcedService, service, `"http://`+addr+`"`, version)
			}
		}
	}
	both := freeAddr6(t, "::")
	opt := edge.Options{H2C: []string{both}, Proxied: []string{both}, DrainTimeout: 5 * time.Second}
	opt.Setting.Env.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}
	e, _ := start(t, opt, fmt.Sprintf(announcedSpec, routes)+services)
	t.Cleanup(func() { e.Hurry(); e.Drain() })
	_, port, _ := net.SplitHostPort(both)
	slices.Sort(paths)
	for _, host := range []string{"127.0.0.1", "::1"} {
		to := netip.MustParseAddrPort(net.JoinHostPort(host, port))
		for _, source := range []string{"203.0.113.7:4444", "[2001:db8::7]:4444"} {
			from := netip.MustParseAddrPort(source)
			for i, path := range paths {
				announceFrom(t, from, to, byte(1+i%2), path)
			}
		}
	}
}

// announceFrom asks for a path as a balancer does, by a header of a version, and expects what the service is told.
func announceFrom(t *testing.T, from, to netip.AddrPort, version byte, path string) {
	t.Helper()
	raw, err := net.Dial("tcp", to.String())
	must(t, err)
	defer raw.Close()
	destination := netip.MustParseAddrPort("198.51.100.1:443") // which is not the edge's own
	if from.Addr().Is6() {
		destination = netip.MustParseAddrPort("[2001:db8::1]:443")
	}
	header, err := proxyproto.HeaderProxyFromAddrs(version, net.TCPAddrFromAddrPort(from), net.TCPAddrFromAddrPort(destination)).Format()
	must(t, err)
	c := &client{raw, bufio.NewReader(raw)}
	_, body, err := c.do(string(header) + "GET " + path + " HTTP/1.1\r\nHost: shop.test\r\n\r\n")
	must(t, err)
	text := func(a netip.AddrPort) string {
		if from.Addr().Is4() != to.Addr().Is4() && a.Addr().Is4() {
			a = netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
		}
		return a.Addr().String() + ":" + strconv.Itoa(int(a.Port()))
	}
	if want := text(from) + " " + text(to); body != want {
		t.Errorf("from %v to %v, version %d, %s: the service was told %q, want %q", from, to, version, path, body, want)
	}
}

// freeAddr6 is an address of IPv6 on which nobody listens.
func freeAddr6(t *testing.T, host string) string {
	t.Helper()
	port, err := rival.FreePort()
	must(t, err)
	return net.JoinHostPort(host, strconv.Itoa(port))
}
