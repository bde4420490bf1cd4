package h2

import "time"

// waiter is where one goroutine waits for something of a stream. A wake that comes while nobody waits is kept, so who waits
// looks again at what it waited for.
type waiter struct {
	ready chan struct{}
	timer *time.Timer
}

func newWaiter() waiter { return waiter{ready: make(chan struct{}, 1)} }

// wake ends a wait, this one or the next.
func (w *waiter) wake() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// wait returns when woken, or at that time, and reports which. The zero time never comes.
func (w *waiter) wait(by time.Time) (woken bool) {
	if by.IsZero() {
		<-w.ready
		return true
	}
	select {
	case <-w.ready:
		return true
	default:
	}
	left := time.Until(by)
	if left <= 0 {
		return false
	}
	if w.timer == nil {
		w.timer = time.NewTimer(left)
	} else {
		w.timer.Reset(left)
	}
	defer w.timer.Stop()
	select {
	case <-w.ready:
		return true
	case <-w.timer.C:
		return false
	}
}

// clear forgets a wake that nobody waited for.
func (w *waiter) clear() {
	select {
	case <-w.ready:
	default:
	}
}
