package body

import (
	"bytes"
	"strings"
)

// Kind is how a body is taken apart.
type Kind uint8

// The kinds.
const (
	None      Kind = iota // no Content-Type
	Form                  // application/x-www-form-urlencoded
	Multipart             // multipart/form-data
	JSON                  // application/json, text/json, any +json, CSP reports
	NDJSON                // application/x-ndjson and its other names: a JSON value in each line
	XML                   // application/xml, text/xml, any +xml
	Opaque                // anything else: it is not taken apart, and an entrypoint allows it by name or not at all
)

// String is the kind as a label: "none", "form", "multipart", "json", "ndjson", "xml", "opaque".
func (k Kind) String() string {
	return [...]string{"none", "form", "multipart", "json", "ndjson", "xml", "opaque"}[k]
}

// Processor is SecLang's REQBODY_PROCESSOR: URLENCODED, MULTIPART, JSON, XML, or nothing.
func (k Kind) Processor() string {
	return [...]string{"", "URLENCODED", "MULTIPART", "JSON", "JSON", "XML", ""}[k]
}

// Media is what a Content-Type says. Its bytes are views into the field or into Memory.
type Media struct {
	Kind           Kind
	Type           []byte // "application/json": lower case, without parameters
	Charset        []byte // lower case; nil if there is none
	Boundary       []byte // of Multipart, as given
	BoundaryQuoted bool
}

// Inspected reports whether rules are shown a body of this type: one with a parser, one without a type, and plain text, which forms
// of any site can send and many a service reads as something else. The last two are read as JSON or as a form.
func (m Media) Inspected() bool { return m.Kind != Opaque || string(m.Type) == "text/plain" }

// KindOf is the kind of a processor that a rule asks for (ctl:requestBodyProcessor), in any case; Opaque, if it is none.
func KindOf(processor []byte) Kind {
	switch string(bytes.ToLower(processor)) {
	case "urlencoded":
		return Form
	case "multipart":
		return Multipart
	case "json":
		return JSON
	case "xml":
		return XML
	}
	return Opaque
}

// GRPC reports whether a body of this type is gRPC's, in one of its wire formats, or gRPC-Web's.
func (m Media) GRPC() bool {
	rest, ok := bytes.CutPrefix(m.Type, []byte("application/grpc"))
	if !ok {
		return false
	}
	rest = bytes.TrimPrefix(rest, []byte("-web"))
	rest = bytes.TrimPrefix(rest, []byte("-text"))
	return len(rest) == 0 || rest[0] == '+'
}

// Among reports whether a list of types names this one, and if not, whether a pattern of the list covers it: one * stands for any
// number of bytes, application/*+json.
func (m Media) Among(types []string) (named, covered bool) {
	for _, t := range types {
		if t == string(m.Type) {
			return true, false
		}
		before, after, wild := strings.Cut(t, "*")
		if wild && len(m.Type) >= len(before)+len(after) && string(m.Type[:len(before)]) == before && string(m.Type[len(m.Type)-len(after):]) == after {
			covered = true
		}
	}
	return false, covered
}

// Classify reads the one Content-Type of a request (RFC 9110 section 8.3.1); an empty one is None. What services could read
// in two ways is an *Error: a parameter that occurs twice or is continued (RFC 2231), quoting that is not closed or
// escapes, control characters, anything behind a value; a multipart without a boundary of RFC 2046 too. A charset may be
// any: Parse refuses those it does not know.
func Classify(contentType []byte, mem *Memory) (Media, error) {
	m, err := classify(contentType, mem)
	if err != nil {
		return Media{}, err
	}
	return m, nil
}

func classify(field []byte, mem *Memory) (m Media, err *Error) {
	const in = "Content-Type"
	field = trimBlanks(field)
	if len(field) == 0 {
		return m, nil
	}
	if len(field) > mediaTypeBytesMax {
		return m, beyond(in, 0, "too long", mediaTypeBytesMax, "")
	}
	end := bytes.IndexByte(field, ';')
	if end < 0 {
		end = len(field)
	}
	name := trimBlanks(field[:end])
	if main, sub, ok := bytes.Cut(name, []byte("/")); !ok || !token(main) || !token(sub) {
		return m, malformed(in, 0, "not a type and a subtype")
	}
	m.Type = lowered(name, mem)
	m.Kind = kindOf(m.Type)

	ps := parameters{in: in, data: field, at: end}
	for ps.next(); ps.err == nil && !ps.done; ps.next() {
		switch {
		case equalFold(ps.name, "charset"):
			if m.Charset = lowered(ps.value, mem); len(m.Charset) == 0 {
				return m, malformed(in, ps.at, "an empty charset")
			}
		case equalFold(ps.name, "boundary"):
			m.Boundary, m.BoundaryQuoted = ps.value, ps.quoted
		}
	}
	if ps.doubt != nil {
		return m, ps.doubt
	}
	if ps.err != nil {
		return m, ps.err
	}
	if m.Kind != Multipart {
		m.Boundary, m.BoundaryQuoted = nil, false
		return m, nil
	}
	return m, boundary(m.Boundary)
}

// boundary says what is wrong with one (RFC 2046 section 5.1.1).
func boundary(b []byte) *Error {
	if len(b) == 0 {
		return malformed("Content-Type", 0, "multipart without a boundary")
	}
	if len(b) > boundaryBytesMax {
		return beyond("Content-Type", 0, "the boundary is too long", boundaryBytesMax, "")
	}
	for _, c := range b {
		if c != '(' && c != ')' && c != ',' && c != '/' && c != ':' && c != '=' && c != '?' && c != ' ' &&
			(!tokens[c] || bytes.IndexByte([]byte("!#$%&*^`|~"), c) >= 0) {
			return malformed("Content-Type", 0, "a boundary with a character that none may have")
		}
	}
	if b[len(b)-1] == ' ' {
		return malformed("Content-Type", 0, "a boundary that ends in a space")
	}
	return nil
}

// kindOf maps a media type in lower case.
func kindOf(t []byte) Kind {
	switch string(t) {
	case "application/x-www-form-urlencoded":
		return Form
	case "multipart/form-data":
		return Multipart
	case "application/json", "text/json", "text/x-json", "application/x-json", "application/csp-report":
		return JSON
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines",
		"application/x-jsonlines", "application/json-lines", "application/stream+json", "text/x-ndjson", "application/json-l":
		return NDJSON
	case "application/xml", "text/xml":
		return XML
	}
	switch {
	case bytes.HasSuffix(t, []byte("+json")):
		return JSON
	case bytes.HasSuffix(t, []byte("+xml")):
		return XML
	}
	return Opaque
}
