package disk

import "os"

// makeRoom evicts until the files fit the budget. Not ok: nothing is left that could go.
func (d *Disk) makeRoom() bool {
	for {
		d.mu.RLock()
		fits := d.used <= d.bytes
		d.mu.RUnlock()
		if fits {
			return true
		}
		if !d.evict(false) {
			return false
		}
	}
}

// shrink keeps room for a segment free, so that who writes need not wait, and bounds what is in memory. It evicts one segment, and
// reports whether it did. Only the writer calls it.
func (d *Disk) shrink() bool {
	d.mu.Lock()
	over := d.used > d.bytes-d.segmentBytes || d.index.n > d.objectsMax
	if len(d.marks.known) > d.marksMax {
		d.forgetMarks()
		over = over || len(d.marks.known) > d.marksMax
	}
	if over && len(d.segments) == 1 && d.current != nil && d.current.size > fileBytes {
		d.seal()
	}
	d.mu.Unlock()
	return over && d.evict(true)
}

// evict lets the oldest segment go, but never the one that is written to. Of what was asked for in it some is written once more, if
// copying is allowed.
func (d *Disk) evict(copying bool) bool {
	d.mu.Lock()
	if len(d.segments) == 0 || d.segments[0] == d.current {
		d.mu.Unlock()
		return false
	}
	s := d.segments[0]
	d.segments[0], d.segments = nil, d.segments[1:]
	s.dead = true
	d.mu.Unlock()
	if copying {
		d.copyForward(s)
	}
	os.Remove(s.name) // before its bodies are: a body without an object is nothing
	for urls := s.urls; len(urls) > 0; {
		n := min(len(urls), publishStep)
		d.mu.Lock()
		for _, url := range urls[:n] {
			d.forget(url, func(p *place) bool { return p.slot == s.slot })
		}
		d.mu.Unlock()
		urls = urls[n:]
	}
	d.mu.Lock()
	d.slots[s.slot], d.free = nil, append(d.free, s.slot)
	d.used -= s.size
	if n := len(d.marks.known); n > 2*d.marks.kept+marksSlack {
		d.forgetMarks()
	}
	d.mu.Unlock()
	s.file.Close() // who reads from it at this moment is waited for; who comes later finds it closed
	d.counts.evicted.Inc()
	d.clean()
	return true
}

// forgetMarks drops the purges that are older than every object: every segment was begun after them, and nothing waits that is older.
// While segments are read, nobody knows what is in them. With the lock.
func (d *Disk) forgetMarks() {
	if d.past != nil {
		return
	}
	floor := d.tick()
	if len(d.segments) > 0 {
		floor = d.segments[0].begun
	}
	if len(d.queue) > 0 {
		floor = min(floor, d.queue[0].seq)
	}
	d.late.raise(d.marks.forget(floor))
}

// moved is an object that is written once more.
type moved struct {
	place
	url uint64
	to  uint32 // offset in the batch
	own int64  // size of its body file
}

// copyForward writes objects that were asked for since to the end of the log. They keep their seq, which says what may meet them and
// which is newer; what met them until now has been looked at.
func (d *Disk) copyForward(s *segment) {
	room := d.segmentBytes / copyShare
	list := d.askedFor(s, room)
	for len(list) > 0 {
		to, err := d.end()
		if err != nil {
			d.failed(&batch{}, err)
			return
		}
		var b batch
		n := 0
		for ; n < len(list) && len(b.buf) < batchBytes; n++ {
			list[n].to = uint32(len(b.buf))
			if !d.again(s, to, &b, &list[n]) {
				list[n].seq = 0
			}
		}
		if err = d.writeTo(to, b.buf); err != nil {
			d.failed(&batch{}, err)
			return
		}
		d.move(s, to, list[:n], int64(len(b.buf)))
		list = list[n:]
	}
}

// askedFor lists the objects of a segment that were found since they were written, up to so many bytes.
func (d *Disk) askedFor(s *segment, room int64) (list []moved) {
	seen := map[uint64]bool{}
	for urls := s.urls; len(urls) > 0 && room > 0; {
		n := min(len(urls), publishStep)
		d.mu.RLock()
		for _, url := range urls[:n] {
			for i := d.index.first(url); i != 0 && room > 0; i = d.index.at(i).next {
				p := d.index.at(i)
				if p.slot != s.slot || p.flags&placeAsked == 0 || seen[p.seq] {
					continue
				}
				m := moved{place: *p, url: url}
				if p.flags&placeLarge != 0 {
					m.own = d.bodies[d.large[i]].size
				}
				seen[p.seq] = true
				room -= int64(p.len) + m.own
				list = append(list, m)
			}
		}
		d.mu.RUnlock()
		urls = urls[n:]
	}
	return list
}

// again appends the record of an object to a batch.
func (d *Disk) again(s, to *segment, b *batch, m *moved) bool {
	rec, err := s.read(m.off, m.len)
	if err != nil {
		return false
	}
	h, err := parseHeader(rec, s.number)
	if err != nil {
		return false
	}
	payload, err := h.checked(rec)
	if err != nil {
		return false
	}
	draft, _, ok := parseObject(payload)
	if !ok {
		return false
	}
	d.mu.RLock()
	hard, soft := d.marks.met(draft.Key, eachOf(draft.Groups))
	i := d.index.find(m.url, m.seq)
	softened := soft.seq > m.seq || i != 0 && d.index.at(i).flags&placeSoft != 0
	d.mu.RUnlock()
	if i == 0 || hard.seq > m.seq {
		return false
	}
	if softened {
		h.flags |= flagSoft
	}
	b.add(to, h, payload)
	return true
}

// move tells the index where objects lie now.
func (d *Disk) move(s, to *segment, list []moved, bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	base := uint32(to.size)
	to.size += bytes
	for k := range list {
		m := &list[k]
		i := d.index.find(m.url, m.seq)
		if m.seq == 0 || i == 0 || d.index.at(i).slot != s.slot {
			continue
		}
		p := d.index.at(i)
		p.slot, p.off = to.slot, base+m.to
		p.flags &^= placeAsked
		to.urls = append(to.urls, m.url)
		to.weight += m.own
		d.counts.copied.Inc()
	}
	d.sealFull()
}

// eachOf walks over groups as an object does.
func eachOf(groups [][]byte) func(func([]byte) bool) {
	return func(add func([]byte) bool) {
		for _, g := range groups {
			if !add(g) {
				return
			}
		}
	}
}
