package storage_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
)

// shelf is a store below as the interface asks for it, in memory.
type shelf struct {
	mu      sync.Mutex
	drafts  map[string][]storage.Draft // newest first
	removed map[string]uint64
	purges  []storage.Purge
	hard    uint64 // the last purge that was not soft
	finds   int
	wait    chan struct{} // if there is one, Find answers when it is closed
	stuck   chan struct{} // the same for the next Put
	slow    time.Duration // what Keep takes
}

func newShelf() *shelf {
	return &shelf{drafts: map[string][]storage.Draft{}, removed: map[string]uint64{}}
}

func (b *shelf) Put(o *storage.Object) {
	b.mu.Lock()
	if stuck := b.stuck; stuck != nil {
		b.stuck = nil
		b.mu.Unlock()
		<-stuck
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	k := string(o.Key())
	if o.Number() < max(b.removed[k], b.hard) {
		return // what comes after its purge; more than that purge met, which a store below may forget
	}
	d := storage.Draft{Key: []byte(k), Signature: o.Signature(), Status: o.Status(), Terms: *o.Terms(), Number: o.Number(), Spool: o.Spool()}
	o.Head(&d.Head)
	o.Groups(func(g []byte) bool { d.Groups = append(d.Groups, g); return true })
	if d.Spool == nil {
		d.Body = [][]byte{bytes.Clone(o.Whole())}
	} else {
		d.Spool.(*spool).put = true
	}
	b.drafts[k] = append([]storage.Draft{d}, slices.DeleteFunc(b.drafts[k], func(v storage.Draft) bool { return bytes.Equal(v.Signature, d.Signature) })...)
}

func (b *shelf) Find(key []byte) []storage.Draft {
	b.mu.Lock()
	b.finds++
	wait := b.wait
	found := slices.Clone(b.drafts[string(key)])
	b.mu.Unlock()
	if wait != nil {
		<-wait
	}
	return found
}

func (b *shelf) Remove(key []byte, number uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.removed[string(key)] = max(b.removed[string(key)], number)
	b.drafts[string(key)] = slices.DeleteFunc(b.drafts[string(key)], func(d storage.Draft) bool { return d.Number < number })
}

func (b *shelf) Keep(p storage.Purge) { // of everything, as far as these tests go
	time.Sleep(b.slow)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.purges = append(b.purges, p)
	if p.Soft {
		for _, list := range b.drafts {
			for i := range list {
				list[i].Soft = true
			}
		}
		return
	}
	b.hard = max(b.hard, p.Number)
	clear(b.drafts)
}

func (b *shelf) Begin(int64) storage.Spool { return &spool{} }

// spool is a body on the shelf.
type spool struct {
	bytes.Buffer
	put, closed, broken bool
}

func (p *spool) Append(b []byte) error { p.Write(b); return nil }
func (p *spool) Size() int64           { return int64(p.Len()) }
func (p *spool) Close()                { p.closed = !p.put }

func (p *spool) ReadAt(b []byte, off int64) (int, error) {
	if p.broken {
		return 0, errors.New("broken")
	}
	return copy(b, p.Bytes()[off:]), nil
}

func TestLift(t *testing.T) {
	b := newShelf()
	s := open(t, 4<<20, b)
	d := draft(s, page(1), "first")
	d.Signature, d.Head = []byte("a"), fields("X-A: 1")
	first := s.Put(d)
	d = draft(s, page(1), "second")
	d.Signature = []byte("b")
	s.Put(d)
	squeeze := func() { s.SetBudget(0); s.SetBudget(4 << 20) }
	squeeze()
	o := s.Find(page(1))
	if o == nil || o == first || string(o.Whole()) != "second" {
		t.Fatalf("from below: %v", o)
	}
	if o = s.Next(o); o == nil || string(o.Whole()) != "first" || string(o.Signature()) != "a" {
		t.Fatalf("its older variant: %v", o)
	}
	var head exchange.Fields
	if o.Head(&head); text(head) != "X-A: 1\n" {
		t.Errorf("head: %s", text(head))
	}
	finds := b.finds
	if s.Next(o) != nil || s.Find(page(1)) == nil || b.finds != finds {
		t.Error("asked below for what memory has")
	}
	if s.Find(page(2)) != nil || b.finds != finds+1 {
		t.Error("not asked below for what memory lacks")
	}
	if st := s.Stats(); st.Lifted != 2 || st.Objects != 2 {
		t.Errorf("%+v", st)
	}
	squeeze()
	d = draft(s, page(1), "third")
	d.Signature = []byte("c")
	s.Put(d)
	if got := variants(s, page(1)); got != "third second first" {
		t.Errorf("one in memory, two below: %s", got)
	}
	s.Remove(page(1))
	if got := variants(s, page(1)); got != "" {
		t.Errorf("removed: %s", got)
	}
}

func variants(s *storage.Store, key []byte) string {
	var list []string
	for o := s.Find(key); o != nil; o = s.Next(o) {
		list = append(list, string(o.Whole()))
	}
	return strings.Join(list, " ")
}

// TestLiftAgainstPurge: what was read below before a purge must not come up behind it.
func TestLiftAgainstPurge(t *testing.T) {
	f := func(what string, against func(s *storage.Store), want bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			b := newShelf()
			s := apart(storage.Options{Bytes: 1 << 20, Below: b}, &storage.Draft{Key: page(1)}, &storage.Draft{Key: page(2)})
			defer s.Close()
			s.Put(draft(s, page(1), "body"))
			s.SetBudget(0)
			s.SetBudget(1 << 20)
			b.wait = make(chan struct{})
			var found [3]*storage.Object
			var group sync.WaitGroup
			for i := range found {
				group.Go(func() { found[i] = s.Find(page(1)) })
			}
			synctest.Wait()
			if b.finds != 1 {
				t.Errorf("%s: asked below %d times", what, b.finds)
			}
			against(s)
			synctest.Wait() // also swept
			close(b.wait)
			group.Wait()
			for _, o := range found {
				if (o != nil) != want {
					t.Errorf("%s: found: %v", what, o != nil)
				}
			}
		})
	}
	f("nothing", func(*storage.Store) {}, true)
	f("all", func(s *storage.Store) { mustPurge(t, s, storage.Purge{Kind: storage.PurgeAll}) }, false)
	f("url", func(s *storage.Store) {
		mustPurge(t, s, storage.Purge{Kind: storage.PurgeURL, Host: "shop.example", Value: "/page/1"})
	}, false)
	f("removal", func(s *storage.Store) { s.Remove(page(1)) }, false)
	f("another removal", func(s *storage.Store) { s.Remove(page(2)) }, true)
}

func TestSoftBelow(t *testing.T) {
	b := newShelf()
	s := open(t, 1<<20, b)
	s.Put(draft(s, page(1), "body"))
	s.SetBudget(0)
	s.SetBudget(1 << 20)
	p := mustPurge(t, s, storage.Purge{Kind: storage.PurgeAll, Soft: true})
	if len(b.purges) != 1 || b.purges[0] != p {
		t.Errorf("kept below: %v", b.purges)
	}
	if o := s.Find(page(1)); o == nil || !o.Softened() {
		t.Error("not softened below")
	}
	s.Replay(storage.Purge{Number: p.Number + 1, Kind: storage.PurgeAll})
	if len(b.purges) != 1 {
		t.Error("a replayed purge is told below")
	}
}

func TestSpool(t *testing.T) {
	b := newShelf()
	s := open(t, 1<<20, b)
	content := strings.Repeat("0123456789", 100_000)
	fill := s.Begin(-1)
	if err := fill.Append([]byte(content)); err != nil {
		t.Fatal(err)
	}
	d := draft(s, page(1), "")
	d.Body, d.Spool = nil, fill
	o := s.Put(d)
	if o == nil || o.Whole() != nil || body(t, o) != content || o.Spool() != fill {
		t.Fatal("a body below is not the object's")
	}
	if o = s.Refresh(o, *o.Terms(), fields("X-New: 1"), s.Number()); o == nil || body(t, o) != content {
		t.Fatal("not refreshed")
	}
	s.SetBudget(0)
	s.SetBudget(1 << 20)
	if o = s.Find(page(1)); o == nil || body(t, o) != content {
		t.Fatal("not found below")
	}
	fill.(*spool).broken = true
	if _, err := o.View(0, make([]byte, 10)); err == nil {
		t.Error("no error")
	}
	if s.Find(page(1)) != nil {
		t.Error("a broken object is still found")
	}
	if open(t, 1<<20, nil).Begin(1) != nil {
		t.Error("room below where there is nothing")
	}
}
