// Package peer holds the connections to origins.
//
// It owns Keeper, which has a Peer for each full identity (address, TLS with every byte of its certificates, limits) that
// anybody uses, and Conn, a connection that can be kept for the next request. Kept connections lie in a stack for each
// processor; who finds its own empty takes from another's. One timer for all of them closes what has been unused for too long.
//
// It promises that Get and Keep allocate nothing and touch no memory that all processors write, that never more
// connections are kept or open than the limits say, that a connection carries no request beyond its age, its number of requests or
// what the origin said in Keep-Alive, and that nothing is shared by two identities, sessions of TLS included.
//
// It refuses to resolve names, to choose, to retry and to count failures: those are its neighbours'.
package peer
