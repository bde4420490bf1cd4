//go:build !race && !poison

package limit_test

const instrumented = false
