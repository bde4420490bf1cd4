package edge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/listen"
	"skerry.dev/skerry/memory"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/h2"
	"skerry.dev/skerry/wire/transport"
)

// Options are the settings of the process. The zero value of each is its default.
type Options struct {
	HTTP         []string     // listen addresses for plain HTTP; there must be one of any kind
	HTTPS        []string     // listen addresses for HTTPS
	H2C          []string     // listen addresses for plain HTTP/1.1 and HTTP/2, for clients that know so beforehand (RFC 9113 section 3.3)
	Proxied      []string     // those of HTTP, HTTPS and H2C on which only Setting.Env.Trusted may connect, and every connection begins with a PROXY header
	Setting      plan.Setting // what plans are compiled with. Env.HTTPSPort 0 is the port of the first HTTPS address
	AllowShrink  bool         // take a reload that removes every entrypoint, or more than half of ten or more
	DrainDelay   time.Duration
	DrainTimeout time.Duration          // from the end of the delay, in which the edge is not ready but accepts, to the hard stop
	Log          io.Writer              // one JSON line per exchange and event; nil: none
	Traces       *observe.TracerOptions // where spans go; nil: nowhere
	Tell         func(meter.Event)      // hears of every event beside the log; must not block; nil: nobody
	Meters       *meter.Set             // nil: a new one
	Timeouts     h1.Timeouts            // of client connections that speak HTTP/1.1
	Conns        int                    // open client connections at most; 0: by the process's descriptors
	PerAddress   int                    // of one client address; 0: a quarter of Conns
	Exchanges    int                    // open at most; 0: half of the process's descriptors. Beyond it: 503
	NoRaw        bool                   // read and write sockets by the standard library's calls only
	Memory       memory.Shares          // what each part may have, Conns and Exchanges among them where those are 0; the zero value: their defaults, and nobody watches
	MemoryInUse  func() memory.Reading  // nil: what the process uses
	// Listen opens an address, host:port, of a kind: http, https or h2c; nil: net.Listen. Its listeners return *net.TCPConn.
	Listen func(kind, addr string) (net.Listener, error)
}

// Edge is a running edge: made by New, given plans by Activate, opened by Start, ended by Drain.
type Edge struct {
	opt         Options
	meters      *meter.Set
	log         *observe.Log
	tracer      *observe.Tracer
	keepers     *plan.Keepers
	certs       *cert.Store
	active      atomic.Pointer[active]
	h1          h1.Server
	h2          h2.Server
	open        *meter.Gauge // client connections
	exchanges   *meter.Gauge // open ones
	most        int64        // of exchanges
	tooMany     *fault.Error
	overload    *meter.Counter
	watch       *memory.Watch // nil before Start, and where there is no limit
	noMemory    *fault.Error
	outOfMemory *meter.Counter
	sockets     *listen.Set
	draining    atomic.Bool
	hurry       chan struct{} // closed: no more waiting
	hurried     sync.Once
	mu          sync.Mutex // one activation at a time
	unmatched   *observe.Route
	challenge   *exchange.Path // of requests by which CAs check who we are
}

// active is a plan with what observes its routes.
type active struct {
	plan   *plan.Plan
	routes []*observe.Route // by target index
	since  time.Time
}

// New returns an edge without a plan. It fails if a directory or an address of the options cannot be used.
func New(opt Options) (*Edge, error) {
	if opt.Meters == nil {
		opt.Meters = meter.NewSet()
	}
	if a := opt.Setting.ACME; a != nil {
		own := *a
		own.HTTP, own.TLS = len(opt.HTTP)+len(opt.H2C) > 0, len(opt.HTTPS) > 0
		opt.Setting.ACME = &own
	}
	if opt.Setting.Env.HTTPSPort == 0 && len(opt.HTTPS) > 0 {
		opt.Setting.Env.HTTPSPort = portOf(opt.HTTPS[0])
	}
	e := &Edge{opt: opt, meters: opt.Meters, hurry: make(chan struct{})}
	var err error
	if e.keepers, err = plan.NewKeepers(opt.Setting, e.meters); err != nil {
		return nil, err
	}
	e.certs = cert.NewStore(e.keepers.Certs)
	e.challenge = exchange.NewPath(nil, answerChallenge{})
	if opt.Traces != nil {
		opt.Traces.Meters = e.meters
		if e.tracer, err = observe.NewTracer(*opt.Traces); err != nil {
			e.keepers.Close()
			return nil, fmt.Errorf("--otlp: %w", err)
		}
	}
	e.unmatched = observe.RouteMetrics(e.meters, "", "")
	if opt.Log != nil {
		e.log = observe.NewLog(opt.Log, e.meters)
	}
	e.meters.Events().Listen(e.hear)
	e.open = e.meters.Gauge("skerry_connections_open", "Client connections open now.")
	e.boundMemory()
	e.boundExchanges()
	e.h1 = h1.Server{Handler: e.serve, Timeouts: opt.Timeouts, Panicked: e.panicked, Open: e.open}
	e.h2 = h2.Server{Handler: e.serve, Panicked: e.panicked, Open: e.open, Meters: e.meters,
		BodyBytes: opt.Memory.Bodies, WindowBytes: opt.Memory.Windows}
	return e, nil
}

// portOf is the port of an address, 0 if it is none or has none yet.
func portOf(addr string) uint16 {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return 0
	}
	return uint16(n)
}

func (e *Edge) panicked(what string) {
	e.meters.Counter("skerry_panics_total", "Connections ended by a panic outside a stage: bugs, please report.").Inc()
	e.meters.Events().Add("panic", what)
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
	e.certs.Use(p.Certs)
	e.active.Store(a)
	p.Start()
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
	e.chooseTransport()
	e.watchMemory()
	listeners, err := e.listeners()
	if err != nil {
		return err
	}
	e.sockets, err = listen.Open(listeners, listen.Options{Conns: e.opt.Conns, PerAddress: e.opt.PerAddress,
		Trusted: e.opt.Setting.Env.Trusted, Full: e.shed, Preface: e.opt.Timeouts.Head, Meters: e.meters, Listen: e.opt.Listen})
	if err != nil {
		return err
	}
	e.sockets.Serve(func(c net.Conn, t *exchange.TLS, protocol string) {
		if protocol == "h2" {
			e.h2.Serve(c, t)
		} else {
			e.h1.Serve(c, t)
		}
	})
	e.keepers.Certs.Start()
	return nil
}

// listeners are those of the options.
func (e *Edge) listeners() (all []listen.Listener, err error) {
	for _, addr := range e.opt.HTTP {
		all = append(all, listen.Listener{Addr: addr})
	}
	for _, addr := range e.opt.HTTPS {
		all = append(all, listen.Listener{Addr: addr, TLS: e.certs})
	}
	for _, addr := range e.opt.H2C {
		all = append(all, listen.Listener{Addr: addr, H2C: true})
	}
	for _, addr := range e.opt.Proxied {
		found := false
		for i := range all {
			if all[i].Addr == addr {
				all[i].Proxy, found = true, true
			}
		}
		if !found { // it would be open to everybody
			return nil, errors.New("BUG: " + addr + " is to be behind a balancer, and nobody listens there")
		}
	}
	return all, nil
}

// shed closes the client connection that has waited longest since before a time, of either protocol, and reports whether
// there was one. Where one came before the other, a flood of that other would cost those who have just come.
func (e *Edge) shed(before time.Time) bool {
	return e.h1.Shed(e.h2.Waiting(before)) || e.h2.Shed(before)
}

// chooseTransport takes raw system calls if they work here.
func (e *Edge) chooseTransport() {
	if e.opt.NoRaw {
		transport.UseRaw(false)
		return
	}
	if err := transport.SelfTest(); err != nil {
		transport.UseRaw(false)
		e.meters.Events().Add("transport_fallback", err.Error()+"; sockets are read and written by the standard library's calls, which cost more")
	}
}

// Addrs returns the addresses of the listeners: those for HTTP, then those for HTTPS. H2CAddrs has the others.
func (e *Edge) Addrs() (http, https []net.Addr) {
	all, plain := e.sockets.Addrs(), len(e.opt.HTTP)
	return all[:plain], all[plain : plain+len(e.opt.HTTPS)]
}

// H2CAddrs returns the addresses of the listeners of Options.H2C.
func (e *Edge) H2CAddrs() []net.Addr { return e.sockets.Addrs()[len(e.opt.HTTP)+len(e.opt.HTTPS):] }

// LocalCA returns the hosts in force that have no certificate but one of the local CA, and the file with its root, which
// is empty if it is kept in memory only.
func (e *Edge) LocalCA() (hosts []string, root string) {
	if a := e.active.Load(); a != nil && len(e.opt.HTTPS) > 0 {
		hosts = a.plan.Certs.Local()
	}
	return hosts, e.keepers.Certs.RootFile()
}

// Ordered returns the names in force whose certificates are ordered by ACME.
func (e *Edge) Ordered() []string {
	if a := e.active.Load(); a != nil && len(e.opt.HTTPS) > 0 {
		return a.plan.Certs.AllOrdered()
	}
	return nil
}

// Root returns the local CA's root certificate in PEM; nil if nothing has needed it.
func (e *Edge) Root() []byte { return e.keepers.Certs.Root() }

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
	e.exchanges.Add(1)
	defer e.exchanges.Add(-1)
	e.admit(x)
	a := e.active.Load() // once: the exchange stays on this plan to its end
	path, i := e.challenge, plan.NoRoute
	if !e.challenged(x) {
		path, i = a.plan.Match(x)
	}
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
	if e.tracer != nil {
		e.tracer.Exchange(x, x.End)
	}
	return complete
}
