package memory

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/meter"
)

// WatchOptions say what is watched, and who can do something about it.
type WatchOptions struct {
	Shares  Shares            // of which Limit, which there must be, and Cache count
	Cache   func(bytes int64) // tells the cache what it may have from now on; nil: there is none
	Close   func()            // is called at each look while there is too much in use: it should let go of what only waits; may be nil
	Meters  *meter.Set        // nil: nobody counts
	Read    func() Reading    // nil: what this process uses
	Collect func()            // nil: a collection whose memory goes back to the system at once
}

// Watch looks at the memory in use, every 100 ms, until Close. Near the limit it has the cache give back, step by step; nearer
// still it says Short, until there is less in use again.
type Watch struct {
	opt    WatchOptions
	reader *reader
	short  atomic.Bool
	stop   chan struct{}
	once   sync.Once
	done   sync.WaitGroup
	inUse  *meter.Gauge
	count  *meter.Counter // how often Short began

	// The rest belongs to the goroutine that looks.
	cache     int64     // what the cache may have now
	cycles    uint64    // collections at the last step of the cache
	grown     time.Time // when it may have grown last
	collected time.Time // when there was a collection last, while there was too much in use
	seen      uint64    // collections at that time
	told      time.Time
	quiet     bool // the end of this shortage is not worth an event, as its beginning was not
}

// NewWatch begins to watch.
func NewWatch(opt WatchOptions) *Watch {
	w := &Watch{opt: opt, stop: make(chan struct{}), cache: opt.Shares.Cache}
	if w.opt.Meters == nil {
		w.opt.Meters = meter.NewSet()
	}
	if w.opt.Read == nil {
		w.reader = newReader()
		w.opt.Read = w.reader.read
	}
	if w.opt.Collect == nil {
		w.opt.Collect = debug.FreeOSMemory
	}
	set := w.opt.Meters
	set.Gauge("skerry_memory_limit_bytes", "Memory that the process may use.").Set(opt.Shares.Limit.Bytes)
	for _, p := range opt.Shares.Parts() {
		set.Gauge("skerry_memory_budget_bytes", "How the memory is divided: what each part may have, or costs at most.", "for", p.For).Set(p.Bytes)
	}
	w.inUse = set.Gauge("skerry_memory_in_use_bytes", "Memory that the process uses: the Go runtime's, or what is resident and no file backs, whichever is more.")
	w.count = set.Counter("skerry_memory_short_total", "How often so much memory was in use that new requests got 503.")
	w.done.Go(w.run)
	return w
}

// Short reports whether so much is in use that nothing new should be begun. It costs one load.
func (w *Watch) Short() bool { return w.short.Load() }

// Close ends it; a second call does nothing. Short is what it was.
func (w *Watch) Close() {
	w.once.Do(func() {
		close(w.stop)
		w.done.Wait()
		if w.reader != nil {
			w.reader.close()
		}
	})
}

func (w *Watch) run() {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			w.look(w.opt.Read(), now)
		case <-w.stop:
			return
		}
	}
}

// of is a share of the limit, given in thousandths.
func (w *Watch) of(share int64) int64 { return w.opt.Shares.Limit.Bytes / 1000 * share }

// look acts on what is in use.
func (w *Watch) look(r Reading, now time.Time) {
	w.inUse.Set(r.InUse)
	switch {
	case r.InUse >= w.of(giveShare):
		w.shrink(r, now)
	case r.Live < w.of(restShare):
		w.grow(now)
	}
	switch short := w.short.Load(); {
	case !short && r.InUse >= w.of(shedShare):
		w.begin(r, now)
	case short && r.InUse < w.of(calmShare):
		w.end(r)
	}
	if w.short.Load() && w.opt.Close != nil {
		w.opt.Close()
	}
	w.collect(r, now)
}

// shrink has the cache give a step back, once for each collection: what it gave before is free only then.
func (w *Watch) shrink(r Reading, now time.Time) {
	step := w.opt.Shares.Cache / cacheSteps
	first := w.cache == w.opt.Shares.Cache
	w.grown = now
	if w.opt.Cache == nil || w.cache <= step || !first && r.Cycles == w.cycles {
		return
	}
	w.cycles = r.Cycles
	w.cache -= step
	w.opt.Cache(w.cache)
	if first {
		w.opt.Meters.Events().Add("memory_cache_lowered", fmt.Sprintf("%s of %s are in use: the cache gives back, from %s on (--cache-memory, --memory)",
			Text(r.InUse), Text(w.opt.Shares.Limit.Bytes), Text(w.opt.Shares.Cache)))
	}
}

// grow gives the cache a step of what it gave back.
func (w *Watch) grow(now time.Time) {
	if w.cache == w.opt.Shares.Cache || now.Sub(w.grown) < growEvery {
		return
	}
	w.grown = now
	w.cache = min(w.cache+w.opt.Shares.Cache/cacheSteps, w.opt.Shares.Cache)
	w.opt.Cache(w.cache)
}

func (w *Watch) begin(r Reading, now time.Time) {
	w.short.Store(true)
	w.count.Inc()
	w.collected, w.seen = now, r.Cycles
	w.quiet = !w.told.IsZero() && now.Sub(w.told) < tellEvery
	if w.quiet {
		return
	}
	w.told = now
	w.opt.Meters.Events().Add("memory_short", fmt.Sprintf("%s of %s (%s) are in use: new requests get 503 until it is less than %s (--memory)",
		Text(r.InUse), Text(w.opt.Shares.Limit.Bytes), w.opt.Shares.Limit.From, Text(w.of(calmShare))))
}

func (w *Watch) end(r Reading) {
	w.short.Store(false)
	if !w.quiet {
		w.opt.Meters.Events().Add("memory_enough", fmt.Sprintf("%s are in use: requests are served again", Text(r.InUse)))
	}
}

// collect has a collection made if none comes by itself while too much is in use.
func (w *Watch) collect(r Reading, now time.Time) {
	switch {
	case !w.short.Load():
	case r.Cycles != w.seen:
		w.collected, w.seen = now, r.Cycles
	case now.Sub(w.collected) >= collectAfter:
		w.collected = now
		w.opt.Collect()
	}
}
