// Package memory says what the process may use, and divides it.
//
// Find is the limit: what --memory says, the smallest one of the cgroup and those above it (v2 and v1), or most of what the machine
// has. Divide gives every part of the edge that keeps memory its budget, so that all of them together, full at once, stay below
// the limit, and lowers what does not fit; what somebody has asked for by a flag it never lowers, but refuses. What a connection
// and an exchange cost is measured (limits.go says how). Watch looks at what is really in use: near the limit it has the cache
// give back, and then says that no more should be begun.
//
// It knows no part of the edge and sets nothing: who has a budget keeps to it, and the command tells the Go runtime.
package memory
