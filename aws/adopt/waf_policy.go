package adopt

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/spec"
)

// This file makes fields of what rules say: first for each lane, a route or a path that a rule sets apart, then for the
// entrypoint what holds for the rest, and for routes what differs.

// lanePolicy is what the rules of a web ACL say of one lane.
type lanePolicy struct {
	maintenance []said // nil: off
	methods     []string
	limit       *rateLimit
	bodyMax     int64 // in bytes; 0: off
	headMax     int64
	waf         firewallSaid
}

// fields are the policy in the order of documents, with the words for what is off.
func (p *lanePolicy) fields() []said {
	p.waf.bodyMax = p.bodyMax
	list := []said{{"limit", "off"}, {"headMax", ""}, {"bodyMax", "off"}, {"maintenance", "off"}, {"methods", p.methods}, {"waf", p.waf.fields()}}
	if p.limit != nil {
		list[0].value = p.limit.fields()
	}
	if p.headMax > 0 {
		list[1].value = sizeText(p.headMax)
	}
	if p.bodyMax > 0 {
		list[2].value = sizeText(p.bodyMax)
	}
	if p.maintenance != nil {
		list[3].value = p.maintenance
	}
	return list
}

// unsaid is whether a field says what an entrypoint of the profile plain has anyway.
func (f said) unsaid() bool {
	switch v := f.value.(type) {
	case string:
		return v == "off" || v == ""
	case []string:
		return len(v) == 0
	case []said:
		return len(v) == 1 && v[0] == said{"mode", "off"}
	}
	return false
}

// entrypointFields are the fields that an entrypoint has to say.
func (p *lanePolicy) entrypointFields() []said {
	return slices.DeleteFunc(p.fields(), said.unsaid)
}

// routeFields are those in which a route differs from what holds around it. The firewall is merged field by field.
func (p *lanePolicy) routeFields(around *lanePolicy) (list []said) {
	mine, theirs := p.fields(), around.fields()
	for i, f := range mine {
		switch {
		case sameValue(f.value, theirs[i].value):
		case f.name == "waf":
			list = append(list, said{"waf", p.waf.differs(&around.waf)})
		case f.name == "headMax" && f.value == "":
			list = append(list, said{"headMax", sizeText(headMaxDefault)})
		default:
			list = append(list, f)
		}
	}
	return list
}

// sizeText is a size as documents write it.
func sizeText(n int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// lane is what takes some paths before all others: a route, or a path that a rule sets apart and no route has.
type lane struct {
	match  spec.PathMatch
	route  int // in the use; -1: there is none yet
	sample string
	policy lanePolicy
}

// sampleSegment is a segment that no rule names.
const sampleSegment = "skerry-sample"

func newLane(m spec.PathMatch, route int) *lane {
	l := &lane{match: m, route: route}
	parts := segmentsOf(m.Path)
	for i, s := range parts {
		if m.Kind != spec.PathExact && strings.HasPrefix(s, "{") {
			parts[i] = sampleSegment
		}
	}
	if m.Kind == spec.PathPrefix || m.Kind == spec.PathAny {
		parts = append(parts, sampleSegment)
	}
	l.sample = decoded("/" + strings.Join(parts, "/"))
	return l
}

func segmentsOf(path string) []string {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// takes reports whether a path fits the lane.
func (l *lane) takes(path string) bool {
	want, got := segmentsOf(l.match.Path), segmentsOf(path)
	if l.match.Kind == spec.PathExact {
		return decoded(l.match.Path) == path
	}
	open := l.match.Kind == spec.PathPrefix || l.match.Kind == spec.PathAny
	if len(got) < len(want) || !open && len(got) != len(want) {
		return false
	}
	for i, s := range want {
		if !strings.HasPrefix(s, "{") && decoded(s) != got[i] {
			return false
		}
	}
	return true
}

// narrower orders lanes as a spec does: exact paths, patterns, longer prefixes.
func narrower(a, b *lane) int {
	return cmp.Or(cmp.Compare(b.match.Kind, a.match.Kind), cmp.Compare(len(segmentsOf(b.match.Path)), len(segmentsOf(a.match.Path))),
		cmp.Compare(strings.Count(a.match.Path, "{"), strings.Count(b.match.Path, "{")), strings.Compare(a.match.Path, b.match.Path))
}

// lanesOf are the lanes of a use, the narrowest first; the last one is the rest, and the route that takes whatever is left.
func lanesOf(u use, tests []*pathTest) []*lane {
	rest := newLane(spec.PathMatch{}, -1)
	list := []*lane{}
	known := map[string]bool{}
	shape := func(m spec.PathMatch) string {
		return strconv.Itoa(int(m.Kind)) + strings.Join(newLane(m, -1).parts(), "/")
	}
	for i, m := range u.routes {
		if m.Kind == spec.PathAny || m.Kind == spec.PathPrefix && strings.Trim(m.Path, "/") == "" {
			rest.route = i
			continue
		}
		known[shape(m)] = true
		list = append(list, newLane(m, i))
	}
	for _, t := range tests {
		if s := shape(t.route); !known[s] {
			known[s] = true
			list = append(list, newLane(t.route, -1))
		}
	}
	slices.SortStableFunc(list, narrower)
	return append(list, rest)
}

// parts are the segments with the names left out.
func (l *lane) parts() []string {
	parts := segmentsOf(l.match.Path)
	for i, s := range parts {
		if strings.HasPrefix(s, "{") {
			parts[i] = "{}"
		}
	}
	return parts
}

// protectionOf makes fields of the policies of lanes.
func protectionOf(lanes []*lane) *protection {
	rest := lanes[len(lanes)-1]
	p := &protection{policy: rest.policy.entrypointFields()}
	for i, l := range lanes[:len(lanes)-1] {
		behind := lanes[i+1:]
		takes := func(o *lane) bool { return o.takes(l.sample) }
		around := behind[slices.IndexFunc(behind, takes)]
		differs := l.policy.routeFields(&rest.policy)
		if l.route >= 0 {
			if len(differs) > 0 {
				p.routes = append(p.routes, routeProtection{like: l.route, policy: differs})
			}
			continue
		}
		if len(l.policy.routeFields(&around.policy)) == 0 {
			continue
		}
		like := slices.IndexFunc(behind, func(o *lane) bool { return o.route >= 0 && o.takes(l.sample) })
		n := routeProtection{like: -1, path: l.match, policy: differs}
		if like >= 0 {
			n.like = behind[like].route
		}
		p.routes = append(p.routes, n)
	}
	return p
}
