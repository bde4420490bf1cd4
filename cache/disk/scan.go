package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"skerry.dev/skerry/cache/storage"
)

// past is what is removed while segments are read, newest first: by the segments read so far, and by this process meanwhile. Of each
// it has the last object it may have met.
type past struct {
	keys map[id]uint64
	urls map[purged]softer
}

// purged is a URL, for keys of some scheme.
type purged struct {
	url uint64
	of  scheme
}

type softer struct{ hard, soft uint64 }

func newPast() *past { return &past{keys: map[id]uint64{}, urls: map[purged]softer{}} }

func (g *past) remove(what id, seq uint64) { g.keys[what] = max(g.keys[what], seq) }

func (g *past) purge(url uint64, of scheme, soft bool, seq uint64) {
	u := purged{url, of}
	s := g.urls[u]
	if soft {
		s.soft = max(s.soft, seq)
	} else {
		s.hard = max(s.hard, seq)
	}
	g.urls[u] = s
}

// met reports whether the object of a header was removed, and whether it was softened.
func (g *past) met(h *header) (hard, soft bool) {
	a, b := g.urls[purged{h.id.url, schemeAny}], g.urls[purged{h.id.url, schemeFor(h.flags&flagSecure != 0)}]
	hard = g.keys[h.id] >= h.seq || max(a.hard, b.hard) > h.seq
	return hard, h.flags&flagSoft != 0 || max(a.soft, b.soft) > h.seq
}

func (g *past) full() bool { return len(g.keys)+len(g.urls) > goneMax }

// entry is an object that was met while a segment was read.
type entry struct {
	header
	off uint32
}

// noLength is what a segment without a header says of the one before it.
const noLength = ^uint64(0)

// errHole says that the log has a hole: what came before it may have been removed by what is missing.
var errHole = errors.New("records are missing")

// scan reads what earlier processes left, newest first, and lets go what cannot be believed.
func (d *Disk) scan(old []*segment) {
	defer d.running.Done()
	defer close(d.scanned)
	var next *fileHeader
	for i := len(old) - 1; i >= 0; i-- {
		s := old[i]
		f, err := d.scanSegment(s, next)
		if d.interrupted() {
			return
		}
		if err != nil {
			d.distrust(s, err)
			break
		}
		next = f
	}
	d.mu.Lock()
	d.past = nil
	objects := d.index.n
	d.mu.Unlock()
	d.removeOrphans()
	if len(old) > 0 {
		d.counts.events.Add("cache_disk", fmt.Sprintf("%s was read: %d objects", d.dir, objects))
	}
	d.kick()
}

// interrupted reports whether nobody needs the rest.
func (d *Disk) interrupted() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.closed || d.past == nil
}

// distrust removes a segment and all that are older.
func (d *Disk) distrust(s *segment, err error) {
	d.mu.RLock()
	dead := s.dead
	d.mu.RUnlock()
	if dead {
		return // it was evicted, and so were the older ones
	}
	d.counts.broken.Inc()
	d.counts.events.Add("cache_disk", fmt.Sprintf("%s: %v: it is removed with all older segments, since removals may have been lost", s.name, err))
	for {
		d.mu.RLock()
		more := len(d.segments) > 0 && d.segments[0].number <= s.number && d.segments[0] != d.current
		d.mu.RUnlock()
		if !more || !d.evict(false) {
			return
		}
	}
}

// scanSegment reads the headers of a segment, puts its removals in force, and then its objects into the index. next is the header of
// the segment after it, nil for the newest one.
func (d *Disk) scanSegment(s *segment, next *fileHeader) (*fileHeader, error) {
	r := &window{file: s.file, size: s.size}
	if next != nil && next.segment != s.number+1 {
		return nil, errHole
	}
	if s.size < fileBytes && (next == nil || next.before == noLength || uint64(s.size) >= next.before) {
		return &fileHeader{segment: s.number, before: noLength}, nil // a process was killed when it had just begun the file
	}
	head, err := r.at(0, fileBytes)
	if err != nil {
		return nil, err
	}
	f, err := parseFileHeader(head)
	if err != nil || f.segment != s.number {
		return nil, errBroken
	}
	torn := next == nil || next.before == noLength || next.seq>>runShift != f.seq>>runShift // a process ended with it
	if next != nil && next.before != noLength {
		if uint64(s.size) < next.before {
			return nil, errHole
		}
		r.size = int64(next.before)
	}
	objects, err := d.readRecords(s, r, torn)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	s.begun = f.seq
	d.mu.Unlock()
	return &f, d.publish(s, objects)
}

// readRecords puts the removals of a segment in force, and returns its objects. torn: it may end in the middle of a record.
func (d *Disk) readRecords(s *segment, r *window, torn bool) (objects []entry, err error) {
	for off := int64(fileBytes); off < r.size; {
		h, err := d.readRecord(s, r, off)
		if errors.Is(err, errTorn) && torn {
			break // it was not written entirely, nor was anything after it
		}
		if err != nil {
			return nil, fmt.Errorf("at %d: %w", off, err)
		}
		if h.kind == kindObject || h.kind == kindLarge {
			objects = append(objects, entry{h, uint32(off)})
		}
		off += headerBytes + int64(h.length)
	}
	return objects, nil
}

func (d *Disk) readRecord(s *segment, r *window, off int64) (header, error) {
	b, err := r.at(off, headerBytes)
	if err != nil {
		return header{}, err
	}
	h, err := parseHeader(b, s.number)
	switch {
	case err != nil:
	case off+headerBytes+int64(h.length) > r.size:
		err = errTorn
	case h.kind == kindRemoval, h.kind == kindPurge:
		err = d.readRemoval(r, off, &h)
	}
	return h, err
}

// readRemoval puts a removal or a purge in force.
func (d *Disk) readRemoval(r *window, off int64, h *header) error {
	var p storage.Purge
	if h.kind == kindPurge {
		b, err := r.at(off, headerBytes+int(h.length))
		if err != nil {
			return err
		}
		payload, err := h.checked(b)
		if err != nil {
			return err
		}
		var ok bool
		if p, ok = parsePurge(h, payload); !ok {
			return errBroken
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.past == nil {
		return errHole
	}
	if d.past.full() {
		return errors.New("more was removed than can be remembered while files are read")
	}
	switch {
	case h.kind == kindRemoval:
		d.past.remove(h.id, h.seq)
	case p.Kind == storage.PurgeURL && p.Host != "":
		of, _ := schemeOf(&p)
		d.past.purge(hashURL(&p), of, p.Soft, h.seq)
	default:
		d.marks.add(&p, stamp{seq: h.seq}) // fills that began before this process are over
	}
	return nil
}

// publish puts objects into the index, newest first, that nothing removed and no newer variant replaced.
func (d *Disk) publish(s *segment, objects []entry) error {
	for len(objects) > 0 {
		n := min(len(objects), publishStep)
		d.mu.Lock()
		for i := len(objects) - 1; i >= len(objects)-n; i-- {
			if s.dead || d.past == nil || d.closed {
				d.mu.Unlock()
				return os.ErrClosed
			}
			d.publishOne(s, &objects[i])
		}
		d.mu.Unlock()
		objects = objects[:len(objects)-n]
	}
	return nil
}

func (d *Disk) publishOne(s *segment, e *entry) {
	hard, soft := d.past.met(&e.header)
	if hard {
		return
	}
	n := 0
	for i := d.index.first(e.id.url); i != 0; i = d.index.at(i).next {
		if p := d.index.at(i); p.key == e.id.key && p.sig == e.sig {
			return
		}
		n++
	}
	if n >= chainMax {
		d.remove(e.id, e.seq)
		return
	}
	p := place{seq: e.seq, off: e.off, len: headerBytes + e.length, key: e.id.key, sig: e.sig, slot: s.slot}
	if soft {
		p.flags |= placeSoft
	}
	if e.flags&flagSecure != 0 {
		p.flags |= placeSecure
	}
	i := d.index.insert(e.id.url, p)
	s.urls = append(s.urls, e.id.url)
	if e.kind == kindLarge {
		if d.bodies[e.body] == nil {
			d.bodies[e.body] = &stored{size: e.size}
			d.used += e.size
		}
		d.attach(i, e.body)
		s.weight += e.size
	}
}

// removeOrphans removes the bodies of earlier processes that no object has.
func (d *Disk) removeOrphans() {
	numbers, err := list(d.dir, bodySuffix)
	if err != nil {
		return // the next start will
	}
	for _, n := range numbers {
		d.mu.RLock()
		orphan := d.bodies[n] == nil && n>>runShift < d.run
		d.mu.RUnlock()
		if orphan {
			os.Remove(filepath.Join(d.dir, bodyName(n)))
		}
	}
}

// window reads a file from its beginning to its end, in larger pieces, and leaves out what is not asked for.
type window struct {
	file *os.File
	size int64 // what is behind is not read
	buf  []byte
	off  int64 // of buf
}

// at returns n bytes from an offset on, until the next call. errTorn: the file ends before.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off+int64(n) > w.size {
		return nil, errTorn
	}
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		most := int(min(w.size-off, int64(max(n, scanBuffer))))
		if cap(w.buf) < most {
			w.buf = make([]byte, most)
		}
		w.off, w.buf = off, w.buf[:most]
		if err := full(w.file, w.buf, off); err != nil {
			w.buf = w.buf[:0]
			return nil, err
		}
	}
	return w.buf[off-w.off:][:n], nil
}
