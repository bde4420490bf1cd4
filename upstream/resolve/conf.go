package resolve

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// conf is what a resolv.conf says. It is never changed once it is made.
type conf struct {
	servers  []netip.AddrPort // at least one
	named    bool             // they were named, not assumed
	source   string           // the file or setting that names them
	search   []string         // domains, lower case, with the dot at their end
	ndots    int
	timeout  time.Duration // of one try
	attempts int           // at each server
	rotate   bool          // another server is asked first each time
	stream   bool          // over TCP only
}

// parseConf reads a resolv.conf as resolv.conf(5) has it. Lines that it does not know, and values that make no sense, are
// passed over, as every libc does: one file serves them all. host is the machine's name, whose domain is the search list
// if the file has none.
func parseConf(text, host string) *conf {
	c := &conf{ndots: ndotsDefault, timeout: timeoutDefault, attempts: attemptsDefault}
	searched := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || line[0] == '#' || line[0] == ';' {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if addr, err := netip.ParseAddr(fields[1]); err == nil && len(c.servers) < serversConfMax {
				c.servers = append(c.servers, netip.AddrPortFrom(addr, 53))
			}
		case "domain":
			c.search, searched = domains(fields[1:2]), true
		case "search": // the last one counts
			c.search, searched = domains(fields[1:]), true
		case "options":
			for _, o := range fields[1:] {
				c.option(o)
			}
		}
	}
	if c.named = len(c.servers) > 0; !c.named {
		c.servers = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 53)}
	}
	if _, domain, ok := strings.Cut(host, "."); ok && !searched {
		c.search = domains([]string{domain})
	}
	return c
}

// domains returns those that can be names; "." alone means that there are none.
func domains(fields []string) (all []string) {
	for _, f := range fields {
		d := strings.ToLower(strings.TrimSuffix(f, "."))
		if invalid(d) == "" && len(all) < searchMax {
			all = append(all, d+".")
		}
	}
	return all
}

func (c *conf) option(o string) {
	key, value, _ := strings.Cut(o, ":")
	n, err := strconv.Atoi(value)
	switch key {
	case "rotate":
		c.rotate = true
	case "use-vc", "usevc", "tcp":
		c.stream = true
	}
	if err != nil {
		return
	}
	switch key {
	case "ndots":
		c.ndots = min(max(n, 0), ndotsMax)
	case "timeout":
		c.timeout = min(time.Duration(max(n, 1))*time.Second, timeoutMax)
	case "attempts":
		c.attempts = min(max(n, 1), attemptsMax)
	}
}

// names returns the absolute names that a host may mean, in the order to ask for them. One with enough dots means itself
// only: if it vanished, glibc would go on to the search list, and a wildcard there would take its traffic.
func (c *conf) names(host string) []string {
	if strings.HasSuffix(host, ".") {
		return []string{host}
	}
	absolute := host + "."
	if strings.Count(host, ".") >= c.ndots {
		return []string{absolute}
	}
	var all []string
	for _, domain := range c.search {
		if name := absolute + domain; invalid(name[:len(name)-1]) == "" {
			all = append(all, name)
		}
	}
	return append(all, absolute)
}

// invalid says why a name, without the dot at its end, cannot be asked for; empty if it can. The letters are those of host
// names, and the underscore, which internal ones have.
func invalid(name string) string {
	if name == "" || len(name) > 253 {
		return "a name has 1 to 253 characters"
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "each part of a name has 1 to 63 characters"
		}
		for i := range len(label) {
			switch c := label[i]; {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			default:
				return "a name has letters, digits, hyphens and dots"
			}
		}
	}
	return ""
}

// hosts is what a hosts file says: the addresses of names in lower case, sorted.
type hosts map[string][]netip.Addr

// parseHosts reads a hosts file as hosts(5) has it: an address and its names on each line. Lines that make no sense are
// passed over.
func parseHosts(text string) hosts {
	h := hosts{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, f := range fields[1:] {
			name := strings.ToLower(strings.TrimSuffix(f, "."))
			if len(h[name]) < 2*addressesMax {
				h[name] = append(h[name], addr.Unmap())
			}
		}
	}
	for name, addrs := range h {
		h[name] = unique(addrs)
	}
	return h
}

// local returns the addresses of a name that is not for DNS, nil if it is. localhost and what is below it are loopback
// addresses, whatever else anyone says (RFC 6761 section 6.3).
func (h hosts) local(name string) []netip.Addr {
	addrs := h[name]
	if name != "localhost" && !strings.HasSuffix(name, ".localhost") {
		return addrs
	}
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !a.IsLoopback() })
	if len(addrs) == 0 {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	return addrs
}

// unique sorts addresses and drops what is there twice.
func unique(addrs []netip.Addr) []netip.Addr {
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs)
}
