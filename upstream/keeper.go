package upstream

import (
	"context"
	"net/netip"
	"sync"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/upstream/resolve"
)

// Options are what a process says about every service.
type Options struct {
	Guard   Guard
	Secrets spec.Secrets
	Region  string           // where this node is; empty: unknown
	Zone    string           // within Region
	Servers []netip.AddrPort // of DNS; none: those of the system
	Meters  *meter.Set       // nil: a new one
	Idle    bool             // nothing is asked by itself: for plans that are only looked at
}

// Keeper holds the services that outlive a plan. Two plans with the same service share it: a reload that does not touch a
// service keeps its connections, its health and what was learned about it.
type Keeper struct {
	opt   Options
	peers *peer.Keeper
	names *resolve.Resolver

	mu       sync.Mutex
	services map[string]*service

	ctx    context.Context // ended by Stop: nothing is dialled or looked up any more
	cancel context.CancelFunc
}

// NewKeeper returns an empty keeper. It fails if the resolver's servers cannot be used.
func NewKeeper(o Options) (*Keeper, error) {
	if o.Meters == nil {
		o.Meters = meter.NewSet()
	}
	names, err := resolve.New(resolve.Options{Servers: o.Servers, Setting: "--resolver", Meters: o.Meters})
	if err != nil {
		return nil, err
	}
	k := &Keeper{opt: o, names: names, services: map[string]*service{}}
	k.peers = peer.NewKeeper(o.Guard.control, o.Meters)
	k.ctx, k.cancel = context.WithCancel(context.Background())
	return k, nil
}

// A Lease holds the services of one plan. Routes of a plan that go to the same service ask for it once.
type Lease struct {
	keeper   *Keeper
	services map[*spec.Service]*service
	sums     sums // of the secrets that they were made with
}

// Lease returns an empty lease.
func (k *Keeper) Lease() *Lease {
	return &Lease{keeper: k, services: map[*spec.Service]*service{}, sums: sums{}}
}

// Release lets go of every service of the lease.
func (l *Lease) Release() {
	for _, s := range l.services {
		l.keeper.release(s)
	}
	clear(l.services)
}

// Changed returns the references to secrets behind which there is something else now than when the lease was filled.
func (l *Lease) Changed() []spec.Ref { return l.sums.changed(l.keeper.opt.Secrets) }

// service returns a service, held until Release.
func (l *Lease) service(s *spec.Service) (*service, []fault.Problem) {
	if found := l.services[s]; found != nil {
		return found, nil
	}
	problems := checkEndpoints(s, l.keeper.opt.Guard)
	tls, err := readTLS(s, l.keeper.opt.Secrets, l.sums)
	if err != nil {
		problems = append(problems, fault.Problem{File: s.At.File, Line: s.At.Line, Col: s.At.Col, Text: "service " + s.Meta.Name + ": " + err.Error()})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	got := l.keeper.acquire(s, tls)
	l.services[s] = got
	return got, nil
}

func (k *Keeper) acquire(s *spec.Service, tls originTLS) *service {
	id := s.Identity() + tls.sum
	k.mu.Lock()
	defer k.mu.Unlock()
	found := k.services[id]
	if found == nil {
		found = newService(k, id, s, tls)
		k.services[id] = found
	}
	found.refs++
	return found
}

// release lets go of a service; the last one to do so closes it, and exchanges that still use it finish.
func (k *Keeper) release(s *service) {
	k.mu.Lock()
	s.refs--
	last := s.refs == 0
	if last {
		delete(k.services, s.identity)
	}
	k.mu.Unlock()
	if last {
		s.close()
	}
}

// forget drops the series of endpoints that no service of the same name has any more, and of the name if no service has it: they
// would go on saying "healthy".
func (k *Keeper) forget(name string, labels []string) {
	used, there := map[string]bool{}, false
	k.mu.Lock()
	for _, s := range k.services {
		if s.name == name {
			there = true
			for _, label := range s.labels() {
				used[label] = true
			}
		}
	}
	k.mu.Unlock()
	for _, label := range labels {
		if !used[label] {
			k.opt.Meters.Drop("service", name, "endpoint", label)
		}
	}
	if !there {
		k.opt.Meters.Drop("service", name)
	}
}

// Stop closes every connection, also under an exchange that waits for its origin: the end of a drain that took too long.
func (k *Keeper) Stop() {
	k.cancel()
	k.peers.Stop()
}

// Pools returns the services with their endpoints, for the view of a plan.
func (k *Keeper) Pools() []View {
	k.mu.Lock()
	defer k.mu.Unlock()
	var views []View
	for _, s := range k.services {
		views = append(views, s.view())
	}
	return views
}
