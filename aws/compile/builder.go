package compile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// builder is what the passes share.
type builder struct {
	spec      *spec.Spec
	account   spec.AWS // as the spec says; with defaults where it says nothing
	sites     []*site  // by the names of entrypoints
	shared    model.Stack
	interned  map[string]*model.Resource // by their digests
	keys      map[*model.Resource]string // the other way round
	edges     []*edge                    // by the names of their sites; made by pack
	late      []*model.Resource          // what needs several distributions, as the policy of a bucket does: in a stack behind all of them
	findings  []finding.Finding
	packed    []model.Choice                // made by pack
	fits      map[string]string             // what other packings would need of a quota that this one breaks; made by pack
	loads     loads                         // what resources take of a stack
	firewalls map[firewallKey]*firewallMade // web ACLs of sites that ask the same for every request
	answers   map[answerKey]answerMade      // policies for the fields of answers
	written   writtenCode                   // of functions
	files     map[string][]byte             // that stand beside the templates, by name: contents of key value stores
	copies    map[copyKey]*model.Resource   // of shared resources
	memory    *Memory
	now       *made // the site that is being made; nil: none
}

// site is what an entrypoint becomes.
type site struct {
	entry     *spec.Entrypoint
	hosts     []string    // that CloudFront can serve, as alternate domain names
	origins   []*origin   // of its services, in the order in which routes name them
	behaviors []*behavior // in the order in which CloudFront compares them; the last one is the default
	errors    []*model.DistributionCustomErrorResponse
	acl       *model.Resource // of the firewall; nil: nothing is asked of it
	edge      *edge           // set by pack
	asked     []*spec.Route   // what behaviours are made of: the routes, without the services that a staging distribution asks
	made      *made           // of the memory, which the origins and behaviours belong to until the site has its own; nil: they are its own
}

// origin is what a service becomes.
type origin struct {
	id      string // of the origin, or of the group of two that a behaviour targets
	service *spec.Service
	origins []*model.DistributionOrigin    // one, or the two of a group
	group   *model.DistributionOriginGroup // nil: there is no second one
	needs   []*model.Resource              // access control, VPC origin, secret; in the stack of the distribution unless they are shared
}

// origin returns what a service has become; nil: it was refused.
func (s *site) origin(of *spec.Service) *origin {
	for _, o := range s.origins {
		if o.service == of {
			return o
		}
	}
	return nil
}

// behavior is a path pattern and what happens to requests for it.
type behavior struct {
	pattern string        // empty: the default behaviour
	routes  []*spec.Route // that may take a request with such a path, in the order in which they are asked; never empty
	at      spec.Pos
	props   *model.DistributionCacheBehavior // PathPattern, TargetOriginId, policies, functions, methods; of the default one without PathPattern
	viewer  *function                        // what the function for requests does here; nil: nothing
	answer  *function                        // what the function for responses does here; nil: nothing

	origin *origin // that TargetOriginId names

	// behaviors says, and policies does:
	keys     []string // request fields that the function for requests sets, lower case: the cache policy must count them, if there is one
	uncached bool     // its routes differ in what may be stored: nothing is, whatever the first of them says

	// policies says, and functions does: edits of Headers.Response of the first route that a response headers policy cannot do.
	left spec.Edits
}

// edge is a distribution: of one site, or of several that share it or are tenants of it.
type edge struct {
	name         string // of its first site, or of what the sites have in common; part of logical ids
	packing      spec.AWSPacking
	sites        []*site
	distribution *model.Resource
	tenants      []*model.Resource // DistributionTenants in the order of sites; nil unless the packing is tenants
	group        *model.Resource   // the ConnectionGroup whose RoutingEndpoint the hosts of tenants point to; nil unless there are tenants
	with         []*model.Resource // what stands beside it in its stack: access controls, records, deliveries of logs. Of tenants what has a site's name as its Owner
	kept         *madeEdge         // of the memory; nil: it is of this revision alone
}

func newBuilder(s *spec.Spec, m *Memory) *builder {
	b := &builder{
		spec: s, account: *spec.DefaultAWS(), interned: map[string]*model.Resource{}, keys: map[*model.Resource]string{},
		fits: map[string]string{}, firewalls: map[firewallKey]*firewallMade{}, copies: map[copyKey]*model.Resource{},
		answers: map[answerKey]answerMade{},
	}
	m.begin(s)
	b.memory, b.loads, b.findings = m, m.loads, make([]finding.Finding, 0, m.found)
	if s.AWS != nil {
		b.account = *s.AWS
	}
	b.shared = model.Stack{Name: sharedStack, Region: region, Note: "what several distributions use"}
	return b
}

// find notes a finding about an entrypoint.
func (b *builder) find(rule *finding.Rule, s *site, at spec.Pos, path, format string, args ...any) {
	f := finding.Finding{Rule: rule, Severity: rule.Severity, At: at, Path: path, Text: fmt.Sprintf(format, args...)}
	if s != nil {
		f.Subject = s.entry.Meta.Name
	}
	b.findings = append(b.findings, f)
}

// result is the findings as they are shown, with what is allowed.
func (b *builder) result() []finding.Finding {
	allowed := map[string][]string{}
	for _, e := range b.spec.Entrypoints {
		allowed[e.Meta.Name] = e.Portability.Allow
	}
	for i := range b.findings {
		f := &b.findings[i]
		if slices.Contains(allowed[f.Subject], f.Rule.ID) || slices.Contains(b.account.Allow, f.Rule.ID) {
			f.Allow()
		}
	}
	return sorted(b.findings)
}

// sorted is what finding.Sort makes of findings. It is faster where they come from many files, since that is what the order begins with
// but for the severity: findings of one file need not find their way among those of all others.
func sorted(list []finding.Finding) []finding.Finding {
	type pile struct {
		severity finding.Severity
		file     string
	}
	piles := map[pile][]finding.Finding{}
	for i := range list {
		at := pile{list[i].Severity, list[i].At.File}
		piles[at] = append(piles[at], list[i])
	}
	order := slices.SortedFunc(maps.Keys(piles), func(a, b pile) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(a.file, b.file))
	})
	out := slices.Grow([]finding.Finding(nil), len(list))
	for _, at := range order {
		out = append(out, finding.Sort(piles[at])...)
	}
	return out
}
