package peer

import "time"

// expect sees to it that somebody looks after the peer's kept connections at that time.
func (k *Keeper) expect(p *Peer, at time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at < time.Duration(p.due.Load()) {
		p.due.Store(int64(at))
	}
	k.arm(at)
}

// arm sets the timer, unless it is set early enough. Times are rounded up, so that many peers are looked after in one go. The
// caller holds mu.
func (k *Keeper) arm(at time.Duration) {
	if k.stopped || at > never-tendEvery {
		return
	}
	if at = (at + tendEvery - 1).Truncate(tendEvery); at >= k.wake {
		return
	}
	k.wake = at
	wait := at - k.at(time.Now())
	if k.timer == nil {
		k.timer = time.AfterFunc(wait, k.tend)
	} else {
		k.timer.Reset(wait)
	}
}

// tend closes the kept connections of all peers that are over. While nothing is kept it does not run, nor does a goroutine
// wait for it.
func (k *Keeper) tend() {
	var due []*Peer
	next := never
	k.mu.Lock()
	k.wake = never
	now := k.at(time.Now())
	for _, p := range k.peers {
		if at := time.Duration(p.due.Load()); at > now {
			next = min(next, at)
			continue
		}
		// Before the look: who keeps a connection that the look misses finds it so, and calls expect.
		p.due.Store(int64(never))
		due = append(due, p)
	}
	k.arm(next)
	k.mu.Unlock()
	for _, p := range due {
		if next := p.expire(now); next < never {
			k.expect(p, next)
		}
	}
}

// expire closes what is over, and returns when the first of the rest will be.
func (p *Peer) expire(now time.Duration) time.Duration {
	if p.key.http2 {
		return p.expireShared(now)
	}
	over, next := p.reserve.expire(now)
	for _, c := range over {
		c.end(c.why)
	}
	for i := range p.shards {
		over, first := p.shards[i].expire(now)
		next = min(next, first)
		for _, c := range over {
			c.end(c.why)
		}
	}
	return next
}
