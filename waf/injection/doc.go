// Package injection decides whether a value is SQL or HTML that was smuggled in, as libinjection does, without allocating.
//
// It is held against github.com/corazawaf/libinjection-go, whose decisions it must make: its tests and fuzz targets are the
// proof, testdata/differs.md has what differs. The tables are the library's data, under its licence; after an update of that
// module go generate makes them anew. Time is linear in the length of a value, and no bytes make it panic.
package injection

//go:generate go run gen.go
