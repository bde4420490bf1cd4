package plan

import (
	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/cert"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/limit"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/route"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// Route is a compiled route.
type Route struct {
	Target *route.Target
	Path   *exchange.Path
	raw    bool
	tls    string // what a connection's handshake must have enforced: spec.TLS.Key
	entry  exchange.EntryFacts
}

// Plan is the immutable, compiled form of a spec.
type Plan struct {
	Spec     *spec.Spec
	Table    *route.Table
	Certs    *cert.Table
	Routes   []Route // by Target.Index
	keepers  *Keepers
	pools    *upstream.Lease
	client   *rewrite.Client
	caches   []*cache.Stage
	entries  map[*spec.Entrypoint]*entry
	stranger *exchange.Path // for what no entrypoint takes, or could not be parsed
}

// entry is a compiled entrypoint.
type entry struct {
	tls     string         // spec.TLS.Key
	noRoute *exchange.Path // for what no route of it takes: its redirects, limits and fields hold there too
}

// builder is what the stages of an entrypoint are built with.
type builder struct {
	plan       *Plan
	keepers    *Keepers
	entrypoint *spec.Entrypoint
	label      string // of the route; empty for what no route takes
	// Policies are compared by the pointers in them, which routes that say nothing of their own share.
	common map[spec.Policy]*common
}

// common is what routes with the same policy have in common.
type common struct {
	stages []exchange.Stage // by row of order; those of rows that are not shared stay nil
	render func(*exchange.Exchange)
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
	certs, problems := k.Certs.Table(s)
	p := &Plan{Spec: s, Table: table, Certs: certs, keepers: k, pools: k.Upstream.Lease(), client: rewrite.NewClient(&k.Env),
		entries: make(map[*spec.Entrypoint]*entry, len(s.Entrypoints))}
	p.stranger = exchange.NewPath(rewrite.Render, p.client, limit.NewStranger(k.Limit), strangerStage{})
	targets := table.Targets()
	p.Routes = make([]Route, len(targets))
	var b *builder
	for i := range targets { // those of an entrypoint follow each other
		if e := targets[i].Entrypoint; b == nil || b.entrypoint != e {
			b = &builder{plan: p, keepers: k, entrypoint: e, common: map[spec.Policy]*common{}}
			problems = append(problems, b.compileEntry()...)
		}
		problems = append(problems, b.compileRoute(&targets[i])...)
	}
	if len(problems) > 0 {
		p.Release()
		fault.SortProblems(problems)
		return nil, problems
	}
	return p, nil
}

// compileEntry compiles what holds where no route takes a request.
func (b *builder) compileEntry() []fault.Problem {
	e := b.entrypoint
	b.label = ""
	stages, render, problems := b.stages(&spec.Route{At: e.At, Policy: e.Policy})
	b.plan.entries[e] = &entry{tls: e.Policy.TLS.Key(), noRoute: exchange.NewPath(render, append(stages, strangerStage{})...)}
	return problems
}

func (b *builder) compileRoute(t *route.Target) []fault.Problem {
	b.label = t.Label
	stages, render, problems := b.stages(t.Route)
	pol := &t.Route.Policy
	b.plan.Routes[t.Index] = Route{
		Target: t,
		Path:   exchange.NewPath(render, stages...),
		raw:    *pol.Path == spec.PathRaw,
		tls:    b.plan.entries[t.Entrypoint].tls,
		entry: exchange.EntryFacts{Entrypoint: t.Entrypoint.Meta.Name, Owner: t.Entrypoint.Meta.Owner, Route: t.Route.Name, Pattern: describePath(t.Route.Match.Path), Calls: calls(t.Route),
			LogOff: !bool(*pol.Log), Errors: string(*pol.Errors)},
	}
	return problems
}

// stages builds the stages of a route in their order, and what makes answers out of its faults.
func (b *builder) stages(r *spec.Route) (stages []exchange.Stage, render func(*exchange.Exchange), problems []fault.Problem) {
	c := b.common[r.Policy]
	first := c == nil
	if first {
		c = &common{stages: make([]exchange.Stage, len(order)), render: rewrite.NewRenderer(&r.Policy)}
		b.common[r.Policy] = c
	}
	for i, row := range order {
		s := c.stages[i]
		if first || !row.shared {
			var ps []fault.Problem
			s, ps = row.build(b, r)
			for _, p := range ps {
				if p.Line == 0 { // the stage knows only its part of the spec
					p.File, p.Line, p.Col = r.At.File, r.At.Line, r.At.Col
				}
				problems = append(problems, p)
			}
		}
		if row.shared {
			c.stages[i] = s
		}
		if s != nil {
			stages = append(stages, s)
		}
	}
	if c := joinCache(stages); c != nil {
		b.plan.caches = append(b.plan.caches, c)
	}
	return stages, c.render, problems
}

// calls reports whether a service of a route speaks HTTP/2.
func calls(r *spec.Route) bool {
	for _, w := range r.To.Services {
		if w.Service.Protocol == spec.ProtocolHTTP2 {
			return true
		}
	}
	return false
}

// Start says that the plan is in force: what its stages do without being asked begins, in the place of what the plan before did.
func (p *Plan) Start() { p.keepers.Cache.Use(p.caches) }

// Release lets go of what the plan holds in the keepers. Exchanges that still run on it finish.
func (p *Plan) Release() { p.pools.Release() }

// OriginSecretsChanged returns the references of services to certificates and keys behind which there is something else now.
func (p *Plan) OriginSecretsChanged() []spec.Ref { return p.pools.Changed() }

// NoRoute is the index that Match returns for what matches none.
const NoRoute = -1

var (
	errNoEntrypoint = fault.New(fault.NoEntrypoint, "no entrypoint has this host")
	errNoRoute      = fault.New(fault.NoRoute, "the entrypoint has no route for this request")
	errMisdirected  = fault.New(fault.Misdirected, "the connection's certificate does not cover this host, or its handshake enforced another `tls` policy")
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
		own := p.entries[e]
		if misdirected(x, own.tls) {
			x.Fault = errMisdirected
			return p.stranger, NoRoute
		}
		return own.noRoute, NoRoute
	}
	r := &p.Routes[target.Index]
	params := f.Params
	*f = r.entry
	f.Params = params
	x.Route = target.Label
	if misdirected(x, r.tls) {
		x.Fault = errMisdirected
		return p.stranger, target.Index
	}
	if r.raw && !p.Table.SameRaw(x, target) {
		x.Fault = errRawPath
		return p.stranger, target.Index
	}
	return r.Path, target.Index
}

// misdirected reports whether a request came over a TLS connection that was not made for its host (RFC 9110 section
// 15.5.20): one whose certificate does not cover it, or whose handshake demanded less of the client than its policy does.
func misdirected(x *exchange.Exchange, policy string) bool {
	if x.Conn == nil || x.Conn.TLS == nil {
		return false
	}
	t := x.Conn.TLS
	return t.Policy != policy || !t.Covers(x.Req.Host)
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
