//go:build !race && !poison

// With -race a sync.Pool forgets at random, and poison allocates: neither says anything about allocations or speed.

package represent_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/represent"
)

// TestAllocations: what a cache does for a hit in memory costs nothing, whatever it is asked for; several parts do.
func TestAllocations(t *testing.T) {
	content := []byte(strings.Repeat(digits, 100))
	var head exchange.Fields
	head.Add(exchange.NameETag, []byte(tag))
	head.Add(exchange.NameDate, []byte(later))
	head.Add(exchange.NameLastModified, []byte(lastModified))
	head.Add(exchange.NameContentType, []byte(textType))
	f := func(want int, fields string) {
		t.Helper()
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n" + fields)
		defer x.Release()
		status := 0
		run := func() {
			r := represent.Stored(head, int64(len(content)), date)
			outcome, parts := represent.Answer(x, &r)
			x.Answer(outcome.Status())
			x.Resp.Fields = append(x.Resp.Fields, head...)
			switch outcome {
			case represent.Whole:
				x.Resp.Body = x.InMemory(content)
			case represent.Partial:
				part := parts.List()[0]
				represent.AddContentRange(x, part, r.Size)
				x.Resp.Body = x.InMemory(content[part.From:part.To])
			case represent.NotModified:
				represent.TrimNotModified(&x.Resp.Fields)
			case represent.Unsatisfiable:
				represent.AddUnsatisfied(x, r.Size)
			}
			status = outcome.Status()
		}
		run()
		if got := testing.AllocsPerRun(20, run); got != 0 || status != want { // few: Scratch is not given back in between
			t.Errorf("%s: %v allocations, status %d, want %d", fields, got, status, want)
		}
	}
	f(200, "Accept: */*\n")
	f(200, "If-None-Match: \"a\", \"b\"\n")
	f(304, "If-None-Match: \"a\", "+tag+"\n")
	f(304, "If-Modified-Since: "+lastModified+"\n")
	f(304, "If-Modified-Since: Sunday, 01-Jun-25 10:20:30 GMT\n")
	f(304, "If-Modified-Since: Sun Jun  1 10:20:30 2025\n")
	f(200, "If-Modified-Since: "+strings.Repeat("1", 5000)+"\n")
	f(206, "Range: bytes=1-\n")
	f(206, "Range: bytes=1-\nIf-Range: "+lastModified+"\n")
	f(416, "Range: bytes=5000-\n")
}

func BenchmarkAnswer(b *testing.B) {
	r := newPage(digits).Representation
	f := func(name, fields string) {
		b.Run(name, func(b *testing.B) {
			x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nUser-Agent: a\nAccept: */*\nAccept-Encoding: br\nAccept-Language: en\nCookie: a=b\nReferer: c\nPriority: u=1\n" + fields)
			defer x.Release()
			b.ReportAllocs()
			for b.Loop() {
				represent.Answer(x, &r)
			}
		})
	}
	f("nothing asked", "")
	f("tag", "If-None-Match: "+tag+"\n")
	f("date", "If-Modified-Since: "+lastModified+"\n")
	f("range", "Range: bytes=1-2\n")
}

func BenchmarkParseDate(b *testing.B) {
	for _, text := range []string{lastModified, "Sunday, 01-Jun-25 10:20:30 GMT", "Sun Jun  1 10:20:30 2025"} {
		b.Run(text[:6], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				represent.ParseDate([]byte(text), exchangetest.Now)
			}
		})
	}
}
