// Package edge is the traffic process: the plan in force, the listeners that feed it, and the changes from one plan to
// the next.
//
// It owns Edge, the atomic pointer to the plan, the keepers, the life of a request outside its stages (serve.go), the
// watch on the spec's files with the last good spec as its fallback (source.go), and the drain.
//
// It promises that every exchange sees exactly one plan, that a reload loses no request and resets no connection, that a
// spec which does not compile changes nothing, and that a panic ends one exchange at most.
package edge
