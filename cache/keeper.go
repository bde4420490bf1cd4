package cache

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// Options are what a Keeper is made with.
type Options struct {
	Bytes     int64        // of memory for what is stored; 0: bytesDefault
	Dir       string       // of the store below memory; empty: none
	DiskBytes int64        // that it may have
	Late      bool         // another process has the directory, and serves: it is opened by Attach, and nothing is asked for before Begin
	Secrets   spec.Secrets // of the probe's identities
	Meters    *meter.Set
	Idle      bool // for plans that are only looked at: nothing is opened, nothing runs
}

// Keeper is what outlives plans: the store, the fills in flight, and what is known of routes.
type Keeper struct {
	store   *storage.Store
	disk    atomic.Pointer[disk.Disk]    // nil: none, or not yet
	late    Options                      // of the disk that is to come; zero: none is
	lent    atomic.Bool                  // requests pass: another process serves
	tell    atomic.Pointer[func([]byte)] // that process; nil: there is none
	doubted atomic.Uint64                // what has a lower number and is softened is validated before it is given
	meters  *meter.Set
	secrets spec.Secrets
	idle    bool
	fills   fills
	marks   marks
	misses  misses
	running sync.WaitGroup // fills, and what the keeper does by itself
	quit    chan struct{}  // closed: the process ends
	close   sync.Once
	mu      sync.Mutex
	routes  map[string]*route
	tasks   []*task
	// What was compiled last, and of which policy.
	lastPolicy spec.Policy
	lastRules  *rules
	stages     map[string]*Stage // of the plan in force, by route
	begun      bool              // it may ask for something by itself
	working    bool
	retired    bool // nothing is stored any more
	// Of routes, over restarts; where there is a disk.
	turnsFile string // empty: not ours to write
	known     map[string]turned
	read      map[string]turned // what the file said at start, of one that is another process's
	process   []byte            // tells its keys of QUERYs from those of others; never nil, empty without a disk
}

// NewKeeper opens the store. It fails if the directory cannot be used.
func NewKeeper(o Options) (*Keeper, error) {
	k := &Keeper{meters: o.Meters, secrets: o.Secrets, idle: o.Idle, quit: make(chan struct{}), routes: map[string]*route{}, process: []byte{}, begun: !o.Late}
	var below storage.Below
	if o.Dir != "" && !o.Idle {
		k.process = []byte(rand.Text())
		if o.Late {
			k.late = o
			k.peekTurns(o.Dir)
		} else {
			d, err := disk.Open(o.Dir, disk.Options{Bytes: o.DiskBytes, Meters: o.Meters, Older: uint64(time.Now().UnixMicro())})
			if err != nil {
				return nil, fmt.Errorf("--cache-disk: %w", err)
			}
			k.disk.Store(d)
			below = d
			k.loadTurns(o.Dir)
		}
	}
	if o.Bytes == 0 {
		o.Bytes = bytesDefault
	}
	k.store = storage.New(storage.Options{Bytes: o.Bytes, Below: below, Late: k.late.Dir != "", Meters: o.Meters})
	k.doubted.Store(k.store.Number()) // earlier processes have given lower ones
	k.fills.init()
	k.marks.init()
	k.misses.init()
	return k, nil
}

// purge puts a purge in force, also for what is being fetched.
func (k *Keeper) purge(p storage.Purge) (storage.Purge, error) {
	p, err := k.store.Purge(p)
	k.fills.forget(nil)
	if err == nil {
		k.told(p)
	}
	return p, err
}

// Budget is how many bytes of memory are in use, and how many may be.
func (k *Keeper) Budget() (used, most int64) { return k.store.Budget() }

// Close waits for the fills in flight, those that nobody reads included, for closeGrace; then they are cut. What waits for the disk is
// written.
func (k *Keeper) Close() {
	k.close.Do(func() {
		k.mu.Lock()
		close(k.quit)
		k.mu.Unlock()
		done := make(chan struct{})
		go func() { k.running.Wait(); close(done) }()
		grace := time.NewTimer(closeGrace)
		defer grace.Stop()
		select {
		case <-done:
		case <-grace.C:
			k.fills.cut()
			<-done
		}
		k.store.Close()
		k.closeDisk()
	})
}

// route is what is known of a route, whatever its plan.
type route struct {
	label    string
	keep     *Keeper
	made     sync.Once
	leak     atomic.Pointer[Leak]
	queried  atomic.Bool // a QUERY came: keys have bodies in them
	outcomes [6]*meter.Counter
	fills    *meter.Counter
	waited   *meter.Counter
	saved    *meter.Counter
	suspects map[string]*meter.Counter
	rules    string // of storing, in force; empty: there is no cache, or it was never in force. Guarded by the keeper's mu
	turns    int64  // how often they have changed
	turned   atomic.Pointer[[]byte]
	samples  [samplesMax]atomic.Pointer[string] // addresses that were stored lately
	sampled  atomic.Uint32
}

// rulesOf compiles what a policy says of requests, or returns what it has compiled last: routes with one policy follow each other.
func (k *Keeper) rulesOf(p *spec.Policy) *rules {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lastRules == nil || k.lastPolicy.Cache != p.Cache || k.lastPolicy.TLS != p.TLS || k.lastPolicy.CORS != p.CORS ||
		k.lastPolicy.Forwarded != p.Forwarded || k.lastPolicy.Path != p.Path {
		k.lastPolicy, k.lastRules = *p, newRules(p)
	}
	return k.lastRules
}

// routeOf returns what is known of a route. Rules of storing that are not those under which it leaked give it another chance.
func (k *Keeper) routeOf(label, rules string) *route {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.routes[label]
	if r == nil {
		r = k.newRoute(label)
		r.begin(k.known[label], k.known[everyRoute].Turns)
		k.routes[label] = r
	}
	if l := r.leak.Load(); l != nil && l.rules != rules && !k.idle {
		r.leak.Store(nil)
	}
	return r
}

func (k *Keeper) newRoute(label string) *route {
	return &route{label: label, keep: k}
}

// ready makes the route's metrics, when the first request comes: of thousands of routes most never see one.
func (r *route) ready() { r.made.Do(r.meter) }

func (r *route) meter() {
	k, label := r.keep, r.label
	r.suspects = map[string]*meter.Counter{}
	for o := range r.outcomes {
		if name := exchange.CacheOutcome(o).String(); name != "" {
			r.outcomes[o] = k.meters.Counter("skerry_cache_requests_total", "Requests of routes with a cache, by where the answer came from.",
				"route", label, "outcome", name)
		}
	}
	r.fills = k.meters.Counter("skerry_cache_fills_total", "Answers that were fetched for the cache.", "route", label)
	r.waited = k.meters.Counter("skerry_cache_waited_total", "Requests that gave up waiting for what another had asked for (cache.collapse).", "route", label)
	r.saved = k.meters.Counter("skerry_cache_saved_bytes_total", "Bytes of bodies that came from the cache.", "route", label)
	for _, why := range []string{whyBody, whyOverride, whyKey, whyUnkeyed} {
		r.suspects[why] = k.meters.Counter("skerry_cache_suspects_total",
			"Requests that were kept away from the cache because they look like an attempt to poison it.", "route", label, "why", why)
	}
}

func (r *route) count(o exchange.CacheOutcome) {
	if c := r.outcomes[o]; c != nil {
		c.Inc()
	}
}

func (r *route) served(bytes int64) { r.saved.Add(uint64(bytes)) }

// suspect counts a request that passes for a reason that looks like an attempt to poison the cache.
func (r *route) suspect(why string) {
	if c := r.suspects[why]; c != nil {
		c.Inc()
	}
}

func (r *route) leaked() bool { return r.leak.Load() != nil }

// note remembers an address that was stored, for the probe.
func (r *route) note(target string) {
	r.samples[r.sampled.Add(1)%samplesMax].Store(&target)
}

// news returns the addresses that were stored since so many had been, each once, and how many have been now. Where there are none it is
// the one after the last that was returned for want of new ones.
func (r *route) news(since uint32, round int) (list []string, stored uint32) {
	stored = r.sampled.Load()
	for i := range min(stored-since, samplesMax) {
		if t := r.samples[(stored-i)%samplesMax].Load(); t != nil && !slices.Contains(list, *t) {
			list = append(list, *t)
		}
	}
	if t := r.samples[uint(round)%samplesMax].Load(); t != nil && len(list) == 0 {
		list = append(list, *t)
	}
	return list, stored
}

// Leak is an answer of one identity that another got.
type Leak struct {
	URL   string    `json:"url"`
	Text  string    `json:"text"`
	Time  time.Time `json:"time"`
	rules string
}
