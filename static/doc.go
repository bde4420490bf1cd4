// Package static serves a directory as a service.
//
// It owns Roots, the directory of --files below which every served directory lies, and Stage, the last of a path whose
// service is files: names, validators (RFC 9110 section 8.8), precompressed files. Conditions and ranges are represent's.
//
// It promises that nothing outside a service's directory is ever served: not by "..", a percent-code or a link. A link
// within it is followed, since whoever may write there placed it. Opening never waits for another process. A file that is
// replaced while it is sent is sent as it was, one that is cut short ends in a reset; who writes into a file that is being
// sent gets a mixture, as with any server: rename new ones into place.
//
// It refuses, with 404, every segment that starts with a dot (but /.well-known/), whatever is no regular file, and a
// directory without an index: there are no listings.
package static
