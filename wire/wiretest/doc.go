// Package wiretest is what proves a protocol: the conformance tables and the harness that runs them.
//
// It owns Rig, which holds both ends of a proxy under test, a client's connection and an origin's, and plays a script of
// steps on them, one after the other: what the client sends, which bytes exactly must arrive at the origin, what the
// origin answers, which bytes exactly the client must get. It owns the tables: Requests and Refused for the bytes of
// HTTP/1.1 clients; Origins for what origins answer, which any protocol on the client's side can run with its own Ask.
// Passes and Refused are texts that another protocol's test can translate. H2 is a client of HTTP/2 made of frames, which
// says what it is told, well-formed or not.
//
// A script has no sleeps: each step waits for its bytes, and at the end nothing else may have arrived anywhere. Time is
// tested by the same scripts on pipes inside a testing/synctest bubble.
package wiretest
