// Package route finds the route of a request.
//
// It owns Table, the immutable matcher over every host and route of a spec: host first (exact before wildcard, longest
// wildcard first), then path (exact, pattern, longest prefix, any), then method, header and query predicates.
//
// It promises that a match is decided by the spec alone, never by the order of documents or by chance, costs no
// allocation, and takes time bounded by the length of the path and by how many routes overlap on it.
//
// It refuses paths and hosts that are not in normal form: they could never match. It knows nothing of where a route
// goes.
package route
