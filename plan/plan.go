package plan

import (
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/route"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// Keepers is everything that outlives a plan, one keeper per folder. Edge owns it.
type Keepers struct {
	Upstream *upstream.Keeper
}

// Guard says which addresses an origin may have.
type Guard = upstream.Guard

// NewKeepers returns empty keepers.
func NewKeepers(guard Guard, set *meter.Set) *Keepers {
	return &Keepers{Upstream: upstream.NewKeeper(guard, set)}
}

// IdleKeepers returns keepers for a plan that is only looked at: nothing of it runs, no origin is asked.
func IdleKeepers(guard Guard) *Keepers { return &Keepers{Upstream: upstream.NewIdleKeeper(guard)} }

// Route is a compiled route.
type Route struct {
	Target *route.Target
	Path   *exchange.Path
	raw    bool
	entry  exchange.EntryFacts
}

// Plan is the immutable, compiled form of a spec.
type Plan struct {
	Spec     *spec.Spec
	Table    *route.Table
	Routes   []Route // by Target.Index
	keepers  *Keepers
	pools    *upstream.Lease
	stranger *exchange.Path // for what matches no route, or could not be parsed
}

// builder is what the stages of a plan are built with.
type builder struct {
	label string // of the route
	pools *upstream.Lease
}

// Compile makes the plan of a spec. With problems there is none, and nothing is held.
func Compile(s *spec.Spec, k *Keepers) (*Plan, []fault.Problem) {
	if err := checkOrder(order); err != nil {
		panic("BUG: plan/order.go: " + err.Error())
	}
	table, problems := route.New(s.Entrypoints)
	if len(problems) > 0 {
		return nil, problems
	}
	b := &builder{pools: k.Upstream.Lease()}
	p := &Plan{Spec: s, Table: table, keepers: k, pools: b.pools, stranger: exchange.NewPath(rewrite.Render, strangerStage{})}
	targets := table.Targets()
	p.Routes = make([]Route, len(targets))
	for i := range targets {
		problems = append(problems, p.compileRoute(b, &targets[i])...)
	}
	if len(problems) > 0 {
		p.Release()
		fault.SortProblems(problems)
		return nil, problems
	}
	return p, nil
}

func (p *Plan) compileRoute(b *builder, t *route.Target) (problems []fault.Problem) {
	b.label = t.Label
	stages := make([]exchange.Stage, 0, len(order))
	for _, row := range order {
		s, ps := row.build(b, t.Route)
		for _, p := range ps {
			if p.Line == 0 { // the stage knows only its part of the spec
				p.File, p.Line, p.Col = t.Route.At.File, t.Route.At.Line, t.Route.At.Col
			}
			problems = append(problems, p)
		}
		if s != nil {
			stages = append(stages, s)
		}
	}
	pol := &t.Route.Policy
	p.Routes[t.Index] = Route{
		Target: t,
		Path:   exchange.NewPath(rewrite.Render, stages...),
		raw:    *pol.Path == spec.PathRaw,
		entry: exchange.EntryFacts{Entrypoint: t.Entrypoint.Meta.Name, Owner: t.Entrypoint.Meta.Owner, Route: t.Route.Name,
			LogOff: !bool(*pol.Log), Errors: string(*pol.Errors)},
	}
	return problems
}

// Release lets go of what the plan holds in the keepers. Exchanges that still run on it finish.
func (p *Plan) Release() { p.pools.Release() }

// NoRoute is the index that Match returns for what matches none.
const NoRoute = -1

var (
	errNoEntrypoint = fault.New(fault.NoEntrypoint, "no entrypoint has this host")
	errNoRoute      = fault.New(fault.NoRoute, "the entrypoint has no route for this request")
	errRawPath      = fault.New(fault.BadRequest, "the route forwards paths as sent (path: raw), and this one leads elsewhere than its normal form")
)

// Match returns the path an exchange takes and the index of its route in Routes, or NoRoute. It writes Facts.Entry.
func (p *Plan) Match(x *exchange.Exchange) (*exchange.Path, int) {
	if x.Fault != nil { // refused by the parser
		return p.stranger, NoRoute
	}
	target, e := p.Table.Match(x)
	f := &x.Facts.Entry
	switch {
	case e == nil:
		x.Fault = errNoEntrypoint
		return p.stranger, NoRoute
	case target == nil:
		f.Entrypoint, f.Owner = e.Meta.Name, e.Meta.Owner
		f.Errors, f.LogOff = string(*e.Policy.Errors), !bool(*e.Policy.Log)
		x.Fault = errNoRoute
		return p.stranger, NoRoute
	}
	r := &p.Routes[target.Index]
	f.Entrypoint, f.Owner, f.Route, f.LogOff, f.Errors = r.entry.Entrypoint, r.entry.Owner, r.entry.Route, r.entry.LogOff, r.entry.Errors
	x.Route = target.Label
	if r.raw && !p.Table.SameRaw(x, target) {
		x.Fault = errRawPath
		return p.stranger, target.Index
	}
	return r.Path, target.Index
}

// strangerStage answers what no route takes, with the fault that was found.
type strangerStage struct{}

func (strangerStage) Name() string { return "stranger" }

func (strangerStage) Request(x *exchange.Exchange) exchange.Verdict {
	v := x.Fail(x.Fault)
	if fault.Of(x.Fault) == fault.MethodNotAllowed { // RFC 9110 section 15.5.6
		x.Resp.Fields.Set(exchange.NameAllow, allowed)
	}
	return v
}

// allowed are the methods that some route may take.
var allowed = []byte("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
