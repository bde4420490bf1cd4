package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// AccountQuota is the rule about quotas of an account. It knows AWS's own values; whoever knows what an account was granted can leave it out.
const AccountQuota = "account-quota"

// acrossRows are about all resources of an account, in however many templates they stand.
var acrossRows = []row[*Set]{
	{rule("alias-twice", refuses,
		"an alternate domain name can sit on one distribution only, or on one tenant",
		"keep it on one",
		"www.example.com on two distributions", guide+"CNAMEs.html"), aliasTwice},
	{rule("name-twice", refuses,
		"an account, or a region of it, has one resource of a type with a name",
		"name them differently, or share the resource by an export",
		"two functions with Name: rewrite", ""), nameTwice},
	{rule("import-dangling", refuses,
		"no stack exports what Fn::ImportValue names",
		"export it, or lint the template that does beside this one",
		"Fn::ImportValue: network-Acl without such an export", templates+"intrinsic-function-reference-importvalue.html"), importDangling},
	{rule("import-circle", refuses,
		"stacks import from each other in a circle, or from themselves: none can be deployed first",
		"move what both need into a stack of its own",
		"a imports from b, and b from a", templates+"using-cfn-stack-exports.html"), importCircle},
	{rule("export-twice", refuses,
		"a name is exported once in an account and region",
		"name the exports differently",
		"Export: {Name: acl} twice", templates+"using-cfn-stack-exports.html"), exportTwice},
	{rule(AccountQuota, risk,
		"AWS gives an account fewer of them, unless more were asked for",
		"share what is equal, or ask AWS for more",
		"21 cache policies", limitsPage), accountQuota},
}

// beside is how bad it is that two templates have the same name: those of anybody may be for accounts or regions of their own.
func beside(severity finding.Severity, a, b *cfn.Template) finding.Severity {
	if a == b || a.Stack != "" && b.Stack != "" {
		return severity
	}
	return min(severity, risk)
}

func aliasTwice(l *linter, s *Set) {
	taken := map[string]*cfn.Resource{}
	s.each(l, func(r *cfn.Resource) {
		var names []entry
		if d := s.facts.distributions[r]; d != nil {
			names, _ = d.aliases()
		} else if r.Type == typeTenant {
			names, _ = entries(r.Properties.Get("Domains"))
		}
		for _, e := range names {
			name, ok := e.AsText()
			if name = strings.ToLower(name); !ok || !e.sure {
				continue
			}
			if by := taken[name]; by == nil {
				taken[name] = r
			} else if by != r || r.Type == typeDistribution {
				l.find(e.Node, "%q is an alternate domain name of %s already", short(name), by.ID)
			}
		}
	})
}

// naming is where resources of a type have their name, and in what it is unique.
type naming struct {
	path     []string
	regional bool // in a region of the account, not in all of it
	scoped   bool // and in a scope of AWS WAF
}

var namings = map[string]naming{
	typeCachePolicy:                    {path: []string{"CachePolicyConfig", "Name"}},
	typeOriginPolicy:                   {path: []string{"OriginRequestPolicyConfig", "Name"}},
	typeHeadersPolicy:                  {path: []string{"ResponseHeadersPolicyConfig", "Name"}},
	typeFunction:                       {path: []string{"Name"}},
	typeKeyValueStore:                  {path: []string{"Name"}},
	typeAccessControl:                  {path: []string{"OriginAccessControlConfig", "Name"}},
	typeRealtimeLog:                    {path: []string{"Name"}},
	typeTenant:                         {path: []string{"Name"}},
	"AWS::CloudFront::ConnectionGroup": {path: []string{"Name"}},
	"AWS::CloudFront::KeyGroup":        {path: []string{"KeyGroupConfig", "Name"}},
	"AWS::S3::Bucket":                  {path: []string{"BucketName"}},
	typeWebACL:                         {path: []string{"Name"}, regional: true, scoped: true},
	typeRuleGroup:                      {path: []string{"Name"}, regional: true, scoped: true},
	typeIPSet:                          {path: []string{"Name"}, regional: true, scoped: true},
	typeRegexSet:                       {path: []string{"Name"}, regional: true, scoped: true},
	typeLogGroup:                       {path: []string{"LogGroupName"}, regional: true},
	typeDeliverySource:                 {path: []string{"Name"}, regional: true},
	typeDeliveryTarget:                 {path: []string{"Name"}, regional: true},
	typeLambdaFunction:                 {path: []string{"FunctionName"}, regional: true},
	"AWS::SecretsManager::Secret":      {path: []string{"Name"}, regional: true},
}

func nameTwice(l *linter, s *Set) {
	type where struct{ resourceType, name, scope, region string }
	type owner struct {
		*cfn.Resource
		in *cfn.Template
	}
	taken := map[where]owner{}
	s.each(l, func(r *cfn.Resource) {
		naming, has := namings[r.Type]
		n := r.Properties.Path(naming.path...)
		name, known := n.AsText()
		if !has || !known || n.Kind != schema.Text {
			return
		}
		at := where{resourceType: r.Type, name: name}
		if naming.regional {
			at.region = l.t.Region
		}
		if naming.scoped {
			if at.scope, known = r.Properties.Get("Scope").AsText(); !known {
				return
			}
		}
		if by, twice := taken[at]; twice {
			l.findAs(beside(l.rule.Severity, by.in, l.t), n, "%s has the name %q already", by.ID, short(name))
			return
		}
		taken[at] = owner{r, l.t}
	})
}

// imports visits what each resource imports, by names that are known.
func (s *Set) imports(l *linter, visit func(n *schema.Node, name string)) {
	for _, t := range s.templates {
		list, known := s.importing[t]
		if !known {
			for _, r := range t.Resources {
				deep(r.Properties, func(n *schema.Node) {
					if name, ok := imported(n); ok {
						list = append(list, importing{r, n, name})
					}
				})
			}
			s.importing[t] = list
		}
		for _, i := range list {
			l.t, l.at = t, i.by
			visit(i.node, i.name)
		}
	}
	l.t, l.at = nil, nil
}

// importDangling is sure of our own stacks: their exports have names that begin with theirs. Others may be in templates that nobody named.
func importDangling(l *linter, s *Set) {
	said := map[string]bool{}
	s.imports(l, func(n *schema.Node, name string) {
		if s.exports[name] != nil || said[name] {
			return
		}
		said[name] = true
		if t := s.exporter(name); t != nil {
			l.find(n, "the stack %s does not export %q", t.Stack, short(name))
		} else if len(s.templates) > 1 && !s.open {
			l.findAs(hint, n, "none of these templates exports %q", short(name))
		}
	})
}

func importCircle(l *linter, s *Set) {
	from := map[*cfn.Template][]*cfn.Template{}
	s.imports(l, func(_ *schema.Node, name string) {
		if e := s.exports[name]; e != nil && !e.sometimes && !slices.Contains(from[l.t], e.in) {
			from[l.t] = append(from[l.t], e.in)
		}
	})
	if circle := circleOf(s.templates, func(t *cfn.Template) []*cfn.Template { return from[t] }); circle != nil {
		names := make([]string, len(circle))
		for i, t := range circle {
			names[i] = t.Name
		}
		l.find(nil, "%s", strings.Join(names, " imports from "))
	}
}

func exportTwice(l *linter, s *Set) {
	for _, e := range s.outputs {
		name, known := e.name.AsText()
		first := s.exports[name]
		if !known || first == e || e.sometimes || first.sometimes || first.in.Region != e.in.Region {
			continue
		}
		l.findAs(beside(l.rule.Severity, first.in, e.in), e.name, "%s exports %q already", first.in.Name, short(name))
	}
}

// accountQuota counts what the account has, and what uses what is shared.
func accountQuota(l *linter, s *Set) {
	counts := map[string]int{}
	users := map[*cfn.Resource]int{}
	count := func(r *cfn.Resource, quota, scope string) {
		counts[quota+scope]++
		if q, ok := schema.QuotaNamed(quota); ok && counts[quota+scope] == q.Limit+1 {
			l.find(nil, "this is one more than the %d %s that AWS gives", q.Limit, q.Of)
		}
	}
	s.each(l, func(r *cfn.Resource) {
		if quota := schema.AccountQuota(r.Type); quota != "" {
			count(r, quota, r.Properties.Get("Scope").String()+l.t.Region)
		}
		d := s.facts.distributions[r]
		if d == nil {
			return
		}
		if d.tenants {
			count(r, "multiTenantDistributions", "")
		}
		if isTrue(d.config.Get("Staging")) {
			count(r, "stagingDistributions", "")
		}
		used := map[*cfn.Resource]bool{}
		each(d.config, func(n *schema.Node) {
			to, _ := l.refers(n)
			if to == nil || used[to] {
				return
			}
			used[to] = true
			users[to]++
			if q, ok := schema.QuotaNamed(schema.UsersQuota(to.Type)); ok && users[to] == q.Limit+1 {
				l.find(n, "%s has one more than the %d %s that AWS gives a %s", to.ID, q.Limit, q.Of, q.Per)
			}
		})
	})
}
