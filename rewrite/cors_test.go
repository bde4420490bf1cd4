package rewrite_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

var (
	someOrigins = spec.CORS{Origins: []string{"https://app.example.com", "https://*.example.org", "http://localhost:3000", "capacitor://localhost"}, MaxAge: 10 * time.Minute}
	everyone    = spec.CORS{Origins: []string{"*"}}
	personal    = spec.CORS{Origins: []string{"https://app.example.com"}, Methods: []string{"GET", "PUT"}, Headers: []string{"Content-Type", "X-A"},
		Expose: []string{"ETag", "X-B"}, Credentials: true, MaxAge: time.Hour}
)

// corsOf runs a request and returns what the answer says of CORS, in one line.
func corsOf(t *testing.T, c spec.CORS, request string, answer ...string) string {
	t.Helper()
	g := rig{policy: spec.Policy{CORS: &c, Methods: &[]string{"GET", "PUT"}}}
	_, client := g.run(t, request, answer...)
	var lines []string
	for line := range strings.Lines(client) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch short, allows := strings.CutPrefix(name, "Access-Control-"); {
		case allows:
			lines = append(lines, short+"="+value)
		case name == "Vary":
			lines = append(lines, name+"="+value)
		}
	}
	return strings.TrimSpace(client[:3] + " " + strings.Join(lines, " "))
}

func TestPreflight(t *testing.T) {
	f := func(c spec.CORS, origin, fields, want string) {
		t.Helper()
		if got := corsOf(t, c, "OPTIONS / HTTP/1.1\nHost: a\nOrigin: "+origin+"\nAccess-Control-Request-Method: PUT\n"+fields); got != want {
			t.Errorf("%s: got\n%s, want\n%s", origin, got, want)
		}
	}
	const ask = "Access-Control-Request-Headers: x-a,authorization\n"
	f(someOrigins, "https://app.example.com", ask, "204 Vary=Origin Allow-Origin=https://app.example.com Allow-Methods=GET, HEAD, POST Max-Age=600")
	f(personal, "https://app.example.com", ask, "204 Vary=Origin Allow-Origin=https://app.example.com Allow-Credentials=true "+
		"Allow-Methods=GET, PUT Allow-Headers=Content-Type, X-A Max-Age=3600")
	f(everyone, "https://whoever", ask, "204 Allow-Origin=* Allow-Methods=GET, HEAD, POST Max-Age=0")
	f(someOrigins, "https://evil.example", ask, "204 Vary=Origin")
	anyHeader := spec.CORS{Origins: []string{"https://b.example"}, Headers: []string{"*"}, Credentials: true}
	f(anyHeader, "https://b.example", ask, "204 Vary=Origin, Access-Control-Request-Headers Allow-Origin=https://b.example Allow-Credentials=true "+
		"Allow-Methods=GET, HEAD, POST Allow-Headers=x-a,authorization Max-Age=0")
	for _, bad := range []string{"", "Access-Control-Request-Headers: x\"y\n", "Access-Control-Request-Headers: " + strings.Repeat("a", 3000) + "\n"} {
		f(anyHeader, "https://b.example", bad, "204 Vary=Origin, Access-Control-Request-Headers Allow-Origin=https://b.example Allow-Credentials=true Allow-Methods=GET, HEAD, POST Max-Age=0")
	}
}

func TestNoPreflight(t *testing.T) {
	f := func(request, want string) {
		t.Helper()
		if got := corsOf(t, someOrigins, request); got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
	f("OPTIONS / HTTP/1.1\nHost: a\nOrigin: https://app.example.com\n", "405 Vary=Origin Allow-Origin=https://app.example.com")
	f("OPTIONS / HTTP/1.1\nHost: a\nAccess-Control-Request-Method: PUT\n", "405 Vary=Origin")
	f("GET / HTTP/1.1\nHost: a\nOrigin: https://app.example.com\nAccess-Control-Request-Method: PUT\n", "200 Vary=Origin Allow-Origin=https://app.example.com")
	g := rig{policy: spec.Policy{}}
	const own = "Access-Control-Allow-Origin: *"
	if _, client := g.run(t, "OPTIONS / HTTP/1.1\nHost: a\nOrigin: x\nAccess-Control-Request-Method: PUT\n", own); client != "200\n"+own+"\n" {
		t.Errorf("off: got %s", client)
	}
}

func TestCORSOrigins(t *testing.T) {
	f := func(origin string, want bool) {
		t.Helper()
		got := corsOf(t, someOrigins, "GET / HTTP/1.1\nHost: a\nOrigin: "+origin+"\n")
		if wanted := map[bool]string{true: "200 Vary=Origin Allow-Origin=" + origin, false: "200 Vary=Origin"}[want]; got != wanted {
			t.Errorf("%s: got %s", origin, got)
		}
	}
	f("https://app.example.com", true)
	f("http://localhost:3000", true)
	f("capacitor://localhost", true)
	f("https://a.example.org", true)
	f("https://a.b-1.example.org", true)
	for _, origin := range []string{"http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil", "https://evilapp.example.com", "https://APP.example.com",
		"null", "", "*", "https://example.org", "https://.example.org", "https://evil.com/.example.org", "https://evil.com#.example.org", "https://evil.com:1.example.org",
		"https://a@b.example.org", "http://a.example.org", "httpx://a.example.org", "https://aexample.org", "https://a.example.org:1", "https://a.example.org.", "http://localhost", "http://localhost:30000"} {
		f(origin, false)
	}
	if got := corsOf(t, someOrigins, "GET / HTTP/1.1\nHost: a\nOrigin: https://a.example.org\nOrigin: https://a.example.org\n"); got != "200 Vary=Origin" {
		t.Errorf("two origins: %s", got)
	}
}

func TestCORSOnAnswers(t *testing.T) {
	f := func(c spec.CORS, request, want string, answer ...string) {
		t.Helper()
		if got := corsOf(t, c, request, answer...); got != want {
			t.Errorf("%s: got\n%s, want\n%s", request, got, want)
		}
	}
	const get = "GET / HTTP/1.1\nHost: a\nOrigin: https://app.example.com\n"
	const allowed = "Allow-Origin=https://app.example.com Allow-Credentials=true Expose-Headers=ETag, X-B"
	theirs := []string{"Access-Control-Allow-Origin: *", "access-control-allow-origin: b", "Access-Control-Allow-Credentials: true", "Access-Control-Expose-Headers: x",
		"Access-Control-Allow-Methods: x", "Access-Control-Allow-Headers: x", "Access-Control-Max-Age: 1"}
	f(personal, get, "200 Vary=Origin "+allowed, theirs...)
	f(personal, "GET / HTTP/1.1\nHost: a\n", "200 Vary=Origin", theirs...)
	f(everyone, "GET / HTTP/1.1\nHost: a\n", "200 Allow-Origin=*", theirs...)
	f(personal, get, "200 Vary=Accept, Origin "+allowed, "Vary: Accept")
	f(personal, get, "200 Vary=Accept, Origin Vary=Cookie "+allowed, "Vary: Accept", "Vary: Cookie")
	f(personal, get, "200 Vary=Accept Vary=a , origin "+allowed, "Vary: Accept", "Vary: a , origin")
	f(personal, get, "200 Vary=* "+allowed, "Vary: *")
	f(personal, get, "200 Vary=Origin "+allowed, "Vary: ")
	f(personal, "DELETE / HTTP/1.1\nHost: a\nOrigin: https://app.example.com\n", "405 Vary=Origin "+allowed)

	g := rig{policy: spec.Policy{CORS: &personal, Headers: &spec.Headers{Request: &spec.Edits{Remove: []string{"Origin"}}}},
		after: &exchangetest.Origin{Answer: exchangetest.Break(fault.OriginTimeout)}}
	if _, client := g.run(t, get); field(client, "Access-Control-Allow-Origin") != "https://app.example.com" || !strings.HasPrefix(client, "504") {
		t.Errorf("an error of the edge: got %s", client)
	}
	g = rig{policy: spec.Policy{CORS: &personal, Maintenance: &spec.Maintenance{On: true}}}
	if _, client := g.run(t, get); field(client, "Access-Control-Allow-Origin") != "https://app.example.com" || !strings.HasPrefix(client, "503") {
		t.Errorf("maintenance: got %s", client)
	}
	if _, client := g.run(t, strings.Replace(get, "GET", "OPTIONS", 1)+"Access-Control-Request-Method: GET\n"); !strings.HasPrefix(client, "204") {
		t.Errorf("preflight in maintenance: got %s", client)
	}
}

func TestCORSProblems(t *testing.T) {
	f := func(c spec.CORS, want string) {
		t.Helper()
		_, problems := rewrite.New(&spec.Policy{CORS: &c}, nil)
		if got := fmt.Sprint(problems); len(problems) != 1 || !strings.Contains(got, want) {
			t.Errorf("%v: got %s, want %q", c, got, want)
		}
	}
	f(spec.CORS{Origins: []string{"*", "https://a"}}, "stands beside others")
	f(spec.CORS{Origins: []string{"*"}, Credentials: true}, "with credentials")
	for _, bad := range []string{"null", "a.example", "https://", "https://a/", "https://a/b", "f_p://a", "://a", "https://*", "https://*.", "https://a.*.example", "https://*.[::1]",
		"https://*.1.2.3.4", "https://u@a", "https://a:0", "https://a?b", ""} {
		f(spec.CORS{Origins: []string{bad}}, "is no origin")
	}
	f(spec.CORS{Origins: []string{"https://a"}, Methods: []string{"GET, PUT"}}, "no method or header name")
	f(spec.CORS{Origins: []string{"https://a"}, Headers: []string{"x\r\ny"}}, "no method or header name")
	f(spec.CORS{Origins: []string{"https://a"}, Expose: []string{""}}, "no method or header name")
	c := spec.CORS{Origins: []string{"HTTPS://A.example:443"}}
	if got := corsOf(t, c, "GET / HTTP/1.1\nHost: a\nOrigin: https://a.example\n"); got != "200 Vary=Origin Allow-Origin=https://a.example" {
		t.Errorf("capitals and a port nobody sends: got %s", got)
	}
}
