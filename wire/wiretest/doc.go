// Package wiretest is what proves a protocol: the conformance tables and the harness that runs them.
//
// It owns Cases, the one table that every protocol plays: what a client asks, as data; which bytes exactly must arrive at the
// origin, which speaks HTTP/1.1; what the origin answers, or that it breaks off; what the client must see, and whether its
// connection goes on. A Protocol says neutral requests and reads neutral replies: HTTP1 and HTTP2 are here, and one more type
// is all that another protocol needs. A case says what a protocol must be able to say for it, and a test that there is one.
//
// What is left is tables in bytes of HTTP/1.1: RefusedLines, PassingLines, BadChunks, Wording and FlowLines. No case is in two
// tables. H2 is a client of HTTP/2 made of frames, which says what it is told, well-formed or not.
//
// It owns Rig, which holds both ends of a proxy under test and plays a script of steps on them, one after the other. A script
// has no sleeps: each step waits for its bytes, and at the end nothing else may have arrived anywhere. Time is tested by the
// same scripts on pipes inside a testing/synctest bubble.
package wiretest
