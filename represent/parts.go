package represent

import (
	"math/rand/v2"
	"strconv"

	"skerry.dev/skerry/exchange"
)

// AddContentRange adds to the response which of all bytes its body is (RFC 9110 section 14.4).
func AddContentRange(x *exchange.Exchange, part Span, size int64) {
	all := x.Scratch.Alloc(contentRangeBytesMax)
	x.Resp.Fields.Add(exchange.NameContentRange, x.Scratch.Trim(all, len(appendContentRange(all[:0], part, size))))
}

// AddUnsatisfied adds to a 416 how many bytes there are.
func AddUnsatisfied(x *exchange.Exchange, size int64) {
	all := x.Scratch.Alloc(contentRangeBytesMax)
	x.Resp.Fields.Add(exchange.NameContentRange, x.Scratch.Trim(all, len(strconv.AppendInt(append(all[:0], "bytes */"...), size, 10))))
}

func appendContentRange(to []byte, part Span, size int64) []byte {
	to = strconv.AppendInt(append(to, "bytes "...), part.From, 10)
	to = strconv.AppendInt(append(to, '-'), part.To-1, 10)
	return strconv.AppendInt(append(to, '/'), size, 10)
}

// NewParts returns a body of several parts (RFC 9110 section 14.6) and its media type, which takes the place of that of the
// whole; there is no Content-Range beside it. The boundary is random: who makes a representation cannot write one into it.
func NewParts(x *exchange.Exchange, src Source, r *Representation, parts []Span) (b *Body, contentType []byte) {
	const prefix = "multipart/byteranges; boundary="
	contentType = append(x.Scratch.Alloc(len(prefix) + boundaryBytes)[:0], prefix...)
	for range boundaryBytes / 16 {
		contentType = appendHex16(contentType, rand.Uint64())
	}
	boundary := contentType[len(prefix):]
	b = &Body{src: src, pieces: make([]piece, 0, len(parts)+1)}
	text := make([]byte, 0, (len(parts)+1)*(len("\r\n--\r\nContent-Type: \r\nContent-Range: \r\n\r\n")+len(boundary)+len(r.Type)+contentRangeBytesMax))
	add := func(part Span) {
		b.pieces = append(b.pieces, piece{text[:len(text):len(text)], part})
		b.size += int64(len(text)) + part.To - part.From
		text = text[len(text):]
	}
	for i, part := range parts {
		if i > 0 {
			text = append(text, "\r\n"...)
		}
		text = append(append(text, "--"...), boundary...)
		if r.Type != nil {
			text = append(append(text, "\r\nContent-Type: "...), r.Type...)
		}
		text = append(appendContentRange(append(text, "\r\nContent-Range: "...), part, r.Size), "\r\n\r\n"...)
		add(part)
	}
	text = append(append(append(text, "\r\n--"...), boundary...), "--\r\n"...)
	add(Span{})
	return b, contentType
}

func appendHex16(to []byte, n uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		to = append(to, "0123456789abcdef"[n>>shift&15])
	}
	return to
}
