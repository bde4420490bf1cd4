package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// write is the one goroutine that writes the log, and makes room.
func (d *Disk) write() {
	defer d.running.Done()
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	for {
		for d.step() {
		}
		select {
		case <-d.wake:
		case <-timer.C:
		case <-d.stop:
			for d.step() {
			}
			return
		}
		timer.Reset(retryPause)
	}
}

// batch is what is written at once.
type batch struct {
	notes []*note
	jobs  []*job
	buf   []byte
	lies  []lie
}

// lie says where a job's record lies.
type lie struct {
	job         *job
	off, length uint32 // off is from the batch's beginning
}

// step writes a batch, makes room, and reports whether there is more to do.
func (d *Disk) step() bool {
	d.clean()
	if !d.healthy() {
		return false
	}
	if d.waits() {
		if err := d.batch(); err != nil {
			return false
		}
	}
	more := d.shrink() || d.waits()
	d.settle(!more)
	return more
}

// waits reports whether something is to be written.
func (d *Disk) waits() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.notes)+len(d.queue) > 0
}

// settle tells who waits that a step has ended.
func (d *Disk) settle(idle bool) {
	d.mu.Lock()
	d.idle = idle
	close(d.settled)
	d.settled = make(chan struct{})
	d.mu.Unlock()
}

// batch writes some of what waits. The segment is begun first: what was purged before that is held against every object in it, so
// that a purge need not be remembered when all segments are younger.
func (d *Disk) batch() error {
	s, err := d.end()
	b := d.gather()
	if err == nil {
		d.encode(&b, s)
		err = d.append(&b, s)
	}
	if err != nil {
		d.failed(&b, err)
	}
	return err
}

// gather takes what waits: removals before objects. An object that was removed while it waited is not written at all: its removal may
// leave the log before it would.
func (d *Disk) gather() (b batch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = false
	bytes, n := int64(0), 0
	for ; n < len(d.notes) && bytes < batchBytes; n++ {
		bytes += d.notes[n].bytes()
	}
	b.notes, d.notes = d.notes[:n:n], d.notes[n:]
	d.owed -= bytes
	for len(d.queue) > 0 && bytes < batchBytes && len(b.jobs) < batchObjects {
		j := d.queue[0]
		d.queue[0], d.queue = nil, d.queue[1:]
		d.queued -= j.bytes
		if d.stillWanted(j) {
			b.jobs = append(b.jobs, j)
			bytes += j.bytes
		}
	}
	if len(d.queue) == 0 {
		d.queue = nil
	}
	if len(d.notes) == 0 {
		d.notes = nil
	}
	return b
}

// stillWanted holds a job against what happened since it was taken. With the lock.
func (d *Disk) stillWanted(j *job) bool {
	i := d.index.find(j.id.url, j.seq)
	if i == 0 {
		return false
	}
	p := d.index.at(i)
	hard, soft := d.marks.met(j.o.Key(), j.o.Groups)
	if hard.seq > j.seq {
		d.dropJob(j)
		return false
	}
	if soft.seq > j.seq || p.flags&placeSoft != 0 {
		j.flags |= flagSoft
	}
	return true
}

// dropJob takes a job's place out of the index. With the lock.
func (d *Disk) dropJob(j *job) {
	if d.forget(j.id.url, func(p *place) bool { return p.seq == j.seq }) > 0 {
		d.supersede(j)
	}
}

// encode makes the records for a segment.
func (d *Disk) encode(b *batch, s *segment) {
	for _, n := range b.notes {
		payload := []byte(nil)
		if n.purge != nil {
			payload = appendPurge(nil, n.purge)
		}
		b.add(s, n.header, payload)
	}
	for _, j := range b.jobs {
		payload, ok := d.payload(j)
		if !ok || int64(len(payload)) > min(payloadMax, d.segmentBytes/2) {
			d.counts.dropped.Inc()
			d.mu.Lock()
			d.dropJob(j)
			d.mu.Unlock()
			continue
		}
		h := header{kind: kindObject, flags: j.flags, seq: j.seq, number: j.o.Number(), id: j.id, sig: j.sig}
		if j.body != nil {
			h.kind, h.body, h.size = kindLarge, j.body.number, j.body.Size()
		}
		b.lies = append(b.lies, lie{j, uint32(len(b.buf)), uint32(headerBytes + len(payload))})
		b.add(s, h, payload)
	}
}

// add appends a record.
func (b *batch) add(s *segment, h header, payload []byte) {
	h.length, h.sum = uint32(len(payload)), checksum(payload)
	at := len(b.buf)
	b.buf = append(append(b.buf, make([]byte, headerBytes)...), payload...)
	h.put(b.buf[at:], s.number)
}

// payload makes the payload of an object. A body that is too large for the log goes to a file of its own first.
func (d *Disk) payload(j *job) ([]byte, bool) {
	p, ok := appendMeta(nil, j.o)
	if !ok {
		return nil, false
	}
	if j.body == nil && d.spills(j) && !d.spill(j) {
		return nil, false
	}
	if j.body != nil {
		return appendSums(p, j.body.sums), true
	}
	for off := int64(0); off < j.o.Size(); {
		v, err := j.o.View(off, nil)
		if err != nil || len(v) == 0 {
			return nil, false
		}
		p = append(p, v...)
		off += int64(len(v))
	}
	return p, true
}

// spill writes the body of a job to a file of its own.
func (d *Disk) spill(j *job) bool {
	b := d.begin(j.o.Size())
	if b == nil {
		return false
	}
	for off := int64(0); off < j.o.Size(); {
		v, err := j.o.View(off, nil)
		if err != nil || len(v) == 0 || b.Append(v) != nil {
			b.Close()
			return false
		}
		off += int64(len(v))
	}
	b.finish()
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.index.find(j.id.url, j.seq); i != 0 {
		d.attach(i, b.number)
		j.body = b
	}
	d.release(b)
	return j.body != nil
}

// append writes a batch to the end of the log, and tells the index where its objects lie.
func (d *Disk) append(b *batch, s *segment) error {
	if err := d.writeTo(s, b.buf); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	base := uint32(s.size)
	s.size += int64(len(b.buf))
	for _, l := range b.lies {
		i := d.index.find(l.job.id.url, l.job.seq)
		if i == 0 {
			continue // it was removed meanwhile, and the note of that comes later in the log
		}
		p := d.index.at(i)
		p.slot, p.off, p.len = s.slot, base+l.off, l.length
		s.urls = append(s.urls, l.job.id.url)
		if l.job.body != nil {
			s.weight += l.job.body.Size()
		}
		d.counts.puts.Inc()
	}
	for _, n := range b.notes {
		n.settle()
	}
	d.wrote += uint64(len(b.notes))
	d.sealFull()
	return nil
}

// writeTo writes behind the end of a segment, and counts it.
func (d *Disk) writeTo(s *segment, buf []byte) error {
	if len(buf) == 0 {
		return nil
	}
	d.mu.Lock()
	d.used += int64(len(buf))
	d.mu.Unlock()
	d.makeRoom()
	if n, err := d.system.write(s.file, buf, s.size); err != nil {
		d.mu.Lock()
		d.used -= int64(len(buf))
		d.mu.Unlock()
		return fmt.Errorf("%s took %d bytes of %d: %w", s.name, n, len(buf), err)
	}
	d.counts.written.Add(uint64(len(buf)))
	return nil
}

// sealFull ends the newest segment if it has its size. With the lock.
func (d *Disk) sealFull() {
	if s := d.current; s != nil && s.size+s.weight >= d.segmentBytes {
		d.seal()
	}
}

// seal ends the newest segment; the next batch begins another. With the lock.
func (d *Disk) seal() {
	if d.current != nil {
		d.before, d.current = d.current.size, nil
	}
}

// end returns the segment that is written to, and begins one if need be.
func (d *Disk) end() (*segment, error) {
	d.mu.Lock()
	s := d.current
	next := fileHeader{segment: d.last + 1, before: uint64(d.before), seq: d.tick()}
	d.mu.Unlock()
	if s != nil {
		return s, nil
	}
	name := filepath.Join(d.dir, segmentName(next.segment))
	f, err := d.system.create(name)
	if errors.Is(err, fs.ErrExist) && os.Remove(name) == nil { // it was begun, and could neither be written nor removed
		f, err = d.system.create(name)
	}
	if err != nil {
		return nil, err
	}
	if _, err = d.system.write(f, next.bytes(), 0); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	s = &segment{number: next.segment, name: name, file: f, begun: next.seq, size: fileBytes}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.enlist(s)
	d.current, d.last, d.used = s, s.number, d.used+fileBytes
	return s, nil
}
