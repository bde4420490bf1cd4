package cli

import (
	"context"

	"skerry.dev/skerry/admin"
	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
)

// errStarting is what the cache's pages say before there is an edge.
var errStarting = fault.New(fault.Draining, "the edge is starting: there is no cache yet")

// cacheAdmin is what the admin address knows of the cache.
func (p *process) cacheAdmin() *admin.Cache {
	return &admin.Cache{
		Stats: func() (any, error) { return p.ofEdge(func(e *edge.Edge) (any, error) { return e.CacheStats(), nil }) },
		Misses: func(n int) (any, error) {
			return p.ofEdge(func(e *edge.Edge) (any, error) { return e.CacheMisses(n), nil })
		},
		Why: func(url string, fields []string) (any, error) {
			return p.ofEdge(func(e *edge.Edge) (any, error) { return e.CacheWhy(url, fields) })
		},
		Purge: func(ctx context.Context, what admin.CachePurge, by string) (any, error) {
			return p.change(ctx, func(e *edge.Edge) (any, error) { return e.PurgeCache(edge.CachePurge(what), by) })
		},
		Purges: func(after uint64) (any, error) {
			return p.ofEdge(func(e *edge.Edge) (any, error) { return e.CachePurges(after), nil })
		},
		Progress: func(number uint64) (any, error) {
			return p.ofEdge(func(e *edge.Edge) (any, error) { return e.CacheProgress(number) })
		},
		Resume: func(ctx context.Context, route, by string) (any, error) {
			return p.change(ctx, func(e *edge.Edge) (any, error) { return e.ResumeCache(route, by) })
		},
	}
}

// ofEdge asks the edge, if there is one.
func (p *process) ofEdge(ask func(*edge.Edge) (any, error)) (any, error) {
	if e := p.edge.Load(); e != nil {
		return ask(e)
	}
	return nil, errStarting
}

// change asks the edge for what changes something, when it is certain that this process goes on.
func (p *process) change(ctx context.Context, ask func(*edge.Edge) (any, error)) (any, error) {
	if err := p.gate.enter(ctx); err != nil {
		return nil, err
	}
	defer p.gate.leave()
	return p.ofEdge(ask)
}
