//go:build race

package edge_test

// memoryFactor is how much more memory everything may take: the race detector keeps a shadow of it, makes pools forget, and is slow, so that
// on a busy machine much waits for the collector. The bounds proper are those without it.
const memoryFactor = 4
