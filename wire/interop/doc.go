// Package interop runs other people's programs against the edge on real sockets: h2spec, which breaks HTTP/2 in every way it knows,
// and the interoperability tests of gRPC with their own server behind the edge.
//
// It owns the lists of what must pass, by number, so that no case vanishes with a new version: nothing is skipped or expected to
// fail. It owns too what needs a gRPC client to be seen: streams held through reloads, deadlines and
// cancels that reach the origin, calls in flight while the edge leaves, streams held through processes that replace each other.
//
// It is a module of its own because of what gRPC and h2spec bring with them, which would otherwise be in the product's go.mod. It refuses
// to know how wire/h2 does it: that is for wire/h2's own tests, and for wire/wiretest.
package interop
