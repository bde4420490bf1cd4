// Package listen owns the sockets on which clients arrive.
//
// It opens every address or none, accepts until it is told to stop, bounds how many connections are open, and goes on
// accepting after the system ran out of descriptors for a moment. It knows nothing of what is spoken on a connection.
package listen
