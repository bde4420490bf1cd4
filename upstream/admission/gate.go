package admission

import (
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// Gate bounds the open requests of one service on this node. A request enters before it is sent and leaves when its answer
// is over. Any goroutine may call any method at any time; a nil Gate lets everybody in.
//
// While there is room and nobody waits, Enter is one swap of a word and Leave one addition to it: no lock, no memory. At the
// limit a request joins a bounded queue. Leave hands its place to one waiter, so that no herd wakes and nobody who just came
// takes a place that others wait for.
//
// The queue is ordered by class, and within a class the newest is first. Under overload a queue in order of arrival makes
// everybody wait for almost queueTime: each answer comes late, many to clients that have given up, and still as many are
// refused. With the newest first those that get a place have waited little and the others are refused, as they must be
// anyway; without overload a queue is so short that the order makes no difference. A class never waits for a lower one, and
// a low one may get nothing for as long as the higher ones take all: that is what classes say. When the queue is full a
// newcomer takes the place in it of the oldest of the lowest class below its own, who is closest to being refused.
type Gate struct {
	_ [lineBytes]byte
	// word is the limit (bits 32 to 62), whether somebody waits (bit 31) and how many are open (bits 0 to 30). The three are
	// one word, so that one swap sees a place free and nobody before it. The bit is set and cleared under mu only, and
	// set exactly while the queue is not empty and nobody holds mu.
	word atomic.Uint64
	hot  hot // on the same line: who enters or leaves owns it already
	_    [lineBytes]byte

	adaptive  bool
	start     time.Time // instants are nanoseconds since then
	queueMax  int
	queueTime time.Duration
	refusals  refusals

	mu      sync.Mutex
	queue   queue
	learner learner
	began   int64     // when its window did, or the part of a probe's step
	turned  int64     // when the epoch last changed
	pool    sync.Pool // of *waiter
}

// Ticket is a place at a service. Who got it gives it back by Leave or GiveUp, exactly once.
type Ticket struct{ epoch uint32 }

// Watcher tells when a client leaves; exchange.Sink is one.
type Watcher interface {
	// Watch calls gone, once and from another goroutine, if the client leaves before stop is called. stop waits until
	// gone is not running any more.
	Watch(gone func()) (stop func())
}

const (
	waitingBit = 1 << 31
	openMask   = waitingBit - 1
	limitShift = 32
)

func openOf(word uint64) int  { return int(word & openMask) }
func limitOf(word uint64) int { return int(word >> limitShift) }

// room reports whether somebody may enter at once: there is a place, and nobody waits for it.
func room(word uint64) bool { return word&waitingBit == 0 && openOf(word) < limitOf(word) }

// NewGate returns the gate of a service, nil if its spec sets no bound. It registers the gauges skerry_service_open, _limit and
// _waiting, and counts what it sheds in skerry_service_shed_total{service,class,why}.
func NewGate(c spec.Concurrency, m Meters) *Gate {
	if !c.On() {
		return nil
	}
	if c.Adaptive && c.Max <= 0 {
		c.Max = adaptiveMax
	}
	c.Max = min(c.Max, placesMax)
	if c.Adaptive && c.Min <= 0 {
		c.Min = adaptiveMin
	}
	c.Min = min(c.Min, c.Max)
	g := &Gate{adaptive: c.Adaptive, start: time.Now(), queueMax: c.Queue, queueTime: c.QueueTime, refusals: newRefusals(&c, &m)}
	g.pool.New = func() any { return newWaiter(g) }
	limit := c.Max
	if c.Adaptive {
		g.learner = newLearner(c.Min, c.Max)
		limit = g.learner.places()
		g.begin(0)
	}
	g.word.Store(uint64(limit) << limitShift)
	m.gauge("skerry_service_open", "Requests open at the service, of those that its limit counts.", func() float64 { return float64(g.Open()) })
	m.gauge("skerry_service_limit", "How many requests may be open at the service.", func() float64 { return float64(g.Limit()) })
	m.gauge("skerry_service_waiting", "Requests that wait for a place at the service.", func() float64 { return float64(g.Waiting()) })
	return g
}

// Open is how many requests are open.
func (g *Gate) Open() int { return openOf(g.word.Load()) }

// Limit is how many may be open now.
func (g *Gate) Limit() int { return limitOf(g.word.Load()) }

// Waiting is how many wait for a place.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queue.n
}

// Enter waits for a place. rank is the request's spec.Class.Rank; now is any recent instant, it is not looked at closely; until is
// when the request as a whole must be over, zero for never. A wait of more than 50 ms watches client, which may be nil. waited
// is how long it took, zero on the usual way.
//
// The error is an *fault.Error made ahead of time: OriginBusy if there was no place in the queue, or no place within queueTime;
// OriginTimeout at until; ClientGone if the client left meanwhile. Without an error the ticket must be given back by Leave or GiveUp.
func (g *Gate) Enter(rank int, now, until time.Time, client Watcher) (t Ticket, waited time.Duration, err error) {
	if g == nil {
		return Ticket{}, 0, nil
	}
	if g.adaptive {
		if at := int64(now.Sub(g.start)); at >= g.hot.due.Load() {
			g.tick(at)
		}
		t.epoch = g.hot.epoch.Load()
	}
	for w := g.word.Load(); room(w); w = g.word.Load() {
		if g.word.CompareAndSwap(w, w+1) {
			if g.adaptive {
				g.hot.entered(t, openOf(w)+1)
			}
			return t, 0, nil
		}
	}
	if rank < 0 || rank >= spec.Classes {
		rank = spec.Classes - 1
	}
	return g.wait(rank, until, client)
}

// Leave gives a place back. latency is how long the service took for the head of its answer, without any wait before the request
// left. It is what an adaptive limit learns from: zero if there is nothing to learn (no connection, a broken answer, a
// tunnel).
func (g *Gate) Leave(t Ticket, latency time.Duration) { g.leave(t, latency, false) }

// GiveUp gives back the place of a request that was given up because no answer came in time, after so long. It is not the same as
// nothing to learn: a service whose every answer would be too late would otherwise never be seen as slow.
func (g *Gate) GiveUp(t Ticket, after time.Duration) { g.leave(t, after, true) }

func (g *Gate) leave(t Ticket, latency time.Duration, late bool) {
	if g == nil {
		return
	}
	if g.adaptive {
		g.hot.leaving(t, latency, late)
	}
	w := g.word.Add(^uint64(0))
	if w&openMask == openMask {
		panic("BUG: admission: a place was given back twice")
	}
	if w&waitingBit != 0 {
		g.mu.Lock()
		g.fill()
		g.mu.Unlock()
	}
}

// Reason is what the facts of an exchange say of an error of Enter.
func (g *Gate) Reason(err error) exchange.Reason {
	if g == nil {
		return exchange.ReasonNone
	}
	return g.refusals.reason(err)
}

// fill gives the free places to the best waiters, under mu. While somebody waits nobody else enters, so that between the
// look at the word and the addition the number of open requests can only have become smaller.
func (g *Gate) fill() {
	for g.queue.n > 0 {
		w := g.word.Load()
		if openOf(w) >= limitOf(w) {
			return
		}
		g.word.Add(1)
		best := g.queue.best()
		if g.adaptive {
			best.ticket.epoch = g.hot.epoch.Load()
			g.hot.entered(best.ticket, openOf(w)+1)
		}
		g.settle(best, granted)
	}
	if g.word.Load()&waitingBit != 0 {
		g.word.And(^uint64(waitingBit))
	}
}

// settle ends the wait of a queued waiter, under mu.
func (g *Gate) settle(w *waiter, o outcome) {
	g.queue.remove(w)
	w.outcome = o
	w.done <- struct{}{} // never blocks: only who is queued is settled
}

// take enters if there is room and nobody waits, under mu. Otherwise it has set the bit that somebody waits, and a place that
// comes free from now on is handed over under mu.
func (g *Gate) take() bool {
	for {
		w := g.word.Load()
		switch {
		case w&waitingBit != 0:
			return false
		case room(w):
			if g.word.CompareAndSwap(w, w+1) {
				return true
			}
		case g.word.CompareAndSwap(w, w|waitingBit):
			return false
		}
	}
}

// wait is the way of a request that found no room.
func (g *Gate) wait(rank int, until time.Time, client Watcher) (Ticket, time.Duration, error) {
	if g.queueMax <= 0 || g.queueTime <= 0 {
		return Ticket{}, 0, g.refusals.refuse(full, rank)
	}
	begin := time.Now()
	patience, end := g.queueTime, late
	if !until.IsZero() && until.Sub(begin) < patience {
		patience, end = until.Sub(begin), whole
	}
	if patience <= 0 {
		return Ticket{}, 0, g.refusals.refuse(end, rank)
	}
	w := g.pool.Get().(*waiter)
	w.rank, w.ticket = rank, Ticket{}
	o, waits := g.join(w)
	if waits {
		g.await(w, patience, end, client)
		o = w.outcome
	}
	t := w.ticket
	g.pool.Put(w)
	var waited time.Duration
	if waits {
		waited = time.Since(begin)
	}
	return t, waited, g.refusals.refuse(o, rank)
}

// join puts w into the queue and reports that it waits, or says how it ended without.
func (g *Gate) join(w *waiter) (o outcome, waits bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fill() // places just given back go to those who came before
	if g.take() {
		if g.adaptive {
			w.ticket.epoch = g.hot.epoch.Load()
			g.hot.entered(w.ticket, g.Open())
		}
		return granted, false
	}
	if g.queue.n >= g.queueMax {
		victim := g.queue.worst(w.rank)
		if victim == nil {
			return full, false
		}
		g.settle(victim, displaced)
	}
	g.queue.push(w)
	return granted, true
}

// await returns when the wait of w, which has joined, is over; patience is how long it may take and end what it is then.
func (g *Gate) await(w *waiter, patience time.Duration, end outcome, client Watcher) {
	first := patience
	if client != nil {
		first = min(patience, watchAfter)
	}
	w.timer.Reset(first)
	select {
	case <-w.done:
		w.timer.Stop()
		return
	case <-w.timer.C:
	}
	if first < patience {
		stop := client.Watch(w.left)
		defer stop() // w is not used again while left may run
		w.timer.Reset(patience - first)
		select {
		case <-w.done:
			w.timer.Stop()
			return
		case <-w.timer.C:
		}
	}
	g.end(w, end)
	<-w.done // by end, or by who settled it before
}

// end ends the wait of w, unless it is over.
func (g *Gate) end(w *waiter, o outcome) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.queued {
		g.settle(w, o)
		g.fill() // if it was the last, nobody waits any more
	}
}
