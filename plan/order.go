package plan

import (
	"fmt"
	"strings"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/limit"
	"skerry.dev/skerry/mirror"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/static"
	"skerry.dev/skerry/upstream"
	"skerry.dev/skerry/waf"
)

// fact is a field of exchange.Facts that one stage gives and later ones need.
type fact string

const (
	factEntry     fact = "Entry"     // given by edge, before the first stage
	factClient    fact = "Client"    // given by client
	factRequestID fact = "RequestID" // given by rewrite
	factTrace     fact = "Trace"     // given by rewrite
	factLimit     fact = "Limit"     // given by limit
	factFirewall  fact = "Firewall"  // given by waf
	factEncoding  fact = "Encoding"  // given by accept
	factCache     fact = "Cache"     // given by cache
	factMirror    fact = "Mirror"    // Origin.Mirror, given by mirror
	factOrigin    fact = "Origin"    // the rest of it, given by upstream; cache copies that of a fill
)

// row is one stage of the order.
type row struct {
	name  string
	needs []fact
	gives []fact
	why   string // the reason for its place
	// shared rows depend on nothing of a route but its policy: routes of an entrypoint with the same policy share the stage.
	shared bool
	build  func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem)
}

// order is the order of stages on the way in; responders run the other way.
var order = []row{
	{
		name: "client", gives: []fact{factClient}, shared: true,
		why: "first: everything that counts, limits, logs or forwards by client address sees the one that proxies in front " +
			"cannot be made to invent",
		build: func(b *builder, _ *spec.Route) (exchange.Stage, []fault.Problem) { return b.plan.client, nil },
	},
	{
		name: "rewrite", needs: []fact{factEntry, factClient}, gives: []fact{factRequestID, factTrace}, shared: true,
		why: "before every other stage, so that each answer of the edge, errors included, has the request id, the security and " +
			"CORS fields and the response edits, and so that a redirect to HTTPS, a preflight or a refused method costs nothing more",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := rewrite.New(&r.Policy, &b.keepers.Env)
			return stage(s), problems
		},
	},
	{
		name: "limit", needs: []fact{factEntry, factClient}, gives: []fact{factLimit}, shared: true,
		why: "before anything that costs more than looking at a counter, after what is cheaper still",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := limit.New(&r.Policy, b.limitScope(r), b.keepers.Limit)
			return stage(s), problems
		},
	},
	{
		name: "moved", needs: []fact{factEntry, factClient}, shared: true,
		why: "bulk redirects and the canonical host win over every route, and over there being none; limits hold for them",
		build: func(b *builder, _ *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := rewrite.NewMoved(b.entrypoint)
			return stage(s), problems
		},
	},
	{
		name: "waf", needs: []fact{factEntry, factClient, factRequestID}, gives: []fact{factFirewall}, shared: true,
		why: "behind the limits, which are cheaper, and before everything that could answer from what others asked for, or that " +
			"sends a byte of the request on",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := waf.New(&r.Policy, b.keepers.Firewall)
			return stage(s), problems
		},
	},
	{
		name: "accept", gives: []fact{factEncoding}, shared: true,
		why: "before whatever answers by the codings that a client takes, and behind what may edit the field",
		build: func(_ *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := compress.NewAccept(&r.Policy)
			return stage(s), problems
		},
	},
	{
		name: "cache", needs: []fact{factEntry, factClient, factRequestID, factEncoding}, gives: []fact{factCache},
		why: "behind every protection, since a stored answer is as good as a new one only for who may have it; outside of what encodes, " +
			"so that this is done once; what comes behind it is what it has run to fetch an answer",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			if len(r.To.Services) == 0 || fileService(r.To.Services) != nil {
				return nil, nil
			}
			s, problems := cache.New(&r.Policy, b.label, b.site(), b.keepers.Cache)
			return stage(s), problems
		},
	},
	{
		name: "compress", needs: []fact{factEntry, factEncoding}, shared: true,
		why: "outside of whatever makes or edits a body, inside of what edits the head",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := compress.New(&r.Policy, b.keepers.Encoders)
			return stage(s), problems
		},
	},
	{
		name: "waf-answer", needs: []fact{factFirewall}, shared: true,
		why: "inside of what compresses: the rules see the answer as the service made it, and what they refuse goes no further",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := waf.NewAnswer(&r.Policy, b.keepers.Firewall)
			return stage(s), problems
		},
	},
	{
		name: "out", needs: []fact{factEntry},
		why: "right before what asks the service: every stage before it sees the URL that the client asked for",
		build: func(_ *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := rewrite.NewOut(r)
			return stage(s), problems
		},
	},
	{
		name: "redirect", needs: []fact{factEntry},
		why: "an answer of the edge stands where the origin would: all protections before it apply to it too",
		build: func(_ *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			if r.To.Redirect == nil {
				return nil, nil
			}
			s, problems := rewrite.NewRedirect(r.To.Redirect, r.Match.Path)
			return stage(s), problems
		},
	},
	{
		name: "respond", needs: []fact{factEntry},
		why: "as redirect",
		build: func(_ *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			if r.To.Respond == nil {
				return nil, nil
			}
			s, problems := rewrite.NewRespond(r.To.Respond)
			return stage(s), problems
		},
	},
	{
		name: "static", needs: []fact{factEntry},
		why: "as upstream, of which it stands in the place",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			service := fileService(r.To.Services)
			if service == nil {
				return nil, nil
			}
			s, problems := static.New(service.Meta.Name, service.Directory, b.keepers.Files)
			return stage(s), problems
		},
	},
	{
		name: "mirror", needs: []fact{factEntry, factClient}, gives: []fact{factMirror},
		why: "right before the service is asked: the copy is of what the service gets, and of nothing that was refused",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			tail, problems := upstream.NewMirror(r.Mirror, &r.Policy, b.label, b.plan.pools)
			if tail == nil || len(problems) > 0 {
				return nil, problems
			}
			s, problems := mirror.New(r.Mirror, exchange.NewPath(rewrite.Render, tail), b.keepers.Mirror)
			return stage(s), problems
		},
	},
	{
		name: "upstream", needs: []fact{factEntry, factClient}, gives: []fact{factOrigin},
		why: "last: only what every other stage let through reaches an origin",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			if fileService(r.To.Services) != nil {
				return nil, nil
			}
			s, problems := upstream.New(r.To.Services, &r.Policy, b.label, b.plan.pools)
			return stage(s), problems
		},
	},
}

// fileService is the service of a route that goes to a directory, nil if it does not.
func fileService(to []spec.Weighted) *spec.Service {
	if len(to) == 1 && to[0].Service.Directory != nil {
		return to[0].Service
	}
	return nil
}

// limitScope names whose requests are counted together: those of all routes of the entrypoint that have its own limit, or
// those of a route with one of its own.
func (b *builder) limitScope(r *spec.Route) string {
	if r.Policy.Limit == b.entrypoint.Policy.Limit {
		return b.entrypoint.Meta.Name
	}
	return b.label
}

// site is what the cache of a route asks for by itself: hosts without a wildcard, by HTTPS where clients are told to.
func (b *builder) site() (site cache.Site) {
	for _, h := range b.entrypoint.Hosts {
		if !strings.HasPrefix(h, "*") {
			site.Hosts = append(site.Hosts, h)
		}
	}
	site.HTTPS = b.keepers.Env.HTTPSPort != 0
	return site
}

// joinCache tells the cache of a route what stands around it, and returns it; nil: it has none.
//
// Where the firewall judges answers, it judges the request of a fill too: the rules about answers go by what those about requests found.
func joinCache(stages []exchange.Stage) (c *cache.Stage) {
	var front, firewall exchange.Stage
	var behind []exchange.Stage
	for _, s := range stages {
		switch s := s.(type) {
		case *cache.Stage:
			c = s
			continue
		case *compress.Accept:
			front = s
		case *waf.Stage:
			firewall = s
		case *waf.Answer:
			if c != nil {
				behind = append([]exchange.Stage{firewall}, behind...)
			}
		}
		if c != nil {
			behind = append(behind, s)
		}
	}
	if c != nil {
		c.UsePath(front, behind...)
	}
	return c
}

// stage turns a constructor's result into a Stage; an unused stage stays nil instead of becoming an interface that
// holds a nil pointer.
func stage[S any, P interface {
	*S
	exchange.Stage
}](s P) exchange.Stage {
	if s == nil {
		return nil
	}
	return s
}

// checkOrder refuses an order in which a stage needs what only a later one gives, or in which two give the same: a
// reordering that looks harmless would otherwise show in production, on every node at once.
func checkOrder(rows []row) error {
	given := map[fact]string{factEntry: "edge"}
	for _, r := range rows {
		for _, f := range r.needs {
			if given[f] == "" {
				return fmt.Errorf("stage %s needs %s, which no stage before it gives", r.name, f)
			}
		}
		for _, f := range r.gives {
			if other := given[f]; other != "" {
				return fmt.Errorf("stages %s and %s both give %s", other, r.name, f)
			}
			given[f] = r.name
		}
		if strings.TrimSpace(r.why) == "" {
			return fmt.Errorf("stage %s has no reason for its place", r.name)
		}
	}
	return nil
}
