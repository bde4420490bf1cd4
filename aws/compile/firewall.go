package compile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// This file makes the web ACL of an entrypoint. Its rules stand in this order, each band with gaps, so that a rule more moves no other
// band:
//
//	100,000  zones         labels for requests of some routes, where several rules need to know; they only count
//	200,000  maintenance   503 for everybody but a few
//	300,000  methods       405, or 403 where the list is that of the firewall
//	400,000  sizes         413 for bodies, 403 for heads
//	500,000  lists         content types, charsets, extensions, fields: what the Core Rule Set has as lists
//	600,000  rates         429; requests that are refused above are not counted
//	700,000  managed       groups of AWS, those that block and those that only count
//	800,000  labels        refuse what a managed rule has labelled, but where an exclusion holds
//	900,000  bots          bot control, last because it is paid for by the request
//
// What no rule refuses is allowed. Hosts are not in it, names are made of content: entrypoints that ask for the same share one web
// ACL, of which an account has a hundred.
const (
	bandZones = 100_000 * (1 + iota)
	bandMaintenance
	bandMethods
	bandSizes
	bandLists
	bandRates
	bandManaged
	bandLabels
	bandBots
)

// scopeCloudFront is the scope of whatever a distribution uses.
const scopeCloudFront = model.Text("CLOUDFRONT")

// acl is a web ACL while it is made.
type acl struct {
	b     *builder
	site  *site
	lanes *lanes
	props *model.WebACL
	last  map[int]int         // priorities, by band
	zones map[string]string   // labels, by the digests of what they stand for
	marks map[string]spec.Pos // of rules, by their names
}

// firewallKey is all that a web ACL depends on where every request is asked for the same.
type firewallKey struct {
	asked
	errors *spec.Errors
	pages  *[]spec.ErrorPage
}

// firewallMade is the first site with a key, and what was said of it.
type firewallMade struct {
	site     *site
	findings []finding.Finding
	steps    []step
}

func (b *builder) firewall(s *site) {
	lanes := newLanes(s.entry)
	p := &s.entry.Policy
	key := firewallKey{askedBy(p), p.Errors, p.ErrorPages}
	alike := len(lanes.first) == 1
	if made := b.firewalls[key]; made != nil && alike {
		s.acl = made.site.acl
		for _, st := range made.steps {
			b.use(st.elsewhere(made.site.entry.At, s.entry.At))
		}
		for _, f := range made.findings {
			if f.Subject = s.entry.Meta.Name; f.At == made.site.entry.At {
				f.At = s.entry.At
			}
			b.findings = append(b.findings, f)
		}
		return
	}
	from, before := len(b.findings), b.now.count()
	b.webACL(s, lanes)
	if alike {
		b.firewalls[key] = &firewallMade{s, slices.Clone(b.findings[from:]), b.now.since(before)}
	}
}

// webACL makes the web ACL of a site.
func (b *builder) webACL(s *site, lanes *lanes) {
	a := &acl{
		b: b, site: s, lanes: lanes, last: map[int]int{}, zones: map[string]string{}, marks: map[string]spec.Pos{},
		props: &model.WebACL{
			Scope:            scopeCloudFront,
			Description:      model.Text("made by Skerry of what entrypoints have in common"),
			DefaultAction:    &model.WebACLDefaultAction{Allow: &model.WebACLAllowAction{}},
			VisibilityConfig: visible(""),
			AssociationConfig: &model.WebACLAssociationConfig{RequestBody: map[string]*model.WebACLRequestBodyAssociatedResourceTypeConfig{
				"CLOUDFRONT": {DefaultSizeInspectionLimit: model.Text("KB_" + strconv.Itoa(b.bodyKB()))},
			}},
		},
	}
	a.maintenance()
	a.methods()
	a.sizes()
	a.lists()
	a.rates()
	a.managed()
	a.bots()
	if len(a.props.Rules) == 0 {
		return
	}
	slices.SortFunc(a.props.Rules, func(x, y *model.WebACLRule) int { return cmp.Compare(x.Priority.(model.Int), y.Priority.(model.Int)) })
	a.capacity()
	marks := make([]place, len(a.props.Rules))
	for i, r := range a.props.Rules {
		marks[i] = place{"Rules." + strconv.Itoa(i), a.marks[string(r.Name.(model.Text))]}
	}
	s.acl = b.share("WebACL", s.entry.At, a.props, func(name string) {
		a.props.Name = model.Text(name)
		a.props.VisibilityConfig.MetricName = model.Text(name)
	}, marks...)
	a.logging()
}

// bodyKB is how much of a body AWS WAF looks at, in KB.
func (b *builder) bodyKB() int {
	if b.account.Firewall.BodyKB == 0 {
		return bodyKBDefault
	}
	return b.account.Firewall.BodyKB
}

// logging sends what the web ACL decides to where the account says. Credentials and sessions stay out of it.
func (a *acl) logging() {
	to := a.b.account.Logs.WAF
	if to == "" {
		return
	}
	redacted := func(name string) *model.LoggingConfigurationFieldToMatch {
		return &model.LoggingConfigurationFieldToMatch{SingleHeader: &model.LoggingConfigurationSingleHeader{Name: model.Text(name)}}
	}
	a.b.share("WebACLLog", a.site.entry.At, &model.LoggingConfiguration{
		ResourceArn: model.Ref{Resource: a.site.acl, Attr: "Arn"}, LogDestinationConfigs: []model.Value{model.Text(to)},
		RedactedFields: []*model.LoggingConfigurationFieldToMatch{redacted("authorization"), redacted("cookie")},
	}, func(string) {})
}

func visible(metric string) *model.WebACLVisibilityConfig {
	return &model.WebACLVisibilityConfig{CloudWatchMetricsEnabled: model.Bool(true), SampledRequestsEnabled: model.Bool(true), MetricName: model.Text(metric)}
}

// rule adds a rule to a band; nothing, if no request fits it. Names are unique within the web ACL, and those of its metrics.
func (a *acl) rule(band int, name string, at spec.Pos, s *statement, action *model.WebACLRuleAction) {
	if s == none {
		return
	}
	a.add(band, name, at, &model.WebACLRule{Statement: anything(s), Action: action})
}

func (a *acl) add(band int, name string, at spec.Pos, r *model.WebACLRule) {
	a.last[band] += 10
	r.Name, r.Priority, r.VisibilityConfig = model.Text(name), model.Int(band+a.last[band]), visible(name)
	a.props.Rules = append(a.props.Rules, r)
	if at.File == "" {
		at = a.site.entry.At
	}
	a.marks[name] = at
}

// name is what for the group of routes that the rest is in, and what with a digest for others: rules keep their names while routes come
// and go.
func (g *laneGroup) name(what string) string {
	if g.in[len(g.in)-1] {
		return what
	}
	return what + "-" + strings.ToLower(digest(g.key)[:digestLetters])
}

// find notes a finding about a group of routes; nil: about the entrypoint.
func (a *acl) find(rule *finding.Rule, g *laneGroup, path, format string, args ...any) {
	at := a.site.entry.At
	if g != nil && g.at.File != "" {
		at = g.at
	}
	a.b.find(rule, a.site, at, path, format, args...)
}

// zone fits the requests that the lanes in a set take, like lanes.reach. What costs more than a label is said once.
func (a *acl) zone(in []bool) *statement {
	s := a.lanes.reach(in, true)
	if s == nil || s == none || statementCapacity(s) <= zoneWorth {
		return s
	}
	sum := model.Digest(s)
	label, known := a.zones[sum]
	if !known {
		label = "skerry:zone:" + sum[:digestLetters]
		a.zones[sum] = label
		a.add(bandZones, "zone-"+sum[:digestLetters], spec.Pos{}, &model.WebACLRule{
			Statement: s, Action: count(), RuleLabels: []*model.WebACLLabel{{Name: model.Text(label)}},
		})
	}
	return labelled(label)
}

func count() *model.WebACLRuleAction {
	return &model.WebACLRuleAction{Count: &model.WebACLCountAction{}}
}

// refuse answers with a status and fields, name and value, and the page that the entrypoint has for the status.
func (a *acl) refuse(status int, fields ...string) *model.WebACLRuleAction {
	answer := &model.WebACLCustomResponse{ResponseCode: model.Int(status), CustomResponseBodyKey: model.Text(a.page(status))}
	for i := 0; i < len(fields); i += 2 {
		answer.ResponseHeaders = append(answer.ResponseHeaders, &model.WebACLCustomHTTPHeader{Name: model.Text(fields[i]), Value: model.Text(fields[i+1])})
	}
	return &model.WebACLRuleAction{Block: &model.WebACLBlockAction{CustomResponse: answer}}
}

// firewallOf is the firewall of a policy; nil: it is off.
func firewallOf(p *spec.Policy) *spec.WAF {
	if p.WAF == nil || p.WAF.Mode == spec.WAFOff {
		return nil
	}
	return p.WAF
}

// verdict refuses where the firewall blocks, and counts where it only detects.
func (a *acl) verdict(w *spec.WAF, status int) *model.WebACLRuleAction {
	if w.Mode == spec.WAFDetect {
		return count()
	}
	return a.refuse(status)
}
