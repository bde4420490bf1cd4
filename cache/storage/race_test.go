package storage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/cache/storage"
)

// TestEverythingAtOnce has goroutines do everything there is with few keys and a budget that is too small. An object says in
// its body for which key it was made, and the number of its fill: nobody may get another key's, or one that a purge or removal
// that has returned has met.
func TestEverythingAtOnce(t *testing.T) {
	const keys, steps = 64, 1500
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	b := newShelf()
	s := storage.New(storage.Options{Bytes: 64 << 10, Below: b})
	defer s.Close()
	var purged [keys]atomic.Uint64 // the number of the last purge or removal of a key that has returned
	var group sync.WaitGroup
	for g := range uint64(8) {
		group.Go(func() {
			r := rand.New(rand.NewPCG(seed, g))
			for range steps {
				step(t, s, r, purged[:])
			}
		})
	}
	group.Wait()
	s.HoldSweeps()
	s.SetBudget(64 << 10)
	consistent(t, s, keys)
}

func step(t *testing.T, s *storage.Store, r *rand.Rand, purged []atomic.Uint64) {
	n := r.IntN(len(purged))
	switch r.IntN(20) {
	case 0:
		s.Remove(page(n))
	case 1:
		p, err := s.Purge(storage.Purge{Kind: storage.PurgeGroup, Value: fmt.Sprint(n % 8), Soft: r.IntN(2) == 0})
		if err != nil {
			t.Error(err)
		}
		for i := n % 8; i < len(purged) && !p.Soft; i += 8 {
			later(&purged[i], p.Number)
		}
	case 2:
		p, err := s.Purge(storage.Purge{Kind: storage.PurgeURL, Host: "shop.example", Value: fmt.Sprintf("/page/%d", n)})
		if err != nil {
			t.Error(err)
		}
		later(&purged[n], p.Number)
	case 3:
		s.SetBudget(int64(48<<10 + r.IntN(32<<10)))
	case 4:
		if s.Reserve(1000) {
			s.Unreserve(1000)
		}
	case 5, 6, 7, 8:
		d := draft(s, page(n), "")
		d.Groups, d.Signature = [][]byte{fmt.Append(nil, n%8)}, fmt.Append(nil, r.IntN(3))
		d.Body = [][]byte{fmt.Appendf(nil, "%d %d %s", n, d.Number, strings.Repeat("x", r.IntN(1000)))}
		if o := s.Put(d); o != nil && r.IntN(4) == 0 {
			s.Refresh(o, *o.Terms(), nil, s.Number())
		}
	default:
		since := purged[n].Load()
		for o := s.Find(page(n)); o != nil; o = s.Next(o) {
			var of int
			var number uint64
			if _, err := fmt.Sscan(string(o.Whole()), &of, &number); err != nil || of != n || o.Number() < since {
				t.Errorf("page %d, purged at %d: found %.30q with number %d: %v", n, since, o.Whole(), o.Number(), err)
			}
			if r.IntN(50) == 0 {
				s.Drop(o)
			}
		}
	}
}

func later(a *atomic.Uint64, number uint64) {
	for old := a.Load(); old < number && !a.CompareAndSwap(old, number); old = a.Load() {
	}
}

// consistent compares what a store counts with what it has.
func consistent(t *testing.T, s *storage.Store, keys int) {
	t.Helper()
	st := s.Stats()
	if used, most := s.Budget(); used > most || used != st.Bytes || st.Reserved != 0 {
		t.Errorf("used %d of %d: %+v", used, most, st)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	for i := range keys {
		s.Remove(page(i))
	}
	if st := s.Stats(); st.Objects != 0 || st.Bytes != 0 {
		t.Errorf("all removed: %+v", st)
	}
}
