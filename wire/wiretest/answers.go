package wiretest

import "strings"

const (
	chunked200 = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	trailerGet = "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n"
)

// says is a reply of 200 with these field lines.
func says(fields, body string) Reply { return Reply{Status: 200, Fields: fields, Body: body} }

// hi is says of a body of two bytes without a length.
var hi = says("", "hi")

// open is a reply that goes on.
func (r Reply) open() Reply {
	r.End = Open
	return r
}

// broken is a reply that broke off.
func (r Reply) broken() Reply {
	r.End = Broken
	return r
}

// after is a reply behind interim ones.
func (r Reply) after(interim ...string) Reply {
	r.Interim = interim
	return r
}

// trailed is a reply with trailers.
func (r Reply) trailed(trailers string) Reply {
	r.Trailers = trailers
	return r
}

// answered is an answer that goes through, on a connection of the origin that is kept.
func answered(name, answer string, want Reply) Case {
	return Case{Rule: 14, Name: name, Steps: more(Asks(Request{}), Arrives(plainGet), Answer(answer), Sees(want))}
}

// answeredLast is answered on a connection that is not used again.
func answeredLast(name, answer string, want Reply) Case {
	return Case{Rule: 14, Name: name, Steps: more(Asks(Request{}), Arrives(plainGet), Answer(answer), Sees(want), OriginClosed())}
}

// answeredToEnd is an answer that ends with the origin's connection.
func answeredToEnd(name, answer string, want Reply) Case {
	return Case{Rule: 14, Name: name, Steps: more(Asks(Request{}), Arrives(plainGet), Answer(answer), OriginHangsUp(), Sees(want))}
}

// answeredHead is answered for HEAD.
func answeredHead(name, answer, fields string) Case {
	return Case{Rule: 14, Name: "HEAD: " + name, Steps: more(Asks(Request{Method: "HEAD"}), Arrives("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), Answer(answer), Sees(says(fields, "")))}
}

// spoilt is an answer that goes wrong behind its head: the client gets what there was, and never an end.
func spoilt(name, answer string, want Reply) Case {
	return Case{Rule: 14, Name: name, Steps: more(Asks(Request{TakesTrailers: true}), Arrives(trailerGet), AnswerAside(answer), Sees(want.broken()), OriginClosed())}
}

// answers is what becomes of the answers that are none to refuse.
var answers = []Case{
	answered("an answer with a length", "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX: 1\r\n\r\nhi", says("content-length: 2\nx: 1\n", "hi")),
	answered("no reason", "HTTP/1.1 299\r\nContent-Length: 2\r\n\r\nhi", Reply{Status: 299, Fields: "content-length: 2\n", Body: "hi"}),
	answered("every class of status", "HTTP/1.1 418 Teapot\r\nContent-Length: 2\r\n\r\nhi", Reply{Status: 418, Fields: "content-length: 2\n", Body: "hi"}),
	answered("status 599", "HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n", Reply{Status: 599, Fields: "content-length: 0\n"}),
	answered("chunks", chunked200+"0002;x=y\r\nhi\r\n00\r\n\r\n", hi),
	answered("many chunks", chunked200+"1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", hi),
	answered("no chunk but the last", chunked200+"0\r\n\r\n", says("", "")),
	answered("hop-by-hop fields go", head200("Connection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nUpgrade: h2\r\nTrailer: X\r\nProxy-Connection: x\r\nContent-Length: 2\r\nX: 1\r\n")+"hi",
		says("content-length: 2\nx: 1\n", "hi")),
	answered("fields of the same name keep their order", head200("Set-Cookie: b=2\r\nX: 1\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n")+"hi", says("content-length: 2\nset-cookie: b=2\nset-cookie: a=1\nx: 1\n", "hi")),
	answered("names that no protocol of small letters has", head200("X-A_b: 1\r\nContent-Length: 2\r\n")+"hi", says("content-length: 2\nx-a_b: 1\n", "hi")),
	answered("bytes above 0x7f in an answer", head200("X: \xa0\xff\r\nContent-Length: 2\r\n")+"hi", says("content-length: 2\nx: \xa0\xff\n", "hi")),
	answered("white space around a value", head200("X: \t a b \t\r\nY:\r\nContent-Length: 2\r\n")+"hi", says("content-length: 2\nx: a b\ny: \n", "hi")),
	answered("a date of the origin", head200("Date: yesterday\r\nContent-Length: 2\r\n")+"hi", says("content-length: 2\ndate: yesterday\n", "hi")),
	answeredLast("Connection: close", head200("Connection: close\r\nContent-Length: 2\r\n")+"hi", fine),
	answeredLast("HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", fine),
	answeredLast("HTTP/1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", fine),
	answeredLast("both framings: the length goes, the connection ends", head200("Content-Length: 99\r\nTransfer-Encoding: chunked\r\n")+"2\r\nhi\r\n0\r\n\r\n", hi),
	answeredLast("bytes behind a length", head200("Content-Length: 2\r\n")+"hiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", fine),
	answeredLast("one byte behind a length", head200("Content-Length: 2\r\n")+"hi!", fine),
	answeredLast("bytes behind the last chunk", chunked200+"2\r\nhi\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", hi),
	answered("204", "HTTP/1.1 204 No Content\r\n\r\n", Reply{Status: 204}),
	answeredLast("204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", Reply{Status: 204}),
	answeredLast("204 with chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Reply{Status: 204}),
	answered("304", "HTTP/1.1 304 Not Modified\r\n\r\n", Reply{Status: 304}),
	answered("304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"a\"\r\n\r\n", Reply{Status: 304, Fields: "content-length: 99\netag: \"a\"\n"}),
	answeredLast("304 with a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nhi", Reply{Status: 304, Fields: "content-length: 2\n"}),
	answered("205", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", Reply{Status: 205, Fields: "content-length: 0\n"}),
	answered("an empty body", head200("Content-Length: 0\r\n"), says("content-length: 0\n", "")),
	answered("an answer of exactly 100 fields", head200(strings.Repeat("X: a\r\n", 99)+"Content-Length: 2\r\n")+"hi", says("content-length: 2\n"+strings.Repeat("x: a\n", 99), "hi")),
	answered("an answer with a field of exactly 8 KB", head200("Content-Length: 2\r\nX: "+strings.Repeat("a", 8192-3)+"\r\n")+"hi", says("content-length: 2\nx: "+strings.Repeat("a", 8192-3)+"\n", "hi")),
	answeredHead("a length", head200("Content-Length: 99\r\nX: 1\r\n"), "content-length: 99\nx: 1\n"),
	answeredHead("chunks", chunked200, ""),
	answeredHead("no framing", head200(""), ""),
	{Rule: 14, Name: "HEAD: a body all the same", Steps: more(Asks(Request{Method: "HEAD"}), Arrives("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), Answer(ok), Sees(says("content-length: 2\n", "")), OriginClosed())},
	answeredToEnd("a body to the end", head200("")+"hello", says("", "hello")),
	answeredToEnd("an empty body to the end", head200(""), says("", "")),
	answeredToEnd("HTTP/1.0 to the end", "HTTP/1.0 200 OK\r\n\r\nhello", says("", "hello")),
	answeredToEnd("a body to the end, which is empty, behind an interim response", "HTTP/1.1 103 Early Hints\r\n\r\n"+head200(""), says("", "").after("103")),

	answered("103 and 102", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: hop\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"+ok, fine.after("103 link: </a>", "102")),
	answered("103 twice", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n"+ok, fine.after("103 link: </a>", "103 link: </b>")),
	answered("what 103 says is not said again", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+head200("X: 1\r\nContent-Length: 2\r\n")+"hi", says("content-length: 2\nx: 1\n", "hi").after("103 link: </a>")),
	answered("103 and no body", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", Reply{Status: 204}.after("103 link: </a>")),
	answered("100 that nobody asked for", "HTTP/1.1 100 Continue\r\n\r\n"+ok, fine),
	answered("16 interim responses", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 16)+ok, fine),

	answered("trailers that the client did not ask for", chunked200+"2\r\nhi\r\n0\r\nX: 1\r\n\r\n", hi),
	{Rule: 14, Name: "trailers that the client asked for", Steps: more(Asks(Request{TakesTrailers: true}), Arrives(trailerGet), Answer(chunked200+"2\r\nhi\r\n0\r\nX: 1\r\ny: 2\r\n\r\n"), Sees(hi.trailed("x: 1\ny: 2\n")))},
	{Rule: 14, Name: "trailers behind an empty body", Steps: more(Asks(Request{TakesTrailers: true}), Arrives(trailerGet), Answer(chunked200+"0\r\nGrpc-Status: 0\r\n\r\n"), Sees(says("", "").trailed("grpc-status: 0\n")))},
	{Rule: 14, Name: "trailers behind an answer of 100 KB", Steps: more(Asks(Request{TakesTrailers: true}), Arrives(trailerGet), AnswerAside(chunked200+"19000\r\n"+large(100<<10)+"\r\n0\r\nX: 1\r\n\r\n"), Sees(says("", large(100<<10)).trailed("x: 1\n")))},
	{Rule: 14, Name: "trailers of HEAD", Steps: more(Asks(Request{Method: "HEAD", TakesTrailers: true}), Arrives("HEAD"+trailerGet[3:]), Answer(chunked200), Sees(says("", "")))},

	answered("100 KB", head200("Content-Length: 102400\r\n")+large(100<<10), says("content-length: 102400\n", large(100<<10))),
	answered("100 KB in one chunk", chunked200+"19000\r\n"+large(100<<10)+"\r\n0\r\n\r\n", says("", large(100<<10))),
	answered("100 KB in many chunks", chunked200+strings.Repeat("400\r\n"+large(1024)+"\r\n", 100)+"0\r\n\r\n", says("", large(100<<10))),
	{Rule: 14, Name: "3 MB", Steps: more(Asks(Request{}), Arrives(plainGet), AnswerAside(head200("Content-Length: 3145728\r\n")+large(3<<20)), Sees(says("content-length: 3145728\n", large(3<<20))))},
	{Rule: 14, Name: "100 KB and a byte too many", Steps: []Step{Asks(Request{}), Arrives(plainGet), AnswerAside(head200("Content-Length: 102400\r\n") + large(100<<10) + "!"), Sees(says("content-length: 102400\n", large(100<<10))),
		Asks(Request{}), OriginClosed(), Arrives(plainGet), Answer(ok), Sees(fine)}},

	spoilt("a chunk with a bad size", chunked200+"2\r\nhi\r\nx\r\n", hi),
	spoilt("a chunk with a bad end", chunked200+"2\r\nhixx", hi),
	spoilt("a chunk ending in LF", chunked200+"2\r\nhi\n0\r\n\r\n", hi),
	spoilt("a size line ending in LF", chunked200+"2\r\nhi\r\n2\nho\r\n0\r\n\r\n", hi),
	spoilt("a space behind a size", chunked200+"2\r\nhi\r\n2 \r\nho\r\n0\r\n\r\n", hi),
	spoilt("a trailer that frames", chunked200+"2\r\nhi\r\n0\r\nContent-Length: 3\r\n\r\n", hi),
	spoilt("a trailer that is folded", chunked200+"2\r\nhi\r\n0\r\nX: 1\r\n y\r\n\r\n", hi),
	spoilt("a trailer with a bare CR", chunked200+"2\r\nhi\r\n0\r\nX: 1\ry: 2\r\n\r\n", hi),
	spoilt("Set-Cookie in a trailer", chunked200+"2\r\nhi\r\n0\r\nSet-Cookie: a\r\n\r\n", hi),
}
