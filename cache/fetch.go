package cache

import (
	"bytes"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/represent"
)

// turn is what a request does after it has waited for a fill.
type turn uint8

const (
	answered turn = iota
	passed        // the answer is somebody else's: ask for its own
	anew          // what came is not for this request: look again
)

// fetch answers with what a fill brings, one in flight or one of its own. old is what is stored and stale, nil for nothing.
func (s *Stage) fetch(x *exchange.Exchange, c *call, l *look, old *storage.Object) turn {
	var id []byte
	if s.collapse > 0 {
		id = idOf(x, l)
	}
	f, mine := s.keep.fills.join(id, s, false)
	if mine && !s.begin(f, x, l, old) || !mine && !f.enter() {
		return anew
	}
	w := waiter{stage: s, x: x, look: l, fill: f, mine: mine, old: old}
	if !mine {
		w.by = l.now.Add(s.collapse)
		x.Facts.Cache.Collapsed = true
	}
	return w.wait(c)
}

// enter counts one more that waits; false: nobody wanted the fill any more, and it is being ended.
func (f *fill) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase == asking && f.waiting == 0 && !f.behind {
		return false
	}
	f.waiting++
	return true
}

// leave counts one less. A fill that has no answer yet and that nobody wants is ended.
func (f *fill) leave() {
	f.mu.Lock()
	f.waiting--
	unwanted := f.unwanted()
	f.tell()
	f.mu.Unlock()
	if unwanted {
		f.stage.keep.fills.remove(f)
		f.abandon()
	}
}

// waiter is an exchange that waits for a fill.
type waiter struct {
	stage *Stage
	x     *exchange.Exchange
	look  *look
	fill  *fill
	mine  bool // it has begun the fill
	old   *storage.Object
	by    time.Time // when it gives up; zero: with the fill
	heard int       // interim answers that were passed on
}

// wait waits for the head, and does what is to be done with it.
func (w *waiter) wait(c *call) turn {
	defer w.fill.leave()
	f := w.fill
	p := patience{sink: w.x.Sink, by: w.by}
	defer p.end()
	for {
		f.mu.Lock()
		said := f.interim
		if f.phase != asking {
			f.mu.Unlock()
			w.tell(said)
			return w.take(c)
		}
		change := f.change()
		f.mu.Unlock()
		w.tell(said)
		switch p.wait(change) {
		case waitLate:
			w.stage.route.waited.Inc()
			w.stage.note(w.x, w.look, whyBusy)
			return passed
		case waitGone:
			w.x.Fail(errClientGone)
			return answered
		}
	}
}

var errClientGone = fault.New(fault.ClientGone, "the client left while its request waited for the cache to be filled")

// tell passes 1xx answers on.
func (w *waiter) tell(said []interim) {
	for ; w.heard < len(said) && w.x.Sink != nil; w.heard++ {
		if err := w.x.Sink.Interim(w.x, said[w.heard].status, said[w.heard].fields); err != nil {
			return // it shows when the answer is sent
		}
	}
}

// take answers with what the fill has brought.
func (w *waiter) take(c *call) turn {
	f, x := w.fill, w.x
	w.look.now = time.Now()
	f.mu.Lock()
	phase, status, why, err, object := f.phase, f.status, f.why, f.err, f.object
	if w.mine {
		w.log()
	}
	f.mu.Unlock()
	if err != errAgain && phase != valid && failure(err, status) && w.useOld() {
		return answered
	}
	switch {
	case phase == failed && err == errAgain:
		return anew
	case phase == failed:
		x.Fail(err)
		x.Facts.Cache.Outcome = exchange.CacheMiss
		return answered
	case phase == valid:
		if !w.fits(object.Signature()) {
			return anew
		}
		w.stage.serve(x, object, exchange.CacheRevalidated, w.look)
		return answered
	case phase == private && !w.mine && why == whyPurged:
		return anew
	case phase == private && !w.mine:
		w.stage.note(x, w.look, why)
		return passed
	case phase == flowing && !w.mine && !w.fits(f.vary):
		return anew
	}
	return w.read(c)
}

// fits reports whether an answer with a signature was made for this request.
func (w *waiter) fits(signature []byte) bool { return freshness.Matches(signature, w.look.fields) }

// log notes what asking the origin came to. The caller holds the fill's lock.
func (w *waiter) log() {
	to, from := &w.x.Facts.Origin, &w.fill.origin
	mirror := to.Mirror
	*to = *from
	to.Mirror = mirror
	if w.fill.firewall.Answer {
		w.x.Facts.Firewall.Verdict, w.x.Facts.Firewall.Answer = w.fill.firewall.Verdict, true
		w.x.Facts.Firewall.Rules = append(w.x.Facts.Firewall.Rules, w.fill.firewall.Rules...)
	}
	w.x.Facts.Encoding.Made, w.x.Facts.Encoding.Before = w.fill.made.Made, w.fill.made.Before
}

// useOld answers with what is stored, stale as it is, since the origin fails; if that may be.
func (w *waiter) useOld() bool {
	if w.old == nil || !w.stage.keep.afterFailure(w.old, w.look) {
		return false
	}
	w.x.Facts.Cache.Why = whyOrigin
	w.stage.serve(w.x, w.old, exchange.CacheStale, w.look)
	return true
}

// read answers with the fill's answer while it comes.
func (w *waiter) read(c *call) turn {
	f, x, s := w.fill, w.x, w.stage
	r := &reader{fill: f, x: x, sink: x.Sink}
	f.mu.Lock()
	why := f.why
	if f.base > 0 && f.spool == nil { // its beginning is gone
		f.mu.Unlock()
		s.note(x, w.look, why)
		return passed
	}
	f.readers = append(f.readers, r)
	trailers := f.trailers // there are none before the end
	size, whole := f.size, f.done && f.broken == nil
	if whole {
		size = f.come
	}
	f.mu.Unlock()
	c.reader = r
	x.Answer(f.status)
	x.Resp.Fields = append(x.Resp.Fields, f.head...)
	x.Resp.Trailers = append(x.Resp.Trailers, trailers...)
	cf := &x.Facts.Cache
	if cf.Outcome, cf.Why, cf.Stored = exchange.CacheMiss, why, why == ""; !cf.Stored {
		s.keep.misses.note(w.look.key, why)
	}
	if cf.Stored {
		setAge(x, f.terms.Age(w.look.now))
	}
	s.status(x, 0, w.look.forward)
	if f.status == 200 && represent.Asks(x.Req.Fields) {
		stored := describe(x, size, w.look.now)
		if s.part(x, &stored, r, nil) {
			return answered
		}
	}
	if size != 0 || len(trailers) > 0 {
		x.Resp.Body = r
	} else {
		r.Close()
	}
	return answered
}

// note says in log and list why a request was not answered from the store.
func (s *Stage) note(x *exchange.Exchange, l *look, why string) {
	x.Facts.Cache.Why = why
	s.keep.misses.note(l.key, why)
}

// reachable reports whether a request that asks for a range can be answered by a fill soon enough: its first byte is not far from the
// beginning.
func reachable(f exchange.Fields) bool {
	value := f.Get(exchange.NameRange)
	if value == nil {
		return true
	}
	_, list, ok := bytes.Cut(value, equals)
	if !ok || bytes.IndexByte(list, ',') >= 0 {
		return !ok
	}
	first := 0
	for i, c := range list {
		switch {
		case c == '-':
			return i > 0
		case c < '0' || c > '9':
			return true // malformed: it will be ignored
		}
		if first = first*10 + int(c-'0'); first > rangeAheadMax {
			return false
		}
	}
	return true
}

// patience waits for changes, and after a while also for the client to leave.
type patience struct {
	sink exchange.Sink
	by   time.Time // zero: no bound
	stop func()
	gone chan struct{}
}

type waited uint8

const (
	waitChanged waited = iota
	waitLate
	waitGone
)

// wait waits for a change.
func (p *patience) wait(change <-chan struct{}) waited {
	span := time.Duration(1<<63 - 1)
	if !p.by.IsZero() {
		span = time.Until(p.by)
	}
	if p.stop == nil && p.sink != nil {
		span = min(span, goneAfter)
	}
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-change:
		return waitChanged
	case <-p.gone:
		return waitGone
	case <-timer.C:
	}
	if !p.by.IsZero() && !time.Now().Before(p.by) {
		return waitLate
	}
	gone := make(chan struct{})
	p.gone = gone
	p.stop = p.sink.Watch(func() { close(gone) })
	return waitChanged
}

// end stops looking after the client.
func (p *patience) end() {
	if p.stop != nil {
		p.stop()
		p.stop, p.gone = nil, nil
	}
}
