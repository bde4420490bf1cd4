package body

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

// Classify reads the one Content-Type of a request (RFC 9110 section 8.3.1); an empty one is None. What services could read
// in two ways is an *Error: a parameter that occurs twice or is continued (RFC 2231), quoting that is not closed or
// escapes, control characters, anything behind a value; a multipart without a boundary of RFC 2046 too. A charset may be
// any: Parse refuses those it does not know.
func Classify(contentType []byte, mem *Memory) (Media, error) {
	panic("BUG: not written")
}
