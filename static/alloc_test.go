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
