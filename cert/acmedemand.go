package cert

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// demands are the names below wildcard hosts that clients have asked for. Handshakes read the map without a lock.
type demands struct {
	names  atomic.Pointer[map[string]*ordered]
	asking chan struct{} // places of those that ask --acme-ask

	mu      sync.Mutex
	waiting map[string]chan struct{} // closed when it is settled
	refused map[string]time.Time     // until when a name is not asked for again
	begun   []time.Time              // of orders, within the last minute
	told    time.Time                // when it was told that --acme-ask cannot be asked
}

func newDemands() *demands {
	return &demands{asking: make(chan struct{}, asksAtOnce), waiting: map[string]chan struct{}{}, refused: map[string]time.Time{}}
}

// demandable reports whether anything can be ordered on demand.
func (o *orders) demandable() bool {
	return o.opt.Dir != "" && !o.opt.ReadOnly && (len(o.opt.Allow) > 0 || o.opt.Ask != "")
}

// demand returns the certificate of a name below a wildcard host; nil if there is none now, and the local CA stands in. The first
// client to ask waits for the order, at most demandWait, as do those that come meanwhile.
func (o *orders) demand(ctx context.Context, name string) *leaf {
	if all := o.demands.names.Load(); all != nil && (*all)[name] != nil {
		return (*all)[name].leaf.Load()
	}
	done := o.demandFirst(name)
	if done == nil {
		return nil
	}
	timer := time.NewTimer(demandWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
	if all := o.demands.names.Load(); all != nil && (*all)[name] != nil {
		return (*all)[name].leaf.Load()
	}
	return nil
}

// demandFirst makes sure that somebody sees to a name; nil: it was refused a moment ago, or there is no room.
func (o *orders) demandFirst(name string) <-chan struct{} {
	d, now := o.demands, o.now()
	if !public(name) || o.taking.Err() != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if done := d.waiting[name]; done != nil {
		return done
	}
	if until, ok := d.refused[name]; ok && now.Before(until) || len(d.waiting) >= demandsAtOnce {
		return nil
	}
	done := make(chan struct{})
	d.waiting[name] = done
	o.running.Go(func() {
		again := o.settleDemand(name)
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting, name)
		if again > 0 {
			d.refuse(name, o.now().Add(again))
		}
		close(done)
	})
	return done
}

// refuse remembers a name until a time; where there are too many the others are forgotten: they are asked for again, no more.
func (d *demands) refuse(name string, until time.Time) {
	if len(d.refused) >= namesMax {
		clear(d.refused)
	}
	d.refused[name] = until
}

// settleDemand takes the certificate of a name from the storage, or orders it if that is allowed. What is there and in force serves also
// while --acme-ask cannot be asked: after a start no site must go because of that. Where there is none it returns how long
// the name is not to be asked for again.
func (o *orders) settleDemand(name string) (again time.Duration) {
	ctx, cancel := context.WithTimeout(o.ctx, o.patience())
	defer cancel()
	ok, err := o.allowed(ctx, name)
	if !ok && (err == nil || !o.inStorage(name)) {
		o.counts.refused.Inc()
		return refusedKept
	}
	if o.full() {
		o.counts.refused.Inc()
		if o.demands.mayOrder(o.now()) { // no event for each name that a client makes up
			o.meters.Events().Add("certificate_failed", fmt.Sprintf("no certificate for %s on demand: there are %d names, the limit", name, namesMax))
		}
		return refusedKept
	}
	m := o.of(name)[0]
	again = refusedKept
	if ok && m.leaf.Load() == nil && o.orderDemanded(ctx, m) {
		again = failedKept
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.leaf.Load() == nil {
		if !m.busy && !m.onDemand && !o.inUse[name] {
			delete(o.names, name) // nobody but a client wants it: such names must not fill all places there are
		}
		return again
	}
	m.onDemand = true
	if o.names[name] == nil { // a reload meanwhile let it go, as nobody's: it must be renewed
		o.names[name] = m
		o.gauge(m)
	}
	o.demands.publish(m)
	return 0
}

// orderDemanded orders for a client, and reports whether it did: there were not too many such orders, and nobody is at it.
func (o *orders) orderDemanded(ctx context.Context, m *ordered) bool {
	if !o.demands.mayOrder(o.now()) {
		o.counts.refused.Inc()
		return false
	}
	o.counts.demanded.Inc()
	o.mu.Lock()
	busy := m.busy
	m.busy = true
	o.mu.Unlock()
	if !busy {
		m.demanded = true
		o.attend(ctx, m)
	}
	return !busy
}

// publish lets handshakes find a name.
func (d *demands) publish(m *ordered) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := map[string]*ordered{m.name: m}
	if all := d.names.Load(); all != nil {
		for name, other := range *all {
			next[name] = other
		}
	}
	d.names.Store(&next)
}

// mayOrder takes one of the orders that a minute has.
func (d *demands) mayOrder(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun = slices.DeleteFunc(d.begun, func(at time.Time) bool { return now.Sub(at) >= time.Minute })
	if len(d.begun) >= demandsPerMinute {
		return false
	}
	d.begun = append(d.begun, now)
	return true
}

// mayTell reports whether it is to be told that --acme-ask cannot be asked: not for each name that a client makes up.
func (d *demands) mayTell(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if past := now.Sub(d.told); past >= 0 && past < askTold {
		return false
	}
	d.told = now
	return true
}

// inStorage reports whether the storage has a certificate in force.
func (o *orders) inStorage(name string) bool {
	s, _ := o.store.newest(*o.folders.Load(), name, o.now())
	return s != nil && s.leaf.inForce(o.now())
}

// allowed reports whether a name may be ordered: it is on the list, or the URL of --acme-ask says so. The error is that it cannot be asked.
func (o *orders) allowed(ctx context.Context, name string) (ok bool, err error) {
	if slices.Contains(o.opt.Allow, name) || slices.Contains(o.opt.Allow, "*."+parent(name)) {
		return true, nil
	}
	if o.opt.Ask == "" {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	select {
	case o.demands.asking <- struct{}{}:
		ok, err = o.ask(ctx, name)
		<-o.demands.asking
	case <-ctx.Done():
		err = fmt.Errorf("no answer within %v: %d others are being asked for", askTimeout, asksAtOnce)
	}
	if err != nil && o.demands.mayTell(o.now()) {
		o.meters.Events().Add("certificate_ask", "--acme-ask: "+told(err))
	}
	return ok, err
}

func (o *orders) ask(ctx context.Context, name string) (bool, error) {
	mark := "?"
	if strings.Contains(o.opt.Ask, "?") {
		mark = "&"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.opt.Ask+mark+"domain="+url.QueryEscape(name), nil)
	if err != nil {
		return false, err
	}
	resp, err := o.asker.Do(r)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, answerBytesMax))
	return resp.StatusCode == http.StatusOK, nil
}

// newAsker returns what --acme-ask is asked with: a redirect is no yes.
func newAsker() *http.Client {
	c := newClient(nil)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}
