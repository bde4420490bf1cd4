package storage

import (
	"bytes"
	"hash/maphash"
	"sync"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
)

// Options are what a store is made with.
type Options struct {
	Bytes  int64      // the budget: what all objects take, with what it costs to keep them
	Below  Below      // nil: none
	Late   bool       // the store below comes later, by Attach
	Meters *meter.Set // nil: nobody reads them
}

// Store keeps objects. All methods may be called by many goroutines at once.
//
// Locks: a shard's before the policy's or the ledger's, neither of which is held while another is taken.
type Store struct {
	seed    maphash.Seed
	below   Below // late, if it comes later
	late    *late // nil: it does not
	shards  [1 << shardBits]shard
	policy  policy
	ledger  ledger
	meters  meters
	closing chan struct{}
	running sync.WaitGroup
	closed  sync.Once
}

// New returns an empty store, to be closed by Close.
func New(o Options) *Store {
	s := &Store{below: o.Below, closing: make(chan struct{})}
	s.ledger.init()
	s.seed = s.ledger.seed
	if o.Late {
		s.late = &late{first: s.ledger.number.Load()}
		s.below = s.late
	}
	s.policy.most.Store(o.Bytes)
	s.measure(o.Meters)
	s.running.Go(s.sweep)
	return s
}

// Close ends what the store does in the background, and waits for it. What is stored may still be found.
func (s *Store) Close() {
	s.closed.Do(func() {
		close(s.closing)
		s.ledger.close()
	})
	s.running.Wait()
}

// Budget is how many bytes are in use or reserved, and how many may be.
func (s *Store) Budget() (used, most int64) {
	s.policy.mu.Lock()
	defer s.policy.mu.Unlock()
	return s.policy.used(), s.policy.most.Load()
}

// SetBudget changes how many bytes may be in use, and evicts at once what does not fit.
func (s *Store) SetBudget(most int64) {
	s.policy.mu.Lock()
	s.policy.most.Store(max(0, most))
	s.policy.mu.Unlock()
	s.fit()
}

// Reserve takes n bytes of the budget for a fill in progress, and evicts for it; false: fills have all that they may have, half
// of it.
func (s *Store) Reserve(n int64) bool {
	if !s.policy.reserve(n) {
		return false
	}
	s.fit()
	return true
}

// Unreserve gives back what Reserve took. A fill does so before it Puts.
func (s *Store) Unreserve(n int64) { s.policy.reserve(-n) }

// MemoryObjectMax is the largest body that Put takes into memory, in bytes: an eighth of the budget, less if there is a store
// below.
func (s *Store) MemoryObjectMax() int64 {
	if s.below != nil && (s.late == nil || s.late.there() != nil) {
		return s.policy.most.Load() / belowShare
	}
	return s.policy.most.Load() / objectShare
}

// fits reports whether an object is small enough for the budget.
func (s *Store) fits(o *Object) bool {
	return o.cost() <= s.policy.most.Load()/objectShare && (o.Spool() != nil || o.Size() <= s.MemoryObjectMax())
}

func (s *Store) shard(hash uint64) *shard { return &s.shards[hash>>(64-shardBits)] }

// Find returns the newest variant of a key that no purge met; nil: there is none. It counts as use. If memory has none it looks
// below, which may wait for I/O.
//
// A key is compared as a whole. Purges know its beginning: scheme 0x00 host 0x00 path 0x00 query 0x00, and then what it is else
// made of. The host is in small letters, its port there if it is not the scheme's.
func (s *Store) Find(key []byte) *Object {
	hash := maphash.Bytes(s.seed, key)
	h := s.shard(hash)
	h.mu.Lock()
	o := s.first(h.find(hash, key))
	if o != nil {
		h.hits++
	} else {
		h.misses++
	}
	h.mu.Unlock()
	if o == nil && s.below != nil {
		s.lift(hash, key)
		h.mu.Lock()
		o = s.first(h.find(hash, key))
		h.mu.Unlock()
	}
	if o != nil {
		o.touch()
	}
	return o
}

// Next returns the next older variant of o's key that no purge met; nil: there is none. It counts as use.
func (s *Store) Next(o *Object) *Object {
	h := s.shard(o.hash)
	h.mu.Lock()
	v := s.first(o.older)
	newest := h.find(o.hash, o.Key())
	partial := newest != nil && newest.partial
	h.mu.Unlock()
	if v == nil && partial {
		s.lift(o.hash, o.Key())
		h.mu.Lock()
		v = s.first(o.older)
		h.mu.Unlock()
	}
	if v != nil {
		v.touch()
	}
	return v
}

// first is the first variant, from v on, that may be found; under the shard's lock.
func (s *Store) first(v *Object) *Object {
	for ; v != nil; v = v.older {
		if v.gone {
			continue
		}
		e := s.ledger.met(v)
		if e == nil {
			return v
		}
		if e.Soft {
			s.soften(v, e)
			return v
		}
	}
	return nil
}

// soften marks an object that a soft purge met.
func (s *Store) soften(o *Object, by *entry) {
	if o.soften() {
		by.removed.Add(1)
		s.meters.swept.Inc()
	}
}

// Put stores a draft as the newest variant of its key, in the place of the one with the same signature. nil: a purge met it
// since its fill began, or may have, or it is larger than the budget or the limits allow. What it stores is given to the store
// below.
func (s *Store) Put(d *Draft) *Object {
	o := s.build(d)
	if o == nil || !s.fits(o) || !s.admit(o, nil) {
		return nil
	}
	return o
}

// Refresh stores o's body again with another head and other terms, after the origin said (304) that it still holds, in the
// place of o. number is Store.Number when the origin was asked. nil: a purge met o, or may have, a newer answer took its place,
// or as for Put.
func (s *Store) Refresh(o *Object, t freshness.Terms, head exchange.Fields, number uint64) *Object {
	d := Draft{Key: o.Key(), Signature: o.Signature(), Status: o.Status(), Terms: t, Head: head, Number: number, Spool: o.Spool()}
	o.Groups(func(g []byte) bool { d.Groups = append(d.Groups, g); return true })
	o.Trailers(&d.Trailers)
	if o.rest == nil {
		d.Body = [][]byte{o.Whole()}
	} else {
		d.Body = o.rest.pieces
	}
	n := s.build(&d)
	if n == nil || !s.fits(n) || !s.admit(n, o) {
		return nil
	}
	return n
}

// admit puts an object into the index, and makes room for it. again: what it is made of, with the same body.
func (s *Store) admit(o, again *Object) bool {
	h := s.shard(o.hash)
	h.mu.Lock()
	newest := h.find(o.hash, o.Key())
	same, variants := sameVariant(newest, o)
	if s.ledger.refuses(o, o.number) || again != nil && s.outdated(again, same) {
		h.mu.Unlock()
		return false
	}
	out := same
	if same == nil && variants >= variantsMax {
		out = oldest(newest)
	}
	h.push(o, newest)
	if s.below != nil {
		h.overtake(o)
	}
	o.partial = o.partial || newest == nil && s.below != nil
	if out != nil {
		h.remove(out)
	}
	s.policy.mu.Lock()
	known := same != nil && same.queue == queueMain
	if out != nil {
		s.policy.leave(out)
	}
	s.policy.enter(o, known)
	s.policy.mu.Unlock()
	h.mu.Unlock()
	s.fit()
	if s.below != nil {
		if s.below.Put(o); h.wasOvertaken(o) {
			s.removeBelow(o)
		}
		h.settlePut(o)
	}
	return true
}

// sameVariant is the variant with o's signature, and how many variants there are.
func sameVariant(newest, o *Object) (same *Object, variants int) {
	for v := newest; v != nil; v = v.older {
		if variants++; bytes.Equal(v.Signature(), o.Signature()) {
			same = v
		}
	}
	return same, variants
}

func oldest(v *Object) *Object {
	for v.older != nil {
		v = v.older
	}
	return v
}

// outdated reports whether an object must not be refreshed: another took its place, or a purge met it. same is the variant that
// is there now. Under the shard's lock.
func (s *Store) outdated(o, same *Object) bool {
	switch {
	case !o.gone:
		e := s.ledger.met(o)
		return e != nil && !e.Soft
	case same != nil:
		return true
	}
	return s.ledger.refuses(o, o.number) // it may have been evicted only
}

// Remove removes all variants of a key, and refuses those whose fill has begun (RFC 9111 section 4.4). It reports whether there
// were any in memory.
func (s *Store) Remove(key []byte) bool {
	hash := maphash.Bytes(s.seed, key)
	number := s.ledger.remove(hash, s.below != nil)
	h := s.shard(hash)
	had := false
	h.mu.Lock()
	for v := h.find(hash, key); v != nil; v = v.older {
		if v.number < number && !v.gone {
			s.unlink(h, v)
			had = true
		}
	}
	h.mu.Unlock()
	if s.below != nil {
		s.below.Remove(key, number)
		s.ledger.settle(number)
	}
	return had
}

// unlink takes an object out of index and queue, under the shard's lock.
func (s *Store) unlink(h *shard, o *Object) {
	h.remove(o)
	s.policy.mu.Lock()
	s.policy.leave(o)
	s.policy.mu.Unlock()
}

// Drop removes this variant from memory, and below all of its key that were asked for before.
func (s *Store) Drop(o *Object) {
	h := s.shard(o.hash)
	h.mu.Lock()
	if !o.gone {
		s.unlink(h, o)
	}
	h.mu.Unlock()
	if s.below != nil {
		s.removeBelow(o)
	}
}

// removeBelow removes below all of an object's key that were asked for before. What is fetched in their place has a higher number.
func (s *Store) removeBelow(o *Object) {
	number := s.ledger.remove(o.hash, true)
	s.below.Remove(o.Key(), number)
	s.ledger.settle(number)
}

// Begin makes room below for a body that is too large for memory; size -1: unknown. nil: there is nothing below, or no room.
func (s *Store) Begin(size int64) Spool {
	if s.below == nil {
		return nil
	}
	return s.below.Begin(size)
}

// fit evicts until the budget is kept.
func (s *Store) fit() {
	for more := true; more; {
		var victims [evictMax]*Object
		var n int
		n, more = s.policy.evict(victims[:])
		for _, o := range victims[:n] {
			s.forget(o)
		}
	}
}

// forget takes an evicted object out of the index. It may still lie below.
func (s *Store) forget(o *Object) {
	h := s.shard(o.hash)
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.gone {
		return
	}
	h.remove(o)
	if newest := h.find(o.hash, o.Key()); newest != nil && s.below != nil {
		newest.partial = true
	}
}

// Purge is in force when it returns: nobody finds what it met any more, and nothing is stored whose fill began before. Memory
// is freed behind it, in steps. It returns the purge with its number and time. An error: it does not say what to purge. If very
// many wait to be swept it waits too.
func (s *Store) Purge(p Purge) (Purge, error) {
	if p.Number = 0; p.Time.IsZero() {
		p.Time = time.Now()
	}
	e, err := newEntry(p, s.seed)
	if err != nil {
		return p, err
	}
	s.ledger.add(e, s.below != nil)
	if s.below != nil {
		s.below.Keep(e.Purge)
		s.ledger.settle(e.Number)
	}
	s.meters.purged(e.Kind)
	return e.Purge, nil
}

// Replay puts a purge of a log in force, with its number, and does not tell the store below, whose log it may be. One that the
// store remembers, or that does not say what to purge, or has no number, is ignored.
func (s *Store) Replay(p Purge) {
	if e, err := newEntry(p, s.seed); err == nil && p.Number != 0 {
		s.ledger.add(e, false)
	}
}

// Purges returns the purges with higher numbers, as far as they are remembered, oldest first.
func (s *Store) Purges(after uint64) []Purge { return s.ledger.after(after) }

// Number is the number of the last purge or removal. A fill asks for it before it asks the origin.
func (s *Store) Number() uint64 { return s.ledger.number.Load() }

// Progress says how far the sweep of a purge has come; false: it is not remembered.
func (s *Store) Progress(number uint64) (Progress, bool) { return s.ledger.progress(number) }
