package h1

import (
	"bytes"
	"io"

	"skerry.dev/skerry/exchange"
)

// chunkState is what comes next in a chunked body (RFC 9112 section 7.1).
type chunkState uint8

const (
	chunkSize     chunkState = iota // a chunk's size line
	chunkData                       // its data
	chunkDataEnd                    // the CRLF behind its data
	chunkTrailers                   // the trailer section
)

// nextChunk returns the next data, which never spans chunks, or io.EOF once the trailer section has been read.
func (b *body) nextChunk() ([]byte, error) {
	for {
		switch b.state {
		case chunkData:
			view, err := b.take(b.left)
			if err != nil {
				return nil, err
			}
			if b.left -= int64(len(view)); b.left == 0 {
				b.state = chunkDataEnd
			}
			return view, nil
		case chunkDataEnd:
			if err := b.need(2); err != nil {
				return nil, err
			}
			if d := b.buf.data[b.buf.r:]; d[0] != '\r' || d[1] != '\n' {
				return nil, b.malformed(errChunk)
			}
			b.buf.r += 2
			b.state = chunkSize
		case chunkSize:
			if err := b.chunkLine(); err != nil {
				return nil, err
			}
		case chunkTrailers:
			return nil, b.readTrailers()
		}
	}
}

// chunkReady reports whether the next data, or the end of the body, is in the buffer.
func (b *body) chunkReady() bool {
	have := b.buf.data[b.buf.r:b.buf.w]
	switch b.state {
	case chunkData:
		return len(have) > 0
	case chunkTrailers:
		return trailersReady(have)
	case chunkDataEnd:
		if len(have) < 2 {
			return false
		}
		have = have[2:]
	}
	i := bytes.IndexByte(have, '\n') + 1
	if i == 0 {
		return false
	}
	if have[0] == '0' { // as good as always the last chunk
		return trailersReady(have[i:])
	}
	return i < len(have)
}

func trailersReady(have []byte) bool {
	return bytes.HasPrefix(have, crlf2[:2]) || bytes.Contains(have, crlf2)
}

// Check looks whether what the buffer holds of a chunked body is well formed, and takes nothing. A body that came
// broken with its head is so refused before the head has gone anywhere.
func (b *body) Check() error {
	if b.kind != bodyChunked || b.buf.r == b.buf.w {
		return nil
	}
	in, trailers := *b.buf, exchange.Fields(nil)
	probe := *b
	probe.buf, probe.trailers, probe.given, probe.dry = &in, &trailers, nil, true
	for {
		if _, err := probe.Next(); err == io.EOF || err == errInterrupted {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// need reads until n bytes are there.
func (b *body) need(n int) error {
	for b.buf.w-b.buf.r < n {
		if err := b.fill(); err != nil {
			return err
		}
	}
	return nil
}

// chunkLine reads a size line and goes to the data, or to the trailers behind the last chunk.
func (b *body) chunkLine() error {
	line, err := b.line(chunkLineBytesMax, errChunk)
	if err != nil {
		return err
	}
	n := 0
	for n < len(line) && classes[line[n]]&hexDigit != 0 {
		n++
	}
	if n == 0 || n > chunkSizeDigitsMax || !validExtensions(line[n:]) {
		return b.malformed(errChunk)
	}
	if b.overhead += len(line) - n; b.overhead > chunkOverheadMax {
		return b.malformed(errChunk)
	}
	var size int64
	for _, c := range line[:n] {
		size = size<<4 | int64(hexValue(c))
	}
	b.left, b.state = size, chunkData
	if size == 0 {
		b.state = chunkTrailers
	}
	return nil
}

// line consumes a line of at most so many bytes and returns it without its CRLF.
func (b *body) line(most int, tooLong error) ([]byte, error) {
	for seen := 0; ; {
		have := b.buf.data[b.buf.r:b.buf.w]
		if i := bytes.IndexByte(have[seen:], '\n'); i >= 0 {
			i += seen
			if i == 0 || have[i-1] != '\r' || i > most+1 {
				return nil, b.malformed(tooLong)
			}
			b.buf.r += i + 1
			return have[:i-1], nil
		}
		if seen = len(have); seen > most+1 {
			return nil, b.malformed(tooLong)
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// validExtensions checks *( ";" token [ "=" ( token / quoted-string ) ] ), with no white space anywhere: RFC 9112 calls
// it bad, and programs differ on it.
func validExtensions(e []byte) bool {
	for len(e) > 0 {
		if e[0] != ';' {
			return false
		}
		n := tokenLen(e[1:])
		if n == 0 {
			return false
		}
		if e = e[1+n:]; len(e) == 0 || e[0] != '=' {
			continue
		}
		e = e[1:]
		if n = tokenLen(e); n == 0 {
			n = quotedLen(e)
		}
		if n == 0 {
			return false
		}
		e = e[n:]
	}
	return true
}

func tokenLen(b []byte) int {
	n := 0
	for n < len(b) && classes[b[n]]&tchar != 0 {
		n++
	}
	return n
}

// quotedLen is the length of the quoted-string at the start of b, 0 if there is none.
func quotedLen(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i++
			if i == len(b) || b[i] < 0x20 && b[i] != '\t' || b[i] == 0x7f {
				return 0
			}
		case c < 0x20 && c != '\t' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// readTrailers consumes the trailer section, up to and with its empty line, and returns io.EOF. The fields are copied
// from behind the body: their views must not die with the next read.
func (b *body) readTrailers() error {
	if err := b.need(2); err != nil {
		return err
	}
	have := b.buf.data[b.buf.r:b.buf.w]
	if have[0] == '\r' && have[1] == '\n' {
		b.buf.r += 2
		return io.EOF
	}
	for seen := 0; ; {
		end, err := headEnd(have, seen)
		if err != nil {
			return b.malformed(errTrailer)
		}
		if end > 0 {
			if end > TrailerBytesMax {
				return b.malformed(errTrailer)
			}
			b.buf.r += end
			return b.parseTrailers(have[:end])
		}
		if seen = len(have); seen > TrailerBytesMax {
			return b.malformed(errTrailer)
		}
		if err := b.fill(); err != nil {
			return err
		}
		have = b.buf.data[b.buf.r:b.buf.w]
	}
}

func (b *body) parseTrailers(section []byte) error {
	var f framing
	f.length = -1
	own := append([]byte(nil), section...)
	var all exchange.Fields
	if err := parseFields(own, 0, &all, b.trailers, &f); err != nil {
		return b.malformed(errTrailer)
	}
	for i := range all {
		if all[i].ID.NotInTrailer() || exchange.LooksTrusted(all[i].Name) {
			return b.malformed(errTrailer)
		}
	}
	return io.EOF
}

// malformed says whose fault a broken body is.
func (b *body) malformed(err error) error {
	if b.response {
		return errOriginChunk
	}
	return err
}
