package limit

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/meter"
)

// Tables remembers what every client address has used of its limits. It outlives plans: a reload that does not touch a
// limit forgets nothing. Its memory is taken once and never grows. All methods may be called by many goroutines at once.
//
// It is a set-associative table. The hash of address and limit names a bucket of one cache line with four ways; it is
// seeded at random in every process, so nobody can choose addresses that share a bucket. A check of an address that is
// there takes no lock: one line is read, one word of it swapped. A new address takes a lock, so that two of its requests
// cannot enter it twice, and the way whose time lies furthest back, which has the least to lose: an address that is
// being refused is among the last to be forgotten, however many others come.
type Tables struct {
	seed      maphash.Seed
	start     time.Time // times in the table are nanoseconds since then
	buckets   []bucket
	locks     []lock // by bucket, modulo their number
	set       *meter.Set
	forgotten *meter.Counter
}

// bucket is one cache line.
type bucket [ways]way

const (
	ways        = 4
	bucketBytes = 64
)

// way is one address under one limit.
type way struct {
	tag  atomic.Uint64 // the whole hash; 0: nobody, or just changing hands. Written under the bucket's lock
	time atomic.Int64  // the theoretical arrival time of GCRA: when its bucket is full again
}

// lock is alone on its cache line.
type lock struct {
	sync.Mutex
	_ [bucketBytes - 8]byte
}

// quota is a limit as GCRA counts, in nanoseconds.
type quota struct {
	interval int64 // between two requests at the full rate
	span     int64 // how long a spent burst takes to come back: interval times burst
}

// key is an address under a limit.
type key struct {
	limit  uint64 // Stage.id
	hi, lo uint64 // the address; of IPv6 hi alone
}

// NewTables returns empty tables of about so many bytes, rounded down to a power of two; 0 is DefaultTableBytes. The
// system gives the memory page by page as addresses come.
func NewTables(bytes int64, set *meter.Set) *Tables {
	t := &Tables{
		seed: maphash.MakeSeed(), start: time.Now(), set: set,
		forgotten: set.Counter("skerry_limit_forgotten_total", "Client addresses that the limit table forgot while their bucket was not full: it is too small."),
	}
	t.Resize(bytes)
	return t
}

// Resize gives the tables another size, as NewTables says, and forgets everybody. Nobody may use them yet.
func (t *Tables) Resize(bytes int64) {
	if bytes <= 0 {
		bytes = DefaultTableBytes
	}
	n := int64(1)
	for n*2*bucketBytes <= bytes {
		n *= 2
	}
	t.buckets, t.locks = make([]bucket, n), make([]lock, min(n, lockStripes))
}

// at is an instant as the table counts. What lies before its beginning is its beginning.
func (t *Tables) at(now time.Time) int64 { return max(0, int64(now.Sub(t.start))) }

// take asks for one request of k at an instant. It returns 0 if it is admitted, and otherwise how many nanoseconds later
// it would have been; a refused request costs nothing.
func (t *Tables) take(k key, now int64, q quota) (wait int64) {
	hash := maphash.Comparable(t.seed, k)
	i := hash & uint64(len(t.buckets)-1)
	tag := hash | 1<<63 // never 0
	b := &t.buckets[i]
	for j := range b {
		if w := &b[j]; w.tag.Load() == tag {
			if wait, ok := w.charge(tag, now, q); ok {
				return wait
			}
			break
		}
	}
	l := &t.locks[i&uint64(len(t.locks)-1)]
	l.Lock()
	defer l.Unlock()
	return t.enter(b, tag, now, q)
}

// charge is GCRA: of many that charge at once each sees what the others took. It reports false if the way has changed
// hands. If that happens between its last look and its swap, the newcomer's time overwrites the charge, which is lost
// with its address.
func (w *way) charge(tag uint64, now int64, q quota) (wait int64, ok bool) {
	for {
		old := w.time.Load()
		if w.tag.Load() != tag {
			return 0, false
		}
		next := max(old, now) + q.interval
		if wait := next - now - q.span; wait > 0 {
			return wait, true
		}
		if w.time.CompareAndSwap(old, next) {
			return 0, true
		}
	}
}

// enter charges an address that may have to be entered first, under the bucket's lock.
func (t *Tables) enter(b *bucket, tag uint64, now int64, q quota) (wait int64) {
	victim := &b[0]
	for j := range b {
		w := &b[j]
		if w.tag.Load() == tag {
			wait, _ = w.charge(tag, now, q)
			return wait
		}
		if victim.tag.Load() != 0 && (w.tag.Load() == 0 || w.time.Load() < victim.time.Load()) {
			victim = w
		}
	}
	if victim.tag.Swap(0) != 0 && victim.time.Load() > now { // nobody may read the newcomer's time as the old address's
		t.forgotten.Inc()
	}
	victim.time.Store(now + q.interval)
	victim.tag.Store(tag)
	return 0
}
