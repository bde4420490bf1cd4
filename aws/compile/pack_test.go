package compile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// bench is a builder whose sites are made by hand: what comes before the packer is somebody else's.
type bench struct {
	*builder
	t testing.TB
}

func newBench(t testing.TB, packing spec.AWSPacking, quotas map[string]int) *bench {
	b := newBuilder(&spec.Spec{AWS: &spec.AWS{
		Packing: packing, PriceClass: spec.PriceClassAll, HTTP3: true, IPv6: true, Quotas: quotas, Account: "123456789012",
		Certificates: []spec.AWSCertificate{{ARN: "arn:aws:acm:us-east-1:123456789012:certificate/x", Hosts: []string{"*.example.com"}}},
	}}, new(Memory))
	return &bench{builder: b, t: t}
}

// kind is what a site made by hand is like; equal kinds are alike.
type kind struct {
	cache  int    // which cache policy
	acl    int    // which web ACL; 0: none
	origin string // name of the origin
	hosts  int    // how many hosts; 0: one
	header string // of the origin: what tenants must have in common
}

func (b *bench) cachePolicy(n int) *model.Resource {
	p := &model.CachePolicy{CachePolicyConfig: &model.CachePolicyConfig{
		DefaultTTL: model.Int(n), MinTTL: model.Int(0), MaxTTL: model.Int(86400),
		ParametersInCacheKeyAndForwardedToOrigin: &model.CachePolicyParametersInCacheKeyAndForwardedToOrigin{EnableAcceptEncodingGzip: model.Bool(true)},
	}}
	return b.share("CachePolicy", spec.Pos{}, p, func(name string) { p.CachePolicyConfig.Name = model.Text(name) })
}

func (b *bench) webACL(n int) *model.Resource {
	if n == 0 {
		return nil
	}
	p := &model.WebACL{Scope: model.Text("CLOUDFRONT"), Description: model.Text(fmt.Sprint(n))}
	return b.share("WebACL", spec.Pos{}, p, func(name string) { p.Name = model.Text(name) })
}

func (b *bench) add(name string, k kind) *site {
	if k.origin == "" {
		k.origin = "app.internal.example.net"
	}
	e := &spec.Entrypoint{Meta: spec.Meta{Name: name, Owner: "team"}, At: spec.Pos{File: "edge.yaml", Line: 1 + len(b.sites), Col: 1}}
	o := &model.DistributionOrigin{Id: model.Text("app"), DomainName: model.Text(k.origin), CustomOriginConfig: &model.DistributionCustomOriginConfig{
		OriginProtocolPolicy: model.Text("https-only"),
	}}
	if k.header != "" {
		o.OriginCustomHeaders = []*model.DistributionOriginCustomHeader{{HeaderName: model.Text("X-Origin-Secret"), HeaderValue: model.Text(k.header)}}
	}
	s := &site{entry: e, acl: b.webACL(k.acl), origins: []*origin{{id: "app", service: &spec.Service{}, origins: []*model.DistributionOrigin{o}}}}
	for i := range max(k.hosts, 1) {
		s.hosts = append(s.hosts, fmt.Sprintf("h%d-%s.example.com", i, name))
	}
	for _, pattern := range []string{"/api/*", ""} {
		p := &model.DistributionCacheBehavior{TargetOriginId: model.Text("app"), ViewerProtocolPolicy: model.Text("redirect-to-https"),
			CachePolicyId: model.Ref{Resource: b.cachePolicy(k.cache), Attr: "Id"}}
		if pattern != "" {
			p.PathPattern = model.Text(pattern)
		}
		s.behaviors = append(s.behaviors, &behavior{pattern: pattern, routes: []*spec.Route{{Name: "r"}}, props: p})
	}
	b.sites = append(b.sites, s)
	return s
}

// deployed packs and puts into stacks.
func (b *bench) deployed() *model.Deployment {
	b.pack()
	d := b.stacks()
	b.quota(d)
	return d
}

// sets are the groups as text: "dedicated a", "shared b,c".
func (b *bench) sets() []string {
	var out []string
	for _, e := range b.edges {
		var names []string
		for _, s := range e.sites {
			names = append(names, s.entry.Meta.Name)
		}
		out = append(out, string(e.packing)+" "+strings.Join(names, ","))
	}
	return out
}

func TestPackings(t *testing.T) {
	f := func(packing spec.AWSPacking, quotas map[string]int, kinds map[string]kind, want ...string) {
		t.Helper()
		b := newBench(t, packing, quotas)
		for _, name := range sortedKeys(kinds) {
			b.add(name, kinds[name])
		}
		b.pack()
		if got := b.sets(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	two := map[string]kind{"a": {}, "b": {}, "c": {cache: 1}}
	f(spec.PackingDedicated, nil, two, "dedicated a", "dedicated b", "dedicated c")
	f(spec.PackingShared, nil, two, "shared a,b", "dedicated c")
	f(spec.PackingAuto, nil, two, "dedicated a", "dedicated b", "dedicated c")
	f(spec.PackingAuto, map[string]int{"distributions": 2}, two, "shared a,b", "dedicated c")
	f(spec.PackingTenants, nil, two, "tenants a,b", "dedicated c")

	// Another firewall, or another name of the origin: no likeness, but kinship. Another secret: neither.
	kin := map[string]kind{
		"a": {acl: 1, origin: "a.internal.example.net"}, "b": {acl: 2, origin: "b.internal.example.net"}, "c": {origin: "c.internal.example.org"},
		"d": {origin: "d.internal.example.net", header: "secret"},
	}
	f(spec.PackingShared, nil, kin, "dedicated a", "dedicated b", "dedicated c", "dedicated d")
	f(spec.PackingTenants, nil, kin, "tenants a,b", "dedicated c", "dedicated d")
	f(spec.PackingAuto, map[string]int{"distributions": 3}, kin, "tenants a,b", "dedicated c", "dedicated d")

	// The class that suffices and moves the fewest, not the largest.
	classes := map[string]kind{
		"a1": {cache: 1}, "a2": {cache: 1}, "a3": {cache: 1}, "a4": {cache: 1}, "b1": {cache: 2}, "b2": {cache: 2}, "c": {cache: 3},
	}
	f(spec.PackingAuto, map[string]int{"distributions": 6}, classes,
		"dedicated a1", "dedicated a2", "dedicated a3", "dedicated a4", "shared b1,b2", "dedicated c")
	f(spec.PackingAuto, map[string]int{"distributions": 4}, classes, "shared a1,a2,a3,a4", "dedicated b1", "dedicated b2", "dedicated c")
	f(spec.PackingAuto, map[string]int{"distributions": 3}, classes, "shared a1,a2,a3,a4", "shared b1,b2", "dedicated c")
	f(spec.PackingAuto, map[string]int{"distributions": 1}, classes, "shared a1,a2,a3,a4", "shared b1,b2", "dedicated c") // the least that is possible
}

// A box of those who share has no more hosts than a distribution may have, nor than one certificate that has to be made.
func TestSharedBoxes(t *testing.T) {
	b := newBench(t, spec.PackingShared, map[string]int{"aliases": 10})
	for i := range 30 {
		b.add(fmt.Sprintf("s%02d", i), kind{})
	}
	b.pack()
	for _, e := range b.edges {
		if n := len(e.distribution.Props.(*model.Distribution).DistributionConfig.Aliases); n > 10 {
			t.Errorf("%s has %d hosts", e.name, n)
		}
	}
	if len(b.edges) > 6 {
		t.Errorf("%d distributions for 30 hosts", len(b.edges))
	}

	b = newBench(t, spec.PackingShared, nil)
	b.account.Certificates = nil
	for i := range 30 {
		b.add(fmt.Sprintf("s%02d", i), kind{})
	}
	b.pack()
	for _, e := range b.edges {
		if n := len(e.distribution.Props.(*model.Distribution).DistributionConfig.Aliases); n > 10 {
			t.Errorf("%s has %d hosts, and no certificate is there", e.name, n)
		}
	}
}

func TestDistribution(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, nil)
	s := b.add("shop", kind{acl: 1, hosts: 2})
	s.entry.Meta.Labels = map[string]string{"cost": "a,b", "aws:x": "y"}
	s.behaviors[0].at = spec.Pos{File: "edge.yaml", Line: 7, Col: 3}
	s.behaviors[1].routes[0].To.Services = []spec.Weighted{{Service: &spec.Service{Directory: &spec.Directory{Index: "index.html"}}}}
	b.deployed()
	r := b.edges[0].distribution
	c := r.Props.(*model.Distribution).DistributionConfig
	f := func(name string, got, want model.Value) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	f("Enabled", c.Enabled, model.Bool(true))
	f("Comment", c.Comment, model.Text("skerry: shop"))
	f("HttpVersion", c.HttpVersion, model.Text("http2and3"))
	f("IPV6Enabled", c.IPV6Enabled, model.Bool(true))
	f("PriceClass", c.PriceClass, model.Text("PriceClass_All"))
	f("DefaultRootObject", c.DefaultRootObject, model.Text("index.html"))
	f("Aliases.1", c.Aliases[1], model.Text("h1-shop.example.com"))
	f("GeoRestriction", c.Restrictions.GeoRestriction.RestrictionType, model.Text("none"))
	f("PathPattern", c.CacheBehaviors[0].PathPattern, model.Text("/api/*"))
	f("TargetOriginId", c.DefaultCacheBehavior.TargetOriginId, model.Text("app"))
	f("WebACLId", c.WebACLId, model.Ref{Resource: s.acl, Attr: "Arn"})
	if c.ViewerCertificate != nil || c.ConnectionMode != nil || c.TenantConfig != nil || c.Staging != nil {
		t.Error("something is set that is not the packer's, or is for tenants")
	}
	if got := r.Pos("DistributionConfig.CacheBehaviors.0.PathPattern"); got.Line != 7 {
		t.Errorf("a behaviour comes from line %d", got.Line)
	}
	if got := r.Pos("DistributionConfig.Aliases.1"); got.Line != 1 {
		t.Errorf("a host comes from line %d", got.Line)
	}
	var tags []string
	for _, tag := range r.Props.(*model.Distribution).Tags {
		tags = append(tags, fmt.Sprint(tag.Key, "=", tag.Value))
	}
	if want := []string{"cost=a_b", "label:aws:x=y", "owner=team"}; !slices.Equal(tags, want) {
		t.Errorf("tags are %q, want %q", tags, want)
	}
	if got := has(b.findings, "tag-text"); got != 2 {
		t.Errorf("%d findings about tags, want 2", got)
	}
}

func TestTenants(t *testing.T) {
	b := newBench(t, spec.PackingTenants, nil)
	b.account.PriceClass = spec.PriceClass100
	one := b.add("one", kind{acl: 1, origin: "one.internal.example.net"})
	b.add("two", kind{origin: "two.internal.example.net"})
	d := b.deployed()
	if has(b.findings, "tenants-price-class") != 1 {
		t.Error("nothing says that the price class has no effect")
	}
	e := b.edges[0]
	c := e.distribution.Props.(*model.Distribution).DistributionConfig
	if c.ConnectionMode != model.Text("tenant-only") || c.Aliases != nil || c.PriceClass != nil || c.IPV6Enabled != nil || c.WebACLId != nil {
		t.Errorf("the distribution has what tenants cannot have: %+v", c)
	}
	if got := c.Origins[0].DomainName; got != model.Text("{{origin1}}.internal.example.net") {
		t.Errorf("the origin is %v", got)
	}
	if got := one.origins[0].origins[0].DomainName; got != model.Text("one.internal.example.net") {
		t.Errorf("the origin of the site has become %v", got)
	}
	first := e.tenants[0].Props.(*model.DistributionTenant)
	if first.Parameters[0].Value != model.Text("one") || first.Domains[0] != model.Text("h0-one.example.com") {
		t.Errorf("the tenant is %+v", first)
	}
	if first.Customizations.WebAcl.Arn != (model.Ref{Resource: one.acl, Attr: "Arn"}) {
		t.Error("the tenant has not its own firewall")
	}
	if e.tenants[1].Props.(*model.DistributionTenant).Customizations != nil {
		t.Error("a tenant without a firewall has one")
	}
	if e.tenants[0].Stack.Name != "skerry-tenants-01" || e.group.Stack.Name != "skerry-edge-01" {
		t.Errorf("the tenant is in %s, its connection group in %s", e.tenants[0].Stack.Name, e.group.Stack.Name)
	}
	after(t, d)
}

// after checks that what is referred to is in the same stack or in one before it.
func after(t testing.TB, d *model.Deployment) {
	t.Helper()
	l := loads{}
	for i, s := range d.Stacks {
		for _, before := range s.After {
			if !slices.Contains(d.Stacks[:i], before) {
				t.Errorf("%s comes after %s, which is not before it", s.Name, before.Name)
			}
		}
		for _, r := range s.Resources {
			for _, to := range l.targets(r) {
				if to.Stack != s && !slices.Contains(s.After, to.Stack) {
					t.Errorf("%s in %s refers to %s, whose stack it does not come after", r.ID, s.Name, to.ID)
				}
			}
		}
	}
}

// More distributions than one policy may have: it is made several times, each user has one, and none has too many.
func TestCopies(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, map[string]int{"distributionsPerCachePolicy": 4, "distributionsPerWebAcl": 5})
	for i := range 18 {
		b.add(fmt.Sprintf("s%02d", i), kind{acl: 1})
	}
	acl := b.webACL(1)
	b.shared.Add(&model.Resource{ID: "Log", Props: &model.LoggingConfiguration{ResourceArn: model.Ref{Resource: acl, Attr: "Arn"}}})
	d := b.deployed()
	counts := map[string]int{}
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			counts[r.Type()]++
		}
	}
	if counts["AWS::CloudFront::CachePolicy"] != 5 || counts["AWS::WAFv2::WebACL"] != 4 || counts["AWS::WAFv2::LoggingConfiguration"] != 4 {
		t.Errorf("made %v", counts)
	}
	for _, id := range []string{"quota-distributions-per-cache-policy", "quota-distributions-per-web-acl"} {
		if n := errorsOf(b.findings, id); n > 0 {
			t.Errorf("%d errors %s", n, id)
		}
	}
	names := map[model.Value]bool{}
	for _, r := range b.shared.Resources {
		if p, ok := r.Props.(*model.CachePolicy); ok {
			names[p.CachePolicyConfig.Name] = true
		}
	}
	if len(names) != 5 {
		t.Errorf("%d names for 5 policies", len(names))
	}
	if text := b.packed[0].Why; !strings.Contains(text, "of 2 policies") {
		t.Errorf("the reason does not tell of copies: %s", text)
	}
	after(t, d)
}

// What no packing can keep is said with what the others would need.
func TestOtherPackings(t *testing.T) {
	b := newBench(t, spec.PackingDedicated, map[string]int{"distributions": 2})
	b.add("a", kind{})
	b.add("b", kind{})
	b.add("c", kind{cache: 1})
	b.deployed()
	var text string
	for _, f := range b.findings {
		if f.Rule.ID == "quota-distributions" {
			text = f.Text
		}
	}
	want := "distributions: 3, 1 more than the limit of 2 (quotas.distributions of the AWS document); packing shared would need 2, packing tenants would need 2, packing auto would need 2"
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// Where no packing fits, the solver takes the one that is nearest, and says so.
func TestNoPackingFits(t *testing.T) {
	b := newBench(t, spec.PackingAuto, map[string]int{"distributions": 1})
	b.add("a", kind{})
	b.add("b", kind{})
	b.add("c", kind{cache: 1})
	b.deployed()
	if got := b.sets(); !slices.Equal(got, []string{"shared a,b", "dedicated c"}) {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(b.packed[0].Why, "no packing keeps all quotas") {
		t.Errorf("the reason is %s", b.packed[0].Why)
	}
	i := slices.IndexFunc(b.findings, func(f finding.Finding) bool { return f.Rule.ID == "quota-distributions" })
	if i < 0 || !strings.HasSuffix(b.findings[i].Text, "; no packing would need so few") {
		t.Errorf("got %v", b.findings)
	}
}

func has(list []finding.Finding, id string) int {
	n := 0
	for _, f := range list {
		if f.Rule.ID == id {
			n++
		}
	}
	return n
}

func errorsOf(list []finding.Finding, id string) int {
	n := 0
	for _, f := range list {
		if f.Rule.ID == id && f.Severity == finding.Error {
			n++
		}
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
