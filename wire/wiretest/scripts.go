package wiretest

import (
	"fmt"
	"strings"
	"testing"
)

// A Script is a case of several steps.
type Script struct {
	Rule  int // see Case
	Name  string
	Steps []Step
}

// TestScripts plays every script between TCP sockets.
func TestScripts(t *testing.T, start Start, scripts []Script) {
	parted := 0
	for _, s := range scripts {
		t.Run(scriptName(s.Rule, s.Name), func(t *testing.T) {
			r := NewRig(t, start)
			r.parted = &parted
			r.Play(s.Steps...)
		})
	}
	checkParted(t, parted)
}

func scriptName(rule int, name string) string {
	if rule == 0 {
		return name
	}
	return fmt.Sprintf("rule %d/%s", rule, name)
}

const (
	ok       = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	okClosed = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
	plainGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
)

// A Pass is a request that goes through, and the exact bytes it becomes.
type Pass struct {
	Rule          int
	Name          string
	Sent, Arrives string
}

func pass(rule int, name, sent, arrives string) Pass { return Pass{rule, name, sent, arrives} }

// passes plays each on a connection that goes on.
func passes(all []Pass) (scripts []Script) {
	for _, p := range all {
		scripts = append(scripts, Script{p.Rule, p.Name, []Step{Send(p.Sent), Arrives(p.Arrives), Answer(ok), Gets(ok), Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok)}})
	}
	return scripts
}

// passClosed is pass on a connection that ends with the answer.
func passClosed(rule int, name, sent, arrives string) Script {
	return Script{rule, name, []Step{Send(sent), Arrives(arrives), Answer(ok), Gets(okClosed), ClientClosed()}}
}

// passed is what must go through on a connection that goes on, and only HTTP/1.1 can say.
var passed = []Pass{
	pass(1, "one empty line before the request", "\r\n"+plainGet, plainGet),
	pass(3, "names keep their spelling", get("x-A_b.C: 1\r\nX-a_B.c: 2\r\n"), get("x-A_b.C: 1\r\nX-a_B.c: 2\r\n")),
	pass(4, "white space around a value", get("X: \t a b\tc \t\r\nY:\r\nZ:z\r\n"), get("X: a b\tc\r\nY: \r\nZ: z\r\n")),
	pass(6, "chunked in capitals", post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n")),
	pass(7, "extensions are dropped and chunks made anew", post("Transfer-Encoding: chunked\r\n", "0003;a;b=c;d=\"e;\\\"\t f\"\r\nabc\r\n00002\r\nde\r\n000;x\r\n\r\n"),
		post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")),
	pass(7, "15 digits and capitals", post("Transfer-Encoding: chunked\r\n", "00000000000000B\r\nhello world\r\n0\r\n\r\n"),
		post("Transfer-Encoding: chunked\r\n", "b\r\nhello world\r\n0\r\n\r\n")),
	pass(7, "trailers", post("Transfer-Encoding: chunked\r\nTrailer: X\r\n", "1\r\na\r\n0\r\nX:  y \r\nZ: 1\r\n\r\n"),
		post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nX: y\r\nZ: 1\r\n\r\n")),
	pass(8, "an absolute target", "GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n"),
	pass(8, "an absolute target without a path", "GET https://a HTTP/1.1\r\nHost: a\r\n\r\n", plainGet),
	pass(9, "hop-by-hop fields go", get("Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nX-Stay: 2\r\nTE: gzip\r\nUpgrade: x\r\nHTTP2-Settings: y\r\n"), get("X-Stay: 2\r\n")),
	pass(9, "a named field goes without any other option", get("Connection: X-Hop\r\nX-Hop: 1\r\nx-hop: 2\r\nX-Stay: 2\r\n"), get("X-Stay: 2\r\n")),
	pass(9, "a named field goes also if Connection comes last", get("X-Hop: 1\r\nAccept: b\r\nConnection: , x-hop ,\r\nConnection: accept\r\n"), get("")),
	pass(9, "TE keeps only trailers", get("TE: gzip;q=0.5, trailers\r\nConnection: TE\r\n"), get("TE: trailers\r\nConnection: TE\r\n")),
	pass(12, "an upgrade to h2c is not for us", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), plainGet),
	pass(12, "an upgrade that Connection does not name", get("Upgrade: websocket\r\n"), plainGet),
	pass(12, "a list of upgrades", get("Connection: upgrade\r\nUpgrade: h2c, websocket\r\n"), plainGet),
	pass(12, "two upgrades", get("Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n"), plainGet),
	pass(12, "an upgrade to h2c with a body", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc", post("Content-Length: 3\r\n", "abc")),
}

// PassingLines is what must go through and only HTTP/1.1 can say: lines, and what concerns the connection.
var PassingLines = append(passes(passed), []Script{
	passClosed(0, "Connection: close", get("Connection: close\r\n"), plainGet),
	passClosed(0, "close beside keep-alive", get("Connection: keep-alive, Close\r\n"), plainGet),
	passClosed(0, "HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", plainGet),
	passClosed(0, "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\n\r\n"),
	passClosed(0, "HTTP/1.0 ignores Expect", "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", post("Content-Length: 3\r\n", "abc")),
	{0, "HTTP/1.0 with keep-alive", []Step{Send("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"), Arrives(plainGet), Answer(ok),
		Gets("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi"), Send("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), Arrives(plainGet), Answer(ok), Gets(okClosed), ClientClosed()}},
	{0, "pipelined requests", []Step{Send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" +
		"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n"),
		Arrives("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"), Answer(ok), Gets(ok),
		Arrives("POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), Answer(ok), Gets(ok),
		Arrives("POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), Answer(ok), Gets(ok),
		Arrives("GET /4 HTTP/1.1\r\nHost: a\r\n\r\n"), Answer(ok), Gets(ok)}},
	{0, "a refused request behind a good one", []Step{Send(plainGet + "GET / HTTP/1.1\r\nHost : a\r\n\r\n"), Arrives(plainGet), Answer(ok), Gets(ok), Gets(EdgeAnswer(400)), ClientClosed()}},
	{0, "nothing behind a refused request is read", []Step{Send("GET / HTTP/1.1\r\n\r\n" + plainGet), Gets(EdgeAnswer(400)), ClientClosed()}},
	{0, "a client that leaves within the head", []Step{Send("GET / HTTP/1.1\r\nHo"), ClientEnds(), ClientClosed()}},
	{0, "a client that leaves within the body", []Step{Send(post("Content-Length: 5\r\n", "abc")), ClientEnds(), Gets(EdgeAnswer(499)), ClientClosed()}},
	{0, "a client that ends its side still gets its answer", []Step{Send(plainGet), ClientEnds(), Arrives(plainGet), Answer(ok), Gets(ok), ClientClosed()}},
}...)

const chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

// badChunk is a chunked body that is malformed: nothing reaches the origin if it comes with the head; if it comes later,
// what was good before it may have, but the origin never sees the end of a request.
func badChunk(rule int, name, good, bad string) []Script {
	late := []Step{Send(chunkedHead), Arrives(chunkedHead)}
	if good != "" {
		late = append(late, Send(good), Arrives(good))
	}
	return []Script{
		{rule, name, []Step{Send(chunkedHead + good + bad), Gets(EdgeAnswer(400)), ClientClosed()}},
		{rule, name + ", late", append(late, Send(bad), Gets(EdgeAnswer(400)), ClientClosed(), OriginClosed())},
	}
}

// BadChunks is every malformed chunked body. Trailers that are malformed in any protocol are here only together with their head.
var BadChunks = join(
	badChunk(7, "no digit", "", "\r\nabc"),
	badChunk(7, "no digit before an extension", "", ";a\r\nabc"),
	badChunk(7, "a prefix", "", "0x3\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a plus", "", "+3\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a minus", "", "-3\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "an underscore", "", "1_0\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a space before the size", "", " 3\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a space behind the size", "", "3 \r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a space before an extension", "", "3 ;a\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "16 digits", "", "0000000000000003\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a size beyond 63 bits", "", "ffffffffffffffff\r\nabc"),
	badChunk(7, "no hexadecimal digit", "", "g\r\nabc\r\n"),
	badChunk(7, "a NUL in the size", "", "3\x00\r\nabc\r\n"),
	badChunk(7, "a bare LF behind the size", "", "3\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a bare CR behind the size", "", "3\rabc\r\n0\r\n\r\n"),
	badChunk(7, "two CRs behind the size", "", "3\r\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a bare LF in an extension", "", "3;a\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a bare CR in an extension", "", "3;a\rb\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "an LF in a quoted extension", "", "3;a=\"\nb\"\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "an open quoted extension", "", "3;a=\"b\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "an empty extension", "", "3;\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "an extension without a value", "", "3;a=\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "an extension of 260 bytes", "", "3;"+strings.Repeat("a", 260)+"\r\nabc\r\n0\r\n\r\n"),
	badChunk(7, "a line without an end", "", "3;"+strings.Repeat("a", 300)),
	badChunk(7, "data that is too long", "3\r\nabc\r\n", "2\r\nxyz\r\n0\r\n\r\n")[:1],
	badChunk(7, "an LF behind the data", "", "3\r\nabc\n0\r\n\r\n")[:1],
	badChunk(7, "a CR and no LF behind the data", "", "3\r\nabc\rx0\r\n\r\n")[:1],
	badChunk(7, "nothing behind the data", "", "3\r\nabc0\r\n\r\n")[:1],
	badChunk(7, "a bare LF behind the last chunk", "1\r\na\r\n", "0\n\r\n"),
	badChunk(7, "a bare LF as the end", "1\r\na\r\n", "0\r\n\nX"),
	badChunk(1, "a bare LF in a trailer", "1\r\na\r\n", "0\r\nX: a\nY: b\r\n\r\n"),
	badChunk(1, "a bare CR in a trailer", "1\r\na\r\n", "0\r\nX: a\rY: b\r\n\r\n"),
	badChunk(3, "a space before a trailer's colon", "1\r\na\r\n", "0\r\nX : a\r\n\r\n")[:1],
	badChunk(3, "a folded trailer", "1\r\na\r\n", "0\r\nX: a\r\n b\r\n\r\n"),
	badChunk(4, "a NUL in a trailer", "1\r\na\r\n", "0\r\nX: \x00\r\n\r\n")[:1],
	badChunk(6, "Transfer-Encoding in a trailer", "1\r\na\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n")[:1],
	badChunk(5, "Content-Length in a trailer", "1\r\na\r\n", "0\r\nContent-Length: 3\r\n\r\n")[:1],
	badChunk(8, "Host in a trailer", "1\r\na\r\n", "0\r\nHost: b\r\n\r\n")[:1],
	badChunk(9, "Authorization in a trailer", "1\r\na\r\n", "0\r\nAuthorization: b\r\n\r\n")[:1],
	badChunk(9, "Connection in a trailer", "1\r\na\r\n", "0\r\nConnection: close\r\n\r\n")[:1],
	badChunk(10, "X_Forwarded_For in a trailer", "1\r\na\r\n", "0\r\nX_Forwarded_For: b\r\n\r\n")[:1],
	badChunk(9, "X-Forwarded-For in a trailer", "1\r\na\r\n", "0\r\nX-Forwarded-For: b\r\n\r\n")[:1],
	badChunk(16, "101 trailers", "1\r\na\r\n", "0\r\n"+strings.Repeat("X: a\r\n", 101)+"\r\n")[:1],
	badChunk(16, "a trailer section of more than 8 KB", "1\r\na\r\n", "0\r\nX: "+strings.Repeat("a", 5000)+"\r\nY: "+strings.Repeat("a", 3300)+"\r\n\r\n")[:1],
)

func join(lists ...[]Script) (all []Script) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
