package balance

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"skerry.dev/skerry/exchange"
)

// Ask is what Pick is asked for one try of a request. Tried grows from try to try; the rest stays.
type Ask struct {
	Key    uint64    // for Maglev, by Hash or HashAddr
	Keyed  bool      // there is a Key; without one Pick makes one up, for all tries
	Sticky uint64    // the ID in the client's cookie; 0: none
	Tried  []*Member // that are not to be asked again
	Full   bool      // set by Pick if it found none: there are usable members that were not tried, but all are at their Limit
}

// Pick chooses a member and begins a request there: who gets one calls its End once, when the request is over. It returns
// nil if there is none to be had; a.Full then says whether there would be one but for Limit.
func (b *Balancer) Pick(a *Ask) (n *Member, how exchange.Picked) {
	v := b.view.Load()
	a.Full = false
	how = v.how
	if a.Sticky != 0 {
		if s := v.kept[a.Sticky]; s != nil && s.ok(a) && s.begin() {
			return s.member, how | exchange.PickedSticky
		}
		how |= exchange.PickedFailover
	}
	if b.by == maglev && !a.Keyed {
		a.Key, a.Keyed = rand.Uint64(), true
	}
	for range takesMax {
		s, far := b.find(v, a)
		if s == nil {
			a.Full = v.full(a)
			return nil, 0
		}
		if s.begin() {
			if far {
				how |= exchange.PickedSpill
			}
			return s.member, how
		}
	}
	a.Full = true
	return nil, 0
}

// find goes through the localities, from the one where the request starts.
func (b *Balancer) find(v *view, a *Ask) (s *slot, far bool) {
	if len(v.tiers) == 0 {
		return nil, false
	}
	home := 0
	if v.shared {
		home = b.home(v, a)
	}
	t := &v.tiers[home]
	if s = b.choose(t, a); len(v.tiers) == 1 {
		return s, t.far
	}
	if s == nil {
		for i := range v.tiers {
			if i == home {
				continue
			}
			t = &v.tiers[i]
			if s = b.choose(t, a); s != nil {
				break
			}
		}
		return s, t.far
	}
	for i := home + 1; i < len(v.tiers) && s.member.Open() >= s.spillAt; i++ {
		o := b.choose(&v.tiers[i], a)
		if o != nil && (o.member.Open()+1)*s.spillAt <= s.member.Open()*o.spillAt { // as freer, but between localities
			s, t = o, &v.tiers[i]
		}
	}
	return s, t.far
}

// home is the locality where a request starts: the same one for a key of Maglev.
func (b *Balancer) home(v *view, a *Ask) int {
	r := rand.Uint64()
	if b.by == maglev {
		r = mix(^a.Key)
	}
	r >>= 64 - wholeBits
	i := 0
	for r >= v.tiers[i].upTo { // of the last it is whole
		i++
	}
	return i
}

// full reports whether there is a usable member that was not tried.
func (v *view) full(a *Ask) bool {
	for i := range v.tiers {
		for j := range v.tiers[i].slots {
			if s := &v.tiers[i].slots[j]; s.weight > 0 && !slices.Contains(a.Tried, s.member) {
				return true
			}
		}
	}
	return false
}

// choose returns a member of a locality by the algorithm; nil if none may be had.
func (b *Balancer) choose(t *tier, a *Ask) *slot {
	if len(t.slots) == 1 {
		if s := &t.slots[0]; s.ok(a) {
			return s
		}
		return nil
	}
	switch b.by {
	case roundRobin:
		return b.turn(t, a)
	case leastRequests:
		return t.least(a)
	case maglev:
		return t.hashed(a)
	}
	return t.two(a)
}

// ok reports whether the member may be had.
func (s *slot) ok(a *Ask) bool {
	if s.weight == 0 || s.limit > 0 && s.member.Open() >= s.limit {
		return false
	}
	for _, n := range a.Tried {
		if n == s.member {
			return false
		}
	}
	return true
}

// begin counts one more open request, unless the member is at its limit.
func (s *slot) begin() bool {
	open := &s.member.open
	if s.limit <= 0 {
		open.Add(1)
		return true
	}
	for {
		n := open.Load()
		if n >= s.limit {
			return false
		}
		if open.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// freer reports whether s with the request would be no busier for its weight than o is without it. Of members with the
// same weight that is the one with fewer requests; with different ones the choice that was made by weight stands while
// there is little to do, and gives way as the loads part.
func (s *slot) freer(o *slot) bool {
	return (s.member.Open()+1)*o.weight <= o.member.Open()*s.weight
}

// turn is weighted round robin.
func (b *Balancer) turn(t *tier, a *Ask) *slot {
	mine := &b.turns[0]
	if len(b.turns) > 1 {
		mine = &b.turns[int(rand.Uint32())&(len(b.turns)-1)]
	}
	at := mine.next[t.level].Add(1)
	if t.schedule == nil {
		return t.after(at, a)
	}
	n := uint32(len(t.schedule))
	for k := range min(n, walkMax) {
		if s := &t.slots[t.schedule[(at+k)%n]]; s.ok(a) {
			return s
		}
	}
	return t.after(at, a)
}

// after is the first member from a place in the list on that may be had.
func (t *tier) after(at uint32, a *Ask) *slot {
	n := uint32(len(t.slots))
	i := at % n
	for range n {
		if s := &t.slots[i]; s.ok(a) {
			return s
		}
		if i++; i == n {
			i = 0
		}
	}
	return nil
}

// draw turns 32 random bits into a slot, by weight.
func (t *tier) draw(r uint32) int {
	p := uint64(r) * uint64(len(t.slots))
	i := uint32(p >> 32)
	if t.lots != nil {
		if l := &t.lots[i]; uint32(p) >= l.keep {
			i = l.other
		}
	}
	return int(i)
}

// pair draws two different slots, by weight.
func (t *tier) pair() (one, other *slot) {
	n := len(t.slots)
	r := rand.Uint64()
	i := t.draw(uint32(r))
	j := i
	switch {
	case n == 2:
		j = 1 - i
	case t.lots == nil:
		if j += 1 + int(r>>32*uint64(n-1)>>32); j >= n {
			j -= n
		}
	default:
		if j = t.draw(uint32(r >> 32)); j == i {
			j = t.draw(rand.Uint32())
		}
		if j == i {
			j = (i + 1) % n
		}
	}
	return &t.slots[i], &t.slots[j]
}

// two is power of two choices: of two members drawn by weight the freer one.
func (t *tier) two(a *Ask) *slot {
	for range drawsMax {
		one, other := t.pair()
		first, second := one.ok(a), other.ok(a)
		switch {
		case first && second && other.freer(one), second && !first:
			return other
		case first:
			return one
		}
	}
	return t.least(a)
}

// least goes from a member drawn by weight to the one with the fewest open requests for its weight, one of them at
// random if they are several, if that is freer.
func (t *tier) least(a *Ask) *slot {
	r := rand.Uint64()
	drawn := &t.slots[t.draw(uint32(r))]
	if drawn.member.Open() == 0 && drawn.ok(a) {
		return drawn // none is freer
	}
	var best *slot
	load, equals := int64(0), uint64(0) // of best, with the request
	for i := range t.slots {
		s := &t.slots[i]
		if !s.ok(a) {
			continue
		}
		with, order := s.member.Open()+1, -1
		if best != nil {
			order = cmp.Compare(with*best.weight, load*s.weight)
		}
		switch {
		case order > 0:
			continue
		case order < 0:
			equals = 1
		default:
			equals++
			r = r*6364136223846793005 + 1442695040888963407 // a step of Knuth's generator is enough among equals
			if hi, _ := bits.Mul64(r, equals); hi != 0 {
				continue
			}
		}
		best, load = s, with
	}
	if best == nil || drawn == best || !drawn.ok(a) || load*drawn.weight <= drawn.member.Open()*best.weight {
		return best
	}
	return drawn
}

// hashed is Maglev: the member at the key's place of the table, or at the first of the places after it whose member may be
// had. Those come by hashing the key again: neighbours in the table are no random choice, some meet far too often. While
// few members may be had, it is the one that has most from the key (rendezvous hashing), which is as stable.
func (t *tier) hashed(a *Ask) *slot {
	key := mix(a.Key)
	for range walkMax {
		at, _ := bits.Mul64(key, uint64(len(t.table)))
		s := &t.slots[t.table[at]]
		if s.ok(a) && (s.keeps == math.MaxUint32 || uint32(key) < s.keeps) {
			return s
		}
		key = mix(key + hashBasis)
	}
	var best *slot
	var most uint64
	for i := range t.slots {
		s := &t.slots[i]
		if !s.ok(a) {
			continue
		}
		if has := mix(key ^ s.member.id); best == nil || has > most {
			best, most = s, has
		}
	}
	return best
}
