// Package peer holds the connections to origins.
//
// It owns Keeper, which has a Peer for each full identity (address, protocol, PROXY header, TLS with every byte of its
// certificates, limits) that anybody uses, and Conn, what one exchange has of a connection. One of HTTP/1.1 is an exchange's
// alone, and can be kept for the next one: kept connections lie in a stack for each processor; who finds its own empty takes from
// another's. One that a PROXY header announces is kept for its client's own connection alone. One of HTTP/2 is shared: who finds no
// place on any waits for one that is being made, together with others. One timer for all closes what has been unused for too long.
//
// It promises that Get and Keep allocate nothing, and touch no memory that all processors write but the shared connection's own,
// that never more connections are kept or open than the limits say, that a connection carries no request beyond its age, its
// number of requests or what the origin said in Keep-Alive, that an exchange which has begun is never ended by those bounds, and
// that nothing is shared by two identities, sessions of TLS included.
//
// It refuses to resolve names, to choose, to retry and to count failures: those are its neighbours'.
package peer
