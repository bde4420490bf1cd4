package balance

import (
	"fmt"
	"time"
)

// probation is what Member.failures holds from a member's return to its first success: one failure more ejects it again.
const probation = 1 << 20

// Note takes how a try at a member went. It is to be called after every one; a success costs a load.
func (b *Balancer) Note(n *Member, failed bool) {
	row := n.failures.Load()
	if !failed {
		if row != 0 {
			b.succeeded(n, row)
		}
		return
	}
	if b.failures == 0 {
		return
	}
	if row < b.failures { // beyond, everybody who fails would write the line that everybody reads
		row = n.failures.Add(1)
	}
	if row >= b.failures && !n.Ejected() && b.room.Load() {
		b.eject(n)
	}
}

// succeeded ends a row of failures, and of ejections.
func (b *Balancer) succeeded(n *Member, row int32) {
	if row < probation {
		n.failures.CompareAndSwap(row, 0)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n.Ejected() { // a request from before
		return
	}
	n.failures.Store(0)
	n.ejections = 0
}

// eject takes a member out, unless too many would be, or it is the last that is usable.
func (b *Balancer) eject(n *Member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	row := n.failures.Load()
	if b.closed || n.set != b.set || n.Ejected() || row < b.failures || !b.room.Load() {
		return
	}
	now := time.Now()
	n.ejections = min(n.ejections+1, ejectionsMax)
	out := b.ejection.Time * time.Duration(n.ejections)
	n.until, n.ramp = now.Add(out), time.Time{}
	n.failures.Store(b.failures)
	n.mark(ejected, true)
	b.out++
	why := fmt.Sprintf("%d failures in a row (ejection.failures), out for %v", b.failures, out)
	if row >= probation {
		why = fmt.Sprintf("it failed again after its return, out for %v", out)
	}
	b.tell(n, true, why)
	b.rebuild(now)
}

// bound settles how many members may be out, and takes back those who have least to wait where more are.
func (b *Balancer) bound(now time.Time) {
	all := 0
	for _, of := range b.members {
		all += len(of)
	}
	most := int(b.ejection.Share*float64(all) + 1e-9) // 0.29 of 100 is 29
	switch {
	case all < 2 || b.ejection.Share <= 0:
		most = 0
	case most == 0:
		most = 1
	}
	b.outMax = most
	for b.out > most {
		var first *Member
		for _, of := range b.members {
			for _, n := range of {
				if n.Ejected() && (first == nil || n.until.Before(first.until)) {
					first = n
				}
			}
		}
		b.readmit(first, now, "too few endpoints are left (ejection.share)")
	}
}

// readmit takes a member back, on probation.
func (b *Balancer) readmit(n *Member, now time.Time, why string) {
	n.failures.Store(probation)
	b.release(n, why)
	b.warm(n, now)
}

// release ends an ejection.
func (b *Balancer) release(n *Member, why string) {
	n.mark(ejected, false)
	b.out--
	b.tell(n, false, why)
}
