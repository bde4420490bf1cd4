// Package handover replaces a process by another one that has its listening sockets.
//
// A process begins as the first or as a successor. It opens its sockets through Sockets, which takes those that it was given before it
// opens new ones. Start runs the program anew with the same arguments and every socket, and returns when the new process says that it
// would serve. Both have one end of a line, a pair of sockets of its own: on it the new one says that it is ready, the old one that it does
// not accept any more and, later, that it gives way for good, and much later the newest that the oldest must end. The old one may also tell
// what is not this package's. A line that breaks says that the process at the other end is gone, whatever ended it, and nobody is ever
// signalled by a number that may belong to another process by now.
//
// It promises that no connection is lost between the two: a socket is the same one for both, with one queue, and the old process can stop
// accepting without closing it. It knows nothing of what is served, nor when a process is worth being ready.
//
// Lock keeps a directory to one process at a time, and says who has it.
package handover
