//go:build !race && !poison

package freshness_test

import (
	"testing"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

func TestNoAllocation(t *testing.T) {
	request := fields("Accept-Encoding: GZIP;q=0.5, br\nAccept-Language: en,de;q=0.3\nFoo: 1,2\nCookie: a=b\n" +
		"Cache-Control: max-age=60, min-fresh=1, foo bar, max-stale\nPragma: no-cache")
	vary := fields("Vary: Accept-Language, Accept-Encoding, Foo, Bar")
	signature, _ := freshness.AppendVary(nil, vary, request)
	response := fields(now + "Cache-Control: max-age=60, no-cache=\"a, b\", foo bar\nLast-Modified: " + at(-100) + "\nExpires: " + at(100))
	targeted := fields("CDN-Cache-Control: max-age=60, no-cache=\"a, b\", x=(1 2);a=%\"a\"\nCDN-Cache-Control: public")
	a := arrival("Cache-Control: public\nVary: Accept-Encoding\nSurrogate-Key: a b\nCache-Groups: \"c\"\nETag: \"a\"\n" + now + "Last-Modified: " + at(-100))
	terms, _ := freshness.Judge(a, &standard)
	later := came.Add(time.Second)
	room := make([]byte, 0, 1024)
	into := make(exchange.Fields, 0, 64)
	d := freshness.ResponseDirectives(response)
	none := func(what string, f func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	asked := freshness.RequestDirectives(request)
	none("RequestDirectives", func() { asked = freshness.RequestDirectives(request) })
	none("ResponseDirectives", func() { d = freshness.ResponseDirectives(response) })
	none("ResponseDirectives of CDN-Cache-Control", func() { freshness.ResponseDirectives(targeted) })
	none("Age, Left, Use, AfterFailure", func() {
		terms.Age(later)
		terms.Left(later)
		terms.Use(later, &asked)
		terms.AfterFailure(later, &asked)
	})
	none("Matches", func() {
		if !freshness.Matches(signature, request) {
			t.Fatal("no match")
		}
	})
	none("AppendVary", func() { freshness.AppendVary(room, vary, request) })
	none("Judge", func() { freshness.Judge(a, &standard) })
	none("Strip", func() { into = into[:0]; freshness.Strip(response, &into, &d, true) })
	none("Freshen", func() { into = into[:0]; freshness.Freshen(a.Response, response, &into) })
}
