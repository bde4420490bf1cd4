package peer

import (
	"context"
	"slices"
	"time"

	"skerry.dev/skerry/fault"
)

// This file is about peers of HTTP/2, whose connections are shared. Requests go over as few of them as do: the first one that is
// not busy. Where all are, another is made beside them, while there are fewer than processors: one goroutine reads a connection, so
// one alone is one processor's. Where all are full another is made in any case, and whoever finds no place meanwhile waits for
// that one.

// dialling is a connection in the making, and who waits for a place on it.
type dialling struct{ waiters []*waiter }

// waiter is somebody who waits for a place. What comes is a place, or an error, or neither: the places did not reach.
type waiter struct {
	dial *dialling
	got  chan handed
}

type handed struct {
	conn *Conn
	err  error
}

// The errors of a new line without a place.
var (
	errNoPlace = fault.New(fault.OriginProtocol, "the origin lets no request begin: its SETTINGS_MAX_CONCURRENT_STREAMS is 0 (protocol: http2)")
	errEnded   = fault.New(fault.OriginClosed, "the origin ended the connection before a request could begin on it (protocol: http2)")
)

// none is why there is no place on a new line.
func (l *line) none() error {
	if l.client.Leaving() {
		return l.peer.explain(l.tls, errEnded)
	}
	return errNoPlace
}

// pick takes a place on one of the lines; nil: there is none.
func (p *Peer) pick(at time.Duration) *Conn {
	list := p.lines()
	var least *line
	var open int64
	for _, l := range list {
		if at >= l.ends {
			l.retire(endAge)
			continue
		}
		n := l.open.Load()
		if n < busyExchanges {
			if c := l.place(); c != nil {
				return c
			}
		} else if least == nil || n < open {
			least, open = l, n
		}
	}
	if least == nil {
		return nil
	}
	if c := least.place(); c != nil {
		p.widen(at, len(list))
		return c
	}
	for _, l := range list {
		if c := l.place(); c != nil {
			return c
		}
	}
	return nil
}

// lines are those on which an exchange may begin, for all one knows: the oldest first. The list is never changed.
func (p *Peer) lines() []*line {
	if list := p.shared.Load(); list != nil {
		return *list
	}
	return nil
}

// drop takes a line out of the list.
func (p *Peer) drop(l *line) {
	if !slices.Contains(p.lines(), l) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.without(l)
}

// without is drop for who holds mu.
func (p *Peer) without(l *line) {
	rest := slices.DeleteFunc(slices.Clone(p.lines()), func(o *line) bool { return o == l })
	p.shared.Store(&rest)
}

// surplus takes a line without exchanges out of the list, and reports true, if there are more than keepAlive.max of them.
func (p *Peer) surplus(l *line) bool {
	most := p.limits.Keep.Max
	if len(p.lines()) <= most {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resting() <= most || !slices.Contains(p.lines(), l) {
		return false
	}
	p.without(l)
	return true
}

// resting is how many lines have no exchange now.
func (p *Peer) resting() (n int) {
	for _, l := range p.lines() {
		if l.open.Load() == 0 {
			n++
		}
	}
	return n
}

// dialShared waits for a place on a connection that is in the making, or makes one. Nobody has to make it alone: the connection is
// made also if who asked first leaves.
func (p *Peer) dialShared(ctx context.Context) (*Conn, error) {
	for {
		seen := p.shared.Load()
		if c := p.pick(p.keeper.at(time.Now())); c != nil {
			return c, nil
		}
		w, err := p.wait(seen)
		switch {
		case err != nil:
			return nil, err
		case w == nil:
			continue
		}
		select {
		case h := <-w.got:
			if h.conn != nil || h.err != nil {
				return h.conn, h.err
			}
		case <-ctx.Done():
			p.quit(w)
			return nil, p.dialError(ctx, "connect to ", ctx.Err())
		}
	}
}

// wait queues for a place on a new connection. It does not, and returns nothing, if the list is not the one any more on which there
// was no place.
func (p *Peer) wait(seen *[]*line) (*waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shared.Load() != seen {
		return nil, nil
	}
	each := p.carries.Load()
	at := slices.IndexFunc(p.dials, func(d *dialling) bool { return int64(len(d.waiters)) < each })
	if at < 0 && p.enter() {
		at = len(p.dials)
		if err := p.begin(); err != nil {
			p.open.Add(-1)
			return nil, err
		}
	}
	if at < 0 && len(p.dials) == 0 {
		p.keeper.full.Inc()
		return nil, ErrFull
	}
	d := p.dials[max(at, 0)] // it may have more places than expected
	w := &waiter{dial: d, got: make(chan handed, 1)}
	d.waiters = append(d.waiters, w)
	return w, nil
}

// quit takes back that somebody waits.
func (p *Peer) quit(w *waiter) {
	p.mu.Lock()
	d := w.dial
	at := slices.Index(d.waiters, w)
	if at >= 0 {
		d.waiters = slices.Delete(d.waiters, at, at+1)
	}
	p.mu.Unlock()
	if at >= 0 {
		return
	}
	if h := <-w.got; h.conn != nil { // it has come at the same moment
		h.conn.Close()
	}
}

// widen makes a connection beside busy ones, for those who come later.
func (p *Peer) widen(at time.Duration, have int) {
	not := p.calm.Load()
	if have >= len(p.shards) || at < time.Duration(not) || !p.calm.CompareAndSwap(not, int64(never)) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.dials) > 0 || !p.enter() || p.begin() != nil {
		p.calm.Store(int64(at + widenAgain))
	}
}

// begin has a connection made that counts as open already. The caller holds mu.
func (p *Peer) begin() error {
	d := new(dialling)
	if !p.keeper.background(func() { p.bring(d) }) {
		return errStopped
	}
	p.dials = append(p.dials, d)
	return nil
}

// bring makes a connection, and gives its places to those who wait, before it is everybody's.
func (p *Peer) bring(d *dialling) {
	l, err := p.makeLine(context.Background(), false)
	if err != nil {
		p.open.Add(-1)
		p.calm.Store(int64(p.keeper.at(time.Now()) + widenAgain))
		tell(p.finish(d, nil), handed{err: err})
		return
	}
	p.calm.Store(0)
	var given []*waiter
	var places []*Conn
	for w := p.next(d, l); w != nil; w = p.next(d, l) {
		c := l.place()
		if c == nil {
			var rest handed
			if len(given) == 0 {
				rest.err = l.none()
			}
			tell(append(p.finish(d, l), w), rest)
			break
		}
		given, places = append(given, w), append(places, c)
	}
	for i, w := range given { // now that the line is everybody's, who is done with it at once finds it again
		w.got <- handed{conn: places[i]}
	}
	if why := p.releasedBy(); why != endNone {
		l.retire(why)
	} else if l.open.Load() == 0 {
		l.rest()
	}
}

func tell(all []*waiter, h handed) {
	for _, w := range all {
		w.got <- h
	}
}

// next is who waits for a place on a new line. When nobody does any more the line is everybody's.
func (p *Peer) next(d *dialling, l *line) *waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(d.waiters) == 0 {
		p.publish(d, l)
		return nil
	}
	w := d.waiters[0]
	d.waiters = d.waiters[1:]
	return w
}

// finish ends a dial: for nothing, or with a line that had fewer places than were waited for. It returns who still waits.
func (p *Peer) finish(d *dialling, l *line) []*waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publish(d, l)
	rest := d.waiters
	d.waiters = nil
	return rest
}

// publish ends a dial; the line it made, if it did, is everybody's, unless nobody holds the peer any more. The caller holds mu.
func (p *Peer) publish(d *dialling, l *line) {
	p.dials = slices.DeleteFunc(p.dials, func(o *dialling) bool { return o == d })
	if l != nil && p.gone == endNone {
		list := append(slices.Clone(p.lines()), l)
		p.shared.Store(&list)
		if l.life.Load() == lineOver { // it looked for itself in the list too early
			p.without(l)
		}
	}
}

// releasedBy is why no line may stay; endNone: it may.
func (p *Peer) releasedBy() ending {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// shutShared retires every line, now and later.
func (p *Peer) shutShared(why ending) {
	p.mu.Lock()
	list := p.lines()
	p.gone = why
	p.shared.Store(nil)
	p.mu.Unlock()
	for _, l := range list {
		l.retire(why)
	}
}

// expireShared retires the lines that have had no exchange for too long, and returns when the first of the rest will have.
func (p *Peer) expireShared(now time.Duration) time.Duration {
	next := never
	for _, l := range p.lines() {
		why, at := l.expired(now)
		if why != endNone {
			l.retire(why)
		}
		next = min(next, at)
	}
	return next
}
