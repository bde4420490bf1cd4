// Package represent decides how much of a representation that is at hand a request gets: all of it, some parts, or none.
//
// It owns Answer, which judges a request's conditions (RFC 9110 section 13) and ranges (section 14) against a description
// of the representation; Body, whole or in parts, pulled from any Source; the fields that go with them; entity tags
// (section 8.8.3) and dates (section 5.6.7). Whoever serves what it has, files or a cache's store, shares it.
//
// It promises that a part is never sent to a client whose If-Range is not known to be of the same bytes, that an answer is
// never much longer than the whole, and that a decision does not allocate.
//
// It refuses nothing: a field that is malformed, or there twice, is as good as none, and the client gets the whole. It
// knows neither files nor stores, and judges only what would be a 200 otherwise.
package represent
