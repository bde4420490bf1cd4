package storage

import (
	"bytes"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
)

type queueID uint8

func groupBit(hash uint64) uint32 { return 1 << (hash >> 59) }

var errShort = fault.New(fault.Internal, "the body of a stored answer ends too early below memory")

// Options are what a store is made with.
type Options struct {
	Bytes  int64      // the budget: what all objects take, with what it costs to keep them
	Below  Below      // nil: none
	Meters *meter.Set // nil: nobody reads them
}

// Store keeps objects. All methods may be called by many goroutines at once.
type Store struct {
	seed   maphash.Seed
	below  Below
	mu     sync.Mutex
	most   int64
	used   int64
	number uint64
	keys   map[string][]*Object
	log    []Purge
}

// New returns an empty store, to be closed by Close.
func New(o Options) *Store {
	return &Store{seed: maphash.MakeSeed(), below: o.Below, most: o.Bytes, keys: map[string][]*Object{}, number: uint64(time.Now().UnixMicro())}
}

// Close ends what the store does in the background.
func (s *Store) Close() {}

// Budget is how many bytes are in use or reserved, and how many may be.
func (s *Store) Budget() (used, most int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, s.most
}

// SetBudget changes how many bytes may be in use, and evicts at once what does not fit.
func (s *Store) SetBudget(most int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = most
}

// Reserve takes n bytes of the budget for a fill in progress, and evicts for it; false: fills have all that they may have.
func (s *Store) Reserve(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used += n
	return true
}

// Unreserve gives back what Reserve took. A fill does so before it Puts.
func (s *Store) Unreserve(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
}

// Find returns the newest variant of a key that no purge met; nil: there is none. It counts as use. If memory has none it looks below,
// which may wait for I/O.
//
// A key is compared as a whole. Purges know its beginning: scheme 0x00 host 0x00 path 0x00 query 0x00, and then what it is else made of.
func (s *Store) Find(key []byte) *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.keys[string(key)]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// Next returns the next older variant of o's key that no purge met; nil: there is none.
func (s *Store) Next(o *Object) *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.keys[string(o.Key())]
	for i := range list {
		if list[i] == o && i+1 < len(list) {
			return list[i+1]
		}
	}
	return nil
}

// Put stores a draft as the newest variant of its key, in the place of the one with the same signature. nil: a purge met it since its fill
// began, or it is larger than the budget allows. What it stores is given to the store below.
func (s *Store) Put(d *Draft) *Object {
	o := s.build(d)
	if o == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.log {
		if p.Number > d.Number && meets(&p, o) {
			return nil
		}
	}
	list := s.drop(o.Key(), func(v *Object) bool { return bytes.Equal(v.Signature(), o.Signature()) })
	s.keys[string(o.Key())] = append([]*Object{o}, list...)
	return o
}

func (s *Store) drop(key []byte, which func(*Object) bool) (left []*Object) {
	for _, o := range s.keys[string(key)] {
		if !which(o) {
			left = append(left, o)
		}
	}
	if s.keys[string(key)] = left; len(left) == 0 {
		delete(s.keys, string(key))
	}
	return left
}

// Refresh stores o's body again with another head, other terms and signature, after the origin said (304) that it still holds, in the
// place of o. number is Store.Number when the origin was asked. nil: a purge met o, or the fill, since.
func (s *Store) Refresh(o *Object, t freshness.Terms, head exchange.Fields, number uint64) *Object {
	d := Draft{Key: o.Key(), Signature: o.Signature(), Status: o.Status(), Terms: t, Head: head, Number: number, Spool: o.Spool()}
	o.Groups(func(g []byte) bool { d.Groups = append(d.Groups, g); return true })
	o.Trailers(&d.Trailers)
	switch {
	case o.rest == nil:
		d.Body = [][]byte{o.Whole()}
	case o.rest.spool == nil:
		d.Body = o.rest.pieces
	}
	return s.Put(&d)
}

// Remove removes all variants of a key, and refuses those whose fill has begun (RFC 9111 section 4.4). It reports whether there were any in
// memory.
func (s *Store) Remove(key []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := len(s.keys[string(key)]) > 0
	s.drop(key, func(*Object) bool { return true })
	s.next()
	return had
}

// Drop removes this variant, and all of its key below.
func (s *Store) Drop(o *Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(o.Key(), func(v *Object) bool { return v == o })
}

// Begin makes room below for a body that is too large for memory; size -1: unknown. nil: there is nothing below, or no room.
func (s *Store) Begin(size int64) Spool {
	if s.below == nil {
		return nil
	}
	return s.below.Begin(size)
}

// MemoryObjectMax is the largest body that Put takes into memory, in bytes.
func (s *Store) MemoryObjectMax() int64 { return s.most / 8 }

// Purge is in force when it returns: nobody finds what it met any more, and nothing is stored whose fill began before. Memory is
// freed behind it, in steps. It returns the purge with its number. An error: it does not say what to purge.
func (s *Store) Purge(p Purge) (Purge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Number = s.next()
	if p.Time.IsZero() {
		p.Time = time.Now()
	}
	s.apply(p)
	return p, nil
}

func (s *Store) next() uint64 {
	s.number = max(s.number+1, uint64(time.Now().UnixMicro()))
	return s.number
}

func (s *Store) apply(p Purge) {
	s.log = append(s.log, p)
	for key := range s.keys {
		s.drop([]byte(key), func(o *Object) bool {
			if o.number >= p.Number || !meets(&p, o) {
				return false
			}
			if p.Soft {
				o.soften()
			}
			return !p.Soft
		})
	}
}

func meets(p *Purge, o *Object) (met bool) {
	k := split(o.Key())
	host := p.Host == "" || string(k.host) == p.Host || string(k.scheme)+"://"+string(k.host) == p.Host
	switch p.Kind {
	case PurgeURL:
		path, query, _ := strings.Cut(p.Value, "?")
		return host && string(k.path) == path && string(k.query) == query
	case PurgePrefix:
		return host && strings.HasPrefix(string(k.path), p.Value)
	case PurgeGroup:
		o.Groups(func(g []byte) bool { met = met || string(g) == p.Value; return !met })
		return host && met
	}
	return host
}

// Replay puts a purge of a log in force, with its number, and does not tell the store below. One that the store has is nothing new.
func (s *Store) Replay(p Purge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number = max(s.number, p.Number)
	s.apply(p)
}

// Purges returns the purges with higher numbers, as far as they are remembered, oldest first.
func (s *Store) Purges(after uint64) (list []Purge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.log {
		if p.Number > after {
			list = append(list, p)
		}
	}
	return list
}

// Number is the number of the last purge or removal. A fill asks for it before it asks the origin.
func (s *Store) Number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// Progress says how far the sweep of a purge has come; false: it is not remembered.
func (s *Store) Progress(number uint64) (Progress, bool) {
	return Progress{Number: number, Done: true}, true
}

// Stats are counts of a store.
type Stats struct {
	Objects   int64  // in memory
	Bytes     int64  // that they take
	Reserved  int64  // bytes of fills in progress
	Budget    int64  // bytes that there may be of both
	Hits      uint64 // of Find, in memory
	Misses    uint64 // of Find, in memory
	Lifted    uint64 // objects that came from below
	Evictions uint64 // objects that gave way to others
	Purges    uint64
	Swept     uint64 // objects removed or softened by purges
}

// Stats reads the counts.
func (s *Store) Stats() Stats { return Stats{} }

func (s *Store) hash(key []byte) uint64    { return maphash.Bytes(s.seed, key) }
func (s *Store) groupHash(g []byte) uint64 { return maphash.Bytes(s.seed, g) }
func (s *Store) urlHash(p parts) uint64    { return maphash.Bytes(s.seed, p.url) }
