// Package fault is how Skerry says that something went wrong.
//
// It owns three things: Error, the error of one exchange, which knows its kind, the side that caused it and whether
// another try may help; Problem, what is wrong at one place of a spec; and the one table from kind to status code and
// Proxy-Status type (kind.go). A package wraps a foreign error once, where it first meets it.
//
// It refuses to render anything for a client: that is rewrite's work, at the door.
package fault
