package static

import (
	"sync/atomic"
	"time"

	"skerry.dev/skerry/fault"
)

// entry is what one name below one directory leads to: a file and its copies in codings, all of them open. Opening costs
// more than everything else about a small answer, so entries are kept between requests. Many answers share one.
type entry struct {
	key
	checked time.Time // when the name was looked up
	files   [1 + len(codings)]*file
	varies  bool         // there is a copy
	users   atomic.Int32 // answers, and the cache
}

// key is a name below a served directory. The two are not joined: whether a link may be followed depends on where the
// directory ends.
type key struct{ directory, name string }

// release lets go of the entry; the last to do so closes its files.
func (e *entry) release() {
	if e.users.Add(-1) > 0 {
		return
	}
	for _, f := range e.files {
		if f != nil {
			f.open.Close()
		}
	}
}

// count is how many files the entry keeps open.
func (e *entry) count() (n int) {
	for _, f := range e.files {
		if f != nil {
			n++
		}
	}
	return n
}

// lookUp returns the entry of a name if it was looked up not long ago, nil otherwise. The caller releases it.
func (r *Roots) lookUp(directory string, name []byte, now time.Time) *entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e := r.kept[key{directory, string(name)}]
	if e == nil {
		return nil
	}
	if age := now.Sub(e.checked); age < 0 || age >= keptFor {
		return nil
	}
	e.users.Add(1)
	return e
}

// load opens the files of a name and keeps them. The caller releases the entry.
//
// A copy that is older than the file is that of an earlier content, and as good as none: whoever makes copies must make
// them after the file, or give them its date. One that cannot be opened is none.
func (r *Roots) load(directory string, name []byte, now time.Time) (*entry, *fault.Error) {
	e := &entry{key: key{directory, string(name)}, checked: now}
	root, err := r.directory(directory)
	if err != nil {
		r.forget(e.key)
		return nil, refusal(err)
	}
	defer root.Close()
	kind := typeOf(name)
	original, refused := openFile(root, e.name, kind, nil)
	if refused != nil {
		r.forget(e.key)
		return nil, refused
	}
	original.entry, e.files[0] = e, original
	for i := range codings {
		if kind.packed {
			break
		}
		copied, refused := openFile(root, e.name, kind, &codings[i])
		if refused != nil {
			continue
		}
		if copied.date.Before(original.date) {
			copied.open.Close()
			continue
		}
		copied.entry, e.files[1+i], e.varies = e, copied, true
	}
	e.users.Store(1)
	r.keep(e)
	return e, nil
}

// keep puts an entry in the place of an earlier one of its name, and lets others go that are too many.
func (r *Roots) keep(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.remove(r.kept[e.key])
	for _, other := range r.kept {
		if r.open+e.count() <= keptMax {
			break
		}
		r.remove(other)
	}
	e.users.Add(1)
	r.kept[e.key] = e
	r.setOpen(r.open + e.count())
	if r.sweeper == nil {
		r.sweeper = time.AfterFunc(sweepEvery, r.sweep)
	}
}

// forget removes the entry of a name that leads nowhere any more. Most such names never had one: asking for what is not
// there must not keep others waiting.
func (r *Roots) forget(k key) {
	r.mu.RLock()
	none := r.kept[k] == nil
	r.mu.RUnlock()
	if none {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(r.kept[k])
}

// remove takes an entry, which may be nil, out of the cache; mu is held.
func (r *Roots) remove(e *entry) {
	if e == nil {
		return
	}
	delete(r.kept, e.key)
	r.setOpen(r.open - e.count())
	e.release()
}

func (r *Roots) setOpen(n int) {
	r.open = n
	r.gauge.Set(int64(n))
}

// sweep closes what nobody has asked for since the last time: what is in use was looked up anew within keptFor.
func (r *Roots) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, e := range r.kept {
		if age := now.Sub(e.checked); age < 0 || age >= sweepEvery {
			r.remove(e)
		}
	}
	if r.sweeper = nil; len(r.kept) > 0 && !r.closed {
		r.sweeper = time.AfterFunc(sweepEvery, r.sweep)
	}
}
