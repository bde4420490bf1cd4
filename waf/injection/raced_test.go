//go:build race

package injection_test

// raced is whether the race detector is on, which makes each value ten times as dear.
const raced = true
