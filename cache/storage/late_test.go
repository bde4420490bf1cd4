package storage_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache/storage"
)

// lateStore is a store whose shelf comes late: with pages 1 to 9 of the process before.
func lateStore(t *testing.T, keys int) (s *storage.Store, b *shelf) {
	s = storage.New(storage.Options{Bytes: 64 << 20, Late: true})
	t.Cleanup(s.Close)
	b = newShelf()
	for n := 1; n < keys; n++ {
		k := string(page(n))
		b.drafts[k] = []storage.Draft{{Key: page(n), Status: 200, Body: [][]byte{[]byte("old")}, Number: s.First() - 1}}
	}
	return s, b
}

// TestLate: until the store below comes, memory is alone; then what was not stored, removed or purged meanwhile comes up.
func TestLate(t *testing.T) {
	s, b := lateStore(t, 10)
	if s.Find(page(1)) != nil || s.Begin(10) != nil {
		t.Error("something lies below before it comes")
	}
	if got, want := s.MemoryObjectMax(), open(t, 64<<20, nil).MemoryObjectMax(); got != want {
		t.Errorf("while memory is alone %d bytes fit, not %d", got, want)
	}
	s.Put(draft(s, page(2), "new"))
	s.Remove(page(3))
	if whole, told := s.Attach(nil, b, func() {}); !whole || !told {
		t.Error("so little was too much")
	}
	s.SetBudget(0)
	s.SetBudget(64 << 20)
	f := func(n int, want string) {
		t.Helper()
		if got := variants(s, page(n)); got != want {
			t.Errorf("page %d: %q, want %q", n, got, want)
		}
	}
	f(1, "old")
	f(2, "") // evicted before it was handed over
	f(3, "")
	s.Put(draft(s, page(4), "new"))
	s.SetBudget(0)
	s.SetBudget(64 << 20)
	f(4, "new")
	if s.Begin(10) == nil || len(b.purges) != 0 {
		t.Errorf("purges: %v", b.purges)
	}
	mustPurge(t, s, storage.Purge{Kind: storage.PurgeAll})
	f(5, "")
}

// TestLatePurge: it obeys the purges of before, with their numbers.
func TestLatePurge(t *testing.T) {
	s, b := lateStore(t, 10)
	soft := mustPurge(t, s, storage.Purge{Kind: storage.PurgeAll, Soft: true})
	s.Attach(nil, b, func() {})
	if len(b.purges) != 1 || b.purges[0] != soft {
		t.Errorf("%v, want %v", b.purges, soft)
	}
	if o := s.Find(page(1)); o == nil || !o.Softened() {
		t.Error("not softened")
	}
}

// TestLatePurges: they are told at once, so that a slow disk is waited for once.
func TestLatePurges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storage.New(storage.Options{Bytes: 1 << 20, Late: true})
		defer s.Close()
		b := newShelf()
		b.slow = time.Second
		want := map[uint64]bool{}
		for range storage.LatePurgesMax {
			want[mustPurge(t, s, storage.Purge{Kind: storage.PurgeURL, Host: "shop.example", Value: "/page/1"}).Number] = true
		}
		began := time.Now()
		whole, _ := s.Attach(nil, b, func() {})
		if took := time.Since(began); !whole || took != b.slow {
			t.Errorf("whole is %v, it took %v", whole, took)
		}
		for _, p := range b.purges {
			delete(want, p.Number)
		}
		if len(want) > 0 {
			t.Errorf("%d were not told", len(want))
		}
	})
}

// TestLateHand: what memory has is handed over, the newest variant last.
func TestLateHand(t *testing.T) {
	s, b := lateStore(t, 10)
	for n := range 3000 {
		for _, sig := range []string{"a", "b"} {
			d := draft(s, page(n), fmt.Sprint(sig, n))
			d.Signature = []byte(sig)
			s.Put(d)
		}
	}
	s.Attach(nil, b, func() {})
	paced := 0
	s.Hand(nil, func() { paced++ })
	if paced < 4 {
		t.Errorf("it may catch up %d times", paced)
	}
	s.SetBudget(0)
	s.SetBudget(64 << 20)
	for n := range 3000 {
		if got, want := variants(s, page(n)), fmt.Sprintf("b%d a%d", n, n); got != want {
			t.Fatalf("page %d: %q, want %q", n, got, want)
		}
	}
	stop := make(chan struct{})
	close(stop)
	s.Put(draft(s, page(5000), "last"))
	delete(b.drafts, string(page(5000)))
	if s.Hand(stop, func() {}); b.drafts[string(page(5000))] != nil {
		t.Error("it is not stopped")
	}
}

// TestLateTooMuch: where more was stored, removed or purged than is kept, nothing of what lies below comes up.
func TestLateTooMuch(t *testing.T) {
	f := func(what string, most int, one func(s *storage.Store, i int)) {
		t.Helper()
		s, b := lateStore(t, 10)
		for i := range most {
			one(s, i)
		}
		number := s.Number()
		if whole, _ := s.Attach(nil, b, func() {}); whole {
			t.Errorf("%s: not too much", what)
		}
		if len(b.purges) != 1 || b.purges[0].Kind != storage.PurgeAll || b.purges[0].Soft || b.purges[0].Number != number {
			t.Errorf("%s: %v, the last number is %d", what, b.purges, number)
		}
		if s.Find(page(1)) != nil {
			t.Errorf("%s: it comes up", what)
		}
	}
	f("removals", storage.LateKeysMax+1, func(s *storage.Store, i int) { s.Remove(page(100 + i)) })
	f("bytes", storage.LateBytesMax/(60<<10)+1, func(s *storage.Store, i int) {
		s.Remove(append(page(100+i), make([]byte, 60<<10)...))
	})
	f("purges", storage.LatePurgesMax+1, func(s *storage.Store, i int) {
		if _, err := s.Purge(storage.Purge{Kind: storage.PurgeGroup, Value: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestLiftAgainstPut: what was looked for below before something newer was stored does not come up behind it, when that is evicted already.
func TestLiftAgainstPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newShelf()
		s := storage.New(storage.Options{Bytes: 1 << 20, Below: b})
		defer s.Close()
		squeeze := func() { s.SetBudget(0); s.SetBudget(1 << 20) }
		s.Put(draft(s, page(1), "older"))
		squeeze()
		b.wait = make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() { s.Find(page(1)) })
		synctest.Wait()
		s.Put(draft(s, page(1), "newer"))
		squeeze()
		close(b.wait)
		group.Wait()
		b.wait = nil
		if got := variants(s, page(1)); got != "newer" {
			t.Errorf("found %q", got)
		}
	})
}

// TestPutAgainstPut: of two of one variant that come at the same instant the older one does not come up when the newer one is evicted, in
// whichever order they are put below.
func TestPutAgainstPut(t *testing.T) {
	f := func(what string, between func(s *storage.Store), signature, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			b := newShelf()
			s := storage.New(storage.Options{Bytes: 1 << 20, Below: b})
			defer s.Close()
			stuck := make(chan struct{})
			b.stuck = stuck
			var group sync.WaitGroup
			group.Go(func() { s.Put(draft(s, page(1), "older")) })
			synctest.Wait()
			between(s)
			newer := draft(s, page(1), "newer")
			newer.Signature = []byte(signature)
			s.Put(newer)
			close(stuck)
			group.Wait()
			if got := variants(s, page(1)); got != "newer" && signature == "" {
				t.Errorf("%s: memory has %q", what, got)
			}
			squeezed(s)
			if got := variants(s, page(1)); got != want {
				t.Errorf("%s: found %q, want %q", what, got, want)
			}
		})
	}
	f("both in memory", func(*storage.Store) {}, "", "")
	f("the older one evicted before", squeezed, "", "")
	f("another variant", func(*storage.Store) {}, "other", "older newer")
}

// squeezed evicts everything.
func squeezed(s *storage.Store) {
	s.SetBudget(0)
	s.SetBudget(1 << 20)
}

// TestLateStopped: a store below that takes its time is left when whoever has it ends, and is not in force.
func TestLateStopped(t *testing.T) {
	for _, keys := range []int{0, 1, storage.LateStep, 3 * storage.LateStep} {
		s, b := lateStore(t, 10)
		for n := range keys {
			s.Remove(page(100 + n))
		}
		stop, paced := make(chan struct{}), 0
		if keys == 0 {
			close(stop)
		}
		_, told := s.Attach(stop, b, func() {
			if paced++; paced == 1 {
				close(stop)
			}
		})
		if told || paced > 2 {
			t.Errorf("%d keys: told is %v, after %d rests", keys, told, paced)
		}
		if s.Find(page(1)) != nil {
			t.Errorf("%d keys: it is in force", keys)
		}
	}
}
