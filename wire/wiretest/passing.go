package wiretest

import "strings"

// fine is what the client sees of ok.
var fine = Reply{Status: 200, Fields: "content-length: 2\n", Body: "hi"}

// more is one more exchange of the same client: nothing of the one before is left anywhere.
func more(steps ...Step) []Step {
	return append(steps, Asks(Request{}), ArrivesNext(plainGet), Answer(ok), Sees(fine))
}

// through is a request that goes through, and the exact bytes that it becomes.
func through(rule int, name string, q Request, arrives string) Case {
	return Case{Rule: rule, Name: name, Steps: more(Asks(q), Arrives(arrives), Answer(ok), Sees(fine))}
}

// inChunks is through for a body whose length nobody has announced. If it is all there at once it may get one.
func inChunks(rule int, name string, q Request, head, body, trailers string) Case {
	return Case{Rule: rule, Name: name, Steps: more(Asks(q), arrivesAll(head, body, trailers), Answer(ok), Sees(fine))}
}

// fields is a GET with fields.
func fields(f ...string) Request { return Request{Fields: f} }

// to is a GET of a path.
func to(path string) Request { return Request{Path: path} }

// at is a GET of a host.
func at(authority string) Request { return Request{Authority: authority} }

// posts is a POST of pieces whose length is announced, if there is one.
func posts(length string, pieces ...string) Request {
	q := Request{Method: "POST", Body: pieces}
	if length != "" {
		q.Fields = []string{"Content-Length", length}
	}
	return q
}

// with is more fields.
func (q Request) with(f ...string) Request {
	q.Fields = append(f, q.Fields...)
	return q
}

// begun is a request that further steps go on with.
func (q Request) begun() Request {
	q.Open = true
	return q
}

// repeated is a field so many times.
func repeated(n int, name, value string) (f []string) {
	for range n {
		f = append(f, name, value)
	}
	return f
}

// sized is a GET whose head, as HTTP/1.1 says it, has exactly n bytes.
func sized(n int) Request {
	head := headOf(n)
	var q Request
	for line := range strings.Lines(strings.TrimPrefix(head, plainGet[:len(plainGet)-2])) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\r\n"), ": "); ok {
			q.Fields = append(q.Fields, strings.ToLower(name), value)
		}
	}
	return q
}

const chunkedPost = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

// passing is what must go through.
var passing = []Case{
	through(2, "GET", Request{}, plainGet),
	through(2, "every kind of method", Request{Method: "PROP-find!#$", Path: "/a"}, "PROP-find!#$ /a HTTP/1.1\r\nHost: a\r\n\r\n"),
	through(2, "a method in small letters is another method", Request{Method: "get"}, "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
	through(2, "the query is not touched", to("/a?b=%zz&c='<>{}|\\^`\""), "GET /a?b=%zz&c='<>{}|\\^`\" HTTP/1.1\r\nHost: a\r\n\r\n"),
	through(2, "an empty query stays", to("/?"), "GET /? HTTP/1.1\r\nHost: a\r\n\r\n"),
	through(2, "a path gets its normal form", to("/a/./b/../%7ec"), "GET /a/~c HTTP/1.1\r\nHost: a\r\n\r\n"),
	through(2, "an asterisk with OPTIONS", Request{Method: "OPTIONS", Path: "*"}, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
	through(3, "every character of a name", fields("x!#$%&'*+-.^_`|~09az", "1"), get("x!#$%&'*+-.^_`|~09az: 1\r\n")),
	through(3, "fields keep their order", fields("x-b", "1", "x-a", "2", "Accept", "c", "x-b", "3"), get("x-b: 1\r\nx-a: 2\r\nAccept: c\r\nx-b: 3\r\n")),
	through(4, "white space within a value", fields("x", "a b\tc"), get("x: a b\tc\r\n")),
	through(4, "an empty value", fields("x", ""), get("x: \r\n")),
	through(4, "bytes above 0x7f in a value", fields("x", "\xa0\xff\x85"), get("x: \xa0\xff\x85\r\n")),

	through(5, "a length", posts("3", "abc"), post("Content-Length: 3\r\n", "abc")),
	through(5, "a length, in pieces", posts("3", "a", "b", "c"), post("Content-Length: 3\r\n", "abc")),
	through(5, "18 digits", posts("000000000000000003", "abc"), post("Content-Length: 3\r\n", "abc")),
	through(5, "zero", posts("0", ""), post("Content-Length: 0\r\n", "")),
	through(5, "no body of POST", Request{Method: "POST"}, post("Content-Length: 0\r\n", "")),
	through(5, "a length of zero, and no body", Request{Method: "POST", Fields: []string{"Content-Length", "0"}}, post("Content-Length: 0\r\n", "")),
	through(5, "a body of GET", Request{Fields: []string{"Content-Length", "3"}, Body: []string{"abc"}}, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
	through(5, "a body that fills the buffer", posts("12288", large(12<<10)), postOf(large(12<<10))),
	through(5, "a body of 100 KB", posts("102400", large(100<<10)), postOf(large(100<<10))),
	through(5, "a body of 100 KB in pieces", posts("102400", large(10<<10), large(80<<10), large(10<<10)), postOf(large(10<<10)+large(80<<10)+large(10<<10))),
	through(5, "a body of 1 MB", posts("1048576", large(1<<20)), postOf(large(1<<20))),
	through(5, "a body of 100 KB behind a head of 14 KB", posts("102400", large(100<<10)).with("x", large(7000), "y", large(7000)),
		"POST / HTTP/1.1\r\nHost: a\r\nx: "+large(7000)+"\r\ny: "+large(7000)+"\r\n"+lengthOf(large(100<<10))+large(100<<10)),

	inChunks(7, "a body without a length", posts("", "abc"), chunkedPost, "abc", ""),
	inChunks(7, "an empty body without a length", posts("", ""), chunkedPost, "", ""),
	inChunks(7, "a body of DELETE without a length", Request{Method: "DELETE", Body: []string{"a"}}, "DELETE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "a", ""),
	inChunks(7, "100 KB without a length", posts("", large(50<<10), large(50<<10)), chunkedPost, large(50<<10)+large(50<<10), ""),
	inChunks(7, "30 KB without a length behind a head of 14 KB", posts("", large(30<<10)).with("x", large(7000), "y", large(7000)),
		"POST / HTTP/1.1\r\nHost: a\r\nx: "+large(7000)+"\r\ny: "+large(7000)+"\r\nTransfer-Encoding: chunked\r\n\r\n", large(30<<10), ""),
	inChunks(7, "trailers", Request{Method: "POST", Body: []string{"a"}, Trailers: []string{"x", "y", "z", "1"}}, chunkedPost, "a", "x: y\r\nz: 1\r\n"),
	inChunks(7, "trailers of the same name", Request{Method: "POST", Body: []string{"a"}, Trailers: []string{"x", "1", "x", "2"}}, chunkedPost, "a", "x: 1\r\nx: 2\r\n"),
	inChunks(7, "trailers that were announced", Request{Method: "POST", Fields: []string{"Trailer", "x"}, Body: []string{"a"}, Trailers: []string{"x", "y"}}, chunkedPost, "a", "x: y\r\n"),
	inChunks(7, "trailers behind no body", Request{Method: "POST", Trailers: []string{"x", "y"}}, chunkedPost, "", "x: y\r\n"),
	inChunks(7, "trailers behind 100 KB", Request{Method: "POST", Body: []string{large(100 << 10)}, Trailers: []string{"x", "y"}}, chunkedPost, large(100<<10), "x: y\r\n"),

	through(8, "a port", at("A:8080"), "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n"),
	through(8, "a port with zeros", at("a:08080"), "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n"),
	through(8, "a trailing dot", at("A.b."), "GET / HTTP/1.1\r\nHost: a.b\r\n\r\n"),
	through(8, "an address of IPv6", at("[0:0::1]:80"), "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
	through(9, "the wish for trailers", Request{TakesTrailers: true}, trailerGet),
	through(9, "Trailer goes", fields("Trailer", "x"), plainGet),
	through(10, "names that collide by an underscore go", fields("content_length", "3", "x_forwarded_for", "1", "x_forwarded-proto", "1", "transfer_encoding", "chunked", "ho_st", "fine"), get("ho_st: fine\r\n")),
	through(13, "100-continue without a body", fields("Expect", "100-Continue"), plainGet),

	through(16, "method and target of exactly 8 KB", to("/"+strings.Repeat("a", 8192-5)), "GET /"+strings.Repeat("a", 8192-5)+" HTTP/1.1\r\nHost: a\r\n\r\n"),
	through(16, "a field of exactly 8 KB", fields("x", strings.Repeat("a", 8192-3)), get("x: "+strings.Repeat("a", 8192-3)+"\r\n")),
	through(16, "exactly 100 fields", fields(repeated(99, "x", "a")...), get(strings.Repeat("x: a\r\n", 99))),
	through(16, "a head of exactly 32 KB", sized(32<<10), strings.ReplaceAll(headOf(32<<10), "\nX", "\nx")),
	through(16, "a head of exactly 16 KB", sized(16<<10), strings.ReplaceAll(headOf(16<<10), "\nX", "\nx")),
	through(16, "a head of 16 KB and one byte", sized(16<<10+1), strings.ReplaceAll(headOf(16<<10+1), "\nX", "\nx")),
	inChunks(16, "exactly 100 trailers", Request{Method: "POST", Body: []string{"a"}, Trailers: repeated(100, "x", "a")}, chunkedPost, "a", strings.Repeat("x: a\r\n", 100)),
	inChunks(16, "trailers of nearly 8 KB", Request{Method: "POST", Body: []string{"a"}, Trailers: []string{"x", strings.Repeat("a", 8100)}}, chunkedPost, "a", "x: "+strings.Repeat("a", 8100)+"\r\n"),
}
