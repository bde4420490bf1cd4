package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/route"
	"skerry.dev/skerry/spec"
)

// asEdge runs a request through the stages of the edge, and tells what became of it in one line: what the service gets, or the
// answer. answer is the fields of the service's answer; seen is what the client sees of them.
func asEdge(t testing.TB, s *site, method, host, target string, fields, answer []string) (told string, seen map[string]string) {
	t.Helper()
	table, problems := route.New([]*spec.Entrypoint{s.entry})
	for _, p := range problems {
		t.Fatal(p)
	}
	text := method + " " + target + " HTTP/1.1\nHost: " + host + "\n"
	for _, f := range fields {
		text += f + "\n"
	}
	x := exchangetest.Request(text)
	defer x.Release()
	to, _ := table.Match(x)
	x.Facts.Entry.Errors = string(*s.entry.Policy.Errors)
	r := noRoute(s.entry)
	if to != nil {
		r = to.Route
	}
	env := &rewrite.Env{HTTPSPort: 443}
	stages := []exchange.Stage{rewrite.NewClient(env)}
	add := func(stage exchange.Stage, there bool, problems any) {
		if there {
			stages = append(stages, stage)
		}
		if fmt.Sprint(problems) != "[]" {
			t.Fatal(problems)
		}
	}
	first, bad := rewrite.New(&r.Policy, env)
	add(first, true, bad)
	moved, bad := rewrite.NewMoved(s.entry)
	add(moved, moved != nil, bad)
	out, bad := rewrite.NewOut(r)
	add(out, out != nil, bad)
	redirect, bad := rewrite.NewRedirect(r.To.Redirect, r.Match.Path)
	add(redirect, redirect != nil, bad)
	respond, bad := rewrite.NewRespond(r.To.Respond)
	add(respond, respond != nil, bad)
	stages = append(stages, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		path := x.Req.Path
		if x.Req.ToPath != nil {
			path = x.Req.ToPath
		}
		told = fmt.Sprintf("-> %s %s", path, fieldsOf(x.Req.Fields))
		if isNoRoute(r) {
			told = ""
			x.Answer(404)
			return exchange.Respond
		}
		x.Answer(200)
		for _, line := range answer {
			name, value, _ := strings.Cut(line, ": ")
			x.Resp.Fields.AddNamed([]byte(name), []byte(value))
		}
		return exchange.Respond
	}})
	exchange.NewPath(rewrite.NewRenderer(&r.Policy), stages...).Run(x)
	seen = map[string]string{}
	for i := range x.Resp.Fields {
		f := &x.Resp.Fields[i]
		seen[strings.ToLower(string(nameOf(f)))] = string(f.Value)
	}
	if told == "" {
		told = fmt.Sprintf("<- %d %s", x.Resp.Status, fieldsOf(x.Resp.Fields))
	}
	return told, seen
}

func nameOf(f *exchange.Field) []byte {
	if f.ID != exchange.NameOther {
		return f.ID.Bytes()
	}
	return f.Name
}

// notCompared are fields that differ by what they are for, or that CloudFront sets itself.
var notCompared = []string{"host", "x-request-id", "traceparent", "x-forwarded-for", "x-forwarded-proto", "x-skerry-route", "content-length",
	"content-type", "cache-control", "proxy-status", "cookie", "date"}

func fieldsOf(list exchange.Fields) string {
	all := map[string]string{}
	for i := range list {
		all[strings.ToLower(string(nameOf(&list[i])))] = string(list[i].Value)
	}
	return comparable(all)
}

func comparable(all map[string]string) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(notCompared, name) {
			fmt.Fprintf(&out, "%s=%s; ", name, all[name])
		}
	}
	return out.String()
}

// asFunction is the same of the function.
func asFunction(t testing.TB, n *node, s *site, method, host, target string, fields []string) (told string, o *outcome) {
	t.Helper()
	path, _, _ := strings.Cut(target, "?")
	o, err := n.run(s.behaviorFor(path).viewer.code, requestEvent(method, host, target, fields...), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for name, f := range o.Headers {
		all[name] = f.Value
	}
	if o.Status != 0 {
		return fmt.Sprintf("<- %d %s", o.Status, comparable(all)), o
	}
	return fmt.Sprintf("-> %s %s", o.URI, comparable(all)), o
}

const wholeSpec = `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: shop}
spec:
  hosts: [www.example.com, example.com, shop.example.com]
  profile: website
  canonicalHost: www.example.com
  redirects:
    list:
      - {from: /old, to: /new}
      - {from: /old/query, to: "/new?a=1#f"}
      - {from: /old/frag, to: "/new#part"}
      - {from: /gone, to: "https://else.example.net/x", status: 301}
      - {from: /old%2Fcode, to: /new}
  headers:
    request: {set: {X-Set: "a\"b\\</script>"}, default: {X-Default: d}, remove: [X-Remove, User-Agent]}
    response: {set: {X-Answer: "1"}, default: {X-Frame-Options: DENY}}
  routes:
    - {name: go, match: {prefix: /go}, redirect: {to: "https://go.example.org{path}?{query}", status: 302}}
    - {name: go2, match: {path: "/go2/{a}/{b}"}, redirect: {to: "/at/{b}/{a}?q=1&{query}"}}
    - {name: say, match: {path: /say}, respond: {status: 418, body: "tea </script>  \\ \" ${x} \u0001é😀", contentType: text/x-tea}}
    - {name: bare, match: {path: /bare}, respond: {status: 204}}
    - {name: user, match: {path: "/user/{id}"}, rewrite: {path: "/v2/{id}/x"}, service: app}
    - {name: fixed, match: {path: /fixed}, rewrite: {path: /else/where}, service: app}
    - {name: strip, match: {prefix: /strip/it}, rewrite: {prefix: /}, service: app}
    - {name: move, match: {prefix: /move}, rewrite: {prefix: /inside/}, service: app}
    - {name: deep, match: {prefix: "/deep/{x}/y"}, rewrite: {prefix: /in}, service: app}
    - {name: raw, match: {prefix: /raw}, path: raw, service: app}
    - {name: api, match: {prefix: /api}, methods: [GET, POST], websocket: off, errors: problem, service: app,
       cors: {origins: ["https://a.example.com", "https://*.b.example.com"], methods: [GET, PUT], headers: [x-one], expose: [x-two], credentials: on}}
    - {name: open, match: {prefix: /open}, cors: {origins: ["*"], headers: ["*"], maxAge: 60s}, service: app}
    - {name: standard, match: {prefix: /standard}, forwarded: standard, trace: off, service: app}
    - {name: keep, match: {prefix: /keep}, forwarded: keep, requestID: off, service: app}
    - {name: none, match: {prefix: /none}, forwarded: remove, service: app}
    - {name: web, match: {prefix: /web}, service: app}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: app, owner: shop}
spec: {endpoints: ["https://app.internal.example"], host: endpoint}
`

func TestFunctionsDoAsTheEdge(t *testing.T) {
	_, s := madeSite(t, wholeSpec)
	n := newNode(t)
	f := func(method, target string, fields ...string) {
		t.Helper()
		host := "www.example.com"
		if i := strings.IndexByte(target, '/'); i > 0 {
			host, target = target[:i], target[i:]
		}
		want, _ := asEdge(t, s, method, host, target, fields, nil)
		got, _ := asFunction(t, n, s, method, host, target, fields)
		if got != want {
			t.Errorf("%s %s%s %v:\n got %s\nwant %s", method, host, target, fields, got, want)
		}
	}
	for _, target := range []string{"/go", "/go/", "/go/x?y=1&z", "/go?", "/go//x", "/gone", "/gone?a=1", "/go2/1/2", "/go2/1/2?x", "/go2/1/",
		"/say", "/say?x", "/bare", "/user/7", "/user/", "/user/a%2Fb", "/user/7/x", "/fixed", "/fixed?a=%20", "/strip/it", "/strip/it/", "/strip/it/x/y?q", "/strip/it//x",
		"/move", "/move/", "/move/x", "/deep/a/y", "/deep/a/y/z/w", "/deep/a/yy", "/raw/x%2Fy", "/web/x", "/nothing", "/", "/old", "/old?a=b", "/old?", "/old/query", "/old/query?z",
		"/old/frag?z", "/old%2Fcode", "/old%2fcode", "/x//y", "/api;v=1", "/web/~x!$&'()+,;=:@"} {
		f("GET", target)
	}
	for _, target := range []string{"example.com/web/x?a=1", "shop.example.com/old", "example.com/gone", "example.com/go/x", "example.com/nothing?"} {
		f("GET", target)
	}
	origin := "Origin: https://a.example.com"
	for _, fields := range [][]string{{origin}, {"Origin: https://x.b.example.com"}, {"Origin: https://b.example.com"}, {"Origin: https://x.b.example.com.evil.net"},
		{"Origin: null"}, {origin, origin}, {}} {
		asks := append(slices.Clone(fields), "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-one, x-three")
		f("OPTIONS", "/api/x", fields...)
		f("OPTIONS", "/api/x", asks...)
		f("OPTIONS", "/open", asks...)
		f("OPTIONS", "/open", append(slices.Clone(fields), "Access-Control-Request-Method: PUT")...)
		f("DELETE", "/api/x", fields...)
		f("OPTIONS", "/web", asks...)
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		f(method, "/api/x")
		f(method, "/api/x", "Accept: text/html")
		f(method, "/web")
	}
	for _, path := range []string{"/web", "/standard", "/keep", "/none", "/raw/x"} {
		f("GET", path, "X-Forwarded-For: 1.1.1.1", "X-Forwarded-Host: evil", "Forwarded: for=x", "X-Forwarded-Prefix: /x", "X_Forwarded_Host: e",
			"traceparent: 00-x", "Tracestate: a=b", "X-Remove: 1", "X-Set: mine", "X-Default: mine", "User-Agent: me", "X-Other_name: kept", "Accept: a", "Cookie: a=b; c=d")
		f("GET", path)
	}
}

// What services say of where they are, mapped back.
func TestFunctionsMapLocationsBack(t *testing.T) {
	_, s := madeSite(t, wholeSpec)
	n := newNode(t)
	for _, target := range []string{"/fixed", "/strip/it/a", "/move/x", "/web"} {
		v := s.behaviorFor(target)
		for _, location := range []string{"/inside/b", "/inside", "/insider", "/else/where?x#y", "/else/where", "b", "", "/", "//evil.example/x", "https://app.internal.example/inside/c?d",
			"http://APP.internal.example:8080/other", "https://app.internal.example", "https://www.example.com/inside/c", "https://www.example.com/else/where", "https://else.example.net/inside",
			"https://user@app.internal.example/inside", "mailto:a@b", "/strip/it/x", "//app.internal.example//x", "https://app.internal.example:x/inside"} {
			_, seen := asEdge(t, s, "GET", "www.example.com", target, nil, []string{"Location: " + location, "Content-Location: " + location})
			e := requestEvent("GET", "www.example.com", target)
			e.Answer = &outcome{Status: 200, Headers: map[string]jsField{"location": {Value: location}, "content-location": {Value: location}}}
			o, err := n.run(v.answer.code, e, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"location", "content-location"} {
				if got := o.Headers[name].Value; got != seen[name] {
					t.Errorf("%s: %s %q: got %q, want %q", target, name, location, got, seen[name])
				}
			}
			if o.Headers["x-request-id"].Value != "EXAMPLEid==" {
				t.Errorf("%s: no X-Request-Id", target)
			}
		}
	}
}

// A redirect to the URL that was asked for is left out when that happens.
func TestFunctionsLeaveLoopsOut(t *testing.T) {
	_, s := madeSite(t, strings.Replace(entrySpec("website", "", "name: web"+app), "hosts: [shop.example.com]",
		"hosts: [\"*.example.com\"]\n  redirects: {list: [{from: /same, to: \"https://a.example.com/same?v=2\", status: 302}]}", 1))
	n := newNode(t)
	for _, c := range []string{"a.example.com /same", "a.example.com /same?v=2", "a.example.com /same?v=3", "b.example.com /same?v=2", "a.example.com /other"} {
		host, target, _ := strings.Cut(c, " ")
		want, _ := asEdge(t, s, "GET", host, target, nil, nil)
		if got, _ := asFunction(t, n, s, "GET", host, target, nil); got != want {
			t.Errorf("%s: got %s, want %s", c, got, want)
		}
	}
}

func TestFunctionsSayWhatTheySay(t *testing.T) {
	_, s := madeSite(t, wholeSpec)
	n := newNode(t)
	_, o := asFunction(t, n, s, "GET", "www.example.com", "/say", nil)
	if want := "tea </script>  \\ \" ${x} \u0001é😀"; o.Body != want || o.Headers["content-type"].Value != "text/x-tea" {
		t.Errorf("got %q, want %q", o.Body, want)
	}
	_, o = asFunction(t, n, s, "DELETE", "www.example.com", "/api", []string{"Accept: text/html"})
	if want := `{"type":"about:blank","title":"Method Not Allowed","status":405,"instance":"urn:skerry:request:EXAMPLEid=="}`; o.Body != want {
		t.Errorf("got %s", o.Body)
	}
	_, o = asFunction(t, n, s, "GET", "www.example.com", "/nothing", []string{"Accept: text/html, */*"})
	if o.Status != 404 || !strings.HasPrefix(o.Body, "<!doctype html>") {
		t.Errorf("a browser that is lost gets %d %s", o.Status, o.Body)
	}
	_, o = asFunction(t, n, s, "GET", "www.example.com", "/standard", nil)
	if got := o.Headers["forwarded"].Value; got != "for=192.0.2.7;host=www.example.com;proto=https" {
		t.Errorf("Forwarded is %s", got)
	}
	_, o = asFunction(t, n, s, "GET", "www.example.com", "/api/x", []string{"Sec-WebSocket-Key: x", "Upgrade: websocket"})
	if o.Status != 403 {
		t.Errorf("an upgrade where there is none gets %d", o.Status)
	}
	_, o = asFunction(t, n, s, "GET", "www.example.com", "/web", []string{"Sec-WebSocket-Key: x"})
	if o.Status != 0 {
		t.Errorf("an upgrade gets %d", o.Status)
	}
	_, o = asFunction(t, n, s, "GET", "www.example.com", "/keep", []string{"Content_Length: 5", "Transfer_Encoding: chunked", "X-Skerry-Route: x"})
	if got := o.Headers; got["content_length"].Value+got["transfer_encoding"].Value+got["x-skerry-route"].Value != "" {
		t.Errorf("what looks like framing reaches the service: %v", got)
	}
	sampled := 0
	for range 300 {
		_, o = asFunction(t, n, s, "GET", "www.example.com", "/web", nil)
		id := o.Headers["traceparent"].Value
		if len(id) != 55 || strings.Trim(id, "0123456789abcdef-") != "" {
			t.Fatalf("traceparent is %s", id)
		}
		if strings.HasSuffix(id, "-01") {
			sampled++
			if id[18+3:23] != "ff" && id[21:23] < "fd" {
				t.Errorf("%s is sampled", id)
			}
		}
	}
	if sampled > 20 {
		t.Errorf("%d of 300 are sampled, about 3 should be", sampled)
	}
}
