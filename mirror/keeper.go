package mirror

import (
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/meter"
)

// Keeper has the places of all copies of a process. It outlives plans: copies of an old plan hold places as well.
type Keeper struct {
	set    *meter.Set
	places chan struct{} // one token for each place that is free
	cut    chan struct{} // closed: every copy ends
	close  sync.Once
	told   atomic.Int64 // when the last event was, nanoseconds since 1970
}

// NewKeeper returns a keeper whose places are free.
func NewKeeper(set *meter.Set) *Keeper {
	k := &Keeper{set: set, places: make(chan struct{}, inFlightMax), cut: make(chan struct{})}
	for range inFlightMax {
		k.places <- struct{}{}
	}
	return k
}

// take reports whether there was a free place.
func (k *Keeper) take() bool {
	select {
	case <-k.places:
		return true
	default:
		return false
	}
}

// give gives a place back.
func (k *Keeper) give() { k.places <- struct{}{} }

// Close waits for the copies in flight, which are cut if they take longer than closeGrace, one second. Later requests are
// not copied any more, as if too many were in flight. It may be called again.
func (k *Keeper) Close() {
	k.close.Do(func() {
		grace := time.NewTimer(closeGrace)
		defer grace.Stop()
		for range inFlightMax {
			select {
			case <-k.places:
				continue
			case <-grace.C:
				close(k.cut)
			}
			<-k.places
		}
	})
}

// tell adds an event that says why a copy failed, if none was added for tellPause.
func (k *Keeper) tell(service string, cause error) {
	now, last := time.Now().UnixNano(), k.told.Load()
	if now-last < int64(tellPause) || !k.told.CompareAndSwap(last, now) {
		return
	}
	text := "no answer"
	if cause != nil {
		text = cause.Error()
	}
	k.set.Events().Add("mirror", "a copy for service "+service+" failed: "+text)
}
