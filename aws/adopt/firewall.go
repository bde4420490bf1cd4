package adopt

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// This file reads web ACLs. Each rule becomes settings, with the paths for which they hold; what a lane of an entrypoint gets is
// what the settings say of its paths. See waf_policy.go.

// webACL is a web ACL while it is read.
type webACL struct {
	f        *found
	from     *resource
	users    string // the entrypoints that have it, as rows name them
	labels   map[string]*expr
	settings []*setting
	tests    []*pathTest
	rates    []*rateSaid
	account  *accountSaid
	answers  map[string][]int // the statuses of the edge that a body goes with, by its key
	pages    []said           // of errorPages
	errors   string
	// inspected is how much of a body is looked at, in bytes.
	inspected int64
}

// setting is what a rule says for the paths of a scope.
type setting struct {
	scope *expr
	apply func(*lanePolicy)
}

// wafRule is a rule of a web ACL or of a group in it.
type wafRule struct {
	node   *schema.Node
	name   string
	action string       // Allow, Block, Count, Captcha or Challenge; of a group: None or Count
	says   *schema.Node // the action
}

// protections are what the web ACLs of entrypoints say, in the order of the uses, and the fields of the AWS document that follow.
// It speaks of all that belongs to AWS WAF, whether it is used or not.
func (f *found) protections(uses []use) (list []*protection, account []said) {
	said := &accountSaid{f: f}
	for range uses {
		list = append(list, &protection{})
	}
	for _, acl := range f.of("AWS::WAFv2::WebACL") {
		var users []string
		for _, u := range uses {
			if u.acl == acl {
				users = append(users, u.entrypoint)
			}
		}
		w := &webACL{f: f, from: acl, account: said, labels: map[string]*expr{}, answers: map[string][]int{}}
		w.users = "Entrypoint " + strings.Join(users, ", ")
		if !w.usable(len(users)) {
			continue
		}
		said.acls = append(said.acls, acl)
		w.read()
		for i, u := range uses {
			if u.acl == acl {
				list[i] = w.of(u)
			}
		}
	}
	said.close()
	return list, said.fields()
}

// usable says what keeps a whole web ACL from being taken over.
func (w *webACL) usable(users int) bool {
	props, l := w.from.Props, w.f.ledger
	regional := func(name string) bool { return strings.Contains(name, ":regional/") }
	switch scope := props.Get("Scope"); {
	case scope.String() == "REGIONAL" || slices.ContainsFunc(w.from.names, regional): // the API tells the scope by the ARN alone
		l.refuse(props, &wafRules.regional, "the web ACL is for the resources of a region")
		return false
	case users == 0:
		l.refuse(props, &wafRules.unused, "no distribution of the input has this web ACL")
		return false
	}
	return true
}

// read reads all of a web ACL.
func (w *webACL) read() {
	props, l := w.from.Props, w.f.ledger
	l.exact(props.Get("Scope"), "", "what stands in front of distributions always has it")
	l.exact(props.Get("Name"), "", "names are made by the compiler")
	l.exact(props.Get("Description"), "", "descriptions are made by the compiler")
	l.exact(props.Get("VisibilityConfig"), "", "metrics and samples are what the compiler always asks for")
	w.bodies()
	rules := w.sorted(props.Get("Rules"))
	w.opening(rules)
	for _, r := range rules {
		w.rule(r)
	}
	w.severalRates()
	w.pagesOf(props)
	for _, name := range []string{"CaptchaConfig", "ChallengeConfig", "TokenDomains", "Tags", "OnSourceDDoSProtectionConfig", "ApplicationConfig",
		"MonetizationConfig"} {
		l.refuse(props.Get(name), &wafRules.detail, name+" of a web ACL has no field in a spec")
	}
	l.refuse(props.Get("DataProtectionConfig"), &wafRules.private, "parts of requests are hashed or left out before AWS WAF logs them")
}

// sorted are rules by their priorities.
func (w *webACL) sorted(n *schema.Node) []*wafRule {
	type ranked struct {
		at float64
		r  *wafRule
	}
	var list []ranked
	for _, item := range n.List() {
		at, _ := item.Get("Priority").AsNumber()
		r := &wafRule{node: item, name: item.Get("Name").String()}
		r.says = item.Get("Action")
		if r.says == nil {
			r.says = item.Get("OverrideAction")
		}
		r.action, _ = only(r.says)
		list = append(list, ranked{at, r})
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	out := make([]*wafRule, len(list))
	for i := range list {
		out[i] = list[i].r
	}
	return out
}

// opening speaks of what no rule decides. Where only some addresses may come, it is a maintenance that lets them pass.
func (w *webACL) opening(rules []*wafRule) {
	n := w.from.Props.Get("DefaultAction")
	kind, body := only(n)
	l := w.f.ledger
	if kind != "Block" {
		if body != nil && len(body.Fields) > 0 {
			l.refuse(body, &wafRules.detail, "requests that pass get fields that no field of a spec adds for all of them; write headers.request")
		}
		l.exact(n, w.users, "requests that no rule refuses pass")
		return
	}
	addresses, closed := []string{}, len(rules) > 0
	for _, r := range rules {
		list := w.addressSets(r.node.Get("Statement"))
		closed = closed && r.action == "Allow" && len(list) > 0
		addresses = append(addresses, list...)
	}
	if !closed {
		l.refuse(n, &wafRules.closed, "the web ACL refuses what no rule allows")
		return
	}
	slices.Sort(addresses)
	addresses = slices.Compact(addresses)
	const text = "nobody passes but some addresses: a maintenance says so, which answers 503"
	l.near(n, w.users+": maintenance.allow", &wafRules.answer, text)
	for _, r := range rules {
		w.labelled(r)
		l.near(r.node, w.users+": maintenance.allow", &wafRules.answer, text)
	}
	w.settings = append(w.settings, &setting{&expr{op: opEvery}, func(p *lanePolicy) {
		p.maintenance = []said{{"allow", addresses}}
	}})
}

// of is what the web ACL says of one entrypoint.
func (w *webACL) of(u use) *protection {
	lanes := lanesOf(u, w.tests)
	for _, l := range lanes {
		l.policy.waf = newFirewallSaid()
		for _, s := range w.settings {
			if s.scope.fits(l.sample) {
				s.apply(&l.policy)
			}
		}
	}
	p := protectionOf(lanes)
	if w.errors != "" {
		p.policy = append([]said{{"errors", w.errors}}, p.policy...)
	}
	if len(w.pages) > 0 {
		p.policy = append([]said{{"errorPages", w.pages}}, p.policy...)
	}
	return p
}

// add notes what a rule says.
func (w *webACL) add(_ *wafRule, scope *expr, apply func(*lanePolicy)) {
	w.settings = append(w.settings, &setting{scope, apply})
	w.tests = append(w.tests, scope.tests()...)
}

// labelled speaks of what every rule has and no document needs.
func (w *webACL) labelled(r *wafRule) {
	l := w.f.ledger
	l.exact(r.node.Get("Name"), "", "names are made by the compiler")
	l.exact(r.node.Get("Priority"), "", "the edge and the compiler have an order of their own")
	l.exact(r.node.Get("VisibilityConfig"), "", "metrics and samples are the compiler's own")
}

// refuse says that the documents do not say a rule.
func (w *webACL) refuse(r *wafRule, rule *finding.Rule, format string, args ...any) {
	w.labelled(r)
	w.f.ledger.refuse(r.node, rule, fmt.Sprintf(format, args...))
}

// taken says that fields say a rule: exactly, if rule is nil and the scope and the answer are the same, or nearly. status is what
// the edge refuses with; 0: the rule refuses nothing.
func (w *webACL) taken(r *wafRule, fields string, scope *expr, rule *finding.Rule, text string, status int) {
	l := w.f.ledger
	w.labelled(r)
	became := w.users + ": " + fields
	if paths := scope.lists(); paths != "" {
		became += " of routes " + paths
	}
	w.answer(r, status)
	for _, name := range []string{"RuleLabels", "CaptchaConfig", "ChallengeConfig"} {
		l.refuse(r.node.Get(name), &wafRules.detail, name+" of the rule "+r.name+" has no field in a spec")
	}
	switch wider, narrower := scope.differs(); {
	case narrower != "":
		rule, text = &wafRules.narrow, "the rule "+r.name+" holds for fewer paths: the route "+narrower
	case wider != "" && rule == nil:
		rule, text = &wafRules.scope, "the rule "+r.name+" holds for more paths: the route "+wider
	}
	if rule != nil {
		l.near(r.node, became, rule, text)
		return
	}
	l.exact(r.node, became, text)
}

// lists are the paths of a scope, for people.
func (e *expr) lists() string {
	var paths []string
	for _, t := range e.tests() {
		paths = append(paths, t.route.Path)
	}
	slices.Sort(paths)
	return strings.Join(slices.Compact(paths), ", ")
}

// rule takes over one rule.
func (w *webACL) rule(r *wafRule) {
	n := r.node.Get("Statement")
	e := expression(n, w.labels)
	w.label(r, e)
	if open := unknownIn(r.node); open != nil {
		w.refuse(r, &wafRules.open, "the rule %s has what is known only when it is deployed", r.name)
		return
	}
	kind, body := only(n)
	switch kind {
	case "ManagedRuleGroupStatement":
		w.managed(r, body)
		return
	case "RuleGroupReferenceStatement":
		w.ownGroup(r, body)
		return
	case "RateBasedStatement":
		w.rate(r, body)
		return
	}
	switch {
	case r.action == "Allow":
		w.refuse(r, &wafRules.allow, "the rule %s lets requests pass that rules behind it may refuse", r.name)
	case r.action == "Count" && w.names(r, e):
	case w.conditions(r, e):
	case r.action == "Count":
		w.refuse(r, &wafRules.count, "the rule %s only counts", r.name)
	case r.action == "":
		w.refuse(r, &wafRules.open, "the rule %s has no action that is known", r.name)
	default:
		w.refuse(r, &wafRules.block, "the rule %s refuses requests (%s) and no field of a spec says which", r.name, r.action)
	}
}

// names takes over a rule that gives paths a name for rules behind it.
func (w *webACL) names(r *wafRule, e *expr) bool {
	if len(r.node.Get("RuleLabels").List()) == 0 || !e.paths() {
		return false
	}
	w.labelled(r)
	w.f.ledger.exact(r.node, "", "it only names paths for rules behind it, which are taken over with those paths")
	return true
}

// label notes what the labels of a rule stand for. Several rules may give the same one; unless each of them only counts, and goes
// by paths alone, nobody knows which requests have it.
func (w *webACL) label(r *wafRule, e *expr) {
	if r.action != "Count" || !e.paths() {
		e = &expr{op: opOther}
	}
	for _, l := range r.node.Get("RuleLabels").List() {
		name, is := l.Get("Name").String(), e
		if before := w.labels[name]; before != nil {
			is = &expr{op: opAny, of: []*expr{before, e}}
		}
		w.labels[name] = is
	}
}

// unknownIn is a value that is known only when a template is deployed, but references to sets and groups.
func unknownIn(n *schema.Node) *schema.Node {
	if n == nil {
		return nil
	}
	if n.Open() {
		if _, _, ok := n.Refers(); ok {
			return nil
		}
		return n
	}
	for _, item := range n.Items {
		if open := unknownIn(item); open != nil {
			return open
		}
	}
	for _, f := range n.Fields {
		if open := unknownIn(f.Value); open != nil {
			return open
		}
	}
	return nil
}

// bodies speaks of how much of a body is looked at.
func (w *webACL) bodies() {
	n := w.from.Props.Get("AssociationConfig")
	size := n.Path("RequestBody", "CLOUDFRONT", "DefaultSizeInspectionLimit")
	kb, err := strconv.Atoi(strings.TrimPrefix(size.String(), "KB_"))
	if size != nil && err == nil && reads("AWS", []said{{"firewall", []said{{"bodyKB", kb}}}}) {
		w.account.inspects(size, kb)
	}
	w.f.ledger.refuse(n, &wafRules.regional, "only what is looked at behind distributions is taken over")
	w.inspected = int64(cmp.Or(kb, bodyKB)) << 10
}
