package compress

// Settings of the encoders, chosen by measurement: ratio and processor time per KB on 28 KB of HTML and on 10 KB of JSON,
// and the memory of an encoder with a long stream behind it.
//
//	gzip 6, standard library       0.288 17 µs   0.236 12 µs   0.8 MB
//	gzip 5                         0.295  5 µs   0.250  4 µs   1.1 MB
//	gzip 6                         0.293  5 µs   0.247  4 µs   1.1 MB   chosen
//	zstd fastest, window 128 KB    0.321  3 µs   0.252  3 µs   0.7 MB
//	zstd default, window 128 KB    0.305  4 µs   0.245  4 µs   1.8 MB   chosen
//	zstd better,  window 128 KB    0.300  6 µs   0.241  5 µs   4.6 MB
//	br 4, window 64 KB             0.282 25 µs   0.243 18 µs   1.8 MB   hardly smaller than gzip
//	br 5, window 64 KB             0.267 31 µs   0.224 23 µs   1.8 MB   chosen
//	br 5, window 256 KB            0.268 31 µs   0.225 18 µs   3.5 MB
//
// A flush every 16 KB makes the result less than 1 % larger, one every KB 10 to 15 %.
const (
	gzipLevel  = 6
	brQuality  = 5
	brWindow   = 16      // base 2 logarithm of bytes
	zstdWindow = 1 << 17 // bytes; RFC 9659 lets a client refuse more than 8 MB
)

// Memory of one encoder at work, in bytes, as measured; see above.
const (
	gzipBytes = 1100 << 10
	zstdBytes = 1800 << 10
	brBytes   = 1800 << 10
)

const (
	// workingBytesMax bounds the encoders at work at one moment in the whole process: some 150 to 240 of them. One is at
	// work from the first byte of a body to its last, so only long bodies and slow readers fill it. Beyond it: the
	// answer goes out as it is.
	workingBytesMax = 256 << 20
	// sizeMin is the smallest body in bytes worth a coding: a smaller one fits the packet its head is in.
	sizeMin = 1 << 10
	// wholeBytesMax is the largest body in bytes that is encoded at once if it is there already: its coded size is then
	// known, and its encoder free again before anything is sent. Beyond it: piece by piece.
	wholeBytesMax = 64 << 10
	// pieceBytes is how much of a body an encoder gets at once: it bounds what comes out at once.
	pieceBytes = 16 << 10
	// outBytes is how much an encoder puts out before it goes to the client, if the origin does not pause first.
	outBytes = 8 << 10
	// outKeptBytes is the largest output buffer that is kept for the next body. A larger one is left to the collector.
	outKeptBytes = 64 << 10
	// acceptBytesMax is the most of Accept-Encoding that is read, over all its fields; browsers send 30 bytes. Beyond
	// it: identity.
	acceptBytesMax = 512
	// acceptItemsMax is the most elements of Accept-Encoding, empty ones included; there are a dozen registered codings.
	// Beyond it: identity.
	acceptItemsMax = 32
	// typeBytesMax is the longest media type that is looked up, in bytes. Beyond it: not compressed.
	typeBytesMax = 64
)
