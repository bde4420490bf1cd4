package admission

import (
	"time"

	"skerry.dev/skerry/spec"
)

// waiter is a request in the queue. The gate's lock guards all but its channel and timer.
type waiter struct {
	gate         *Gate
	newer, older *waiter // neighbours in the list of its class
	rank         int
	queued       bool
	outcome      outcome // how it ended, once it is not queued any more
	ticket       Ticket  // if granted

	done  chan struct{} // gets one value when somebody else ends its wait
	timer *time.Timer   // stopped between waits
	left  func()        // tells that its client has left; made once
}

func newWaiter(g *Gate) *waiter {
	w := &waiter{gate: g, done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	w.left = func() { g.end(w, gone) }
	return w
}

// queue is the waiters of a gate: a list for each class, from the newest to the oldest.
type queue struct {
	n      int
	newest [spec.Classes]*waiter
	oldest [spec.Classes]*waiter
}

// push makes w the newest of its class.
func (q *queue) push(w *waiter) {
	w.queued, w.newer, w.older = true, nil, q.newest[w.rank]
	if w.older != nil {
		w.older.newer = w
	} else {
		q.oldest[w.rank] = w
	}
	q.newest[w.rank] = w
	q.n++
}

// remove takes w, which must be queued, out.
func (q *queue) remove(w *waiter) {
	if w.newer != nil {
		w.newer.older = w.older
	} else {
		q.newest[w.rank] = w.older
	}
	if w.older != nil {
		w.older.newer = w.newer
	} else {
		q.oldest[w.rank] = w.newer
	}
	w.queued, w.newer, w.older = false, nil, nil
	q.n--
}

// best is who gets the next place: the newest of the best class there is; nil if nobody waits.
func (q *queue) best() *waiter {
	for _, w := range q.newest {
		if w != nil {
			return w
		}
	}
	return nil
}

// worst is who gives way to a request of a rank: the oldest of the lowest class there is, if that is lower; otherwise nil.
func (q *queue) worst(rank int) *waiter {
	for r := spec.Classes - 1; r > rank; r-- {
		if w := q.oldest[r]; w != nil {
			return w
		}
	}
	return nil
}
