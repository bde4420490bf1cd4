package cli

import (
	"sync"
	"sync/atomic"

	"skerry.dev/skerry/cache"
)

// teller tells the process that has taken this one's place what requests that still come here make out of date there. Nobody waits for it.
type teller struct {
	next    listener
	queue   chan []byte
	lost    atomic.Bool // something had no room
	stop    chan struct{}
	running sync.WaitGroup
}

// listener is the process that is told: a handover.Successor.
type listener interface {
	Tell(what []byte) error
	ToldAll()
}

func newTeller(next listener) *teller {
	t := &teller{next: next, queue: make(chan []byte, tellsWaiting), stop: make(chan struct{})}
	t.running.Go(t.run)
	return t
}

// tell has something told, or everything if too much waits.
func (t *teller) tell(what []byte) {
	select {
	case t.queue <- what:
	default:
		t.lost.Store(true)
		select {
		case t.queue <- cache.TellAll(): // all has been told meanwhile, and nobody would look
		default:
		}
	}
}

func (t *teller) run() {
	for {
		select {
		case what := <-t.queue:
			t.say(what)
		case <-t.stop:
			for len(t.queue) > 0 {
				t.say(<-t.queue)
			}
			return
		}
	}
}

func (t *teller) say(what []byte) {
	err := t.next.Tell(what)
	if t.lost.Swap(false) || err != nil { // too long; or that process does not hear, and will know that something is lost
		_ = t.next.Tell(cache.TellAll())
	}
}

// end tells what waits, and ends. It is for when nothing is told any more; nil has nothing to tell.
func (t *teller) end() {
	if t != nil {
		close(t.stop)
		t.running.Wait()
		t.next.ToldAll()
	}
}
