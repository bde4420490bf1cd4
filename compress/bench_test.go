package compress_test

import (
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"testing"

	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
)

// loop is an exchange that goes through the stage again and again without allocating by itself.
type loop struct {
	stage  *compress.Stage
	fields exchange.Fields
	body   exchange.Body
	sent   int
}

func newLoop(t testing.TB, coding string, body exchange.Body) *loop {
	l := &loop{stage: stage(t, on()), body: body}
	l.fields.Add(exchange.NameAccept, []byte("text/html"))
	l.fields.Add(exchange.NameAcceptEncoding, []byte(coding))
	return l
}

var (
	textHTML = []byte("text/html; charset=utf-8")
	tag      = []byte(`"5f3c-61a2"`)
)

func (l *loop) run() {
	x := exchange.Acquire()
	x.Req.Method = exchange.MethodGet
	x.Req.Fields = append(x.Req.Fields, l.fields...)
	(&compress.Accept{}).Request(x)
	l.stage.Request(x)
	l.body.Replay()
	x.Resp.Status, x.Resp.Body = 200, l.body
	x.Resp.Fields.Add(exchange.NameContentType, textHTML)
	x.Resp.Fields.Add(exchange.NameETag, tag)
	l.stage.Response(x)
	l.sent = 0
	for {
		view, err := x.Resp.Body.Next()
		l.sent += len(view)
		if err == io.EOF {
			break
		}
	}
	x.Resp.Body.Close()
	x.Resp.Body = nil
	l.stage.Done(x)
	x.Release()
}

var browser = map[string]string{"identity": "identity", "gzip": "gzip, deflate", "zstd": "gzip, deflate, br, zstd", "br": "gzip, deflate, br"}

// texts are the bodies of the benchmarks.
var texts = []struct {
	name string
	text string
}{{"30KB-html", page(30 << 10)}, {"10KB-json", records(10 << 10)}}

// records is JSON as an API lists it.
func records(size int) string {
	b := []byte("[")
	for i := uint32(1); len(b) < size; i = i*1664525 + 1013904223 {
		b = fmt.Appendf(b, `{"id":%d,"sku":"%08x","name":"article %d","price":%d.%02d,"stock":%t},`, i>>12, i, i%97, i>>26, i%100, i%2 == 0)
	}
	return string(b[:size])
}

func BenchmarkStage(b *testing.B) {
	for _, coding := range []string{"identity", "gzip", "zstd", "br"} {
		for _, text := range texts {
			b.Run(coding+"/"+text.name, func(b *testing.B) {
				l := newLoop(b, browser[coding], exchange.NewBytes([]byte(text.text)))
				l.run()
				b.ReportAllocs()
				for b.Loop() {
					l.run()
				}
				report(b, l.sent, len(text.text))
			})
		}
	}
}

// BenchmarkReference is gzip of the standard library without anything around it.
func BenchmarkReference(b *testing.B) {
	for _, text := range texts {
		b.Run("gzip/"+text.name, func(b *testing.B) {
			data, out := []byte(text.text), &count{}
			w, _ := stdgzip.NewWriterLevel(out, 6)
			b.ReportAllocs()
			for b.Loop() {
				out.n = 0
				w.Reset(out)
				w.Write(data)
				w.Close()
			}
			report(b, out.n, len(data))
		})
	}
}

func report(b *testing.B, coded, plain int) {
	b.ReportMetric(float64(coded)/float64(plain), "ratio")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(float64(plain)/1024), "ns/KB")
}

type count struct{ n int }

func (c *count) Write(p []byte) (int, error) { c.n += len(p); return len(p), nil }

func BenchmarkAccept(b *testing.B) {
	s := &compress.Accept{}
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nAccept: */*\nAccept-Encoding: gzip, deflate, br, zstd\n")
	defer x.Release()
	b.ReportAllocs()
	for b.Loop() {
		x.Req.Fields = append(x.Req.Fields[:0], x.Req.Sent...)
		s.Request(x)
	}
}

func ExampleStage() {
	s, _ := compress.New(on(), compress.NewEncoders(0))
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip, deflate\n")
	defer x.Release()
	exchange.NewPath(exchangetest.RenderText, &compress.Accept{}, s, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		x.Answer(200)
		x.Resp.Fields.Add(exchange.NameContentType, []byte("text/html"))
		x.Resp.Fields.Add(exchange.NameETag, []byte(`"1"`))
		x.Resp.Body = exchange.NewBytes([]byte(page(4000)))
		return exchange.Respond
	}}).Run(x)
	fmt.Print(exchangetest.Of(x).Head)
	// Output:
	// Content-Type: text/html
	// ETag: W/"1"
	// Vary: Accept-Encoding
	// Content-Encoding: gzip
}
