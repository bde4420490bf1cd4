package compile

import (
	"maps"
	"slices"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// Memory compiles one revision of a spec after the other, and keeps what entrypoints came to that have not changed: those that are the
// same in memory, as spec.Reader leaves them. What it makes is what Run would make of the same spec. The zero Memory remembers nothing
// yet. It is not for several goroutines at once, and a deployment that it made is good until it makes the next one.
type Memory struct {
	account *spec.AWS
	sites   map[*spec.Entrypoint]*made
	edges   map[string]*madeEdge       // by name
	pool    map[string]*model.Resource // what is shared, by what makes it the same
	copies  map[copyKey]*model.Resource
	loads   loads
	found   int // how many findings there were the last time
}

// made is what one entrypoint, or one distribution, came to.
type made struct {
	site     *site             // as the passes for sites left it: who changes it takes a copy
	shares   []*model.Resource // of the site; nil: nobody has asked
	steps    []step
	findings []finding.Finding
	files    map[string][]byte
	told     map[string]finding.Severity // what was found of the entrypoint, by id, when differences were looked for
	differs  []finding.Finding           // what differs
}

// step is that an entrypoint uses a resource which others may use too. The first one that does says where it comes from.
type step struct {
	key      string // what makes it the same resource
	resource *model.Resource
	at       spec.Pos
	marks    []place
}

type place struct {
	path string
	at   spec.Pos
}

// begin makes ready for another revision.
func (m *Memory) begin(s *spec.Spec) {
	if m.sites == nil || m.account != s.AWS { // what an account has and is granted is in everything
		*m = Memory{account: s.AWS, sites: map[*spec.Entrypoint]*made{}, pool: map[string]*model.Resource{}, loads: loads{}}
	}
}

// end forgets what this revision has not.
func (m *Memory) end(b *builder, d *model.Deployment) {
	still := map[*spec.Entrypoint]bool{}
	for _, e := range b.spec.Entrypoints {
		still[e] = true
	}
	maps.DeleteFunc(m.sites, func(e *spec.Entrypoint, _ *made) bool { return !still[e] })
	used := make(map[*model.Resource]bool, len(m.loads))
	for _, was := range m.sites {
		was.uses(used)
	}
	m.edges, m.copies = map[string]*madeEdge{}, b.copies
	for _, e := range b.edges {
		if e.kept != nil {
			m.edges[e.name] = e.kept
			e.kept.uses(used)
		}
	}
	maps.DeleteFunc(m.pool, func(_ string, r *model.Resource) bool { return !used[r] })
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			used[r] = true
		}
	}
	m.found = len(b.findings)
	maps.DeleteFunc(m.loads, func(r *model.Resource, _ *load) bool { return !used[r] })
}

// uses notes the resources of steps.
func (m *made) uses(into map[*model.Resource]bool) {
	for i := range m.steps {
		into[m.steps[i].resource] = true
	}
}

// remembered returns a site as it was made before or makes it.
func (b *builder) remembered(e *spec.Entrypoint) *site {
	was := b.memory.sites[e]
	if was == nil {
		was = &made{}
		b.note(was, func() { was.site = b.site(e) })
		b.memory.sites[e] = was
	} else {
		b.replay(was)
	}
	s := *was.site
	s.made = was
	return &s
}

// note remembers what something makes that depends on nothing but what it is remembered for.
func (b *builder) note(m *made, make func()) {
	from := len(b.findings)
	b.now = m
	make()
	b.now = nil
	m.findings = append(m.findings, b.findings[from:]...)
}

// replay does again what was noted.
func (b *builder) replay(m *made) {
	for i := range m.steps {
		b.introduce(&m.steps[i])
	}
	b.findings = append(b.findings, m.findings...)
	for name, data := range m.files {
		b.file(name, data)
	}
}

// use notes that the site that is being made uses what it shares with others.
func (b *builder) use(st step) {
	if b.now != nil {
		b.now.steps = append(b.now.steps, st)
	}
	b.introduce(&st)
}

// introduce makes a resource one of what is shared, unless somebody has it already.
func (b *builder) introduce(st *step) {
	if b.interned[st.key] != nil {
		return
	}
	r := st.resource
	r.At = st.at
	r.Unmark()
	for _, m := range st.marks {
		r.Mark(m.path, m.at)
	}
	b.interned[st.key], b.keys[r] = r, st.key
	b.shared.Add(r)
}

// pooled returns the resource with a key that an entrypoint used, in this revision or an earlier one, or a new one.
func (b *builder) pooled(key string, create func() *model.Resource) *model.Resource {
	r := b.memory.pool[key]
	if r == nil {
		r = create()
		b.memory.pool[key] = r
	}
	return r
}

// own makes a site one that the passes for all sites can change: what they change in place or by pointers is its own.
func (s *site) own() {
	if s.made == nil {
		return
	}
	s.made = nil
	to := map[*origin]*origin{}
	s.origins = slices.Clone(s.origins)
	for i, o := range s.origins {
		own := *o
		own.origins = slices.Clone(o.origins)
		s.origins[i], to[o] = &own, &own
	}
	s.behaviors = slices.Clone(s.behaviors)
	for i, v := range s.behaviors {
		own, props := *v, *v.props
		props.FunctionAssociations = nil
		for _, f := range v.props.FunctionAssociations {
			f := *f
			props.FunctionAssociations = append(props.FunctionAssociations, &f)
		}
		own.props, own.origin = &props, to[v.origin]
		s.behaviors[i] = &own
	}
}

// again notes that the site that is being made uses a resource for which nothing had to be asked twice.
func (b *builder) again(r *model.Resource, at spec.Pos) {
	b.use(step{key: b.keys[r], resource: r, at: at})
}

// count is how many steps were made so far.
func (m *made) count() int {
	if m == nil {
		return 0
	}
	return len(m.steps)
}

// since are the steps that were made after so many.
func (m *made) since(count int) []step {
	if m == nil {
		return nil
	}
	return slices.Clone(m.steps[count:])
}

// elsewhere is the same step of another entrypoint that says the same: what comes from the one comes from the other.
func (st step) elsewhere(from, to spec.Pos) step {
	if st.at == from {
		st.at = to
	}
	st.marks = slices.Clone(st.marks)
	for i := range st.marks {
		if st.marks[i].at == from {
			st.marks[i].at = to
		}
	}
	return st
}
