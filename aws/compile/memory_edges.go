package compile

import (
	"maps"
	"slices"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// madeEdge is a distribution as it was made of sites, with what stands beside it.
type madeEdge struct {
	made
	packing spec.AWSPacking
	of      []*made                               // its sites
	instead []map[*model.Resource]*model.Resource // for each of them: copies that it refers to
	edge    edge                                  // without sites, before grants are added
}

// rememberedEdge returns the distribution of a group as it was made before, or makes it. What hangs on more than its sites is added later,
// by grants, or keeps it from being remembered: staging distributions do.
func (b *builder) rememberedEdge(g group, instead copiedResources) *edge {
	now := &madeEdge{packing: g.packing}
	for _, s := range g.sites {
		if s.made == nil || b.canaryShare(s.entry) > 0 {
			now = nil
			break
		}
		now.of, now.instead = append(now.of, s.made), append(now.instead, instead[s])
	}
	if was := b.memory.edges[g.name()]; now != nil && was.same(now) {
		e := was.edge
		e.sites, e.kept = g.sites, was
		return &e
	}
	for _, s := range g.sites {
		s.swap(instead[s])
	}
	if now == nil {
		return b.edge(g)
	}
	var e *edge
	b.note(&now.made, func() { e = b.edge(g) })
	e.kept = now
	return e
}

// same is whether two distributions are made of the same; of none there is no other.
func (m *madeEdge) same(other *madeEdge) bool {
	return m != nil && m.packing == other.packing && slices.Equal(m.of, other.of) &&
		slices.EqualFunc(m.instead, other.instead, maps.Equal[map[*model.Resource]*model.Resource, map[*model.Resource]*model.Resource])
}

// beside makes what stands beside distributions and hangs on nothing but their sites: certificates, records, deliveries of logs.
func (b *builder) beside() {
	add := func(e *edge) {
		b.certificates(e)
		b.records(e)
		b.logs(e)
	}
	for _, e := range b.edges {
		switch m := e.kept; {
		case m == nil:
			add(e)
		case m.edge.distribution == nil: // it is new
			b.note(&m.made, func() { add(e) })
			m.edge = *e
			m.edge.sites, m.edge.kept, m.edge.with = nil, nil, slices.Clip(e.with)
		default:
			b.replay(&m.made)
		}
	}
}

// copyKey is one of the copies of a shared resource.
type copyKey struct {
	of     *model.Resource
	number int
}

// copied is a copy of a shared resource as an earlier revision had it, or a new one.
func (b *builder) copied(of *model.Resource, number int, create func() *model.Resource) *model.Resource {
	key := copyKey{of, number}
	r := b.memory.copies[key]
	if r == nil {
		r = create()
	}
	r.At = of.At
	b.copies[key] = r
	return r
}
