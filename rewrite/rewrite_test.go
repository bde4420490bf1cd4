package rewrite_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

var update = flag.Bool("update", false, "rewrite testdata")

func ptr[T any](v T) *T { return &v }

func stage(t testing.TB, p spec.Policy) *rewrite.Stage {
	t.Helper()
	s, problems := rewrite.New(&p, nil)
	for _, p := range problems {
		t.Fatal(p)
	}
	return s
}

// through runs a request through client and stage to an origin that answers 200 with the fields given, and returns what
// the origin saw and what the client saw.
func through(s *rewrite.Stage, request string, answer ...string) (origin, client string) {
	x := exchangetest.Request(request)
	defer x.Release()
	exchange.NewPath(rewrite.Render, rewrite.NewClient(&rewrite.Env{}), s, origin200(&origin, answer)).Run(x)
	return origin, exchangetest.Of(x).String()
}

// origin200 notes what it gets and answers 200 with these fields.
func origin200(saw *string, answer []string) *exchangetest.Origin {
	return &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		*saw = exchangetest.Dump(x)
		x.Answer(200)
		for _, line := range answer {
			name, value, _ := strings.Cut(line, ": ")
			x.Resp.Fields.AddNamed([]byte(name), []byte(value))
		}
		return exchange.Respond
	}}
}

// rig is a client, an edge and a policy.
type rig struct {
	env     rewrite.Env
	policy  spec.Policy
	plain   bool     // the client comes without TLS
	h2      bool     // it speaks HTTP/2
	client  [][]byte // the chain that it showed
	local   bool     // the certificate is one of the local CA
	peer    string   // the client's address; empty: 192.0.2.7
	after   exchange.Stage
	facts   exchange.Facts // of the last run
	stopped bool           // the last run did not reach the origin
}

// run takes a request through client, rewrite and the stage after.
func (g *rig) run(t testing.TB, request string, answer ...string) (origin, client string) {
	t.Helper()
	s, problems := rewrite.New(&g.policy, &g.env)
	for _, p := range problems {
		t.Fatal(p)
	}
	x := exchangetest.Request(request)
	defer x.Release()
	g.connect(x)
	stages := []exchange.Stage{rewrite.NewClient(&g.env), s}
	if g.after != nil {
		stages = append(stages, g.after)
	}
	exchange.NewPath(rewrite.NewRenderer(&g.policy), append(stages, origin200(&origin, answer))...).Run(x)
	g.facts, g.stopped = x.Facts, origin == ""
	return origin, exchangetest.Of(x).String()
}

func (g *rig) connect(x *exchange.Exchange) {
	conn := x.Conn
	conn.TLS.Client = g.client
	if conn.TLS.Local = g.local; g.plain {
		conn.TLS = nil
	}
	if g.h2 {
		conn.Protocol = "h2"
	}
	if g.peer != "" {
		conn.Client = netip.AddrPortFrom(netip.MustParseAddr(g.peer), 4711)
	}
}

// field is the values of a field in a head, joined by " | ".
func field(head, name string) string {
	var values []string
	for line := range strings.Lines(head) {
		if n, value, ok := strings.Cut(line, ": "); ok && strings.EqualFold(n, name) {
			values = append(values, strings.TrimSuffix(value, "\n"))
		}
	}
	return strings.Join(values, " | ")
}

func prefixes(texts ...string) (ps []netip.Prefix) {
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

func TestMethods(t *testing.T) {
	f := func(methods *[]string, method, want string) {
		t.Helper()
		origin, client := through(stage(t, spec.Policy{Methods: methods}), method+" / HTTP/1.1\nHost: a\n")
		got := "ok"
		if origin == "" {
			got = client[:strings.Index(client, "\n")]
			if i := strings.Index(client, "Allow: "); i >= 0 {
				got += " " + client[i+len("Allow: "):i+strings.IndexByte(client[i:], '\n')]
			}
		}
		if got != want {
			t.Errorf("%v %s: got %q, want %q", methods, method, got, want)
		}
	}
	const all = "405 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	f(nil, "GET", "ok")
	f(nil, "PURGE", "ok")
	f(nil, "TRACE", all)
	f(nil, "CONNECT", all)
	f(&[]string{}, "TRACE", all)
	f(&[]string{}, "PATCH", "ok")
	f(&[]string{"GET", "POST"}, "POST", "ok")
	f(&[]string{"GET", "POST"}, "HEAD", "ok")
	f(&[]string{"GET", "POST"}, "PUT", "405 GET, POST, HEAD")
	f(&[]string{"GET", "POST"}, "get", "405 GET, POST, HEAD")
	f(&[]string{"PURGE"}, "PURGE", "ok")
	f(&[]string{"PURGE"}, "PURG", "405 PURGE")
	f(&[]string{"PURGE"}, "GET", "405 PURGE")
}

func TestUpgrade(t *testing.T) {
	f := func(allowed *spec.Switch, protocol string, kept bool) {
		t.Helper()
		origin, _ := through(stage(t, spec.Policy{WebSocket: allowed}), "GET / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: "+protocol+"\n")
		if strings.Contains(origin, "(upgrade ") != kept {
			t.Errorf("%s: got\n%s", protocol, origin)
		}
	}
	f(ptr(spec.Switch(true)), "websocket", true)
	f(ptr(spec.Switch(true)), "WebSocket", true)
	f(ptr(spec.Switch(true)), "h2c", false)
	f(ptr(spec.Switch(true)), "websocket, h2c", false)
	f(ptr(spec.Switch(true)), "TLS/1.0", false)
	f(ptr(spec.Switch(false)), "websocket", false)
	f(nil, "websocket", false)
}

func TestHeaders(t *testing.T) {
	s := stage(t, spec.Policy{Headers: &spec.Headers{
		Request:  &spec.Edits{Set: map[string]string{"x-b": "2", "accept": "text/plain", "Authorization": "none"}, Remove: []string{"X-A", "cookie"}},
		Response: &spec.Edits{Set: map[string]string{"X-Frame-Options": "DENY", "x-new": "n"}, Remove: []string{"server", "X-Debug", "X-New"}},
	}})
	origin, client := through(s, "GET / HTTP/1.1\nHost: a\nx-a: 1\nAccept: a\nX-A: 2\nCookie: c\nACCEPT: b\n", "Server: nginx", "x-debug: 1", "ETag: e", "x-New: old", "X-Frame-Options: no")
	if want := "GET /\nHost: a\nAccept: text/plain\nAuthorization: none\nx-b: 2\n"; origin != want {
		t.Errorf("got\n%swant\n%s", origin, want)
	}
	if want := "200\nETag: e\nX-Frame-Options: DENY\nx-new: n\n"; client != want {
		t.Errorf("got\n%swant\n%s", client, want)
	}
}

func TestEditsReachTheEdgesOwnErrors(t *testing.T) {
	s := stage(t, spec.Policy{Headers: &spec.Headers{Response: &spec.Edits{Set: map[string]string{"X-Frame-Options": "DENY", "Content-Type": "text/evil"}}}})
	_, client := through(s, "TRACE / HTTP/1.1\nHost: a\n")
	if !strings.Contains(client, "X-Frame-Options: DENY\n") || strings.Contains(client, "evil") {
		t.Error(client)
	}
}

func TestRequestID(t *testing.T) {
	id := regexp.MustCompile(`X-Request-ID: ([0-9a-f]{32})\n`)
	s := stage(t, spec.Policy{RequestID: ptr(spec.Switch(true))})
	seen := map[string]bool{}
	for range 1000 {
		origin, client := through(s, "GET / HTTP/1.1\nHost: a\nX-Request-ID: mine\n", "X-Request-ID: origin's")
		o, c := id.FindStringSubmatch(origin), id.FindStringSubmatch(client)
		if o == nil || c == nil || o[1] != c[1] || strings.Count(origin+client, "X-Request-ID") != 2 {
			t.Fatalf("got\n%s\n%s", origin, client)
		}
		if seen[o[1]] {
			t.Fatalf("%s came twice", o[1])
		}
		seen[o[1]] = true
		if !strings.HasPrefix(o[1], fmt.Sprintf("%012x7", exchangetest.Now.UnixMilli())) || !strings.Contains("89ab", o[1][16:17]) {
			t.Fatalf("%s is no UUID version 7 of %v", o[1], exchangetest.Now)
		}
	}
	origin, client := through(stage(t, spec.Policy{}), "GET / HTTP/1.1\nHost: a\nX-Request-ID: mine\n")
	if !strings.Contains(origin, "X-Request-ID: mine\n") || strings.Contains(client, "X-Request-ID") {
		t.Errorf("off: got\n%s\n%s", origin, client)
	}
}

func TestPolicyProblems(t *testing.T) {
	f := func(p spec.Policy, want string) {
		t.Helper()
		_, problems := rewrite.New(&p, nil)
		if got := fmt.Sprint(problems); len(problems) != 1 || !strings.Contains(got, want) {
			t.Errorf("got %s, want %q", got, want)
		}
	}
	set := func(name, value string) spec.Policy {
		return spec.Policy{Headers: &spec.Headers{Request: &spec.Edits{Set: map[string]string{name: value}}}}
	}
	f(set("X-A", "1\r\nX-B: 2"), `the value of X-A has the control character '\r'`)
	f(set("X A", "1"), `"X A" is not a field name: it has the byte ' '`)
	f(set("", "1"), "a field has no name")
	f(set("host", "b"), "Host cannot be edited")
	f(set("content-length", "0"), "Content-Length cannot be edited")
	f(spec.Policy{Headers: &spec.Headers{Response: &spec.Edits{Remove: []string{"Connection"}}}}, "headers.response: Connection cannot be edited")
	f(spec.Policy{Methods: &[]string{"GET", "TRACE"}}, "TRACE and CONNECT are never forwarded")
}

// redirected runs a request through a redirect and returns status and Location, or "status".
func redirected(t *testing.T, to, match, target string, params ...string) string {
	t.Helper()
	s, problems := rewrite.NewRedirect(&spec.Redirect{To: to}, spec.PathMatch{Kind: spec.PathPattern, Path: match})
	for _, p := range problems {
		t.Fatal(p)
	}
	x := exchangetest.Request("GET " + target + " HTTP/1.1\nHost: a\n")
	defer x.Release()
	for _, value := range params {
		x.Facts.Entry.Params = append(x.Facts.Entry.Params, exchange.Param{Value: []byte(value)})
	}
	exchange.NewPath(rewrite.Render, s).Run(x)
	r := exchangetest.Of(x)
	_, location, _ := strings.Cut(r.Head, "Location: ")
	location, _, _ = strings.Cut(location, "\n")
	return strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, location))
}

func TestRedirect(t *testing.T) {
	f := func(to, match, target, want string, params ...string) {
		t.Helper()
		if got := redirected(t, to, match, target, params...); got != want {
			t.Errorf("%s of %s %q: got %q, want %q", to, target, params, got, want)
		}
	}
	f("https://new.example.com{path}", "", "/a/b?c", "308 https://new.example.com/a/b")
	f("https://new.example.com{path}?{query}", "", "/a?c=d&e", "308 https://new.example.com/a?c=d&e")
	f("https://new.example.com{path}?{query}", "", "/a", "308 https://new.example.com/a")
	f("https://new.example.com{path}?x=1&{query}", "", "/a", "308 https://new.example.com/a?x=1")
	f("https://new.example.com", "", "/a", "308 https://new.example.com")
	f("https://new.example.com/{path}", "", "/a", "308 https://new.example.com//a")
	f("/new/{id}/x", "/old/{id}", "/old/7", "308 /new/7/x", "7")
	f("/{b}/{a}", "/{a}/{b}", "/1/2", "308 /2/1", "1", "2")
	f("https://{shop}.example.com/", "/{shop}", "/blue-1", "308 https://blue-1.example.com/", "blue-1")
	f("/x#top", "", "/a", "308 /x#top")
	// Nobody gets to another host.
	f("/{path}", "", "/a", "308 /a")
	f("/{path}", "", "//evil.example", "308 /evil.example")
	f("/{path}", "", "////evil.example/x//y", "308 /evil.example/x//y")
	f("/new{path}", "", "//evil.example", "308 /new//evil.example")
	f("https://{shop}.example.com/", "/{shop}", "/x", "400", "evil.example/")
	f("https://{shop}.example.com/", "/{shop}", "/x", "400", "evil.example%2F")
	f("https://{shop}.example.com/", "/{shop}", "/x", "400", "evil@x")
	f("https://{shop}.example.com/", "/{shop}", "/x", "400", "a.b")
	f("https://{shop}.example.com/", "/{shop}", "/x", "400", "")
	f("/{a}/x", "/{a}", "/x", "400", "") // "//x" cannot come about
	f("/x/{a}", "/{a}", "/x", "400", "a\r\nSet-Cookie: b")
	f("/x/{a}", "/{a}", "/x", "400", "a\\b")
	f("/x/{a}", "/{a}", "/x", "400") // no value: a bug elsewhere must not become half a Location
}

func TestRedirectRefusesControls(t *testing.T) {
	s, _ := rewrite.NewRedirect(&spec.Redirect{To: "https://b{path}?{query}"}, spec.PathMatch{})
	for _, query := range []string{"a\r\nX: y", "a b", "a\x00", "\x80"} {
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
		x.Req.Query = []byte(query)
		exchange.NewPath(rewrite.Render, s).Run(x)
		if r := exchangetest.Of(x); r.Status != 400 || strings.Contains(r.Head, "Location") {
			t.Errorf("%q: got %s", query, r)
		}
		x.Release()
	}
}

func TestRedirectProblems(t *testing.T) {
	f := func(status int, to, want string) {
		t.Helper()
		s, problems := rewrite.NewRedirect(&spec.Redirect{Status: status, To: to}, spec.PathMatch{Kind: spec.PathPrefix, Path: "/{a}"})
		if s != nil || len(problems) != 1 || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: got %v, want %q", to, problems, want)
		}
	}
	f(200, "/x", "status 200 does not redirect")
	f(0, "", "neither a URL nor an absolute path")
	f(0, "x", "neither a URL nor an absolute path")
	f(0, "//evil", "neither a URL nor an absolute path")
	f(0, "javascript:alert(1)", "neither a URL nor an absolute path")
	f(0, "{path}", "neither a URL nor an absolute path")
	f(0, "/x\ny", "not allowed in a URL")
	f(0, "/x\\y", "not allowed in a URL")
	f(0, "/{b}", "the match has no {b}")
	f(0, "/{a", "no partner")
	f(0, "/a}", "no partner")
	f(0, "https://", "names no host")
	f(0, "https:///x", "names no host")
	f(0, "https://{path}", "names no host")
	f(0, "https://{query}", "names no host")
	f(0, "https://user@b/", "more than a host")
	f(0, "https://{a}", "could choose the host")
	f(0, "https://{a}/", "could choose the host")
	f(0, "https://{a}./", "could choose the host")
	f(0, "https://b.{a}:80/", "could choose the host")
	f(0, "https://example.com{a}/", "could choose the host")
	if s, problems := rewrite.NewRedirect(nil, spec.PathMatch{}); s != nil || problems != nil {
		t.Error("nil is not nil")
	}
}

func TestRespond(t *testing.T) {
	f := func(r spec.Respond, method, want string) {
		t.Helper()
		s, problems := rewrite.NewRespond(&r)
		for _, p := range problems {
			t.Fatal(p)
		}
		x := exchangetest.Request(method + " / HTTP/1.1\nHost: a\n")
		defer x.Release()
		exchange.NewPath(rewrite.Render, s).Run(x)
		if got := exchangetest.Of(x).String(); got != want {
			t.Errorf("%+v: got\n%swant\n%s", r, got, want)
		}
	}
	f(spec.Respond{}, "GET", "200\n")
	f(spec.Respond{Body: "hello"}, "GET", "200\nContent-Type: text/plain; charset=utf-8\n\nhello")
	f(spec.Respond{Body: "hello"}, "HEAD", "200\nContent-Type: text/plain; charset=utf-8\n(length 5)\n")
	f(spec.Respond{Body: "hello"}, "POST", "200\nContent-Type: text/plain; charset=utf-8\n\nhello")
	f(spec.Respond{Status: 503, ContentType: "application/json", Body: "{}"}, "GET", "503\nContent-Type: application/json\n\n{}")
	f(spec.Respond{Status: 204}, "HEAD", "204\n")
	for _, r := range []spec.Respond{{Status: 204, Body: "x"}, {Status: 101}, {Status: 700}, {ContentType: "a\nb"}} {
		if s, problems := rewrite.NewRespond(&r); s != nil || len(problems) != 1 {
			t.Errorf("%+v: %v", r, problems)
		}
	}
	if s, problems := rewrite.NewRespond(nil); s != nil || problems != nil {
		t.Error("nil is not nil")
	}
}

// failed runs a request along a path whose last stage fails.
func failed(k fault.Kind, errors spec.Errors, request string) *exchangetest.Recorder {
	x := exchangetest.Request(request)
	defer x.Release()
	x.Facts.RequestID = [16]byte{0xde, 0xad, 0xbe, 0xef, 15: 1}
	x.Facts.Entry.Errors = string(errors)
	exchange.NewPath(rewrite.Render, &exchangetest.Origin{Answer: exchangetest.Break(k)}).Run(x)
	return exchangetest.Of(x)
}

func TestRenderGolden(t *testing.T) {
	f := func(name string, r *exchangetest.Recorder) {
		t.Helper()
		file := "testdata/" + name + ".txt"
		if *update {
			if err := os.WriteFile(file, []byte(r.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if r.String() != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, r, want)
		}
	}
	const program, browser = "GET / HTTP/1.1\nHost: a\n", "GET / HTTP/1.1\nHost: a\nAccept: text/html,*/*;q=0.8\n"
	f("refused-problem", failed(fault.OriginRefused, spec.ErrorsAuto, program))
	f("refused-html", failed(fault.OriginRefused, spec.ErrorsAuto, browser))
	f("unhealthy-problem", failed(fault.OriginNoneHealthy, "", program))
	f("noroute-html", failed(fault.NoRoute, spec.ErrorsHTML, program))
	f("internal-head", failed(fault.Internal, spec.ErrorsProblem, "HEAD / HTTP/1.1\nHost: a\nAccept: text/html\n"))
}

func TestRenderForm(t *testing.T) {
	f := func(errors spec.Errors, accept, want string) {
		t.Helper()
		r := failed(fault.NoRoute, errors, "GET / HTTP/1.1\nHost: a\n"+accept)
		if got := map[bool]string{true: "html", false: "problem"}[strings.Contains(r.Head, "text/html")]; got != want {
			t.Errorf("%s %q: got %s, want %s", errors, accept, got, want)
		}
	}
	f(spec.ErrorsAuto, "", "problem")
	f(spec.ErrorsAuto, "Accept: */*\n", "problem")
	f(spec.ErrorsAuto, "Accept: text/html,application/xhtml+xml,application/xml;q=0.9\n", "html")
	f(spec.ErrorsAuto, "Accept: image/avif\nAccept: TEXT/HTML ; q=0.5\n", "html")
	f(spec.ErrorsAuto, "Accept: application/xhtml+xml\n", "html")
	f(spec.ErrorsAuto, "Accept: application/json, text/html\n", "problem")
	f(spec.ErrorsAuto, "Accept: text/html, application/json\n", "html")
	f(spec.ErrorsAuto, "Accept: text/html;q=0\n", "problem")
	f(spec.ErrorsAuto, "Accept: text/html;level=1;q=0.0\n", "problem")
	f(spec.ErrorsAuto, "Accept: text/htmlx\n", "problem")
	f(spec.ErrorsHTML, "Accept: application/json\n", "html")
	f(spec.ErrorsProblem, "Accept: text/html\n", "problem")
}

func TestRenderEveryKind(t *testing.T) {
	const secret = "the origin of a test"
	for _, k := range fault.Kinds() {
		for _, form := range []spec.Errors{spec.ErrorsHTML, spec.ErrorsProblem} {
			r := failed(k, form, "GET / HTTP/1.1\nHost: a\n")
			if r.Status != k.Status() || strings.Contains(r.String(), secret) || strings.Count(r.Body, "deadbeef000000000000000000000001") != 1 {
				t.Errorf("%s: got\n%s", k.Name(), r)
			}
			if !strings.Contains(r.Head, "Cache-Control: no-store\n") || strings.Contains(r.Head, "Proxy-Status: skerry; error="+k.ProxyStatus()+"\n") != (k.ProxyStatus() != "") {
				t.Errorf("%s: got\n%s", k.Name(), r.Head)
			}
			if strings.Contains(r.Head, "Retry-After: ") != (k.Status() == 503) {
				t.Errorf("%s: got\n%s", k.Name(), r.Head)
			}
			if form == spec.ErrorsHTML {
				continue
			}
			var p struct {
				Type, Title, Detail, Instance string
				Status                        int
			}
			if err := json.Unmarshal([]byte(r.Body), &p); err != nil || p.Type != "about:blank" || p.Status != r.Status || p.Title == "" || p.Detail != k.Title() || p.Instance == "" {
				t.Errorf("%s: %v in %s", k.Name(), err, r.Body)
			}
		}
	}
}

func TestRenderGivesAnID(t *testing.T) {
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	exchange.NewPath(rewrite.Render, &exchangetest.Origin{Answer: exchangetest.Break(fault.NoRoute)}).Run(x)
	if x.Facts.RequestID == [16]byte{} {
		t.Error("no request id")
	}
}

func ExampleNewRedirect() {
	redirect, _ := rewrite.NewRedirect(&spec.Redirect{To: "https://new.example.com{path}?{query}"}, spec.PathMatch{})
	x := exchangetest.Request("GET /orders?page=2 HTTP/1.1\nHost: old.example.com\n")
	defer x.Release()
	exchange.NewPath(rewrite.Render, redirect).Run(x)
	fmt.Print(exchangetest.Of(x))
	// Output:
	// 308
	// Location: https://new.example.com/orders?page=2
}
