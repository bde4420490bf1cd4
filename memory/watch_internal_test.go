package memory

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/meter"
)

// bench is a watch over a thousand MB, of which readings are made up.
type bench struct {
	t        *testing.T
	set      *meter.Set
	watch    *Watch
	mu       sync.Mutex
	reading  Reading // MB
	cache    []int64 // what the cache was told, in MB
	closed   int
	collects int
}

const mb = 1 << 20

// onBench runs a test with a watch in a bubble of time.
func onBench(t *testing.T, test func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, set: meter.NewSet()}
		b.watch = NewWatch(WatchOptions{
			Shares: Shares{Limit: Limit{Bytes: 1000 * mb, From: "--memory"}, Cache: 400 * mb},
			Cache: func(n int64) {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.cache = append(b.cache, n/mb)
			},
			Close: func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.closed++
			},
			Collect: func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.collects++
				b.reading.Cycles++
			},
			Meters: b.set,
			Read: func() Reading {
				b.mu.Lock()
				defer b.mu.Unlock()
				r := b.reading
				r.InUse, r.Live = r.InUse*mb, r.Live*mb
				return r
			},
		})
		defer b.watch.Close()
		time.Sleep(watchEvery / 2) // between two looks
		test(b)
	})
}

// use sets what is in use and lives, in MB, with so many collections more, and waits for so many looks.
func (b *bench) use(inUse, live int64, cycles uint64, looks int) {
	b.mu.Lock()
	b.reading.InUse, b.reading.Live = inUse, live
	b.reading.Cycles += cycles
	b.mu.Unlock()
	time.Sleep(time.Duration(looks) * watchEvery)
}

// expect compares what was done since the last time, and whether there is too little.
func (b *bench) expect(short bool, cache string, collects int) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := fmt.Sprint(b.cache); b.watch.Short() != short || got != cache || b.collects != collects {
		b.t.Errorf("short %v, the cache was told %s, %d collections; want %v, %s, %d", b.watch.Short(), got, b.collects, short, cache, collects)
	}
	b.cache, b.collects = nil, 0
}

// closings is how often connections were closed.
func (b *bench) closings() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// events are the kinds of those there were, in order.
func (b *bench) events() string {
	var kinds []string
	for _, e := range b.set.Events().Since(0) {
		kinds = append(kinds, e.Kind)
	}
	return strings.Join(kinds, " ")
}

// TestWatchShrinks: above nine tenths the cache gives back, a step for each collection, and gets it back when there is room.
func TestWatchShrinks(t *testing.T) {
	onBench(t, func(b *bench) {
		b.use(899, 850, 1, 5)
		b.expect(false, "[]", 0)
		b.use(905, 850, 0, 5) // nothing is free before the next collection
		b.expect(false, "[350]", 0)
		b.use(905, 850, 1, 3)
		b.use(905, 850, 1, 3)
		b.expect(false, "[300 250]", 0)
		for range 10 {
			b.use(905, 850, 1, 1)
		}
		b.expect(false, "[200 150 100 50]", 0) // the last step stays
		b.use(880, 720, 1, 50)
		b.expect(false, "[]", 0)
		b.use(880, 690, 0, 30) // one each second
		b.expect(false, "[100 150 200]", 0)
		b.use(500, 400, 0, 100)
		b.expect(false, "[250 300 350 400]", 0)
		if b.closings() != 0 || b.events() != "memory_cache_lowered" {
			t.Errorf("connections closed %d times, events %s", b.closings(), b.events())
		}
	})
}

// TestWatchShort: from 95 % on nothing new may begin, until less than 90 % are in use. A collection is made where none comes: who
// only refuses allocates nothing.
func TestWatchShort(t *testing.T) {
	onBench(t, func(b *bench) {
		b.use(949, 900, 0, 3)
		b.expect(false, "[350]", 0)
		b.use(950, 940, 1, 9)
		b.expect(true, "[300]", 0)
		b.use(920, 900, 0, 1)
		b.expect(true, "[]", 0)
		if n := b.closings(); n != 10 {
			t.Errorf("connections were closed %d times, not at each of 10 looks", n)
		}
		b.use(920, 900, 0, 21)
		b.expect(true, "[250 200]", 2) // after each collection the cache gives back, too
		for range 20 {
			b.use(920, 900, 1, 1)
		}
		b.expect(true, "[150 100 50]", 0) // there are collections
		b.use(899, 800, 0, 1)
		b.expect(false, "[]", 0)
		b.use(949, 800, 0, 30)
		b.expect(false, "[]", 0)
		if got := b.events(); got != "memory_cache_lowered memory_short memory_enough" {
			t.Error(got)
		}
		if text := b.set.Events().Since(1)[0].Text; text != "950MB of 1000MB (--memory) are in use: new requests get 503 until it is less than 900MB (--memory)" {
			t.Error(text)
		}
		if n := b.set.Gauge("skerry_memory_in_use_bytes", "").Value(); n != 949*mb {
			t.Errorf("%d bytes in use", n)
		}
	})
}

// TestWatchFlaps: whoever goes to and fro is told of once a minute, and counted each time.
func TestWatchFlaps(t *testing.T) {
	onBench(t, func(b *bench) {
		for range 4 * 60 {
			b.use(960, 800, 1, 1)
			b.use(800, 800, 1, 4)
		}
		if n := b.set.Counter("skerry_memory_short_total", "").Value(); n != 240 {
			t.Errorf("counted %d times", n)
		}
		if got := b.events(); strings.ReplaceAll(got, "memory_cache_lowered ", "") != "memory_short memory_enough memory_short memory_enough" {
			t.Error(got)
		}
	})
}

// TestReading: what is read of this process is what it is, and costs no allocation.
func TestReading(t *testing.T) {
	r := newReader()
	defer r.close()
	held := make([]byte, 64*mb)
	for i := range held {
		held[i] = 1 // resident
	}
	with := r.read()
	if with.InUse < 64*mb || with.InUse > 2<<30 || with.Live > with.InUse || with.Live <= 0 {
		t.Errorf("%+v", with)
	}
	held[0] = 2 // it lives until here
	f := func(statm string, want int64) {
		if got := anonymousOf(statm); got != want {
			t.Errorf("%q: %d pages, want %d", statm, got, want)
		}
	}
	f("448848 17606 5108 2479 0 52505 0\n", 12498)
	f("1 5 5", 0)
	f("1 5 6 7", 0)
	f("1 5 ", 0)
	f("", 0)
}
