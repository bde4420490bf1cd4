package meter

import (
	"slices"
	"sync"
	"time"
)

// eventsKept is how many background events are kept: enough for an evening's incident, 64 KB at 256 bytes each. Beyond it one gives way.
const eventsKept = 256

// Event is one thing that happened beside the traffic.
type Event struct {
	Seq  uint64 // from 1, one more for each event of the process
	Time time.Time
	Kind string // stable label: "reload", "reload_refused", "health", …
	Text string
}

// Events keeps the newest events, and is fair to kinds: beyond 256 the oldest one of the kind that has the most gives way, of several such
// kinds the oldest of all. So thousands of one kind leave what is rare where it is, however old, and gaps in the Seq of what is kept. The
// zero value is ready.
type Events struct {
	mu    sync.Mutex
	kept  []Event        // by Seq
	kinds map[string]int // how many of each kind are in kept
	n     uint64         // Seq of the last one
	tell  func(Event)
}

// Add records an event now and tells the listener, if there is one.
func (e *Events) Add(kind, text string) {
	e.mu.Lock()
	e.n++
	ev := Event{Seq: e.n, Time: time.Now(), Kind: kind, Text: text}
	if e.kinds == nil {
		e.kinds = map[string]int{}
	}
	e.kinds[kind]++
	if len(e.kept) == eventsKept {
		e.giveWay()
	}
	e.kept = append(e.kept, ev)
	tell := e.tell
	e.mu.Unlock()
	if tell != nil {
		tell(ev)
	}
}

// giveWay makes room for an event that is counted already.
func (e *Events) giveWay() {
	most := 0
	for _, n := range e.kinds {
		most = max(most, n)
	}
	i := slices.IndexFunc(e.kept, func(ev Event) bool { return e.kinds[ev.Kind] == most })
	kind := e.kept[i].Kind
	if e.kinds[kind]--; e.kinds[kind] == 0 {
		delete(e.kinds, kind)
	}
	e.kept = slices.Delete(e.kept, i, i+1)
}

// Listen makes f hear of every later event; one listener at a time. f must not block.
func (e *Events) Listen(f func(Event)) {
	e.mu.Lock()
	e.tell = f
	e.mu.Unlock()
}

// Since returns the events kept with Seq > after, oldest first; nil if there are none.
func (e *Events) Since(after uint64) []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := len(e.kept)
	for i > 0 && e.kept[i-1].Seq > after {
		i--
	}
	return append([]Event(nil), e.kept[i:]...)
}
