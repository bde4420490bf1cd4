// Package h1 turns bytes into exchanges and back: HTTP/1.1 (RFC 9112), the server side and the client side.
//
// It owns the parser of heads, chunks and trailers, the writer, the loop over a client's connection (Server) and the
// connection to an origin (Client). Both directions go through the same strict parser: a message that two programs
// could read in two ways is refused, never repaired, and its connection is closed. Bodies are always framed anew, so no
// byte of a client's framing reaches an origin.
//
// It promises no panic from any input, no allocation per exchange on a warm connection, one goroutine per exchange
// where the request's body fits the buffer, and never to read a request while a byte of the one before is unread. It ends a
// connection in stages, so that a client that is still sending gets the answers that are on their way (RFC 9112 section 9.6).
//
// It refuses HTTP/0.9, obsolete line folding, bare CR and LF, every transfer coding but chunked, and upgrades other than
// the one asked for. Every limit stands in limits.go.
package h1
