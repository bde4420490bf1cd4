package disk

import (
	"sync"
	"time"

	"skerry.dev/skerry/meter"
)

// counts are what a Disk tells.
type counts struct {
	events                                                     *meter.Events
	puts, found, missed, dropped, broken, evicted, copied, met *meter.Counter
	written, failures                                          *meter.Counter

	teller *teller
}

// teller keeps events of one kind apart.
type teller struct {
	mu   sync.Mutex
	next time.Time
}

func newCounts(m *meter.Set) counts {
	return counts{
		events:   m.Events(),
		puts:     m.Counter("skerry_cache_disk_puts_total", "Objects written to the disk cache."),
		found:    m.Counter("skerry_cache_disk_found_total", "Objects read from the disk cache."),
		missed:   m.Counter("skerry_cache_disk_missed_total", "Keys that the disk cache was asked for and did not have."),
		dropped:  m.Counter("skerry_cache_disk_dropped_total", "Objects not written: too much waited, the disk failed, or they were too large."),
		broken:   m.Counter("skerry_cache_disk_broken_total", "Records and bodies that were damaged, and so dropped."),
		evicted:  m.Counter("skerry_cache_disk_segments_evicted_total", "Segments that were removed to make room."),
		copied:   m.Counter("skerry_cache_disk_copied_total", "Objects that were written once more since their segment left."),
		met:      m.Counter("skerry_cache_disk_purged_total", "Objects that were found, and not used since a purge had met them."),
		written:  m.Counter("skerry_cache_disk_written_bytes_total", "Bytes written to segments."),
		failures: m.Counter("skerry_cache_disk_failures_total", "Writes that failed."),
		teller:   &teller{},
	}
}

// watch registers what is read at a scrape.
func (c *counts) watch(d *Disk, m *meter.Set) {
	read := func(f func() float64) func() float64 {
		return func() float64 {
			d.mu.RLock()
			defer d.mu.RUnlock()
			return f()
		}
	}
	m.Func("skerry_cache_disk_bytes", "Bytes of all files of the disk cache.", read(func() float64 { return float64(d.used) }))
	m.Func("skerry_cache_disk_objects", "Objects in the disk cache.", read(func() float64 { return float64(d.index.n) }))
	m.Func("skerry_cache_disk_index_bytes", "Memory of the disk cache's index.", read(func() float64 { return float64(d.index.bytes()) }))
	m.Func("skerry_cache_disk_degraded", "1 while the disk cannot be written.", read(func() float64 {
		if d.degraded {
			return 1
		}
		return 0
	}))
}

// tellBroken counts what is damaged, and tells of it once in a while.
func (d *Disk) tellBroken(what string) {
	d.counts.broken.Inc()
	t := d.counts.teller
	now := time.Now()
	t.mu.Lock()
	tell := !now.Before(t.next)
	if tell {
		t.next = now.Add(tellPause)
	}
	t.mu.Unlock()
	if tell {
		d.counts.events.Add("cache_disk", d.dir+": damaged and dropped, as all that follow in a minute: "+what)
	}
}
