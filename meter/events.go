package meter

import (
	"sync"
	"time"
)

// eventsKept is how many background events a ring holds: enough for an evening's incident, 64 KB at 256 bytes each.
const eventsKept = 256

// Event is one thing that happened beside the traffic.
type Event struct {
	Seq  uint64 // from 1, without gaps
	Time time.Time
	Kind string // stable label: "reload", "reload_refused", "health", …
	Text string
}

// Events is a bounded ring; the oldest event gives way. The zero value is ready.
type Events struct {
	mu   sync.Mutex
	ring [eventsKept]Event
	n    uint64
	tell func(Event)
}

// Add records an event now and tells the listener, if there is one.
func (e *Events) Add(kind, text string) {
	e.mu.Lock()
	e.n++
	ev := Event{Seq: e.n, Time: time.Now(), Kind: kind, Text: text}
	e.ring[e.n%eventsKept] = ev
	tell := e.tell
	e.mu.Unlock()
	if tell != nil {
		tell(ev)
	}
}

// Listen makes f hear of every later event; one listener at a time. f must not block.
func (e *Events) Listen(f func(Event)) {
	e.mu.Lock()
	e.tell = f
	e.mu.Unlock()
}

// Since returns the events kept with Seq > after, oldest first.
func (e *Events) Since(after uint64) []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := uint64(1)
	if e.n > eventsKept {
		first = e.n - eventsKept + 1
	}
	if after+1 > first {
		first = after + 1
	}
	var out []Event
	for i := first; i <= e.n; i++ {
		out = append(out, e.ring[i%eventsKept])
	}
	return out
}
