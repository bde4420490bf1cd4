// Package compress puts a content coding on response bodies: br, zstd or gzip.
//
// It owns Accept and Stage. On the way in Accept reduces Accept-Encoding to the one coding the client gets at most, so that an
// origin or a cache sees four values and no more. On the way back Stage encodes what the origin did not, and keeps the
// head honest: Vary, a weak ETag, no Content-Length, no ranges, no digest of bytes that are not sent.
//
// It promises that no byte waits in an encoder while the origin is silent, that a body that broke off never decodes as a
// whole one, that an answer which may tell a secret by its size is left alone (breach.go), and that the memory of all
// encoders at work is bounded: beyond the bound answers go out as they are. It refuses event streams: each would hold
// an encoder for hours.
//
// Of exchange.Facts it writes Encoding and nothing else.
package compress
