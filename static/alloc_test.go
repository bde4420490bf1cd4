//go:build !race && !poison

// With -race a sync.Pool forgets at random, and poison allocates: neither says anything about allocations or speed.

package static_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
)

// TestAllocations: of a file that is kept open, an answer with a body costs one allocation (the body, which wrappers may
// close again after its end and which therefore has no pool), any other none.
func TestAllocations(t *testing.T) {
	s, _ := newStage(t, spec.Directory{Fallback: "a.js"}, map[string]string{"site/a.js": strings.Repeat("a", 1024), "site/a.js.br": "br"})
	f := func(want float64, request string) {
		t.Helper()
		x := exchangetest.Request(request)
		defer x.Release()
		x.Sink = exchange.Discard{}
		run := func() {
			s.Request(x)
			x.Sink.Send(x)
			x.Answer(0) // closes the body
		}
		run()
		if got := testing.AllocsPerRun(5, run); got != want { // few: Scratch is not given back in between
			t.Errorf("%s: %v allocations, want %v", request, got, want)
		}
	}
	f(1, "GET /a.js HTTP/1.1\nHost: a\n")
	f(1, "GET /a.js HTTP/1.1\nHost: a\nAccept-Encoding: gzip, br\n")
	f(1, "GET /a.js HTTP/1.1\nHost: a\nRange: bytes=1-\nIf-Range: "+helloTag+"\n")
	f(0, "HEAD /a.js HTTP/1.1\nHost: a\n")
	f(0, "GET /a.js HTTP/1.1\nHost: a\nIf-None-Match: *\n")
	f(0, "GET /a.js HTTP/1.1\nHost: a\nIf-Modified-Since: "+lastModified+"\n")
	f(0, "GET /a.js HTTP/1.1\nHost: a\nRange: bytes=5000-\n")
}

func BenchmarkRequest(b *testing.B) {
	f := func(name, path string, fields ...string) {
		b.Run(name, func(b *testing.B) {
			s, _ := newStage(b, spec.Directory{}, map[string]string{"site/1k.bin": strings.Repeat("a", 1024), "site/1k.png": strings.Repeat("a", 1024), "site/a/b/1k.png": strings.Repeat("a", 1024)})
			x := exchangetest.Request("GET " + path + " HTTP/1.1\nHost: a\n" + lines(fields))
			defer x.Release()
			x.Sink = exchange.Discard{}
			b.ReportAllocs()
			for b.Loop() {
				s.Request(x)
				if x.Resp.Body != nil {
					x.Resp.Body.Next()
					x.Resp.Body.Close()
				}
				x.Answer(0)
			}
		})
	}
	f("png", "/1k.png")
	f("looks for copies", "/1k.bin")
	f("two directories down", "/a/b/1k.png")
	f("304", "/1k.png", `If-None-Match: *`)
	f("404", "/none")
}
