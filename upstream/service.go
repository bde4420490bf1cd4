package upstream

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/admission"
	"skerry.dev/skerry/upstream/balance"
	"skerry.dev/skerry/wire/proxyheader"
)

// service is what outlives a plan of a spec.Service: its endpoints, which of them to ask, and whether to ask at all.
type service struct {
	keeper   *Keeper
	identity string
	spec     *spec.Service
	name     string
	hostName []byte // value of Host, if the service names one
	tls      originTLS
	key      key
	proxy    proxyheader.Version // what goes before the protocol on each connection
	refs     int                 // guarded by the keeper

	balancer *balance.Balancer
	gate     *admission.Gate    // nil: no bound on open requests
	breaker  *admission.Breaker // nil: none
	budget   *admission.Budget
	metrics  metrics

	ctx    context.Context
	cancel context.CancelFunc
	ready  chan struct{} // closed when a name has addresses, or every one has been looked up once

	mu     sync.Mutex
	fixed  []*endpoint // literal addresses
	named  []*named    // names, in the order of the spec
	names  int         // how many there are
	asked  int         // how many have been looked up once
	known  bool        // ready is closed
	closed bool
}

func newService(k *Keeper, id string, s *spec.Service, tls originTLS) *service {
	out := &service{keeper: k, identity: id, spec: s, name: s.Meta.Name, hostName: []byte(s.HostName), tls: tls, key: newKey(&s.Balance), proxy: proxyOf(s.Proxy), ready: make(chan struct{})}
	out.ctx, out.cancel = context.WithCancel(k.ctx)
	out.metrics = metrics{make: out.counter, service: out.name}
	out.balancer = balance.New(s.Balance, s.Ejection, out.ejected)
	meters := admission.Meters{Set: k.opt.Meters, Service: out.name}
	out.gate = admission.NewGate(s.Concurrency, meters)
	out.breaker = admission.NewBreaker(s.Breaker, meters, out.tripped)
	out.budget = admission.NewBudget(s.RetryBudget)
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		if !e.Addr.IsValid() {
			out.names++
			continue
		}
		if ep, err := newEndpoint(out, e, e.Addr, nil); err != nil {
			out.event("endpoint " + e.URL() + ": " + err.Error()) // its secrets have been read and checked before
		} else {
			out.fixed = append(out.fixed, ep)
		}
	}
	if out.names == 0 || k.opt.Idle {
		close(out.ready)
	}
	out.members()
	if !k.opt.Idle {
		out.follow()
	}
	return out
}

// ejected hears from the balancer.
func (s *service) ejected(n *balance.Member, out bool, why string) {
	ep := n.Owner.(*endpoint)
	if out {
		ep.out.Set(1)
		s.keeper.opt.Meters.Events().Add("ejected", fmt.Sprintf("service %s: endpoint %s is out for a while: %s", s.name, ep.label, why))
		return
	}
	ep.out.Set(0)
	s.keeper.opt.Meters.Events().Add("returned", fmt.Sprintf("service %s: endpoint %s is asked again", s.name, ep.label))
}

// tripped hears from the breaker.
func (s *service) tripped(state string) { s.event("its breaker is " + state) }

// event tells about the service as a whole.
func (s *service) event(text string) {
	s.keeper.opt.Meters.Events().Add("service", "service "+s.name+": "+text)
}

// members tells the balancer who there is. The caller holds mu, or is the only one who knows the service.
func (s *service) members() {
	var members []*balance.Member
	seen := map[string]bool{}
	for _, ep := range s.endpoints() {
		if !seen[ep.identity] { // two names for the same: nothing is asked twice for a request
			seen[ep.identity] = true
			members = append(members, ep.member)
		}
	}
	s.balancer.Set(members)
}

// endpoints are all of them. The caller holds mu.
func (s *service) endpoints() []*endpoint {
	all := slices.Clone(s.fixed)
	for _, n := range s.named {
		all = append(all, n.endpoints...)
	}
	return all
}

// labels are those of the endpoints.
func (s *service) labels() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, ep := range s.endpoints() {
		out = append(out, ep.label)
	}
	return out
}

// close ends checks and lookups, and lets go of connections. Exchanges in flight go on.
func (s *service) close() {
	s.cancel()
	s.mu.Lock()
	s.closed = true
	named, all := s.named, s.endpoints()
	s.mu.Unlock()
	for _, n := range named {
		n.follower.Close()
	}
	s.balancer.Close()
	labels := make([]string, len(all))
	for i, ep := range all {
		ep.close()
		labels[i] = ep.label
	}
	s.keeper.forget(s.name, labels)
}

// View is what the admin page shows of a service.
type View struct {
	Service   string         `json:"service"`
	Protocol  string         `json:"protocol,omitempty"` // empty: HTTP/1.1
	Balance   string         `json:"balance"`
	Open      int            `json:"open,omitempty"`    // requests now, if there is a bound on them
	Limit     int            `json:"limit,omitempty"`   // of them
	Breaker   string         `json:"breaker,omitempty"` // its state, if there is one
	Endpoints []EndpointView `json:"endpoints"`
}

// EndpointView is what the admin page shows of an endpoint.
type EndpointView struct {
	Address     string `json:"address"`
	Name        string `json:"name,omitempty"` // that the address was looked up for
	Locality    string `json:"locality,omitempty"`
	Weight      int    `json:"weight"`
	Healthy     bool   `json:"healthy"`
	Ejected     bool   `json:"ejected"`
	Open        int64  `json:"openRequests"`
	Kept        int    `json:"keptConnections"`
	Connections int    `json:"connections"`
}

func (s *service) view() View {
	v := View{Service: s.name, Balance: string(cmp.Or(s.spec.Balance.By, spec.ByPowerOfTwo))}
	if s.spec.Protocol != spec.ProtocolHTTP1 {
		v.Protocol = string(s.spec.Protocol)
	}
	if s.gate != nil {
		v.Open, v.Limit = s.gate.Open(), s.gate.Limit()
	}
	if s.breaker != nil {
		v.Breaker = s.breaker.State()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ep := range s.endpoints() {
		e := EndpointView{Address: ep.label, Locality: ep.locality, Weight: ep.member.Weight, Healthy: ep.member.Healthy(), Ejected: ep.member.Ejected(),
			Open: ep.member.Open(), Kept: ep.peer.Kept(), Connections: ep.peer.Open()}
		if ep.named != nil {
			e.Name = ep.named.spec.Host
		}
		v.Endpoints = append(v.Endpoints, e)
	}
	slices.SortFunc(v.Endpoints, func(a, b EndpointView) int { return cmp.Compare(a.Address, b.Address) })
	return v
}

// checkEndpoints refuses literal addresses that the guard refuses; names are checked when they have been looked up, and
// again when they are dialled.
func checkEndpoints(s *spec.Service, g Guard) (problems []fault.Problem) {
	for _, e := range s.Endpoints {
		if !e.Addr.IsValid() {
			continue
		}
		if err := g.Check(netip.AddrPortFrom(e.Addr, e.Port)); err != nil {
			problems = append(problems, fault.Problem{File: e.At.File, Line: e.At.Line, Col: e.At.Col,
				Text: "service " + s.Meta.Name + ": " + err.(*fault.Error).Text, Fix: "name another address, or start with --origin-allow " + e.Addr.String()})
		}
	}
	return problems
}
