package body

import (
	"bytes"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Decode takes the Content-Encoding off a body: gzip, deflate (in zlib's format), br, zstd; nothing and identity leave it as
// it is. It fails with an *Error if there are several codings or one it does not know, if the body is damaged or something follows
// it, and beyond Limits.DecodedBytes and DecodedRatio. The result is a view into data or into mem. A decoder is made for each
// body: requests with a coding are rare, and memory that is kept for them would not be. While it works it takes at most
// 1 MB beside the result, but for br, which takes what the body says of its window: 4 MB usually, at most 16 MB (RFC 7932
// section 9.1).
func Decode(coding, data []byte, l Limits, mem *Memory) ([]byte, error) {
	const in = "Content-Encoding"
	if coding = trimBlanks(coding); len(coding) == 0 || equalFold(coding, "identity") {
		return data, nil
	}
	if len(data) == 0 { // zstd would take it for no frame at all
		return nil, malformed(in, 0, "an empty body with a coding")
	}
	most := min(l.DecodedBytes, max(ratioFloorBytes, len(data)*l.DecodedRatio))
	out, left, err := decoded(coding, data, most, mem)
	switch {
	case errors.Is(err, errCoding):
		return nil, ambiguous(in, 0, "several codings, or one that is not gzip, deflate, br or zstd")
	case errors.Is(err, errTooLarge) && most < l.DecodedBytes:
		return nil, beyond(in, len(data)-left, "the body grows too much when it is decoded", l.DecodedRatio, "DecodedRatio")
	case errors.Is(err, errTooLarge):
		return nil, beyond(in, len(data)-left, "the decoded body is too large", l.DecodedBytes, "DecodedBytes")
	case err != nil:
		return nil, malformed(in, len(data)-left, "a body that is damaged, or not in the coding that it names")
	case left > 0:
		return nil, ambiguous(in, len(data)-left, "something behind the coded body")
	}
	return out, nil
}

var (
	errCoding   = errors.New("unknown coding")
	errTooLarge = errors.New("too large")
)

// decoded decodes at most a number of bytes and says how many of data it left. It reads no further than the coded body.
func decoded(coding, data []byte, most int, mem *Memory) (out []byte, left int, err error) {
	rest := bytes.NewReader(data)
	var from io.Reader
	switch {
	case equalFold(coding, "gzip"), equalFold(coding, "x-gzip"):
		r, gzErr := gzip.NewReader(rest)
		if gzErr != nil {
			return nil, rest.Len(), gzErr
		}
		r.Multistream(false) // services do not agree whether to read a second member
		from = r
	case equalFold(coding, "deflate"):
		if from, err = zlib.NewReader(rest); err != nil {
			return nil, rest.Len(), err
		}
	case equalFold(coding, "br"):
		from = brotli.NewReader(rest)
	case equalFold(coding, "zstd"):
		out, err = unzstd(data, most, mem)
		return out, 0, err
	default:
		return nil, 0, errCoding
	}
	out, err = readAll(from, most, mem)
	return out, rest.Len(), err
}

// unzstd decodes all frames of zstd (RFC 8878 section 3: their contents are one). Decoded as a whole, a frame needs no memory
// for the window that it asks for.
func unzstd(data []byte, most int, mem *Memory) ([]byte, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindowBytes), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	buf := mem.Alloc(most)
	out, err := r.DecodeAll(data, buf[:0])
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, errTooLarge
	case err != nil:
		return nil, err
	}
	return mem.Trim(buf, len(out)), nil
}

// readAll reads all, at most a number of bytes, into memory.
func readAll(from io.Reader, most int, mem *Memory) ([]byte, error) {
	buf := mem.Alloc(min(most+1, firstChunkBytes))
	for n, idle := 0, 0; ; idle++ {
		if n > most {
			return nil, errTooLarge
		}
		if n == len(buf) {
			larger := mem.Alloc(min(most+1, 2*len(buf)))
			copy(larger, buf)
			buf = larger
		}
		k, err := from.Read(buf[n:])
		n += k
		switch {
		case err == io.EOF && n <= most:
			return mem.Trim(buf, n), nil
		case err != nil && err != io.EOF:
			return nil, err
		case k > 0:
			idle = 0
		case idle > idleReadsMax:
			return nil, io.ErrNoProgress
		}
	}
}
