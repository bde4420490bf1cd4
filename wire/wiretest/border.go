package wiretest

import "strings"

// raw is the fields of GET / of host a for protocols whose head is fields. What is given as name and value takes the place of
// the pseudo field of that name, or comes behind; a pseudo field with the value None goes.
func raw(fields ...string) Request {
	head := []string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"}
	var behind []string
	given := map[string]bool{}
	for i := 0; i < len(fields); i += 2 {
		name, value := fields[i], fields[i+1]
		switch {
		case !strings.HasPrefix(name, ":"):
			behind = append(behind, name, value)
		case given[name] || !replace(head, name, value):
			head = append(head, name, value)
		}
		given[name] = true
	}
	var all []string
	for i := 0; i < len(head); i += 2 {
		if head[i+1] != None {
			all = append(all, head[i], head[i+1])
		}
	}
	return Request{Raw: append(all, behind...)}
}

// replace gives a field of a list another value, and reports whether it is there.
func replace(list []string, name, value string) bool {
	for i := 0; i < len(list); i += 2 {
		if list[i] == name {
			list[i+1] = value
			return true
		}
	}
	return false
}

// crosses is a head that would become something else in HTTP/1.1.
func crosses(name string, needs Needs, q Request) Case {
	c := refuse(15, name, 400, q)
	c.Needs = needs
	return c
}

// contradicts is a body that is not what its head says of it.
func contradicts(name string, q Request) Case {
	c := refuseBody(15, name, 400, q)
	c.Needs = Frames
	return c
}

// arrivesAs is a head that HTTP/1.1 says in another way.
func arrivesAs(name string, q Request, arrives string) Case {
	c := through(15, name, q, arrives)
	c.Needs = Pseudo
	return c
}

// body gives a request a body.
func (q Request) body(pieces ...string) Request {
	q.Body = pieces
	return q
}

// ordered is raw without its own pseudo fields.
func ordered(fields ...string) Request { return Request{Raw: append([]string{}, fields...)} }

// border is rule 15: what a request of another protocol could smuggle into HTTP/1.1.
var border = []Case{
	crosses("a method that is a request line", Pseudo, raw(":method", "GET /evil HTTP/1.1")),
	crosses("a method with a line end", Pseudo, raw(":method", "GET / HTTP/1.1\r\nX: 1")),
	crosses("an empty method", Pseudo, raw(":method", "")),
	crosses("no method", Pseudo, raw(":method", None)),
	crosses("two methods", Pseudo, raw(":method", "GET", ":method", "POST")),
	{Rule: 15, Name: "CONNECT", Needs: Pseudo, Aloof: true, Steps: more(Asks(ordered(":method", "CONNECT", ":authority", "a:443")), SeesRefusal(405), Spent())},
	crosses("CONNECT with a path and a scheme", Pseudo, raw(":method", "CONNECT")),

	crosses("an empty path", Pseudo, raw(":path", "")),
	crosses("no path", Pseudo, raw(":path", None)),
	crosses("two paths", Pseudo, raw(":path", "/", ":path", "/b")),
	crosses("two paths that are the same", Pseudo, raw(":path", "/", ":path", "/")),
	crosses("an absolute target", Pseudo, raw(":path", "http://a/")),
	crosses("a path with a version", Pseudo, raw(":path", "/ HTTP/1.1")),
	crosses("a path with a line end", Pseudo, raw(":path", "/ HTTP/1.1\r\nX: 1")),
	crosses("a path with a request", Pseudo, raw(":path", "/ HTTP/1.1\r\nHost: a\r\n\r\nGET /evil HTTP/1.1\r\nX: ")),
	crosses("a path with a bare LF", Pseudo, raw(":path", "/\nX: 1")),
	crosses("a path with a bare CR", Pseudo, raw(":path", "/\rX: 1")),
	crosses("a path with a tab", Pseudo, raw(":path", "/\t")),
	crosses("a path that begins with a space", Pseudo, raw(":path", " /")),

	crosses("neither authority nor Host", Pseudo, raw(":authority", None)),
	crosses("an empty authority", Pseudo, raw(":authority", "")),
	crosses("two authorities", Pseudo, raw(":authority", "a", ":authority", "b")),
	crosses("two authorities that are the same", Pseudo, raw(":authority", "a", ":authority", "a")),
	crosses("an authority with a line end", Pseudo, raw(":authority", "a\r\nX: 1")),
	crosses("an authority with a NUL", Pseudo, raw(":authority", "a\x00")),
	crosses("authority and another Host", Pseudo, raw("host", "b")),
	crosses("authority and an empty Host", Pseudo, raw("host", "")),
	crosses("authority and Host with another port", Pseudo, raw("host", "a:81")),
	crosses("two Host fields", Pseudo, raw("host", "a", "host", "a")),
	crosses("no authority and two Host fields", Pseudo, raw(":authority", None, "host", "a", "host", "b")),
	crosses("a user in Host", Pseudo, raw(":authority", None, "host", "u@a")),

	crosses("no scheme", Pseudo, raw(":scheme", None)),
	crosses("an empty scheme", Pseudo, raw(":scheme", "")),
	crosses("another scheme", Pseudo, raw(":scheme", "ftp")),
	crosses("two schemes", Pseudo, raw(":scheme", "http", ":scheme", "https")),
	crosses("a scheme with a line end", Pseudo, raw(":scheme", "http\r\nX: 1")),
	crosses("a pseudo field behind a field", Pseudo, ordered(":method", "GET", ":scheme", "http", "x", "1", ":path", "/", ":authority", "a")),
	crosses("all pseudo fields behind a field", Pseudo, ordered("x", "1", ":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a")),
	crosses("a pseudo field of responses", Pseudo, raw(":status", "200")),
	crosses("an unknown pseudo field", Pseudo, raw(":x", "1")),
	crosses("a pseudo field that is only a colon", Pseudo, raw(":", "1")),
	crosses(":protocol without CONNECT", Pseudo, raw(":protocol", "websocket")),
	crosses("a pseudo field in capitals", Pseudo, ordered(":Method", "GET", ":scheme", "http", ":path", "/", ":authority", "a")),
	crosses("no field at all", Pseudo, ordered()),

	crosses("a name in capitals", Pseudo, raw("X", "1")),
	crosses("a name with one capital", Pseudo, raw("xyZ", "1")),
	crosses("a name with a colon", Lengths, raw("x:a", "1")),
	crosses("a name with a line end", Lengths, raw("x: 1\r\ny", "1")),
	crosses("a name with a bare LF", Lengths, raw("x\ny", "1")),
	crosses("a name with a bare CR", Lengths, raw("x\ry", "1")),
	crosses("a name that is a request", Lengths, raw("x: 1\r\n\r\nGET /evil HTTP/1.1\r\nhost: a\r\ny", "1")),
	crosses("a name that ends in a colon", Lengths, raw("transfer-encoding:", "chunked")),
	crosses("a value with a line end", Lengths, raw("x", "1\r\ny: 2")),
	crosses("a value with a bare LF and a field", Lengths, raw("x", "1\ny: 2")),
	crosses("a value with a bare CR and a field", Lengths, raw("x", "1\ry: 2")),
	crosses("a value with the end of a head", Lengths, raw("x", "1\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")),
	crosses("a value with a folded line", Lengths, raw("x", "1\r\n 2")),
	crosses("a value that begins with a space", Lengths, raw("x", " 1")),
	crosses("a value that begins with a tab", Lengths, raw("x", "\t1")),
	crosses("a value that ends with a space", Lengths, raw("x", "1 ")),
	crosses("a value that ends with a tab", Lengths, raw("x", "1\t")),
	crosses("a value that ends in a line end", Lengths, raw("x", "1\r\n")),
	crosses("a value of white space", Lengths, raw("x", " ")),
	crosses("a cookie with a line end", Lengths, raw("cookie", "a=1\r\nx: 2")),
	crosses("a length with a line end", Lengths, raw(":method", "POST", "content-length", "3\r\nx: 1").body("abc")),
	crosses("a length with a space before it", Lengths, raw(":method", "POST", "content-length", " 3").body("abc")),

	crosses("Connection", Pseudo, raw("connection", "close")),
	crosses("Connection that is empty", Pseudo, raw("connection", "")),
	crosses("Connection that names a field", Pseudo, raw("connection", "x", "x", "1")),
	crosses("Keep-Alive", Pseudo, raw("keep-alive", "timeout=5")),
	crosses("Proxy-Connection", Pseudo, raw("proxy-connection", "keep-alive")),
	crosses("Transfer-Encoding", Pseudo, raw(":method", "POST", "transfer-encoding", "chunked").body("0\r\n\r\n")),
	crosses("Transfer-Encoding that is identity", Pseudo, raw("transfer-encoding", "identity")),
	crosses("Transfer-Encoding with a length", Pseudo, raw(":method", "POST", "transfer-encoding", "chunked", "content-length", "5").body("0\r\n\r\n")),
	crosses("Upgrade", Pseudo, raw("upgrade", "websocket")),
	crosses("Upgrade to h2c", Pseudo, raw("upgrade", "h2c")),
	crosses("TE with more than trailers", Pseudo, raw("te", "trailers, gzip")),
	crosses("TE without trailers", Pseudo, raw("te", "gzip")),

	contradicts("a length and no body", raw("content-length", "3")),
	contradicts("a body that is shorter than its length", raw(":method", "POST", "content-length", "5").body("abc")),
	contradicts("a body that is longer than its length", raw(":method", "POST", "content-length", "2").body("abc")),
	contradicts("a body that is longer by one piece", raw(":method", "POST", "content-length", "3").body("abc", "d")),
	contradicts("a body that is longer by a request", raw(":method", "POST", "content-length", "3").body("abcGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")),
	contradicts("a body where its length is zero", raw(":method", "POST", "content-length", "0").body("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n")),
	contradicts("an empty body where a length is", raw(":method", "POST", "content-length", "3").body("")),
	contradicts("trailers before the end of the length", Request{Method: "POST", Fields: []string{"Content-Length", "5"}, Body: []string{"abc"}, Trailers: []string{"x", "1"}}),
	contradictsLate("a large body that is shorter than its length", large(50<<10), ""),
	contradictsLate("a large body that is longer than its length", large(100<<10), "!"),

	{Rule: 15, Name: "a pseudo field in trailers", Needs: Pseudo, Steps: more(Asks(posts("", "a").begun()), ArrivesInChunks(chunkedPost, "a"),
		SaysTrailers(":path", "/"), SeesRefusal(400), Spent(), OriginClosed())},
	smuggledTrailer("a line end in the value", "x", "1\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n"),
	smuggledTrailer("a line end in the name", "x: 1\r\ny", "1"),
	smuggledTrailer("white space before the value", "x", " 1"),
	smuggledTrailer("white space behind the value", "x", "1 "),

	arrivesAs("split cookies become one", raw("cookie", "a=1", "cookie", "b=2", "cookie", "c=3"), get("Cookie: a=1; b=2; c=3\r\n")),
	arrivesAs("a Host that is the authority", raw("host", "a"), plainGet),
	arrivesAs("a Host and no authority", raw(":authority", None, "host", "a:81"), "GET / HTTP/1.1\r\nHost: a:81\r\n\r\n"),
	arrivesAs("the other scheme", raw(":scheme", "https"), plainGet),
	arrivesAs("pseudo fields in another order", ordered(":path", "/", ":authority", "a", ":method", "GET", ":scheme", "http"), plainGet),
	arrivesAs("names that the edge knows get their usual spelling", raw("accept", "1", "user-agent", "2", "x-y", "3"), get("Accept: 1\r\nUser-Agent: 2\r\nx-y: 3\r\n")),
	arrivesAs("100 cookies are one field", raw(repeated(100, "cookie", "a=1")...), get("Cookie: "+strings.TrimSuffix(strings.Repeat("a=1; ", 100), "; ")+"\r\n")),
	{Rule: 15, Name: "chunks are only bytes", Needs: Frames, Steps: more(Asks(Request{Method: "POST", Body: []string{"0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n"}}),
		arrivesAll(chunkedPost, "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n", ""), Answer(ok), Sees(fine))},
	{Rule: 15, Name: "empty pieces are no end", Needs: Frames, Steps: more(Asks(Request{Method: "POST", Body: []string{"", "a", "", "b", ""}}),
		arrivesAll(chunkedPost, "ab", ""), Answer(ok), Sees(fine))},
	{Rule: 15, Name: "a length, and trailers", Needs: Frames, Steps: more(Asks(Request{Method: "POST", Fields: []string{"Content-Length", "1"}, Body: []string{"a"}, Trailers: []string{"x", "1"}}),
		Arrives(post("Content-Length: 1\r\n", "a")), Answer(ok), Sees(fine))},
	{Rule: 15, Name: "a head in many frames is one head", Needs: Frames, Steps: more(Asks(sized(30<<10)), Arrives(strings.ReplaceAll(headOf(30<<10), "\nX", "\nx")), Answer(ok), Sees(fine))},
}

// contradictsLate is contradicts for a body of which the origin has got much before that shows: what follows never arrives.
func contradictsLate(name, body, further string) Case {
	return Case{Rule: 15, Name: name, Needs: Frames, Steps: more(Asks(posts("102400", body).begun()), Arrives(postMany+body),
		SaysLast(further), SeesRefusal(400), Spent(), OriginCut())}
}

// smuggledTrailer is badTrailers for what lines cannot say.
func smuggledTrailer(name string, trailers ...string) Case {
	c := badTrailers(15, name, trailers...)
	c.Needs = Lengths
	return c
}
