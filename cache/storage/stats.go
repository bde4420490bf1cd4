package storage

import "skerry.dev/skerry/meter"

// Stats are counts of a store, since it was made but for the first four.
type Stats struct {
	Objects   int64  // in memory
	Bytes     int64  // that they take
	Reserved  int64  // bytes of fills in progress
	Budget    int64  // bytes that both may have
	Hits      uint64 // of Find, in memory
	Misses    uint64 // of Find, in memory
	Lifted    uint64 // objects that came from below
	Evictions uint64 // objects that gave way to others
	Purges    uint64
	Swept     uint64 // objects removed or softened by purges
}

// meters are what a store counts beside its shards and its policy.
type meters struct {
	kinds  map[PurgeKind]*meter.Counter
	swept  *meter.Counter
	lifted *meter.Counter
}

// measure registers what is counted.
func (s *Store) measure(set *meter.Set) {
	if set == nil {
		set = meter.NewSet()
	}
	m := &s.meters
	m.kinds = map[PurgeKind]*meter.Counter{}
	for _, k := range []PurgeKind{PurgeURL, PurgePrefix, PurgeGroup, PurgeAll} {
		m.kinds[k] = set.Counter("skerry_cache_purges_total", "Purges of the cache, by what they name.", "kind", string(k))
	}
	m.swept = set.Counter("skerry_cache_swept_total", "Stored answers that purges removed from memory or made stale.")
	m.lifted = set.Counter("skerry_cache_lifted_total", "Stored answers that came from the store on disk into memory.")
	s.policy.evictions = set.Counter("skerry_cache_evictions_total", "Stored answers that gave way to others, at the cache's budget of memory.")
	gauge := func(name, help string, read func(Stats) int64) {
		set.Func(name, help, func() float64 { return float64(read(s.Stats())) })
	}
	gauge("skerry_cache_objects", "Stored answers in memory.", func(t Stats) int64 { return t.Objects })
	gauge("skerry_cache_bytes", "Memory that stored answers take, in bytes.", func(t Stats) int64 { return t.Bytes })
	gauge("skerry_cache_reserved_bytes", "Memory that answers on their way to the cache take, in bytes.", func(t Stats) int64 { return t.Reserved })
	gauge("skerry_cache_budget_bytes", "Memory that stored answers may take, in bytes.", func(t Stats) int64 { return t.Budget })
}

func (m *meters) purged(kind PurgeKind) { m.kinds[kind].Inc() }

// Stats reads the counts.
func (s *Store) Stats() Stats {
	p := &s.policy
	p.mu.Lock()
	t := Stats{
		Objects: int64(p.small.count + p.main.count), Bytes: p.small.bytes + p.main.bytes, Reserved: p.reserved, Budget: p.most.Load(),
		Lifted: s.meters.lifted.Value(), Evictions: p.evictions.Value(), Swept: s.meters.swept.Value(),
	}
	p.mu.Unlock()
	for _, c := range s.meters.kinds {
		t.Purges += c.Value()
	}
	for i := range s.shards {
		h := &s.shards[i]
		h.mu.Lock()
		t.Hits += h.hits
		t.Misses += h.misses
		h.mu.Unlock()
	}
	return t
}

// objects is how many there are.
func (s *Store) objects() int64 {
	s.policy.mu.Lock()
	defer s.policy.mu.Unlock()
	return int64(s.policy.small.count + s.policy.main.count)
}
