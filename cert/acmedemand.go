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
		ok := o.settleDemand(name)
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting, name)
		if !ok {
			d.refuse(name, now)
		}
		close(done)
	})
	return done
}

// refuse remembers a name for a while; where there are too many the others are forgotten: they are asked for again, no more.
func (d *demands) refuse(name string, now time.Time) {
	if len(d.refused) >= namesMax {
		clear(d.refused)
	}
	d.refused[name] = now.Add(refusedKept)
}

// settleDemand takes the certificate of a name from the storage, or orders it if that is allowed, and reports whether there is one.
func (o *orders) settleDemand(name string) bool {
	ctx, cancel := context.WithTimeout(o.ctx, o.patience())
	defer cancel()
	if !o.allowed(ctx, name) {
		o.counts.refused.Inc()
		return false
	}
	if o.full() {
		o.counts.refused.Inc()
		if o.demands.mayOrder(o.now()) { // no event for each name that a client makes up
			o.meters.Events().Add("certificate_failed", fmt.Sprintf("no certificate for %s on demand: there are %d names, the limit", name, namesMax))
		}
		return false
	}
	m := o.of(name)
	if m.leaf.Load() == nil {
		o.orderDemanded(ctx, m)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.leaf.Load() == nil {
		if !m.busy && !m.onDemand && !o.inUse[name] {
			delete(o.names, name) // nobody but a client wants it: such names must not fill all places there are
		}
		return false
	}
	m.onDemand = true
	o.demands.publish(m)
	return true
}

// orderDemanded orders for a client, if there were not too many such orders and nobody is at it.
func (o *orders) orderDemanded(ctx context.Context, m *ordered) {
	if !o.demands.mayOrder(o.now()) {
		o.counts.refused.Inc()
		return
	}
	o.counts.demanded.Inc()
	o.mu.Lock()
	busy := m.busy
	m.busy = true
	o.mu.Unlock()
	if !busy {
		o.attend(ctx, m)
	}
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

// allowed reports whether a name may be ordered: it is on the list, or the URL of --acme-ask says so.
func (o *orders) allowed(ctx context.Context, name string) bool {
	if slices.Contains(o.opt.Allow, name) || slices.Contains(o.opt.Allow, "*."+parent(name)) {
		return true
	}
	if o.opt.Ask == "" {
		return false
	}
	select {
	case o.demands.asking <- struct{}{}:
		defer func() { <-o.demands.asking }()
	default:
		return false
	}
	ok, err := o.ask(ctx, name)
	if err != nil {
		o.meters.Events().Add("certificate_ask", "--acme-ask: "+told(err))
	}
	return ok
}

func (o *orders) ask(ctx context.Context, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
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
