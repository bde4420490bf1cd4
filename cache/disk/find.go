package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
	"weak"

	"skerry.dev/skerry/cache/storage"
)

// spot is a place to read.
type spot struct {
	place
	segment *segment
}

// Find returns the objects of a key, newest first: what was read, checked, and met by no purge. If there are none it says so
// without reading, but for keys whose hashes are the same. The drafts are the caller's.
func (d *Disk) Find(key []byte) []storage.Draft {
	which := hashKey(key)
	var room [variantsMax]spot
	spots := d.look(room[:0], which)
	if len(spots) == 0 {
		d.counts.missed.Inc()
		return nil
	}
	found := make([]storage.Draft, 0, len(spots))
	for i := range spots {
		s := &spots[i]
		draft, err := d.load(s, key)
		switch {
		case err == nil:
			found = append(found, draft)
		case errors.Is(err, os.ErrClosed), errors.Is(err, errOther): // evicted meanwhile; or another key's
		case errors.Is(err, errMet):
			d.counts.met.Inc()
			d.mu.Lock()
			d.forget(which.url, func(p *place) bool { return p.seq == s.seq })
			d.mu.Unlock()
			d.kick()
		case errors.Is(err, fs.ErrNotExist): // its body goes before the log knows: the process was killed in between
			d.dropBroken(which, s.seq)
		default:
			d.tellBroken(fmt.Sprintf("%s at %d: %v", s.segment.name, s.off, err))
			d.dropBroken(which, s.seq)
		}
	}
	if len(found) == 0 {
		d.counts.missed.Inc()
		return nil
	}
	d.counts.found.Add(uint64(len(found)))
	return found
}

// dropBroken forgets an object that cannot be read, for the log too: it may be read another time, after a removal has not found it.
func (d *Disk) dropBroken(what id, seq uint64) {
	d.mu.Lock()
	if d.forget(what.url, func(p *place) bool { return p.seq == seq }) > 0 {
		d.remove(what, seq)
	}
	d.mu.Unlock()
	d.kick()
}

// look returns where the objects of a key lie, but for those that are still in memory.
func (d *Disk) look(into []spot, which id) []spot {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.lost || d.closed {
		return nil
	}
	for i := d.index.first(which.url); i != 0 && len(into) < cap(into); i = d.index.at(i).next {
		if p := d.index.at(i); p.key == which.key && p.slot != slotPending {
			into = append(into, spot{*p, d.slots[p.slot]})
		}
	}
	return into
}

var (
	errOther = errors.New("the record is another key's")
	errMet   = errors.New("a purge met the object")
)

// load reads the object at a spot, if it is of this key and nothing met it.
func (d *Disk) load(s *spot, key []byte) (storage.Draft, error) {
	b, err := s.segment.read(s.off, s.len)
	if err != nil {
		return storage.Draft{}, err
	}
	h, err := parseHeader(b, s.segment.number)
	if err != nil {
		return storage.Draft{}, err
	}
	payload, err := h.checked(b)
	if err != nil {
		return storage.Draft{}, err
	}
	draft, rest, ok := parseObject(payload)
	if !ok || h.seq != s.seq || h.kind != kindObject && h.kind != kindLarge {
		return storage.Draft{}, errBroken
	}
	if !bytes.Equal(draft.Key, key) {
		return storage.Draft{}, errOther
	}
	if draft.Number = h.number; h.seq>>runShift != d.run {
		draft.Number = min(draft.Number, d.number)
	}
	draft.Soft = h.flags&flagSoft != 0
	if err = d.settleDraft(&draft, s, &h, rest); err != nil {
		return storage.Draft{}, err
	}
	return draft, nil
}

// settleDraft holds what was read against the purges, and gives it its body.
func (d *Disk) settleDraft(draft *storage.Draft, s *spot, h *header, rest []byte) error {
	d.mu.RLock()
	hard, soft := d.marks.met(draft.Key, eachOf(draft.Groups))
	i := d.index.find(h.id.url, s.seq)
	asked := true
	if i != 0 {
		p := d.index.at(i)
		draft.Soft = draft.Soft || p.flags&placeSoft != 0
		asked = p.flags&placeAsked != 0
	}
	d.mu.RUnlock()
	if hard.seq > s.seq {
		return errMet
	}
	if i == 0 {
		return os.ErrClosed
	}
	draft.Soft = draft.Soft || soft.seq > s.seq
	if !asked {
		d.ask(h.id.url, s.seq)
	}
	if h.kind == kindObject {
		if len(rest) > 0 {
			draft.Body = [][]byte{rest}
		}
		return nil
	}
	b := d.found(h, rest)
	if b == nil {
		return os.ErrClosed
	}
	draft.Spool = b
	return b.there()
}

// ask says that an object was found: it is worth to be kept when its segment leaves.
func (d *Disk) ask(url, seq uint64) {
	d.mu.Lock()
	if i := d.index.find(url, seq); i != 0 {
		d.index.at(i).flags |= placeAsked
	}
	d.mu.Unlock()
}

// found returns a body that was written before. All who read it at the same time share it. nil: it was evicted meanwhile.
func (d *Disk) found(h *header, sums []byte) *body {
	d.mu.Lock()
	defer d.mu.Unlock()
	st := d.bodies[h.body]
	if st == nil {
		return nil
	}
	b := st.live.Value()
	if b == nil {
		b = &body{disk: d, number: h.body, sums: takeSums(sums)}
		b.size.Store(h.size)
		b.over.Store(true)
		b.whole.Store(true)
		st.live = weak.Make(b)
	}
	b.read.Store(time.Now().UnixNano())
	return b
}
