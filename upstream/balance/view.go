package balance

import (
	"math"
	"time"

	"skerry.dev/skerry/exchange"
)

// view is all that Pick reads but for counts of open requests. It is never changed.
type view struct {
	tiers  []tier           // that have a member to give, nearest first
	shared bool             // the first does not take all requests
	kept   map[uint64]*slot // by ID; nil: not sticky
	how    exchange.Picked  // PickedPanic, or nothing
	usable int              // members, whatever a panic makes of them
}

// tier is one locality.
type tier struct {
	slots    []slot   // for Maglev every member, so that its places stay; otherwise the usable ones
	lots     []lot    // for a draw by weight; nil: all weights are equal
	schedule []uint16 // turns of round robin; nil: the slots in their order
	table    []uint16 // of Maglev
	upTo     uint64   // of whole: the share of requests that start here or nearer
	level    uint8
	far      bool // there is a nearer one, healthy or not
}

// slot is a member as the view sees it.
type slot struct {
	member  *Member
	weight  int64  // in hundredths, less than the member's in a slow start; 0: not usable
	limit   int64  // 0: none
	spillAt int64  // open requests from which a farther locality may help, and beside whose it is seen whether it is less busy
	keeps   uint32 // of 2^32 keys that are the member's in the table, how many it takes in a slow start; all: math.MaxUint32
}

// whole is all requests, as tier.upTo counts them.
const (
	wholeBits = 24
	whole     = 1 << wholeBits
)

// build makes the view of an instant.
func (b *Balancer) build(now time.Time) *view {
	v := new(view)
	var usable, all [levels]int
	alls := 0
	most := int64(1) // of its weight that a usable member has
	for i, of := range b.members {
		for _, n := range of {
			percent := n.percent(now, b.slowStart)
			all[i]++
			if n.Usable() {
				usable[i]++
				most = max(most, percent)
			}
		}
		v.usable, alls = v.usable+usable[i], alls+all[i]
	}
	if b.panics > 0 && float64(v.usable) < b.panics*float64(alls) {
		v.how = exchange.PickedPanic
		usable = all
	}
	share := shares(usable, all)
	far, upTo := false, uint64(0)
	for i, of := range b.members {
		if usable[i] > 0 {
			upTo += share[i]
			t := b.tier(of, v.how != 0, now, most)
			t.level, t.far, t.upTo, t.table = uint8(i), far, upTo, b.tables[i]
			v.tiers = append(v.tiers, t)
		}
		far = far || all[i] > 0
	}
	v.shared = len(v.tiers) > 0 && v.tiers[0].upTo < whole
	if b.sticky {
		v.kept = make(map[uint64]*slot, alls)
		for i := range v.tiers {
			for j := range v.tiers[i].slots {
				s := &v.tiers[i].slots[j]
				v.kept[s.member.id] = s
			}
		}
	}
	return v
}

// shares says how the localities share the requests: each takes what is left up to 1.4 times its usable share, so that one of
// which a quarter has failed still takes all. If together they have not enough for all requests, each takes the more.
func shares(usable, all [levels]int) (share [levels]uint64) {
	sum := uint64(0)
	for i := range all {
		if usable[i] > 0 {
			share[i] = min(whole, uint64(usable[i])*7*whole/uint64(5*all[i]))
			sum += share[i]
		}
	}
	rest, last := uint64(whole), -1
	for i := range share {
		if share[i] > 0 {
			share[i] = min(rest, share[i]*whole/min(whole, sum))
			rest -= share[i]
			last = i
		}
	}
	if last >= 0 {
		share[last] += rest // of rounding
	}
	return share
}

// tier makes the slots of a locality, and what the algorithm needs beside them. Members that come back together share as if
// there were no slow start: what a member has of its weight counts beside the member that is furthest, in the locality, and
// among all (most) for how much it takes before it spills.
func (b *Balancer) tier(members []*Member, panics bool, now time.Time, most int64) (t tier) {
	here := int64(1)
	for _, n := range members {
		if n.Usable() {
			here = max(here, n.percent(now, b.slowStart))
		}
	}
	even := true
	for _, n := range members {
		percent := n.percent(now, b.slowStart)
		s := slot{member: n, limit: n.Limit, spillAt: math.MaxInt64, keeps: math.MaxUint32}
		switch {
		case panics:
			percent = most
			s.weight = int64(n.Weight) * 100
		case n.Usable():
			s.weight = int64(n.Weight) * percent
			if percent < here {
				s.keeps = uint32(percent * math.MaxUint32 / here)
			}
		case b.by != maglev:
			continue
		}
		if b.spill > 0 {
			s.spillAt = max(1, b.spill*int64(n.Weight)*percent/most)
		}
		t.slots = append(t.slots, s)
		even = even && s.weight == t.slots[0].weight
	}
	switch {
	case even:
	case b.by == roundRobin:
		t.schedule = newSchedule(t.slots)
	case b.by != maglev:
		t.lots = newLots(t.slots)
	}
	return t
}
