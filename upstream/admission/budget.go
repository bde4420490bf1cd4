package admission

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/spec"
)

// Budget bounds the tries beyond the first of all exchanges with a service, so that an outage does not multiply its load: over any
// time at most retryBudget.share of the requests, and retryBudget.perSecond more for each second, and once what a quiet time
// has saved: the larger of perSecond for three seconds and share of the requests of the last three.
//
// Any goroutine may call any method at any time. A request only adds to a counter, one for each processor; what they have earned is
// added up when a retry asks for it, and once a second.
type Budget struct {
	share, perSecond float64
	start            time.Time
	due              atomic.Int64 // when the next request adds up; read by each, written once a second
	_                [lineBytes]byte

	shards []shard
	near   sync.Pool // of *shard: the one that this processor used last
	next   atomic.Uint32

	mu     sync.Mutex // guards what follows
	at     int64      // when it was added up last, nanoseconds since start
	seen   uint64     // requests then
	tokens float64    // retries that may be made
	recent [budgetSeconds]uint64
	second int64 // that recent[second%budgetSeconds] counts
}

// shard is a counter of requests, alone on its line.
type shard struct {
	n atomic.Uint64
	_ [lineBytes - 8]byte
}

// NewBudget returns the budget of a service. It begins with the retries of one second.
func NewBudget(b spec.RetryBudget) *Budget {
	k := &Budget{share: max(0, b.Share), perSecond: float64(max(0, b.PerSecond)), start: time.Now(), shards: make([]shard, runtime.GOMAXPROCS(0))}
	k.tokens = k.perSecond
	k.due.Store(int64(time.Second))
	// A pool hands a processor what it gave back last. It may forget: two processors then share a counter for a while.
	k.near.New = func() any { return &k.shards[int(k.next.Add(1))%len(k.shards)] }
	return k
}

// Request counts a request, a first try. now is any recent instant.
func (b *Budget) Request(now time.Time) {
	if b == nil {
		return
	}
	if at := int64(now.Sub(b.start)); at >= b.due.Load() && b.mu.TryLock() {
		b.add(at)
		b.mu.Unlock()
	}
	s := b.near.Get().(*shard)
	s.n.Add(1)
	b.near.Put(s)
}

// Retry reports whether another try may be made, and takes it from the budget. A nil Budget has none.
func (b *Budget) Retry(now time.Time) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(int64(now.Sub(b.start)))
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// add adds up what requests and time have earned until an instant, under mu. An instant before the last one is that one.
func (b *Budget) add(at int64) {
	at = max(at, b.at)
	total := uint64(0)
	for i := range b.shards {
		total += b.shards[i].n.Load()
	}
	fresh := total - b.seen
	b.recent[b.second%budgetSeconds] += fresh // the first request of the next second would have added them up
	second := at / int64(time.Second)
	for range min(second-b.second, budgetSeconds) {
		b.second++
		b.recent[b.second%budgetSeconds] = 0
	}
	b.second = second
	kept := uint64(0)
	for _, n := range b.recent {
		kept += n
	}
	b.tokens += b.share*float64(fresh) + b.perSecond*time.Duration(at-b.at).Seconds()
	b.tokens = min(b.tokens, max(budgetSeconds*b.perSecond, b.share*float64(kept)))
	b.at, b.seen = at, total
	b.due.Store((second + 1) * int64(time.Second))
}
