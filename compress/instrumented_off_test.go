//go:build !race && !poison

package compress_test

const instrumented = false
