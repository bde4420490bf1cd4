package upstream

import (
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

	mu    sync.Mutex
	pools map[string]*Pool
}

// NewKeeper returns an empty keeper.
func NewKeeper(guard Guard, set *meter.Set) *Keeper {
	k := &Keeper{guard: guard, set: set, pools: map[string]*Pool{}}
	k.dial.Control = guard.control
	return k
}

// Acquire returns the pool of a service and holds it until Release.
func (k *Keeper) Acquire(s *spec.Service) *Pool {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := s.Identity()
	p := k.pools[id]
	if p == nil {
		p = newPool(k, id, s)
		k.pools[id] = p
	}
	p.refs++
	return p
}

// Release lets go of a pool; the last one to do so closes it, and exchanges that still use it finish.
func (k *Keeper) Release(p *Pool) {
	k.mu.Lock()
	p.refs--
	last := p.refs == 0
	if last {
		delete(k.pools, p.identity)
	}
	k.mu.Unlock()
	if last {
		p.close()
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
