package resolve

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"skerry.dev/skerry/spec"
)

// Follower keeps the addresses of one name fresh, on a goroutine of its own, until Close.
type Follower struct {
	r       *Resolver
	host    string
	dns     spec.DNS
	changed func([]netip.Addr)
	failed  func(error)
	soon    chan struct{} // room for one call
	cancel  context.CancelFunc
	done    chan struct{}

	// What the goroutine alone knows.
	good     []netip.Addr // of the last lookup that found any
	failures int          // since then
}

// Follow looks a host up at once, and again when the answer's TTL is over or Soon is called. changed hears of the first
// addresses and of every change of them, sorted, and owns what it is given; another order is no change. failed hears of
// every lookup that failed, found nothing included; the addresses heard of before stay good then, and the next lookup is
// after 1 s, 2 s, and so on to 30 s. Both are called by one goroutine, never at once, and must not call Close.
func (r *Resolver) Follow(host string, d spec.DNS, changed func([]netip.Addr), failed func(error)) *Follower {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Follower{
		r: r, host: host, dns: d, changed: changed, failed: failed,
		soon: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{}),
	}
	go f.run(ctx)
	return f
}

// Soon has the name looked up again now, or as soon as the last lookup is a second ago: connections to its addresses fail.
// It never waits and may be called by many at once.
func (f *Follower) Soon() {
	select {
	case f.soon <- struct{}{}:
	default: // somebody said so already
	}
}

// Close ends the following. When it returns, neither changed nor failed is running or will be called.
func (f *Follower) Close() {
	f.cancel()
	<-f.done
}

func (f *Follower) run(ctx context.Context) {
	defer close(f.done)
	for ctx.Err() == nil {
		f.pause(ctx, f.look(ctx))
	}
	if f.failures > 0 {
		f.r.failing.Add(-1)
	}
}

// look is one lookup. It returns the time to the next one.
func (f *Follower) look(ctx context.Context) time.Duration {
	a, err := f.r.Lookup(ctx, f.host, f.dns)
	switch {
	case ctx.Err() != nil:
		return 0
	case err != nil:
		return f.ill(err)
	}
	if f.failures > 0 {
		f.failures = 0
		f.r.failing.Add(-1)
		f.r.events.Add("dns", fmt.Sprintf("%q is looked up again: %v, says %s", f.host, a.Addrs, a.From))
	}
	if !slices.Equal(a.Addrs, f.good) {
		f.good = slices.Clone(a.Addrs)
		f.changed(a.Addrs)
	}
	return a.TTL
}

// ill keeps what was good.
func (f *Follower) ill(err error) time.Duration {
	if f.failures == 0 {
		f.r.failing.Add(1)
		kept := "it has had no address yet"
		if len(f.good) > 0 {
			kept = fmt.Sprintf("its last addresses stay: %v", f.good)
		}
		f.r.events.Add("dns", err.Error()+"; "+kept)
	}
	f.failures++
	f.failed(err)
	return backoff(f.failures)
}

// backoff is the time to wait after so many failures in a row, spread so that many edges do not ask at once.
func backoff(failures int) time.Duration {
	wait := backoffMax
	if n := failures - 1; n < 5 {
		wait = min(backoffMin<<n, backoffMax)
	}
	return time.Duration(float64(wait) * (1 - backoffSpread + 2*backoffSpread*rand.Float64()))
}

// pause waits, shorter if Soon is called.
func (f *Follower) pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	began := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-f.soon:
			timer.Reset(min(wait, soonMin) - time.Since(began))
		}
	}
}
