package storage

import (
	"bytes"
	"slices"
)

// lifting is a look below for a key.
type lifting struct {
	hash     uint64 // of the key
	done     chan struct{}
	outdated bool // something newer was stored meanwhile, and may be evicted by now: what is found may be what it replaced
}

// overtake is for an object that comes into a shard and is about to be put below: who looks there for its key may find what it replaces,
// until settlePut. One that it replaces itself may be put below only after it.
func (h *shard) overtake(o *Object) {
	if l := h.lifting[string(o.Key())]; l != nil {
		l.outdated = true
	}
	for _, other := range h.putting {
		if other.hash == o.hash && bytes.Equal(other.Key(), o.Key()) && bytes.Equal(other.Signature(), o.Signature()) {
			other.overtaken = true
		}
	}
	h.putting = append(h.putting, o)
}

// settlePut says that the object has been put below.
func (h *shard) settlePut(o *Object) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, last := slices.Index(h.putting, o), len(h.putting)-1
	h.putting[at], h.putting[last] = h.putting[last], nil
	h.putting = h.putting[:last]
}

// wasOvertaken reports whether a newer one has come while the object was put below: nobody knows which of them lies there.
func (h *shard) wasOvertaken(o *Object) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return o.overtaken
}

// lift brings the variants of a key up from the store below, behind those in memory. If somebody is at it already, it waits for
// that.
func (s *Store) lift(hash uint64, key []byte) {
	h := s.shard(hash)
	h.mu.Lock()
	if other := h.lifting[string(key)]; other != nil {
		h.mu.Unlock()
		<-other.done
		return
	}
	l := &lifting{hash: hash, done: make(chan struct{}), outdated: slices.ContainsFunc(h.putting, func(o *Object) bool { return o.hash == hash })}
	if h.lifting == nil {
		h.lifting = map[string]*lifting{}
	}
	h.lifting[string(key)] = l
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.lifting, string(key))
		h.mu.Unlock()
		close(l.done)
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
	s.settleIn(h, l, key, objects, since)
	s.fit()
}

// settleIn puts objects from below behind the variants that memory has. They obeyed all purges up to a number when they were
// read.
func (s *Store) settleIn(h *shard, l *lifting, key []byte, objects []*Object, since uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.outdated {
		return
	}
	for _, o := range objects {
		newest := h.find(l.hash, key)
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
	if newest := h.find(l.hash, key); newest != nil {
		newest.partial = false
	}
}
