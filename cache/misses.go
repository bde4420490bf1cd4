package cache

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// misses counts which addresses the store could not answer most often, and why the last one was not. It keeps the most frequent ones:
// the rarest makes room, and leaves its count to the new one as the most that it can have had (Space-Saving).
type misses struct {
	mu   sync.Mutex
	list map[string]*Miss
}

// Miss is an address that the store could not answer.
type Miss struct {
	URL   string `json:"url"`
	Count uint64 `json:"count"`
	Extra uint64 `json:"countMayBeLessBy,omitempty"`
	Why   string `json:"why"` // the reason of the last time
}

func (m *misses) init() { m.list = map[string]*Miss{} }

// note counts a request that was not answered from the store.
func (m *misses) note(key []byte, why string) {
	var room [missBytesMax]byte
	url := urlOf(room[:0], key)
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.list[string(url)]
	if e == nil {
		e = &Miss{URL: string(url)}
		if len(m.list) >= missesMax {
			least := m.least()
			delete(m.list, least.URL)
			e.Count, e.Extra = least.Count, least.Count
		}
		m.list[e.URL] = e
	}
	e.Count++
	if why != whyMarked || e.Why == "" { // the mark has a reason, which is what people ask for
		e.Why = why
	}
}

// least returns the rarest of some: to look at all for each new address would make a scan dear.
func (m *misses) least() (least *Miss) {
	looked := 0
	for _, e := range m.list {
		if least == nil || e.Count < least.Count {
			least = e
		}
		if looked++; looked == missesLooked {
			break
		}
	}
	return least
}

// top returns the n most frequent ones.
func (m *misses) top(n int) []Miss {
	m.mu.Lock()
	all := make([]Miss, 0, len(m.list))
	for _, e := range m.list {
		all = append(all, *e)
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b Miss) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.URL, b.URL)) })
	return all[:min(n, len(all))]
}

// urlOf appends the URL of a key as people write it, cut to what to has room for.
func urlOf(to, key []byte) []byte {
	scheme, rest, _ := bytes.Cut(key, separator)
	host, rest, _ := bytes.Cut(rest, separator)
	path, rest, _ := bytes.Cut(rest, separator)
	query, _, _ := bytes.Cut(rest, separator)
	for _, part := range [][]byte{scheme, []byte("://"), host, path, question(query), query} {
		to = append(to, part[:min(len(part), cap(to)-len(to))]...)
	}
	return to
}

func question(query []byte) []byte {
	if len(query) == 0 {
		return nil
	}
	return []byte("?")
}

var separator = []byte{keySeparator}
