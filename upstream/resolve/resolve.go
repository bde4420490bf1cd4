package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// Options say whom a Resolver asks. The zero value is what the machine's C library would do.
type Options struct {
	Servers []netip.AddrPort // asked in this order; empty: those of Conf
	Setting string           // what names Servers, for error texts, such as the name of a flag
	Conf    string           // path of the resolv.conf; empty: /etc/resolv.conf
	Hosts   string           // path of the hosts file; empty: /etc/hosts
	Meters  *meter.Set       // nil: nothing is counted or told
}

// Resolver looks names up. It may be used by many at once, runs nothing by itself and needs no closing.
type Resolver struct {
	system system
	slots  chan struct{} // one in it for each open query
	turn   atomic.Uint32 // of the servers, with the option rotate
	// try asks one server, until the context ends. It is ask, but for tests with a clock of their own.
	try func(ctx context.Context, server netip.AddrPort, q question, stream bool) (reply, error)

	events  *meter.Events
	lookups [ends]*meter.Counter
	queries [outcomes]*meter.Counter
	foreign *meter.Counter
	over    *meter.Counter
	failing *meter.Gauge
	took    *meter.Histogram
}

// end is how a lookup ended.
type end uint8

const (
	found   end = iota
	local       // found without a server
	noName      // NXDOMAIN
	noAddrs     // a name without addresses of the family
	failed      // nobody could say
	left        // whoever asked does not wait any more
	ends        // how many there are
)

// New returns a resolver. It fails if Servers cannot be asked. A resolv.conf that is missing or names no server is no error:
// the server of this machine, 127.0.0.1:53, is asked, as the C library does, until the file names others.
func New(o Options) (*Resolver, error) {
	o.Setting = either(o.Setting, "the edge's own setting")
	if len(o.Servers) > serversMax {
		return nil, fmt.Errorf("%s: %d DNS servers, at most %d", o.Setting, len(o.Servers), serversMax)
	}
	for _, s := range o.Servers {
		if !s.IsValid() || s.Port() == 0 {
			return nil, fmt.Errorf("%s: %q is no address and port of a DNS server", o.Setting, s)
		}
	}
	if o.Meters == nil {
		o.Meters = meter.NewSet()
	}
	r := &Resolver{slots: make(chan struct{}, queriesMax), events: o.Meters.Events()}
	r.try = r.ask
	r.count(o.Meters)
	r.system = system{servers: slices.Clone(o.Servers), setting: o.Setting, events: r.events}
	r.system.host, _ = os.Hostname() // without one there is no default search list
	r.system.confFile = file{path: either(o.Conf, "/etc/resolv.conf"), max: confBytesMax}
	r.system.hostsFile = file{path: either(o.Hosts, "/etc/hosts"), max: hostsBytesMax}
	r.system.now()
	return r, nil
}

func either(given, usual string) string {
	if given == "" {
		return usual
	}
	return given
}

// count makes the metrics. No label is a host: a spec may name thousands.
func (r *Resolver) count(set *meter.Set) {
	for e, label := range [ends]string{"found", "local", "no_name", "no_address", "failed", "canceled"} {
		r.lookups[e] = set.Counter("skerry_dns_lookups_total", "Lookups of endpoints' names, by how they ended.", "outcome", label)
	}
	for o := range outcomes {
		r.queries[o] = set.Counter("skerry_dns_queries_total", "Queries to DNS servers, by how they ended.", "outcome", o.String())
	}
	r.foreign = set.Counter("skerry_dns_foreign_total", "Datagrams from a DNS server's address that did not answer the question; many of them are an attack.")
	r.over = set.Counter("skerry_dns_addresses_dropped_total", "Addresses beyond 64 of a name and family, which are not used.")
	r.failing = set.Gauge("skerry_dns_names_failing", "Followed names whose last lookup failed.")
	r.took = set.Histogram("skerry_dns_lookup_duration_seconds", "Time of lookups that asked a server.")
}

// Answer is what a name stands for.
type Answer struct {
	Addrs []netip.Addr  // at least one; sorted, unique, at most 64 of each family
	TTL   time.Duration // how long it holds, from now; between TTLMin and TTLMax
	From  string        // who says so: a server's address and port, the path of the hosts file, or "itself"
}

// Lookup returns the addresses of a host, of the family that d wants. A host is looked for in the hosts file first, then
// asked of DNS: as it is if it ends with a dot or has enough of them, otherwise below each domain of the search list first.
// A host that is an address is its own answer, of whatever family. A zero in d stands for its default. A lookup takes 30 s
// at most.
//
// The error is a *fault.Error of kind OriginDNS, also for a name that does not exist or has no such address, and when ctx
// ends. Nothing is left out silently: with FamilyBoth it is an error if one family cannot be had from any server, and with
// FamilyAuto if nobody can say whether there are IPv4 addresses.
func (r *Resolver) Lookup(ctx context.Context, host string, d spec.DNS) (Answer, error) {
	d = orDefault(d)
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, lookupMax)
	defer cancel()
	a, how, err := r.lookup(ctx, host, d)
	r.lookups[how].Inc()
	if how != local && how != left {
		r.took.Observe(time.Since(began))
	}
	if err != nil {
		return Answer{}, err
	}
	a.TTL = max(min(a.TTL, d.TTLMax), d.TTLMin)
	return a, nil
}

func orDefault(d spec.DNS) spec.DNS {
	if d.Family == "" {
		d.Family = spec.FamilyAuto
	}
	if d.TTLMin <= 0 {
		d.TTLMin = ttlMinDefault
	}
	if d.TTLMax <= 0 {
		d.TTLMax = ttlMaxDefault
	}
	return d
}

func (r *Resolver) lookup(ctx context.Context, host string, d spec.DNS) (Answer, end, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return Answer{Addrs: []netip.Addr{addr.Unmap()}, TTL: d.TTLMax, From: "itself"}, local, nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if why := invalid(name); why != "" {
		return Answer{}, failed, refuse(host, why, nil)
	}
	c, known := r.system.now()
	if addrs := known.local(name); addrs != nil {
		path := r.system.hostsFile.path
		if addrs = pick(addrs, d.Family); len(addrs) == 0 {
			return Answer{}, noAddrs, refuse(host, fmt.Sprintf("%s has it, without an address of the family that the service's dns.family wants (%s)", path, d.Family), nil)
		}
		return Answer{Addrs: slices.Clone(addrs), TTL: localTTL, From: path}, local, nil
	}
	names := c.names(strings.ToLower(host))
	how, from := noName, netip.AddrPort{}
	for _, name := range names {
		p, err := r.families(ctx, c, name, d.Family)
		switch {
		case err != nil:
			// No other name is asked for then: it could be somebody else's.
			return Answer{}, ended(ctx, err), r.unsure(c, host, err)
		case len(p.addrs) > 0:
			return Answer{Addrs: p.addrs, TTL: p.ttl, From: p.from.String()}, found, nil
		case p.exists:
			how = noAddrs
		}
		from = p.from
	}
	why := "there is no such name"
	if how == noAddrs {
		why = fmt.Sprintf("it has no address of the family that the service's dns.family wants (%s)", d.Family)
	}
	return Answer{}, how, refuse(host, fmt.Sprintf("%s, says %v of %s; asked for %s", why, from, c.source, strings.Join(names, ", ")), nil)
}

// refuse is the error of a lookup. Nothing of a request has left yet.
func refuse(host, why string, cause error) error {
	e := fault.Wrap(fault.OriginDNS, fmt.Sprintf("look up %q: %s", host, why), cause)
	e.Retryable = true
	return e
}

// unsure is the error when no server could say anything.
func (r *Resolver) unsure(c *conf, host string, err error) error {
	if errors.Is(err, context.Canceled) {
		return refuse(host, "nobody waits for it any more", context.Canceled)
	}
	why := fmt.Sprintf("no answer in the time that a lookup has, at most %v (servers: %s)", lookupMax, c.source)
	if !errors.Is(err, context.DeadlineExceeded) {
		why = fmt.Sprintf("no server could say in %d tries of %v at each of %d (servers: %s; options timeout and attempts: %s)",
			c.attempts, c.timeout, len(c.servers), c.source, r.system.confFile.path)
	}
	return refuse(host, why, err)
}

func ended(ctx context.Context, err error) end {
	if errors.Is(err, context.Canceled) && ctx.Err() == context.Canceled {
		return left
	}
	return failed
}

// pick chooses what a service wants of sorted addresses. IPv4 sorts before IPv6.
func pick(addrs []netip.Addr, f spec.Family) []netip.Addr {
	v6 := 0
	for v6 < len(addrs) && addrs[v6].Is4() {
		v6++
	}
	switch {
	case f == spec.FamilyBoth:
		return addrs
	case f == spec.FamilyIPv6, f != spec.FamilyIPv4 && v6 == 0:
		return addrs[v6:]
	}
	return addrs[:v6]
}
