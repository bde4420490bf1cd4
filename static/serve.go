package static

import (
	"math/rand/v2"
	"strconv"

	"skerry.dev/skerry/exchange"
)

// serve answers with a variant, as the request's conditions and ranges want it. It releases the entry or leaves that to the
// body.
func (s *Stage) serve(x *exchange.Exchange, v *variant) exchange.Verdict {
	outcome, parts := v.conditions(x), spans{}
	if outcome != conditionsHold {
		v.entry.release()
		status := 412
		if outcome == notModified {
			status = 304
		}
		x.Answer(status)
		v.addValidators(x)
		return exchange.Respond
	}
	if x.Req.Method == exchange.MethodGet && x.Req.Fields.Count(exchange.NameRange) == 1 && v.rangeHolds(x.Req.Fields) &&
		!parseRanges(x.Req.Fields.Get(exchange.NameRange), v.size, &parts) {
		v.entry.release()
		x.Answer(416)
		v.addValidators(x)
		x.Resp.Fields.Add(exchange.NameContentRange, v.contentRange(x, nil))
		return exchange.Respond
	}
	v.answer(x, parts.list[:parts.n])
	return exchange.Respond
}

// answer sends the variant: all of it, one part or several. HEAD gets the same head and the length.
func (v *variant) answer(x *exchange.Exchange, parts []span) {
	status := 200
	if len(parts) > 0 {
		status = 206
	}
	x.Answer(status)
	f := &x.Resp.Fields
	contentType := v.kind.name
	var body *body
	switch {
	case x.Req.Method == exchange.MethodHead:
		x.Resp.Length = v.size
		v.entry.release()
	case len(parts) > 1:
		body, contentType = v.multipart(x, parts)
	case len(parts) == 1:
		body = newBody(v, parts[0])
	default:
		body = newBody(v, span{0, v.size})
	}
	if body != nil { // a nil *body is no nil Body
		x.Resp.Body = body
	}
	f.Add(exchange.NameContentType, contentType)
	if len(parts) == 1 {
		f.Add(exchange.NameContentRange, v.contentRange(x, &parts[0]))
	}
	f.Add(exchange.NameAcceptRanges, unitBytes)
	if v.coding != nil {
		f.Add(exchange.NameContentEncoding, v.coding.name)
	}
	if v.file.lastModified != nil {
		f.Add(exchange.NameLastModified, v.lastModified(x))
	}
	v.addValidators(x)
}

// addValidators adds what a 304 must say as well (RFC 9110 section 15.4.5): the tag, and on what the choice depended.
func (v *variant) addValidators(x *exchange.Exchange) {
	f := &x.Resp.Fields
	if v.tag != nil {
		f.Add(exchange.NameETag, v.tag)
	}
	switch {
	case v.entry.varies && v.fallback:
		f.Add(exchange.NameVary, varyBoth)
	case v.entry.varies:
		f.Add(exchange.NameVary, exchange.NameAcceptEncoding.Bytes())
	case v.fallback:
		f.Add(exchange.NameVary, exchange.NameAccept.Bytes())
	}
}

var varyBoth = []byte("Accept, Accept-Encoding")

// contentRange is the value of Content-Range (RFC 9110 section 14.4) for a part, or for none.
func (v *variant) contentRange(x *exchange.Exchange, part *span) []byte {
	all := x.Scratch.Alloc(contentRangeBytesMax)
	return x.Scratch.Trim(all, len(appendContentRange(all[:0], v.size, part)))
}

func appendContentRange(to []byte, size int64, part *span) []byte {
	to = append(to, "bytes "...)
	if part == nil {
		to = append(to, '*')
	} else {
		to = strconv.AppendInt(to, part.from, 10)
		to = strconv.AppendInt(append(to, '-'), part.to-1, 10)
	}
	return strconv.AppendInt(append(to, '/'), size, 10)
}

// multipart returns a body of several parts (RFC 9110 section 14.6) and its media type. The boundary is random: who makes
// a file cannot write one into it.
func (v *variant) multipart(x *exchange.Exchange, parts []span) (b *body, contentType []byte) {
	const prefix = "multipart/byteranges; boundary="
	contentType = append(x.Scratch.Alloc(len(prefix) + boundaryBytes)[:0], prefix...)
	for range boundaryBytes / 16 {
		contentType = appendHex16(contentType, rand.Uint64())
	}
	boundary := contentType[len(prefix):]
	pieces := make([]piece, 0, len(parts)+1)
	for i := range parts {
		head := []byte("\r\n--")
		if i == 0 {
			head = head[2:]
		}
		head = append(append(head, boundary...), "\r\nContent-Type: "...)
		head = append(append(head, v.kind.name...), "\r\nContent-Range: "...)
		head = append(appendContentRange(head, v.size, &parts[i]), "\r\n\r\n"...)
		pieces = append(pieces, piece{head, parts[i]})
	}
	tail := append(append([]byte("\r\n--"), boundary...), "--\r\n"...)
	return newParts(v, append(pieces, piece{head: tail})), contentType
}

func appendHex16(to []byte, n uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		to = append(to, "0123456789abcdef"[n>>shift&15])
	}
	return to
}
