package compile

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
)

const weightedSpec = `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: shop}
spec:
  hosts: [shop.example.com]
  profile: website
  routes:
    - {name: split, match: {prefix: /split}, services: [{service: app, weight: 90}, {service: next, weight: 10}]}
    - {name: host, match: {prefix: /host}, rewrite: {host: inside.example}, service: app}
    - {name: three, match: {prefix: /split, headers: {X-Three: "*"}}, services: [{service: pair, weight: 1}, {service: next, weight: 2}, {service: app, weight: 0}]}
    - {name: pairs, match: {prefix: /pairs}, service: pair, rewrite: {host: pair.example}}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: app, owner: shop}
spec: {endpoints: ["https://app.example.net"]}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: next, owner: shop}
spec: {endpoints: ["https://next.example.net"], host: named.example}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: pair, owner: shop}
spec: {endpoints: ["https://one.example.net", "https://two.example.net"]}
`

func TestFunctionsSelectOrigins(t *testing.T) {
	b, s := madeSite(t, weightedSpec)
	if got := findingIDs(b); len(got) > 0 {
		t.Errorf("findings %v", got)
	}
	n := newNode(t)
	f := func(target, ip string, fields ...string) (calls, key string) {
		t.Helper()
		e := requestEvent("GET", "shop.example.com", target, fields...)
		e.Viewer["ip"] = ip
		o, err := n.run(s.behaviorFor(target).viewer.code, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		return o.calls, o.Headers[routeKey].Value
	}
	counts := map[string]int{}
	for i := range 1000 {
		ip := fmt.Sprintf("198.51.%d.%d", i/250, i%250)
		calls, key := f("/split/x", ip)
		counts[calls+key]++
		if again, _ := f("/split/y", ip); again != calls {
			t.Fatalf("%s gets %s, then %s", ip, calls, again)
		}
	}
	const named = `[["updateRequestOrigin",{"hostHeader":"named.example"}]]` // of the service that the behaviour names: three's heaviest
	if got := counts[named+"split.1"]; math.Abs(float64(got)-100) > 30 || counts[`[["selectRequestOriginById","app"]]split.0`] != 1000-got {
		t.Errorf("of 1000 clients %v", counts)
	}
	pair := `[["createRequestOriginGroup",{"originIds":["pair","pair-2"],"failoverCriteria":{"statusCodes":[502,503]}}]]`
	clear(counts)
	for i := range 100 {
		calls, key := f("/split", fmt.Sprintf("2001:db8::%d", i), "X-Three: 1")
		counts[calls+key]++
	}
	if got := counts[pair+"three.0"]; got < 15 || got > 50 || counts[named+"three.1"] != 100-got {
		t.Errorf("of 100 clients %v", counts)
	}
	if calls, key := f("/host", "198.51.100.1"); calls != `[["updateRequestOrigin",{"hostHeader":"inside.example"}]]` || key != "host" {
		t.Errorf("host: %s %s", calls, key)
	}
	want := `[["createRequestOriginGroup",{"originIds":[{"originId":"pair","originOverrides":{"hostHeader":"pair.example"}},{"originId":"pair-2","originOverrides":{"hostHeader":"pair.example"}}],"failoverCriteria":{"statusCodes":[502,503]}}]]`
	if calls, _ := f("/pairs", "198.51.100.1"); calls != want {
		t.Errorf("pairs: %s", calls)
	}
}

func TestFunctionsAreShared(t *testing.T) {
	entry := func(name, host string) string {
		return "---\napiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: " + name + ", owner: shop}\nspec:\n  hosts: [" + host + ", www." + host + "]\n  canonicalHost: www." + host +
			"\n  profile: website\n  service: https://" + name + ".example.net\n"
	}
	s := loaded(t, entry("one", "one.example.com")+entry("two", "two.example.com"))
	b := newBuilder(s, new(Memory))
	var used []*function
	for _, e := range s.Entrypoints {
		site := &site{entry: e}
		for _, to := range s.Services {
			site.origins = append(site.origins, &origin{id: to.Meta.Name, service: to})
		}
		b.behaviors(site)
		b.functions(site)
		v := site.behaviors[0]
		used = append(used, v.viewer, v.answer)
		assoc := v.props.FunctionAssociations
		if len(assoc) != 2 || assoc[0].EventType != model.Text("viewer-request") || assoc[1].FunctionARN != model.Value(model.Ref{Resource: v.answer.resource, Attr: "FunctionARN"}) {
			t.Errorf("associations %v", assoc)
		}
	}
	if used[0].resource != used[2].resource || used[1].resource != used[3].resource || len(b.shared.Resources) != 2 {
		t.Errorf("two entrypoints alike have %d functions:\n%s\n%s", len(b.shared.Resources), used[0].code, used[2].code)
	}
	p := used[0].resource.Props.(*model.Function)
	if p.AutoPublish != model.Bool(true) || p.FunctionConfig.Runtime != model.Text("cloudfront-js-2.0") || !strings.HasPrefix(literalText(p.Name), "skerry-function-") {
		t.Errorf("properties %+v", p)
	}
}

// Where there are too many functions, those of an entrypoint that nobody else has become one.
func TestFewerFunctions(t *testing.T) {
	text := "---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: aws, owner: shop}\nspec: {quotas: {functions: QUOTA}}\n"
	for _, name := range []string{"one", "two", "three"} {
		text += "---\napiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: " + name + ", owner: shop}\nspec:\n  hosts: [" + name + ".example.com]\n  profile: plain\n  routes:\n" +
			"    - {name: a, match: {prefix: /a}, redirect: {to: 'https://" + name + ".example.net/a'}}\n    - {name: b, match: {prefix: /b}, redirect: {to: 'https://" + name +
			".example.net/b'}}\n    - {name: web, service: 'https://app.example.net'}\n"
	}
	f := func(quota, want int) {
		t.Helper()
		s := loaded(t, strings.Replace(text, "QUOTA", fmt.Sprint(quota), 1))
		b := newBuilder(s, new(Memory))
		for _, e := range s.Entrypoints {
			site := &site{entry: e, origins: []*origin{{id: "app", service: s.Services[0]}}}
			b.sites = append(b.sites, site)
			b.behaviors(site)
			b.functions(site)
		}
		b.fewerFunctions()
		used := map[model.Value]bool{}
		for _, s := range b.sites {
			for _, v := range s.behaviors {
				used[v.props.FunctionAssociations[0].FunctionARN] = true
			}
		}
		if len(b.shared.Resources) != want || len(used) != want {
			t.Errorf("with a quota of %d: %d functions, %d of them used, want %d", quota, len(b.shared.Resources), len(used), want)
		}
	}
	f(100, 7) // each has one for /a and one for /b, and all the same for the rest
	f(7, 7)
	f(6, 6)
	f(5, 5)
	f(4, 4)
	f(3, 4) // what is shared stays
}

func TestFunctionFindings(t *testing.T) {
	f := func(name string, want []string, routes ...string) *builder {
		t.Helper()
		b, _ := madeSite(t, entrySpec("plain", "", routes...))
		if got := findingIDs(b); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, b.findings, want)
		}
		return b
	}
	f("fields that no function sets", []string{"error function-field"}, `name: web, headers: {request: {set: {X-Forwarded-Proto: https}}}`+app)
	f("cookies as a whole", []string{"error function-field"}, `name: web, headers: {request: {default: {Cookie: a=b}}}`+app)
	f("a field that would be a prototype", []string{"error function-field"}, `name: web, headers: {request: {set: {__proto__: x}}}`+app)
	f("fields that no function sees", []string{"warning function-field-unseen"}, `name: web, headers: {request: {remove: [X-Edge-One]}}`+app)
	f("fields that CloudFront drops", nil, `name: web, headers: {request: {remove: [X-Real-IP, Proxy-Authorization, Cookie]}}`+app)
	f("a condition on a field that is not shown", []string{"error function-match"}, `name: beta, match: {headers: {X-Forwarded-Proto: https}}, service: "https://beta.example.net"`, "name: web"+app)
	f("a Host that is an address", []string{"error rewrite-host"}, `name: web, rewrite: {host: 192.0.2.1}`+app)
	b := f("a body that is too large", []string{"error function-size"}, `name: web, respond: {body: "`+strings.Repeat("x", 10000)+`"}`)
	if got := b.findings[0].Text; !strings.Contains(got, "the limit is 10240; the most is taken by: bodies of answers 100") {
		t.Error(got)
	}
}

func TestManyRedirects(t *testing.T) {
	var list []string
	for i := range 400 {
		list = append(list, fmt.Sprintf("{from: /old/%d, to: /new/%d, status: 301}", i, i))
	}
	text := strings.Replace(entrySpec("plain", "", "name: web"+app), "  routes:", "  redirects: {list: ["+strings.Join(list, ", ")+"]}\n  routes:", 1)
	b, s := madeSite(t, text)
	if got := findingIDs(b); !slices.Equal(got, []string{"warning moved-store"}) {
		t.Errorf("findings %v", got)
	}
	v := s.behaviors[0]
	props := v.viewer.resource.Props.(*model.Function)
	store, ok := props.FunctionConfig.KeyValueStoreAssociations[0].KeyValueStoreARN.(model.Ref)
	if !ok || store.Attr != "Arn" || store.Resource.Stack != &b.shared {
		t.Fatalf("the store is %v", store)
	}
	name := literalText(store.Resource.Props.(*model.KeyValueStore).Name)
	if file := string(b.files[name+".json"]); !strings.Contains(file, `"key": "/old/399",`) || !strings.Contains(file, `"value": "301/new/399"`) || !strings.HasPrefix(file, "{\n  \"data\": [") {
		t.Errorf("files %v", b.files)
	}
	if err := checkCode(v.viewer.code); err != nil {
		t.Error(err)
	}
	n := newNode(t)
	for target, want := range map[string]string{"/old/7?a": "301 /new/7?a", "/new/7": "0 "} {
		o, err := n.run(v.viewer.code, requestEvent("GET", "shop.example.com", target), map[string]string{"/old/7": "301/new/7"})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%d %s", o.Status, o.Headers["location"].Value); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
}
