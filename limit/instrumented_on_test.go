//go:build race || poison

package limit_test

// instrumented builds are slow on purpose: campaigns are shorter.
const instrumented = true
