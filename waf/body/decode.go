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
// body: requests with a coding are rare, and memory that is kept for them would not be.
func Decode(coding, data []byte, l Limits, mem *Memory) ([]byte, error) {
	const in = "Content-Encoding"
	if coding = trimBlanks(coding); len(coding) == 0 || equalFold(coding, "identity") {
		return data, nil
	}
	if len(data) == 0 { // zstd would take it for no frame at all
		return nil, malformed(in, 0, "an empty body with a coding")
	}
	left := bytes.NewReader(data)
	from, done, err := decoder(coding, left)
	switch {
	case errors.Is(err, errCoding):
		return nil, ambiguous(in, 0, "several codings, or one that is not gzip, deflate, br or zstd")
	case err != nil:
		return nil, malformed(in, 0, "a body that is not in the coding that it names")
	}
	defer done()
	most := min(l.DecodedBytes, max(ratioFloorBytes, len(data)*l.DecodedRatio))
	out, err := readAll(from, most, mem)
	switch {
	case errors.Is(err, errTooLarge) && most < l.DecodedBytes:
		return nil, beyond(in, len(data)-left.Len(), "the body grows too much when it is decoded", l.DecodedRatio, "DecodedRatio")
	case errors.Is(err, errTooLarge):
		return nil, beyond(in, len(data)-left.Len(), "the decoded body is too large", l.DecodedBytes, "DecodedBytes")
	case err != nil:
		return nil, malformed(in, len(data)-left.Len(), "a damaged body")
	case left.Len() > 0:
		return nil, ambiguous(in, len(data)-left.Len(), "something behind the coded body")
	}
	return out, nil
}

var (
	errCoding   = errors.New("unknown coding")
	errTooLarge = errors.New("too large")
)

// decoder makes the one for a coding. It reads from data no further than the coded body, if that can be.
func decoder(coding []byte, data *bytes.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	switch {
	case equalFold(coding, "gzip"), equalFold(coding, "x-gzip"):
		r, err := gzip.NewReader(data)
		if err != nil {
			return nil, nil, err
		}
		r.Multistream(false) // services do not agree whether to read a second member
		return r, nothing, nil
	case equalFold(coding, "deflate"):
		r, err := zlib.NewReader(data)
		return r, nothing, err
	case equalFold(coding, "br"):
		return brotli.NewReader(data), nothing, nil
	case equalFold(coding, "zstd"):
		r, err := zstd.NewReader(data, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindowBytes))
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
	return nil, nil, errCoding
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
