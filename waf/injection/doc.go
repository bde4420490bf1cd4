// Package injection decides whether a value is SQL or HTML that was smuggled in, as libinjection does, without allocating.
//
// It is held against github.com/corazawaf/libinjection-go, whose decisions it must make: its tests and fuzz targets are the proof.
package injection
