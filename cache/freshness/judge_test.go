package freshness_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

// verdict is what Judge says: a reason, or how long the answer is fresh from its coming on and what else was found.
func verdict(a *freshness.Arrival, o *freshness.Options) string {
	terms, reason := freshness.Judge(a, o)
	if reason != freshness.ReasonNone {
		return string(reason)
	}
	s := fmt.Sprint(int64(terms.Left(a.Came) / time.Second))
	if age := terms.Age(a.Came); age != 0 {
		s += fmt.Sprint(" age ", age)
	}
	if terms.WhileRevalidate > 0 {
		s += fmt.Sprint(" swr ", time.Duration(terms.WhileRevalidate))
	}
	if terms.IfError > 0 {
		s += fmt.Sprint(" sie ", time.Duration(terms.IfError))
	}
	for i, name := range []string{"set-cookie", "vary-who", "configured", "heuristic", "validator"} {
		if terms.Flags&(1<<i) != 0 {
			s += " " + name
		}
	}
	return s
}

var (
	standard = freshness.Options{}
	private  = freshness.Options{Private: true}
)

func TestJudgeStandard(t *testing.T) {
	const etag = "ETag: \"a\"\n"
	for _, row := range []struct{ section, request, response, want string }{
		{"4.2.1", "", "Cache-Control: max-age=60", "60"},
		{"4.2.1 s-maxage over max-age", "", "Cache-Control: max-age=3600, s-maxage=1", "1"},
		{"4.2.1 s-maxage over max-age", "", "Expires: " + at(-10) + "\nCache-Control: max-age=0, s-maxage=60", "60"},
		{"4.2.1 max-age over Expires", "", now + "Expires: " + at(-7200) + "\nCache-Control: max-age=60", "60"},
		{"4.2.1 max-age over Expires", "", now + "Expires: 0\nCache-Control: max-age=60", "60"},
		{"4.2.1 max-age=0 over Expires", "", etag + now + "Expires: " + at(3600) + "\nCache-Control: max-age=0", "0 validator"},
		{"4.2.1 invalid max-age", "", etag + now + "Expires: " + at(3600) + "\nCache-Control: max-age=1x", "0 validator"},
		{"5.3", "", now + "Expires: " + at(3600), "3600"},
		{"5.3 of several the earliest", "", now + "Expires: " + at(3600) + "\nExpires: " + at(60), "60"},
		{"5.3 one of several invalid", "", etag + now + "Expires: " + at(3600) + "\nExpires: 0", "0 validator"},
		{"5.3 past", "", etag + now + "Expires: " + at(-3600), "0 validator"},
		{"5.3 present", "", etag + now + "Expires: " + at(0), "0 validator"},
		{"5.3 before a Date ahead of us", "", etag + "Date: " + at(400) + "\nExpires: " + at(300), "0 validator"},
		{"5.3 with a Date ahead of us", "", "Date: " + at(10) + "\nExpires: " + at(20) + "\nAge: 4", "6 age 4s"},
		{"5.3 with a Date behind us", "", etag + "Date: " + at(-10) + "\nExpires: " + at(10) + "\nAge: 25", "-5 age 25s validator"},
		{"5.3 without Date", "", "Expires: " + at(60), "60"},
		{"5.3 with an invalid Date", "", "Date: foo\nExpires: " + at(60), "60"},
		{"5.3 far away", "", now + "Expires: Fri, 31 Dec 9999 23:59:59 GMT", "2147483648"},
		{"4.2.3 Age", "", now + "Cache-Control: max-age=60\nAge: 20", "40 age 20s"},
		{"4.2.3 Date", "", "Date: " + at(-30) + "\nCache-Control: max-age=60", "30 age 30s"},
		{"4.2.3 the greater of both", "", "Date: " + at(-30) + "\nCache-Control: max-age=60\nAge: 40", "20 age 40s"},
		{"4.2.3 Date ahead of us", "", "Date: " + at(300) + "\nCache-Control: max-age=60", "60"},
		{"5.1 of several the first", "", now + "Cache-Control: max-age=60\nAge: 20\nAge: 0", "40 age 20s"},
		{"5.1 of a list the first", "", now + "Cache-Control: max-age=60\nAge: 20 , 0", "40 age 20s"},
		{"5.1 greater than the lifetime", "", etag + now + "Cache-Control: max-age=60\nAge: 7200", "-7140 age 2h0m0s validator"},
		{"5.1 not a number", "", etag + now + "Cache-Control: max-age=60\nAge: abc", "60 validator"},
		{"5.1 negative", "", etag + now + "Cache-Control: max-age=60\nAge: -7200", "60 validator"},
		{"5.1 decimal", "", etag + now + "Cache-Control: max-age=60\nAge: 7200.0", "60 validator"},
		{"5.1 empty", "", etag + now + "Cache-Control: max-age=60\nAge:", "60 validator"},
		{"5.1 beyond every integer", "", etag + now + "Cache-Control: max-age=60\nAge: " + strings.Repeat("9", 40), "-2147483588 age 596523h14m8s validator"},
		{"1.2.2 longest lifetime and longest age", "", etag + now + "Cache-Control: max-age=99999999999\nAge: 99999999999", "0 age 596523h14m8s validator"},
		{"4.2.2", "", now + "Last-Modified: " + at(-1000), "100 heuristic validator"},
		{"4.2.2 at most a day", "", now + "Last-Modified: " + at(-86400*365), "86400 heuristic validator"},
		{"4.2.2 changed in the future", "", now + "Last-Modified: " + at(50), "0 heuristic validator"},
		{"4.2.2 invalid date", "", now + "Last-Modified: yesterday", "0 heuristic validator"},
		{"4.2.2 not with explicit freshness", "", now + "Cache-Control: max-age=0\nLast-Modified: " + at(-1000), "0 validator"},
		{"4.2.2 not with no-cache", "", now + "Cache-Control: no-cache\nLast-Modified: " + at(-1000), "0 validator"},
		{"3 a validator alone", "", etag, "0 heuristic validator"},
		{"3 nothing", "", now, "no-freshness"},
		{"3 public alone", "", now + "Cache-Control: public", "no-freshness"},
		{"3 no-store", "", "Cache-Control: max-age=60, no-store", "no-store"},
		{"5.2.2.3 understood", "", "Cache-Control: max-age=60, no-store, must-understand", "60"},
		{"5.2.1.5", "Cache-Control: no-store", "Cache-Control: max-age=60", "request-no-store"},
		{"5.2.2.7", "", "Cache-Control: max-age=60, private", "private"},
		{"5.2.2.7 fields", "", "Cache-Control: max-age=60, private=\"x\"", "60"},
		{"5.2.2.4 with a validator", "", etag + "Cache-Control: max-age=60, no-cache", "60 validator"},
		{"5.2.2.4 without one", "", "Cache-Control: max-age=60, no-cache", "stale"},
		{"5.2.2.4 fields", "", "Cache-Control: max-age=60, no-cache=\"x\"", "60"},
		{"4.2.4 a client may ask for it", "", "Cache-Control: max-age=0", "0"},
		{"4.2.4 nobody may", "", "Cache-Control: max-age=0, must-revalidate", "stale"},
		{"RFC 5861", "", "Cache-Control: max-age=1, stale-while-revalidate=3, stale-if-error=5", "1 swr 3s sie 5s"},
		{"4.2.4 over RFC 5861", "", "Cache-Control: max-age=1, must-revalidate, stale-while-revalidate=3, stale-if-error=5", "1"},
		{"4.2.4 over RFC 5861", "", "Cache-Control: max-age=1, proxy-revalidate, stale-while-revalidate=3, stale-if-error=5", "1"},
		{"5.2.2.10 over RFC 5861", "", "Cache-Control: s-maxage=1, stale-while-revalidate=3, stale-if-error=5", "1"},
		{"RFC 9213 has no such conflict", "", "Cache-Control: s-maxage=1\nCDN-Cache-Control: max-age=1, stale-while-revalidate=3", "1 swr 3s"},
		{"3.5", "Authorization: x", "Cache-Control: max-age=60", "authorization"},
		{"3.5", "Authorization: x", now + "Expires: " + at(60), "authorization"},
		{"3.5 public", "Authorization: x", "Cache-Control: max-age=60, public", "60"},
		{"3.5 must-revalidate", "Authorization: x", "Cache-Control: max-age=60, must-revalidate", "60"},
		{"3.5 s-maxage", "Authorization: x", "Cache-Control: s-maxage=60", "60"},
		{"3.5 proxy-revalidate is not enough", "Authorization: x", "Cache-Control: max-age=60, proxy-revalidate", "authorization"},
		{"3 Set-Cookie", "", "Cache-Control: max-age=60\nSet-Cookie: a=b", "60 set-cookie"},
		{"4.1", "", "Cache-Control: max-age=60\nVary: Accept, COOKIE", "60 vary-who"},
		{"4.1", "", "Cache-Control: max-age=60\nVary: authorization", "60 vary-who"},
		{"4.1 *", "", "Cache-Control: max-age=60\nVary: *", "vary"},
		{"4.1 * among names", "", "Cache-Control: max-age=60\nVary: a\nVary: , *", "vary"},
		{"RFC 9213 over no-store", "", "Cache-Control: no-store\nCDN-Cache-Control: max-age=60", "60"},
		{"RFC 9213 over Expires", "", now + "Expires: " + at(-60) + "\nCDN-Cache-Control: max-age=60", "60"},
		{"RFC 9213 and nothing of Expires", "", etag + now + "Expires: " + at(60) + "\nCDN-Cache-Control: none", "0 heuristic validator"},
		{"RFC 9213 no-store", "", now + "Expires: " + at(60) + "\nCDN-Cache-Control: no-store", "no-store"},
		{"RFC 9213 private", "", "Cache-Control: max-age=60\nCDN-Cache-Control: private", "private"},
		{"RFC 9213 no-cache", "", "Cache-Control: max-age=60\nCDN-Cache-Control: no-cache", "stale"},
		{"RFC 9213 invalid", "", "Cache-Control: no-store\nCDN-Cache-Control: max-age=60, &&&&&", "no-store"},
		{"RFC 9213 and Age", "", etag + "CDN-Cache-Control: max-age=60\nAge: 70", "-10 age 1m10s validator"},
		{"5.4", "", now + "Pragma: no-cache\nLast-Modified: " + at(-1000), "0 validator"},
		{"limits: groups", "", "Cache-Control: max-age=60\nSurrogate-Key: " + strings.Repeat("g ", 1001), "groups"},
		{"limits: a long group", "", "Cache-Control: max-age=60\nCache-Tag: " + strings.Repeat("g", 1025), "groups"},
		{"limits: names of Vary", "", "Cache-Control: max-age=60\nVary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "vary"},
	} {
		a := arrival(row.response)
		a.Request = fields(row.request)
		if got := verdict(a, &standard); got != row.want {
			t.Errorf("%s: %q to %q: %q, want %q", row.section, row.response, row.request, got, row.want)
		}
	}
}

func TestJudgePrivate(t *testing.T) {
	for _, row := range []struct{ name, request, response, want string }{
		{"explicit", "", "Cache-Control: max-age=60", "60"},
		{"no guess", "", now + "Last-Modified: " + at(-1000), "no-freshness"},
		{"a validator alone", "", "ETag: \"a\"", "no-freshness"},
		{"no-cache alone", "", "ETag: \"a\"\nCache-Control: no-cache", "no-freshness"},
		{"explicitly stale, with a validator", "", "ETag: \"a\"\nCache-Control: max-age=0", "0 validator"},
		{"explicitly stale, without one", "", "Cache-Control: max-age=0", "stale"},
		{"Set-Cookie", "", "Cache-Control: max-age=60, public\nSet-Cookie: a=b", "set-cookie"},
		{"Authorization", "Authorization: x", "Cache-Control: max-age=60, public", "authorization"},
		{"private of fields is private", "", "Cache-Control: max-age=60, private=\"x\"", "private"},
		{"request no-store", "Cache-Control: no-store", "Cache-Control: max-age=60", "request-no-store"},
	} {
		a := arrival(row.response)
		a.Request = fields(row.request)
		if got := verdict(a, &private); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	a := arrival("Cache-Control: max-age=60")
	a.Request, a.Keyed = fields("Authorization: x"), true
	if got := verdict(a, &private); got != "60" {
		t.Errorf("identity in the key: %q", got)
	}
}

func TestJudgeOptions(t *testing.T) {
	o := freshness.Options{Default: time.Minute, Negative: 5 * time.Second, Max: time.Hour, WhileRevalidate: 2 * time.Second, IfError: 3 * time.Second}
	p := o
	p.Private = true
	for _, row := range []struct {
		name     string
		o        *freshness.Options
		status   int
		response string
		want     string
	}{
		{"default", &p, 200, "", "60 swr 2s sie 3s configured"},
		{"default before a guess", &o, 200, now + "Last-Modified: " + at(-1000), "60 swr 2s sie 3s configured validator"},
		{"not over what is said", &p, 200, "Cache-Control: max-age=1", "1 swr 2s sie 3s"},
		{"not over invalid freshness", &p, 200, "Cache-Control: max-age=x", "0 swr 2s sie 3s"},
		{"not over no-cache", &p, 200, "Cache-Control: no-cache\nETag: \"a\"", "no-freshness"},
		{"not for what is not cacheable by itself", &p, 302, "", "no-freshness"},
		{"negative", &p, 404, "", "5 swr 2s sie 3s configured"},
		{"negative with explicit freshness", &p, 404, "Cache-Control: max-age=9", "9 swr 2s sie 3s"},
		{"most", &p, 200, "Cache-Control: max-age=99999999", "3600 swr 2s sie 3s"},
		{"stale by the response", &p, 200, "Cache-Control: max-age=1, stale-while-revalidate=7, stale-if-error=0", "1 swr 7s"},
		{"stale forbidden", &p, 200, "Cache-Control: max-age=1, must-revalidate", "1"},
		{"stale forbidden", &p, 200, "Cache-Control: s-maxage=1", "1"},
	} {
		a := arrival(row.response)
		a.Status = row.status
		if got := verdict(a, row.o); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestJudgeStatus(t *testing.T) {
	f := func(o *freshness.Options, response, want string, statuses ...int) {
		t.Helper()
		for _, status := range statuses {
			a := arrival(response)
			a.Status = status
			if got := verdict(a, o); got != want {
				t.Errorf("%d with %q: %q, want %q", status, response, got, want)
			}
		}
	}
	const explicit, modified = "Cache-Control: max-age=60", "Last-Modified: Sun, 01 Mar 2026 11:50:00 GMT\n" + now
	// RFC 9111 section 3: any final status, with explicit freshness
	f(&standard, explicit, "60", 200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 403, 404, 410, 451, 499, 500, 502, 503, 504, 599)
	f(&standard, explicit, "status", 0, 100, 101, 103, 199, 206, 304, 401, 407, 408, 412, 416, 417, 421, 425, 428, 429, 431, 511, 600, 999)
	f(&private, explicit, "60", 200, 203, 204, 301, 302, 303, 307, 308, 400, 403, 404, 410, 451, 500, 502, 503, 504)
	f(&private, explicit, "status", 206, 299, 304, 401, 418, 429, 499, 599)
	// RFC 9110 section 15.1: without it
	f(&standard, modified, "60 heuristic validator", 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)
	f(&standard, modified, "0 validator", 201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599)
	// RFC 9111 section 4.2.2: public allows a guess
	f(&standard, modified+"Cache-Control: public", "60 heuristic validator", 201, 302, 403, 503, 599)
	// section 5.2.2.3
	f(&standard, explicit+", no-store, must-understand", "60", 200, 404)
	f(&standard, explicit+", no-store, must-understand", "status", 299, 499, 599)
	f(&standard, explicit+", must-understand", "status", 299, 599)
}

func TestJudgeMethod(t *testing.T) {
	for m := exchange.MethodOther; m <= exchange.MethodQuery; m++ {
		a := arrival("Cache-Control: max-age=60")
		a.Method = m
		want := "method"
		if m == exchange.MethodGet || m == exchange.MethodQuery {
			want = "60"
		}
		if got := verdict(a, &standard); got != want {
			t.Errorf("method %d: %q, want %q", m, got, want)
		}
	}
}

func TestInitialAge(t *testing.T) {
	f := func(response string, delay, want time.Duration) {
		t.Helper()
		a := arrival(response)
		a.Asked = came.Add(-delay)
		if got := freshness.InitialAge(a); got != want {
			t.Errorf("%q after %s: %s, want %s", response, delay, got, want)
		}
	}
	// RFC 9111 section 4.2.3
	f("", 0, 0)
	f("", 3*time.Second, 3*time.Second)
	f("Age: 5", 3*time.Second, 8*time.Second)
	f("Age: 5\nDate: "+at(-20), 3*time.Second, 20*time.Second)
	f("Age: x\nDate: "+at(-20), 3*time.Second, 20*time.Second)
	f("Date: "+at(20), 0, 0)
	f("Age: 5", -time.Hour, 5*time.Second) // the clock went back
	f("Date: Mon, 01 Jan 0001 00:00:00 GMT", 0, freshness.Longest)
	f("Age: 99999999999", time.Hour, freshness.Longest)
	a := arrival("Age: 5")
	a.Asked = time.Time{}
	if got := freshness.InitialAge(a); got != 5*time.Second {
		t.Errorf("without the instant of the request: %s", got)
	}
}
