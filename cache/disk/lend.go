package disk

import "fmt"

// Lend says that another process removes things that this one does not hear of: from its return on nobody believes the files but a process
// that is opened as the one that they are lent to, when this one has let them go, and this one after Own. Close syncs nothing then: that
// process follows on the same machine at once.
func (d *Disk) Lend() {
	d.mu.Lock()
	d.lent = true
	failed := d.degraded || d.lost || d.closed
	d.mu.Unlock()
	if failed {
		return // there is no state, or it is not ours to change
	}
	if err := d.writeState(stateOpen); err != nil {
		d.fail(err)
	}
}

// Own ends the time in which the files are lent: this process has told everything that was removed meanwhile. It returns when that is with
// the operating system and the next process would believe the files; an error: it would not, nor if stop is closed before, where they stay
// lent.
func (d *Disk) Own(stop <-chan struct{}) error {
	if !d.CatchUp(stop) {
		return fmt.Errorf("cache directory %s: this process ends before it is written what was removed meanwhile, so the next start begins with nothing", d.dir)
	}
	d.stating.Lock()
	defer d.stating.Unlock()
	d.mu.Lock()
	d.lent = false
	failed := d.degraded || d.lost || d.closed
	d.mu.Unlock()
	if failed {
		return nil // there is no state; it comes when everything can be written
	}
	return d.putState(state{run: d.run, boot: d.system.boot, how: stateOpen})
}

// CatchUp waits until all removals and purges of before are written, and of what waits to be written there is less than a quarter of what
// there may be; or until the disk fails, or is closed. false: stop was closed before.
func (d *Disk) CatchUp(stop <-chan struct{}) bool {
	d.mu.RLock()
	noted := d.noted
	d.mu.RUnlock()
	for {
		d.mu.RLock()
		done := d.wrote >= noted && len(d.queue) <= queueMax/4 && d.queued <= queueBytesMax/4 || d.degraded || d.lost || d.closed
		settled := d.settled
		d.mu.RUnlock()
		if done {
			return true
		}
		select {
		case <-settled:
		case <-d.stop:
		case <-stop:
			return false
		}
	}
}

// linger keeps the files of bodies that are being read for as long as they are: the next process may remove them.
func (d *Disk) linger() {
	d.mu.RLock()
	var read []*body
	for _, st := range d.bodies {
		if b := st.live.Value(); b != nil && b.whole.Load() {
			read = append(read, b)
		}
	}
	d.mu.RUnlock()
	for _, b := range read {
		b.linger()
	}
}
