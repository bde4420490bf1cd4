package wiretest

import "strings"

func head200(fields string) string { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" }

// badAnswer is an answer that becomes 502; its connection is not used again.
func badAnswer(rule int, name, answer string) Case {
	return Case{Rule: rule, Name: "no answer: " + name, Steps: more(Asks(Request{}), Arrives(plainGet), AnswerAside(answer), Sees(bad502), OriginClosed())}
}

// bad502 is what the client sees of a proxy's own 502.
var bad502 = Reply{Status: 502, Fields: "content-length: 0\n"}

// badAnswers is every response head that an edge must not repair: rule 14 makes a response as strict as a request. The
// rule named is the one that the response breaks.
var badAnswers = []Case{
	badAnswer(1, "bare LF after the status line", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(1, "only bare LFs", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"),
	badAnswer(1, "bare LF after a field", "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(1, "bare CR in a value", head200("X: a\rb\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(1, "bare CR in the reason", "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(1, "an empty line before the status line", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "HTTP/0.9", "hi\r\n\r\n"),
	badAnswer(2, "HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "HTTP/1.2", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "small letters", "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "two spaces before the status", "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "a status with a letter", "HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "status 099", "HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "status 600", "HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(2, "a control in the reason", "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(3, "a space before the colon", head200("X : a\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(3, "no name", head200(": a\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(3, "no colon", head200("X\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(3, "a folded line", head200("X: a\r\n b\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(3, "a folded Content-Length", head200("X: a\r\n\tContent-Length: 9\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(4, "a NUL in a value", head200("X: a\x00\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(4, "a control in a value", head200("X: a\x1b[0m\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(5, "two lengths", head200("Content-Length: 2\r\nContent-Length: 3\r\n")+"hi"),
	badAnswer(5, "two lengths that agree", head200("Content-Length: 2\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(5, "a list of lengths", head200("Content-Length: 2, 2\r\n")+"hi"),
	badAnswer(5, "a plus", head200("Content-Length: +2\r\n")+"hi"),
	badAnswer(5, "a negative length", head200("Content-Length: -2\r\n")+"hi"),
	badAnswer(5, "an empty length", head200("Content-Length:\r\n")+"hi"),
	badAnswer(5, "a length of 19 digits", head200("Content-Length: 0000000000000000002\r\n")+"hi"),
	badAnswer(6, "gzip before chunked", head200("Transfer-Encoding: gzip, chunked\r\n")+"0\r\n\r\n"),
	badAnswer(6, "identity", head200("Transfer-Encoding: identity\r\n")+"hi"),
	badAnswer(6, "chunked twice", head200("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")+"0\r\n\r\n"),
	badAnswer(6, "chunked in a list of two", head200("Transfer-Encoding: chunked, chunked\r\n")+"0\r\n\r\n"),
	badAnswer(6, "chunked on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	badAnswer(6, "a vertical tab before chunked", head200("Transfer-Encoding: \x0bchunked\r\n")+"0\r\n\r\n"),
	badAnswer(9, "Connection names Set-Cookie", head200("Connection: Set-Cookie\r\nSet-Cookie: a\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(9, "Connection is no list of tokens", head200("Connection: a b\r\nContent-Length: 2\r\n")+"hi"),
	badAnswer(12, "101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
	badAnswer(14, "an interim response with a length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(14, "an interim response with chunks", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	badAnswer(14, "205 with a length", "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nhi"),
	badAnswer(14, "17 interim responses", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 17)),
	badAnswer(16, "a head of 32 KB and one byte", strings.Replace(headOf(32<<10-1), "GET / HTTP/1.1\r\nHost: a", "HTTP/1.1 200 OK\r\nHost: ab", 1)),
	badAnswer(16, "a field line of 8 KB and one byte", head200("X: "+strings.Repeat("a", 8192-2)+"\r\n")),
	badAnswer(16, "101 fields", head200(strings.Repeat("X: a\r\n", 101))),
	badAnswer(16, "a head without an end", head200(strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 34))),
}
