package compile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsBehaviors = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html"

// behaviorsRules are what routes can come to that share a behaviour.
var behaviorsRules = struct{ tooMany, cache, cors, mixed, grpc finding.Rule }{
	tooMany: finding.Rule{
		ID: "behaviours", Severity: finding.Warning, Source: docsBehaviors,
		Meaning: "The paths of the routes need more cache behaviours than a distribution may have; the others share the behaviour that takes their paths next, and a CloudFront Function tells them apart.",
		Remedy:  "put routes with the same policy below one prefix, split the entrypoint, or raise `quotas.cacheBehaviors`",
		Witness: "a request for the path of a route that has no behaviour of its own",
	},
	cache: finding.Rule{
		ID: "behaviour-cache", Severity: finding.Warning, Source: docsBehaviors,
		Meaning: "Routes that share a cache behaviour differ in what may be stored, and a behaviour has one cache policy: nothing is stored.",
		Remedy:  "give the routes paths of their own, or the same `cache`",
		Witness: "two requests for the same path of which one meets the conditions of the first route: both are misses",
	},
	cors: finding.Rule{
		ID: "behaviour-cors", Severity: finding.Error, Source: docsBehaviors,
		Meaning: "Routes that share a cache behaviour differ in who may call from other pages, and a behaviour has one response headers policy.",
		Remedy:  "give the routes paths of their own, or the same `cors`",
		Witness: "a request with Origin that takes the second route gets the fields of the first",
	},
	mixed: finding.Rule{
		ID: "behaviour-mixed", Severity: finding.Warning, Source: docsBehaviors,
		Meaning: "Routes that share a cache behaviour differ in what a behaviour says once: the first route decides for all of them.",
		Remedy:  "give the routes paths of their own, or the same policy",
		Witness: "a request that takes the second route",
	},
	grpc: finding.Rule{
		ID: "behaviour-grpc", Severity: finding.Error,
		Source:  "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-using-grpc.html",
		Meaning: "A cache behaviour passes calls of gRPC only to an origin that is asked by HTTPS.",
		Remedy:  "use an https:// endpoint, or protocol: http1 where the service is not gRPC",
		Witness: "a POST with Content-Type: application/grpc",
	},
}

// behaviors turns routes into cache behaviours.
//
// A behaviour is chosen by its path pattern alone, and patterns cannot say all that a match says. So each behaviour knows every
// route that may take a path that it gets, in the order in which package route would ask them, and its function asks them
// again. Which route takes a request therefore never depends on how patterns are ordered or how many of them there are; what
// depends on it is whose policy the behaviour has. A pattern stands before those that cover it, otherwise in the order of its
// routes.
func (b *builder) behaviors(s *site) {
	if s.asked == nil {
		s.asked = b.canaryRoutes(s.entry, 0)
	}
	routes := ranks(s.asked)
	if len(routes) == 0 || !routes[len(routes)-1].takes(everyPath) || conditional(routes[len(routes)-1].route) {
		routes = append(routes, rank(noRoute(s.entry)))
	}
	patterns := orderPatterns(routes)
	list := candidates(routes, patterns)
	list, patterns = mergeBehaviors(routes, list, patterns)
	if most := b.granted("cacheBehaviors") - 1; len(patterns) > most { // the default one is counted, in case AWS does
		b.find(&behaviorsRules.tooMany, s, s.entry.At, "spec.routes", "the routes need %d path patterns, and beside the default behaviour there is room for %d: %d of them share the behaviours that remain",
			len(patterns), most, len(patterns)-most)
		list, patterns = dropPatterns(routes, list, patterns, max(most, 0))
	}
	s.behaviors = make([]*behavior, len(list))
	for i := range list {
		v := &behavior{routes: list[i], at: list[i][0].At, props: &model.DistributionCacheBehavior{}}
		if i < len(patterns) {
			v.pattern = patterns[i].pattern()
			v.props.PathPattern = model.Text(v.pattern)
		}
		s.behaviors[i] = v
		b.target(s, v)
		b.disagreements(s, v)
	}
}

// noRoute is what takes requests that no route takes: the edge's 404, under the policy of the entrypoint.
func noRoute(e *spec.Entrypoint) *spec.Route { return &spec.Route{At: e.At, Policy: e.Policy} }

// isNoRoute reports whether a route is that of noRoute.
func isNoRoute(r *spec.Route) bool {
	return len(r.To.Services) == 0 && r.To.Redirect == nil && r.To.Respond == nil
}

// orderPatterns are the paths of routes that get a behaviour of their own, in the order in which CloudFront compares them.
func orderPatterns(routes []ranked) (list []glob) {
	seen := map[string]bool{}
	for i := range routes {
		for _, own := range routes[i].globs {
			text := own.pattern()
			g := patternGlob(text)
			if seen[text] || g.covers(everyPath) {
				continue
			}
			seen[text] = true
			at := slices.IndexFunc(list, func(other glob) bool { return other.covers(g) })
			if at < 0 {
				at = len(list)
			}
			list = slices.Insert(list, at, g)
		}
	}
	return list
}

// candidates are the routes that each pattern, and behind all of them the default behaviour, may come to.
func candidates(routes []ranked, patterns []glob) [][]*spec.Route {
	out := make([][]*spec.Route, len(patterns)+1)
	for i := range patterns {
		out[i] = candidatesOf(routes, patterns[i], patterns[:i])
	}
	out[len(patterns)] = candidatesOf(routes, everyPath, patterns)
	return out
}

func candidatesOf(routes []ranked, g glob, before []glob) (list []*spec.Route) {
	var takers []bool // whether each takes every path of g
	for i := range routes {
		r := &routes[i]
		if !r.may(g, before) {
			continue
		}
		takes := r.takes(g)
		// A route behind one with the same effect, which would take what it takes, has nothing to say.
		for n := len(list); n > 0 && takes && !conditional(r.route) && sameEffect(list[n-1], r.route); n-- {
			list, takers = list[:n-1], takers[:n-1]
		}
		list, takers = append(list, r.route), append(takers, takes)
		if takes && !conditional(r.route) {
			break
		}
	}
	return list
}

// sameEffect reports whether it makes no difference which of two routes takes a request.
func sameEffect(a, b *spec.Route) bool {
	if a.Policy != b.Policy || a.Rewrite != nil || b.Rewrite != nil || a.Mirror != nil || b.Mirror != nil {
		return false
	}
	if isNoRoute(a) || isNoRoute(b) {
		return a == b
	}
	switch x, y := a.To, b.To; {
	case x.Redirect != nil && y.Redirect != nil:
		to := strings.NewReplacer("{path}", "", "{query}", "").Replace(x.Redirect.To)
		return *x.Redirect == *y.Redirect && !strings.Contains(to, "{")
	case x.Respond != nil && y.Respond != nil:
		return *x.Respond == *y.Respond
	}
	return len(a.To.Services) > 0 && slices.Equal(a.To.Services, b.To.Services) &&
		(len(a.To.Services) == 1 || a.Name == b.Name) // clients' shares of different routes are kept apart
}

// mergeBehaviors leaves out a pattern whose paths come to the same routes, or to one with the same effect, in the behaviour
// that takes them next. Nothing else changes by that: what is covered by the pattern is covered by the next one.
func mergeBehaviors(routes []ranked, list [][]*spec.Route, patterns []glob) ([][]*spec.Route, []glob) {
	alike := func(a, b []*spec.Route) bool {
		return slices.Equal(a, b) || len(a) == 1 && len(b) == 1 && sameEffect(a[0], b[0])
	}
	for i := len(patterns) - 1; i >= 0; i-- {
		next := i + 1
		for next < len(patterns) && !patterns[next].meets(patterns[i]) {
			next++
		}
		to := everyPath
		if next < len(patterns) {
			to = patterns[next]
		}
		if !to.covers(patterns[i]) || !alike(list[i], list[next]) {
			continue
		}
		before := slices.Delete(slices.Clone(patterns[:next]), i, i+1)
		if merged := candidatesOf(routes, to, before); alike(merged, list[next]) {
			list[next] = merged
			list, patterns = slices.Delete(list, i, i+1), slices.Delete(patterns, i, i+1)
		}
	}
	return list, patterns
}

// dropPatterns leaves patterns out until as many remain as there may be: first those of routes that the function answers, then
// those whose policy is that of the default behaviour, then the others, each from the last one on.
func dropPatterns(routes []ranked, list [][]*spec.Route, patterns []glob, most int) ([][]*spec.Route, []glob) {
	fallback := list[len(list)-1][0]
	loss := func(r *spec.Route) int {
		switch {
		case len(r.To.Services) == 0:
			return 0
		case sameServed(r, fallback):
			return 1
		}
		return 2
	}
	order := make([]int, len(patterns))
	for i := range order {
		order[i] = len(patterns) - 1 - i
	}
	slices.SortStableFunc(order, func(a, b int) int { return loss(list[a][0]) - loss(list[b][0]) })
	drop := map[int]bool{}
	for _, i := range order[:len(patterns)-most] {
		drop[i] = true
	}
	var kept []glob
	for i, g := range patterns {
		if !drop[i] {
			kept = append(kept, g)
		}
	}
	return candidates(routes, kept), kept
}

// target sets the origin of a behaviour: that of the first route that has one, of which the heaviest service; the function
// selects the others. Where every route is answered by the function, some origin has to stand there all the same, and is never
// asked.
func (b *builder) target(s *site, v *behavior) {
	for _, r := range v.routes {
		w := heaviest(r.To.Services)
		if w == nil {
			continue
		}
		if o := s.origin(w); o != nil {
			v.props.TargetOriginId = model.Text(o.id)
			v.origin = o
		}
		if w.Protocol == spec.ProtocolHTTP2 {
			if !slices.ContainsFunc(w.Endpoints, func(e spec.Endpoint) bool { return !e.TLS }) {
				v.props.GrpcConfig = &model.DistributionGrpcConfig{Enabled: model.Bool(true)}
			} else {
				b.find(&behaviorsRules.grpc, s, r.At, "spec.routes."+r.Name+".service", "service %s speaks HTTP/2 without TLS", w.Meta.Name)
			}
		}
		break
	}
	if v.origin == nil {
		v.origin = s.nowhere()
		v.props.TargetOriginId = model.Text(v.origin.id)
	}
}

// heaviest is the service that gets the largest share, the first of those with the same; nil: there is none.
func heaviest(list []spec.Weighted) (out *spec.Service) {
	most := 0
	for _, w := range list {
		if w.Weight > most {
			out, most = w.Service, w.Weight
		}
	}
	return out
}

// nowhere is an origin for behaviours whose function answers everything: a behaviour must have one. Of those that are there the
// first is as good as any; otherwise it is a name that cannot exist (RFC 6761 section 6.4).
func (s *site) nowhere() *origin {
	if len(s.origins) > 0 {
		return s.origins[0]
	}
	o := &origin{id: "none", origins: []*model.DistributionOrigin{{
		Id: model.Text("none"), DomainName: model.Text("none.invalid"),
		CustomOriginConfig: &model.DistributionCustomOriginConfig{
			OriginProtocolPolicy: model.Text("https-only"), OriginSSLProtocols: model.Texts([]string{"TLSv1.2"}),
			HTTPPort: model.Int(80), HTTPSPort: model.Int(443),
		},
	}}}
	s.origins = append(s.origins, o)
	return o
}

// disagreements looks at what the routes of a behaviour would each want of it.
func (b *builder) disagreements(s *site, v *behavior) {
	first := v.routes[0]
	for _, r := range v.routes {
		if len(r.To.Services) == 0 {
			continue
		}
		p, q := &first.Policy, &r.Policy
		path := "spec.routes." + r.Name
		where := fmt.Sprintf("routes %q and %q share a behaviour", first.Name, r.Name)
		if !same(p.Cache, q.Cache) && (p.Cache.On() || q.Cache.On()) && !v.uncached {
			v.uncached = true
			b.find(&behaviorsRules.cache, s, r.At, path+".cache", "%s", where)
		}
		if !same(p.CORS, q.CORS) {
			b.find(&behaviorsRules.cors, s, r.At, path+".cors", "%s", where)
		}
		for _, d := range []struct {
			name string
			same bool
		}{{"compress", same(p.Compress, q.Compress)}, {"headers.response", same(answerEdits(p), answerEdits(q))}} {
			if !d.same {
				b.find(&behaviorsRules.mixed, s, r.At, path+"."+d.name, "%s and differ in `%s`", where, d.name)
			}
		}
	}
	v.keys = v.routeKeys()
}

// sameServed reports whether a behaviour can serve both routes alike.
func sameServed(a, b *spec.Route) bool {
	p, q := &a.Policy, &b.Policy
	return same(p.Cache, q.Cache) && same(p.CORS, q.CORS) && same(p.Compress, q.Compress) && same(answerEdits(p), answerEdits(q))
}

func answerEdits(p *spec.Policy) *spec.Edits {
	if p.Headers == nil {
		return nil
	}
	return p.Headers.Response
}

// same compares values of a policy.
func same[T any](a, b *T) bool {
	if a == b {
		return true
	}
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// name is the pattern as people read it.
func (v *behavior) name() string {
	if v.pattern == "" {
		return "all other paths"
	}
	return v.pattern
}

// routeKey is the field in which the function tells the cache, and the origin, which route and service it has chosen.
const routeKey = "x-skerry-route"

// routeKeys are the fields beside those of the policy that must count for the cache. What a function chooses by more than the
// path is not part of the key by itself, and paths that were rewritten may meet.
func (v *behavior) routeKeys() []string {
	if v.uncached || !v.routes[0].Policy.Cache.On() {
		return nil
	}
	for _, r := range v.routes {
		rewritten := r.Rewrite != nil && r.Rewrite.Path+r.Rewrite.Prefix+r.Rewrite.Host != ""
		if len(r.To.Services) > 0 && (conditional(r) || rewritten || len(weighed(r.To.Services)) > 1) {
			return []string{routeKey}
		}
	}
	return nil
}

// weighed are the services that get a share.
func weighed(list []spec.Weighted) (out []spec.Weighted) {
	for _, w := range list {
		if w.Weight > 0 {
			out = append(out, w)
		}
	}
	return out
}
