package balance

import (
	"cmp"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/spec"
)

// Tell is called when a member is ejected, and when it returns or leaves, with the reason; never twice in a row for the
// same. It is called in order, under the Balancer's lock: it must be quick and must not call the Balancer.
type Tell func(n *Member, ejected bool, why string)

// Balancer chooses among the members of one service. All methods may be called by many goroutines at once.
type Balancer struct {
	view atomic.Pointer[view]

	by        algorithm
	sticky    bool
	slowStart time.Duration
	panics    float64 // below this share of usable members
	spill     int64
	ejection  spec.Ejection
	failures  int32 // of ejection; 0: off
	tell      Tell
	turns     []turns     // a power of two
	room      atomic.Bool // one more member may be ejected; written under mu

	_       [64]byte // what is written stays away from what every request reads
	mu      sync.Mutex
	set     uint64            // counts calls of Set
	members [levels][]*Member // that have a weight, nearest first; for Maglev in the order of their IDs
	tables  [levels][]uint16
	out     int         // members that are ejected
	outMax  int         // that may be
	timer   *time.Timer // nil: never needed yet
	closed  bool
}

// algorithm is spec.BalanceBy as Pick switches on it.
type algorithm uint8

const (
	powerOfTwo algorithm = iota
	roundRobin
	leastRequests
	maglev
)

// turns is a counter of round robin for each locality, so that what spills into a farther one does not take steps of the
// nearest. It is alone on its cache lines.
type turns struct {
	next [levels]atomic.Uint32
	_    [128 - 4*levels]byte
}

// New returns a balancer without members. tell may be nil.
func New(by spec.Balance, e spec.Ejection, tell Tell) *Balancer {
	if tell == nil {
		tell = func(*Member, bool, string) {}
	}
	b := &Balancer{sticky: by.Sticky != nil, slowStart: by.SlowStart, panics: by.Panic, spill: int64(by.Spill), ejection: e,
		failures: int32(min(max(0, e.Failures), probation-1)), tell: tell}
	switch by.By {
	case spec.ByRoundRobin:
		b.by = roundRobin
		b.turns = newTurns(runtime.GOMAXPROCS(0))
	case spec.ByLeastRequests:
		b.by = leastRequests
	case spec.ByMaglev:
		b.by = maglev
	}
	b.view.Store(new(view))
	return b
}

// newTurns returns counters that start anywhere: the nodes of a fleet that start together must not all begin with the
// same endpoint.
func newTurns(procs int) []turns {
	n := 1
	for n*stripeProcs < procs {
		n *= 2
	}
	all := make([]turns, n)
	for i := range all {
		for j := range all[i].next {
			all[i].next[j].Store(rand.Uint32())
		}
	}
	return all
}

// Set makes these the members. The state of those that stay is kept; those that leave are forgotten, but what is open at
// them still ends there. A member that comes later than the first Set gets its share little by little, if there is a slow start.
func (b *Balancer) Set(members []*Member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	was, next := b.members, [levels][]*Member{}
	b.set++
	for _, n := range members[:min(len(members), membersMax)] {
		if n.Weight <= 0 || n.set == b.set {
			continue
		}
		if n.set == 0 {
			n.id = n.ID()
			n.failures.Store(0) // of requests that ended after it had left
			if b.set > 1 {
				b.warm(n, now)
			}
		}
		n.set = b.set
		at := min(n.Tier, levels-1)
		next[at] = append(next[at], n)
	}
	for _, of := range was {
		for _, n := range of {
			if n.set != b.set {
				b.forget(n)
			}
		}
	}
	if b.by == maglev {
		for i := range next {
			slices.SortStableFunc(next[i], func(n, o *Member) int { return cmp.Or(cmp.Compare(n.id, o.id), cmp.Compare(n.Name, o.Name)) })
			if !slices.Equal(next[i], was[i]) {
				b.tables[i] = newTable(next[i])
			}
		}
	}
	b.members = next
	b.bound(now)
	b.rebuild(now)
}

// Health takes what the active checks say of a member. It has nothing to do with ejection.
func (b *Balancer) Health(n *Member, healthy bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n.Healthy() == healthy {
		return
	}
	now := time.Now()
	n.mark(unhealthy, !healthy)
	if n.set == b.set && b.set > 0 {
		b.warm(n, now)
		b.rebuild(now)
	}
}

// Close stops the timers: ejected members do not return any more, slow starts stay where they are. Pick goes on.
func (b *Balancer) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
}

// warm begins a slow start if the member is usable now, and ends it if it is not.
func (b *Balancer) warm(n *Member, now time.Time) {
	n.ramp = time.Time{}
	if b.slowStart > 0 && n.Usable() {
		n.ramp = now
	}
}

// forget ends what there is about a member that has left. What its checks say stays.
func (b *Balancer) forget(n *Member) {
	n.set, n.ramp = 0, time.Time{}
	if n.Ejected() {
		b.release(n, "it is no endpoint of the service any more")
	}
	n.ejections = 0
	n.failures.Store(0)
}

// rebuild makes a view of what is, and sees to the next.
func (b *Balancer) rebuild(now time.Time) {
	v := b.build(now)
	b.view.Store(v)
	b.room.Store(b.out < b.outMax && v.usable > 1)
	if b.closed {
		return
	}
	next := b.next(now)
	switch {
	case next.IsZero():
		if b.timer != nil {
			b.timer.Stop()
		}
	case b.timer == nil:
		b.timer = time.AfterFunc(max(tickMin, next.Sub(now)), b.tick)
	default:
		b.timer.Reset(max(tickMin, next.Sub(now)))
	}
}

// next is when the next member returns from its ejection or has the next step of its slow start; zero: none will.
func (b *Balancer) next(now time.Time) (next time.Time) {
	earlier := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, of := range b.members {
		for _, n := range of {
			if n.Ejected() {
				earlier(n.until)
			}
			if !n.ramp.IsZero() {
				step := now.Sub(n.ramp)*rampSteps/b.slowStart + 1
				earlier(n.ramp.Add((step*b.slowStart + rampSteps - 1) / rampSteps))
			}
		}
	}
	return next
}

// tick is what the timer runs.
func (b *Balancer) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	now := time.Now()
	for _, of := range b.members {
		for _, n := range of {
			if n.Ejected() && !now.Before(n.until) {
				b.readmit(n, now, "its time is over")
			}
		}
	}
	b.rebuild(now)
}
