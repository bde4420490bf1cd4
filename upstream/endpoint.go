package upstream

import (
	"context"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
	"skerry.dev/skerry/upstream/peer"
)

// endpoint is one address of a service: literal, or one that a name stands for now.
type endpoint struct {
	service  *service
	member   *balance.Member
	peer     *peer.Peer
	addr     netip.Addr
	label    string // address:port
	identity string // label, and the names that a request there goes by, if they are the endpoint's
	locality string // "region/zone", for the log
	host     []byte // value of Host, if it goes by the endpoint
	named    *named // whose name it comes from; nil: a literal address
	gone     bool   // its name does not stand for it any more; guarded by the service

	up, out  *meter.Gauge
	tries    *meter.Counter
	failures atomic.Pointer[failures]

	cancel  context.CancelFunc // of its checks
	checked sync.WaitGroup
}

// newEndpoint returns an endpoint that is checked, if the service says so, until close.
func newEndpoint(s *service, e *spec.Endpoint, addr netip.Addr, from *named) (*endpoint, error) {
	ep := &endpoint{service: s, addr: addr, label: netip.AddrPortFrom(addr, e.Port).String(), host: []byte(hostField(e)), named: from}
	id := peer.Identity{Addr: netip.AddrPortFrom(addr, e.Port), Protocol: s.spec.Protocol, Proxy: s.proxy}
	ep.identity = ep.label
	if e.TLS {
		t := s.tls.TLS
		t.ServerName = serverName(s.spec, e)
		id.TLS = &t
		ep.identity += " " + t.ServerName
	}
	if s.spec.Host == spec.HostEndpoint {
		ep.identity += " " + string(ep.host)
	}
	var err error
	if ep.peer, err = s.keeper.peers.Acquire(id, peer.Limits{Keep: s.spec.KeepAlive, Connect: s.spec.Timeouts.Connect}); err != nil {
		return nil, err
	}
	ep.locality = e.Region
	if e.Zone != "" {
		ep.locality += "/" + e.Zone
	}
	ep.member = &balance.Member{Name: ep.label, Weight: e.Weight, Tier: s.keeper.tier(e), Limit: int64(s.spec.Concurrency.PerEndpoint), Owner: ep}
	labels := []string{"service", s.name, "endpoint", ep.label}
	set := s.keeper.opt.Meters
	ep.up = set.Gauge("skerry_endpoint_healthy", "1 if the endpoint's health checks, if there are any, go well.", labels...)
	ep.up.Set(1)
	ep.out = set.Gauge("skerry_endpoint_ejected", "1 if the endpoint is out for a while because exchanges with it failed.", labels...)
	ep.out.Set(0)
	ep.tries = set.Counter("skerry_endpoint_tries_total", "Requests sent to the endpoint, or tried to.", labels...)
	set.Func("skerry_endpoint_open", "Requests that are open at the endpoint now.", func() float64 { return float64(ep.member.Open()) }, labels...)
	set.Func("skerry_endpoint_connections", "Open connections to the endpoint, kept ones included.", func() float64 { return float64(ep.peer.Open()) }, labels...)
	if h := s.spec.Health; h != nil && !s.keeper.opt.Idle {
		var ctx context.Context
		ctx, ep.cancel = context.WithCancel(s.ctx)
		ep.checked.Go(func() { ep.check(ctx, h) })
	}
	return ep, nil
}

// tier is how far an endpoint is from this node: 0 in its zone, 1 in its region, 2 elsewhere.
func (k *Keeper) tier(e *spec.Endpoint) uint8 {
	switch {
	case k.opt.Region == "" || e.Region == k.opt.Region && e.Zone == k.opt.Zone:
		return 0
	case e.Region == k.opt.Region:
		return 1
	}
	return 2
}

// close ends its checks and lets go of its connections. Exchanges in flight go on; their connections close after them.
func (ep *endpoint) close() {
	if ep.cancel != nil {
		ep.cancel()
		ep.checked.Wait()
	}
	ep.peer.Release()
}

// hostField is an endpoint's own Host: the port is left out where it is the scheme's default.
func hostField(e *spec.Endpoint) string {
	host := e.Host
	if e.Addr.Is6() {
		host = "[" + host + "]"
	}
	if e.TLS && e.Port == 443 || !e.TLS && e.Port == 80 {
		return host
	}
	return host + ":" + strconv.Itoa(int(e.Port))
}

// failed counts what a try came to, and tells the balancer: an endpoint that keeps failing is taken out for a while.
func (ep *endpoint) failed(kind fault.Kind) {
	ep.count(kind)
	ep.service.balancer.Note(ep.member, true)
	if ep.named != nil && unreachable(kind) {
		ep.named.soon()
	}
}

// answered takes the status of an answer, and reports whether it says that the endpoint does not work: that is a failure as any.
func (ep *endpoint) answered(status int) (broken bool) {
	if broken = brokenStatus(status); broken {
		ep.countAs(len(fault.Kinds()), "status")
		ep.service.balancer.Note(ep.member, true)
	}
	return broken
}

// unreachable reports whether a name may stand for other addresses by now.
func unreachable(k fault.Kind) bool {
	switch k {
	case fault.OriginRefused, fault.OriginUnreachable, fault.OriginConnectTimeout, fault.OriginTLS:
		return true
	}
	return false
}
