//go:build !race && !poison

package rewrite_test

const instrumented = false
