package plan

import (
	"fmt"
	"strings"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// View is what the admin API and `skerry explain` show of a plan.
type View struct {
	Hash        string           `json:"hash"`
	Entrypoints []EntrypointView `json:"entrypoints"`
	Services    []upstream.View  `json:"services"`
}

// EntrypointView is one entrypoint of a View.
type EntrypointView struct {
	Name    string      `json:"name"`
	Owner   string      `json:"owner"`
	Profile string      `json:"profile"`
	Hosts   []string    `json:"hosts"`
	Routes  []RouteView `json:"routes"`
}

// RouteView is one route of a View.
type RouteView struct {
	Name     string   `json:"name"`
	Match    string   `json:"match"`
	To       string   `json:"to"`
	Stages   []string `json:"stages"`
	Position string   `json:"position"`
}

// View returns the plan for people.
func (p *Plan) View() View {
	v := View{Hash: p.Spec.Hash, Services: p.keepers.Upstream.Pools()}
	for _, e := range p.Spec.Entrypoints {
		v.Entrypoints = append(v.Entrypoints, EntrypointView{Name: e.Meta.Name, Owner: e.Meta.Owner, Profile: e.Profile, Hosts: e.Hosts})
	}
	at := map[string]int{}
	for i := range v.Entrypoints {
		at[v.Entrypoints[i].Name] = i
	}
	for i := range p.Routes {
		r := &p.Routes[i]
		e := &v.Entrypoints[at[r.Target.Entrypoint.Meta.Name]]
		e.Routes = append(e.Routes, RouteView{Name: r.Target.Route.Name, Match: DescribeMatch(r.Target.Route.Match),
			To: DescribeDestination(r.Target.Route.To), Stages: r.Path.Names(), Position: r.Target.Route.At.String()})
	}
	return v
}

// DescribeMatch is a match in one line: "GET,HEAD /a/* header X-A=b".
func DescribeMatch(m spec.Match) string {
	var parts []string
	if len(m.Methods) > 0 {
		parts = append(parts, strings.Join(m.Methods, ","))
	}
	parts = append(parts, describePath(m.Path))
	for _, h := range m.Headers {
		parts = append(parts, "header "+h.Name+"="+h.Value)
	}
	for _, q := range m.Query {
		parts = append(parts, "query "+q.Name+"="+q.Value)
	}
	return strings.Join(parts, " ")
}

// describePath is the path of a match.
func describePath(p spec.PathMatch) string {
	switch p.Kind {
	case spec.PathAny:
		return "/*"
	case spec.PathPrefix:
		return strings.TrimSuffix(p.Path, "/") + "/*"
	}
	return p.Path
}

// DescribeDestination is a destination in one line.
func DescribeDestination(d spec.Destination) string {
	switch {
	case d.Redirect != nil:
		return fmt.Sprintf("redirect %d %s", d.Redirect.Status, d.Redirect.To)
	case d.Respond != nil:
		return fmt.Sprintf("respond %d", d.Respond.Status)
	case len(d.Services) == 1:
		return "service " + d.Services[0].Service.Meta.Name
	}
	var parts []string
	for _, w := range d.Services {
		parts = append(parts, fmt.Sprintf("%s ×%d", w.Service.Meta.Name, w.Weight))
	}
	return "services " + strings.Join(parts, ", ")
}
