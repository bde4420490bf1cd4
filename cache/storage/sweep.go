package storage

import (
	"runtime"
	"time"
)

// sweep frees the memory of what purges met, until the store is closed. It rests after each sweep, so that many purges in a row
// are one sweep.
func (s *Store) sweep() {
	for {
		select {
		case <-s.ledger.wake:
		case <-s.closing:
			return
		}
		began := time.Now()
		b := s.ledger.begin(s.objects())
		if b == nil {
			continue
		}
		for i := range s.shards {
			if !s.sweepShard(&s.shards[i], b) {
				return
			}
		}
		s.ledger.retire()
		rest := time.NewTimer(min(sweepPause*time.Since(began), sweepRestMax))
		select {
		case <-rest.C:
		case <-s.ledger.hurry:
		case <-s.closing:
		}
		rest.Stop()
	}
}

// sweepShard looks at all objects of a shard; false: the store was closed meanwhile.
func (s *Store) sweepShard(h *shard, b *batch) bool {
	for at, more := 0, true; more; {
		select {
		case <-s.closing:
			return false
		default:
		}
		at, more = s.sweepStep(h, b, at)
		runtime.Gosched() // traffic goes first
	}
	return true
}

// sweepStep looks at some buckets from one on, and says where to go on.
func (s *Store) sweepStep(h *shard, b *batch, at int) (next int, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var room [sweepLooks + 2*variantsMax]*Object
	out, looked := room[:0], 0
	for ; at < len(h.buckets) && looked < sweepLooks; at++ {
		for head := h.buckets[at]; head != nil; head = head.chain {
			for v := head; v != nil; v = v.older {
				looked++
				e := s.ledger.met(v)
				switch {
				case e == nil:
				case e.Soft:
					s.soften(v, e)
				default:
					e.removed.Add(1)
					out = append(out, v)
				}
			}
		}
	}
	b.looked.Add(int64(looked))
	for _, o := range out {
		h.remove(o)
	}
	s.policy.mu.Lock()
	for _, o := range out {
		s.policy.leave(o)
	}
	s.policy.mu.Unlock()
	s.meters.swept.Add(uint64(len(out)))
	return at, at < len(h.buckets)
}
