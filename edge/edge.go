package edge

import (
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/listen"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/wire/h1"
)

// Options are the settings of the process. The zero value of each is its default.
type Options struct {
	HTTP         []string          // listen addresses for plain HTTP; required
	Guard        plan.Guard        // what origin addresses are refused
	AllowShrink  bool              // take a reload that removes every entrypoint, or more than half of ten or more
	DrainDelay   time.Duration     // not ready, but still accepting
	DrainTimeout time.Duration     // from the end of the delay to the hard stop
	Log          io.Writer         // one JSON line per exchange and event; nil: none
	Tell         func(meter.Event) // hears of every event beside the log; must not block; nil: nobody
	Meters       *meter.Set        // nil: a new one
	Timeouts     h1.Timeouts       // of client connections
	Conns        int               // open client connections at most; 0: by the process's descriptors
}

// Edge is a running edge: made by New, given plans by Activate, opened by Start, ended by Drain.
type Edge struct {
	opt       Options
	meters    *meter.Set
	log       *observe.Log
	keepers   *plan.Keepers
	active    atomic.Pointer[active]
	server    h1.Server
	sockets   *listen.Set
	draining  atomic.Bool
	hurry     chan struct{} // closed: no more waiting
	hurried   sync.Once
	mu        sync.Mutex // one activation at a time
	unmatched *observe.Route
}

// active is a plan with what observes its routes.
type active struct {
	plan   *plan.Plan
	routes []*observe.Route // by target index
	since  time.Time
}

// New returns an edge without a plan.
func New(opt Options) *Edge {
	if opt.Meters == nil {
		opt.Meters = meter.NewSet()
	}
	e := &Edge{opt: opt, meters: opt.Meters, hurry: make(chan struct{})}
	e.keepers = plan.NewKeepers(opt.Guard, e.meters)
	e.unmatched = observe.RouteMetrics(e.meters, "", "")
	if opt.Log != nil {
		e.log = observe.NewLog(opt.Log, e.meters)
	}
	e.meters.Events().Listen(e.hear)
	e.server.Handler = e.serve
	e.server.Timeouts = opt.Timeouts
	e.server.Panicked = func(what string) {
		e.meters.Counter("skerry_panics_total", "Connections ended by a panic outside a stage: bugs, please report.").Inc()
		e.meters.Events().Add("panic", what)
	}
	e.server.Open = e.meters.Gauge("skerry_connections_open", "Client connections open now.")
	return e
}

// Compile says whether a spec can be served, without serving it.
func Compile(s *spec.Spec, guard plan.Guard) (*plan.Plan, []fault.Problem) {
	p, problems := plan.Compile(s, plan.IdleKeepers(guard))
	if p != nil {
		defer p.Release()
	}
	return p, problems
}

// Activate puts a spec in force: exchanges that begin from now on see it, those in flight finish on the one before. With
// problems nothing changes.
func (e *Edge) Activate(s *spec.Spec) []fault.Problem {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.active.Load()
	if old != nil && !e.opt.AllowShrink {
		if p := spec.ShrinkProblem(old.plan.Spec, s); p != nil {
			return []fault.Problem{*p}
		}
	}
	p, problems := plan.Compile(s, e.keepers)
	if len(problems) > 0 {
		return problems
	}
	a := &active{plan: p, since: time.Now(), routes: make([]*observe.Route, len(p.Routes))}
	for i := range p.Routes {
		t := p.Routes[i].Target
		a.routes[i] = observe.RouteMetrics(e.meters, t.Entrypoint.Meta.Name, t.Route.Name)
	}
	e.active.Store(a)
	e.meters.Counter("skerry_plan_activations_total", "Plans put in force.").Inc()
	if old == nil {
		e.meters.Events().Add("activated", count(len(s.Entrypoints), "entrypoint")+", "+s.Hash)
		return nil
	}
	e.meters.Events().Add("reloaded", spec.Diff(old.plan.Spec, s).String()+", "+s.Hash)
	old.plan.Release()
	e.forget(old.plan.Spec, s)
	return nil
}

// forget drops the series of entrypoints that are gone.
func (e *Edge) forget(old, new *spec.Spec) {
	kept := map[string]bool{}
	for _, ep := range new.Entrypoints {
		kept[ep.Meta.Name] = true
	}
	for _, ep := range old.Entrypoints {
		if !kept[ep.Meta.Name] {
			e.meters.Drop("entrypoint", ep.Meta.Name)
		}
	}
}

// count says how many there are of something.
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return strconv.Itoa(n) + " " + of + "s"
}

// hear passes an event on to the log and to who asked for it.
func (e *Edge) hear(ev meter.Event) {
	if e.log != nil {
		e.log.Event(ev)
	}
	if e.opt.Tell != nil {
		e.opt.Tell(ev)
	}
}

// Spec returns the spec in force, nil if there is none.
func (e *Edge) Spec() *spec.Spec {
	if a := e.active.Load(); a != nil {
		return a.plan.Spec
	}
	return nil
}

// Plan returns the view of the plan in force, nil if there is none.
func (e *Edge) Plan() any {
	if a := e.active.Load(); a != nil {
		return a.plan.View()
	}
	return nil
}

// Start opens the listeners and serves. There must be a plan.
func (e *Edge) Start() error {
	if e.active.Load() == nil {
		return errors.New("BUG: edge started without a plan")
	}
	listeners := make([]listen.Listener, len(e.opt.HTTP))
	for i, addr := range e.opt.HTTP {
		listeners[i].Addr = addr
	}
	var err error
	if e.sockets, err = listen.Open(listeners, listen.Options{Conns: e.opt.Conns, Full: e.server.Shed, Meters: e.meters}); err != nil {
		return err
	}
	e.sockets.Serve(func(c net.Conn, t *exchange.TLS, _ string) { e.server.Serve(c, t) })
	return nil
}

// Addrs returns the addresses of the HTTP listeners.
func (e *Edge) Addrs() []net.Addr { return e.sockets.Addrs() }

// Ready says whether the edge wants traffic, and why not.
func (e *Edge) Ready() (ready bool, reason string) {
	switch {
	case e.draining.Load():
		return false, "draining: the process was told to stop"
	case e.active.Load() == nil:
		return false, "no plan is in force yet"
	}
	return true, ""
}

// serve is the life of a request outside its stages.
func (e *Edge) serve(x *exchange.Exchange) (complete bool) {
	a := e.active.Load() // once: the exchange stays on this plan to its end
	path, i := a.plan.Match(x)
	complete = path.Run(x)
	x.End = time.Now()
	x.Facts.Entry.BytesOut = x.Resp.Sent
	route := e.unmatched
	if i != plan.NoRoute {
		route = a.routes[i]
	}
	route.Exchange(x, x.End)
	if e.log != nil {
		e.log.Exchange(x, x.End)
	}
	return complete
}
