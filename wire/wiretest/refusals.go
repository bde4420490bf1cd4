package wiretest

import "strings"

// refuse is a head that no byte of may reach the origin.
func refuse(rule int, name string, status int, q Request) Case {
	return Case{Rule: rule, Name: name, Aloof: true, Steps: more(Asks(q), SeesRefusal(status), Spent())}
}

// refuseBody is refuse for what is wrong behind the head: the proxy may have connected already.
func refuseBody(rule int, name string, status int, q Request) Case {
	c := refuse(rule, name, status, q)
	c.Aloof = false
	return c
}

// badTrailers is a trailer section that may not be there: the origin never sees the end of the request.
func badTrailers(rule int, name string, trailers ...string) Case {
	return Case{Rule: rule, Name: name + " in a trailer", Steps: more(Asks(posts("", "a").begun()), ArrivesInChunks(chunkedPost, "a"),
		SaysTrailers(trailers...), SeesRefusal(400), Spent(), OriginClosed())}
}

// refusals is what an edge must not repair, whatever the protocol.
var refusals = []Case{
	refuse(2, "a method that is no token", 400, Request{Method: "GE(T"}),
	refuse(2, "a method with NUL", 400, Request{Method: "GE\x00T"}),
	refuse(2, "a target with a control", 400, to("/\x01")),
	refuse(2, "a target with NUL", 400, to("/a\x00b")),
	refuse(2, "a target with DEL", 400, to("/\x7f")),
	refuse(2, "a target with a byte of UTF-8", 400, to("/\xc3\xa4")),
	refuse(2, "a target with a fragment", 400, to("/a#b")),
	refuse(2, "a target without a slash", 400, to("a")),
	refuse(2, "an asterisk without OPTIONS", 400, to("*")),
	refuse(2, "an asterisk with more", 400, Request{Method: "OPTIONS", Path: "*a"}),
	refuse(2, "a backslash in the path", 400, to("/a\\..\\b")),
	refuse(2, "an encoded NUL", 400, to("/%00")),
	refuse(2, "an encoded dot segment", 400, to("/a/%2e%2e/b")),
	refuse(2, "a broken percent-code", 400, to("/%zz")),

	refuse(3, "no name", 400, fields("", "a")),
	refuse(3, "a NUL in a name", 400, fields("x\x00", "a")),
	refuse(3, "a byte above 0x7f in a name", 400, fields("x\xff", "a")),
	refuse(3, "a bracket in a name", 400, fields("x(", "a")),
	refuse(3, "a slash in a name", 400, fields("x/y", "a")),
	refuse(3, "a space in a name", 400, fields("x y", "a")),
	refuse(3, "a space behind a name", 400, fields("x ", "a")),
	refuse(3, "a tab behind a name", 400, fields("x\t", "a")),

	refuse(4, "a NUL in a value", 400, fields("x", "a\x00b")),
	refuse(4, "a NUL at the end of a long value", 400, fields("x", "abcdefghijklmnop\x00")),
	refuse(4, "a control in a value", 400, fields("x", "a\x01b")),
	refuse(4, "a DEL in a value", 400, fields("x", "a\x7fb")),
	refuse(4, "a bare CR in a value", 400, fields("x", "a\rb")),
	refuse(4, "a bare LF in a value", 400, fields("x", "a\nb")),
	refuse(4, "a vertical tab before a value", 400, fields("x", "\x0ba")),
	refuse(4, "a form feed behind a value", 400, fields("x", "a\x0c")),
	refuse(4, "an escape in a long value", 400, fields("x", "abcdefgh\x1bjklmnop")),

	refuse(5, "a plus", 400, posts("+3", "abc")),
	refuse(5, "a minus", 400, posts("-3", "abc")),
	refuse(5, "hexadecimal", 400, posts("0x3", "abc")),
	refuse(5, "an underscore", 400, posts("1_0", "abcdefghij")),
	refuse(5, "an empty length", 400, Request{Method: "POST", Fields: []string{"Content-Length", ""}, Body: []string{""}}),
	refuse(5, "a list", 400, posts("3, 3", "abc")),
	refuse(5, "a comma behind", 400, posts("3,", "abc")),
	refuse(5, "twice the same", 400, posts("3", "abc").with("Content-Length", "3")),
	refuse(5, "twice", 400, posts("3", "abc").with("Content-Length", "4")),
	refuse(5, "a space within", 400, posts("1 0", "abcdefghij")),
	refuse(5, "19 digits", 400, posts("0000000000000000003", "abc")),
	refuse(5, "20 digits", 400, posts("18446744073709551619", "abc")),
	refuse(5, "a fraction", 400, posts("3.0", "abc")),
	refuse(5, "an exponent", 400, posts("1e1", "abc")),
	refuse(5, "a no-break space", 400, posts("\xa03", "abc")),
	refuse(5, "in quotes", 400, posts("\"3\"", "abc")),
	refuse(5, "a digit of UTF-8", 400, posts("\xd9\xa3", "abc")),

	refuse(8, "no host", 400, at(None)),
	refuse(8, "a list of hosts", 400, at("a, b")),
	refuse(8, "a path in the host", 400, at("a/b")),
	refuse(8, "a user", 400, at("u@a")),
	refuse(8, "a space in the host", 400, at("a b")),
	refuse(8, "a port that is none", 400, at("a:b")),
	refuse(8, "a port too large", 400, at("a:65536")),
	refuse(8, "a colon without a port", 400, at("a:")),
	refuse(8, "a bracket open", 400, at("[::1")),
	refuse(8, "an empty label", 400, at("a..b")),

	refuse(13, "another expectation", 417, posts("3").with("Expect", "200-ok").begun()),
	refuse(13, "two expectations", 417, posts("3").with("Expect", "100-continue", "Expect", "100-continue").begun()),
	refuse(13, "a list of expectations", 417, posts("3").with("Expect", "100-continue, x").begun()),
	refuse(13, "TRACE", 405, Request{Method: "TRACE"}),
	refuse(13, "TRACE with Max-Forwards", 405, Request{Method: "TRACE", Fields: []string{"Max-Forwards", "0"}}),

	refuse(16, "method and target of 8 KB and one byte", 414, to("/"+strings.Repeat("a", 8192-4))),
	refuse(16, "a field of 8 KB and one byte", 431, fields("x", strings.Repeat("a", 8192-2))),
	refuse(16, "101 fields", 431, fields(repeated(100, "x", "a")...)),
	refuse(16, "a head of 32 KB and one byte", 431, sized(32<<10+1)),

	badTrailers(3, "no name", "", "a"),
	badTrailers(3, "a space behind a name", "x ", "a"),
	badTrailers(4, "a NUL", "x", "\x00"),
	badTrailers(4, "a bare CR", "x", "a\rb"),
	badTrailers(5, "Content-Length", "Content-Length", "3"),
	badTrailers(6, "Transfer-Encoding", "Transfer-Encoding", "chunked"),
	badTrailers(8, "Host", "Host", "b"),
	badTrailers(9, "Authorization", "Authorization", "b"),
	badTrailers(9, "Connection", "Connection", "close"),
	badTrailers(9, "X-Forwarded-For", "X-Forwarded-For", "b"),
	badTrailers(10, "x_forwarded_for", "x_forwarded_for", "b"),
	badTrailers(16, "101 fields", repeated(101, "x", "a")...),
	badTrailers(16, "more than 8 KB", "x", strings.Repeat("a", 5000), "y", strings.Repeat("a", 3300)),
}
