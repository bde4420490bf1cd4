package wiretest

import (
	"strings"
	"testing"
)

// A Speech is how a protocol on the client's side says the three things that the tables of answers need: HTTP/1.1 is
// H1; other protocols bring their own, made with OnClient.
type Speech struct {
	Get    Step // GET / of host a
	Failed Step // the answer is 502, and the next Get may follow
	OK     Step // the answer is 200 with the body "hi"
}

// H1 is the Speech of HTTP/1.1.
var H1 = Speech{Send(plainGet), Gets(EdgeAnswerKept(502)), Gets(ok)}

// A BadAnswer is what an origin may not say.
type BadAnswer struct {
	Rule  int
	Name  string
	Bytes string
}

func head200(fields string) string { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" }

// BadAnswers is every response head that an edge must not repair: rule 14 makes a response as strict as a request. The
// rule named is the one that the response breaks.
var BadAnswers = []BadAnswer{
	{1, "bare LF after the status line", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi"},
	{1, "only bare LFs", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"},
	{1, "bare LF after a field", "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\nhi"},
	{1, "bare CR in a value", head200("X: a\rb\r\nContent-Length: 2\r\n") + "hi"},
	{1, "bare CR in the reason", "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nhi"},
	{1, "an empty line before the status line", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "HTTP/0.9", "hi\r\n\r\n"},
	{2, "HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "HTTP/1.2", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "small letters", "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "two spaces before the status", "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "a status with a letter", "HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "status 099", "HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "status 600", "HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\nhi"},
	{2, "a control in the reason", "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nhi"},
	{3, "a space before the colon", head200("X : a\r\nContent-Length: 2\r\n") + "hi"},
	{3, "no name", head200(": a\r\nContent-Length: 2\r\n") + "hi"},
	{3, "no colon", head200("X\r\nContent-Length: 2\r\n") + "hi"},
	{3, "a folded line", head200("X: a\r\n b\r\nContent-Length: 2\r\n") + "hi"},
	{3, "a folded Content-Length", head200("X: a\r\n\tContent-Length: 9\r\nContent-Length: 2\r\n") + "hi"},
	{4, "a NUL in a value", head200("X: a\x00\r\nContent-Length: 2\r\n") + "hi"},
	{4, "a control in a value", head200("X: a\x1b[0m\r\nContent-Length: 2\r\n") + "hi"},
	{5, "two lengths", head200("Content-Length: 2\r\nContent-Length: 3\r\n") + "hi"},
	{5, "two lengths that agree", head200("Content-Length: 2\r\nContent-Length: 2\r\n") + "hi"},
	{5, "a list of lengths", head200("Content-Length: 2, 2\r\n") + "hi"},
	{5, "a plus", head200("Content-Length: +2\r\n") + "hi"},
	{5, "a negative length", head200("Content-Length: -2\r\n") + "hi"},
	{5, "an empty length", head200("Content-Length:\r\n") + "hi"},
	{5, "a length of 19 digits", head200("Content-Length: 0000000000000000002\r\n") + "hi"},
	{6, "gzip before chunked", head200("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n"},
	{6, "identity", head200("Transfer-Encoding: identity\r\n") + "hi"},
	{6, "chunked twice", head200("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
	{6, "chunked in a list of two", head200("Transfer-Encoding: chunked, chunked\r\n") + "0\r\n\r\n"},
	{6, "chunked on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{6, "a vertical tab before chunked", head200("Transfer-Encoding: \x0bchunked\r\n") + "0\r\n\r\n"},
	{9, "Connection names Set-Cookie", head200("Connection: Set-Cookie\r\nSet-Cookie: a\r\nContent-Length: 2\r\n") + "hi"},
	{9, "Connection is no list of tokens", head200("Connection: a b\r\nContent-Length: 2\r\n") + "hi"},
	{12, "101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
	{14, "an interim response with a length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\nhi"},
	{14, "an interim response with chunks", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{14, "205 with a length", "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nhi"},
	{14, "17 interim responses", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 17)},
	{16, "a head of 32 KB and one byte", strings.Replace(headOf(32<<10-1), "GET / HTTP/1.1\r\nHost: a", "HTTP/1.1 200 OK\r\nHost: ab", 1)},
	{16, "a field line of 8 KB and one byte", head200("X: " + strings.Repeat("a", 8192-2) + "\r\n")},
	{16, "101 fields", head200(strings.Repeat("X: a\r\n", 101))},
	{16, "a head without an end", head200(strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 34))},
}

// TestBadAnswers plays every bad answer: 502, and the origin's connection closes and is not used again.
func TestBadAnswers(t *testing.T, start Start, s Speech) {
	for _, c := range BadAnswers {
		t.Run(scriptName(c.Rule, c.Name), func(t *testing.T) {
			NewRig(t, start).Play(s.Get, Arrives(plainGet), AnswerAside(c.Bytes), s.Failed, OriginClosed(),
				s.Get, Arrives(plainGet), Answer(ok), s.OK)
		})
	}
}

// answered is a response that goes through: what the client gets, and whether the origin's connection is used again.
func answered(name, answer, gets string, kept bool) Script {
	steps := []Step{Send(plainGet), Arrives(plainGet), Answer(answer), Gets(gets)}
	if !kept {
		steps = append(steps, OriginClosed())
	}
	return Script{14, name, append(steps, Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok))}
}

// toEnd is a response that ends with the origin's connection.
func toEnd(name, answer, gets string) Script {
	return Script{14, name, []Step{Send(plainGet), Arrives(plainGet), Answer(answer), OriginHangsUp(), Gets(gets), Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok)}}
}

// broken is a response that breaks off after its head: the client gets what there was and the end of the connection.
func broken(name, answer string, gets string, hangUp bool) Script {
	steps := []Step{Send(plainGet), Arrives(plainGet), AnswerAside(answer)}
	if hangUp {
		steps = []Step{Send(plainGet), Arrives(plainGet), Answer(answer), OriginHangsUp()}
	}
	steps = append(steps, Gets(gets), ClientClosed())
	if !hangUp {
		steps = append(steps, OriginClosed())
	}
	return Script{14, name, append(steps, ClientNext(), Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok))}
}

func ask(method, answer, gets string, kept bool) Script {
	request := method + " / HTTP/1.1\r\nHost: a\r\n\r\n"
	steps := []Step{Send(request), Arrives(request), Answer(answer), Gets(gets)}
	if !kept {
		steps = append(steps, OriginClosed())
	}
	return Script{14, method + " " + short(answer), append(steps, Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok))}
}

const (
	chunked200 = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	trailerGet = "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n"
	http10Get  = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
)

// Answers is what becomes of the responses that go through.
var Answers = []Script{
	answered("a length", "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX: 1\r\n\r\nhi", "HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 2\r\n\r\nhi", true),
	answered("no reason", "HTTP/1.1 299\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 299 \r\nContent-Length: 2\r\n\r\nhi", true),
	answered("chunks are made anew", chunked200+"0002;x=y\r\nhi\r\n00\r\n\r\n", chunked200+"2\r\nhi\r\n0\r\n\r\n", true),
	answered("hop-by-hop fields go", head200("Connection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nUpgrade: h2\r\nTrailer: X\r\nProxy-Connection: x\r\nContent-Length: 2\r\nX: 1\r\n")+"hi",
		head200("X: 1\r\nContent-Length: 2\r\n")+"hi", true),
	answered("a date of the origin", head200("Date: yesterday\r\nContent-Length: 2\r\n")+"hi", head200("Date: yesterday\r\nContent-Length: 2\r\n")+"hi", true),
	answered("Connection: close", head200("Connection: close\r\nContent-Length: 2\r\n")+"hi", ok, false),
	answered("HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", ok, false),
	answered("HTTP/1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", ok, false),
	answered("both framings: the length goes, the connection ends", head200("Content-Length: 99\r\nTransfer-Encoding: chunked\r\n")+"2\r\nhi\r\n0\r\n\r\n", chunked200+"2\r\nhi\r\n0\r\n\r\n", false),
	answered("bytes behind a length", head200("Content-Length: 2\r\n")+"hiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", ok, false),
	answered("one byte behind a length", head200("Content-Length: 2\r\n")+"hi!", ok, false),
	answered("bytes behind the last chunk", chunked200+"2\r\nhi\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", chunked200+"2\r\nhi\r\n0\r\n\r\n", false),
	answered("204", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", true),
	answered("204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", false),
	answered("204 with chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", false),
	answered("304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"a\"\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 99\r\n\r\n", true),
	answered("304", "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n", true),
	answered("304 with a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", false),
	answered("205 without a body", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", true),
	answered("an empty body", head200("Content-Length: 0\r\n"), head200("Content-Length: 0\r\n"), true),
	answered("103 and 102", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: hop\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"+ok,
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"+ok, true),
	answered("100 that nobody asked for", "HTTP/1.1 100 Continue\r\n\r\n"+ok, ok, true),
	answered("16 interim responses", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 16)+ok, ok, true),
	answered("trailers that the client did not ask for", chunked200+"2\r\nhi\r\n0\r\nX: 1\r\n\r\n", chunked200+"2\r\nhi\r\n0\r\n\r\n", true),
	answered("exactly 100 fields", head200(strings.Repeat("X: a\r\n", 99)+"Content-Length: 2\r\n")+"hi", head200(strings.Repeat("X: a\r\n", 99)+"Content-Length: 2\r\n")+"hi", true),
	ask("HEAD", head200("Content-Length: 99\r\nX: 1\r\n"), head200("X: 1\r\nContent-Length: 99\r\n"), true),
	ask("HEAD", chunked200, "HTTP/1.1 200 OK\r\n\r\n", true),
	ask("HEAD", head200(""), "HTTP/1.1 200 OK\r\n\r\n", true),
	ask("HEAD", head200("Content-Length: 2\r\n")+"hi", head200("Content-Length: 2\r\n"), false),
	toEnd("a body to the end", head200("")+"hello", chunked200+"5\r\nhello\r\n0\r\n\r\n"),
	toEnd("an empty body to the end", head200(""), chunked200+"0\r\n\r\n"),
	toEnd("HTTP/1.0 to the end", "HTTP/1.0 200 OK\r\n\r\nhello", chunked200+"5\r\nhello\r\n0\r\n\r\n"),
	{14, "trailers that the client asked for", []Step{Send(trailerGet), Arrives(trailerGet), Answer(chunked200 + "2\r\nhi\r\n0\r\nX: 1\r\ny: 2\r\n\r\n"),
		Gets(chunked200 + "2\r\nhi\r\n0\r\nX: 1\r\ny: 2\r\n\r\n")}},
	{14, "no chunks for HTTP/1.0", []Step{Send(http10Get), Arrives(plainGet), Answer(chunked200 + "2\r\nhi\r\n0\r\nX: 1\r\n\r\n"),
		Gets("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"), ClientClosed()}},
	{14, "no interim responses for HTTP/1.0", []Step{Send(http10Get), Arrives(plainGet), Answer("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok),
		Gets("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi")}},
	{14, "a piece leaves before the next one comes", []Step{Send(plainGet), Arrives(plainGet), Answer(chunked200 + "2\r\nhi\r\n"), Gets(chunked200 + "2\r\nhi\r\n"),
		Answer("3\r\n"), Answer("you\r\n0"), Gets("3\r\nyou\r\n"), Answer("\r\n\r\n"), Gets("0\r\n\r\n")}},
	{14, "a piece leaves before the trailers come", []Step{Send(trailerGet), Arrives(trailerGet), Answer(chunked200 + "2\r\nhi\r\n0\r\nX: 1\r\n"), Gets(chunked200 + "2\r\nhi\r\n"),
		Answer("\r\n"), Gets("0\r\nX: 1\r\n\r\n")}},
	{14, "the head leaves before the body comes", []Step{Send(plainGet), Arrives(plainGet), Answer(head200("Content-Length: 2\r\n")), Gets(head200("Content-Length: 2\r\n")), Answer("h"), Gets("h"), Answer("i"), Gets("i")}},
	{14, "no answer", []Step{Send(plainGet), Arrives(plainGet), OriginHangsUp(), Gets(EdgeAnswerKept(502)), Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok)}},
	{14, "half a head", []Step{Send(plainGet), Arrives(plainGet), Answer("HTTP/1.1 200 OK\r\nX"), OriginHangsUp(), Gets(EdgeAnswerKept(502)), Send(plainGet), Arrives(plainGet), Answer(ok), Gets(ok)}},
	{14, "an interim response and no answer", []Step{Send(plainGet), Arrives(plainGet), Answer("HTTP/1.1 103 Early Hints\r\n\r\n"), OriginHangsUp(),
		Gets("HTTP/1.1 103 Early Hints\r\n\r\n" + EdgeAnswerKept(502))}},
	broken("a body that is too short", head200("Content-Length: 5\r\n")+"hi", head200("Content-Length: 5\r\n")+"hi", true),
	broken("chunks without an end", chunked200+"2\r\nhi\r\n", chunked200+"2\r\nhi\r\n", true),
	broken("a chunk that is too short", chunked200+"5\r\nhi", chunked200+"2\r\nhi\r\n", true),
	broken("a chunk with a bad size", chunked200+"2\r\nhi\r\nx\r\n", chunked200+"2\r\nhi\r\n", false),
	broken("a chunk with a bad end", chunked200+"2\r\nhixx", chunked200+"2\r\nhi\r\n", false),
	broken("a chunk ending in LF", chunked200+"2\r\nhi\n0\r\n\r\n", chunked200+"2\r\nhi\r\n", false),
	broken("a size line ending in LF", chunked200+"2\r\nhi\r\n2\nho\r\n0\r\n\r\n", chunked200+"2\r\nhi\r\n", false),
	broken("a space behind a size", chunked200+"2\r\nhi\r\n2 \r\nho\r\n0\r\n\r\n", chunked200+"2\r\nhi\r\n", false),
	broken("a trailer that frames", chunked200+"2\r\nhi\r\n0\r\nContent-Length: 3\r\n\r\n", chunked200+"2\r\nhi\r\n", false),
	broken("a trailer that is folded", chunked200+"2\r\nhi\r\n0\r\nX: 1\r\n y\r\n\r\n", chunked200+"2\r\nhi\r\n", false),
	broken("Set-Cookie in a trailer", chunked200+"2\r\nhi\r\n0\r\nSet-Cookie: a\r\n\r\n", chunked200+"2\r\nhi\r\n", false),
}
