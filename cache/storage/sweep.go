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

// sweepStep looks at some buckets from one on, and says where to go on. What takes time is memory that is in no cache: so each
// step reads a little of all objects before it goes on with the first, and the processor fetches them together.
func (s *Store) sweepStep(h *shard, b *batch, at int) (next int, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var room [sweepLooks + sweepLooks/2]*Object
	list, warm := room[:0], 0
	next = min(at+sweepLooks, len(h.buckets))
	for _, head := range h.buckets[at:next] {
		if head != nil {
			warm += int(head.number)
		}
	}
	looked := 0
	for ; at < next && looked < sweepLooks; at++ {
		for head := h.buckets[at]; head != nil; head = head.chain {
			for v := head; v != nil; v = v.older {
				if looked++; s.ledger.suspects(v) {
					list = append(list, v)
				}
			}
		}
	}
	for _, o := range list {
		warm += int(o.data[0])
	}
	b.looked.Add(int64(looked))
	gone := list[:0]
	for _, o := range list {
		switch e := s.ledger.met(o); {
		case e == nil:
		case e.Soft:
			s.soften(o, e)
		default:
			e.removed.Add(1)
			gone = append(gone, o)
		}
	}
	s.policy.mu.Lock()
	for _, o := range gone {
		warm += o.next.warm() + o.prev.warm()
	}
	for _, o := range gone {
		s.policy.leave(o)
	}
	s.policy.mu.Unlock()
	for _, o := range gone {
		h.remove(o)
	}
	s.meters.swept.Add(uint64(len(gone)))
	runtime.KeepAlive(warm)
	return at, at < len(h.buckets)
}

// warm reads something of an object.
func (o *Object) warm() int {
	if o == nil {
		return 0
	}
	return int(o.queue)
}
