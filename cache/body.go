package cache

import (
	"io"
	"slices"
	"time"

	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// body is the body of a fill, as far as it has come: in pieces, of which those before base are gone, or lie below memory.
type body struct {
	pieces   [][]byte
	base     int64 // offset of the first piece
	come     int64 // bytes that have come
	reserved int64 // of the store's budget
	spool    storage.Spool
	given    storage.Spool // given up: nothing is appended any more, but who is behind goes on reading from it
	window   bool          // not all of it is kept: who writes does not run away from who reads
	done     bool
	broken   error // it broke off
}

// place says where the body of an answer that may be stored will be, by its size if that is known; or why it will not be.
func (f *fill) place() (why string) {
	store := f.stage.keep.store
	switch {
	case f.size > f.stage.objectMax:
		return whyLarge
	case f.size > store.MemoryObjectMax():
		if f.spool = store.Begin(f.size); f.spool == nil {
			return whyLarge
		}
		f.window = true
	case f.size > 0:
		if !store.Reserve(f.size) {
			return whyBudget
		}
		f.reserved = f.size
	}
	return ""
}

// pull moves the body from the origin to who reads. If hidden nobody sees the head before the end, or an error, or a wait.
func (f *fill) pull(t *exchange.Exchange, hidden bool) error {
	b := t.Resp.Body
	ready, _ := b.(exchange.Ready)
	for {
		if hidden && (ready == nil || !ready.Ready()) {
			hidden = false
			f.offer()
		}
		view, err := b.Next()
		t.Resp.Sent += int64(len(view))
		if len(view) > 0 {
			if err := f.add(view); err != nil {
				return err
			}
			if !hidden {
				f.mu.Lock()
				f.tell()
				f.mu.Unlock()
			}
		}
		if err == io.EOF {
			f.finish(t)
			return nil
		}
		if err != nil {
			f.breakOff(err)
			return err
		}
		if err := f.pace(); err != nil {
			return err
		}
	}
}

// breakOff ends a body that is not whole. Who reads it hears of that behind its last byte.
func (f *fill) breakOff(err error) {
	f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offered()
	f.done, f.broken = true, err
	f.tell()
}

// add appends to the body.
func (f *fill) add(view []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := int64(len(view))
	if f.why == "" && f.phase != private && f.spool == nil && f.size < 0 {
		f.grow(n)
	}
	if f.spool != nil {
		f.mu.Unlock()
		err := f.spool.Append(view)
		f.mu.Lock()
		if err != nil {
			f.outgrow(whyBudget)
		}
	}
	for len(view) > 0 {
		last := len(f.pieces) - 1
		if last < 0 || len(f.pieces[last]) == cap(f.pieces[last]) {
			f.pieces = append(f.pieces, make([]byte, 0, f.pieceSize(int64(len(view)))))
			last++
		}
		p := f.pieces[last]
		k := copy(p[len(p):cap(p)], view)
		f.pieces[last], view = p[:len(p)+k], view[k:]
	}
	f.come += n
	f.trim()
	return nil
}

// pieceSize is the size of the next piece.
func (f *fill) pieceSize(need int64) int64 {
	switch {
	case f.size > 0 && !f.window:
		return f.size // all of it in one
	case f.window:
		return need
	case f.come == 0:
		return pieceBytes
	}
	return largePieceBytes
}

// grow sees to it that a body of unknown size has room, moves it below memory when it is too large for it, and stops storing it
// when it is too large for that. The caller holds mu.
func (f *fill) grow(n int64) {
	store, size := f.stage.keep.store, f.come+n
	switch {
	case size > f.stage.objectMax:
		f.outgrow(whyLarge)
	case size > store.MemoryObjectMax():
		if f.spool = store.Begin(-1); f.spool == nil {
			f.outgrow(whyLarge)
			return
		}
		for _, p := range f.pieces {
			if f.spool.Append(p) != nil {
				f.outgrow(whyBudget)
				return
			}
		}
		f.window = true
	case size > f.reserved:
		more := max(largePieceBytes, n)
		if f.come == 0 {
			more = max(pieceBytes, n)
		}
		if !store.Reserve(more) {
			f.outgrow(whyBudget)
			return
		}
		f.reserved += more
	}
}

// outgrow stops storing an answer that others read already: they get the rest, and nobody else. The caller holds mu.
func (f *fill) outgrow(why string) {
	f.why, f.window = why, true
	if f.spool != nil {
		f.spool.Close()
		f.given, f.spool = f.spool, nil
	}
	f.stage.keep.marks.add(f.key)
	f.stage.keep.fills.remove(f)
}

// drop gives back what was held for the body. The caller holds mu.
func (f *fill) drop() {
	f.unreserve()
	if f.spool != nil && f.object == nil {
		f.spool.Close()
	}
}

func (f *fill) unreserve() {
	if f.reserved > 0 {
		f.stage.keep.store.Unreserve(f.reserved)
		f.reserved = 0
	}
}

// unwanted reports whether nobody waits for what is not stored. The caller holds mu.
func (f *fill) unwanted() bool {
	return !f.done && (f.phase == asking || f.why != "") && len(f.readers)+f.waiting == 0 && !f.behind
}

// keepFrom is the offset from which on pieces are needed. The caller holds mu.
func (f *fill) keepFrom() int64 {
	switch {
	case !f.window && f.phase != private:
		return 0
	case f.spool != nil:
		return f.come - windowBytes
	}
	from := f.come
	if f.phase == asking || f.waiting > 0 {
		from = f.base
	}
	for _, r := range f.readers {
		from = min(from, r.at)
	}
	return from
}

// trim lets go of pieces that nobody needs in memory any more. The caller holds mu.
func (f *fill) trim() {
	from, n := f.keepFrom(), 0
	for n < len(f.pieces) && f.base+int64(len(f.pieces[n])) <= from {
		f.base += int64(len(f.pieces[n]))
		n++
	}
	f.pieces = slices.Delete(f.pieces, 0, n)
}

// pace waits until a reader is near enough: the fastest where what the others need lies below memory, otherwise the slowest. An
// answer that is not stored ends when nobody reads it any more.
func (f *fill) pace() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var since time.Time
	for {
		switch {
		case f.cut, f.unwanted():
			return errUnwanted
		case len(f.readers) == 0 && f.waiting == 0, !f.window && f.phase != private, f.come-f.pacer() < f.ahead():
			return nil
		}
		if since.IsZero() {
			since = time.Now()
		}
		change := f.change()
		f.mu.Unlock()
		timer := time.NewTimer(behindGrace - time.Since(since))
		select {
		case <-change: // readers that close tell too
			timer.Stop()
		case <-timer.C:
		}
		f.mu.Lock()
		if time.Since(since) >= behindGrace {
			f.leaveBehind()
			since = time.Now()
		}
	}
}

// leaveBehind breaks off who is so far behind that others, who have all that has come, wait for it. It happens only where an answer
// of unknown length has outgrown what may be stored, or the disk has failed, while several read it. The caller holds mu.
func (f *fill) leaveBehind() {
	here := func(r *reader) bool { return r.at == f.come }
	if f.spool != nil || !slices.ContainsFunc(f.readers, here) {
		return
	}
	f.readers = slices.DeleteFunc(f.readers, func(r *reader) bool {
		r.lost = f.come-r.at >= f.ahead()
		return r.lost
	})
	f.tell()
}

// ahead is how far the fill may run ahead of who reads. The caller holds mu.
func (f *fill) ahead() int64 {
	if f.spool == nil {
		return privateBytes
	}
	return windowBytes
}

// errUnwanted ends a fill whose answer is neither stored nor read.
var errUnwanted = fault.New(fault.ClientGone, "the client left while the answer was read for it")

// pacer is the offset of the reader that the fill waits for. The caller holds mu.
func (f *fill) pacer() int64 {
	if len(f.readers) == 0 {
		return 0 // who waits will read from the beginning
	}
	at := f.readers[0].at
	for _, r := range f.readers[1:] {
		if f.spool != nil {
			at = max(at, r.at)
		} else {
			at = min(at, r.at)
		}
	}
	return at
}

// view returns bytes from an offset on, if they have come: a piece of memory, or read into buf from below. The caller holds mu,
// which is let go meanwhile.
func (f *fill) view(off int64, buf []byte) ([]byte, error) {
	if off < f.base {
		spool, n := f.spool, min(int64(len(buf)), f.base-off)
		if spool == nil {
			spool = f.given
		}
		if spool == nil {
			return nil, errGone
		}
		f.mu.Unlock()
		k, err := spool.ReadAt(buf[:n], off)
		f.mu.Lock()
		if k > 0 {
			err = nil
		}
		return buf[:k], endOf(err)
	}
	at := f.base
	for _, p := range f.pieces {
		if end := at + int64(len(p)); off < end {
			return p[off-at : len(p) : len(p)], nil
		}
		at += int64(len(p))
	}
	return nil, errGone
}

var errGone = fault.New(fault.Internal, "the beginning of the answer is not kept any more")

var _ exchange.Sink = (*fill)(nil)
