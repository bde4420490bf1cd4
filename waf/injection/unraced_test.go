//go:build !race

package injection_test

const raced = false
