package h2

import (
	"sync"
	"time"
)

// alarm ends waits that take too long, one after the other. net/http has deadlines of its own, but each time one is
// set costs a message to the goroutine of the connection; this costs two calls of a timer.
type alarm struct {
	ring func() // ends the wait

	mu    sync.Mutex
	timer *time.Timer
	by    time.Time // when the wait that is on must be over; zero: none is on
}

// set begins a wait of at most d.
func (a *alarm) set(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by = time.Now().Add(d)
	if a.timer == nil {
		a.timer = time.AfterFunc(d, a.fire)
	} else {
		a.timer.Reset(d)
	}
}

// stop ends it. The alarm does not ring any more, also if it was just about to.
func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by = time.Time{}
	if a.timer != nil {
		a.timer.Stop()
	}
}

func (a *alarm) fire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	// It may be the alarm of a wait that is over, and another one on.
	if !a.by.IsZero() && !time.Now().Before(a.by) {
		a.by = time.Time{}
		a.ring()
	}
}
