package storage

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Check compares index and queues: the same objects, once each, and the bytes that are accounted for. Nobody else may be at work.
func (s *Store) Check() error {
	indexed, bytes := map[*Object]bool{}, int64(0)
	for i := range s.shards {
		h := &s.shards[i]
		keys := 0
		for at, head := range h.buckets {
			for ; head != nil; head = head.chain {
				if keys++; h.bucket(head.hash) != at {
					return fmt.Errorf("an object of bucket %d lies in %d", h.bucket(head.hash), at)
				}
				for v := head; v != nil; v = v.older {
					if v.gone || v.queue == queueNone || indexed[v] {
						return fmt.Errorf("%q: gone %v, queue %d, twice %v", v.Key(), v.gone, v.queue, indexed[v])
					}
					indexed[v] = true
					bytes += v.cost()
				}
			}
		}
		if keys != h.keys || len(h.lifting) != 0 {
			return fmt.Errorf("%d keys are %d, %d are being lifted", keys, h.keys, len(h.lifting))
		}
	}
	for _, q := range []*queue{&s.policy.small, &s.policy.main} {
		n := 0
		for o := q.front; o != nil; o = o.next {
			if n++; !indexed[o] {
				return fmt.Errorf("%q is in a queue and not in the index", o.Key())
			}
			bytes -= o.cost()
			delete(indexed, o)
		}
		if n != q.count {
			return fmt.Errorf("%d objects are %d", n, q.count)
		}
	}
	if len(indexed) != 0 || bytes != 0 {
		return fmt.Errorf("%d objects are in no queue; %d bytes too many", len(indexed), bytes)
	}
	if q := &s.policy; q.small.bytes+q.main.bytes != q.used()-q.reserved {
		return fmt.Errorf("bytes: %d", q.used())
	}
	return nil
}

// HoldSweeps keeps purges from being swept: whoever asks is answered by what they say alone.
func (s *Store) HoldSweeps() {
	close(s.closing)
	s.closed.Do(func() {})
	s.running.Wait()
}

// SweepNow sweeps on this goroutine, where HoldSweeps keeps the sweeper from it; clock is read around each step.
func (s *Store) SweepNow(clock func() time.Duration) (longest time.Duration) {
	b := s.ledger.begin(s.objects())
	for i := range s.shards {
		for at, more := 0, true; more; {
			began := clock()
			at, more = s.sweepStep(&s.shards[i], b, at)
			longest = max(longest, clock()-began)
		}
	}
	s.ledger.retire()
	return longest
}

// MarksApart reports whether all that drafts and purges of them name has marks of its own, so that nothing is refused for nothing.
func (s *Store) MarksApart(drafts []*Draft) bool {
	apart, owners := true, map[*atomic.Uint64]uint64{}
	see := func(hash uint64) bool {
		m := s.ledger.mark(hash)
		if owner, had := owners[m]; had && owner != hash {
			apart = false
		}
		owners[m] = hash
		return apart
	}
	for _, d := range drafts {
		o := s.build(d)
		key := split(o.Key())
		see(o.hash)
		o.names(s.seed, &key, byAll, see)
	}
	return apart
}

// The limits of what is kept for a store below that comes late.
const (
	LateKeysMax   = lateKeysMax
	LateBytesMax  = lateBytesMax
	LatePurgesMax = latePurgesMax
	LateStep      = lateStep
)
