package h2_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/wire/wiretest"
)

// borders is rule by rule what must not pass from HTTP/2 to HTTP/1.1, and what becomes of it: the status of our own answer, empty if
// there is none, and whether the stream is reset with PROTOCOL_ERROR, behind the answer or instead of it.
var borders = []struct {
	name   string
	status string
	reset  bool
	fields []string
	body   string // "-": END_STREAM is on the head
}{
	{"a method with a space", "400", true, ask(":method", "GET /evil HTTP/1.1"), "-"},
	{"a method that is no token", "400", true, ask(":method", "GE(T"), "-"},
	{"an empty method", "400", true, ask(":method", ""), "-"},
	{"no method", "400", true, ask(":method"), "-"},
	{"TRACE", "405", false, ask(":method", "TRACE"), "-"},
	{"CONNECT", "405", false, []string{":method", "CONNECT", ":authority", "a:443"}, "-"},
	{"CONNECT with a path", "400", true, ask(":method", "CONNECT"), "-"},
	{"CONNECT without an authority", "400", true, []string{":method", "CONNECT"}, "-"},
	{"extended CONNECT that ends at once", "400", true, ask(":method", "CONNECT", ":protocol", "websocket"), "-"},
	{"extended CONNECT with a length", "400", true, ask(":method", "CONNECT", ":protocol", "websocket", "content-length", "3"), "abc"},
	{"extended CONNECT for another protocol", "501", false, ask(":method", "CONNECT", ":protocol", "connect-udp"), ""},
	{"GET with a protocol", "400", true, ask(":protocol", "websocket"), "-"},
	{"an empty protocol", "501", false, ask(":method", "CONNECT", ":protocol", ""), ""},
	{"a method with a line end", "400", true, ask(":method", "GET\r\nX: 1"), "-"},

	{"an empty path", "400", true, ask(":path", ""), "-"},
	{"no path", "400", true, ask(":path"), "-"},
	{"a path without a slash", "400", true, ask(":path", "a"), "-"},
	{"an absolute target", "400", true, ask(":path", "http://a/"), "-"},
	{"an asterisk without OPTIONS", "400", true, ask(":path", "*"), "-"},
	{"a path with a space", "400", true, ask(":path", "/ HTTP/1.1"), "-"},
	{"a path with a line end", "400", true, ask(":path", "/\r\nX: 1"), "-"},
	{"a path with a bare LF", "400", true, ask(":path", "/\nX: 1"), "-"},
	{"a path with a NUL", "400", true, ask(":path", "/\x00"), "-"},
	{"a path with a tab", "400", true, ask(":path", "/\t"), "-"},
	{"a path with a fragment", "400", true, ask(":path", "/a#b"), "-"},
	{"a path with a byte of UTF-8", "400", true, ask(":path", "/\xc3\xa4"), "-"},
	{"a path with a broken percent-code", "400", false, ask(":path", "/%zz"), "-"},
	{"a path with an encoded NUL", "400", false, ask(":path", "/%00"), "-"},
	{"an encoded dot segment", "400", false, ask(":path", "/a/%2e%2e/b"), "-"},
	{"a backslash", "400", false, ask(":path", "/a\\b"), "-"},

	{"no authority and no Host", "400", true, ask(":authority"), "-"},
	{"an empty authority", "400", true, ask(":authority", ""), "-"},
	{"userinfo in the authority", "400", true, ask(":authority", "u@a"), "-"},
	{"a path in the authority", "400", true, ask(":authority", "a/b"), "-"},
	{"a space in the authority", "400", true, ask(":authority", "a b"), "-"},
	{"a port that is none", "400", true, ask(":authority", "a:b"), "-"},
	{"an empty label", "400", true, ask(":authority", "a..b"), "-"},
	{"authority and another Host", "400", true, ask("host", "b"), "-"},
	{"two Host fields", "400", true, ask("host", "a", "host", "a"), "-"},
	{"userinfo in Host", "400", true, ask(":authority", "", "host", "u@a"), "-"},

	{"no scheme", "400", true, ask(":scheme"), "-"},
	{"another scheme", "400", true, ask(":scheme", "ftp"), "-"},
	{"two paths", "400", true, ask(":path", "/", ":path", "/b"), "-"},
	{"two methods", "400", true, ask(":method", "GET", ":method", "POST"), "-"},
	{"two authorities", "400", true, ask(":authority", "a", ":authority", "b"), "-"},
	{"a pseudo field behind a field", "400", true, append([]string{"x-a", "1"}, ask()...), "-"},
	{"a pseudo field of responses", "400", true, ask(":status", "200"), "-"},
	{"an unknown pseudo field", "400", true, ask(":x", "1"), "-"},

	{"a name in capitals", "400", true, ask("X-A", "1"), "-"},
	{"an empty name", "400", true, ask("", "1"), "-"},
	{"a name with a space", "400", true, ask("x a", "1"), "-"},
	{"a name with a colon", "400", true, ask("x:a", "1"), "-"},
	{"a name with a line end", "400", true, ask("x\r\na", "1"), "-"},
	{"a name with a byte above 0x7f", "400", true, ask("x\xff", "1"), "-"},
	{"a value with a line end", "400", true, ask("x-a", "1\r\nx-b: 2"), "-"},
	{"a value with a bare LF", "400", true, ask("x-a", "1\nx-b: 2"), "-"},
	{"a value with a bare CR", "400", true, ask("x-a", "1\rx-b: 2"), "-"},
	{"a value with a NUL", "400", true, ask("x-a", "1\x00"), "-"},
	{"a value with a control", "400", true, ask("x-a", "1\x1b[0m"), "-"},
	{"a value that begins with a space", "400", true, ask("x-a", " 1"), "-"},
	{"a value that ends with a tab", "400", true, ask("x-a", "1\t"), "-"},
	{"a value of white space", "400", true, ask("x-a", " "), "-"},

	{"Connection", "400", true, ask("connection", "close"), "-"},
	{"Keep-Alive", "400", true, ask("keep-alive", "5"), "-"},
	{"Proxy-Connection", "400", true, ask("proxy-connection", "close"), "-"},
	{"Transfer-Encoding", "400", true, ask("transfer-encoding", "chunked"), "0\r\n\r\n"},
	{"Upgrade", "400", true, ask("upgrade", "websocket"), "-"},
	{"TE with more than trailers", "400", true, ask("te", "trailers, gzip"), "-"},
	{"TE without trailers", "400", true, ask("te", "gzip"), "-"},
	{"two TE", "400", true, ask("te", "trailers", "te", "trailers"), "-"},

	{"a length and no body", "400", true, ask("content-length", "3"), "-"},
	{"a length with a plus", "400", true, ask("content-length", "+3"), "abc"},
	{"a list of lengths", "400", true, ask("content-length", "3, 3"), "abc"},
	{"two lengths", "400", true, ask("content-length", "3", "content-length", "3"), "abc"},
	{"two lengths that differ", "400", true, ask("content-length", "3", "content-length", "4"), "abc"},
	{"19 digits", "400", true, ask("content-length", "0000000000000000003"), "abc"},
	{"an empty length", "400", true, ask("content-length", ""), "abc"},
	{"a body shorter than its length", "", true, ask("content-length", "5"), "abc"},
	{"a body longer than its length", "", true, ask("content-length", "2"), "abc"},
	{"a body where none was announced", "", true, ask("content-length", "0"), "abc"},

	{"another expectation", "417", false, ask("expect", "200-ok"), "abc"},
	{"a target of 8 KB and one byte", "414", false, ask(":path", "/"+strings.Repeat("a", 8192-4)), "-"},
	{"a field of 8 KB and one byte", "431", false, ask("x", strings.Repeat("a", 8192-2)), "-"},
	{"101 fields", "431", false, ask(many(100)...), "-"},
	{"a head of 40 KB", "431", false, ask(large(40)...), "-"},
	{"a head of 48 KB", "431", false, ask(large(48)...), "-"},
	{"a head of 100 KB", "431", false, ask(large(100)...), "-"},
}

// ask is the fields of GET / of host a. What is given as name and value takes the place of the pseudo field of that name,
// or comes behind; a pseudo field without a value goes.
func ask(fields ...string) []string {
	pseudo := []string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"}
	if len(fields) == 1 {
		for i := 0; i < len(pseudo); i += 2 {
			if pseudo[i] == fields[0] {
				return append(pseudo[:i:i], pseudo[i+2:]...)
			}
		}
	}
	var late []string
	replaced := map[string]bool{}
next:
	for i := 0; i < len(fields); i += 2 {
		for j := 0; j < len(pseudo); j += 2 {
			if pseudo[j] == fields[i] && !replaced[fields[i]] {
				pseudo[j+1], replaced[fields[i]] = fields[i+1], true
				continue next
			}
		}
		if strings.HasPrefix(fields[i], ":") {
			pseudo = append(pseudo, fields[i], fields[i+1])
		} else {
			late = append(late, fields[i], fields[i+1])
		}
	}
	return append(pseudo, late...)
}

func many(n int) (fields []string) {
	for range n {
		fields = append(fields, "x", "a")
	}
	return fields
}

func large(kilobytes int) (fields []string) {
	for i := range kilobytes { // all different, and of digits that HPACK writes in five bits
		fields = append(fields, "x", strings.Repeat(strconv.FormatInt(int64(i+81), 3), 1024/5))
	}
	return fields
}

// echo answers with the request as the origin would get it, its body read to the end.
func echo(x *exchange.Exchange) exchange.Verdict {
	text := exchangetest.Dump(x)
	if b := x.Req.Body; b != nil {
		for {
			view, err := b.Next()
			text += string(view)
			if err != nil && err.Error() != "EOF" {
				return x.Fail(err)
			}
			if err != nil {
				break
			}
		}
	}
	return exchangetest.Say(200, text)(x)
}

func TestBorder(t *testing.T) {
	for _, c := range borders {
		t.Run(c.name, func(t *testing.T) {
			faults := make(chan error, 4)
			r := serveHandler(t, func(x *exchange.Exchange) bool {
				path := exchange.NewPath(render, gate{}, answer(echo))
				complete := path.Run(x)
				faults <- x.Cause
				return complete
			})
			client := r.client()
			send := func(client *wiretest.H2) uint32 {
				id := client.Ask(c.body == "-", c.fields...)
				if c.body != "-" {
					client.Data(id, true, c.body)
				}
				return id
			}
			if !c.reset { // a body that came late, behind a refusal, would be one that nobody wants any more, and the stream be reset
				send = together(send)
			}
			id := send(client)
			a := client.Stream(id)
			client.Until(func() bool { return a.Reset != nil || a.Ended && !c.reset })
			if a.Status != c.status || a.Ended != (c.status != "") || (a.Reset != nil) != c.reset || c.reset && *a.Reset != http2.ErrCodeProtocol {
				t.Errorf("%v, want status %q and a reset: %v", a, c.status, c.reset)
			}
			if cause := <-faults; cause == nil {
				t.Error("its exchange has no fault")
			}
			// The connection goes on.
			if next := client.Await(client.Get()); next.Status != "200" || client.GoAway != nil {
				t.Errorf("after it: %v, %v", next, client.Closed)
			}
			if a.Reset != nil && !c.reset {
				t.Errorf("reset behind the answer: %v", a)
			}
			client.Conn.Close()
			r.server.Drain()
			r.server.Wait()
		})
	}
}

// TestBlockLimits: a header block beyond its limits ends the connection, whatever it says; one within them is answered, and what
// stood in it keeps the table in step.
func TestBlockLimits(t *testing.T) {
	f := func(name string, lives bool, send func(c *wiretest.H2) uint32) {
		t.Run(name, func(t *testing.T) {
			r := serve(t, answer(echo))
			c := r.client()
			a := c.Await(send(c))
			if !lives {
				if c.GoAway == nil || *c.GoAway != http2.ErrCodeEnhanceYourCalm {
					t.Errorf("%v, GOAWAY %v, want ENHANCE_YOUR_CALM", a, c.GoAway)
				}
				return
			}
			if a.Status != "431" {
				t.Errorf("%v, %v; want 431", a, c.Closed)
			}
			if next := c.Await(c.Get("x-behind", "known")); !strings.Contains(next.Body, "x-behind: known") {
				t.Errorf("after it: %v, %v", next, c.Closed)
			}
		})
	}
	inParts := func(parts int) func(c *wiretest.H2) uint32 {
		return func(c *wiretest.H2) uint32 {
			id, block := unsent(c, ask(large(40)...)...)
			if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:1], EndStream: true}); err != nil {
				t.Error(err)
			}
			for block = block[1:]; parts > 0; parts-- {
				n := 1
				if parts <= 2 {
					n = min(len(block), 16<<10)
				}
				_ = c.WriteContinuation(id, parts == 1, block[:n]) // the connection may be closed by now
				block = block[n:]
			}
			return id
		}
	}
	f("16 CONTINUATION frames", true, inParts(16))
	f("17 CONTINUATION frames", false, inParts(17))
	f("64 KB", true, func(c *wiretest.H2) uint32 { return c.Ask(true, ask(random(63<<10, 4<<10)...)...) })
	f("more than 64 KB", false, func(c *wiretest.H2) uint32 { return c.Ask(true, ask(random(66<<10, 4<<10)...)...) })
	f("1,000 fields", true, func(c *wiretest.H2) uint32 { return c.Ask(true, ask(many(996)...)...) })
	f("1,001 fields", false, func(c *wiretest.H2) uint32 { return c.Ask(true, ask(many(997)...)...) })
}

// random is fields of so many bytes together that HPACK cannot make much smaller.
func random(bytes, each int) (fields []string) {
	source := rand.New(rand.NewPCG(1, 2))
	for bytes > 0 {
		value := make([]byte, min(each, bytes))
		for i := range value {
			value[i] = "!(){}[]<>;XZ&*"[source.IntN(14)] // eight bits and more
		}
		fields = append(fields, "x", string(value))
		bytes -= len(value)
	}
	return fields
}
