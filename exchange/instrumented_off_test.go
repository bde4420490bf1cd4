//go:build !race && !poison

package exchange_test

const instrumented = false
