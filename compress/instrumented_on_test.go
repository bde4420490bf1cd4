//go:build race || poison

package compress_test

// instrumented builds allocate on purpose: the race detector makes pools forget, poison overwrites what is released.
const instrumented = true
