package plan

import (
	"fmt"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// fact is a field of exchange.Facts that one stage gives and later ones need.
type fact string

const (
	factEntry     fact = "Entry"     // given by edge, before the first stage
	factRequestID fact = "RequestID" // given by rewrite
	factOrigin    fact = "Origin"    // given by upstream
)

// row is one stage of the order.
type row struct {
	name  string
	needs []fact
	gives []fact
	why   string // the reason for its place
	build func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem)
}

// order is the order of stages on the way in; responders run the other way.
var order = []row{
	{
		name: "rewrite", needs: []fact{factEntry}, gives: []fact{factRequestID},
		why: "first, so that every later stage and every answer of the edge, errors included, has the request id and " +
			"gets the response edits, and so that a refused method costs nothing more",
		build: func(_ *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := rewrite.New(&r.Policy)
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
		name: "upstream", needs: []fact{factEntry}, gives: []fact{factOrigin},
		why: "last: only what every other stage let through reaches an origin",
		build: func(b *builder, r *spec.Route) (exchange.Stage, []fault.Problem) {
			s, problems := upstream.New(r.To.Services, &r.Policy, b.label, b.pools)
			return stage(s), problems
		},
	},
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
