package storage

// lift brings the variants of a key up from the store below, behind those in memory. If somebody is at it already, it waits for
// that.
func (s *Store) lift(hash uint64, key []byte) {
	h := s.shard(hash)
	h.mu.Lock()
	if other := h.lifting[string(key)]; other != nil {
		h.mu.Unlock()
		<-other
		return
	}
	done := make(chan struct{})
	if h.lifting == nil {
		h.lifting = map[string]chan struct{}{}
	}
	h.lifting[string(key)] = done
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.lifting, string(key))
		h.mu.Unlock()
		close(done)
	}()
	since := s.ledger.settled()
	found := s.below.Find(key)
	objects := make([]*Object, 0, len(found))
	for i := range found {
		d := &found[i]
		d.Key = key
		if o := s.build(d); o != nil && s.fits(o) {
			objects = append(objects, o)
		}
	}
	s.settleIn(h, hash, key, objects, since)
	s.fit()
}

// settleIn puts objects from below behind the variants that memory has. They obeyed all purges up to a number when they were
// read.
func (s *Store) settleIn(h *shard, hash uint64, key []byte, objects []*Object, since uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range objects {
		newest := h.find(hash, key)
		same, variants := sameVariant(newest, o)
		if same != nil || variants >= variantsMax || s.ledger.refuses(o, since) {
			continue
		}
		h.place(o, newest)
		s.policy.mu.Lock()
		s.policy.enter(o, false)
		s.policy.mu.Unlock()
		s.meters.lifted.Inc()
	}
	if newest := h.find(hash, key); newest != nil {
		newest.partial = false
	}
}
