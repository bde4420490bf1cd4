package compile

import (
	"fmt"
	"slices"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// Policies that AWS manages. They count for no quota; their content never changes.
const (
	cachingDisabled  = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" // cache policy CachingDisabled
	cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6" // cache policy CachingOptimized: path and Accept-Encoding count, 1 s to a year
	allViewer        = "216adef6-5c7f-47e4-b989-5492eafa07d3" // origin request policy AllViewer: everything that the client sent
	allButHost       = "b689b0a8-53d0-40ab-baf2-68738e2966ac" // origin request policy AllViewerExceptHostHeader
)

// policyRules are what the policies of behaviours come to.
var policyRules = struct{ methods, failOver, compress, host finding.Rule }{
	methods: finding.Rule{
		ID: "method-refused", Severity: finding.Error, Source: "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_AllowedMethods.html",
		Meaning: "CloudFront passes GET, HEAD, OPTIONS, PUT, PATCH, POST and DELETE, and refuses any other method.",
		Remedy:  "let clients use POST",
		Witness: "QUERY /search: 405 of CloudFront",
	},
	failOver: finding.Rule{
		ID: "fail-over-methods", Severity: finding.Warning, Source: docsFailover,
		Meaning: "CloudFront refuses a behaviour that has an origin group and takes other methods than GET, HEAD and OPTIONS: the first origin is asked, and no second one.",
		Remedy:  "give the routes that only read paths of their own, with `methods: [GET, HEAD, OPTIONS]`",
		Witness: "GET while the first endpoint is down: 502",
	},
	compress: finding.Rule{
		ID: "compress-uncached", Severity: finding.Note, Source: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html",
		Meaning: "CloudFront compresses what it may store alone; other answers pass as the service sends them.",
		Remedy:  "let the service compress, which gets Accept-Encoding as the client sent it",
		Witness: "GET with Accept-Encoding: br of a route without cache",
	},
	host: finding.Rule{
		ID: "behaviour-host", Severity: finding.Error,
		Source:  "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-request-understand-origin-request-policy.html",
		Meaning: "Services of one cache behaviour want different Hosts, and a behaviour has one origin request policy: none of them gets the client's.",
		Remedy:  "give the routes paths of their own, or the services the same `host`",
		Witness: "a request that takes the second route",
	},
}

// policies gives each behaviour its methods and its policies. Policies are made once for all that say the same.
func (b *builder) policies(s *site) {
	t := &remarks{b: b, site: s}
	for _, v := range s.behaviors {
		b.policy(t, v)
	}
	t.tell()
	dropGroups(s)
}

// policy is that of one behaviour: of its first route, since a behaviour has one.
func (b *builder) policy(t *remarks, v *behavior) {
	r, p := v.routes[0], v.props
	b.methods(t, v)
	p.ViewerProtocolPolicy = model.Text("allow-all")
	if *t.site.entry.Policy.Redirect == spec.PlainToHTTPS {
		p.ViewerProtocolPolicy = model.Text("redirect-to-https")
	}
	to := b.destination(t, v)
	c := b.cached(t, v, to)
	p.CachePolicyId, p.OriginRequestPolicyId, p.Compress = model.Text(cachingDisabled), nil, model.Bool(false)
	switch {
	case c != nil:
		p.CachePolicyId, p.OriginRequestPolicyId, p.Compress = b.cachePolicy(r, c), b.passPolicy(r, c.pass), model.Bool(r.Policy.Compress.On)
	case to.route == nil || to.bucket: // nothing but the path matters
	case to.viewerHost:
		p.OriginRequestPolicyId = model.Text(allViewer)
	default:
		p.OriginRequestPolicyId = model.Text(allButHost)
	}
	if c == nil && to.route != nil && r.Policy.Compress.On {
		t.note(&policyRules.compress, r.At, "spec.compress", "the answers of %s are not compressed", routeName(r))
	}
	if headers := b.answerPolicy(t, v); headers != nil {
		p.ResponseHeadersPolicyId = model.Ref{Resource: headers, Attr: "Id"}
	}
}

// methodSets are what a behaviour can allow.
var methodSets = [][]string{{"GET", "HEAD"}, {"GET", "HEAD", "OPTIONS"}, {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}}

// methods chooses the smallest set that has all methods of a behaviour's routes. The exact ones are for the firewall and the function.
func (b *builder) methods(t *remarks, v *behavior) {
	all := methodSets[len(methodSets)-1]
	set := methodSets[0]
	if v.props.GrpcConfig != nil {
		set = all
	}
	for _, r := range v.routes {
		list := routeMethods(r)
		if list == nil {
			list = all
		}
		if r.Policy.CORS != nil && len(r.Policy.CORS.Origins) > 0 {
			list = append(slices.Clone(list), "OPTIONS") // the preflight
		}
		for _, m := range list {
			if !slices.Contains(all, m) {
				t.note(&policyRules.methods, r.At, "spec.methods", "the route %s takes %s", r.Name, m)
				continue
			}
			for _, larger := range methodSets {
				if !slices.Contains(set, m) && slices.Contains(larger, m) {
					set = larger
				}
			}
		}
	}
	v.props.AllowedMethods, v.props.CachedMethods = model.Texts(set), model.Texts(methodSets[0])
	if len(set) < len(all) {
		return
	}
	for _, o := range t.site.origins {
		if o.group != nil && v.props.TargetOriginId == model.Text(o.id) {
			v.props.TargetOriginId = o.origins[0].Id
			t.note(&policyRules.failOver, v.at, "spec.retry", "%s takes other methods: %s asks no second endpoint", patternName(v), o.service.Meta.Name)
		}
	}
}

// routeMethods are the methods that a route lets through; nil: all but TRACE and CONNECT. What serves files takes those that read.
func routeMethods(r *spec.Route) []string {
	list := *r.Policy.Methods
	if onlyFiles(r) {
		list = inBoth(methodSets[1], list)
	}
	list = inBoth(r.Match.Methods, list)
	if len(list) == 0 && len(r.Match.Methods) == 0 && len(*r.Policy.Methods) == 0 {
		return nil
	}
	return list
}

// inBoth are those of both lists, of which an empty one has all.
func inBoth(a, b []string) []string {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(m string) bool { return !slices.Contains(b, m) })
}

// readsOnly reports whether methods are those that an origin group, and a cached behaviour without loss, can have.
func readsOnly(methods []string) bool {
	return methods != nil && !slices.ContainsFunc(methods, func(m string) bool { return !slices.Contains(methodSets[1], m) })
}

// onlyFiles reports whether a route goes to directories alone.
func onlyFiles(r *spec.Route) bool {
	return len(r.To.Services) > 0 && !slices.ContainsFunc(r.To.Services, func(w spec.Weighted) bool { return w.Service.Directory == nil })
}

// destination is what the services of a behaviour have in common.
type destination struct {
	route      *spec.Route // the first one that goes to a service; nil: a function answers everything
	bucket     bool        // all are directories
	viewerHost bool        // all get the client's Host
	signed     bool        // one is the URL of a Lambda function, towards which CloudFront signs in Authorization
}

func (b *builder) destination(t *remarks, v *behavior) destination {
	to := destination{bucket: true, viewerHost: true}
	hosts := map[bool]bool{}
	for _, r := range v.routes {
		for _, w := range r.To.Services {
			if to.route == nil {
				to.route = r
			}
			svc := w.Service
			preserves := svc.Directory == nil && svc.Host == spec.HostPreserve && !ownHostOnly(svc) && (r.Rewrite == nil || r.Rewrite.Host == "")
			hosts[preserves] = true
			to.bucket = to.bucket && svc.Directory != nil
			to.viewerHost = to.viewerHost && preserves
			to.signed = to.signed || svc.AWS != nil && svc.AWS.Function != ""
		}
	}
	to.bucket, to.viewerHost = to.bucket && to.route != nil, to.viewerHost && to.route != nil
	if len(hosts) > 1 {
		t.note(&policyRules.host, v.at, "spec.routes", "%s goes to services with and without the client's Host", patternName(v))
	}
	return to
}

// dropGroups takes out the origin groups, with their second origins, that nothing asks.
func dropGroups(s *site) {
	for _, o := range s.origins {
		if o.group == nil || slices.ContainsFunc(s.behaviors, func(v *behavior) bool { return asks(v, o) }) {
			continue
		}
		o.id, o.origins, o.group = string(o.origins[0].Id.(model.Text)), o.origins[:1], nil
	}
}

// asks reports whether a behaviour, or the function that chooses among its services, may ask an origin group.
func asks(v *behavior, o *origin) bool {
	return v.props.TargetOriginId == model.Text(o.id) || v.origin != o && slices.ContainsFunc(v.routes, func(r *spec.Route) bool {
		return failsOver(r) && slices.ContainsFunc(r.To.Services, func(w spec.Weighted) bool { return w.Service == o.service })
	})
}

// remarks tells once for a site what is the matter at several of its routes.
type remarks struct {
	b    *builder
	site *site
	list []*remark
}

type remark struct {
	rule       *finding.Rule
	at         spec.Pos
	path, text string
	more       int
}

func (t *remarks) note(rule *finding.Rule, at spec.Pos, path, format string, args ...any) {
	for _, n := range t.list {
		if n.rule == rule {
			n.more++
			return
		}
	}
	t.list = append(t.list, &remark{rule: rule, at: at, path: path, text: fmt.Sprintf(format, args...)})
}

// count is how many remarks there are.
func (t *remarks) count() int {
	n := len(t.list)
	for _, r := range t.list {
		n += r.more
	}
	return n
}

func (t *remarks) tell() {
	for _, n := range t.list {
		text := n.text
		if n.more > 0 {
			text += fmt.Sprintf(", and %d more", n.more)
		}
		t.b.find(n.rule, t.site, n.at, n.path, "%s", text)
	}
}

// routeName is a route in a sentence.
func routeName(r *spec.Route) string {
	if r.Name == "" {
		return "what takes no route"
	}
	return "the route " + r.Name
}

// patternName is a behaviour in a sentence.
func patternName(v *behavior) string {
	if v.pattern == "" {
		return "the default behaviour"
	}
	return "the behaviour " + v.pattern
}
