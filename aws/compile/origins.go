package compile

import (
	"cmp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const (
	docsOriginSettings = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html"
	docsFailover       = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html"
)

// originRules are what services can come to.
var originRules = struct{ address, port, endpoints, statuses, h2c, tls, serverName finding.Rule }{
	address: finding.Rule{
		ID: "origin-address", Severity: finding.Error, Source: docsOriginSettings,
		Meaning: "An origin is a DNS name that CloudFront can resolve in public, or a load balancer in a VPC by its ARN: not an IP address, and not a name without a dot.",
		Remedy:  "give the endpoint a DNS name, or put it behind a load balancer and name that in `aws.loadBalancer`",
		Witness: "any request of the route: CloudFront refuses to make such a distribution",
	},
	port: finding.Rule{
		ID: "origin-port", Severity: finding.Error, Source: docsOriginSettings,
		Meaning: "CloudFront connects to the ports 80, 443 and 1024 to 65535 of an origin.",
		Remedy:  "let the service listen on another port, or put a load balancer before it",
	},
	endpoints: finding.Rule{
		ID: "endpoints", Severity: finding.Warning, Source: docsFailover,
		Meaning: "An origin is one DNS name, and an origin group has one more for fail-over, of behaviours that take GET, HEAD and OPTIONS alone: the other endpoints get nothing.",
		Remedy:  "name a load balancer in front of the endpoints as the only one; for fail-over, two endpoints, `retry` and `methods: [GET, HEAD, OPTIONS]`",
		Witness: "a request while the first endpoint is down: 502, although others would answer",
	},
	statuses: finding.Rule{
		ID: "fail-over-statuses", Severity: finding.Warning, Source: docsFailover,
		Meaning: "An origin group fails over for 403, 404, 500, 502, 503 and 504 only, and for a connection that fails or a wait that is over as if they were 503 and 504.",
		Remedy:  "leave the others out of `retry.statuses`",
		Witness: "an answer with 429 of the first endpoint, which is passed on",
	},
	h2c: finding.Rule{
		ID: "origin-h2c", Severity: finding.Error, Source: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-using-grpc.html",
		Meaning: "CloudFront speaks HTTP/2 to an origin for gRPC by HTTPS only, and HTTP/1.1 otherwise.",
		Remedy:  "use an https:// endpoint, or `protocol: http1` if the service knows it",
		Witness: "any request of the route: the service gets HTTP/1.1",
	},
	tls: finding.Rule{
		ID: "origin-tls-version", Severity: finding.Warning, Source: "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_OriginSslProtocols.html",
		Meaning: "TLS 1.2 is the highest version that can be asked for towards an origin as the lowest.",
		Remedy:  "let the service refuse TLS 1.2",
		Witness: "an origin that offers TLS 1.2 alone is spoken to",
	},
	serverName: finding.Rule{
		ID: "origin-server-name", Severity: finding.Error, Source: docsOriginSettings,
		Meaning: "CloudFront asks for the name of the origin, or for the Host that it forwards, and the certificate must have that name.",
		Remedy:  "give the service a certificate with the name of its endpoint, and remove serverName",
		Witness: "any request of the route: 502, or a server with another name is believed",
	},
}

// origins turns the services of an entrypoint into origins.
func (b *builder) origins(s *site) {
	used := usesOf(s.entry)
	for _, u := range used {
		if o := b.origin(s, u); o != nil {
			s.origins = append(s.origins, o)
		}
	}
}

// usage is a service and the routes of an entrypoint that ask it.
type usage struct {
	service *spec.Service
	routes  []*spec.Route
}

// usesOf are the services of an entrypoint in the order in which routes name them. What has weight 0 is there too: it is a matter of
// minutes that it gets some.
func usesOf(e *spec.Entrypoint) []*usage {
	var list []*usage
	known := map[*spec.Service]*usage{}
	for _, r := range e.Routes {
		for _, w := range r.To.Services {
			u := known[w.Service]
			if u == nil {
				u = &usage{service: w.Service}
				known[w.Service], list = u, append(list, u)
			}
			u.routes = append(u.routes, r)
		}
	}
	return list
}

// origin makes the origin of a service, and what closes it to everybody else; nil: it was refused.
func (b *builder) origin(s *site, u *usage) *origin {
	svc := u.service
	o := &origin{id: originID(svc), service: svc}
	if svc.Directory != nil {
		return b.bucketOrigin(s, u, o)
	}
	list := weighty(svc.Endpoints)
	for _, e := range list[:min(len(list), 2)] {
		if !b.reachable(s, svc, e) {
			return nil
		}
	}
	b.differentTLS(s, svc)
	second := b.second(s, u, list)
	o.origins = []*model.DistributionOrigin{b.customOrigin(s, u, list[0], o.id, second)}
	if second {
		o.origins = append(o.origins, b.customOrigin(s, u, list[1], o.id+"-2", true))
		o.group = b.group(s, u, o)
		o.id += "-group"
	}
	b.close(s, u, o)
	return o
}

// originID is the id of an origin within its distribution: at most 128 bytes. It depends on the service alone.
func originID(svc *spec.Service) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' {
			return c
		}
		return '-'
	}, strings.NewReplacer("https://", "", "http://", "").Replace(svc.Meta.Name))
	name = name[:min(len(name), originNameMax)]
	return strings.ToLower(name + "-" + digest(svc.Meta.Name)[:digestLetters])
}

// weighty are endpoints that get requests, the heaviest first: where one stands for all, it is the one that most requests go to now.
func weighty(list []spec.Endpoint) []spec.Endpoint {
	list = slices.DeleteFunc(slices.Clone(list), func(e spec.Endpoint) bool { return e.Weight == 0 })
	slices.SortStableFunc(list, func(a, b spec.Endpoint) int { return cmp.Compare(b.Weight, a.Weight) })
	return list
}

// reachable reports whether CloudFront can connect to an endpoint.
func (b *builder) reachable(s *site, svc *spec.Service, e spec.Endpoint) bool {
	at := e.At
	if at.Line == 0 {
		at = svc.At
	}
	path := "Service " + svc.Meta.Name + " spec.endpoints"
	inVPC := svc.AWS != nil && svc.AWS.LoadBalancer != ""
	switch why := notPublic(e.Host); {
	case e.Addr.IsValid(), why != "" && !inVPC:
		b.find(&originRules.address, s, at, path, "the endpoint %s is %s", e.URL(), cmp.Or(why, "an IP address"))
	case e.Port != 80 && e.Port != 443 && e.Port < 1024:
		b.find(&originRules.port, s, at, path, "the endpoint %s has the port %d", e.URL(), e.Port)
	case svc.Protocol == spec.ProtocolHTTP2 && !e.TLS:
		b.find(&originRules.h2c, s, at, path, "the endpoint %s is asked by HTTP/2 without TLS", e.URL())
	default:
		return true
	}
	return false
}

// differentTLS tells what of the TLS towards a service cannot be said.
func (b *builder) differentTLS(s *site, svc *spec.Service) {
	path := "Service " + svc.Meta.Name + " spec.tls"
	if svc.TLS.MinVersion == "1.3" {
		b.find(&originRules.tls, s, svc.At, path+".minVersion", "minVersion 1.3 becomes 1.2")
	}
	if name := svc.TLS.ServerName; name != "" && !namesItself(svc, name) {
		b.find(&originRules.serverName, s, svc.At, path+".serverName", "the certificate must have the name %s, and no endpoint is called so", name)
	}
}

// namesItself reports whether CloudFront asks for a name without being told: every endpoint that is used is called so.
func namesItself(svc *spec.Service, name string) bool {
	if svc.Host == spec.HostName && svc.HostName == name {
		return true // the function sets it as the Host, and the name that is asked for follows the Host
	}
	return !slices.ContainsFunc(weighty(svc.Endpoints), func(e spec.Endpoint) bool { return e.Host != name })
}

// second reports whether a service becomes a group of two origins, and tells which endpoints get nothing.
func (b *builder) second(s *site, u *usage, list []spec.Endpoint) bool {
	closed := u.service.AWS != nil && (u.service.AWS.LoadBalancer != "" || u.service.AWS.Function != "") // by one ARN, so there is one
	group := len(list) > 1 && !closed && slices.ContainsFunc(u.routes, failsOver)
	used := 1
	if group {
		used = 2
	}
	if len(list) > used {
		var rest []string
		for _, e := range list[used:] {
			rest = append(rest, e.URL())
		}
		b.find(&originRules.endpoints, s, u.service.At, "Service "+u.service.Meta.Name+" spec.endpoints",
			"of %d endpoints %d are used; nothing goes to %s", len(list), used, strings.Join(rest, ", "))
	}
	return group
}

// failsOver reports whether a route may ask a second origin. CloudFront refuses a behaviour that has an origin group and takes other
// methods than these.
func failsOver(r *spec.Route) bool {
	return r.Policy.Retry.Tries > 1 && readsOnly(routeMethods(r))
}

// group is the origin group of two origins.
func (b *builder) group(s *site, u *usage, o *origin) *model.DistributionOriginGroup {
	codes, left := []int{503, 504}, []int(nil) // what a connection that fails and a wait that is over count as
	for _, r := range u.routes {
		if !failsOver(r) {
			continue
		}
		for _, status := range r.Policy.Retry.Statuses {
			if slices.Contains(failOverStatuses, status) {
				codes = append(codes, status)
			} else {
				left = append(left, status)
			}
		}
	}
	slices.Sort(left)
	if left = slices.Compact(left); len(left) > 0 {
		b.find(&originRules.statuses, s, u.routes[0].At, "spec.retry.statuses", "the service %s is not asked again for %s",
			u.service.Meta.Name, numbers(left))
	}
	slices.Sort(codes)
	codes = slices.Compact(codes)
	g := &model.DistributionOriginGroup{
		Id:               model.Text(o.id + "-group"),
		FailoverCriteria: &model.DistributionOriginGroupFailoverCriteria{StatusCodes: &model.DistributionStatusCodes{Quantity: model.Int(len(codes))}},
		Members:          &model.DistributionOriginGroupMembers{Quantity: model.Int(len(o.origins))},
	}
	for _, c := range codes {
		g.FailoverCriteria.StatusCodes.Items = append(g.FailoverCriteria.StatusCodes.Items, model.Int(c))
	}
	for _, m := range o.origins {
		g.Members.Items = append(g.Members.Items, &model.DistributionOriginGroupMember{OriginId: m.Id})
	}
	return g
}

// failOverStatuses are those that an origin group takes.
var failOverStatuses = []int{403, 404, 500, 502, 503, 504}
