// Package cachetest is what a shared HTTP cache must do, as a table, and the harness that plays it against a running proxy.
//
// It owns Cases: each row names the section that asks for it, what the origin says, what a client asks, and what must come of
// it: from the store, from the origin, or from the store after the origin was asked whether it still holds. Origin is a server
// on a real socket that answers as the case under way says, byte for byte, and records what it was asked; Run plays every case
// through a Target and Play counts without judging, so that other caches can be held against the same rows.
//
// It promises that every body is told from every other, so that an answer of another request is seen wherever it turns up; that
// cases share no URL and run beside each other in an order drawn from a printed seed; and that time is played with Age, Date and
// Expires. A case waits, for two seconds at most, only where nothing but time shows what it asks.
package cachetest
