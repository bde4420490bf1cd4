package wiretest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// A Refusal is a request that must be answered with a status and a closed connection, without a byte to the origin.
type Refusal struct {
	Rule   int    // see Case
	Name   string // what is wrong with it
	Bytes  string
	Status int
}

// get is a request with these field lines.
func get(fields string) string { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" }

// post is a request with these field lines and body bytes.
func post(fields, body string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body
}

// RefusedLines is every request that an edge must not repair and that only HTTP/1.1 can say. Case has the others, and the rules.
var RefusedLines = []Refusal{
	{1, "bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
	{1, "bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
	{1, "bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n\r\n\r\n", 400},
	{1, "only bare LFs", "GET / HTTP/1.1\nHost: a\n\n", 400},
	{1, "bare CR in the request line", "GET / HTTP/1.1\rX\r\nHost: a\r\n\r\n", 400},
	{1, "bare CR as white space", get("X:\ra\r\n"), 400},
	{1, "CR before CRLF", get("X: a\r\r\n"), 400},
	{1, "CR before the CRLF of the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400},
	{1, "two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{1, "an LF before the request", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{1, "a CR alone before the request", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},

	{2, "no version", "GET /\r\nHost: a\r\n\r\n", 400},
	{2, "HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
	{2, "HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
	{2, "HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	{2, "HTTP/3.1", "GET / HTTP/3.1\r\nHost: a\r\n\r\n", 505},
	{2, "HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
	{2, "HTTP/01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400},
	{2, "HTTP/+1.1", "GET / HTTP/+1.1\r\nHost: a\r\n\r\n", 400},
	{2, "HTTP/1,1", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", 400},
	{2, "small letters in HTTP", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
	{2, "two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "two spaces behind the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "a tab behind the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "a tab behind the target", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "a space before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "an empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{2, "an absolute target without a path but with a query", "GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n", 400},

	{3, "a space before the colon of Content-Length", post("Content-Length : 3\r\n", "abc"), 400},
	{3, "no colon", get("X\r\n"), 400},
	{3, "a folded line", get("X: a\r\n b\r\n"), 400},
	{3, "a line folded by a tab", get("X: a\r\n\tb\r\n"), 400},
	{3, "a space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
	{3, "a tab before the first field", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", 400},
	{3, "a line of white space", get(" \r\n"), 400},

	{4, "a vertical tab around chunked", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), 400},

	{6, "with a length", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
	{6, "before a length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
	{6, "gzip before chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
	{6, "identity", post("Transfer-Encoding: identity\r\n", ""), 501},
	{6, "empty", post("Transfer-Encoding:\r\n", ""), 501},
	{6, "chunked twice in a list", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 501},
	{6, "chunked twice in two fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
	{6, "chunked and identity", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), 400},
	{6, "identity and chunked", post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 501},
	{6, "a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 501},
	{6, "in quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 501},
	{6, "a comma before", post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), 501},
	{6, "a comma behind", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), 501},
	{6, "a longer word", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
	{6, "on HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{6, "identity with a length", post("Content-Length: 3\r\nTransfer-Encoding: identity\r\n", "abc"), 501},

	{8, "two", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	{8, "two the same", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
	{8, "empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
	{8, "an absolute target for another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{8, "an absolute target for another port", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{8, "an absolute target with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{8, "an absolute target without a host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{8, "an absolute target and no Host", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
	{8, "two on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},

	{9, "Connection names Host", get("Connection: close, Host\r\n"), 400},
	{9, "Connection names Content-Length", post("Connection: content-length\r\nContent-Length: 3\r\n", "abc"), 400},
	{9, "Connection names Authorization", get("Connection: Authorization\r\nAuthorization: x\r\n"), 400},
	{9, "Connection names Cookie", get("Connection: keep-alive, cookie\r\nCookie: x\r\n"), 400},
	{9, "Connection names X-Forwarded-For", get("Connection: X-Forwarded-For\r\n"), 400},
	{9, "Connection names X_Forwarded_For", get("Connection: X_Forwarded_For\r\n"), 400},
	{9, "Connection names Transfer-Encoding", post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
	{9, "Connection is no list of tokens", get("Connection: a b\r\n"), 400},
	{9, "Connection holds a quoted string", get("Connection: \"close\"\r\n"), 400},

	{12, "an upgrade with a length", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc", 400},
	{12, "an upgrade with chunks", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{12, "CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405},
	{12, "CONNECT on HTTP/1.0", "CONNECT a:443 HTTP/1.0\r\n\r\n", 405},

	{16, "a request line of 33 KB", "GET /" + strings.Repeat("a", 33<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
	{16, "a request line without an end", "GET /" + strings.Repeat("a", 33<<10), 414},
	{16, "a head without an end", headOf(40 << 10)[:36<<10], 431},
}

// headOf is a GET whose head has exactly n bytes.
func headOf(n int) string {
	const start, end = "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n"
	var b strings.Builder
	b.WriteString(start)
	for left := n - len(start) - len(end); left > 0; {
		line := min(left, 8000)
		if rest := left - line; rest > 0 && rest < 8 {
			line -= 8
		}
		b.WriteString("X: " + strings.Repeat("a", line-5) + "\r\n")
		left -= line
	}
	return b.String() + end
}

// TestRefusedLines plays every refusal of RefusedLines: the whole request at once, and one byte after the other.
func TestRefusedLines(t *testing.T, start Start) {
	for _, c := range RefusedLines {
		name := fmt.Sprintf("rule %d/%s", c.Rule, c.Name)
		t.Run(name, func(t *testing.T) { playRefusal(t, start, c, SendAside(c.Bytes)) })
		if len(c.Bytes) < 200 {
			t.Run(name+"/bytewise", func(t *testing.T) { playRefusal(t, start, c, sendBytewise(c.Bytes)) })
		}
	}
}

func playRefusal(t *testing.T, start Start, c Refusal, send Step) {
	t.Helper()
	r := NewRig(t, start)
	r.Play(send, Gets(EdgeAnswer(c.Status)), ClientClosed())
	if r.unused > 0 {
		t.Error("the proxy connected to the origin")
	}
}

// sendBytewise writes each byte for itself. Nagle's algorithm is off on Go's sockets: they may well arrive alone.
func sendBytewise(data string) Step {
	return Step{"client sends " + short(data) + " bytewise", func(r *Rig) error {
		c := r.client
		go func() {
			for i := range len(data) {
				if _, err := c.Write([]byte(data[i : i+1])); err != nil {
					return
				}
			}
		}()
		return nil
	}}
}

// EdgeAnswer is the answer that a proxy under test makes out of a fault: without a body, on a connection that closes.
func EdgeAnswer(status int) string {
	return "HTTP/1.1 " + strconv.Itoa(status) + " " + reason[status] + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
}

// EdgeAnswerKept is EdgeAnswer on a connection that goes on.
func EdgeAnswerKept(status int) string {
	return strings.Replace(EdgeAnswer(status), "Connection: close\r\n", "", 1)
}

var reason = map[int]string{
	400: "Bad Request", 405: "Method Not Allowed", 499: "Client Closed Request", 408: "Request Timeout", 413: "Content Too Large", 414: "URI Too Long",
	417: "Expectation Failed", 431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
	502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
}
