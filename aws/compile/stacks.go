package compile

import (
	"fmt"
	"slices"
	"sort"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// The names of stacks, before their numbers; that of what is shared is sharedStack.
const (
	edgeStack   = "skerry-edge"    // distributions with what stands beside each
	tenantStack = "skerry-tenants" // tenants of multi-tenant distributions
	lateStack   = "skerry-access"  // what needs several distributions
)

// unit is resources that stay together in one stack.
type unit struct {
	key       string
	resources []*model.Resource
	outputs   []model.Output
	load      load // of the resources, weighed before the units are cut into stacks
	exports   int  // attributes of them that other stacks may refer to
}

// stacks puts everything into stacks, in the order in which they can be deployed: what is shared, then distributions in waves,
// then tenants in waves, then what needs several distributions. A wave comes after the one before it, so that not all
// distributions of an account are updated at once. Which wave something is in depends on its name alone; when a wave gets too
// full, half of it moves.
func (b *builder) stacks() *model.Deployment {
	d := &model.Deployment{Packing: b.packed}
	var edges, tenants, late []unit
	for _, e := range b.edges {
		own, of := e.units()
		edges, tenants = append(edges, own), append(tenants, of...)
	}
	for _, r := range b.late {
		late = append(late, unit{key: r.ID, resources: []*model.Resource{r}})
	}
	shared := b.sharedUnits()
	b.weigh(shared, edges, tenants, late)
	b.waves(d, sharedStack, "what several distributions use", true, shared)
	b.waves(d, edgeStack, "distributions with their certificates and records", false, edges)
	b.waves(d, tenantStack, "tenants of multi-tenant distributions", false, tenants)
	b.waves(d, lateStack, "what several distributions are allowed", true, late)
	d.Deployer = b.deployer(d)
	return d
}

// weigh notes what units take of a stack.
func (b *builder) weigh(lists ...[]unit) {
	exports := b.loads.crossing(lists...)
	for _, list := range lists {
		for i := range list {
			u := &list[i]
			u.load = b.loads.sum(u.resources)
			for _, r := range u.resources {
				u.exports += exports[r]
			}
		}
	}
}

// sharedUnits are what is shared: resources that refer to each other stay together.
func (b *builder) sharedUnits() []unit {
	within := map[*model.Resource]*model.Resource{} // towards the root of what it is connected to
	for _, r := range b.shared.Resources {
		within[r] = r
	}
	root := func(r *model.Resource) *model.Resource {
		for within[r] != r {
			within[r] = within[within[r]]
			r = within[r]
		}
		return r
	}
	for _, r := range b.shared.Resources {
		for _, to := range append(b.loads.targets(r), r.DependsOn...) {
			if within[to] != nil {
				x, y := root(r), root(to)
				if x.ID > y.ID {
					x, y = y, x
				}
				within[y] = x // the root is the one with the least id
			}
		}
	}
	byRoot := map[string]*unit{}
	var order []string
	for _, r := range slices.SortedFunc(slices.Values(b.shared.Resources), byID) {
		key := root(r).ID
		if byRoot[key] == nil {
			byRoot[key] = &unit{key: key}
			order = append(order, key)
		}
		byRoot[key].resources = append(byRoot[key].resources, r)
	}
	out := make([]unit, len(order))
	for i, key := range order {
		out[i] = *byRoot[key]
	}
	return out
}

// units are what of an edge stays together: the distribution with what stands beside it, and each tenant with its own.
func (e *edge) units() (own unit, tenants []unit) {
	own = unit{key: e.name, resources: []*model.Resource{e.distribution}, outputs: outputs(e)}
	if e.packing != spec.PackingTenants {
		own.resources = append(own.resources, e.with...)
		return own, nil
	}
	own.resources = append(own.resources, e.group)
	of := map[string]int{}
	for i, s := range e.sites {
		name := s.entry.Meta.Name
		of[name] = i
		tenants = append(tenants, unit{key: name, resources: []*model.Resource{e.tenants[i]}})
	}
	for _, r := range e.with {
		if i, ok := of[r.Owner]; ok {
			tenants[i].resources = append(tenants[i].resources, r)
		} else {
			own.resources = append(own.resources, r)
		}
	}
	return own, tenants
}

// outputs are what people need of a distribution.
func outputs(e *edge) []model.Output {
	d := e.distribution
	out := []model.Output{
		{ID: d.ID + "Id", Note: "distribution of " + e.name, Value: model.Ref{Resource: d, Attr: "Id"}},
		{ID: d.ID + "DomainName", Note: "name of the distribution of " + e.name, Value: model.Ref{Resource: d, Attr: "DomainName"}},
	}
	if e.group != nil {
		out[1] = model.Output{ID: e.group.ID + "Endpoint", Note: "where the hosts of tenants point to, of " + e.name,
			Value: model.Ref{Resource: e.group, Attr: "RoutingEndpoint"}}
	}
	return out
}

// waves makes stacks of units and adds them to the deployment. Each comes after all that are there, the one before it among them.
// single: if one stack is enough, it has no number.
func (b *builder) waves(d *model.Deployment, name, note string, single bool, units []unit) {
	for _, box := range spread(units, func(u unit) string { return u.key }, b.fitsStack) {
		s := &model.Stack{Name: fmt.Sprintf("%s-%02d", name, box.number+1), Region: region, Note: note, After: slices.Clone(d.Stacks)}
		if single && box.number == 0 {
			s.Name = name
		}
		for _, u := range box.things {
			s.Add(u.resources...)
			s.Outputs = append(s.Outputs, u.outputs...)
		}
		slices.SortFunc(s.Resources, byID)
		sort.Slice(s.Outputs, func(i, j int) bool { return s.Outputs[i].ID < s.Outputs[j].ID })
		d.Stacks = append(d.Stacks, s)
	}
}

// stackShare is how much of a stack's resources and bytes is used, in percent: who adds one by hand finds room.
const stackShare = 90

// fitsStack reports whether units may be one stack.
func (b *builder) fitsStack(units []unit) bool {
	var sum load
	outputs := 0
	for i := range units {
		outputs += len(units[i].outputs) + units[i].exports
		sum.add(&units[i].load)
	}
	within := func(name string, n int) bool { return n*100 <= b.granted(name)*stackShare }
	return sum.distributions <= b.granted("distributionsPerStack") && within("stackResources", sum.resources) &&
		within("templateBytes", sum.bytes) && sum.dynamic <= b.granted("stackDynamicReferences") && outputs <= b.granted("stackOutputs")
}
