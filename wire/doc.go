// Package wire is what the protocols of the wire share.
//
// It owns Request, how a request goes to an origin where that is not the exchange's own; the errors by which a client of any
// protocol says that a bound has passed or that an exchange was given up; and Join, which carries bytes between the two ends of
// a tunnel, whatever protocols they belong to.
//
// It refuses to know any protocol.
package wire
