package edge_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
)

// poisonSpec has a host with a cache whose origin believes everything that it is told, and another one of the same.
const poisonSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test, other.test]
  limit: off
  redirect: off
  waf: off
  service: %s
  cache: {mode: %s, probe: {every: 1h}}
`

// credulous is an origin that writes into its answers what comes with requests, says that all of them are for everybody, and takes any page for
// an account's.
func credulous(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Cache-Control", "public, max-age=600")
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, "host %s, uri %s, method %s, body %s;", r.Host, r.URL.RequestURI(), r.Method, body)
	for name, values := range r.Header {
		switch name {
		case "X-Forwarded-For", "X-Request-Id", "X-Forwarded-Proto", "X-Forwarded-Host", "Via", "Forwarded", "Traceparent", "X-Forwarded-Port", "X-Real-Ip":
			if strings.Contains(strings.Join(values, ","), "evil") {
				fmt.Fprintf(w, " %s: %s;", name, values)
			}
		case "Cookie", "Authorization":
			fmt.Fprintf(w, " secret of %s;", values)
		default:
			if !strings.HasPrefix(name, "Accept") && name != "User-Agent" && name != "Content-Length" && name != "Range" && name != "Connection" {
				fmt.Fprintf(w, " %s: %s;", name, values)
			}
		}
	}
}

// poisons are requests that want something else stored than who asks next should get. VICTIM is the path that is asked for next.
var poisons = []struct {
	name, request string
	counted       bool // as an attempt
}{
	{name: "X-Forwarded-Host", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-Host: evil.test\r\n\r\n"},
	{name: "X-Forwarded-Proto", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-Proto: evil\r\n\r\n"},
	{name: "Forwarded", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nForwarded: host=evil.test\r\n\r\n"},
	{name: "X-Host", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX-Host: evil.test\r\n\r\n", counted: true},
	{name: "X-Original-URL", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX-Original-URL: /evil\r\n\r\n", counted: true},
	{name: "X-Rewrite-URL", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nx-rewrite-url: /evil\r\n\r\n", counted: true},
	{name: "method override", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX-HTTP-Method-Override: POST\r\nX-Evil: 1\r\n\r\n", counted: true},
	{name: "a fat GET", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\nevil", counted: true},
	{name: "a fat GET in chunks", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n4\r\nevil\r\n0\r\n\r\n", counted: true},
	{name: "an unknown field", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX-Evil: 1\r\n\r\n", counted: true},
	{name: "a field with underscores", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX_Forwarded_Host: evil.test\r\n\r\n", counted: true},
	{name: "a cookie", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nCookie: lang=evil\r\n\r\n"},
	{name: "two cookie fields", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nCookie: _ga=1\r\nCookie: evil=1\r\n\r\n"},
	{name: "an analytics cookie", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nCookie: _ga=evil\r\n\r\n"},
	{name: "an authorization", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Basic evil\r\n\r\n"},
	{name: "another port", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test:1337\r\nX-Evil: 1\r\n\r\n", counted: true},
	{name: "another port, alone", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test:1337\r\n\r\n"},
	{name: "upper case", request: "GET VICTIM HTTP/1.1\r\nHost: SHOP.TEST\r\nX-Evil: 1\r\n\r\n", counted: true},
	{name: "a trailing dot", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test.\r\nX-Evil: 1\r\n\r\n", counted: true},
	{name: "a trailing dot, alone", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test.\r\n\r\n"},
	{name: "absolute form of another host", request: "GET https://other.testVICTIM HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "absolute form, another Host", request: "GET https://shop.testVICTIM HTTP/1.1\r\nHost: other.test\r\n\r\n"},
	{name: "two hosts", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nHost: evil.test\r\n\r\n"},
	{name: "a host with a path", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test/evil\r\n\r\n"},
	{name: "a host with a user", request: "GET VICTIM HTTP/1.1\r\nHost: evil@shop.test\r\n\r\n"},
	{name: "a bare line feed", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\nX-Evil: 1\r\n\r\n"},
	{name: "CR and LF in the path", request: "GET VICTIM%0d%0aX-Evil:1 HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "CR and LF in the query", request: "GET VICTIM?utm_source=%0d%0aX-Evil:1 HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "a parameter that does not count", request: "GET VICTIM?utm_source=evil HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "that parameter in percent-codes", request: "GET VICTIM?utm%5Fsource=evil HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "that parameter in one that counts", request: "GET VICTIM?utm_source=1;evil=1 HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "many parameters", request: "GET VICTIM?" + strings.Repeat("evil&", 200) + " HTTP/1.1\r\nHost: shop.test\r\n\r\n", counted: true},
	{name: "a long path", request: "GET VICTIM" + strings.Repeat("/evil", 1000) + " HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "a field that the origin may not take", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX-Evil: " + strings.Repeat("x", 20_000) + "\r\n\r\n"},
	{name: "a language of 20 KB", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nAccept-Language: " + strings.Repeat("evil", 5_000) + "\r\n\r\n"},
	{name: "a head that is too large", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nX-Evil: " + strings.Repeat("x", 40_000) + "\r\n\r\n"},
	{name: "many ranges", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nRange: bytes=0-" + strings.Repeat(",0-", 500) + "\r\n\r\n"},
	{name: "a range that is none", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nRange: bytes=evil\r\n\r\n"},
	{name: "a part alone", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nRange: bytes=5-6\r\n\r\n"},
	{name: "HEAD", request: "HEAD VICTIM HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "POST", request: "POST VICTIM HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\nevil"},
	{name: "a method that nobody knows", request: "EVIL VICTIM HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "an upgrade", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ZXZpbGV2aWxldmlsZXZpbA==\r\n\r\n"},
	{name: "a connection option", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nConnection: X-Evil, close\r\nX-Evil: 1\r\n\r\n", counted: true},
	{name: "HTTP/1.0", request: "GET VICTIM HTTP/1.0\r\nHost: shop.test\r\nX-Evil: 1\r\n\r\n", counted: true},
	{name: "a fragment", request: "GET VICTIM#evil HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
	{name: "a referrer", request: "GET VICTIM HTTP/1.1\r\nHost: shop.test\r\nReferer: https://evil.test/\r\n\r\n"},
}

// sends sends bytes over TLS and returns the status of the answer, 0 if there is none.
func (c *cached) sends(request string) int {
	c.t.Helper()
	conn, err := tls.Dial("tcp", c.https, &tls.Config{RootCAs: c.roots, ServerName: "shop.test", NextProtos: []string{"http/1.1"}})
	must(c.t, err)
	defer conn.Close()
	_, _ = io.WriteString(conn, request) // it may be refused before its end
	_ = conn.SetReadDeadline(deadline())
	method, _, _ := strings.Cut(request, " ")
	r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return 0
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(io.Discard, r.Body) // whatever it is
	}
	r.Body.Close()
	return r.StatusCode
}

// TestCachePoison: whatever a request tries, who asks next for the same address gets the clean answer, and most attempts that can be known for
// such are counted.
func TestCachePoison(t *testing.T) {
	c := openCached(t, edge.Options{}, fmt.Sprintf(poisonSpec, origin(t, credulous), "private"))
	for i, p := range poisons {
		victim := fmt.Sprintf("/page%d", i)
		before := c.total("skerry_cache_suspects_total")
		status := c.sends(strings.ReplaceAll(p.request, "VICTIM", victim))
		if n := c.total("skerry_cache_suspects_total") - before; status != 0 && (n > 0) != p.counted {
			t.Errorf("%s: %v attempts were counted, want some: %t; status %d", p.name, n, p.counted, status)
		}
		clean := fmt.Sprintf("host shop.test, uri %s, method GET, body ;", victim)
		for _, client := range []*http.Client{c.h1, c.h2} {
			g := c.ask(client, "GET", victim, "User-Agent: browser")
			if g.status != 200 || g.body != clean {
				t.Errorf("%s (status %d): the next one gets %s %s, %v", p.name, status, g.from(), brief(g.body), &g)
			}
		}
		if g := c.ask(c.h2, "GET", victim); g.from() != "hit" {
			t.Errorf("%s (status %d): nothing is stored any more: %s", p.name, status, g.from())
		}
	}
}

// TestCacheDeception: an account's page asked for under a path that looks like a file is nobody else's, since whoever is logged in stores
// nothing; and no two forms of a path that the origin may tell apart share an answer.
func TestCacheDeception(t *testing.T) {
	for _, mode := range []string{"private", "standard"} {
		url := origin(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=600")
			fmt.Fprintf(w, "%s of %s", r.RequestURI, whoAsks(r.Header))
		})
		c := openCached(t, edge.Options{}, fmt.Sprintf(poisonSpec, url, mode))
		bodies := map[string]string{}
		for _, path := range []string{
			"/account", "/account/", "/account/x.css", "/account;x.css", "/account%2fx.css", "/account%2Fx.css", "/account//x.css", "//account/x.css", "/account%3Bx.css",
			"/account/x.css?", "/account/x.css?a", "/account/%2e%2e/x.css", "/account/..%2fx.css", "/account/./x.css", "/account/x%2ecss", "/Account/x.css", "/account%00.css",
			"/account%0a.css", "/account/x.css%20", "/account%23x.css", "/account%3fx.css", "/account%5cx.css",
		} {
			for i := range 2 {
				request := "GET " + path + " HTTP/1.1\r\nHost: shop.test\r\n"
				if i == 0 && mode == "private" {
					request += "Cookie: sid=anna\r\n"
				}
				got := c.says(request + "\r\n")
				if strings.Contains(got, "anna") && i == 1 {
					t.Errorf("%s: everybody gets %q", path, got)
				}
				if i == 0 || got == "" {
					continue
				}
				origins, _, _ := strings.Cut(got, " of ")
				if other, ok := bodies[origins]; ok && !sameForm(other, path) {
					t.Errorf("%s and %s got one answer, %q", other, path, got)
				}
				bodies[origins] = path
			}
		}
	}
}

// sameForm reports whether two paths are one in their normal form: dot segments, and percent-codes of what needs none.
func sameForm(a, b string) bool {
	form := strings.NewReplacer("/./", "/", "%2e", ".", "%2f", "%2F", "%3b", "%3B", "?\x00", "\x00")
	return form.Replace(a+"\x00") == form.Replace(b+"\x00")
}

// says sends a request over TLS, and returns the body of an answer with 200.
func (c *cached) says(request string) string {
	c.t.Helper()
	conn, err := tls.Dial("tcp", c.https, &tls.Config{RootCAs: c.roots, ServerName: "shop.test", NextProtos: []string{"http/1.1"}})
	must(c.t, err)
	defer conn.Close()
	_, _ = io.WriteString(conn, request) // it may be refused before its end
	_ = conn.SetReadDeadline(deadline())
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || r.StatusCode != 200 {
		return ""
	}
	b, err := io.ReadAll(r.Body)
	must(c.t, err)
	return string(b)
}
