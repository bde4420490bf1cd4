package freshness_test

import (
	"testing"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

func TestStrip(t *testing.T) {
	f := func(section, response string, private bool, want string) {
		t.Helper()
		var into exchange.Fields
		d := freshness.ResponseDirectives(fields(response))
		freshness.Strip(fields(response), &into, &d, private)
		if got := text(into); got != want {
			t.Errorf("%s: %q: %q, want %q", section, response, got, want)
		}
	}
	f("RFC 9111 3.1", "A: 1\nSet-Cookie: a=b\nDate: x\nETag: \"a\"\nContent-Encoding: br\nContent-Range: x", false,
		"A: 1\nSet-Cookie: a=b\nDate: x\nETag: \"a\"\nContent-Encoding: br\nContent-Range: x\n")
	f("private mode", "A: 1\nSet-Cookie: a=b\nset-cookie: c=d", true, "A: 1\n")
	f("5.1, and the length is made anew", "Age: 3\nA: 1\nContent-Length: 5", false, "A: 1\n")
	f("3.1 of the connection", "Connection: a, B\na: 1\nb: 2\nc: 3\nKeep-Alive: 1\nTE: x\nTransfer-Encoding: x\nUpgrade: x\nProxy-Connection: x\nTrailer: x", false, "c: 3\n")
	f("3.1 of who asks", "Proxy-Authenticate: 1\nProxy-Authorization: 2\nproxy-authentication-info: 3\nWWW-Authenticate: 4", false, "WWW-Authenticate: 4\n")
	f("3.1 Connection does not take away what guards", "Connection: cache-control, set-cookie, x\nCache-Control: private\nSet-Cookie: a=b\nX: 1", false,
		"Cache-Control: private\nSet-Cookie: a=b\n")
	f("5.2.2.4", "Cache-Control: max-age=3, no-cache=\"a, B\"\nA: 1\nb: 2\nc: 3", false, "Cache-Control: max-age=3, no-cache=\"a, B\"\nc: 3\n")
	f("5.2.2.4, 5.2.2.7", "Cache-Control: no-cache=\"set-cookie\", private=x-user\nSet-Cookie: 1\nX-User: 2\nX-Users: 3", false,
		"Cache-Control: no-cache=\"set-cookie\", private=x-user\nX-Users: 3\n")
	f("RFC 9213 2.1", "CDN-Cache-Control: no-cache=\"a\"\nCache-Control: no-cache=\"b\"\na: 1\nb: 2", false,
		"CDN-Cache-Control: no-cache=\"a\"\nCache-Control: no-cache=\"b\"\nb: 2\n")
}

func TestFreshen(t *testing.T) {
	f := func(what, stored, by, want string) {
		t.Helper()
		var into exchange.Fields
		freshness.Freshen(fields(stored), fields(by), &into)
		if got := text(into); got != want {
			t.Errorf("%s: %q by %q: %q, want %q", what, stored, by, got, want)
		}
	}
	// RFC 9111 section 3.2
	f("what is not said stays", "A: 1\nDate: x", "Date: y", "A: 1\nDate: y\n")
	f("what is said takes its place", "a: 1\nA: 2\nB: 3\nCache-Control: max-age=1\nContent-Type: x", "A: 4\nCache-Control: max-age=2\nC: 5\nContent-Type: y",
		"B: 3\nA: 4\nCache-Control: max-age=2\nC: 5\nContent-Type: y\n")
	f("Set-Cookie too, so that it is judged", "Set-Cookie: a=1", "Set-Cookie: a=2", "Set-Cookie: a=2\n")
	f("the layout of the stored bytes stays", "Content-Encoding: br\nContent-Length: 5\nContent-Range: x", "Content-Encoding: gzip\nContent-Length: 0\nContent-Range: y",
		"Content-Encoding: br\nContent-Length: 5\nContent-Range: x\n")
	f("no layout comes in", "A: 1", "Content-Encoding: gzip\nContent-Length: 0", "A: 1\n")
	f("an old Date would make it stale", "Date: x\nA: 1", "", "A: 1\n")
	f("Age is the new one's", "Age: 5\nA: 1", "Age: 2", "A: 1\nAge: 2\n")
	f("Age is the new one's", "Age: 5\nA: 1", "", "A: 1\n")
	f("what is of the connection", "A: 1\nB: 2", "Connection: a\nA: 3\nKeep-Alive: 5", "A: 1\nB: 2\n")
	f("a new ETag", "ETag: \"a\"", "ETag: \"b\"", "ETag: \"b\"\n")
	f("a weak ETag stays weak", "ETag: W/\"a\"", "ETag: \"a\"", "ETag: W/\"a\"\n")
	f("but for another one", "ETag: W/\"a\"", "ETag: \"b\"", "ETag: \"b\"\n")
	f("Vary grows", "Vary: Accept-Encoding\nA: 1", "Vary: accept", "Vary: Accept-Encoding\nA: 1\nVary: accept\n")
	f("Vary does not repeat", "Vary: Accept-Encoding, X\nVary: Y", "Vary: , y, x,", "Vary: Accept-Encoding, X\nVary: Y\n")
	f("Vary does not shrink", "Vary: Accept-Encoding", "A: 1", "Vary: Accept-Encoding\nA: 1\n")
}

// TestFreshenIsJudged has what a 304 may bring in after all.
func TestFreshenIsJudged(t *testing.T) {
	f := func(stored, by, want string) {
		t.Helper()
		var head exchange.Fields
		freshness.Freshen(fields(stored), fields(by), &head)
		a := arrival("")
		a.Response = head
		if got := verdict(a, &private); got != want {
			t.Errorf("%q by %q: %q, want %q", stored, by, got, want)
		}
	}
	const stored = "Cache-Control: max-age=60\nETag: \"a\"\nDate: Sun, 01 Mar 2026 11:00:00 GMT\nAge: 30\nVary: a"
	f(stored, now, "60 validator")
	f(stored, now+"Age: 10", "50 age 10s validator")
	f(stored, "", "60 validator")
	f(stored, now+"Cache-Control: max-age=5", "5 validator")
	f(stored, now+"Cache-Control: private", "private")
	f(stored, now+"Cache-Control: no-store", "no-store")
	f(stored, now+"Set-Cookie: a=b", "set-cookie")
	f(stored, now+"Vary: *", "vary")
}
