// Package transport is the bytes below a protocol: one connection with deadlines, behind an interface of a few methods.
//
// It owns Conn and its implementations: raw system calls inside the netpoller's callbacks for TCP on Linux, net.Conn's own calls
// for everything else and wherever SelfTest fails, and TLS on either. It owns the check that a kept connection is still quiet,
// the watch for a peer that leaves, Pipe, which moves bytes between two TCP connections without a copy in user space, Forwarding,
// which moves small pieces without asking the kernel in vain, and two things that are done to a connection before anything is spoken on it and leave it its raw calls: Open, a look at what comes
// first, and WithRemote, another address for the peer.
//
// It promises that no method allocates, that a deadline is never early, that arming deadlines costs no system call and almost no
// time on a busy connection, and that a connection which waits by ReadLent holds no buffer. It knows nothing of HTTP.
package transport
