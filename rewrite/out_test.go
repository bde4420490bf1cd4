package rewrite_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

var (
	preserving = &spec.Service{Host: spec.HostPreserve}
	named      = &spec.Service{Host: spec.HostName, HostName: "Inside.example:8080"}
	byEndpoint = &spec.Service{Host: spec.HostEndpoint, Endpoints: []spec.Endpoint{{Host: "10.0.0.5", Port: 80},
		{Host: "2001:db8::5", Port: 80, Addr: netip.MustParseAddr("2001:db8::5")}}}
)

// route is a route with a rewrite; match is a pattern, with a star at its end a prefix, or empty for every path.
func route(match string, w spec.Rewrite, services ...*spec.Service) *spec.Route {
	r := &spec.Route{Match: spec.Match{Path: spec.PathMatch{Kind: spec.PathPattern, Path: match}}, Rewrite: &w}
	if match == "" {
		r.Match.Path.Kind = spec.PathAny
	}
	if prefix, ok := strings.CutSuffix(match, "*"); ok {
		r.Match.Path = spec.PathMatch{Kind: spec.PathPrefix, Path: prefix}
	}
	if len(services) == 0 {
		services = []*spec.Service{preserving}
	}
	for _, s := range services {
		r.To.Services = append(r.To.Services, spec.Weighted{Service: s, Weight: 1})
	}
	return r
}

// outbound runs a request through the stage and returns what the service gets, and Location and Content-Location as the
// client sees them.
func outbound(t *testing.T, r *spec.Route, g rig, request string, params []string, location string) (host, path, seen string) {
	t.Helper()
	s, problems := rewrite.NewOut(r)
	for _, p := range problems {
		t.Fatal(p)
	}
	x := exchangetest.Request(request)
	defer x.Release()
	g.connect(x)
	for _, value := range params {
		x.Facts.Entry.Params = append(x.Facts.Entry.Params, exchange.Param{Value: []byte(value)})
	}
	answer := []string{}
	if location != "" {
		answer = []string{"Content-Location: " + location, "Location: " + location, "X-Location: " + location}
	}
	var ignored string
	exchange.NewPath(rewrite.Render, rewrite.NewClient(&g.env), s, origin200(&ignored, answer)).Run(x)
	client := exchangetest.Of(x).String()
	if seen = field(client, "Location"); seen != field(client, "Content-Location") || field(client, "X-Location") != location {
		t.Errorf("Location and Content-Location differ in\n%s", client)
	}
	if strings.HasPrefix(client, "500") {
		return "", "500", ""
	}
	return string(x.Req.ToHost), string(x.Req.ToPath), seen
}

func TestOutPath(t *testing.T) {
	f := func(match string, w spec.Rewrite, target, want string, params ...string) {
		t.Helper()
		host, path, _ := outbound(t, route(match, w), rig{}, "GET "+target+" HTTP/1.1\nHost: a\n", params, "")
		if host != w.Host || path != want {
			t.Errorf("%s to %v of %s: got %q %q, want %q", match, w, target, host, path, want)
		}
	}
	strip, v2 := spec.Rewrite{Prefix: "/"}, spec.Rewrite{Prefix: "/v2", Host: "inside.example:8080"}
	f("/api*", strip, "/api", "/")
	f("/api*", strip, "/api/", "/")
	f("/api*", strip, "/api/x?q", "/x")
	f("/api*", strip, "/api//x", "/x")
	f("/api*", strip, "/api///evil.example//y", "/evil.example//y")
	f("/api*", v2, "/api", "/v2")
	f("/api*", v2, "/api/", "/v2/")
	f("/api*", v2, "/api/x/y", "/v2/x/y")
	f("/api*", v2, "/api//x", "/v2//x")
	f("/api*", spec.Rewrite{Prefix: "/v2/"}, "/api/x", "/v2/x")
	f("/api*", spec.Rewrite{Prefix: "/v2/"}, "/api", "/v2")
	f("/*", v2, "/x", "/v2/x")
	f("/*", v2, "/", "/v2/")
	f("/*", strip, "/x", "/x")
	f("", v2, "/x", "/v2/x")
	f("/t/{id}*", strip, "/t/7/x", "/x", "7")
	f("/t/{id}/u*", v2, "/t/7/u", "/v2", "7")
	f("/api/*", strip, "/api/x", "/x")
	f("/x/{a}", spec.Rewrite{Path: "/y"}, "/x/1", "/y", "1")
	f("/x/{a}/{b}", spec.Rewrite{Path: "/y/{b}/{a}/"}, "/x/1/2", "/y/2/1/", "1", "2")
	f("/x/{a}", spec.Rewrite{Path: "/{a}"}, "/x/%2Fevil", "/%2Fevil", "%2Fevil")
	f("/x/{a}", spec.Rewrite{Path: "/"}, "/x/1", "/", "1")
	f("/x*", spec.Rewrite{Host: "inside.example"}, "/x", "")
	for _, bad := range []string{"", "a/b", "/", "a\r\n", "a b", "\x80"} {
		s, _ := rewrite.NewOut(route("/x/{a}", spec.Rewrite{Path: "/y/{a}"}))
		x := exchangetest.Request("GET /x/1 HTTP/1.1\nHost: a\n")
		x.Facts.Entry.Params = append(x.Facts.Entry.Params, exchange.Param{Value: []byte(bad)})
		if s.Request(x) != exchange.Respond || x.Req.ToPath != nil {
			t.Errorf("%q: got %q", bad, x.Req.ToPath)
		}
		x.Release()
	}
	if _, path, _ := outbound(t, route("/x/{a}", spec.Rewrite{Path: "/y/{a}"}), rig{}, "GET /x/1 HTTP/1.1\nHost: a\n", nil, ""); path != "500" {
		t.Errorf("no value: got %q", path)
	}
	if host, path, _ := outbound(t, route("/*", v2), rig{}, "OPTIONS * HTTP/1.1\nHost: a\n", nil, ""); host != v2.Host || path != "" {
		t.Errorf("OPTIONS *: got %q %q", host, path)
	}
}

func TestOutRawPath(t *testing.T) {
	f := func(target, want string) {
		t.Helper()
		r := route("/api*", spec.Rewrite{Prefix: "/v2"})
		r.Policy.Path = ptr(spec.PathRaw)
		if _, path, _ := outbound(t, r, rig{}, "GET "+target+" HTTP/1.1\nHost: a\n", nil, ""); path != want {
			t.Errorf("%s: got %q, want %q", target, path, want)
		}
	}
	f("/api/%61%2f", "/v2/%61%2f")
	f("/api", "/v2")
	f("/%61pi/%61", "/v2/a")      // the raw path does not begin with the prefix
	f("/api/../api/%61", "/v2/a") // what would be left of it leads out of /v2
	f("/api/./%61", "/v2/a")      // dot segments are nobody's to resolve but the edge's
	f("/x/../api/%61/..", "/v2/")
}

func TestOutLocation(t *testing.T) {
	const https, http = false, true
	f := func(r *spec.Route, plain bool, location, want string) {
		t.Helper()
		_, _, seen := outbound(t, r, rig{plain: plain}, "GET /api/7/x HTTP/1.1\nHost: Shop.example:8443\n", []string{"7"}, location)
		if seen != want {
			t.Errorf("%s: got %q, want %q", location, seen, want)
		}
	}
	host := route("/api/{id}*", spec.Rewrite{Host: "inside.example"})
	f(host, https, "http://inside.example/login?x#y", "https://shop.example:8443/login?x#y")
	f(host, https, "HTTPS://INSIDE.example:9000", "https://shop.example:8443/")
	f(host, https, "//inside.example//evil.example", "https://shop.example:8443/evil.example")
	f(host, http, "http://inside.example/a", "http://shop.example:8443/a")
	f(host, http, "https://inside.example/a", "https://shop.example/a") // the service wants TLS
	for _, same := range []string{"/login", "login", "../x", "?x", "#y", "https://other.example/x", "http://inside.example@evil.example/", "http://inside.example.evil.example/",
		"http://inside.example:8x/", "http://evil.example/inside.example", "http://inside.example\\@evil.example", "mailto:x@inside.example", "https://shop.example:8443/v2", "http://", "http:///x"} {
		f(host, https, same, same)
	}
	v2 := route("/api/{id}*", spec.Rewrite{Prefix: "/v2"})
	f(v2, https, "/v2/y?x", "/api/7/y?x")
	f(v2, https, "/v2", "/api/7")
	f(v2, https, "/v2?x", "/api/7?x")
	f(v2, https, "https://shop.example/v2/y#z", "https://shop.example/api/7/y#z")
	f(v2, http, "http://SHOP.example:80/v2/y", "http://SHOP.example:80/api/7/y")
	f(v2, http, "//shop.example/v2/y", "//shop.example/api/7/y")
	for _, same := range []string{"/v22", "/v1/y", "/", "v2/y", "https://shop.example/x", "https://inside.example/v2/y", ""} {
		f(v2, https, same, same)
	}
	strip := route("/api/{id}*", spec.Rewrite{Prefix: "/"}, named, byEndpoint)
	f(strip, https, "/y", "/api/7/y")
	f(strip, https, "/", "/api/7/")
	f(strip, https, "http://inside.example/y", "https://shop.example:8443/api/7/y")
	f(strip, https, "http://10.0.0.5:80/y", "https://shop.example:8443/api/7/y")
	f(strip, https, "http://[2001:db8::5]:80", "https://shop.example:8443/api/7/")
	f(strip, https, "https://shop.example/login", "https://shop.example/login") // it does not know itself by this host
	both := route("/api/{id}*", spec.Rewrite{Prefix: "/", Host: "shop.example"})
	f(both, https, "https://shop.example/y", "https://shop.example/api/7/y")
	whole := route("/api/{id}/x", spec.Rewrite{Path: "/one/{id}"})
	f(whole, https, "/one/7", "/api/7/x")
	f(whole, https, "/one/8", "/one/8")
	root := route("/*", spec.Rewrite{Prefix: "/v2"})
	f(root, https, "/v2//evil.example", "/evil.example") // no other host
	f(root, https, "/v2", "/")
}

func TestOutLocationWithoutClient(t *testing.T) {
	s, _ := rewrite.NewOut(route("/*", spec.Rewrite{Host: "inside.example"}))
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	x.Conn = nil
	s.Request(x)
	x.Resp.Fields.Add(exchange.NameLocation, []byte("http://inside.example//evil.example"))
	s.Response(x)
	if got := string(x.Resp.Fields.Get(exchange.NameLocation)); got != "/evil.example" {
		t.Error(got)
	}
}

func TestOutProblems(t *testing.T) {
	f := func(match string, w spec.Rewrite, want string) {
		t.Helper()
		_, problems := rewrite.NewOut(route(match, w))
		if got := fmt.Sprint(problems); len(problems) != 1 || !strings.Contains(got, want) {
			t.Errorf("%v: got %s, want %q", w, got, want)
		}
	}
	f("/a*", spec.Rewrite{Path: "/x", Prefix: "/y"}, "path is set as well")
	f("/a", spec.Rewrite{Prefix: "/y"}, "no prefix that it could replace")
	f("/a*", spec.Rewrite{Prefix: "y"}, "does not start with '/'")
	f("/a*", spec.Rewrite{Prefix: "/y/../z"}, "not in normal form")
	f("/a*", spec.Rewrite{Prefix: "/y//z"}, "an empty segment")
	f("/a*", spec.Rewrite{Prefix: "//y"}, "an empty segment")
	f("/{a}*", spec.Rewrite{Prefix: "/{a}"}, "it has braces")
	f("/{a}", spec.Rewrite{Path: "/x{a}"}, "alone in its segment")
	f("/{a}", spec.Rewrite{Path: "/{b}"}, "no {name} of the match")
	f("/{a}", spec.Rewrite{Path: "/{a"}, "no {name} of the match")
	f("/{a}", spec.Rewrite{Path: "/a?b"}, "outside 0x21-0x7e, or '?'")
	f("/{a}", spec.Rewrite{Host: "a b"}, "is no host")
	for _, r := range []*spec.Route{{}, {Rewrite: &spec.Rewrite{Host: "a"}}} {
		if s, problems := rewrite.NewOut(r); s != nil || problems != nil {
			t.Error("nothing is not nil")
		}
	}
}
