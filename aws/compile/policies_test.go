package compile

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// specOf is a spec as it stands in a file. What is wrong with it fails the test.
func specOf(t testing.TB, text string) *spec.Spec {
	t.Helper()
	s, problems := spec.Parse([]spec.File{{Name: "edge.yaml", Data: []byte(strings.TrimLeft(text, "\n"))}})
	for _, p := range problems {
		t.Error(p)
	}
	if t.Failed() {
		t.FailNow()
	}
	return s
}

// built runs every pass before the stacks are made. What is wrong with the spec itself fails the test.
func built(t testing.TB, text string) *builder {
	t.Helper()
	s := specOf(t, text)
	b := newBuilder(s, new(Memory))
	for _, e := range s.Entrypoints {
		b.sites = append(b.sites, b.site(e))
	}
	b.pack()
	b.beside()
	b.grants()
	return b
}

// asJSON is a value of the model as JSON; what it refers to stands as "@Type.Attribute".
func asJSON(t testing.TB, v any) string {
	t.Helper()
	var plain func(model.Value) any
	plain = func(v model.Value) any {
		switch v := v.(type) {
		case model.Ref:
			kind := v.Resource.Type()
			return "@" + kind[strings.LastIndex(kind, ":")+1:] + "." + v.Attr
		case model.Join:
			var out strings.Builder
			for _, part := range v {
				switch p := plain(part).(type) {
				case model.Text:
					out.WriteString(string(p))
				case string:
					out.WriteString(p)
				default:
					t.Fatalf("a part of a text is %T", p)
				}
			}
			return out.String()
		case model.Pseudo:
			return "${" + string(v) + "}"
		}
		return v
	}
	if value, ok := v.(model.Value); ok {
		v = []model.Value{value}
		return strings.TrimSuffix(strings.TrimPrefix(asJSON(t, v), "["), "]")
	}
	text, err := json.Marshal(model.Tree(v, plain))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// routed compiles one entrypoint whose body is given, with the services that its routes name.
func routed(t testing.TB, body, more string) *builder {
	t.Helper()
	return built(t, `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team}
spec:
  hosts: [www.example.com]
`+indented(body)+`
---
apiVersion: skerry.dev/v1
kind: AWS
metadata: {name: account, owner: team}
spec:
  zones: {example.com: Z0123456789ABCDEFGHIJ}
  logs: {bucket: "arn:aws:s3:::logs"}
`+more)
}

func indented(s string) string {
	return "  " + strings.ReplaceAll(strings.Trim(s, "\n"), "\n", "\n  ")
}

// finds fails unless the findings with an id are those, each as "severity id: part of its text".
func finds(t *testing.T, b *builder, want ...string) {
	t.Helper()
	for _, w := range want {
		head, text, _ := strings.Cut(w, ": ")
		if !slices.ContainsFunc(b.result(), func(f finding.Finding) bool {
			return f.Severity.String()+" "+f.Rule.ID == head && strings.Contains(f.Text, text)
		}) {
			t.Errorf("there is no finding %q among\n%s", w, strings.Join(allLines(b), "\n"))
		}
	}
}

// findsNot fails if there is a finding with one of the ids.
func findsNot(t *testing.T, b *builder, ids ...string) {
	t.Helper()
	for _, f := range b.result() {
		if slices.Contains(ids, f.Rule.ID) {
			t.Errorf("unexpected: %s", f)
		}
	}
}

func allLines(b *builder) (out []string) {
	for _, f := range b.result() {
		out = append(out, f.String())
	}
	return out
}

// behaviorOf is the behaviour with a pattern.
func behaviorOf(t *testing.T, b *builder, pattern string) *behavior {
	t.Helper()
	for _, v := range b.sites[0].behaviors {
		if v.pattern == pattern {
			return v
		}
	}
	t.Fatalf("no behaviour is for %q", pattern)
	return nil
}

// referred is what a property refers to.
func referred[P model.Properties](t *testing.T, v model.Value) P {
	t.Helper()
	ref, ok := v.(model.Ref)
	if !ok {
		t.Fatalf("%v refers to nothing", v)
	}
	return ref.Resource.Props.(P)
}

func is(t *testing.T, what string, got any, want string) {
	t.Helper()
	if text := asJSON(t, got); text != want {
		t.Errorf("%s is\n%s\nnot\n%s", what, text, want)
	}
}

func TestMethodSets(t *testing.T) {
	f := func(methods, more, want string) {
		t.Helper()
		b := routed(t, "routes:\n  - name: all\n    match: {prefix: /}\n    service: https://o.example.net\n"+methods+more, "")
		is(t, methods+more, behaviorOf(t, b, "").props.AllowedMethods, want)
		is(t, methods+more, behaviorOf(t, b, "").props.CachedMethods, `["GET","HEAD"]`)
	}
	all := `["GET","HEAD","OPTIONS","PUT","PATCH","POST","DELETE"]`
	f("", "", all)
	f("    methods: [GET]", "", `["GET","HEAD"]`)
	f("    methods: [HEAD, GET]", "", `["GET","HEAD"]`)
	f("    methods: [GET, OPTIONS]", "", `["GET","HEAD","OPTIONS"]`)
	f("    methods: [GET]", "\n    cors: {origins: [\"https://a.example.com\"]}", `["GET","HEAD","OPTIONS"]`)
	f("    methods: [DELETE]", "", all)
}

func TestMethodRefused(t *testing.T) {
	b := routed(t, "routes: [{name: all, match: {prefix: /}, service: https://o.example.net, methods: [GET, PROPFIND]}]", "")
	finds(t, b, "error method-refused: the route all takes PROPFIND")
	b = routed(t, "routes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	findsNot(t, b, "method-refused")
}

func TestViewerProtocol(t *testing.T) {
	f := func(redirect, want string) {
		t.Helper()
		b := routed(t, "redirect: "+redirect+"\nroutes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
		is(t, redirect, behaviorOf(t, b, "").props.ViewerProtocolPolicy, want)
	}
	f("https", `"redirect-to-https"`)
	f("off", `"allow-all"`)
}

// TestUncachedGetsEverything: without cache the service gets what the client sent, with the Host that the service asks for.
func TestUncachedGetsEverything(t *testing.T) {
	f := func(host, route, want string) {
		t.Helper()
		b := routed(t, "cache: off\nroutes: [{name: all, match: {prefix: /}, service: api"+route+"}]", `
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: api, owner: team}
spec: {endpoints: ["https://o.example.net"], host: `+host+`}
`)
		v := behaviorOf(t, b, "").props
		is(t, host, v.CachePolicyId, `"4135ea2d-6df8-44a3-9df3-4b5a84be39ad"`)
		is(t, host, v.OriginRequestPolicyId, want)
		is(t, host, v.Compress, "false")
	}
	f("preserve", "", `"216adef6-5c7f-47e4-b989-5492eafa07d3"`)
	f("endpoint", "", `"b689b0a8-53d0-40ab-baf2-68738e2966ac"`)
	f("other.example.net", "", `"b689b0a8-53d0-40ab-baf2-68738e2966ac"`)
	f("preserve", ", rewrite: {host: other.example.net}", `"b689b0a8-53d0-40ab-baf2-68738e2966ac"`)
}

func TestHostsThatDiffer(t *testing.T) {
	b := routed(t, `
cache: off
routes:
  - {name: posts, match: {path: /x, methods: [POST]}, service: own}
  - {name: rest, match: {path: /x}, service: https://o.example.net}
`, `
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: own, owner: team}
spec: {endpoints: ["https://p.example.net"], host: endpoint}
`)
	finds(t, b, "error behaviour-host: the behaviour /x")
	is(t, "policy", behaviorOf(t, b, "/x").props.OriginRequestPolicyId, `"b689b0a8-53d0-40ab-baf2-68738e2966ac"`)
}

// TestPoliciesAreShared: what says the same has one policy, whatever the entrypoint.
func TestPoliciesAreShared(t *testing.T) {
	one := func(name string) string {
		return `
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: ` + name + `, owner: team}
spec:
  hosts: [` + name + `.example.com]
  routes: [{name: all, match: {prefix: /}, methods: [GET], cache: standard, service: "https://` + name + `.example.net"}]
`
	}
	b := built(t, strings.TrimPrefix(strings.TrimLeft(one("a")+one("b")+one("c"), "\n"), "---\n"))
	count := map[string]int{}
	for _, r := range b.shared.Resources {
		count[r.Type()]++
	}
	for _, kind := range []string{"CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy"} {
		if n := count["AWS::CloudFront::"+kind]; n != 1 {
			t.Errorf("three entrypoints that say the same have %d of %s", n, kind)
		}
	}
}

func TestAnswerPolicy(t *testing.T) {
	b := routed(t, `
profile: api
hsts: {maxAge: 730d, includeSubDomains: on, preload: on}
cors: {origins: ["https://app.example.com", "https://*.example.org"], methods: [GET, PUT, QUERY], headers: [x-a], expose: [x-b], credentials: on}
headers:
  response:
    set: {X-Frame-Options: deny, X-Team: shop, Content-Security-Policy: "default-src 'self'", Referrer-Policy: unheard-of, Set-Cookie: a=b}
    default: {X-Content-Type-Options: nosniff, X-Region: eu}
    remove: [Server, Via, X-Powered-By]
routes: [{name: all, match: {prefix: /}, service: https://o.example.net}]
`, "")
	v := behaviorOf(t, b, "")
	p := referred[*model.ResponseHeadersPolicy](t, v.props.ResponseHeadersPolicyId).ResponseHeadersPolicyConfig
	is(t, "security", p.SecurityHeadersConfig, `{"ContentSecurityPolicy":{"ContentSecurityPolicy":"default-src 'self'","Override":true},`+
		`"ContentTypeOptions":{"Override":false},"FrameOptions":{"FrameOption":"DENY","Override":true},`+
		`"StrictTransportSecurity":{"AccessControlMaxAgeSec":63072000,"IncludeSubdomains":true,"Override":true,"Preload":true}}`)
	is(t, "custom", p.CustomHeadersConfig, `{"Items":[{"Header":"X-Team","Override":true,"Value":"shop"},{"Header":"X-Region","Override":false,"Value":"eu"}]}`)
	is(t, "cors", p.CorsConfig, `{"AccessControlAllowCredentials":true,"AccessControlAllowHeaders":{"Items":["x-a"]},`+
		`"AccessControlAllowMethods":{"Items":["GET","PUT"]},"AccessControlAllowOrigins":{"Items":["https://*.example.org","https://app.example.com"]},`+
		`"AccessControlExposeHeaders":{"Items":["x-b"]},"AccessControlMaxAgeSec":600,"OriginOverride":true}`)
	for _, item := range p.RemoveHeadersConfig.Items {
		if item.Header == model.Text("Via") {
			t.Error("Via cannot be removed")
		}
	}
	if len(v.left.Set) != 2 || v.left.Set["Referrer-Policy"] != "unheard-of" || v.left.Set["Set-Cookie"] != "a=b" {
		t.Errorf("left to the function is %v", v.left.Set)
	}
	finds(t, b, "error answer-field: the edit of Via is lost", "warning cors-methods: GET, PUT")
}

// TestAnswerPolicyRoom: what has no room in a policy is left to the function.
func TestAnswerPolicyRoom(t *testing.T) {
	edits := "headers:\n  response:\n    set:\n"
	for i := range 13 {
		edits += "      X-Field-" + string(rune('a'+i)) + ": v\n"
	}
	b := routed(t, edits+"routes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	v := behaviorOf(t, b, "")
	p := referred[*model.ResponseHeadersPolicy](t, v.props.ResponseHeadersPolicyId).ResponseHeadersPolicyConfig
	if got, left := len(p.CustomHeadersConfig.Items), len(v.left.Set); got != 10 || left != 3 {
		t.Errorf("the policy has %d fields, the function %d", got, left)
	}
}

func TestNoAnswerPolicy(t *testing.T) {
	b := routed(t, "hsts: off\nheaders: {response: {}}\nroutes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	b.interned = map[string]*model.Resource{}
	r := *b.sites[0].entry.Routes[0]
	r.Policy.Headers = &spec.Headers{Request: &spec.Edits{}, Response: &spec.Edits{}}
	if p := b.answerPolicy(&remarks{b: b, site: b.sites[0]}, &behavior{routes: []*spec.Route{&r}, props: &model.DistributionCacheBehavior{}}); p != nil {
		t.Errorf("a policy without anything in it: %s", asJSON(t, p.Props))
	}
}
