// Package client is the other side of an edge's admin API, with types, and of the edge itself, as two people would ask it.
//
// It owns the wire form of what the API says: its types are a part of the public interface, to which members are added
// and from which none are taken. It reads what a newer edge says and leaves out what it does not know.
//
// It promises that every call has a deadline, that answers are bounded, and that an answer that is a problem (RFC 9457)
// becomes an error with its detail. It follows no redirect, keeps no cookie and knows no proxy: it asks whom it was told
// to ask.
package client
