//go:build race

package edge_test

// memoryFactor is how much more memory everything may take: the race detector keeps a shadow of it, and makes pools forget.
const memoryFactor = 2
