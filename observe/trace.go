package observe

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
)

// TracerOptions say where spans go.
type TracerOptions struct {
	Endpoint string            // http or https URL of an OTLP/HTTP receiver; without a path, /v1/traces is meant
	Headers  map[string]string // sent with every request, credentials for example; never shown in errors and events
	Service  string            // the resource's service.name; empty: "skerry"
	Version  string            // the resource's service.version; empty: left out
	Meters   *meter.Set        // counts; nil: a new one
	// Dial opens connections to the receiver; nil: an ordinary net.Dialer. No proxy is used.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Tracer makes spans of the sampled exchanges and sends them to a receiver by OTLP/HTTP in binary protobuf form,
// uncompressed. Many goroutines may use it at once; none of them ever waits for the receiver.
//
// Spans collect in batches of fixed memory. One goroutine sends a batch when it is full or, if the receiver keeps up, 5
// seconds after its first span came. For 30 seconds it tries a batch again after 429, 502, 503, 504 and failures of the
// network, when the receiver's Retry-After or its own pause is over; after every other refusal the batch is dropped. If the
// answer to an attempt was lost, the receiver gets a span twice, with the same id.
//
//	skerry_spans_exported_total           spans that the receiver took
//	skerry_spans_dropped_total{reason}    spans that it did not: "full": they came faster than it takes them; "failed": it
//	                                      answered with an error or not at all; "rejected": it took others of their batch
type Tracer struct {
	full   *meter.Counter
	sender sender

	wake, quit, done chan struct{}
	closing          sync.Once
	cancel           context.CancelFunc // ends the sender's requests

	mu     sync.Mutex // held for copies of a span only
	cur    *batch     // the batch that is being filled; nil if there is none
	queue  []*batch   // full ones, oldest first
	free   []*batch
	closed bool
}

// NewTracer returns a tracer that sends until Close. It says what is wrong with the options; whether the receiver is there
// shows later, in an event of Meters and in the counters.
func NewTracer(opt TracerOptions) (*Tracer, error) {
	if opt.Meters == nil {
		opt.Meters = meter.NewSet()
	}
	t := &Tracer{
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		queue: make([]*batch, 0, batchesMax), free: make([]*batch, batchesMax),
	}
	if err := t.sender.open(opt, t.quit); err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	t.full = droppedSpans(opt.Meters, "full")
	for i := range t.free {
		t.free[i] = newBatch()
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	go t.run(ctx)
	return t, nil
}

func droppedSpans(set *meter.Set, reason string) *meter.Counter {
	return set.Counter("skerry_spans_dropped_total", "Spans that did not reach the receiver, by reason.", "reason", reason)
}

// Exchange makes a span of x, which ended at end, if it is sampled. It copies what the span needs, drops and counts what
// there is no room for, allocates nothing and never blocks.
func (t *Tracer) Exchange(x *exchange.Exchange, end time.Time) {
	f := &x.Facts
	if !f.Trace.Sampled || f.Trace.Span == [8]byte{} || f.RequestID == [16]byte{} {
		return // without ids there is no span: OTLP calls one invalid
	}
	var s span
	s.fill(x, end)
	views := viewsOf(x)
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		t.sender.failed.Inc()
		return
	}
	added, wake := t.add(&s, &views)
	t.mu.Unlock()
	if !added {
		t.full.Inc()
	}
	if wake {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// add puts a span into the batch that is being filled, or into a new one. wake says that the sender has something new to
// wait for or to send. t.mu is held.
func (t *Tracer) add(s *span, views *[texts][]byte) (added, wake bool) {
	if t.cur != nil {
		if t.cur.add(s, views) {
			return true, false
		}
		t.queue, t.cur, wake = append(t.queue, t.cur), nil, true
	}
	last := len(t.free) - 1
	if last < 0 {
		return false, wake
	}
	t.cur, t.free = t.free[last], t.free[:last]
	return t.cur.add(s, views), true
}

// run is the sender's goroutine.
func (t *Tracer) run(ctx context.Context) {
	defer close(t.done)
	defer t.sender.close()
	timer := time.NewTimer(batchLinger)
	defer timer.Stop()
	timer.Stop()
	for armed := false; ; {
		due, closing := false, false
		select {
		case <-t.wake:
		case <-timer.C:
			due, armed = true, false
		case <-t.quit:
			closing = true
		}
		partial := due || closing
		b, waiting := t.take(&partial)
		for b != nil {
			t.send(ctx, b)
			b, waiting = t.take(&partial)
		}
		if closing {
			return
		}
		if waiting && !armed {
			timer.Reset(batchLinger)
			armed = true
		}
	}
}

// take returns the oldest full batch, or if partial is set the one that is being filled, and then clears partial: under
// load that one is never empty for long. Without a batch to return it reports whether spans wait for more.
func (t *Tracer) take(partial *bool) (b *batch, waiting bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.queue) > 0:
		b = t.queue[0]
		t.queue = t.queue[:copy(t.queue, t.queue[1:])]
	case *partial:
		b, t.cur, *partial = t.cur, nil, false
	}
	return b, t.cur != nil
}

// send encodes a batch, gives its memory back for new spans, and sends it.
func (t *Tracer) send(ctx context.Context, b *batch) {
	n := len(b.spans)
	body, err := t.sender.encode(b)
	b.clear()
	t.mu.Lock()
	t.free = append(t.free, b)
	t.mu.Unlock()
	t.sender.deliver(ctx, body, n, err)
}

// Close sends what waits, each batch once, and ends the sender, for which it waits until ctx ends and 3 seconds at most.
// Later spans are dropped and counted. It says how many spans were lost on the way.
func (t *Tracer) Close(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, flushTimeout)
	defer stop()
	t.closing.Do(func() {
		t.mu.Lock()
		t.closed = true
		t.mu.Unlock()
		close(t.quit)
	})
	select {
	case <-t.done:
	case <-ctx.Done():
		t.cancel() // now every attempt fails at once
		<-t.done
	}
	t.cancel()
	if n := t.sender.lostAtEnd; n > 0 {
		return fmt.Errorf("traces: %d spans that waited did not reach %s", n, t.sender.shown)
	}
	return nil
}
