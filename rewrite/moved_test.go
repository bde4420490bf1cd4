package rewrite_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

func moved(t testing.TB, e spec.Entrypoint) *rewrite.Moved {
	t.Helper()
	s, problems := rewrite.NewMoved(&e)
	for _, p := range problems {
		t.Fatal(p)
	}
	return s
}

func TestCanonicalHost(t *testing.T) {
	s := moved(t, spec.Entrypoint{Hosts: []string{"example.com", "*.example.com"}, CanonicalHost: "example.com"})
	f := func(plain bool, request, want string) {
		t.Helper()
		g := rig{plain: plain, after: s}
		if got := g.answerLine(t, request); got != want {
			t.Errorf("%s: got %q, want %q", request, got, want)
		}
	}
	f(false, "GET /a?b HTTP/1.1\nHost: www.example.com\n", "308 https://example.com/a?b")
	f(false, "GET /%61/../b?b HTTP/1.1\nHost: www.example.com:443\n", "308 https://example.com/%61/../b?b")
	f(false, "POST //evil.example HTTP/1.1\nHost: www.example.com:8443\n", "308 https://example.com:8443//evil.example")
	f(true, "GET / HTTP/1.1\nHost: WWW.example.com:8080\n", "308 http://example.com:8080/")
	f(true, "GET / HTTP/1.1\nHost: www.example.com:80\n", "308 http://example.com/")
	f(false, "OPTIONS * HTTP/1.1\nHost: www.example.com\n", "308 https://example.com/")
	f(false, "GET / HTTP/1.1\nHost: example.com\n", "served")
	f(false, "GET / HTTP/1.1\nHost: EXAMPLE.com.:8443\n", "served")
	f(false, "GET / HTTP/1.0\n", "served")
}

func TestMoved(t *testing.T) {
	list := []spec.Moved{
		{From: "/old", To: "/new", Status: 301}, {From: "/a", To: "https://other.example/b", Status: 302}, {From: "/q", To: "/new?x=1"},
		{From: "/f", To: "/new#part", Status: 307}, {From: "/fq", To: "https://other.example?y#p"}, {From: "/www", To: "https://www.example.com/www"},
		{From: "/lang", To: "/lang?l=en"}, {From: "/dots", To: "/%64ots?z"}, {From: "/1", To: "/2"}, {From: "/2", To: "/3"}, {From: "/3", To: "https://far.example/1"},
		{From: "/port", To: "https://www.example.com:8443/port"},
	}
	plain := moved(t, spec.Entrypoint{Hosts: []string{"example.com", "www.example.com"}, Moved: list})
	canonical := moved(t, spec.Entrypoint{Hosts: []string{"example.com", "www.example.com"}, CanonicalHost: "www.example.com", Moved: list})
	f := func(s *rewrite.Moved, host, target, want string) {
		t.Helper()
		g := rig{after: s}
		if got := g.answerLine(t, "GET "+target+" HTTP/1.1\nHost: "+host+"\n"); got != want {
			t.Errorf("%s%s: got %q, want %q", host, target, got, want)
		}
	}
	f(plain, "example.com", "/old", "301 /new")
	f(plain, "example.com", "/old?x=1", "301 /new?x=1")
	f(plain, "example.com", "/%6fld", "301 /new")
	f(plain, "example.com", "/old/", "served")
	f(plain, "example.com", "/OLD", "served")
	f(plain, "example.com", "/a?x", "302 https://other.example/b?x")
	f(plain, "example.com", "/q?y=2", "308 /new?x=1")
	f(plain, "example.com", "/f?y=2", "307 /new?y=2#part")
	f(plain, "example.com", "/fq?z", "308 https://other.example?y#p")
	f(plain, "example.com", "/1", "308 /2")
	// Nothing leads to where it is asked.
	f(plain, "example.com", "/www?a", "308 https://www.example.com/www?a")
	f(plain, "www.example.com", "/www?a", "served")
	f(plain, "www.example.com:443", "/www", "served")
	f(plain, "www.example.com:444", "/www", "308 https://www.example.com/www")
	f(plain, "www.example.com", "/port", "308 https://www.example.com:8443/port")
	f(plain, "www.example.com:8443", "/port", "served")
	f(plain, "example.com", "/lang", "308 /lang?l=en")
	f(plain, "example.com", "/lang?l=fr", "308 /lang?l=en")
	f(plain, "example.com", "/lang?l=en", "served")
	f(plain, "example.com", "/dots", "308 /%64ots?z")
	f(plain, "example.com", "/dots?z", "served")
	g := rig{after: plain, plain: true}
	if got := g.answerLine(t, "GET /www HTTP/1.1\nHost: www.example.com:443\n"); got != "308 https://www.example.com/www" {
		t.Errorf("plain HTTP: got %q", got)
	}
	// One step to the canonical host.
	f(canonical, "example.com", "/old?x", "301 https://www.example.com/new?x")
	f(canonical, "example.com:8443", "/f", "307 https://www.example.com:8443/new#part")
	f(canonical, "example.com", "/a", "302 https://other.example/b")
	f(canonical, "example.com", "/lang?l=en", "308 https://www.example.com/lang?l=en")
	f(canonical, "www.example.com", "/lang?l=en", "served")
	f(canonical, "www.example.com", "/old", "301 /new")
	if s, problems := rewrite.NewMoved(&spec.Entrypoint{Hosts: []string{"a"}}); s != nil || problems != nil {
		t.Error("nothing is not nil")
	}
}

func TestMovedRefusesControls(t *testing.T) {
	s := moved(t, spec.Entrypoint{Moved: []spec.Moved{{From: "/a", To: "/b"}}})
	for _, query := range []string{"a\r\nX: y", "a b", "\x80"} {
		x := exchangetest.Request("GET /a HTTP/1.1\nHost: a\n")
		x.Req.Query = []byte(query)
		exchange.NewPath(rewrite.Render, s).Run(x)
		if r := exchangetest.Of(x); r.Status != 400 || strings.Contains(r.Head, "Location") {
			t.Errorf("%q: got %s", query, r)
		}
		x.Release()
	}
}

func TestMovedProblems(t *testing.T) {
	served := ptr(spec.PlainServed)
	f := func(e spec.Entrypoint, want string) {
		t.Helper()
		e.Hosts = []string{"a.example", "*.b.example"}
		_, problems := rewrite.NewMoved(&e)
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(problems[0].String(), want)) {
			t.Errorf("%v: got %v, want %q", e.Moved, problems, want)
		}
	}
	one := func(to string) spec.Entrypoint { return spec.Entrypoint{Moved: []spec.Moved{{From: "/x", To: to}}} }
	f(one("/x"), "leads to itself")
	f(one("/%78#y"), "leads to itself")
	f(one("/y/../x"), "leads to itself")
	f(one("//evil.example/"), "neither a URL nor an absolute path")
	f(one("javascript:x"), "neither a URL nor an absolute path")
	f(one("/a\r\nb"), "not allowed in a URL")
	f(one("https:///x"), "no valid host")
	f(one("https://u@a.example/"), "no valid host")
	f(one("/%zz"), "no valid host or path")
	f(spec.Entrypoint{Moved: []spec.Moved{{From: "/x", To: "/y", Status: 200}}}, "status 200 does not redirect")
	f(one("http://a.example/x"), "from https to http")
	f(spec.Entrypoint{Moved: []spec.Moved{{From: "/x", To: "http://a.example/x"}}, Policy: spec.Policy{Redirect: served}}, "")
	f(spec.Entrypoint{Moved: []spec.Moved{{From: "/x", To: "https://c.b.example/x"}}, CanonicalHost: "a.example"}, "`canonicalHost` back again")
	f(spec.Entrypoint{Moved: []spec.Moved{{From: "/x", To: "https://b.example/x"}}, CanonicalHost: "a.example"}, "")
	circle := func(tos ...string) (e spec.Entrypoint) {
		for i, to := range tos {
			e.Moved = append(e.Moved, spec.Moved{From: fmt.Sprintf("/%d", i), To: to})
		}
		return e
	}
	f(circle("/1", "/2?x", "/0"), "redirect of /0 to \"/1\": following it leads back to /0")
	f(circle("/1", "/2", "/1"), "leads back to /1")
	f(circle("/1", "https://a.example/2", "https://x.b.example/0?y"), "leads back to /0")
	f(circle("/1", "/2", "https://c.example/0"), "")
	f(circle("/1", "/2", "/3"), "")
	f(circle("/2", "/2", "/3"), "")
	_, problems := rewrite.NewMoved(&spec.Entrypoint{Moved: make([]spec.Moved, 1000)})
	if len(problems) == 0 || len(problems) > 20 {
		t.Errorf("%d problems", len(problems))
	}
}

// tenThousand is as many bulk redirects as an entrypoint may have.
func tenThousand() (e spec.Entrypoint) {
	for i := range 10_000 {
		e.Moved = append(e.Moved, spec.Moved{From: fmt.Sprintf("/catalogue/of/last/year/product-%06d.html", i), To: fmt.Sprintf("/products/%06d?from=old", i), Status: 301})
	}
	return e
}

func TestMovedMemory(t *testing.T) {
	e := tenThousand()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := moved(t, e)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := int64(after.HeapAlloc) - int64(before.HeapAlloc); got > 5<<20 {
		t.Errorf("10,000 redirects take %d bytes", got)
	} else {
		t.Logf("10,000 redirects take %d KB", got>>10)
	}
	g := rig{after: s}
	if got := g.answerLine(t, "GET /catalogue/of/last/year/product-009999.html HTTP/1.1\nHost: a\n"); got != "301 /products/009999?from=old" {
		t.Error(got)
	}
}

func BenchmarkMovedMiss(b *testing.B) {
	s := moved(b, tenThousand())
	x := exchangetest.Request("GET /catalogue/of/this/year/product-000001.html HTTP/1.1\nHost: a\n")
	defer x.Release()
	b.ReportAllocs()
	for b.Loop() {
		s.Request(x)
	}
}
