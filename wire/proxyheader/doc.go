// Package proxyheader is the header of the PROXY protocol, versions 1 and 2: the bytes by which a balancer says, before anything
// else on a connection, for whom it made it (haproxy.org/download/3.2/doc/proxy-protocol.txt).
//
// It owns Parse, which looks at what has come so far and takes nothing, and Append. It is ours because whoever reads the header
// must not take a byte more than it from the socket: what follows is TLS, or HTTP that is read by raw calls, and a reader with a
// buffer of its own would stand between for the whole life of the connection.
//
// It promises never to ask for more than BytesMax bytes, to give the same answer whatever the pieces in which a header comes, and
// to allocate nothing but one string for a header of version 1. It repairs nothing: what two readers could understand in two ways
// has a Flaw.
//
// It refuses to decide who may send a header: that is asked before a byte is read.
package proxyheader
