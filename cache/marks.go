package cache

import (
	"hash/maphash"
	"sync"
	"time"
)

// marks remember keys whose answers were not for the cache, so that requests for them do not wait for each other. Two keys with the
// same hash share a mark, which costs the cache of one of them for a while, and nothing else.
type marks struct {
	seed  maphash.Seed
	mu    sync.Mutex
	until map[uint64]int64 // Unix nanoseconds
}

func (m *marks) init() { m.seed, m.until = maphash.MakeSeed(), map[uint64]int64{} }

// has reports whether a key is marked.
func (m *marks) has(key []byte) bool {
	h := maphash.Bytes(m.seed, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	until, ok := m.until[h]
	if ok && until < time.Now().UnixNano() {
		delete(m.until, h)
		return false
	}
	return ok
}

// add marks a key for markTime.
func (m *marks) add(key []byte) {
	h := maphash.Bytes(m.seed, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	for old := range m.until { // an arbitrary one, where there are too many
		if len(m.until) < marksMax {
			break
		}
		delete(m.until, old)
	}
	m.until[h] = time.Now().Add(markTime).UnixNano()
}

// remove takes a mark away.
func (m *marks) remove(key []byte) {
	h := maphash.Bytes(m.seed, key)
	m.mu.Lock()
	delete(m.until, h)
	m.mu.Unlock()
}
