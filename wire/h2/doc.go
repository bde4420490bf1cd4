// Package h2 turns frames into exchanges and back: HTTP/2 (RFC 9113), the server side and the client side.
//
// It owns the codec (frames, flow control, the writing of header blocks; their reading is x/net's hpack), Server, and Client with
// its Calls. One goroutine reads a connection and deals with every frame in order; each stream of a server has another, kept for the
// next; who has something to say appends it, and whoever comes first writes what has gathered in one piece.
//
// It promises that a stream becomes an exchange only if HTTP/1.1 could say the same request without a second reading, by the rules,
// faults and limits of wire/h1; that framing and fields of a connection never pass; no panic from any input; memory, goroutines and
// work for nothing bounded for each connection, by limits.go; and no allocation for a stream on a warm connection.
//
// It refuses server push, upgrades from HTTP/1.1, CONNECT but for WebSockets (RFC 8441), and whom it has found flooding.
//
// # What becomes of a breach
//
//   - A malformed request (RFC 9113 section 8.1.1) is an exchange with a fault: it is logged, answered in full, and its stream is then
//     reset with PROTOCOL_ERROR. A head that is only too large, or asks for what is not served, is answered without a reset.
//   - A body that is not as long as announced, or has malformed trailers, resets the stream; who reads it hears of a fault.
//   - A stream beyond the 100 that are announced is refused (REFUSED_STREAM). A stream that was reset counts until its exchange is over.
//   - What RFC 9113 calls a connection error ends the connection by GOAWAY with the code of its section; floods by ENHANCE_YOUR_CALM.
//   - An origin's breach resets its stream (OriginProtocol), or ends its connection; what it had not taken fails with
//     transport.ErrStale and may be asked elsewhere.
//
// # What peers can rely on
//
//   - Fields keep their order; trailers pass whether announced or not, to whom they are of use.
//   - A body is there for a stage at once if it came with its head. Windows are 64 KB for a stream, up to 256 KB where it is
//     read as fast as it comes, and 512 KB for a connection; an answer that does not want the body reads up to 256 KB of it, or for
//     1 s, and then says NO_ERROR.
//   - Answers that wait go by RFC 9218: urgency, then the older, incremental ones in turn; the origin's word counts over the client's.
//   - A drain is a notice (GOAWAY 2^31-1 and PING), the last word when the client has heard that, or after 1 s, and the end when
//     nothing is open. What comes between the two is served.
package h2
