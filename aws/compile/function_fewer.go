package compile

import (
	"cmp"
	"slices"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// fewerFunctions makes do with fewer functions where there are more than an account may have: of an entrypoint whose behaviours
// have functions that nobody else uses, all of these become one that asks the routes of all of them. It is larger and does more
// for each request, so it is made only then, and only where it fits. Entrypoints that save the most go first.
func (b *builder) fewerFunctions() {
	users := map[*model.Resource]map[*site]bool{}
	total := 0
	for _, s := range b.sites {
		for _, v := range s.behaviors {
			for _, f := range []*function{v.viewer, v.answer} {
				if f == nil {
					continue
				}
				if users[f.resource] == nil {
					users[f.resource] = map[*site]bool{}
					total++
				}
				users[f.resource][s] = true
			}
		}
	}
	alone := map[*site][]*model.Resource{}
	for _, s := range b.sites {
		for _, v := range s.behaviors {
			if v.viewer == nil {
				continue
			}
			if r := v.viewer.resource; len(users[r]) == 1 && !slices.Contains(alone[s], r) {
				alone[s] = append(alone[s], r)
			}
		}
	}
	order := slices.Clone(b.sites)
	slices.SortStableFunc(order, func(x, y *site) int { return cmp.Compare(len(alone[y]), len(alone[x])) })
	dropped := map[*model.Resource]bool{}
	for _, s := range order {
		if total <= b.granted("functions") || len(alone[s]) < 2 {
			break
		}
		if made := b.oneFunction(s, alone[s]); made != nil {
			total -= len(alone[s]) - 1
			for _, r := range alone[s] {
				dropped[r] = r != made // it may be the same as one of them
			}
		}
	}
	b.forget(dropped)
}

// oneFunction gives the behaviours of a site that have one of these functions a common one, which it returns; nil: it would not
// fit.
func (b *builder) oneFunction(s *site, instead []*model.Resource) *model.Resource {
	s.own()
	whole := &behavior{props: &model.DistributionCacheBehavior{}, at: s.entry.At}
	var of []*behavior
	for _, v := range s.behaviors {
		if v.viewer == nil || !slices.Contains(instead, v.viewer.resource) {
			continue
		}
		of = append(of, v)
		whole.keys = v.keysOr(whole.keys)
		for _, r := range v.routes {
			if !slices.Contains(whole.routes, r) {
				whole.routes = append(whole.routes, r)
			}
		}
	}
	list := make([]*spec.Route, 0, len(whole.routes))
	for _, r := range ranks(whole.routes) {
		list = append(list, r.route)
	}
	whole.routes = list
	known := len(b.findings)
	c := b.requestCode(s, whole, of...)
	found := b.findings[known:] // again, but for origins that cannot be selected
	fits := len(c.code()) <= b.granted("functionBytes") &&
		!slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Rule == &requestRules.mutual })
	b.findings = b.findings[:known]
	if !fits {
		return nil
	}
	made := b.function(s, whole, c, "viewer-request", b.movedStore(s))
	for _, v := range of {
		for _, a := range v.props.FunctionAssociations {
			if a.EventType == model.Text("viewer-request") {
				a.FunctionARN = model.Ref{Resource: made.resource, Attr: "FunctionARN"}
			}
		}
		v.viewer = made
	}
	return made.resource
}

func (v *behavior) keysOr(keys []string) []string {
	if len(v.keys) > 0 {
		return v.keys
	}
	return keys
}

// forget takes functions back that nobody uses any more.
func (b *builder) forget(dropped map[*model.Resource]bool) {
	if len(dropped) == 0 {
		return
	}
	b.shared.Resources = slices.DeleteFunc(b.shared.Resources, func(r *model.Resource) bool { return dropped[r] })
	for key, r := range b.interned {
		if dropped[r] {
			delete(b.interned, key)
		}
	}
	for key, r := range b.written.functions {
		if dropped[r] {
			delete(b.written.functions, key)
		}
	}
}
