package storage

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ledger knows what was purged and removed, in two forms. Purges that are not swept yet are kept exactly, in batches: objects
// are held against them. When a sweep has met all objects of a batch, it is dropped. For answers that are put, which may have
// been asked for before a purge that is swept by now, there are marks: for each hash of a key, URL or group the number of the
// last purge that named one with these bits.
//
// Numbers begin with the clock's microseconds, so that they are beyond all that an earlier process gave, and go on from there.
type ledger struct {
	seed maphash.Seed

	number atomic.Uint64                 // the last one given
	floor  atomic.Uint64                 // fills that began before it are refused whatever they are
	active atomic.Uint64                 // the last purge that is not swept; 0: none
	wide   atomic.Bool                   // one of them needs a look at each object's key
	groups atomic.Uint32                 // the bits of groups that are among them
	urls   [1 << urlsBits]atomic.Uint64  // when a URL with these bits was last purged
	marks  [1 << marksBits]atomic.Uint64 // for Puts
	lists  atomic.Pointer[[]*entry]      // prefixes, by number, for Puts

	wake  chan struct{} // there is something to sweep
	hurry chan struct{} // somebody waits for the next sweep to begin

	mu       sync.RWMutex
	roomy    sync.Cond // of mu: the fresh batch was taken, or the ledger closed
	fresh    *batch    // of the next sweep
	sweeping *batch    // of this one
	closed   bool
	pending  []uint64 // given, and not yet known below
	log      []*entry // by number
	logBytes int
}

// entry is a purge that was taken in.
type entry struct {
	Purge
	target
	batch   *batch
	removed atomic.Int64
}

// batch is the purges of one sweep.
type batch struct {
	named   map[uint64]named // by the hash of what they name
	names   naming           // what that is
	lists   []*entry         // those that need a look at the key
	objects atomic.Int64
	looked  atomic.Int64
	done    atomic.Bool
}

// named are the last purges of one thing.
type named struct{ hard, soft *entry }

func newBatch() *batch { return &batch{named: map[uint64]named{}} }

func (b *batch) empty() bool { return len(b.named) == 0 && len(b.lists) == 0 }
func (b *batch) full() bool  { return len(b.named) >= batchMax || len(b.lists) >= listMax }

// tell leaves word for the sweeper.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it has not read the last one
	}
}

func (l *ledger) init() {
	l.seed = maphash.MakeSeed()
	l.fresh = newBatch()
	l.wake, l.hurry = make(chan struct{}, 1), make(chan struct{}, 1)
	l.roomy.L = &l.mu
	l.number.Store(uint64(time.Now().UnixMicro()))
}

// next gives a number, under the lock. It is published by who has made it true.
func (l *ledger) next() uint64 { return max(l.number.Load()+1, uint64(time.Now().UnixMicro())) }

// mark is the mark of a hash.
func (l *ledger) mark(hash uint64) *atomic.Uint64 { return &l.marks[hash>>8&(1<<marksBits-1)] }

// url is when a URL with these bits was last purged.
func (l *ledger) url(bits uint32) *atomic.Uint64 { return &l.urls[bits&(1<<urlsBits-1)] }

func raise(to *atomic.Uint64, number uint64) { to.Store(max(to.Load(), number)) } // written under the lock only

// add puts a purge in force. It takes the next number unless it has one; below: it is pending until settle.
func (l *ledger) add(e *entry, below bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.fresh.full() && !l.closed {
		tell(l.hurry)
		l.roomy.Wait()
	}
	if e.Number == 0 {
		e.Number = l.next()
	}
	at, had := l.find(e.Number)
	if had {
		return false
	}
	e.batch = l.fresh
	l.enter(e)
	l.remember(e, at)
	if below {
		l.pending = append(l.pending, e.Number)
	}
	raise(&l.active, e.Number)
	raise(&l.number, e.Number)
	tell(l.wake)
	return true
}

// enter makes objects and Puts be held against a purge, under the lock.
func (l *ledger) enter(e *entry) {
	switch {
	case e.named:
		n := l.fresh.named[e.hash]
		if e.Soft && (n.soft == nil || n.soft.Number < e.Number) {
			n.soft = e
		}
		if !e.Soft && (n.hard == nil || n.hard.Number < e.Number) {
			n.hard = e
		}
		l.fresh.named[e.hash] = n
		l.fresh.names |= e.naming()
		raise(l.mark(e.hash), e.Number)
		if e.Kind == PurgeGroup {
			l.groups.Or(groupBit(e.bits))
		} else {
			raise(l.url(e.bits), e.Number)
		}
	case e.everything():
		raise(&l.floor, e.Number)
		l.fresh.lists = append(l.fresh.lists, e)
		l.wide.Store(true)
	default:
		var list []*entry
		if old := l.lists.Load(); old != nil {
			list = slices.Clone(*old)
		}
		at, _ := slices.BinarySearchFunc(list, e.Number, compareNumber)
		if list = slices.Insert(list, at, e); len(list) > prefixesMax {
			raise(&l.floor, list[prefixesMax/2-1].Number)
			list = slices.Delete(list, 0, prefixesMax/2)
		}
		l.lists.Store(&list)
		l.fresh.lists = append(l.fresh.lists, e)
		l.wide.Store(true)
	}
}

// remove is for a key that is being removed: fills that began before the number it returns are refused.
func (l *ledger) remove(hash uint64, below bool) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.next()
	raise(l.mark(hash), n)
	if below {
		l.pending = append(l.pending, n)
	}
	raise(&l.number, n)
	return n
}

// settle says that the store below knows of a number too.
func (l *ledger) settle(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.pending, number); i >= 0 {
		l.pending = slices.Delete(l.pending, i, i+1)
	}
}

// settled is a number up to which the store below has obeyed all purges and removals.
func (l *ledger) settled() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := l.number.Load()
	for _, p := range l.pending {
		n = min(n, p-1)
	}
	return n
}

// refuses reports whether a purge or removal after a number meets what o says, or may meet it.
func (l *ledger) refuses(o *Object, since uint64) (met bool) {
	switch {
	case since >= l.number.Load():
		return false
	case since < l.floor.Load(), l.mark(o.hash).Load() > since:
		return true
	}
	key := split(o.Key())
	o.names(l.seed, &key, byAll, func(hash uint64) bool {
		met = l.mark(hash).Load() > since
		return !met
	})
	if p := l.lists.Load(); p != nil && !met {
		list := *p
		for i := len(list) - 1; i >= 0 && list[i].Number > since && !met; i-- {
			met = list[i].meets(&key)
		}
	}
	return met
}

// suspects reports whether a purge that is not swept yet may meet an object. Its key and groups are not read for that.
func (l *ledger) suspects(o *Object) bool {
	return l.active.Load() > o.number && (l.wide.Load() || l.groups.Load()&o.groupBits != 0 || l.url(o.urlBits).Load() > o.number)
}

// met is the purge that meets an object and is not swept yet; a hard one if there is one.
func (l *ledger) met(o *Object) *entry {
	if !l.suspects(o) {
		return nil
	}
	c := check{o: o, seed: l.seed, key: split(o.Key())}
	l.mu.RLock()
	c.batch(l.fresh)
	if l.sweeping != nil {
		c.batch(l.sweeping)
	}
	l.mu.RUnlock()
	if c.hard != nil {
		return c.hard
	}
	return c.soft
}

// begin takes the batch to be swept; nil: there is none.
func (l *ledger) begin(objects int64) *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fresh.empty() {
		return nil
	}
	b := l.fresh
	b.objects.Store(objects)
	l.sweeping, l.fresh = b, newBatch()
	l.roomy.Broadcast()
	return b
}

// retire drops the batch: no object that it met is left.
func (l *ledger) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweeping.done.Store(true)
	l.sweeping = nil
	l.wide.Store(len(l.fresh.lists) > 0)
	if l.fresh.empty() {
		l.active.Store(0)
		l.groups.Store(0)
	}
}

// close lets go of who waits for a sweep.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.roomy.Broadcast()
}

func compareNumber(e *entry, number uint64) int {
	switch {
	case e.Number < number:
		return -1
	case e.Number > number:
		return 1
	}
	return 0
}

func (l *ledger) find(number uint64) (at int, had bool) {
	return slices.BinarySearchFunc(l.log, number, compareNumber)
}

// remember adds a purge to the log, under the lock.
func (l *ledger) remember(e *entry, at int) {
	l.log = slices.Insert(l.log, at, e)
	l.logBytes += e.textBytes()
	drop := 0
	for len(l.log)-drop > logMax || l.logBytes > logBytesMax {
		l.logBytes -= l.log[drop].textBytes()
		l.log[drop] = nil
		drop++
	}
	l.log = l.log[drop:] // append moves what is left to new memory now and then
}

// after returns the remembered purges with higher numbers.
func (l *ledger) after(number uint64) []Purge {
	l.mu.RLock()
	defer l.mu.RUnlock()
	at, had := l.find(number)
	if had {
		at++
	}
	list := make([]Purge, 0, len(l.log)-at)
	for _, e := range l.log[at:] {
		list = append(list, e.Purge)
	}
	return list
}

// progress reads how far a purge's sweep is.
func (l *ledger) progress(number uint64) (Progress, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	at, had := l.find(number)
	if !had {
		return Progress{}, false
	}
	e := l.log[at]
	return Progress{
		Number: number, Objects: e.batch.objects.Load(), Looked: e.batch.looked.Load(), Removed: e.removed.Load(), Done: e.batch.done.Load(),
	}, true
}
