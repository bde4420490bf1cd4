package wiretest

import "time"

// timed is a case in which time passes.
func timed(name string, steps ...Step) Case { return Case{Name: name, Steps: steps} }

// times is silence in every phase.
var times = []Case{
	timed("an origin is silent before its answer", Asks(Request{}), Arrives(plainGet), Sees(Reply{Status: 504, Fields: "content-length: 0\n"}), At(30*time.Second), OriginClosed()),
	timed("an origin is silent within its head", Asks(Request{}), Arrives(plainGet), Answer("HTTP/1.1 200 OK\r\nX"), Sees(Reply{Status: 504, Fields: "content-length: 0\n"}), At(30*time.Second), OriginClosed()),
	timed("an origin is silent behind an interim response", Asks(Request{}), Arrives(plainGet), Answer(hints), Sees(Reply{Status: 504, Fields: "content-length: 0\n"}.after("103 link: </a>")), At(30*time.Second), OriginClosed()),
	timed("an origin is silent within its answer", Asks(Request{}), Arrives(plainGet), Answer(chunked200+"2\r\nhi\r\n"), Sees(hi.open()), Sees(hi.broken()), At(60*time.Second), OriginClosed()),
	timed("an answer that comes late, but in time", Asks(Request{}), Arrives(plainGet), Wait(29*time.Second), Answer(ok), Sees(fine), At(29*time.Second)),
	timed("an answer of which each piece comes in time", Asks(Request{}), Arrives(plainGet), Answer(chunked200+"2\r\nhi\r\n"), Sees(hi.open()), Wait(59*time.Second), Answer("3\r\nyou\r\n"), Sees(says("", "hiyou").open()),
		Wait(59*time.Second), Answer("0\r\n\r\n"), Sees(says("", "hiyou"))),
	talk(13, "103 before 100", Asks(expects("3")), Arrives(expectHead), Answer(hints), Sees(told("103 link: </a>")), Answer(goOn), Sees(told("103 link: </a>", "100")),
		SaysLast("abc"), Arrives("abc"), Answer(ok), Sees(fine.after("103 link: </a>", "100"))),
	talk(13, "an origin that says no instead of 100", Asks(expects("3")), Arrives(expectHead), Answer(tooLarge), Sees(tooMuch), Spent(), OriginClosed()),
	talk(13, "an origin that says yes without 100", Asks(expects("3")), Arrives(expectHead), Answer(ok), Sees(fine), Spent(), OriginClosed()),
	talk(13, "an origin that leaves instead of 100", Asks(expects("3")), Arrives(expectHead), OriginHangsUp(), Sees(bad502), Spent()),
	timed("an origin that never says 100", Asks(expects("3")), Arrives(expectHead), Wait(2*time.Second), Sees(told("100")), SaysLast("abc"), Arrives("abc"), Answer(ok), Sees(fine.after("100"))),
	timed("a client is silent within a body that is announced", Asks(posts("3", "a").begun()), SeesRefusal(408), At(30*time.Second), Spent()),
	timed("a client is silent within a body", Asks(posts("", "a").begun()), ArrivesInChunks(chunkedPost, "a"), SeesRefusal(408), At(30*time.Second), Spent(), OriginClosed()),
}
