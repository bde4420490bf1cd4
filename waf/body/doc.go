// Package body takes bodies, queries and cookies apart into the named values that rules look at: forms, multipart, JSON,
// NDJSON, XML. What has two readings is refused, so that what was inspected is what the service reads.
package body
