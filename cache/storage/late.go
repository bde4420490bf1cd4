package storage

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// late is the place of a store below that comes when the store is in use already. Until then it has nothing, takes nothing, and keeps what
// that one must be told: what it has is older than all that happens here, whatever it says.
type late struct {
	first uint64                // everything that is stored here has at least this number
	below atomic.Pointer[Below] // nil: it is still to come

	mu      sync.Mutex
	removed map[string]uint64 // keys that were removed, up to a number, or stored anew
	bytes   int               // of them
	purges  []Purge
	all     uint64 // more than can be kept: everything is to go that has a lower number; 0: no
}

// there is the store below; nil: it is still to come.
func (l *late) there() Below {
	if b := l.below.Load(); b != nil {
		return *b
	}
	return nil
}

// waiting locks and reports true if it is still to come.
func (l *late) waiting() bool {
	if l.below.Load() != nil {
		return false
	}
	l.mu.Lock()
	if l.below.Load() != nil {
		l.mu.Unlock()
		return false
	}
	return true
}

// Put implements Below: of what is stored here nothing older may come from below.
func (l *late) Put(o *Object) {
	if l.waiting() {
		defer l.mu.Unlock()
		l.note(o.Key(), l.first)
		return
	}
	l.there().Put(o)
}

// Find implements Below.
func (l *late) Find(key []byte) []Draft {
	if b := l.there(); b != nil {
		return b.Find(key)
	}
	return nil
}

// Remove implements Below.
func (l *late) Remove(key []byte, number uint64) {
	if l.waiting() {
		defer l.mu.Unlock()
		l.note(key, number)
		return
	}
	l.there().Remove(key, number)
}

// Begin implements Below.
func (l *late) Begin(size int64) Spool {
	if b := l.there(); b != nil {
		return b.Begin(size)
	}
	return nil
}

// Keep implements Below.
func (l *late) Keep(p Purge) {
	if l.waiting() {
		defer l.mu.Unlock()
		if l.all = l.raised(p.Number); l.all == 0 {
			if l.purges = append(l.purges, p); len(l.purges) > latePurgesMax {
				l.tooMuch(p.Number)
			}
		}
		return
	}
	l.there().Keep(p)
}

// raised is all, raised to a number if there is one.
func (l *late) raised(number uint64) uint64 {
	if l.all == 0 {
		return 0
	}
	return max(l.all, number)
}

// note keeps a key whose objects with a lower number are to go. With the lock.
func (l *late) note(key []byte, number uint64) {
	if l.all = l.raised(number); l.all != 0 {
		return
	}
	old, known := l.removed[string(key)]
	if !known {
		l.bytes += len(key)
	}
	if l.removed == nil {
		l.removed = map[string]uint64{}
	}
	if l.removed[string(key)] = max(old, number); len(l.removed) > lateKeysMax || l.bytes > lateBytesMax {
		l.tooMuch(number)
	}
}

// tooMuch makes one purge of everything of what is kept. With the lock.
func (l *late) tooMuch(number uint64) {
	for _, n := range l.removed {
		number = max(number, n)
	}
	for i := range l.purges {
		number = max(number, l.purges[i].Number)
	}
	l.all = number
	l.removed, l.bytes, l.purges = nil, 0, nil
}

// attach tells b what is kept, and puts it in force when there is nothing left to tell; false: stop was closed before. whole is false if that
// was everything.
func (l *late) attach(stop <-chan struct{}, b Below, pace func()) (whole, told bool) {
	whole = true
	for !isClosed(stop) {
		l.mu.Lock()
		removed, purges, all := l.removed, l.purges, l.all
		l.removed, l.bytes, l.purges, l.all = nil, 0, nil, 0
		if len(removed) == 0 && len(purges) == 0 && all == 0 {
			l.below.Store(&b)
			l.mu.Unlock()
			return whole, true
		}
		l.mu.Unlock()
		if all != 0 {
			b.Keep(Purge{Number: all, Time: time.Now(), Kind: PurgeAll})
			whole = false
		}
		var keeping sync.WaitGroup
		for i := range purges { // at once: each may wait for the disk
			keeping.Go(func() { b.Keep(purges[i]) })
		}
		keeping.Wait()
		n := 0
		for key, number := range removed {
			b.Remove([]byte(key), number)
			if n++; n%lateStep == 0 {
				if pace(); isClosed(stop) {
					break
				}
			}
		}
		pace()
	}
	return whole, false
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// First is the least number that anything has that was Put here, if the store below comes late: what lies there is older, and must have
// lower ones. 0: it does not.
func (s *Store) First() uint64 {
	if s.late == nil {
		return 0
	}
	return s.late.first
}

// Attach puts the store below in force that Options.Late has promised, once. Nothing that it has comes up in the place of what was stored
// meanwhile, nor what was removed or purged: it is told all of that first. pace is called now and then, and may wait until it has
// caught up. Not whole: that was more than is kept, so that everything in it was purged. Not told: stop was closed before it had been told
// everything. It is not in force then, and what lies there must not be believed by anybody.
func (s *Store) Attach(stop <-chan struct{}, b Below, pace func()) (whole, told bool) {
	return s.late.attach(stop, b, pace)
}

// Hand gives the attached store below what memory has, until stop is closed. pace is as for Attach.
func (s *Store) Hand(stop <-chan struct{}, pace func()) {
	given := 0
	for i := range s.shards {
		h := &s.shards[i]
		for at, more := 0, true; more; {
			if isClosed(stop) {
				return
			}
			var n int
			at, n, more = s.handStep(h, at)
			if given += n; given >= handStep {
				given = 0
				pace()
			}
		}
	}
}

// handStep gives what is in some buckets, and says where to go on. It holds the shard's lock, or a newer variant could be put before.
func (s *Store) handStep(h *shard, at int) (next, given int, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for next = at; next < len(h.buckets) && next < at+sweepLooks; next++ {
		for head := h.buckets[next]; head != nil; head = head.chain {
			var room [variantsMax]*Object
			variants := room[:0]
			for v := head; v != nil; v = v.older {
				if v.number >= s.late.first && v.Spool() == nil { // it neither came from there nor lies there
					variants = append(variants, v)
				}
			}
			for _, v := range slices.Backward(variants) {
				s.below.Put(v)
			}
			given += len(variants)
		}
	}
	return next, given, next < len(h.buckets)
}
