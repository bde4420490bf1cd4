package freshness_test

import (
	"testing"
	"time"

	"skerry.dev/skerry/cache/freshness"
)

// browser is the part of a browser's request that caching looks at, and some of what it passes over.
const browser = "Host: shop.example.com\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\n" +
	"Accept: text/html,application/xhtml+xml\nAccept-Language: en-US,en;q=0.9\nAccept-Encoding: gzip, deflate, br, zstd\nCache-Control: max-age=0"

// BenchmarkHit is what a hit asks of this folder.
func BenchmarkHit(b *testing.B) {
	request := fields(browser)
	signature, _ := freshness.AppendVary(nil, fields("Vary: Accept-Encoding"), request)
	terms := terms(b, "Cache-Control: max-age=60\nVary: Accept-Encoding")
	later := came.Add(time.Second)
	b.ReportAllocs()
	for b.Loop() {
		asked := freshness.RequestDirectives(request)
		asked = asked.Unheeded()
		if !freshness.Matches(signature, request) || terms.Use(later, &asked) != freshness.UseFresh {
			b.Fatal("no hit")
		}
	}
}

// BenchmarkMatches is a variant by language, whose value is to be brought into its normal form.
func BenchmarkMatches(b *testing.B) {
	request := fields(browser)
	signature, _ := freshness.AppendVary(nil, fields("Vary: Accept-Language"), request)
	b.ReportAllocs()
	for b.Loop() {
		if !freshness.Matches(signature, request) {
			b.Fatal("no match")
		}
	}
}

// BenchmarkJudge is what a miss asks.
func BenchmarkJudge(b *testing.B) {
	a := arrival(now + "Content-Type: text/html\nCache-Control: public, max-age=60, stale-while-revalidate=30\nETag: \"abc\"\nVary: Accept-Encoding\nServer: x")
	a.Request = fields(browser)
	a.Request = a.Request[:len(a.Request)-1]
	b.ReportAllocs()
	for b.Loop() {
		if _, reason := freshness.Judge(a, &private); reason != freshness.ReasonNone {
			b.Fatal(reason)
		}
	}
}
