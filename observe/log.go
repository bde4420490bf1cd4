package observe

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
)

// A Log writes events to a sink, one JSON object a line. Many goroutines may use it at once; none of them ever waits
// for the sink. Lines of one goroutine keep their order.
//
// Lines collect in chunks of 256 KB. One goroutine writes the full ones as they come, and what there is at the latest
// 200 ms after it came. It is woken at most once per write, and once more after a silence, in which it has no timer.
type Log struct {
	w       io.Writer
	dropped *meter.Counter
	lines   sync.Pool // of *line

	wake, quit, done chan struct{}
	closing          sync.Once

	mu     sync.Mutex // held for copies of a line only
	cur    []byte     // the chunk that is being filled; nil if no line waits in it
	full   [][]byte   // chunks that wait for the writer, oldest first
	free   [][]byte
	chunks int  // how many exist, those in the writer's hands included
	idle   bool // the writer sleeps without a timer and must be woken by the next line
	woken  bool // the writer knows that a chunk is full
	closed bool

	torn bool // writer's own: the sink took half a line last
}

// NewLog returns a log that writes to w until Close. Lines that w does not take in time, or not at all, are counted
// in set as skerry_log_dropped_total. w is used by one goroutine at a time and is not closed.
func NewLog(w io.Writer, set *meter.Set) *Log {
	l := &Log{
		w:       w,
		dropped: set.Counter("skerry_log_dropped_total", "Log lines that the sink did not take."),
		lines:   sync.Pool{New: func() any { return new(line) }},
		wake:    make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		full: make([][]byte, 0, bufferBytesMax/chunkBytes),
		idle: true,
	}
	go l.run()
	return l
}

// Exchange logs x, which ended at end. If the route asks for no log, only a panic is logged: a bug must be seen.
func (l *Log) Exchange(x *exchange.Exchange, end time.Time) {
	if x.Facts.Entry.LogOff && (x.Cause == nil || fault.Of(x.Cause) != fault.Panicked) {
		return
	}
	ln := l.lines.Get().(*line)
	ln.exchange(x, end)
	l.put(ln.buf)
	l.lines.Put(ln)
}

// Event logs something that happened beside the traffic; it fits meter.Events.Listen.
func (l *Log) Event(e meter.Event) {
	ln := l.lines.Get().(*line)
	ln.event(e)
	l.put(ln.buf)
	l.lines.Put(ln)
}

var errSink = errors.New("the log's sink took nothing for " + closeTimeout.String() + "; what waited is lost")

// Close writes what waits and ends the writer. Later events are dropped and counted. If the sink blocks, Close gives
// up after closeTimeout, says so, and leaves the writer to the sink.
func (l *Log) Close() error {
	l.closing.Do(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		close(l.quit)
	})
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-l.done:
		return nil
	case <-timer.C:
		return errSink
	}
}

// put copies a line into the buffer, or drops it, and wakes the writer if that is due.
func (l *Log) put(b []byte) {
	l.mu.Lock()
	if l.closed || !l.room(len(b)) {
		l.mu.Unlock()
		l.dropped.Inc()
		return
	}
	l.cur = append(l.cur, b...)
	wake := l.idle || (len(l.full) > 0 && !l.woken)
	if wake {
		l.idle, l.woken = false, len(l.full) > 0
	}
	l.mu.Unlock()
	if wake {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// room makes cur have place for n bytes more; false if memory is used up. l.mu is held.
func (l *Log) room(n int) bool {
	if n > lineBytesMax {
		return false
	}
	if cap(l.cur)-len(l.cur) >= n {
		return true
	}
	if l.cur != nil {
		l.full, l.cur = append(l.full, l.cur), nil
	}
	switch last := len(l.free) - 1; {
	case last >= 0:
		l.cur, l.free = l.free[last], l.free[:last]
	case l.chunks < bufferBytesMax/chunkBytes:
		l.cur = make([]byte, 0, chunkBytes)
		l.chunks++
	default:
		return false
	}
	return true
}

// run is the writer.
func (l *Log) run() {
	defer close(l.done)
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for idle := true; ; {
		due := false
		if idle {
			timer.Stop()
			select {
			case <-l.wake:
				timer.Reset(linger)
			case <-l.quit:
				l.drain(true, timer)
				return
			}
		}
		select {
		case <-l.wake:
		case <-timer.C:
			due = true
		case <-l.quit:
			l.drain(true, timer)
			return
		}
		idle = l.drain(due, timer)
	}
}

// drain writes the full chunks, and if the linger is over also the one that is being filled, once. It reports true if
// not a line came during a whole linger.
func (l *Log) drain(due bool, timer *time.Timer) (idle bool) {
	partial := due
	for wrote := false; ; wrote = true {
		l.mu.Lock()
		l.woken = true // what fills up from here on needs no signal: this loop finds it
		chunk := l.next(&partial)
		if chunk == nil {
			l.woken, l.idle = false, due && !wrote
			if idle = l.idle; idle {
				l.shrink()
			}
			l.mu.Unlock()
			return idle
		}
		l.mu.Unlock()
		if !wrote {
			timer.Reset(linger) // before the write: what comes during it is not to wait longer for that
		}
		l.write(chunk)
	}
}

// shrink gives back what a burst needed. Only a silence does: a busy log would make garbage all the time. l.mu is held.
func (l *Log) shrink() {
	if extra := len(l.free) - chunksKept; extra > 0 {
		clear(l.free[chunksKept:])
		l.free, l.chunks = l.free[:chunksKept], l.chunks-extra
	}
}

// next takes the oldest full chunk, or if partial is set the one being filled, and then clears partial: under load that
// one is never empty, and writing a line at a time is what chunks avoid. l.mu is held.
func (l *Log) next(partial *bool) (chunk []byte) {
	switch {
	case len(l.full) > 0:
		chunk = l.full[0]
		l.full = l.full[:copy(l.full, l.full[1:])]
	case *partial:
		chunk, l.cur, *partial = l.cur, nil, false
	}
	return chunk
}

// write gives a chunk to the sink, counts the lines it did not take, and puts the chunk back.
func (l *Log) write(chunk []byte) {
	if l.torn {
		// Half a line is lost already; without its end the next one would be too.
		if _, err := l.w.Write([]byte{'\n'}); err == nil {
			l.torn = false
		}
	}
	n, err := l.w.Write(chunk)
	if n = max(0, min(n, len(chunk))); err != nil || n < len(chunk) {
		l.dropped.Add(uint64(bytes.Count(chunk[n:], []byte{'\n'})))
		l.torn = l.torn || n > 0 && chunk[n-1] != '\n'
	}
	exchange.Poison(chunk)
	l.mu.Lock()
	l.free = append(l.free, chunk[:0])
	l.mu.Unlock()
}
