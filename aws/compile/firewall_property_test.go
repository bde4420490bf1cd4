package compile

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

func wafPolicy(t *rapid.T, base *spec.Policy) spec.Policy {
	p := *base
	if rapid.Bool().Draw(t, "maintenance") {
		p.Maintenance = &spec.Maintenance{On: rapid.Bool().Draw(t, "on"), RetryAfter: time.Minute}
		if rapid.Bool().Draw(t, "allow") {
			p.Maintenance.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("::/0")}
		}
	}
	if rapid.Bool().Draw(t, "limit") {
		p.Limit = &spec.Limit{PerAddress: spec.Rate{Count: rapid.IntRange(0, 40).Draw(t, "count"), Per: rapid.SampledFrom([]time.Duration{time.Second, time.Hour}).Draw(t, "per")}, Burst: 10}
	}
	if rapid.Bool().Draw(t, "methods") {
		p.Methods = rapid.SampledFrom([]*[]string{{}, {"GET"}, {"GET", "POST", "QUERY"}, {"PURGE"}}).Draw(t, "list")
	}
	if rapid.Bool().Draw(t, "sizes") {
		body, head := spec.Size(rapid.SampledFrom([]int{0, 1, 20000, 1 << 20, 1 << 40}).Draw(t, "body")), spec.Size(rapid.SampledFrom([]int{1024, 10000, 32768}).Draw(t, "head"))
		p.BodyMax, p.HeadMax = &body, &head
	}
	if rapid.Bool().Draw(t, "waf") {
		p.WAF = wafFirewall(t)
	}
	return p
}

func wafFirewall(t *rapid.T) *spec.WAF {
	w := &spec.WAF{
		Mode: rapid.SampledFrom([]spec.WAFMode{spec.WAFBlock, spec.WAFBlock, spec.WAFDetect, spec.WAFOff}).Draw(t, "mode"), Paranoia: 1,
		OnLimit: rapid.SampledFrom([]spec.WAFOnLimit{spec.WAFRefuse, spec.WAFPass}).Draw(t, "onLimit"), BodyBytesMax: spec.Size(rapid.SampledFrom([]int{1000, 131072}).Draw(t, "held")),
		Allow: spec.WAFAllow{
			Methods:      rapid.SliceOfDistinct(rapid.SampledFrom(cloudFrontMethods), rapid.ID).Draw(t, "wafMethods"),
			ContentTypes: rapid.SliceOfDistinct(rapid.SampledFrom([]string{"application/json", "application/*+json", "text/plain", "image/png", "a/" + strings.Repeat("x", 220)}), rapid.ID).Draw(t, "types"),
			Charsets:     rapid.SliceOfDistinct(rapid.SampledFrom([]string{"utf-8", "iso-8859-1"}), rapid.ID).Draw(t, "charsets"),
			Headers:      rapid.SliceOfDistinct(rapid.SampledFrom([]string{"content-range", "if"}), rapid.ID).Draw(t, "headers"),
			Extensions:   rapid.SliceOfDistinct(rapid.SampledFrom([]string{".sql", ".csv"}), rapid.ID).Draw(t, "extensions"),
		},
	}
	for range rapid.IntRange(0, 3).Draw(t, "excludes") {
		w.Exclude = append(w.Exclude, spec.WAFExclude{
			Rule:    rapid.SampledFrom([]string{"942100", "941100-942999", "tag:attack-rce", "tag:unknown", "920420", "911100", "933100-933999"}).Draw(t, "rule"),
			Target:  rapid.SampledFrom([]string{"", "ARGS", "ARGS:q", "REQUEST_COOKIES:/^x/"}).Draw(t, "target"),
			Path:    rapid.SampledFrom([]string{"", "/a", "/a/*", "/" + strings.Repeat("p", 300)}).Draw(t, "path"),
			Methods: rapid.SampledFrom([][]string{nil, {"POST"}}).Draw(t, "on"),
		})
	}
	return w
}

// Whatever policies there are: the web ACL is one that AWS WAF takes, with the capacity that is computed, and each request meets the
// firewall of its route.
func TestFirewallIsAlwaysValid(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		entry := wafPolicy(rt, &spec.Policy{})
		e := &spec.Entrypoint{Meta: spec.Meta{Name: "e"}, Policy: entry}
		for i := range rapid.IntRange(0, 5).Draw(rt, "routes") {
			r := wafRoute(rt, i)
			r.Policy = wafPolicy(rt, &entry)
			e.Routes = append(e.Routes, r)
		}
		b := firewallsOf(&spec.Spec{Entrypoints: []*spec.Entrypoint{e}, AWS: &spec.AWS{Firewall: spec.AWSFirewall{
			BodyKB: rapid.SampledFrom([]int{16, 64}).Draw(rt, "bodyKB"), Bots: rapid.SampledFrom([]spec.AWSBots{spec.BotsOff, spec.BotsCommon}).Draw(rt, "bots"),
		}}})
		if b.sites[0].acl == nil {
			return
		}
		validACL(rt, t, b)
		for range 10 {
			r := wafRequest(rt)
			p := &e.Policy
			if route := wafTaken(e, r); route != nil {
				p = &route.Policy
			}
			meetsItsPolicy(rt, t, b, r, p)
		}
	})
}

var (
	wafRuleName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
	wafACLName  = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
)

// validACL checks what AWS WAF asks of a web ACL, on the tree that is written down.
func validACL(rt *rapid.T, t *testing.T, b *builder) {
	acl := b.sites[0].acl.Props.(*model.WebACL)
	text, err := json.Marshal(model.Tree(acl, wafLiteral))
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	if !wafACLName.MatchString(fmt.Sprint(tree["Name"])) || tree["Scope"] != "CLOUDFRONT" || tree["VisibilityConfig"].(map[string]any)["MetricName"] != tree["Name"] {
		rt.Fatalf("name, scope or metric: %v %v", tree["Name"], tree["Scope"])
	}
	seen, labels, total, rates := map[any]bool{}, map[string]bool{}, 0, 0
	last := -1.0
	for _, from := range tree["Rules"].([]any) {
		r := from.(map[string]any)
		name, priority := fmt.Sprint(r["Name"]), r["Priority"].(float64)
		if seen[name] || !wafRuleName.MatchString(name) || priority <= last || r["VisibilityConfig"].(map[string]any)["MetricName"] != name {
			rt.Fatalf("%s: named before, no name, priority %v behind %v, or another metric", name, priority, last)
		}
		seen[name], last = true, priority
		s := r["Statement"].(map[string]any)
		_, group := s["ManagedRuleGroupStatement"]
		if (r["Action"] != nil) == (r["OverrideAction"] != nil) || group != (r["OverrideAction"] != nil) {
			rt.Fatalf("%s has action %v and override %v", name, r["Action"], r["OverrideAction"])
		}
		if _, is := s["RateBasedStatement"]; is {
			rates++
		}
		validStatement(rt, name, s, 0, labels)
		validAnswer(rt, name, r, tree)
		total += plainCapacity(s)
		for _, l := range wafList(r["RuleLabels"]) {
			labels[l.(map[string]any)["Name"].(string)] = true
		}
	}
	if rates > 10 {
		rt.Fatalf("%d rules with a rate", rates)
	}
	if got := sumOfRules(acl); got != total {
		rt.Fatalf("the capacity is %d, by the second count %d", got, total)
	}
	if told := len(found(b, "waf-capacity")) > 0; told != (total > 5000) {
		rt.Fatalf("%d WCU, told: %v", total, told)
	}
}

func sumOfRules(acl *model.WebACL) (n int) {
	for _, r := range acl.Rules {
		n += statementCapacity(r.Statement)
	}
	return n
}

func wafLiteral(v model.Value) any {
	if r, ok := v.(model.Ref); ok {
		return "ref " + r.Resource.ID
	}
	return v
}

func wafList(v any) []any { l, _ := v.([]any); return l }

// validStatement walks a statement: one kind each, nothing nested that must not be, texts and expressions within their limits.
func validStatement(rt *rapid.T, name string, s map[string]any, depth int, labels map[string]bool) {
	if len(s) != 1 {
		rt.Fatalf("%s: a statement of %d kinds", name, len(s))
	}
	for kind, from := range s {
		m := from.(map[string]any)
		switch kind {
		case "AndStatement", "OrStatement":
			if len(wafList(m["Statements"])) < 2 {
				rt.Fatalf("%s: %s of %d", name, kind, len(wafList(m["Statements"])))
			}
			for _, of := range wafList(m["Statements"]) {
				validStatement(rt, name, of.(map[string]any), depth+1, labels)
			}
		case "NotStatement":
			validStatement(rt, name, m["Statement"].(map[string]any), depth+1, labels)
		case "RateBasedStatement", "ManagedRuleGroupStatement":
			if depth > 0 {
				rt.Fatalf("%s: %s is nested", name, kind)
			}
			if scope, is := m["ScopeDownStatement"].(map[string]any); is {
				validStatement(rt, name, scope, depth+1, labels)
			}
			if kind == "RateBasedStatement" && (m["Limit"].(float64) < 10 || !strings.Contains(" 60 120 300 600 ", fmt.Sprintf(" %v ", m["EvaluationWindowSec"]))) {
				rt.Fatalf("%s: %v", name, m)
			}
			for _, o := range wafList(m["RuleActionOverrides"]) {
				if schema.ManagedRules().Group(m["Name"].(string)).Rule(o.(map[string]any)["Name"].(string)) == nil {
					rt.Fatalf("%s overrides %v, which is not there", name, o)
				}
			}
		case "LabelMatchStatement":
			if key := m["Key"].(string); !strings.HasPrefix(key, "awswaf:managed:aws:") && !labels[key] {
				rt.Fatalf("%s asks for the label %s, which nothing before it gives", name, key)
			}
		default:
			validMatch(rt, name, m)
		}
	}
}

func validMatch(rt *rapid.T, name string, m map[string]any) {
	if s, is := m["SearchString"].(string); is && (s == "" || len(s) > 200) {
		rt.Fatalf("%s searches for %d bytes", name, len(s))
	}
	if s, is := m["RegexString"].(string); is && regexFlaw(s) != "" {
		rt.Fatalf("%s: %s", name, regexFlaw(s))
	}
	if f, is := m["FieldToMatch"].(map[string]any); is && len(f) != 1 {
		rt.Fatalf("%s looks at %d parts", name, len(f))
	}
	for i, tr := range wafList(m["TextTransformations"]) {
		tr := tr.(map[string]any)
		if tr["Priority"].(float64) != float64(i) || tr["Type"] == "NONE" && len(wafList(m["TextTransformations"])) > 1 {
			rt.Fatalf("%s: %v", name, m["TextTransformations"])
		}
	}
}

func validAnswer(rt *rapid.T, name string, r, acl map[string]any) {
	text, _ := json.Marshal(r["Action"])
	var action struct {
		Block *struct {
			CustomResponse struct {
				CustomResponseBodyKey string
				ResponseCode          int
			}
		}
	}
	if err := json.Unmarshal(text, &action); err != nil || action.Block == nil {
		return
	}
	answer := action.Block.CustomResponse
	bodies, _ := acl["CustomResponseBodies"].(map[string]any)
	body, _ := bodies[answer.CustomResponseBodyKey].(map[string]any)
	if body == nil || len(body["Content"].(string)) > 4096 || !strings.Contains(" 403 405 413 429 503 ", fmt.Sprintf(" %d ", answer.ResponseCode)) {
		rt.Fatalf("%s answers %+v", name, answer)
	}
}

// plainCapacity is the capacity of a statement once more, from the tree.
func plainCapacity(s map[string]any) (n int) {
	for kind, from := range s {
		m := from.(map[string]any)
		for _, t := range wafList(m["TextTransformations"]) {
			if t.(map[string]any)["Type"] != "NONE" {
				n += 10
			}
		}
		for _, of := range wafList(m["Statements"]) {
			n += plainCapacity(of.(map[string]any))
		}
		for _, inner := range []string{"Statement", "ScopeDownStatement"} {
			if of, is := m[inner].(map[string]any); is {
				n += plainCapacity(of)
			}
		}
		switch kind {
		case "ManagedRuleGroupStatement":
			n += map[string]int{
				"AWSManagedRulesCommonRuleSet": 700, "AWSManagedRulesKnownBadInputsRuleSet": 200, "AWSManagedRulesSQLiRuleSet": 200, "AWSManagedRulesLinuxRuleSet": 200,
				"AWSManagedRulesUnixRuleSet": 100, "AWSManagedRulesWindowsRuleSet": 200, "AWSManagedRulesPHPRuleSet": 100,
				"AWSManagedRulesAmazonIpReputationList": 25, "AWSManagedRulesBotControlRuleSet": 50,
			}[m["Name"].(string)]
		default:
			n += map[string]int{
				"ByteMatchStatement": 2, "RegexMatchStatement": 3, "RegexPatternSetReferenceStatement": 25, "SizeConstraintStatement": 1, "RateBasedStatement": 2,
				"LabelMatchStatement": 1, "IPSetReferenceStatement": 1,
			}[kind]
		}
	}
	return n
}

// meetsItsPolicy holds what rules do with a request, in normal form, against the policy of its route.
func meetsItsPolicy(rt *rapid.T, t *testing.T, b *builder, r *wafReq, p *spec.Policy) {
	r.from = netip.MustParseAddr(rapid.SampledFrom([]string{"192.0.2.1", "198.51.100.1", "2001:db8::1"}).Draw(rt, "from"))
	refused := map[int64]bool{}
	strictest := 1e18
	for _, rule := range b.sites[0].acl.Props.(*model.WebACL).Rules {
		if s := rule.Statement.RateBasedStatement; s != nil {
			if wafFits(t, s.ScopeDownStatement, r) {
				strictest = min(strictest, perHour(wafInt(s.Limit), time.Duration(wafInt(s.EvaluationWindowSec))*time.Second))
			}
		} else if rule.Action != nil && rule.Action.Block != nil && !strings.HasPrefix(wafText(rule.Name), "labels-") && wafFits(t, rule.Statement, r) {
			refused[status(rule)] = true
		}
	}
	closed := p.Maintenance != nil && p.Maintenance.On
	for _, a := range maintenanceOf(p) {
		closed = closed && !a.Contains(r.from)
	}
	if refused[503] != closed {
		rt.Fatalf("%s %s from %s: 503 %v, want %v", r.method, r.path, r.from, refused[503], closed)
	}
	if p.Methods != nil && len(*p.Methods) > 0 {
		if want := !methodAllowed(*p.Methods, r.method); refused[405] != want {
			rt.Fatalf("%s %s: 405 %v, want %v", r.method, r.path, refused[405], want)
		}
	}
	limited := p.Limit != nil && p.Limit.PerAddress.Count > 0
	if limited != (strictest < 1e18) {
		rt.Fatalf("%s %s is counted: %v, want %v", r.method, r.path, !limited, limited)
	}
	if limited && strictest > max(60, perHour(int64(p.Limit.PerAddress.Count), p.Limit.PerAddress.Per))*1.000001 {
		rt.Fatalf("%s %s is counted to %v an hour, the limit is %v", r.method, r.path, strictest, *p.Limit)
	}
	meetsItsFirewall(rt, t, b, r, p)
}

func maintenanceOf(p *spec.Policy) []netip.Prefix {
	if p.Maintenance == nil {
		return nil
	}
	return p.Maintenance.Allow
}

func methodAllowed(list []string, method string) bool {
	for _, m := range list {
		if m == method || m == "GET" && method == "HEAD" {
			return true
		}
	}
	return false
}

// meetsItsFirewall looks at one rule of AWS for all of them: that about SQL in cookies.
func meetsItsFirewall(rt *rapid.T, t *testing.T, b *builder, r *wafReq, p *spec.Policy) {
	want := p.WAF != nil && p.WAF.Mode == spec.WAFBlock
	if want {
		for _, e := range p.WAF.Exclude {
			whole := e.Path == "" || r.path == e.Path || strings.HasSuffix(e.Path, "/*") && strings.HasPrefix(r.path, strings.TrimSuffix(e.Path, "*"))
			sql := e.Rule == "942100" || e.Rule == "941100-942999"
			looks := e.Target == "" || strings.HasPrefix(e.Target, "REQUEST_COOKIES") && e.Path != ""
			if sql && looks && whole && (len(e.Methods) == 0 || methodAllowed(e.Methods, r.method)) {
				want = false
			}
		}
	}
	if got := refuses(t, b, r, "SQLi_COOKIE"); got != want {
		rt.Fatalf("%s %s: SQL in a cookie is refused: %v, want %v (%+v)", r.method, r.path, got, want, p.WAF)
	}
}
