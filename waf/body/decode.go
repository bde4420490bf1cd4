package body

// Decode takes the Content-Encoding off a body: gzip, deflate (in zlib's format), br, zstd; nothing and identity leave it as
// it is. It fails with an *Error if there are several codings or one it does not know, if the body is damaged or something follows
// it, and beyond Limits.DecodedBytes and DecodedRatio. The result is a view into data or into mem.
func Decode(coding, data []byte, l Limits, mem *Memory) ([]byte, error) {
	panic("BUG: not written")
}
