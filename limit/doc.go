// Package limit refuses what is too much: requests of one client address, request heads and request bodies.
//
// It owns Stage, and Tables, the memory of who asked how often, which outlives plans. An address has a token bucket
// (GCRA), an IPv6 address together with its /64; who it is, exchange.Facts.Client says and no header field. An address that
// the full table had to forget starts with a new bucket: others may be admitted for it, but nobody is ever refused for
// what another did.
//
// A body that announces more than bodyMax is refused with 413 before the origin sees a byte. One of unknown size is read
// before the origin is asked, if bodyMax is at most 64 KB: such a route does not stream requests. Above that a body over
// the limit reaches the origin as a request that breaks off, whose end never comes. Of exchange.Facts it writes Limit.
//
// The body of a gRPC call over HTTP/2 streams under any limit, since a call may last for a day: bodyMax is that of each message in
// it. How many there are, and how fast they come, is the service's to bound. Any client may call its request gRPC; what it sends must
// then be messages of gRPC to its last byte.
package limit
