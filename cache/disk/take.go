package disk

import (
	"time"

	"skerry.dev/skerry/cache/storage"
)

// job is an object that waits to be written.
type job struct {
	o       *storage.Object
	id      id
	sig     uint32
	seq     uint64
	bytes   int64 // of memory, about
	body    *body // if it has a file of its own
	flags   uint8
	instead bool // an older one left the index for it
}

// note is a removal or a purge that waits to be written.
type note struct {
	header  header
	purge   *storage.Purge
	written chan struct{} // of a purge: closed when it is written, or the disk has failed
}

// Put takes an object, to be written soon. It is dropped if too much waits, the disk fails, or it is too large.
func (d *Disk) Put(o *storage.Object) {
	j := &job{o: o, id: hashKey(o.Key()), sig: uint32(hash(o.Signature())), bytes: int64(len(o.Key())) + o.Size() + jobBytes}
	if p := split(o.Key()); p.secure() {
		j.flags |= flagSecure
	}
	ours := true
	if spool := o.Spool(); spool != nil {
		j.body, ours = spool.(*body)
		ours = ours && j.body.disk == d
		j.bytes -= o.Size()
	}
	if o.Softened() {
		j.flags |= flagSoft
	}
	if ours && j.body != nil && !j.body.over.Load() {
		j.body.finish()
	}
	d.mu.Lock()
	if ours {
		d.accept(j)
	}
	d.mu.Unlock()
	d.kick()
}

// accept puts a job into index and queue. With the lock.
func (d *Disk) accept(j *job) {
	if j.body != nil {
		st := d.bodies[j.body.number]
		if st == nil {
			return // evicted, and found no more: its object had been too
		}
		st.refs++
		defer d.unref(j.body.number)
		if j.body.held {
			d.release(j.body)
		}
	}
	if d.closed {
		d.counts.dropped.Inc()
		return
	}
	hard, soft := d.marks.met(j.o.Key(), j.o.Groups)
	refused := max(hard.number, soft.number) > j.o.Number() || d.late.refuses(j.id, schemeFor(j.flags&flagSecure != 0), j.o.Number())
	j.seq = d.tick()
	j.instead = d.forget(j.id.url, func(p *place) bool { return p.key == j.id.key && p.sig == j.sig }) > 0
	tooLarge := j.body == nil && j.bytes > d.segmentBytes/2 && !d.spills(j)
	full := len(d.queue) >= queueMax || len(d.queue) > 0 && d.queued+j.bytes > queueBytesMax
	if refused || tooLarge || full || d.degraded || d.lost { // the one that it was to replace goes all the same
		d.counts.dropped.Inc()
		d.supersede(j)
		return
	}
	p := place{seq: j.seq, key: j.id.key, sig: j.sig, slot: slotPending}
	if j.flags&flagSoft != 0 {
		p.flags |= placeSoft
	}
	if j.flags&flagSecure != 0 {
		p.flags |= placeSecure
	}
	i := d.index.insert(j.id.url, p)
	if j.body != nil {
		d.attach(i, j.body.number)
	}
	d.thin(j.id.url)
	d.queue = append(d.queue, j)
	d.queued += j.bytes
}

// spills reports whether a body in memory gets a file of its own.
func (d *Disk) spills(j *job) bool {
	return j.o.Size() > min(inlineMax, d.segmentBytes/4) && j.o.Size() <= d.bodyMax()
}

// attach says that a place needs a body file. With the lock.
func (d *Disk) attach(i uint32, number uint64) {
	d.index.at(i).flags |= placeLarge
	d.large[i] = number
	d.bodies[number].refs++
}

// supersede is for an object that is not written though an older variant left the index for it: the log must know. With the lock.
func (d *Disk) supersede(j *job) {
	if j.instead || d.past != nil {
		d.remove(j.id, j.seq)
	}
}

// remove notes that the objects of a key up to seq are gone. With the lock.
func (d *Disk) remove(what id, seq uint64) {
	if d.past != nil {
		d.past.remove(what, seq)
	}
	d.owe(&note{header: header{kind: kindRemoval, seq: seq, id: what}})
}

// owe adds a note to what waits. With the lock. If there are too many, all is lost: nothing is found or taken until the writer has removed
// every file.
func (d *Disk) owe(n *note) {
	if d.lost || len(d.notes) >= owedMax || d.owed+n.bytes() > owedBytesMax {
		d.lost = true
		n.settle()
		return
	}
	d.notes = append(d.notes, n)
	d.owed += n.bytes()
	d.noted++
}

// bytes is about what a note takes, in memory and in the log.
func (n *note) bytes() int64 {
	if n.purge == nil {
		return headerBytes
	}
	return 2*headerBytes + int64(len(n.purge.Host)+len(n.purge.Value))
}

// settle lets go who waits for a purge.
func (n *note) settle() {
	if n.written != nil {
		close(n.written)
		n.written = nil
	}
}

// thin bounds the chain of a URL. With the lock.
func (d *Disk) thin(url uint64) {
	n := 0
	d.forget(url, func(p *place) bool {
		if n++; n <= chainMax {
			return false
		}
		d.remove(id{url, p.key}, p.seq)
		return true
	})
}

// forget takes places of a URL out of the index. With the lock.
func (d *Disk) forget(url uint64, match func(*place) bool) int {
	return d.index.drop(url, match, func(i uint32, p *place) {
		if d.past != nil {
			d.past.remove(id{url, p.key}, p.seq)
		}
		if p.flags&placeLarge != 0 {
			d.unref(d.large[i])
			delete(d.large, i)
		}
	})
}

// Remove forgets the objects of a key, and refuses those with a lower number that are still to come. From its return on none is
// found; the log knows it soon after.
func (d *Disk) Remove(key []byte, number uint64) {
	what := hashKey(key)
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return
	}
	d.late.add(tardy{id: what}, number)
	seq := d.tick()
	if n := d.forget(what.url, func(p *place) bool { return p.key == what.key }); n > 0 || d.past != nil {
		d.remove(what, seq)
	}
	d.mu.Unlock()
	d.kick()
}

// Keep obeys a purge: from its return on nothing that it met is found, nor taken later. It is with the operating system then, unless that
// takes longer than a second, or the disk fails.
func (d *Disk) Keep(p storage.Purge) {
	d.mu.Lock()
	n := &note{header: header{kind: kindPurge, seq: d.tick(), number: p.Number}, purge: &p, written: make(chan struct{})}
	if p.Soft {
		n.header.flags |= flagSoft
	}
	at := stamp{n.header.seq, p.Number}
	needed := true
	if p.Kind == storage.PurgeURL && p.Host != "" {
		needed = d.purgeURL(&p, at)
	} else {
		d.marks.add(&p, at)
	}
	if !needed || d.closed {
		d.mu.Unlock()
		return
	}
	written, wait := n.written, !d.degraded
	d.owe(n)
	d.mu.Unlock()
	d.kick()
	if !wait {
		return
	}
	timer := time.NewTimer(keepWait)
	defer timer.Stop()
	select {
	case <-written:
	case <-timer.C:
	case <-d.stop:
	}
}

// purgeURL acts on the index, which knows URLs, and reports whether the log must know. With the lock.
func (d *Disk) purgeURL(p *storage.Purge, at stamp) bool {
	of, _ := schemeOf(p)
	url := hashURL(p)
	d.late.add(tardy{id{url: url}, of}, p.Number)
	if d.past != nil {
		d.past.purge(url, of, p.Soft, at.seq)
	}
	n := 0
	meets := func(q *place) bool { return of.meets(schemeFor(q.flags&placeSecure != 0)) }
	if !p.Soft {
		n = d.forget(url, meets)
	} else {
		for i := d.index.first(url); i != 0; i = d.index.at(i).next {
			if q := d.index.at(i); meets(q) {
				q.flags |= placeSoft
				n++
			}
		}
	}
	return n > 0 || d.past != nil
}

// kick wakes the writer.
func (d *Disk) kick() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}
