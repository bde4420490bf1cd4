package h2_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/wiretest"
)

// readAll reads a body with Next.
func readAll(b exchange.Body) (text string, pieces int, err error) {
	for {
		view, err := b.Next()
		text += string(view)
		if len(view) > 0 {
			pieces++
		}
		if err == io.EOF {
			return text, pieces, nil
		}
		if err != nil {
			return text, pieces, err
		}
	}
}

// TestBody is what a stage sees of a request body.
func TestBody(t *testing.T) {
	f := func(name string, send func(c *wiretest.H2) uint32, look func(x *exchange.Exchange) string, want string) {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 1)
			r := serveHandler(t, func(x *exchange.Exchange) bool {
				got <- look(x)
				x.Answer(204)
				return x.Sink.Send(x) == nil
			})
			c := r.client()
			c.Await(send(c))
			if s := <-got; s != want {
				t.Errorf("got %s, want %s", s, want)
			}
		})
	}
	post := func(body string, fields ...string) func(c *wiretest.H2) uint32 {
		return func(c *wiretest.H2) uint32 {
			id := c.Post(fields...)
			for len(body) > 1000 && len(body) < 60000 { // in several frames
				c.Data(id, false, body[:1000])
				body = body[1000:]
			}
			c.Data(id, true, body)
			return id
		}
	}
	sized := func(n int) func(c *wiretest.H2) uint32 {
		return post(strings.Repeat("a", n), "content-length", fmt.Sprint(n))
	}
	whole := func(x *exchange.Exchange) string {
		b := x.Req.Body
		view, err := b.(exchange.Whole).Whole()
		if err != nil {
			return fault.Of(err).Name()
		}
		if view == nil {
			return "not whole"
		}
		first := len(view)
		again := b.Replay()
		view, err = b.(exchange.Whole).Whole()
		return fmt.Sprintf("%d of %d, again %v %d %v, ready %v, in %d", first, b.Size(), again, len(view), err, b.(exchange.Ready).Ready(), x.Facts.Entry.BytesIn)
	}
	f("none", func(c *wiretest.H2) uint32 { return c.Get() }, func(x *exchange.Exchange) string { return fmt.Sprint(x.Req.Body) }, "<nil>")
	f("whole", sized(10_000), whole, "10000 of 10000, again true 10000 <nil>, ready true, in 10000")
	f("whole, as large as the buffer", sized(16384), whole, "16384 of 16384, again true 16384 <nil>, ready true, in 16384")
	f("whole, empty", sized(0), whole, "0 of 0, again true 0 <nil>, ready true, in 0")
	f("too large to be whole", sized(16385), whole, "not whole")
	f("of unknown size", func(c *wiretest.H2) uint32 {
		id := c.Post()
		c.Data(id, false, "abc")
		return id
	}, whole, "not whole")
	f("of unknown size, all there", together(post("abc")), whole, "3 of 3, again true 3 <nil>, ready true, in 3")
	f("whole, but shorter than announced", post("abc", "content-length", "5"), whole, "bad_framing")
	f("whole, in frames with padding", func(c *wiretest.H2) uint32 {
		id := c.Post("content-length", "6")
		for i, piece := range []string{"ab", "", "cdef"} {
			if err := c.WriteDataPadded(id, i == 2, []byte(piece), make([]byte, 100*i)); err != nil {
				t.Error(err)
			}
		}
		return id
	}, whole, "6 of 6, again true 6 <nil>, ready true, in 6")
	next := func(x *exchange.Exchange) string {
		text, _, err := readAll(x.Req.Body)
		again := x.Req.Body.Replay()
		second := ""
		if again {
			second, _, err = readAll(x.Req.Body)
		}
		return fmt.Sprintf("%d, again %v %d, %v, in %d", len(text), again, len(second), err, x.Facts.Entry.BytesIn)
	}
	f("read twice", together(post(strings.Repeat("a", 5000))), next, "5000, again true 5000, <nil>, in 5000")
	f("read twice, as large as the buffer", sized(16384), next, "16384, again true 16384, <nil>, in 16384")
	f("too large to be read twice", sized(20_000), next, "20000, again false 0, <nil>, in 20000")
	f("half of it read, then again", post("abc"), func(x *exchange.Exchange) string {
		view, _ := x.Req.Body.Next()
		first := string(view)
		x.Req.Body.Replay()
		text, _, err := readAll(x.Req.Body)
		return fmt.Sprint(first, " ", text, " ", err)
	}, "abc abc <nil>")
	f("all that a window holds", sized(65_535), next, "65535, again false 0, <nil>, in 65535")
	f("shorter than announced", post("abc", "content-length", "5"), func(x *exchange.Exchange) string {
		text, _, err := readAll(x.Req.Body)
		return text + " " + fault.Of(err).Name() + fmt.Sprint(x.Req.Body.Replay())
	}, " bad_framingfalse")
	f("longer than announced", post("abcdef", "content-length", "5"), next, "0, again false 0, bad_framing: Content-Length is not one field of 1 to 18 digits, or not the length of the body (RFC 9113 section 8.1.1), in 0")
}

// TestRequest is what a stage sees of a head.
func TestRequest(t *testing.T) {
	f := func(name, want string, fields ...string) {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 1)
			r := serveHandler(t, func(x *exchange.Exchange) bool {
				q := &x.Req
				s := fmt.Sprintf("%s %s 1.%d host %s %d %s path %s raw %s query %q trailers %v upgrade %q\n", q.MethodName, q.Target, q.Minor, q.Host, q.Port, q.Authority, q.Path, q.RawPath, q.Query, q.AllowTrailers, q.Upgrade)
				for _, f := range q.Sent {
					s += fmt.Sprintf("sent %s=%s\n", f.Name, f.Value)
				}
				for _, f := range q.Fields {
					s += fmt.Sprintf("%s=%s\n", f.Name, f.Value)
				}
				got <- s
				x.Answer(204)
				return x.Sink.Send(x) == nil
			})
			c := r.client()
			c.Await(c.Ask(true, fields...))
			if s := <-got; s != want {
				t.Errorf("got\n%s\nwant\n%s", s, want)
			}
		})
	}
	f("everything", "GET /a/../b?c=%2F 1.1 host shop.example 8443 shop.example:8443 path /b raw /a/../b query \"c=%2F\" trailers true upgrade \"\"\n"+
		"sent Host=Shop.Example.:8443\nsent x-own=1\nsent Cookie=a=1; b=2\nsent TE=trailers\nsent Accept=*/*\nsent x-own=2\nsent x_forwarded_for=1\n"+
		"x-own=1\nCookie=a=1; b=2\nAccept=*/*\nx-own=2\n",
		":method", "GET", ":scheme", "https", ":path", "/a/../b?c=%2F", ":authority", "Shop.Example.:8443",
		"x-own", "1", "cookie", "a=1", "te", "trailers", "accept", "*/*", "x-own", "2", "cookie", "b=2", "x_forwarded_for", "1")
	f("Host instead of :authority", "OPTIONS * 1.1 host a 0 a path * raw * query \"\" trailers false upgrade \"\"\nsent Host=a\n",
		":method", "OPTIONS", ":scheme", "http", ":path", "*", "host", "a")
	f("Host in capitals beside :authority", "GET / 1.1 host a 0 a path / raw / query \"\" trailers false upgrade \"\"\nsent Host=a\nsent Host=A\n",
		ask("host", "A")...)
}
