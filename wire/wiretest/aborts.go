package wiretest

// leaves is a client that leaves in a phase: the steps say what the origin sees of it. Another exchange of the same client is
// open all the time, and is not touched.
func leaves(phase string, steps ...Step) Case {
	return Case{Name: "a client leaves " + phase, Steps: more(append(append([]Step{standsBy}, steps...), stoodBy)...)}
}

// vanishes is a client that closes its connection with two exchanges on it: both origins are cut off.
func vanishes(phase string, steps ...Step) Case {
	return Case{Name: "a client vanishes " + phase, Needs: Streams, Steps: more(append(append([]Step{standsBy}, steps...), LeavesAltogether(), OriginCut(), standbyCut)...)}
}

// breaks is an origin that breaks off in a phase: the steps say what its client sees. Another exchange of the same client is
// open all the time, and is not touched.
func breaks(phase string, steps ...Step) Case {
	return Case{Name: "an origin breaks off " + phase, Steps: more(append(append([]Step{standsBy}, steps...), stoodBy)...)}
}

const large200 = "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"

// begunLarge is the reply of which large200 is the head.
func begunLarge(body string) Reply { return says("content-length: 104857600\n", body).open() }

// aborts is both sides breaking off in every phase.
var aborts = []Case{
	{Name: "a client leaves within the head", Aloof: true, Steps: more(Asks(Request{Cut: true}), LeavesAltogether())},
	{Name: "a client leaves within a large head", Aloof: true, Steps: more(Asks(cut(sized(30<<10))), LeavesAltogether())},
	leaves("behind the head", Asks(posts("").begun()), ArrivesInChunks(chunkedPost, ""), Leaves(), OriginCut()),
	leaves("behind the head of a large body", Asks(posts("102400").begun()), Arrives(postMany), Leaves(), OriginCut()),
	leaves("within the body", Asks(posts("", "abc").begun()), ArrivesInChunks(chunkedPost, "abc"), Leaves(), OriginCut()),
	leaves("within a large body", Asks(posts("102400", large(50<<10)).begun()), Arrives(postMany+large(50<<10)), Leaves(), OriginCut()),
	leaves("a byte before the end of a large body", Asks(posts("102400", large(102399-15)+"0123456789abcde").begun()), Arrives(postMany+large(102399-15)+"0123456789abcde"), Leaves(), OriginCut()),
	leaves("before the answer", Asks(Request{}), Arrives(plainGet), Leaves(), OriginCut()),
	leaves("before the answer to a body", Asks(posts("3", "abc")), Arrives(post("Content-Length: 3\r\n", "abc")), Leaves(), OriginCut()),
	leaves("before the answer to a large body", Asks(posts("102400", large(100<<10))), Arrives(postOf(large(100<<10))), Leaves(), OriginCut()),
	leaves("before 100", Asks(expects("3")), Arrives(expectHead), Leaves(), OriginCut()),
	leaves("behind 100", Asks(expects("3")), Arrives(expectHead), Answer(goOn), Sees(told("100")), Leaves(), OriginCut()),
	leaves("behind an interim response", Asks(Request{}), Arrives(plainGet), Answer(hints), Sees(told("103 link: </a>")), Leaves(), OriginCut()),
	leaves("behind the head of the answer", Asks(Request{}), Arrives(plainGet), Answer(head200("Content-Length: 2\r\n")), Sees(says("content-length: 2\n", "").open()), Leaves(), OriginCut()),
	leaves("within the answer", Asks(Request{}), Arrives(plainGet), AnswerAside(large200+large(8<<20)), SeesBeginning(begunLarge(large(16<<10))), Leaves(), OriginCut()),
	leaves("within an answer that is silent", Asks(Request{}), Arrives(plainGet), Answer(chunked200+"2\r\nhi\r\n"), Sees(hi.open()), Leaves(), OriginCut()),
	leaves("within both", Asks(posts("", "one").begun()), ArrivesInChunks(chunkedPost, "one"), Answer(chunked200+"2\r\nhi\r\n"), Sees(hi.open()), Leaves(), OriginCut()),
	leaves("behind the answer", Asks(Request{}), Arrives(plainGet), Answer(ok), Sees(fine), Leaves()),
	leaves("behind an early answer", Asks(posts("", "a").begun()), ArrivesInChunks(chunkedPost, "a"), Answer(tooLarge), Sees(tooMuch), Leaves(), OriginCut()),

	vanishes("within the body", Asks(posts("", "abc").begun()), ArrivesInChunks(chunkedPost, "abc")),
	vanishes("before the answer", Asks(Request{}), Arrives(plainGet)),
	vanishes("within the answer", Asks(Request{}), Arrives(plainGet), AnswerAside(large200+large(8<<20)), SeesBeginning(begunLarge(large(16<<10)))),
	vanishes("within an answer that is silent", Asks(Request{}), Arrives(plainGet), Answer(chunked200+"2\r\nhi\r\n"), Sees(hi.open())),

	breaks("within the head of a request", Asks(Request{}), Arrives("G"), OriginHangsUp(), Sees(bad502)),
	breaks("before its answer", Asks(Request{}), Arrives(plainGet), OriginHangsUp(), Sees(bad502)),
	breaks("before its answer, by a reset", Asks(Request{}), Arrives(plainGet), OriginResets(), Sees(bad502)),
	breaks("before its answer to a body", Asks(posts("3", "abc")), Arrives(post("Content-Length: 3\r\n", "abc")), OriginHangsUp(), Sees(bad502)),
	breaks("before its answer to a large body", Asks(posts("102400", large(100<<10))), Arrives(postOf(large(100<<10))), OriginHangsUp(), Sees(bad502)),
	breaks("within its status line", Asks(Request{}), Arrives(plainGet), Answer("HTTP/1.1 20"), OriginHangsUp(), Sees(bad502)),
	breaks("within its head", Asks(Request{}), Arrives(plainGet), Answer("HTTP/1.1 200 OK\r\nX"), OriginHangsUp(), Sees(bad502)),
	breaks("within its head, by a reset", Asks(Request{}), Arrives(plainGet), Answer("HTTP/1.1 200 OK\r\nX"), OriginResets(), Sees(bad502)),
	breaks("behind an interim response", Asks(Request{}), Arrives(plainGet), Answer(hints), OriginHangsUp(), Sees(bad502.after("103 link: </a>"))),
	breaks("behind its head", Asks(Request{}), Arrives(plainGet), Answer(head200("Content-Length: 5\r\n")), OriginHangsUp(), Sees(says("content-length: 5\n", "").broken())),
	breaks("within a length", Asks(Request{}), Arrives(plainGet), Answer(head200("Content-Length: 5\r\n")+"hi"), OriginHangsUp(), Sees(says("content-length: 5\n", "hi").broken())),
	breaks("within a length, by a reset", Asks(Request{}), Arrives(plainGet), Answer(head200("Content-Length: 5\r\n")+"hi"), Sees(says("content-length: 5\n", "hi").open()), OriginResets(), Sees(says("content-length: 5\n", "hi").broken())),
	breaks("within 100 KB", Asks(Request{}), Arrives(plainGet), Answer(head200("Content-Length: 102400\r\n")+large(50<<10)), OriginHangsUp(), Sees(says("content-length: 102400\n", large(50<<10)).broken())),
	breaks("before its first chunk", Asks(Request{}), Arrives(plainGet), Answer(chunked200), OriginHangsUp(), Sees(says("", "").broken())),
	breaks("within a chunk", Asks(Request{}), Arrives(plainGet), Answer(chunked200+"5\r\nhi"), OriginHangsUp(), Sees(hi.broken())),
	breaks("between chunks", Asks(Request{}), Arrives(plainGet), Answer(chunked200+"2\r\nhi\r\n"), OriginHangsUp(), Sees(hi.broken())),
	breaks("within its trailers", Asks(Request{TakesTrailers: true}), Arrives(trailerGet), Answer(chunked200+"2\r\nhi\r\n0\r\nX: 1\r\n"), OriginHangsUp(), Sees(hi.broken())),
	breaks("within a body to its end, by a reset", Asks(Request{}), Arrives(plainGet), Answer(head200("")+"hi"), Sees(hi.open()), OriginResets(), Sees(hi.broken())),
	breaks("within the request", Asks(posts("", "one").begun()), ArrivesInChunks(chunkedPost, "one"), OriginHangsUp(), Sees(bad502), SaysLast("two")),
	breaks("within a large request, with an answer", Asks(posts("1048576", large(300<<10)).begun()), Arrives("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"+large(100<<10)),
		Answer("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), OriginHangsUp(), Sees(tooMuch), SaysLast(large(1<<20-300<<10)), Spent()),
	breaks("within both", Asks(posts("", "one").begun()), ArrivesInChunks(chunkedPost, "one"), Answer(chunked200+"2\r\nhi\r\n"), Sees(hi.open()), OriginHangsUp(), Sees(hi.broken())),
}

// cut is a request whose head breaks off in its middle.
func cut(q Request) Request {
	q.Cut = true
	return q
}
