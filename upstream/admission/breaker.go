package admission

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// The states of a breaker, as tell hears them.
const (
	StateClosed   = "closed"    // requests pass
	StateHalfOpen = "half-open" // a few pass, to see whether the service is back
	StateOpen     = "open"      // none passes
)

var states = [...]string{closed: StateClosed, halfOpen: StateHalfOpen, open: StateOpen}

const (
	closed int32 = iota
	halfOpen
	open
)

// Breaker refuses requests at once while a service fails. It counts the outcomes of the last breaker.window and opens when at
// least breaker.requests were noted and breaker.share of them failed. After breaker.open it lets three requests at a time through;
// when three in a row have succeeded it closes and forgets what was, and when one fails it opens again.
//
// Any goroutine may call any method at any time; a nil Breaker lets everything pass. While it is closed Allow reads one word
// that nobody writes, and Note adds to one.
type Breaker struct {
	share    float64
	requests uint64
	openFor  int64 // nanoseconds, as all times here
	width    int64 // of a bucket
	start    time.Time
	tripped  *fault.Error
	tell     func(state string)

	state atomic.Int32
	until atomic.Int64 // when it may become half-open: requests of before are no probes
	_     [lineBytes]byte

	buckets [breakerBuckets]bucket
	_       [lineBytes]byte

	mu     sync.Mutex // guards what follows, and changes of state
	probes int        // out
	probed int64      // when the last one was let through
	won    int        // that succeeded
}

// bucket is a tenth of the window.
type bucket struct {
	number atomic.Int64  // which tenth since start
	counts atomic.Uint64 // outcomes (upper 32 bits) and failures among them
}

// NewBreaker returns the breaker of a service, nil if its spec has none. It registers the gauge skerry_service_breaker: 0 closed,
// 1 half-open, 2 open. tell hears of every change of state, in their order; it must not block or call the breaker, and may be nil.
func NewBreaker(b spec.Breaker, m Meters, tell func(state string)) *Breaker {
	if b.Share <= 0 {
		return nil
	}
	if tell == nil {
		tell = func(string) {}
	}
	k := &Breaker{
		share: b.Share, requests: uint64(max(b.Requests, 1)), openFor: int64(b.Open), width: max(1, int64(b.Window)/breakerBuckets),
		start: time.Now(), tell: tell,
		tripped: fault.New(fault.OriginTripped, fmt.Sprintf(
			"the breaker of service %s is open: %g of at least %d requests within %v failed (breaker.share, requests, window); a few are let through %v after it opened (breaker.open)",
			m.Service, b.Share, b.Requests, b.Window, b.Open)),
	}
	m.gauge("skerry_service_breaker", "State of the service's breaker: 0 closed, 1 half-open, 2 open.", func() float64 { return float64(k.state.Load()) })
	return k
}

// Err is the error of a request that Allow refused, made ahead of time: OriginTripped.
func (b *Breaker) Err() *fault.Error { return b.tripped }

// State is StateClosed, StateHalfOpen or StateOpen. An open breaker becomes half-open with the first request after its time.
func (b *Breaker) State() string {
	if b == nil {
		return StateClosed
	}
	return states[b.state.Load()]
}

// Allow reports whether a request may be sent now, and if not, when to ask again. Who was allowed says by Note how it went, or by
// Withdraw that it says nothing; a probe that never does is forgotten after breaker.open.
func (b *Breaker) Allow(now time.Time) (ok bool, retryAfter time.Duration) {
	if b == nil || b.state.Load() == closed {
		return true, 0
	}
	at := int64(now.Sub(b.start))
	if left := b.until.Load() - at; left > 0 {
		return false, time.Duration(left)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.state.Load()
	if state == closed {
		return true, 0
	}
	if left := b.until.Load() - at; left > 0 { // opened again meanwhile
		return false, time.Duration(left)
	}
	if state == open {
		b.probes, b.won = 0, 0
		b.become(halfOpen)
	}
	if b.probes >= probesAtOnce {
		if at-b.probed < b.openFor {
			return false, halfOpenWait
		}
		b.probes = 0 // they never came back
	}
	b.probes++
	b.probed = at
	return true, 0
}

// Note says how a request that was allowed went; asked is the instant that Allow was given. The outcome counts as of now, but
// requests that were allowed before the breaker opened do not judge the service after it: their failures are what opened it.
func (b *Breaker) Note(failed bool, asked, now time.Time) {
	if b == nil {
		return
	}
	at := int64(now.Sub(b.start))
	if b.state.Load() == closed {
		b.count(at, failed)
		if failed {
			b.judge(at)
		}
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() != halfOpen || int64(asked.Sub(b.start)) < b.until.Load() {
		return
	}
	b.probes = max(0, b.probes-1)
	if failed {
		b.trip(at)
		return
	}
	if b.won++; b.won >= probesToClose {
		for i := range b.buckets {
			b.buckets[i].counts.Store(0)
		}
		b.become(closed)
	}
}

// Withdraw gives back what Allow gave a request that does not judge the service: it was refused elsewhere, or its client left.
// Otherwise clients that leave at once could take every probe, and keep the service closed for all. asked is the instant that
// Allow was given.
func (b *Breaker) Withdraw(asked time.Time) {
	if b == nil || b.state.Load() == closed {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() == halfOpen && int64(asked.Sub(b.start)) >= b.until.Load() {
		b.probes = max(0, b.probes-1)
	}
}

// count adds an outcome to the bucket of an instant; one whose bucket has been taken for a later time is too old to count.
func (b *Breaker) count(at int64, failed bool) {
	number := at / b.width
	k := &b.buckets[max(0, number)%breakerBuckets]
	if have := k.number.Load(); have > number {
		return
	} else if have < number {
		b.turn(k, number)
	}
	n := uint64(1) << 32
	if failed {
		n++
	}
	k.counts.Add(n)
}

// turn empties a bucket for another part of time.
func (b *Breaker) turn(k *bucket, number int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k.number.Load() < number {
		k.counts.Store(0)
		k.number.Store(number)
	}
}

// judge opens the breaker if too much of the window failed. A success alone never opens it.
func (b *Breaker) judge(at int64) {
	total, failures := uint64(0), uint64(0)
	oldest := at/b.width - breakerBuckets
	for i := range b.buckets {
		if k := &b.buckets[i]; k.number.Load() > oldest {
			n := k.counts.Load()
			total += n >> 32
			failures += n & (1<<32 - 1)
		}
	}
	if total < b.requests || float64(failures) < b.share*float64(total) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() == closed {
		b.trip(at)
	}
}

// trip opens the breaker, under mu.
func (b *Breaker) trip(at int64) {
	b.until.Store(at + b.openFor)
	b.become(open)
}

// become changes the state, under mu.
func (b *Breaker) become(state int32) {
	b.state.Store(state)
	b.tell(states[state])
}
