// Package listen owns the sockets on which clients arrive.
//
// It opens every address or none, accepts until it is told to stop, and goes on accepting after the system ran out of
// descriptors for a moment. It bounds how many connections are open, over all and per client address. On an address that asks
// for it, it takes the PROXY header off by which a trusted proxy says who the client is: of every connection, or the connection
// ends; on other addresses never. On an HTTPS address it does the handshake, in the connection's own goroutine and within a
// deadline, with what a cert.Store says, and hands over what was settled. On a plain address that serves HTTP/1.1 and HTTP/2 it
// looks, within a deadline too, whether the client begins with the preface of HTTP/2. It knows nothing of what is spoken on a
// connection after that.
package listen
