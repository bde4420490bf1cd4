package h2_test

import (
	"bytes"
	"log"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/wire/wiretest"
)

// How a request can be refused.
const (
	ours      = "ours"      // an exchange with a fault: counted, logged, answered by the edge
	theirs400 = "theirs400" // x/net answers 400 by itself
	theirs431 = "theirs431" // x/net answers 431 by itself
	reset     = "reset"     // x/net resets the stream
	closes    = "closes"    // x/net closes the connection
	either    = "either"    // ours, or reset if x/net sees the body before the answer
)

// borders is rule 15 of the border between HTTP/2 and HTTP/1.1, and what becomes of each breach. A row whose how is not
// ours is one that the own codec will win; the package comment lists them.
var borders = []struct {
	name   string
	how    string
	status string // if ours
	fields []string
	body   string // "-": END_STREAM is on the head
}{
	{"a method with a space", ours, "400", ask(":method", "GET /evil HTTP/1.1"), "-"},
	{"a method that is no token", ours, "400", ask(":method", "GE(T"), "-"},
	{"an empty method", reset, "", ask(":method", ""), "-"},
	{"no method", reset, "", ask(":method"), "-"},
	{"TRACE", ours, "405", ask(":method", "TRACE"), "-"},
	{"CONNECT", ours, "405", []string{":method", "CONNECT", ":authority", "a:443"}, "-"},
	{"CONNECT with a path", reset, "", ask(":method", "CONNECT"), "-"},
	{"extended CONNECT", reset, "", ask(":method", "CONNECT", ":protocol", "websocket"), "-"},
	{"a method with a line end", reset, "", ask(":method", "GET\r\nX: 1"), "-"},

	{"an empty path", reset, "", ask(":path", ""), "-"},
	{"no path", reset, "", ask(":path"), "-"},
	{"a path without a slash", reset, "", ask(":path", "a"), "-"},
	{"an absolute target", reset, "", ask(":path", "http://a/"), "-"},
	{"an asterisk without OPTIONS", ours, "400", ask(":path", "*"), "-"},
	{"a path with a space", ours, "400", ask(":path", "/ HTTP/1.1"), "-"},
	{"a path with a line end", reset, "", ask(":path", "/\r\nX: 1"), "-"},
	{"a path with a bare LF", reset, "", ask(":path", "/\nX: 1"), "-"},
	{"a path with a NUL", reset, "", ask(":path", "/\x00"), "-"},
	{"a path with a tab", reset, "", ask(":path", "/\t"), "-"},
	{"a path with a fragment", ours, "400", ask(":path", "/a#b"), "-"},
	{"a path with a byte of UTF-8", ours, "400", ask(":path", "/\xc3\xa4"), "-"},
	{"a path with a broken percent-code", reset, "", ask(":path", "/%zz"), "-"},
	{"a path with an encoded NUL", ours, "400", ask(":path", "/%00"), "-"},
	{"an encoded dot segment", ours, "400", ask(":path", "/a/%2e%2e/b"), "-"},
	{"a backslash", ours, "400", ask(":path", "/a\\b"), "-"},

	{"no authority and no Host", ours, "400", ask(":authority"), "-"},
	{"an empty authority", ours, "400", ask(":authority", ""), "-"},
	{"userinfo in the authority", reset, "", ask(":authority", "u@a"), "-"},
	{"a path in the authority", reset, "", ask(":authority", "a/b"), "-"},
	{"a space in the authority", reset, "", ask(":authority", "a b"), "-"},
	{"a port that is none", ours, "400", ask(":authority", "a:b"), "-"},
	{"an empty label", ours, "400", ask(":authority", "a..b"), "-"},
	{"authority and another Host", reset, "", ask("host", "b"), "-"},
	{"authority and Host in capitals", reset, "", ask("host", "A"), "-"},
	{"two Host fields", reset, "", ask("host", "a", "host", "a"), "-"},
	{"userinfo in Host", reset, "", ask(":authority", "", "host", "u@a"), "-"},

	{"no scheme", reset, "", ask(":scheme"), "-"},
	{"another scheme", reset, "", ask(":scheme", "ftp"), "-"},
	{"two paths", reset, "", ask(":path", "/", ":path", "/b"), "-"},
	{"two methods", reset, "", ask(":method", "GET", ":method", "POST"), "-"},
	{"two authorities", reset, "", ask(":authority", "a", ":authority", "b"), "-"},
	{"a pseudo field behind a field", reset, "", append([]string{"x-a", "1"}, ask()...), "-"},
	{"a pseudo field of responses", reset, "", ask(":status", "200"), "-"},
	{"an unknown pseudo field", reset, "", ask(":x", "1"), "-"},

	{"a name in capitals", reset, "", ask("X-A", "1"), "-"},
	{"an empty name", reset, "", ask("", "1"), "-"},
	{"a name with a space", reset, "", ask("x a", "1"), "-"},
	{"a name with a colon", reset, "", ask("x:a", "1"), "-"},
	{"a name with a line end", reset, "", ask("x\r\na", "1"), "-"},
	{"a name with a byte above 0x7f", reset, "", ask("x\xff", "1"), "-"},
	{"a value with a line end", reset, "", ask("x-a", "1\r\nx-b: 2"), "-"},
	{"a value with a bare LF", reset, "", ask("x-a", "1\nx-b: 2"), "-"},
	{"a value with a bare CR", reset, "", ask("x-a", "1\rx-b: 2"), "-"},
	{"a value with a NUL", reset, "", ask("x-a", "1\x00"), "-"},
	{"a value with a control", reset, "", ask("x-a", "1\x1b[0m"), "-"},
	{"a value that begins with a space", ours, "400", ask("x-a", " 1"), "-"},
	{"a value that ends with a tab", ours, "400", ask("x-a", "1\t"), "-"},
	{"a value of white space", ours, "400", ask("x-a", " "), "-"},

	{"Connection", theirs400, "", ask("connection", "close"), "-"},
	{"Keep-Alive", theirs400, "", ask("keep-alive", "5"), "-"},
	{"Proxy-Connection", theirs400, "", ask("proxy-connection", "close"), "-"},
	{"Transfer-Encoding", theirs400, "", ask("transfer-encoding", "chunked"), "0\r\n\r\n"},
	{"Upgrade", theirs400, "", ask("upgrade", "websocket"), "-"},
	{"TE with more than trailers", theirs400, "", ask("te", "trailers, gzip"), "-"},
	{"TE without trailers", theirs400, "", ask("te", "gzip"), "-"},
	{"two TE", theirs400, "", ask("te", "trailers", "te", "trailers"), "-"},

	{"a length and no body", ours, "400", ask("content-length", "3"), "-"},
	{"a length with a plus", either, "400", ask("content-length", "+3"), "abc"},
	{"a list of lengths", either, "400", ask("content-length", "3, 3"), "abc"},
	{"two lengths", ours, "400", ask("content-length", "3", "content-length", "3"), "abc"},
	{"two lengths that differ", ours, "400", ask("content-length", "3", "content-length", "4"), "abc"},
	{"19 digits", ours, "400", ask("content-length", "0000000000000000003"), "abc"},
	{"an empty length", either, "400", ask("content-length", ""), "abc"},
	{"a body shorter than its length", ours, "400", ask("content-length", "5"), "abc"},
	{"a body longer than its length", reset, "", ask("content-length", "2"), "abc"},
	{"a body where none was announced", reset, "", ask("content-length", "0"), "abc"},

	{"another expectation", ours, "417", ask("expect", "200-ok"), "abc"},
	{"a target of 8 KB and one byte", ours, "414", ask(":path", "/"+strings.Repeat("a", 8192-4)), "-"},
	{"a field of 8 KB and one byte", ours, "431", ask("x", strings.Repeat("a", 8192-2)), "-"},
	{"101 fields", ours, "431", ask(many(100)...), "-"},
	{"a head of 40 KB", ours, "431", ask(large(40)...), "-"},
	{"a head of 48 KB", theirs431, "", ask(large(48)...), "-"},
	{"a head of 100 KB", closes, "", ask(large(100)...), "-"},
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
			id := client.Ask(c.body == "-", c.fields...)
			if c.body != "-" {
				client.Data(id, true, c.body)
			}
			a := client.Await(id)
			how := judge(client, a, faults)
			if c.how == either && how == reset || c.how == either && how == ours && a.Status == c.status {
				how = either
			}
			if how != c.how || how == ours && a.Status != c.status {
				t.Errorf("%s, %v, want %s %s", how, a, c.how, c.status)
			}
			if how == closes {
				return
			}
			// The connection goes on.
			if next := client.Await(client.Get()); next.Status != "200" {
				t.Errorf("after it: %v, %v", next, client.Closed)
			}
			client.Conn.Close()
			r.server.Drain()
			r.server.Wait()
		})
	}
}

// judge says who refused a request, "passed" if nobody did.
func judge(c *wiretest.H2, a *wiretest.H2Answer, faults chan error) string {
	switch {
	case a.Reset != nil && *a.Reset == http2.ErrCodeProtocol:
		return reset
	case c.Closed != nil:
		return closes
	case a.Status == "400" && len(faults) == 0:
		return theirs400
	case a.Status == "431" && len(faults) == 0:
		return theirs431
	case len(faults) > 0 && <-faults != nil:
		return ours
	}
	return "passed"
}

// TestQuiet: what x/net thinks of a client is not written to stderr.
func TestQuiet(t *testing.T) {
	var out bytes.Buffer
	log.SetOutput(&out) // what x/net falls back to
	defer log.SetOutput(os.Stderr)
	r := serve(t, answer(echo))
	c := r.client()
	c.WriteWindowUpdate(1, 1) // on an idle stream: a connection error
	c.Until(func() bool { return false })
	if r.stop(); c.GoAway == nil || out.Len() > 0 {
		t.Errorf("GOAWAY %v, on stderr %q", c.GoAway, &out)
	}
}
