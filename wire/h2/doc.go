// Package h2 turns the streams of HTTP/2 connections into exchanges (RFC 9113), the server side: an adapter on
// golang.org/x/net/http2, behind the interface that a codec of our own will have.
//
// It owns Server, the mapping of pseudo fields and fields to an exchange, the request body with its deadlines, the sink,
// and a look at every frame header on the way to x/net, which gives header blocks a deadline and floods an end.
//
// It promises that a stream becomes an exchange only if HTTP/1.1 could say the same request without a second reading: the
// same rules, kinds of faults and limits as wire/h1, held together by FuzzRequest; that the answer's framing is its own;
// that a panic of the handler ends one stream; and that nothing of net/http is touched after the exchange.
//
// It refuses CONNECT, extended CONNECT (WebSocket over HTTP/2), upgrades from HTTP/1.1 and server push.
//
// # What x/net answers or ends by itself
//
// These requests never become an exchange; Server.Refused counts them, the log does not have them. TestBorder shows each.
//
//   - 400, with a text that names the field: Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade; TE other
//     than one "trailers".
//   - 431, with a page of HTML: a header list of more than 48 KB. If more of it comes in a further frame: GOAWAY, close.
//   - RST_STREAM(PROTOCOL_ERROR): a missing, doubled, unknown or late pseudo field; an empty method or path; a scheme other
//     than http and https; a path that does not begin with '/' or that net/url cannot parse (a broken percent-code); CR,
//     LF, NUL and controls anywhere; a name with capitals; a Host that is not the same bytes as :authority, or two of them;
//     '@', '/' or a space in the authority; a body longer than Content-Length; trailers with pseudo fields or, behind a
//     head with a Trailer field, names of framing.
//   - GOAWAY: whatever RFC 9113 calls a connection error. The one code for streams that we reset is INTERNAL_ERROR.
//
// # What x/net hides
//
//   - The order of fields with different names. They come sorted, also those of responses. Names come in their usual
//     spelling: their small letters say nothing.
//   - The Trailer field, and every request trailer that it did not announce, dropped without a word.
//   - Expect: 100-continue, also among other members of a list that would be 417 in HTTP/1.1. Whether the client waits is
//     read from an unexported field of the request body (awaitsContinue); 100 is sent when the body is first read.
//   - The scheme, on plain connections; and whether a stream with Content-Length: 0 has ended. That body is read.
//   - How cookies were split: they are joined with "; ", unchecked one by one.
//   - What waits of a request body: Ready says no more often than it must, so an upload is written in smaller pieces.
//
// # What x/net cannot do
//
//   - A DATA frame shows when it is complete, so a client needs 16 KB, or its frame, in Timeouts.Body.
//   - Interrupt is for good: the body of that exchange cannot be read on.
//   - GOAWAY names the last stream at once, without the notice that RFC 9113 section 6.8 describes, and a drained
//     connection stays open for a second.
//   - A head and its body leave in two writes; every stream costs two goroutines' hand-offs and some forty allocations.
//   - Its own defence against rapid resets is a queue of 400 streams that wait for a handler; ours counts the frames.
//   - A panic of x/net beside the connection's own goroutine would end the process.
package h2
