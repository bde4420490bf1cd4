package lint

import (
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// acl is a web ACL, or a rule group, with its rules.
type acl struct {
	*cfn.Resource
	group bool
	rules []*wafRule
	open  bool // there may be rules that nobody sees here
}

// wafRule is one rule.
type wafRule struct {
	*schema.Node
	in   *acl
	sure bool
	top  *statement // nil: it has none, or it is not known
}

// statement is a statement of a rule, or one inside another.
type statement struct {
	*schema.Node              // the object that names the kind
	rule         *wafRule     //
	kind         string       // "ByteMatchStatement"; empty: not one, or not known
	body         *schema.Node // what stands below the kind
	in           *statement   // that it stands in; nil: none
	scope        bool         // it narrows a rate or a managed group
	below        []*statement
}

func newACL(r *cfn.Resource) *acl {
	a := &acl{Resource: r, group: r.Type == typeRuleGroup}
	list, open := entries(r.Properties.Get("Rules"))
	a.open = open
	for _, e := range list {
		w := &wafRule{Node: e.Node, in: a, sure: e.sure}
		if s := e.Get("Statement"); s.Known() {
			w.top = newStatement(w, nil, s)
		}
		a.rules = append(a.rules, w)
	}
	return a
}

func newStatement(w *wafRule, in *statement, n *schema.Node) *statement {
	s := &statement{Node: n, rule: w, in: in}
	if kinds, open := only(n, statementKinds...); len(kinds) == 1 && !open {
		s.kind, s.body = kinds[0], n.Get(kinds[0])
	}
	add := func(n *schema.Node, scope bool) {
		if n.Known() {
			below := newStatement(w, s, n)
			below.scope = scope
			s.below = append(s.below, below)
		}
	}
	list, _ := entries(s.body.Get("Statements"))
	for _, e := range list {
		add(e.Node, false)
	}
	add(s.body.Get("Statement"), false)
	add(s.body.Get("ScopeDownStatement"), true)
	return s
}

var statementKinds = []string{
	"AndStatement", "AsnMatchStatement", "ByteMatchStatement", "GeoMatchStatement", "IPSetReferenceStatement", "LabelMatchStatement",
	"ManagedRuleGroupStatement", "NotStatement", "OrStatement", "RateBasedStatement", "RegexMatchStatement",
	"RegexPatternSetReferenceStatement", "RuleGroupReferenceStatement", "SizeConstraintStatement", "SqliMatchStatement", "XssMatchStatement",
}

// walk visits the statements of a rule, outer ones first.
func (w *wafRule) walk(visit func(*statement)) {
	if w.top != nil {
		w.top.walk(visit)
	}
}

func (s *statement) walk(visit func(*statement)) {
	visit(s)
	for _, below := range s.below {
		below.walk(visit)
	}
}

// aclRows are about a web ACL or a rule group as a whole.
var aclRows = []row[*acl]{
	{rule("waf-name", refuses,
		"names of AWS WAF have 1 to 128 letters, digits, hyphens and underscores",
		"rename it",
		"Name: my acl", wafAPI+"WebACL.html"), wafName},
	{rule("waf-metric", refuses,
		"the name of a metric has letters, digits and _-#:./ , and is neither All nor Default_Action",
		"rename it",
		"MetricName: my metric", wafAPI+"VisibilityConfig.html"), wafMetric},
	{rule("waf-priority-twice", refuses,
		"two rules have the same priority",
		"give each its own",
		"Priority: 1 twice", wafAPI+"Rule.html"), priorityTwice},
	{rule("waf-name-twice", refuses,
		"two rules have the same name",
		"rename one",
		"Name: block twice", wafAPI+"Rule.html"), ruleNameTwice},
	{rule("waf-default-action", refuses,
		"the default action is Allow or Block",
		"write exactly one",
		"DefaultAction with both", wafAPI+"DefaultAction.html"), defaultAction},
	{rule("waf-region", refuses,
		"the scope CLOUDFRONT exists in us-east-1 only",
		"deploy the stack there",
		"Scope: CLOUDFRONT in eu-west-1", waf+"how-aws-waf-works-resources.html"), wafRegion},
	{rule("waf-capacity", refuses,
		"the rules need more capacity than there is",
		"remove rules, or move them to another web ACL",
		"WCU over 5,000", waf+"aws-waf-capacity-units.html"), wafCapacity},
	{rule("waf-capacity-price", hint,
		"beyond 1,500 WCU each request costs more",
		"nothing, if that is meant",
		"WCU of 1,625", waf+"aws-waf-pricing.html"), wafCapacityPrice},
	{rule("waf-capacity-low", refuses,
		"the capacity of a rule group is less than its rules need",
		"raise Capacity; it cannot be changed later",
		"Capacity: 10 with rules of 40 WCU", waf+"aws-waf-capacity-units.html"), wafCapacityLow},
	{rule("waf-rates", refuses,
		"a web ACL has ten rate rules at most, a rule group four",
		"merge them by custom keys",
		"11 rate rules", wafLimits), wafRates},
	{rule("waf-references", refuses,
		"a web ACL or a rule group refers to 50 sets and groups at most",
		"merge sets",
		"51 IP sets in one web ACL", wafLimits), wafReferences},
	{rule("waf-body-limit", risk,
		"a limit for bodies of another kind of resource does nothing for CloudFront",
		"use the name CLOUDFRONT",
		"RequestBody: {API_GATEWAY: …} in a web ACL of CloudFront", wafAPI+"AssociationConfig.html"), wafBodyLimit},
	{rule("waf-response-body", refuses,
		"an own answer names a body that the web ACL has not",
		"add it to CustomResponseBodies",
		"CustomResponseBodyKey: missing", wafAPI+"CustomResponse.html"), wafResponseBody},
	{rule("waf-response-code", refuses,
		"AWS WAF answers with some statuses only",
		"take one of its list: 400, 401, 403, 404, 405, 413, 429 and 503 are on it; 410, 422 and 431 are not",
		"ResponseCode: 410", waf+"customizing-the-response-status-codes.html"), responseCode},
	{rule("waf-response-long", refuses,
		"the body of an own answer has 4,096 bytes at most",
		"shorten it",
		"Content of 5 KB", wafLimits), wafResponseLong},
	{rule("waf-immunity", refuses,
		"a solved CAPTCHA counts for 60 s to 3 days, a challenge for 300 s to 3 days",
		"a number within",
		"ImmunityTime: 10", wafAPI+"ImmunityTimeProperty.html"), wafImmunity},
	{rule("waf-token-domain", refuses,
		"the domains of tokens are host names, ten at most",
		"write names like example.com",
		"https://example.com", wafAPI+"CreateWebACL.html"), wafTokenDomain},
	{rule("waf-label-order", risk,
		"a rule looks for a label that no rule before it adds",
		"give the rule that adds it a smaller priority",
		"LabelMatch at priority 1 for a label of priority 2", waf+"waf-rule-labels.html"), labelOrder},
	{rule("waf-unreachable", risk,
		"a rule before it ends the evaluation for every request that it could match",
		"swap their priorities",
		"the same statement with Block at priority 1 and Count at 2", waf+"web-acl-rule-actions.html"), wafUnreachable},
}

var (
	wafNamePattern = regexp.MustCompile(`^[\w-]{1,128}$`)
	metricPattern  = regexp.MustCompile(`^[\w#:./-]{1,255}$`)
)

func wafName(l *linter, a *acl) {
	check := func(n *schema.Node) {
		if name, ok := n.AsText(); ok && !wafNamePattern.MatchString(name) {
			l.find(n, "the name is %q", short(name))
		}
	}
	check(a.Properties.Get("Name"))
	for _, w := range a.rules {
		check(w.Get("Name"))
	}
}

func wafMetric(l *linter, a *acl) {
	check := func(n *schema.Node) {
		name, ok := n.Path("VisibilityConfig", "MetricName").AsText()
		if ok && (!metricPattern.MatchString(name) || name == "All" || name == "Default_Action") {
			l.find(n.Path("VisibilityConfig", "MetricName"), "the name is %q", short(name))
		}
	}
	check(a.Properties)
	for _, w := range a.rules {
		check(w.Node)
	}
}

func priorityTwice(l *linter, a *acl) { ruleTwice(l, a, "Priority") }

func ruleNameTwice(l *linter, a *acl) { ruleTwice(l, a, "Name") }

func ruleTwice(l *linter, a *acl, property string) {
	seen := map[string]string{}
	for _, w := range a.rules {
		v, ok := w.Get(property).AsText()
		if !ok || !w.sure {
			continue
		}
		if by, twice := seen[v]; twice {
			l.find(w.Get(property), "%s %s is that of the rule %q too", property, short(v), short(by))
		}
		seen[v] = w.Get("Name").String()
	}
}

func defaultAction(l *linter, a *acl) {
	d := a.Properties.Get("DefaultAction")
	if kinds, open := only(d, "Allow", "Block"); d.Known() && !open && len(kinds) != 1 {
		l.find(d, "there are %d actions", len(kinds))
	}
}

func wafRegion(l *linter, a *acl) {
	if s := a.Properties.Get("Scope"); is(s, "CLOUDFRONT") && l.t.Region != "" && l.t.Region != "us-east-1" {
		l.find(s, "this stack goes to %s", l.t.Region)
	}
}

func wafCapacity(l *linter, a *acl) {
	least, most := l.capacity(a)
	switch {
	case least > capacityMax:
		l.find(a.Properties.Get("Rules"), "the rules need %d WCU, the limit is %d", least, capacityMax)
	case most > capacityMax:
		l.findAs(risk, a.Properties.Get("Rules"), "the rules need up to %d WCU, the limit is %d; AWS counts less where rules share transformations", most, capacityMax)
	}
}

func wafCapacityPrice(l *linter, a *acl) {
	if _, most := l.capacity(a); !a.group && most > capacityPrice && most <= capacityMax {
		l.find(a.Properties.Get("Rules"), "the rules need up to %d WCU", most)
	}
}

func wafCapacityLow(l *linter, a *acl) {
	has, ok := a.Properties.Get("Capacity").AsNumber()
	if least, _ := l.capacity(a); ok && a.group && least > int(has) {
		l.find(a.Properties.Get("Capacity"), "Capacity is %s, and the rules need %d WCU", number(has), least)
	}
}

// count is how many statements of some kinds there are in rules that are sure.
func (a *acl) count(kinds ...string) (n int) {
	for _, w := range a.rules {
		if w.sure {
			w.walk(func(s *statement) {
				if slices.Contains(kinds, s.kind) {
					n++
				}
			})
		}
	}
	return n
}

func wafRates(l *linter, a *acl) {
	most := 10
	if a.group {
		most = 4
	}
	if n := a.count("RateBasedStatement"); n > most {
		l.find(a.Properties.Get("Rules"), "there are %d rate rules, the limit is %d", n, most)
	}
}

func wafReferences(l *linter, a *acl) {
	n := a.count("IPSetReferenceStatement", "RegexPatternSetReferenceStatement", "RuleGroupReferenceStatement")
	if n > referencesMax {
		l.find(a.Properties.Get("Rules"), "there are %d references, the limit is %d", n, referencesMax)
	}
}

func wafBodyLimit(l *linter, a *acl) {
	b := a.Properties.Path("AssociationConfig", "RequestBody")
	if !is(a.Properties.Get("Scope"), "CLOUDFRONT") || b == nil {
		return
	}
	for _, f := range b.Fields {
		if f.Name != "CLOUDFRONT" {
			l.find(f.Value, "the limit is for %s", short(f.Name))
		}
	}
}

func wafResponseBody(l *linter, a *acl) {
	bodies := a.Properties.Get("CustomResponseBodies")
	check := func(n *schema.Node) {
		key := n.Path("Block", "CustomResponse", "CustomResponseBodyKey")
		if name, ok := key.AsText(); ok && !bodies.Open() && bodies.Get(name) == nil {
			l.find(key, "there is no body %q", short(name))
		}
	}
	check(a.Properties.Get("DefaultAction"))
	for _, w := range a.rules {
		check(w.Get("Action"))
	}
}

func wafResponseLong(l *linter, a *acl) {
	if bodies := a.Properties.Get("CustomResponseBodies"); bodies != nil {
		for _, f := range bodies.Fields {
			if text, ok := f.Value.Get("Content").AsText(); ok && len(text) > responseMax {
				l.find(f.Value.Get("Content"), "the body %s has %d bytes", short(f.Name), len(text))
			}
		}
	}
}

func wafImmunity(l *linter, a *acl) {
	check := func(n *schema.Node) {
		l.within(n.Path("CaptchaConfig", "ImmunityTimeProperty", "ImmunityTime"), 60, 259200, " s")
		l.within(n.Path("ChallengeConfig", "ImmunityTimeProperty", "ImmunityTime"), 300, 259200, " s")
	}
	check(a.Properties)
	for _, w := range a.rules {
		check(w.Node)
	}
}

func wafTokenDomain(l *linter, a *acl) {
	list, _ := entries(a.Properties.Get("TokenDomains"))
	for _, e := range list {
		if d, ok := e.AsText(); ok && (!isHost(d) || !strings.Contains(d, ".")) {
			l.find(e.Node, "%q is no host name", short(d))
		}
	}
	if len(list) > 10 {
		l.find(a.Properties.Get("TokenDomains"), "there are %d domains, the limit is 10", len(list))
	}
}

// labelOrder looks at labels of the web ACL itself only: those of groups are not known here.
func labelOrder(l *linter, a *acl) {
	if a.open || slices.ContainsFunc(a.rules, func(w *wafRule) bool { _, ok := w.Get("Priority").AsNumber(); return !ok }) {
		return
	}
	for _, w := range a.rules {
		at, _ := w.Get("Priority").AsNumber()
		w.walk(func(s *statement) {
			key, ok := s.body.Get("Key").AsText()
			if s.kind != "LabelMatchStatement" || !ok || strings.Contains(key, "awswaf:") || !is(s.body.Get("Scope"), "LABEL") {
				return
			}
			first, added := 0.0, false
			for _, other := range a.rules {
				p, _ := other.Get("Priority").AsNumber()
				if other.adds(key) && (!added || p < first) {
					first, added = p, true
				}
			}
			if added && first >= at {
				l.find(s.body.Get("Key"), "the label %q is added at priority %s, and looked for at %s", short(key), number(first), number(at))
			} else if !added && a.count("RuleGroupReferenceStatement", "ManagedRuleGroupStatement") == 0 {
				l.find(s.body.Get("Key"), "no rule adds the label %q", short(key))
			}
		})
	}
}

// adds is whether a rule adds a label, or may.
func (w *wafRule) adds(label string) bool {
	list, open := entries(w.Get("RuleLabels"))
	for _, e := range list {
		if n := e.Get("Name"); is(n, label) || n.Open() {
			return true
		}
	}
	return open
}

// wafUnreachable compares rules that have the same statement.
func wafUnreachable(l *linter, a *acl) {
	type ended struct{ name, priority string }
	seen := map[string]ended{}
	rules := sure(a.rules, func(w *wafRule) bool { _, ok := w.Get("Priority").AsNumber(); return ok && w.sure && w.top != nil })
	slices.SortStableFunc(rules, func(a, b *wafRule) int {
		x, _ := a.Get("Priority").AsNumber()
		y, _ := b.Get("Priority").AsNumber()
		return int(x - y)
	})
	for _, w := range rules {
		if w.top.kind == "RateBasedStatement" || strings.Contains(w.top.kind, "Group") {
			continue
		}
		key, known := canonical(w.top.Node)
		if !known {
			continue
		}
		if by, ok := seen[key]; ok {
			l.find(w.Get("Statement"), "the rule %q at priority %s has the same statement, and ends there", short(by.name), by.priority)
		}
		if kinds, _ := only(w.Get("Action"), "Allow", "Block"); len(kinds) == 1 {
			seen[key] = ended{w.Get("Name").String(), w.Get("Priority").String()}
		}
	}
}

// canonical is a value as text; false: some of it is not known, other than by a reference.
func canonical(n *schema.Node) (string, bool) {
	var b strings.Builder
	known := true
	var write func(*schema.Node)
	write = func(n *schema.Node) {
		switch n.Kind {
		case schema.Unknown:
			id, attr, ok := n.Refers()
			known = known && ok
			b.WriteString("\x01" + id + "." + attr)
		case schema.Map:
			fields := slices.Clone(n.Fields)
			slices.SortFunc(fields, func(a, b schema.Field) int { return strings.Compare(a.Name, b.Name) })
			b.WriteString("{")
			for _, f := range fields {
				b.WriteString(f.Name + ":")
				write(f.Value)
			}
			b.WriteString("}")
		case schema.List:
			b.WriteString("[")
			for _, item := range n.Items {
				write(item)
			}
			b.WriteString("]")
		default:
			b.WriteString("\x02" + n.Text)
		}
	}
	write(n)
	return b.String(), known
}

// responses are the statuses that AWS WAF answers with. Copies of the page differ in 402, so that nothing is said of it.
var responses = []float64{200, 201, 202, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 408, 409, 411, 412, 413, 414,
	415, 416, 421, 429, 500, 501, 502, 503, 504, 505}

func responseCode(l *linter, a *acl) {
	check := func(action *schema.Node) {
		n := action.Path("Block", "CustomResponse", "ResponseCode")
		if v, ok := n.AsNumber(); ok && !slices.Contains(responses, v) {
			l.find(n, "AWS WAF does not answer with %s", number(v))
		}
	}
	for _, w := range a.rules {
		check(w.Get("Action"))
	}
	check(a.Properties.Get("DefaultAction"))
}
