// Package body takes bodies, queries and cookies apart into the named values that rules look at: forms, multipart, JSON,
// NDJSON, XML.
//
// What has two readings is refused, so that what was inspected is what the service reads: each parser here accepts less than
// the services' parsers do, and reads what it accepts as they do. Depth, counts and sizes are limited before they cost
// anything. Nothing is written, nothing is shared, no input panics. Values are views into the input wherever nothing had to
// be decoded; everything else is in the Memory of the one request, so a warm parser allocates nothing.
package body
