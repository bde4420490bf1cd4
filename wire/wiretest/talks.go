package wiretest

const (
	expectHead = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
	expectMany = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
	postMany   = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 102400\r\n\r\n"
	goOn       = "HTTP/1.1 100 Continue\r\n\r\n"
	hints      = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	tooLarge   = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
)

// expects is a POST that waits for 100.
func expects(length string) Request { return posts(length).with("Expect", "100-continue").begun() }

// told is what has come before the answer.
func told(interim ...string) Reply { return Reply{Interim: interim, End: Open} }

// tooMuch is what the client sees of tooLarge.
var tooMuch = Reply{Status: 413, Fields: "content-length: 0\n"}

// talk is a conversation.
func talk(rule int, name string, steps ...Step) Case {
	return Case{Rule: rule, Name: name, Steps: more(steps...)}
}

// talks is conversations in which both sides speak out of turn: 100-continue, early answers, streams both ways. What an origin says instead
// of 100 is among times: a proxy that waits for it long enough goes on by itself.
var talks = []Case{
	talk(13, "100-continue", Asks(expects("3")), Arrives(expectHead), Answer(goOn), Sees(told("100")), SaysLast("abc"), Arrives("abc"), Answer(ok), Sees(fine.after("100"))),
	talk(13, "100-continue without a length", Asks(expects("")), Arrives(expectMany), Answer(goOn), Sees(told("100")), SaysLast("a"), ArrivesInChunks("", "a"), ArrivesEnd(""), Answer(ok), Sees(fine.after("100"))),
	talk(13, "100-continue with 100 KB", Asks(expects("102400")), Arrives("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 102400\r\nExpect: 100-continue\r\n\r\n"),
		Answer(goOn), Sees(told("100")), SaysLast(large(100<<10)), Arrives(large(100<<10)), Answer(ok), Sees(fine.after("100"))),

	talk(11, "an early answer, and the rest behind it", Asks(posts("", "a").begun()), ArrivesInChunks(chunkedPost, "a"), Answer(tooLarge), Sees(tooMuch), OriginClosed(), SaysLast("b")),
	talk(11, "an early answer, and a request as the rest", Asks(posts("20037").begun()), Arrives("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20037\r\n\r\n"), Answer(tooLarge), Sees(tooMuch), OriginClosed(),
		SaysLast("GET /evil HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n"+large(20000))),
	talk(11, "an early answer with a body", Asks(posts("20000", large(16)).begun()), Arrives("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n"+large(16)), Answer(ok), Sees(fine), OriginClosed(),
		SaysLast(large(20000-16))),

	talk(0, "a piece of the request leaves before the next one comes", Asks(posts("", "one").begun()), ArrivesInChunks(chunkedPost, "one"), Says("two"), ArrivesInChunks("", "two"), SaysLast(""), ArrivesEnd(""), Answer(ok), Sees(fine)),
	talk(0, "a large request leaves while it comes", Asks(posts("102400", large(1024)).begun()), Arrives(postMany+large(1024)), Says(large(1024)), Arrives(large(1024)),
		SaysLast(large(98<<10)), Arrives(large(98<<10)), Answer(ok), Sees(fine)),
	talk(0, "the end of a request leaves behind its last piece", Asks(posts("", "one").begun()), ArrivesInChunks(chunkedPost, "one"), SaysTrailers("x", "1"), ArrivesEnd("x: 1\r\n"), Answer(ok), Sees(fine)),
	talk(14, "the head leaves before the body comes", Asks(Request{}), Arrives(plainGet), Answer(head200("Content-Length: 2\r\n")), Sees(says("content-length: 2\n", "").open()), Answer("h"), Sees(says("content-length: 2\n", "h").open()), Answer("i"), Sees(fine)),
	talk(14, "a piece leaves before the next one comes", Asks(Request{}), Arrives(plainGet), Answer(chunked200+"2\r\nhi\r\n"), Sees(hi.open()), Answer("3\r\n"), Answer("you\r\n0"), Sees(says("", "hiyou").open()), Answer("\r\n\r\n"), Sees(says("", "hiyou"))),
	talk(14, "a piece leaves before the trailers come", Asks(Request{TakesTrailers: true}), Arrives(trailerGet), Answer(chunked200+"2\r\nhi\r\n0\r\nX: 1\r\n"), Sees(hi.open()), Answer("\r\n"), Sees(hi.trailed("x: 1\n"))),
	talk(14, "a piece of a body to the end leaves", Asks(Request{}), Arrives(plainGet), Answer(head200("")+"one"), Sees(says("", "one").open()), Answer("two"), Sees(says("", "onetwo").open()), OriginHangsUp(), Sees(says("", "onetwo"))),
	talk(14, "an interim response leaves before the answer comes", Asks(Request{}), Arrives(plainGet), Answer(hints), Sees(told("103 link: </a>")), Answer(ok), Sees(fine.after("103 link: </a>"))),
	talk(14, "the answer flows while the request does", Asks(posts("", "one").begun()), ArrivesInChunks(chunkedPost, "one"), Answer(chunked200+"3\r\nuno\r\n"), Sees(says("", "uno").open()),
		Says("two"), ArrivesInChunks("", "two"), Answer("3\r\ndos\r\n"), Sees(says("", "unodos").open()), SaysLast(""), ArrivesEnd(""), Answer("0\r\n\r\n"), Sees(says("", "unodos"))),
	talk(14, "the answer ends behind the request, with trailers both ways", Asks(Request{Method: "POST", Body: []string{"one"}, Open: true, TakesTrailers: true}),
		ArrivesInChunks("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\n\r\n", "one"), Answer(chunked200+"3\r\nuno\r\n"), Sees(says("", "uno").open()),
		SaysTrailers("x", "1"), ArrivesEnd("x: 1\r\n"), Answer("0\r\nGrpc-Status: 0\r\n\r\n"), Sees(says("", "uno").trailed("grpc-status: 0\n"))),
	talk(0, "two exchanges beside each other", standsBy, Asks(to("/two")), Arrives("GET /two HTTP/1.1\r\nHost: a\r\n\r\n"), Answer(ok), Sees(fine), stoodBy),
	talk(0, "a large answer beside one that waits", standsBy, Asks(Request{}), Arrives(plainGet), AnswerAside(head200("Content-Length: 1048576\r\n")+large(1<<20)), Sees(says("content-length: 1048576\n", large(1<<20))), stoodBy),
	talk(0, "a large request beside one that waits", standsBy, Asks(posts("1048576", large(1<<20))), Arrives(postOf(large(1<<20))), Answer(ok), Sees(fine), stoodBy),
}
