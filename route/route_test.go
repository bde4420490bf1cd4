package route_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/route"
	"skerry.dev/skerry/spec"
)

// entry makes an entrypoint of hosts and routes written as one line each: "name kind path [METHOD] [header:value] [query=value]".
func entry(name, hosts string, routes ...string) *spec.Entrypoint {
	e := &spec.Entrypoint{Meta: spec.Meta{Name: name}, Hosts: strings.Fields(hosts), At: spec.Pos{File: "s.yaml", Line: 1, Col: 1}}
	for i, line := range routes {
		words := strings.Fields(line)
		r := &spec.Route{Name: words[0], At: spec.Pos{File: "s.yaml", Line: i + 2, Col: 3}}
		r.Match.Path.Kind = map[string]spec.PathKind{"any": spec.PathAny, "prefix": spec.PathPrefix, "pattern": spec.PathPattern, "exact": spec.PathExact}[words[1]]
		words = words[2:]
		if r.Match.Path.Kind != spec.PathAny {
			r.Match.Path.Path, words = words[0], words[1:]
		}
		for _, w := range words {
			if k, v, ok := strings.Cut(w, ":"); ok {
				r.Match.Headers = append(r.Match.Headers, spec.Pair{Name: k, Value: v})
			} else if k, v, ok := strings.Cut(w, "="); ok {
				r.Match.Query = append(r.Match.Query, spec.Pair{Name: k, Value: v})
			} else {
				r.Match.Methods = append(r.Match.Methods, w)
			}
		}
		e.Routes = append(e.Routes, r)
	}
	return e
}

// fill sets the request of "METHOD host/path?query name:value …".
func fill(x *exchange.Exchange, line string) {
	words := strings.Fields(line)
	r := &x.Req
	r.MethodName, r.Method = []byte(words[0]), exchange.MethodOf([]byte(words[0]))
	target, query, hasQuery := strings.Cut(words[1], "?")
	if hasQuery {
		r.Query = []byte(query)
	}
	host, path := target, ""
	if i := strings.IndexByte(target, '/'); i >= 0 {
		host, path = target[:i], target[i:]
	}
	r.Host, r.Path, r.RawPath = []byte(host), []byte(path), []byte(path)
	for _, w := range words[2:] {
		k, v, _ := strings.Cut(w, ":")
		r.Fields.AddNamed([]byte(k), []byte(v))
	}
}

// result is "entrypoint/route name=value …", "entrypoint" or "none".
func result(tb *route.Table, x *exchange.Exchange) string {
	target, e := tb.Match(x)
	if target == nil {
		if e == nil {
			return "none"
		}
		return e.Meta.Name
	}
	s := target.Label
	for _, p := range x.Facts.Entry.Params {
		s += " " + p.Name + "=" + string(p.Value)
	}
	return s
}

func table(t testing.TB, entrypoints ...*spec.Entrypoint) *route.Table {
	t.Helper()
	tb, problems := route.New(entrypoints)
	for _, p := range problems {
		t.Error(p)
	}
	if tb == nil {
		t.FailNow()
	}
	return tb
}

func matcher(t *testing.T, tb *route.Table) func(request, want string) {
	return func(request, want string) {
		t.Helper()
		x := exchange.Acquire()
		defer x.Release()
		fill(x, request)
		if got := result(tb, x); got != want {
			t.Errorf("%s: got %q, want %q", request, got, want)
		}
	}
}

func TestHosts(t *testing.T) {
	f := matcher(t, table(t,
		entry("exact", "shop.example.com example.com [::1]", "r any"),
		entry("wild", "*.example.com", "r any"),
		entry("deep", "*.eu.example.com", "r any"),
		entry("narrow", "only.example.org", "r exact /x"),
		entry("wide", "*.example.org", "r any"),
	))
	f("GET shop.example.com/", "exact/r")
	f("GET example.com/", "exact/r")
	f("GET [::1]/", "exact/r")
	f("GET a.example.com/", "wild/r")
	f("GET a.b.example.com/", "wild/r")
	f("GET a.shop.example.com/", "wild/r")
	f("GET eu.example.com/", "wild/r")
	f("GET a.eu.example.com/", "deep/r")
	f("GET a.b.eu.example.com/", "deep/r")
	f("GET aexample.com/", "none")
	f("GET com/", "none")
	f("GET other.net/", "none")
	f("GET a.[::1]/", "none")
	f("GET only.example.org/x", "narrow/r")
	f("GET only.example.org/y", "narrow") // the host decides; a wildcard does not catch what is left
	f("GET example.org/", "none")
}

func TestPaths(t *testing.T) {
	f := matcher(t, table(t, entry("e", "h",
		"any any",
		"root prefix /",
		"exact-root exact /",
		"api prefix /api",
		"apiv1 prefix /api/v1/",
		"user pattern /users/{id}",
		"me pattern /users/me",
		"me-exact exact /users/me",
		"posts pattern /users/{user}/posts/{post}",
		"mine pattern /users/me/posts/{post}",
		"first pattern /users/{user}/posts/first",
		"slash exact /docs/",
		"noslash exact /docs",
		"empty exact /a//b",
		"tenant prefix /t/{tenant}",
		"tenant-x prefix /t/x",
		"tenant-deep prefix /t/{tenant}/deep/er",
		"braces exact /lit/{id}",
		"coded exact /a%2Fb",
	)))
	f("GET h/", "e/exact-root")
	f("GET h/zzz", "e/root")
	f("OPTIONS h", "e/any") // OPTIONS * has no path
	f("GET h/api", "e/api")
	f("GET h/api/", "e/api")
	f("GET h/api/x", "e/api")
	f("GET h/apix", "e/root")
	f("GET h/api/v1", "e/apiv1")
	f("GET h/api/v1/", "e/apiv1")
	f("GET h/api/v1/x/y/z", "e/apiv1")
	f("GET h/api/v10", "e/api")
	f("GET h/users/17", "e/user id=17")
	f("GET h/users/me", "e/me-exact")
	f("GET h/users/", "e/root")
	f("GET h/users/17/", "e/root")
	f("GET h/users/17/posts/4", "e/posts user=17 post=4")
	f("GET h/users/me/posts/4", "e/mine post=4")
	f("GET h/users/17/posts/first", "e/first user=17")
	f("GET h/users/me/posts/first", "e/mine post=first") // the first segment that differs decides
	f("GET h/docs/", "e/slash")
	f("GET h/docs", "e/noslash")
	f("GET h/a//b", "e/empty")
	f("GET h/a/b", "e/root")
	f("GET h/a%2Fb", "e/coded")
	f("GET h/t", "e/root")
	f("GET h/t/", "e/root")
	f("GET h/t/acme", "e/tenant tenant=acme")
	f("GET h/t/acme/x/y", "e/tenant tenant=acme")
	f("GET h/t/x/y", "e/tenant-x")
	f("GET h/t/x/deep/er/y", "e/tenant-deep tenant=x")
	f("GET h/lit/{id}", "e/braces")
	f("GET h/lit/7", "e/root")
}

func TestPredicates(t *testing.T) {
	f := matcher(t, table(t, entry("e", "h",
		"plain exact /a",
		"get exact /a GET",
		"beta exact /a X-Beta:1",
		"beta2 exact /a X-Beta:1 X-Two:*",
		"query exact /a v=2",
		"getquery exact /a GET v=2",
		"purge exact /a PURGE",
		"only exact /only POST",
		"onlyp pattern /{x} POST",
		"prefix prefix /only",
		"space exact /q name=a*b",
		"deep prefix /p/q DELETE",
		"up prefix /p",
	)))
	f("POST h/a", "e/plain")
	f("GET h/a", "e/get")
	f("HEAD h/a", "e/get") // GET brings HEAD
	f("get h/a", "e/plain")
	f("POST h/a x-beta:1", "e/beta")
	f("POST h/a X-BETA:0 X-Beta:1", "e/beta")
	f("POST h/a X-Beta:11", "e/plain")
	f("POST h/a X-Beta:1 X-Two:any", "e/beta2")
	f("POST h/a X-Two:any", "e/plain")
	f("GET h/a X-Beta:1", "e/get") // a method goes before headers
	f("POST h/a?v=2", "e/query")
	f("POST h/a?u=1&v=2&w", "e/query")
	f("POST h/a?v=%32", "e/query")
	f("POST h/a?%76=2", "e/query")
	f("POST h/a?v=22", "e/plain")
	f("POST h/a?v=", "e/plain")
	f("POST h/a?v", "e/plain")
	f("POST h/a?xv=2", "e/plain")
	f("POST h/a?v=2%", "e/plain")
	f("GET h/a?v=2", "e/getquery")
	f("PURGE h/a", "e/purge")
	f("purge h/a", "e/plain")
	f("POST h/only", "e/only")
	f("GET h/only", "e/prefix")
	f("GET h/q?name=a*b", "e/space")
	f("POST h/zzz", "e/onlyp x=zzz")
	f("GET h/zzz", "e")
	f("DELETE h/p/q/r", "e/deep")
	f("GET h/p/q/r", "e/up")
}

func TestDocumentOrderDecidesLast(t *testing.T) {
	f := matcher(t, table(t, entry("e", "h", "one any A:1", "two any B:1")))
	f("GET h/ A:1 B:1", "e/one")
	f("GET h/ B:1", "e/two")
}

func TestQueryDecodes(t *testing.T) {
	e := entry("e", "h", "r any")
	e.Routes[0].Match.Query = []spec.Pair{{Name: "na me", Value: "a&b=ü"}}
	f := matcher(t, table(t, e))
	f("GET h/?na+me=a%26b%3d%C3%BC", "e/r")
	f("GET h/?x&na%20me=a%26b=%c3%bc&y", "e/r")
	f("GET h/?na+me=a&b=%C3%BC", "e")
}

func TestSameRaw(t *testing.T) {
	tb := table(t, entry("e", "h", "admin prefix /admin", "file pattern /f/{name}", "rest any"))
	f := func(raw string, want bool) {
		t.Helper()
		x := exchange.Acquire()
		defer x.Release()
		fill(x, "GET h/")
		x.Req.RawPath = []byte(raw)
		x.Req.Path, _ = exchange.NormalPath(x.Req.RawPath, &x.Scratch)
		target, _ := tb.Match(x)
		before := fmt.Sprint(x.Facts.Entry.Params)
		if got := tb.SameRaw(x, target); got != want {
			t.Errorf("%s (%s): got %v", raw, target.Label, got)
		}
		if after := fmt.Sprint(x.Facts.Entry.Params); after != before {
			t.Errorf("%s: params were %s, are %s", raw, before, after)
		}
	}
	f("/admin/x", true)
	f("/admin/%78", true)
	f("/%61dmin/x", false)
	f("/f/%41", true)
	f("/f/%2f", true)
	f("/admin/./x", false)
	f("/x/../admin", false)
	f("/x//../y", false)
	f("/z%7e", true)
}

func TestTargetsAreDense(t *testing.T) {
	tb := table(t, entry("a", "a", "x exact /x", "y any"), entry("b", "b", "z any"))
	var labels []string
	for i, target := range tb.Targets() {
		if target.Index != i {
			t.Errorf("target %d has index %d", i, target.Index)
		}
		labels = append(labels, target.Label)
	}
	if got := strings.Join(labels, " "); got != "a/x a/y b/z" {
		t.Error(got)
	}
}

func TestProblems(t *testing.T) {
	f := func(want string, entrypoints ...*spec.Entrypoint) {
		t.Helper()
		tb, problems := route.New(entrypoints)
		if tb != nil || len(problems) != 1 {
			t.Fatalf("got %v", problems)
		}
		if got := problems[0].String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f("s.yaml:2:3: path \"/a/../b\" can never match: it is not in normal form\n    fix: write \"/b\"", entry("e", "h", "r exact /a/../b"))
	f("s.yaml:2:3: path \"/%41\" can never match: it is not in normal form\n    fix: write \"/A\"", entry("e", "h", "r prefix /%41"))
	f(`s.yaml:2:3: path "/a%2F.." can never match: the path has a dot segment that only some servers see, beside %2F or before ';'`, entry("e", "h", "r exact /a%2F.."))
	f(`s.yaml:2:3: path "a" can never match: the path does not start with '/'`, entry("e", "h", "r exact a"))
	f(`s.yaml:2:3: path "/{a}b": segment "{a}b" is not {name}, a whole segment of letters, digits, '_' and '-'`, entry("e", "h", "r pattern /{a}b"))
	f(`s.yaml:2:3: path "/{}": segment "{}" is not {name}, a whole segment of letters, digits, '_' and '-'`, entry("e", "h", "r pattern /{}"))
	f(`s.yaml:2:3: path "/{a}/{a}": {a} stands in it twice`, entry("e", "h", "r pattern /{a}/{a}"))
	f(`s.yaml:2:3: path "/{path}": {path} is taken: a redirect uses it for the path of the request`, entry("e", "h", "r prefix /{path}"))
	f("s.yaml:1:1: host \"H.example\" is not in normal form\n    fix: write \"h.example\"", entry("e", "H.example", "r any"))
	f("s.yaml:1:1: host \"*.H.example\" is not in normal form\n    fix: write \"*.h.example\"", entry("e", "*.H.example", "r any"))
	f("s.yaml:1:1: host \"h:80\" names a port\n    fix: leave out the port: an entrypoint answers on every port the edge listens on", entry("e", "h:80", "r any"))
	f(`s.yaml:1:1: host "a.*.b": the host name has a byte that is not a letter, a digit, '-', '_' or '.'`, entry("e", "a.*.b", "r any"))
	f("s.yaml:1:1: host \"h\" belongs to entrypoint \"e\" already\n    fix: give each host to one entrypoint", entry("e", "h", "r any"), entry("f", "h", "r any"))
	f("s.yaml:3:3: route \"s\" can never match: route \"r\" before it takes every request of this path\n    fix: remove one, or give the first one methods, headers or query", entry("e", "h", "r pattern /{a}", "s pattern /{b}"))
}

func TestMatchDoesNotAllocate(t *testing.T) {
	tb := table(t, entry("e", "h *.w", "a prefix /a/b", "b pattern /x/{y}/z", "c prefix /n/{m}/o", "d any GET X-A:1 q=1"))
	x := exchange.Acquire()
	defer x.Release()
	f := func(request string) {
		t.Helper()
		x.Req.Fields = x.Req.Fields[:0]
		fill(x, request)
		tb.Match(x)
		if n := testing.AllocsPerRun(100, func() { tb.Match(x); tb.SameRaw(x, nil) }); n != 0 {
			t.Errorf("%s: %v allocations", request, n)
		}
	}
	f("GET h/a/b/c")
	f("GET h/x/17/z")
	f("GET h/n/17/o/p")
	f("GET a.b.c.w/?q=1 X-A:1")
	f("GET none/")
}

func Example() {
	table, problems := route.New([]*spec.Entrypoint{{
		Meta:  spec.Meta{Name: "shop"},
		Hosts: []string{"shop.example.com"},
		Routes: []*spec.Route{
			{Name: "order", Match: spec.Match{Path: spec.PathMatch{Kind: spec.PathPattern, Path: "/orders/{id}"}}},
			{Name: "rest"},
		},
	}})
	if len(problems) > 0 {
		panic(problems)
	}
	x := exchange.Acquire()
	defer x.Release()
	x.Req.Host, x.Req.Path = []byte("shop.example.com"), []byte("/orders/17")
	target, _ := table.Match(x)
	p := x.Facts.Entry.Params[0]
	fmt.Printf("%s %s=%s\n", target.Label, p.Name, p.Value)
	// Output: shop/order id=17
}
