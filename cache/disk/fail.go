package disk

import (
	"fmt"
	"time"
)

// fail makes the Disk stop writing for a while: nothing is taken, what is there can be read. The state goes, because removals that cannot
// be written would be missing after a restart.
func (d *Disk) fail(err error) {
	d.counts.failures.Inc()
	d.mu.Lock()
	first := !d.degraded
	d.degraded = true
	d.retry = time.Now().Add(retryPause)
	for _, j := range d.queue {
		d.counts.dropped.Inc()
		d.dropJob(j)
	}
	d.queue, d.queued = nil, 0
	for _, n := range d.notes {
		n.settle()
	}
	d.mu.Unlock()
	if first {
		d.dropState()
		d.counts.events.Add("cache_disk", fmt.Sprintf(
			"%s cannot be written, so answers are kept in memory only, until it can: tried every %v: %v", d.dir, retryPause, err))
	}
	d.clean()
}

// failed is fail for what the writer was writing. What it wrote in part stays behind the end of its segment, which the next one tells.
func (d *Disk) failed(b *batch, err error) {
	d.mu.Lock()
	for _, j := range b.jobs {
		d.counts.dropped.Inc()
		d.dropJob(j)
	}
	for _, n := range b.notes {
		n.settle()
		d.owed += n.bytes()
	}
	d.notes = append(b.notes, d.notes...)
	d.seal()
	d.mu.Unlock()
	d.fail(err)
	d.settle(true)
}

// healthy reports whether the log may be written; after a pause it tries whether it can be.
func (d *Disk) healthy() bool {
	d.mu.Lock()
	lost, ok := d.lost, !d.lost && !d.degraded
	due := lost && !d.degraded || !time.Now().Before(d.retry)
	d.mu.Unlock()
	switch {
	case ok:
		return true
	case !due, lost && !d.giveUp():
		return false
	}
	return d.recover()
}

// recover begins a segment and writes what is owed. If that works, the disk is as good as before.
func (d *Disk) recover() bool {
	d.mu.Lock()
	d.seal()
	b := batch{notes: d.notes}
	d.notes, d.owed = nil, 0
	d.mu.Unlock()
	s, err := d.end()
	if err == nil {
		d.encode(&b, s)
		err = d.append(&b, s)
	}
	if err != nil {
		d.failed(&b, err)
		return false
	}
	if err = d.writeState(stateOpen); err != nil {
		d.failed(&batch{}, err)
		return false
	}
	d.mu.Lock()
	d.degraded = false
	d.mu.Unlock()
	d.counts.events.Add("cache_disk", d.dir+" can be written again")
	return true
}

// giveUp forgets everything, and removes every file. It reports whether that worked: until then nothing is found.
func (d *Disk) giveUp() bool {
	d.mu.Lock()
	for _, s := range d.segments {
		s.dead = true
		s.file.Close()
		d.used -= s.size
		d.slots[s.slot], d.free = nil, append(d.free, s.slot)
	}
	d.segments, d.current, d.before = nil, nil, 0
	d.counts.dropped.Add(uint64(len(d.queue)))
	d.queue, d.queued = nil, 0
	for _, number := range d.large {
		d.unref(number)
	}
	d.index, d.large, d.past = newIndex(), map[uint32]uint64{}, nil
	for _, n := range d.notes {
		n.settle()
	}
	d.notes, d.owed, d.wrote, d.degraded = nil, 0, d.noted, true
	d.mu.Unlock()
	d.dropState()
	err := clearKind(d.dir, logSuffix)
	d.clean()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.retry = time.Now().Add(retryPause)
		return false
	}
	d.lost = false
	d.counts.events.Add("cache_disk", fmt.Sprintf(
		"%s was emptied: more than %d removals, or %d bytes of them, waited to be written", d.dir, owedMax, owedBytesMax))
	return true
}
