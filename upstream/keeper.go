package upstream

import (
	"context"
	"net"
	"sync"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// Keeper holds the pools that outlive a plan. Two plans with the same service share its pool: a reload that does not
// touch a service keeps its connections, its health and its place in the round.
type Keeper struct {
	guard Guard
	set   *meter.Set
	dial  net.Dialer
	idle  bool // pools do nothing by themselves

	mu    sync.Mutex
	pools map[string]*Pool

	ctx    context.Context // ended by Stop: nothing is dialled any more
	cancel context.CancelFunc
	open   map[*conn]struct{} // every connection, in use or kept; guarded by mu
}

// NewKeeper returns an empty keeper.
func NewKeeper(guard Guard, set *meter.Set) *Keeper {
	k := &Keeper{guard: guard, set: set, pools: map[string]*Pool{}, open: map[*conn]struct{}{}}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.dial.Control = guard.control
	return k
}

// NewIdleKeeper returns a keeper for plans that are only looked at: its pools check no health, so that asking whether a
// spec is good does not knock on every origin it names.
func NewIdleKeeper(guard Guard) *Keeper {
	k := NewKeeper(guard, meter.NewSet())
	k.idle = true
	return k
}

// A Lease holds the pools of one plan. Routes of a plan that go to the same service ask for its pool once.
type Lease struct {
	keeper *Keeper
	pools  map[*spec.Service]*Pool
}

// Lease returns an empty lease.
func (k *Keeper) Lease() *Lease { return &Lease{keeper: k, pools: map[*spec.Service]*Pool{}} }

// Release lets go of every pool of the lease.
func (l *Lease) Release() {
	for _, p := range l.pools {
		l.keeper.release(p)
	}
	clear(l.pools)
}

// pool returns the pool of a service, held until Release.
func (l *Lease) pool(s *spec.Service) *Pool {
	p := l.pools[s]
	if p == nil {
		p = l.keeper.acquire(s)
		l.pools[s] = p
	}
	return p
}

func (k *Keeper) acquire(s *spec.Service) *Pool {
	id := s.Identity()
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.pools[id]
	if p == nil {
		p = newPool(k, id, s)
		k.pools[id] = p
	}
	p.refs++
	return p
}

// release lets go of a pool; the last one to do so closes it, and exchanges that still use it finish.
func (k *Keeper) release(p *Pool) {
	k.mu.Lock()
	p.refs--
	last := p.refs == 0
	if last {
		delete(k.pools, p.identity)
		k.forget(p)
	}
	k.mu.Unlock()
	if last {
		p.close()
	}
}

// forget drops the health series of endpoints that no pool of the same service name has any more: they would go on
// saying "healthy". The caller holds mu.
func (k *Keeper) forget(p *Pool) {
	used := map[string]bool{}
	for _, other := range k.pools {
		for _, ep := range other.endpoints {
			used[other.name+" "+ep.label] = true
		}
	}
	for _, ep := range p.endpoints {
		if !used[p.name+" "+ep.label] {
			k.set.Drop("service", p.name, "endpoint", ep.label)
		}
	}
}

// Stop closes every connection, also under an exchange that waits for its origin: the end of a drain that took too long.
func (k *Keeper) Stop() {
	k.cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.open {
		c.Client.Close()
	}
}

// add notes a new connection; one that was dialled while Stop ran is closed at once.
func (k *Keeper) add(c *conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open[c] = struct{}{}
	if k.ctx.Err() != nil {
		c.Client.Close()
	}
}

// Pools returns the pools by name of their service, for the view of a plan.
func (k *Keeper) Pools() []View {
	k.mu.Lock()
	defer k.mu.Unlock()
	var views []View
	for _, p := range k.pools {
		views = append(views, p.view())
	}
	return views
}
