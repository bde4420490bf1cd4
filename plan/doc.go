// Package plan compiles a spec into what the edge executes.
//
// It owns Plan, the immutable result: a route table and one path of stages per route; order.go, the only place with the
// order of stages and the reasons for it; and Keepers, what outlives a plan.
//
// It promises that a spec which compiles can be served: everything that can fail at compile time has failed here, with
// the position in the spec. An unused feature is no stage: it costs nothing.
package plan
