package compile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// firewalls runs the pass of the firewall alone over each entrypoint of a spec as it stands in a file.
func firewalls(t testing.TB, text string) *builder {
	t.Helper()
	return firewallsOf(specOf(t, text))
}

func firewallsOf(s *spec.Spec) *builder {
	b := newBuilder(s, new(Memory))
	for _, e := range s.Entrypoints {
		st := &site{entry: e}
		b.firewall(st)
		b.sites = append(b.sites, st)
	}
	return b
}

// entrypointNamed is an entrypoint with more of its spec in lines of their own.
func entrypointNamed(name, spec string) string {
	return "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: " + name + ", owner: team}\nspec:\n  hosts: [" + name + ".example.com]\n" +
		"  " + strings.ReplaceAll(strings.Trim(spec, "\n"), "\n", "\n  ") + "\n---\n"
}

func accountWith(text string) string {
	return "apiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: aws, owner: team}\nspec: " + text + "\n---\n"
}

const forward = "service: http://127.0.0.1:9000\n"

// ruleNamed is a rule of the web ACL of the first site; nil: there is none.
func ruleNamed(b *builder, name string) *model.WebACLRule {
	if b.sites[0].acl == nil {
		return nil
	}
	list := b.sites[0].acl.Props.(*model.WebACL).Rules
	i := slices.IndexFunc(list, func(r *model.WebACLRule) bool {
		n := wafText(r.Name)
		return n == name || strings.HasSuffix(name, "-*") && strings.HasPrefix(n, strings.TrimSuffix(name, "*"))
	})
	if i < 0 {
		return nil
	}
	return list[i]
}

func ruleNames(b *builder, site int) []string {
	var out []string
	for _, r := range b.sites[site].acl.Props.(*model.WebACL).Rules {
		out = append(out, wafText(r.Name))
	}
	return out
}

// status is what a rule answers with; 0: it counts.
func status(r *model.WebACLRule) int64 {
	if r.Action == nil || r.Action.Block == nil {
		return 0
	}
	return wafInt(r.Action.Block.CustomResponse.ResponseCode)
}

func found(b *builder, id string) []string {
	var out []string
	for _, f := range b.findings {
		if f.Rule.ID == id {
			out = append(out, f.Text)
		}
	}
	return out
}

func TestFirewallOfAProfile(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", forward))
	want := "methods body body-inspected head content-types charsets extensions headers rate aws-Common aws-KnownBadInputs aws-SQLi aws-Linux aws-Unix " +
		"aws-Windows aws-PHP aws-AmazonIpReputationList"
	if got := strings.Join(ruleNames(b, 0), " "); got != want {
		t.Errorf("rules:\n%s\nwant:\n%s", got, want)
	}
	if b.sites[0].acl.Pos("Rules.3").Line == 0 {
		t.Error("a rule comes from nowhere")
	}
	if got := found(b, "waf-price"); len(got) != 1 || !strings.Contains(got[0], "WCU, the price of a request includes 1500 and goes up by 1 step") {
		t.Error(got)
	}
	for name, want := range map[string]int64{"methods": 403, "body": 413, "body-inspected": 413, "head": 403, "content-types": 403, "rate": 429} {
		if got := status(ruleNamed(b, name)); got != want {
			t.Errorf("%s answers %d, want %d", name, got, want)
		}
	}
	if b := firewalls(t, entrypointNamed("old", "profile: plain\n"+forward)); b.sites[0].acl != nil {
		t.Errorf("plain has a web ACL: %v", ruleNames(b, 0))
	}
}

// Entrypoints that ask for the same share a web ACL, a set of addresses and a configuration of logs.
func TestFirewallsAreShared(t *testing.T) {
	b := firewalls(t, accountWith("{logs: {waf: 'arn:aws:s3:::aws-waf-logs-edge'}}")+
		entrypointNamed("shop", forward)+entrypointNamed("blog", "service: http://127.0.0.1:9001\n")+
		entrypointNamed("api", "profile: api\n"+forward))
	if b.sites[1].acl != b.sites[2].acl || b.sites[0].acl == b.sites[1].acl {
		t.Error("blog and shop have not the same web ACL, or api has theirs")
	}
	logs := 0
	for _, r := range b.shared.Resources {
		c, ok := r.Props.(*model.LoggingConfiguration)
		if !ok {
			continue
		}
		logs++
		if len(c.RedactedFields) != 2 || wafText(c.LogDestinationConfigs[0]) != "arn:aws:s3:::aws-waf-logs-edge" || c.ResourceArn.(model.Ref).Attr != "Arn" {
			t.Errorf("%+v", c)
		}
	}
	if logs != 2 {
		t.Errorf("%d web ACLs have logs, want 2", logs)
	}
}

func TestMaintenance(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", `
profile: plain
maintenance: {retryAfter: 90s, allow: [192.0.2.0/24, '2001:db8::/32']}
errors: problem
routes:
  - {name: status, match: {path: /status}, maintenance: off, service: http://127.0.0.1:9000}
  - {name: all, match: {prefix: /}, service: http://127.0.0.1:9000}
`))
	r := ruleNamed(b, "maintenance")
	if r == nil || status(r) != 503 || wafText(r.Action.Block.CustomResponse.ResponseHeaders[0].Value) != "90" {
		t.Fatalf("%+v", r)
	}
	for _, c := range []struct {
		path, from string
		want       bool
	}{
		{"/", "198.51.100.1", true}, {"/", "192.0.2.7", false}, {"/", "2001:db8::1", false}, {"/", "2001:db9::1", true},
		{"/status", "198.51.100.1", false}, {"/%73tatus", "198.51.100.1", true}, {"/statusx", "198.51.100.1", true},
	} {
		if got := wafFits(t, r.Statement, &wafReq{method: "GET", path: c.path, from: addr(c.from)}); got != c.want {
			t.Errorf("%s from %s is refused: %v, want %v", c.path, c.from, got, c.want)
		}
	}
	page := b.sites[0].acl.Props.(*model.WebACL).CustomResponseBodies["status-503"]
	if wafText(page.ContentType) != "APPLICATION_JSON" || !strings.Contains(wafText(page.Content), `"status":503`) {
		t.Errorf("%+v", page)
	}
}

// A set of addresses has no network of all addresses: it has its halves.
func TestMaintenanceForNobody(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", "profile: plain\nmaintenance: {allow: [0.0.0.0/0, '::/0', 10.0.0.0/8]}\n"+forward))
	var all []string
	for _, r := range b.shared.Resources {
		if set, ok := r.Props.(*model.IPSet); ok {
			for _, a := range set.Addresses {
				all = append(all, wafText(set.IPAddressVersion)+" "+wafText(a))
			}
		}
	}
	slices.Sort(all)
	if got := strings.Join(all, ", "); got != "IPV4 0.0.0.0/1, IPV4 10.0.0.0/8, IPV4 128.0.0.0/1, IPV6 8000::/1, IPV6 ::/1" {
		t.Error(got)
	}
}

func TestErrorPagesOfTheFirewall(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", "profile: plain\nlimit: {perAddress: 10/s}\nbodyMax: 1KB\nerrorPages: {429: {html: '<p>slowly {request_id}</p>'}, 413: {html: '"+
		strings.Repeat("x", 5000)+"'}}\n"+forward))
	bodies := b.sites[0].acl.Props.(*model.WebACL).CustomResponseBodies
	if p := bodies["status-429"]; wafText(p.ContentType) != "TEXT_HTML" || wafText(p.Content) != "<p>slowly </p>" {
		t.Errorf("%+v", p)
	}
	if p := bodies["status-413"]; wafText(p.ContentType) != "TEXT_PLAIN" {
		t.Errorf("%+v", p)
	}
	if got := found(b, "waf-page"); len(got) != 1 || !strings.Contains(got[0], "5000 bytes") {
		t.Error(got)
	}
}

// One firewall blocks, one detects, one is off: each request meets the groups of its route.
func TestModesOfRoutes(t *testing.T) {
	b := firewalls(t, accountWith("{firewall: {bots: targeted, bodyKB: 64}}")+entrypointNamed("shop", `
routes:
  - {name: new, match: {prefix: /new}, waf: detect, service: http://127.0.0.1:9000}
  - {name: files, match: {prefix: /files}, waf: off, service: http://127.0.0.1:9000}
  - {name: all, match: {prefix: /}, service: http://127.0.0.1:9000}
`))
	for _, c := range []struct{ path, want string }{
		{"/", "aws-SQLi aws-BotControl"}, {"/new/x", "aws-SQLi-detect aws-BotControl-detect"}, {"/files", ""}, {"/files/../x", "aws-SQLi aws-BotControl"},
		{"/%66iles", "aws-SQLi aws-BotControl"}, {"/n%65w", "aws-SQLi aws-SQLi-detect aws-BotControl aws-BotControl-detect"},
	} {
		if got := strings.Join(groupsFor(t, b, &wafReq{method: "GET", path: c.path}, "aws-SQLi", "aws-BotControl"), " "); got != c.want {
			t.Errorf("%s meets %q, want %q", c.path, got, c.want)
		}
	}
	bots := ruleNamed(b, "aws-BotControl").Statement.ManagedRuleGroupStatement.ManagedRuleGroupConfigs[0].AWSManagedRulesBotControlRuleSet
	if wafText(bots.InspectionLevel) != "TARGETED" || bots.EnableMachineLearning != model.Bool(true) {
		t.Errorf("%+v", bots)
	}
	limit := b.sites[0].acl.Props.(*model.WebACL).AssociationConfig.RequestBody["CLOUDFRONT"]
	if wafText(limit.DefaultSizeInspectionLimit) != "KB_64" || len(found(b, "waf-bots")) != 1 {
		t.Error(limit, found(b, "waf-bots"))
	}
}

// groupsFor are the managed groups, of some, that look at a request, whose labels it gets on the way.
func groupsFor(t testing.TB, b *builder, r *wafReq, some ...string) (names []string) {
	t.Helper()
	r.labels = map[string]bool{}
	for _, rule := range b.sites[0].acl.Props.(*model.WebACL).Rules {
		name := wafText(rule.Name)
		switch m := rule.Statement.ManagedRuleGroupStatement; {
		case strings.HasPrefix(name, "zone-"):
			r.labels[wafText(rule.RuleLabels[0].Name)] = wafFits(t, rule.Statement, r)
		case m != nil && slices.Contains(some, strings.TrimSuffix(name, "-detect")) && wafFits(t, m.ScopeDownStatement, r):
			names = append(names, name)
		}
	}
	return names
}

func TestExclusions(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", `
waf:
  exclude:
    - {rule: 942100, target: "ARGS:q", path: /search}
    - {rule: tag:attack-sqli, path: /sql/*, methods: [POST]}
    - {rule: 933100-933999}
    - {rule: 941100, target: "ARGS:page"}
    - {rule: 942430}
    - {rule: 920420, path: /upload}
routes:
  - {name: all, match: {prefix: /}, service: http://127.0.0.1:9000}
`))
	if ruleNamed(b, "aws-PHP") != nil {
		t.Error("PHP is excluded as a whole, and its group is there")
	}
	for _, c := range []struct {
		method, path, rule string
		want               bool
	}{
		{"GET", "/search", "SQLi_QUERYARGUMENTS", false}, {"GET", "/search", "SQLi_COOKIE", true}, {"GET", "/searc%68", "SQLi_QUERYARGUMENTS", true},
		{"POST", "/sql/x", "SQLi_COOKIE", false}, {"GET", "/sql/x", "SQLi_COOKIE", true}, {"POST", "/sql/../x", "SQLi_COOKIE", true},
		{"GET", "/", "SQLi_BODY", true}, {"GET", "/", "CrossSiteScripting_QUERYARGUMENTS", true}, {"GET", "/", "SizeRestrictions_BODY", false},
		{"GET", "/", "NoUserAgent_HEADER", false},
	} {
		if got := refuses(t, b, &wafReq{method: c.method, path: c.path}, c.rule); got != c.want {
			t.Errorf("%s %s: %s refuses: %v, want %v", c.method, c.path, c.rule, got, c.want)
		}
	}
	types := ruleNamed(b, "content-types").Statement
	for path, want := range map[string]bool{"/upload": false, "/": true} {
		if got := wafFits(t, types, &wafReq{method: "POST", path: path, headers: map[string]string{"content-type": "image/png"}}); got != want {
			t.Errorf("%s with a picture is refused: %v, want %v", path, got, want)
		}
	}
	all := strings.Join(found(b, "firewall-excludes"), "\n")
	for _, want := range []string{
		"942100 ARGS:q /search makes these rules of AWS count where it holds (in brackets how sure it is that they are meant): SQLi_QUERYARGUMENTS (medium), SQLiExtendedPatterns_QUERYARGUMENTS",
		"933100-933999 makes these rules of AWS count everywhere", "941100 ARGS:page is left out", "942430 has nothing to exclude",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q in:\n%s", want, all)
		}
	}
	if strings.Contains(all, "920420") {
		t.Error("an exclusion that holds exactly is told")
	}
}

// refuses reports whether a managed rule would end in a refusal of a request that it finds something in.
func refuses(t testing.TB, b *builder, r *wafReq, managed string) bool {
	t.Helper()
	r.labels = map[string]bool{}
	for _, rule := range b.sites[0].acl.Props.(*model.WebACL).Rules {
		if strings.HasPrefix(wafText(rule.Name), "zone-") {
			r.labels[wafText(rule.RuleLabels[0].Name)] = wafFits(t, rule.Statement, r)
		}
		m := rule.Statement.ManagedRuleGroupStatement
		if m == nil || !wafFits(t, m.ScopeDownStatement, r) {
			if strings.HasPrefix(wafText(rule.Name), "labels-") && wafFits(t, rule.Statement, r) {
				return true
			}
			continue
		}
		of := managedGroup(t, wafText(m.Name)).Rule(managed)
		if of == nil {
			continue
		}
		r.labels[of.Label] = true
		counts := slices.ContainsFunc(m.RuleActionOverrides, func(o *model.WebACLRuleActionOverride) bool { return wafText(o.Name) == managed })
		if !counts && rule.OverrideAction.Count == nil {
			return true
		}
	}
	return false
}

func TestDetectCounts(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", "waf: detect\nmethods: [GET]\n"+forward))
	for _, name := range []string{"body-inspected", "head", "content-types", "charsets", "extensions", "headers"} {
		if r := ruleNamed(b, name); r == nil || r.Action.Count == nil {
			t.Errorf("%s refuses: %+v", name, r)
		}
	}
	if r := ruleNamed(b, "methods"); status(r) != 405 || wafText(r.Action.Block.CustomResponse.ResponseHeaders[0].Value) != "GET, HEAD" {
		t.Errorf("methods of a policy are refused by %+v", r)
	}
	if ruleNamed(b, "aws-Common") != nil || ruleNamed(b, "aws-Common-detect").OverrideAction.Count == nil {
		t.Error("the managed groups refuse")
	}
}

func TestLists(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", "waf: {allow: {extensions: [.sql], headers: [content-range]}}\n"+forward))
	for _, c := range []struct {
		rule, path, name, value string
		want                    bool
	}{
		{"content-types", "/", "content-type", "application/json", false}, {"content-types", "/", "content-type", "Application/JSON; charset=utf-8", false},
		{"content-types", "/", "content-type", "application/vnd.api+json", false}, {"content-types", "/", "content-type", "image/png", true},
		{"content-types", "/", "content-type", "application/jsonx", true}, {"content-types", "/", "content-type", "application/json, image/png", true},
		{"content-types", "/", "accept", "image/png", false}, {"content-types", "/", "content-type", "application/grpc-web+proto", false},
		{"charsets", "/", "content-type", "text/plain", false}, {"charsets", "/", "content-type", "text/plain; charset=UTF-8", false},
		{"charsets", "/", "content-type", `text/plain; charset="utf-8"`, false}, {"charsets", "/", "content-type", "text/plain; charset=utf-7", true},
		{"charsets", "/", "content-type", "text/plain; charset=utf-7; charset=utf-8", true}, {"charsets", "/", "content-type", "text/plain; charset = utf-88", true},
		{"extensions", "/a.bak", "", "", true}, {"extensions", "/a.B%41K", "", "", true}, {"extensions", "/a.sql", "", "", false}, {"extensions", "/a.html", "", "", false},
		{"headers", "/", "content-encoding", "", true}, {"headers", "/", "content-range", "bytes 0-1/2", false},
	} {
		r := &wafReq{method: "POST", path: c.path, headers: map[string]string{c.name: c.value}}
		if got := wafFits(t, ruleNamed(b, c.rule).Statement, r); got != c.want {
			t.Errorf("%s refuses %s with %s: %q: %v, want %v", c.rule, c.path, c.name, c.value, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", `
bodyMax: 10MB
routes:
  - {name: small, match: {prefix: /small}, bodyMax: 1KB, service: http://127.0.0.1:9000}
  - {name: pass, match: {prefix: /pass}, waf: {onLimit: pass}, headMax: 4KB, service: http://127.0.0.1:9000}
  - {name: all, match: {prefix: /}, service: http://127.0.0.1:9000}
`))
	request := func(path string, bytes, length int64, kind string) *wafReq {
		return &wafReq{method: "POST", path: path, bodyBytes: bytes, headers: map[string]string{"content-type": kind, "content-length": fmt.Sprint(length)}}
	}
	for _, c := range []struct {
		what string
		r    *wafReq
		want bool
	}{
		{"as much as bodyMax", request("/", 10<<20, 10<<20, "application/octet-stream"), false},
		{"a byte more than bodyMax", request("/", 10<<20+1, 10<<20+1, "application/octet-stream"), true},
		{"a form beyond what is looked at", request("/", 16<<10+1, 16<<10+1, "application/x-www-form-urlencoded"), true},
		{"a form within", request("/", 16<<10, 16<<10, "application/x-www-form-urlencoded"), false},
		{"a large form, that may pass", request("/pass", 1<<20, 1<<20, "application/json"), false},
		{"more than bodyMax, that may not", request("/pass", 11<<20, 11<<20, "application/json"), true},
		{"more than a small bodyMax", request("/small/x", 1025, 1025, "application/octet-stream"), true},
		{"no more than a small bodyMax", request("/small/x", 1024, 1024, "application/octet-stream"), false},
	} {
		got := false
		for _, r := range b.sites[0].acl.Props.(*model.WebACL).Rules {
			if strings.HasPrefix(wafText(r.Name), "body") && wafFits(t, r.Statement, c.r) {
				got = status(r) == 413
			}
		}
		if got != c.want {
			t.Errorf("%s is refused: %v, want %v", c.what, got, c.want)
		}
	}
	if got := ruleNamed(b, "head-*"); got == nil || number4K(got) != 4096 {
		t.Errorf("headMax of 4 KB: %+v", got)
	}
}

// number4K is the size in the rule for heads of a route.
func number4K(r *model.WebACLRule) int64 {
	for _, s := range r.Statement.AndStatement.Statements {
		if s.SizeConstraintStatement != nil {
			return wafInt(s.SizeConstraintStatement.Size)
		}
	}
	return 0
}

// What is said of entrypoints that share a web ACL is said of each of them, at its own place.
func TestFindingsOfSharedFirewalls(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", forward)+entrypointNamed("blog", forward))
	places := map[string]int{}
	for _, f := range b.findings {
		if f.Rule.ID == "firewall-body" {
			places[f.Subject] = f.At.Line
		}
	}
	if len(places) != 2 || places["shop"] == places["blog"] || places["blog"] == 0 {
		t.Errorf("firewall-body is said of %v", places)
	}
}
