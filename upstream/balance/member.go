package balance

import (
	"sync/atomic"
	"time"
)

// Member is one endpoint as balancing sees it. Its fields are set before it is first given to a Balancer and not changed
// afterwards; it belongs to that one Balancer for good. A new one is healthy.
type Member struct {
	Name   string // unique within the service
	Weight int    // its share beside the others'; 0 or less gets nothing
	Tier   uint8  // how far it is: 0 the same zone, 1 the same region, 2 elsewhere
	Limit  int64  // requests open at it at most; 0: no bound
	Owner  any    // whose member it is, for who picks

	state    atomic.Uint32 // of bits below; written under the Balancer's lock
	failures atomic.Int32  // in a row, or probation

	id uint64 // ID, from the first Set on

	// Under the Balancer's lock.
	set       uint64    // the membership it belongs to: Balancer.set; 0: none
	ramp      time.Time // when its slow start began; zero: it has its whole weight
	until     time.Time // the end of its ejection
	ejections int       // in a row

	_    [64]byte // what every request writes stays away from what every request reads
	open atomic.Int64
	_    [120]byte
}

// The bits of Member.state.
const (
	unhealthy uint32 = 1 << iota
	ejected
)

// ID is a hash of Name: the same on every node of the fleet and after a restart, never 0. It is what a sticky cookie carries.
func (n *Member) ID() uint64 { return max(1, Hash([]byte(n.Name))) }

// End ends a request that Pick has begun at the member.
func (n *Member) End() { n.open.Add(-1) }

// Open is how many requests are open at the member.
func (n *Member) Open() int64 { return n.open.Load() }

// Healthy reports what the active checks say.
func (n *Member) Healthy() bool { return n.state.Load()&unhealthy == 0 }

// Ejected reports whether the member is out because exchanges with it failed.
func (n *Member) Ejected() bool { return n.state.Load()&ejected != 0 }

// Usable reports whether the member is healthy and not ejected. It may still get no requests, for its weight or its
// distance, and in a panic it gets some although it is not usable.
func (n *Member) Usable() bool { return n.state.Load() == 0 }

// mark sets or clears a bit of the state.
func (n *Member) mark(bit uint32, on bool) {
	if on {
		n.state.Or(bit)
	} else {
		n.state.And(^bit)
	}
}

// percent is how much of its weight the member has at an instant, in a slow start of so long.
func (n *Member) percent(now time.Time, slowStart time.Duration) int64 {
	if n.ramp.IsZero() {
		return 100
	}
	done := rampSteps * now.Sub(n.ramp) / slowStart
	if done >= rampSteps {
		n.ramp = time.Time{}
		return 100
	}
	return 10 + int64(max(0, done))*90/rampSteps
}
