// Package freshness says what of HTTP's caching rules applies to an answer: RFC 9111, with RFC 5861 (stale answers), RFC 9213
// (CDN-Cache-Control) and RFC 9875 (groups). It owns no memory, no clock and no goroutine: heads and instants in, decisions out.
//
// Judge decides whether an answer may be stored, and makes its Terms: when its age was 0, how long it is fresh, what may be done with
// it when it is not. Terms.Use and Terms.AfterFailure decide about each later request. AppendVary and Matches hold variants apart,
// Strip and Freshen make the head that is stored, Groups names what a purge may ask for.
//
// It promises that nothing a response or a client writes makes an answer fresh by accident: what cannot be read is stale, of two
// statements the stricter one holds, a word that forbids is heeded even where the list around it is malformed, and arithmetic ends at
// a bound instead of turning negative. What is asked on each hit does not allocate. It refuses to guess in private mode.
package freshness
