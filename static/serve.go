package static

import (
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/represent"
)

// serve answers with a variant, as the request's conditions and ranges want it. It releases the entry or leaves that to the
// body.
func (s *Stage) serve(x *exchange.Exchange, v *variant) exchange.Verdict {
	r := v.representation()
	outcome, parts := represent.Answer(x, &r)
	x.Answer(outcome.Status())
	switch outcome {
	case represent.Whole:
		v.answer(x, &r, nil)
	case represent.Partial:
		v.answer(x, &r, parts.List())
	default:
		v.entry.release()
		v.addValidators(x)
		if outcome == represent.Unsatisfiable {
			represent.AddUnsatisfied(x, r.Size)
		}
	}
	return exchange.Respond
}

// answer sends the variant: all of it, one part or several. HEAD gets the same head and the length.
func (v *variant) answer(x *exchange.Exchange, r *represent.Representation, parts []represent.Span) {
	f := &x.Resp.Fields
	contentType := v.kind.name
	switch source := (*content)(v.file); {
	case x.Req.Method == exchange.MethodHead:
		x.Resp.Length = v.size
		v.entry.release()
	case len(parts) > 1:
		x.Resp.Body, contentType = represent.NewParts(x, source, r, parts)
	case len(parts) == 1:
		x.Resp.Body = represent.NewBody(source, parts[0])
	default:
		x.Resp.Body = represent.NewBody(source, represent.Span{To: v.size})
	}
	f.Add(exchange.NameContentType, contentType)
	if len(parts) == 1 {
		represent.AddContentRange(x, parts[0], v.size)
	}
	f.Add(exchange.NameAcceptRanges, acceptRanges)
	if v.coding != nil {
		f.Add(exchange.NameContentEncoding, v.coding.name)
	}
	if v.file.lastModified != nil {
		f.Add(exchange.NameLastModified, v.lastModified(x))
	}
	v.addValidators(x)
}

var acceptRanges = []byte("bytes")

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
