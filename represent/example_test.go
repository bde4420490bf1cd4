package represent_test

import (
	"fmt"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/represent"
)

// A cache answers with a stored 200: its head, and its body in memory.
func ExampleAnswer() {
	var head exchange.Fields
	head.Add(exchange.NameETag, []byte(`"v1"`))
	head.Add(exchange.NameContentType, []byte("text/plain"))
	content := []byte("0123456789")

	serve := func(x *exchange.Exchange) {
		r := represent.Stored(head, int64(len(content)), time.Now())
		outcome, parts := represent.Answer(x, &r)
		x.Answer(outcome.Status())
		x.Resp.Fields = append(x.Resp.Fields, head...)
		switch list := parts.List(); {
		case outcome == represent.NotModified:
			represent.TrimNotModified(&x.Resp.Fields)
		case outcome == represent.Unsatisfiable:
			represent.TrimNotModified(&x.Resp.Fields)
			represent.AddUnsatisfied(x, r.Size)
		case len(list) == 1:
			represent.AddContentRange(x, list[0], r.Size)
			x.Resp.Body = x.InMemory(content[list[0].From:list[0].To])
		case len(list) > 1:
			body, contentType := represent.NewParts(x, memory(content), &r, list)
			x.Resp.Fields.Set(exchange.NameContentType, contentType)
			x.Resp.Body = body
		default:
			x.Resp.Body = x.InMemory(content)
		}
	}
	for _, asked := range []string{"Range: bytes=-3", `If-None-Match: W/"v1"`} {
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n" + asked + "\n")
		serve(x)
		x.Sink.Send(x)
		fmt.Println(exchangetest.Of(x))
		x.Release()
	}
	// Output:
	// 206
	// ETag: "v1"
	// Content-Type: text/plain
	// Content-Range: bytes 7-9/10
	//
	// 789
	// 304
	// ETag: "v1"
}
