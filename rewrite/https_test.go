package rewrite_test

import (
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

// answerLine is the status and the Location of an answer, or "served".
func (g *rig) answerLine(t *testing.T, request string) string {
	t.Helper()
	_, client := g.run(t, request)
	if !g.stopped {
		return "served"
	}
	status, _, _ := strings.Cut(client, "\n")
	return strings.TrimSpace(status + " " + field(client, "Location"))
}

func TestRedirectToHTTPS(t *testing.T) {
	f := func(port uint16, request, want string) {
		t.Helper()
		g := rig{env: rewrite.Env{HTTPSPort: port}, plain: true}
		if got := g.answerLine(t, request); got != want {
			t.Errorf("%s: got %q, want %q", request, got, want)
		}
	}
	f(443, "GET / HTTP/1.1\nHost: A:8080\n", "308 https://a/")
	f(443, "HEAD /a?b HTTP/1.1\nHost: a\n", "308 https://a/a?b")
	f(8443, "POST /a?b=c&d HTTP/1.1\nHost: a:8080\n", "308 https://a:8443/a?b=c&d")
	f(443, "GET /%61/../b%2Fc/./;x?%0d HTTP/1.1\nHost: a\n", "308 https://a/%61/../b%2Fc/./;x?%0d") // as sent
	f(443, "GET //evil.example/x HTTP/1.1\nHost: a\n", "308 https://a//evil.example/x")
	f(443, "GET /@evil.example HTTP/1.1\nHost: a\n", "308 https://a/@evil.example")
	f(443, "GET /?\\\\evil HTTP/1.1\nHost: a\n", "308 https://a/?\\\\evil")
	f(443, "OPTIONS * HTTP/1.1\nHost: a\n", "308 https://a/")
	f(443, "GET / HTTP/1.1\nHost: [2001:DB8::1]:80\n", "308 https://[2001:db8::1]/")
	f(443, "GET / HTTP/1.0\n", "served")
	f(0, "GET / HTTP/1.1\nHost: a\n", "served")

	off := rig{env: rewrite.Env{HTTPSPort: 443}, plain: true, policy: spec.Policy{Redirect: ptr(spec.PlainServed)}}
	if got := off.answerLine(t, "GET / HTTP/1.1\nHost: a\n"); got != "served" {
		t.Errorf("off: %s", got)
	}
	on := rig{env: rewrite.Env{HTTPSPort: 443}, plain: true, policy: spec.Policy{Redirect: ptr(spec.PlainToHTTPS)}}
	if got := on.answerLine(t, "GET / HTTP/1.1\nHost: a\n"); got != "308 https://a/" {
		t.Errorf("on: %s", got)
	}
	tls := rig{env: rewrite.Env{HTTPSPort: 443}}
	if got := tls.answerLine(t, "GET / HTTP/1.1\nHost: a\n"); got != "served" {
		t.Errorf("over TLS: %s", got)
	}
	proxy := rig{env: rewrite.Env{HTTPSPort: 443, Trusted: trusted}, plain: true}
	if got := proxy.answerLine(t, "GET / HTTP/1.1\nHost: a\nX-Forwarded-Proto: https\n"); got != "served" {
		t.Errorf("behind a proxy with TLS: %s", got)
	}
	if got := proxy.answerLine(t, "GET / HTTP/1.1\nHost: a\nX-Forwarded-Proto: http\n"); got != "308 https://a/" {
		t.Errorf("behind a proxy without: %s", got)
	}
}

func TestRedirectToHTTPSRefusesControls(t *testing.T) {
	for _, query := range []string{"a\r\nX: y", "a b", "a\x00", "\x80"} {
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
		(&rig{plain: true}).connect(x)
		x.Req.Query = []byte(query)
		s, _ := rewrite.New(&spec.Policy{}, &rewrite.Env{HTTPSPort: 443})
		exchange.NewPath(rewrite.Render, s).Run(x)
		if r := exchangetest.Of(x); r.Status != 400 || strings.Contains(r.Head, "Location") {
			t.Errorf("%q: got %s", query, r)
		}
		x.Release()
	}
}

func TestHSTS(t *testing.T) {
	const year = "max-age=31536000"
	hsts := &spec.HSTS{MaxAge: 365 * 24 * time.Hour}
	f := func(g rig, host, want string) {
		t.Helper()
		if g.policy.HSTS == nil {
			g.policy.HSTS = hsts
		}
		_, client := g.run(t, "GET / HTTP/1.1\nHost: "+host+"\nX-Forwarded-Proto: https\n", "Strict-Transport-Security: max-age=1")
		if got := field(client, "Strict-Transport-Security"); got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
	f(rig{}, "shop.example.com", year)
	f(rig{}, "shop.example.com:8443", year)
	f(rig{}, "localhost.example.com", year)
	f(rig{policy: spec.Policy{HSTS: &spec.HSTS{MaxAge: time.Hour, IncludeSubDomains: true, Preload: true}}}, "a.example", "max-age=3600; includeSubDomains; preload")
	f(rig{policy: spec.Policy{HSTS: &spec.HSTS{}}}, "a.example", "max-age=1") // off: the service's own
	f(rig{plain: true}, "a.example", "")
	f(rig{local: true}, "a.example", "")
	f(rig{plain: true, env: rewrite.Env{Trusted: trusted}}, "a.example", year)
	for _, host := range []string{"localhost", "a.localhost", "127.0.0.1", "[::1]:443", "1.2.3", "a.1"} {
		f(rig{}, host, "")
	}
	g := rig{policy: spec.Policy{HSTS: hsts, Methods: &[]string{"GET"}}}
	if _, client := g.run(t, "PUT / HTTP/1.1\nHost: a.example\n"); field(client, "Strict-Transport-Security") != year {
		t.Errorf("an error of the edge: got %s", client)
	}
	if _, problems := rewrite.New(&spec.Policy{HSTS: &spec.HSTS{MaxAge: time.Millisecond}}, nil); len(problems) != 1 {
		t.Error(problems)
	}
}

func TestMaintenance(t *testing.T) {
	f := func(m spec.Maintenance, peer, want string) {
		t.Helper()
		g := rig{policy: spec.Policy{Maintenance: &m, HSTS: &spec.HSTS{MaxAge: time.Hour}}, peer: peer, env: rewrite.Env{Trusted: trusted, HTTPSPort: 443}}
		_, client := g.run(t, "GET / HTTP/1.1\nHost: a.example\nX-Forwarded-For: 203.0.113.5\n")
		got := "served"
		if g.stopped {
			got = client[:3] + " " + field(client, "Retry-After") + " " + field(client, "Proxy-Status")
		}
		if got != want || field(client, "Strict-Transport-Security") != "max-age=3600" {
			t.Errorf("%s: got %s, want %s in\n%s", peer, got, want, client)
		}
		g.plain = true
		if got := g.answerLine(t, "GET / HTTP/1.1\nHost: a.example\n"); got != "308 https://a.example/" {
			t.Errorf("over plain HTTP: %s", got)
		}
	}
	const down = " skerry; error=proxy_internal_response"
	open := prefixes("203.0.113.0/24", "2a00::/16")
	f(spec.Maintenance{On: true}, "198.51.100.1", "503 300"+down)
	f(spec.Maintenance{On: true, RetryAfter: time.Hour, Allow: open}, "198.51.100.1", "503 3600"+down)
	f(spec.Maintenance{On: true, Allow: open}, "203.0.113.77", "served")
	f(spec.Maintenance{On: true, Allow: open}, "192.0.2.7", "served") // a trusted proxy, for 203.0.113.5
	f(spec.Maintenance{On: true, Allow: open}, "2a00:1::1", "served")
	f(spec.Maintenance{}, "198.51.100.1", "served")
}
