package body

import "bytes"

var (
	crlf  = []byte("\r\n")
	blank = []byte("\r\n\r\n")
)

// partsReader reads multipart/form-data (RFC 7578, RFC 2046 section 5.1) of which there is one reading: the body begins with the
// boundary and ends with the closing one, lines end in CRLF, and the boundary stands nowhere else. What makes one part
// ambiguous is noted and the rest is read all the same, so that the log shows what was tried.
type partsReader struct {
	p       *Parsed
	data    []byte
	at      int
	marker  []byte // "--" and the boundary
	l       Limits
	mem     *Memory
	refused *Error // the first reason
	parts   int
}

// partHead is what the header of a part says.
type partHead struct {
	name, file []byte
	disposed   bool // there was a usable Content-Disposition
}

func (p *Parsed) multipart(m Media, data []byte, l Limits, mem *Memory) *Error {
	p.BoundaryQuoted = m.BoundaryQuoted
	if err := boundary(m.Boundary); err != nil {
		return err
	}
	marker := mem.Alloc(2 + len(m.Boundary))
	copy(marker[copy(marker, "--"):], m.Boundary)
	r := partsReader{p: p, data: data, marker: marker, l: l, mem: mem}
	if !latinCharset(m.Charset) {
		r.refuse(ambiguous("multipart", 0, "a charset that is not known to be a superset of ASCII"))
	}
	if err := r.body(); err != nil {
		r.refuse(err)
	}
	return r.refused
}

// refuse notes a reason; the first one counts.
func (r *partsReader) refuse(err *Error) {
	if r.refused == nil {
		r.refused = err
	}
}

// body reads all parts. What it returns makes the rest unreadable.
func (r *partsReader) body() *Error {
	if bytes.HasPrefix(r.data, crlf) {
		r.at = len(crlf)
	}
	if !bytes.HasPrefix(r.data[r.at:], r.marker) {
		if i := bytes.Index(r.data, r.marker); i >= 0 {
			return ambiguous("multipart", 0, "something before the first boundary")
		}
		return malformed("multipart", 0, "the body does not begin with the boundary")
	}
	for {
		r.at += len(r.marker)
		if bytes.HasPrefix(r.data[r.at:], []byte("--")) {
			return r.end()
		}
		if !bytes.HasPrefix(r.data[r.at:], crlf) {
			r.p.UnmatchedBoundary = true
			return ambiguous("multipart", r.at, "something behind a boundary on its line")
		}
		r.at += len(crlf)
		if err := r.part(); err != nil {
			return err
		}
	}
}

// end looks at what follows the closing boundary: nothing, or the end of its line.
func (r *partsReader) end() *Error {
	r.at += len("--")
	if rest := r.data[r.at:]; len(rest) > 0 && !bytes.Equal(rest, crlf) {
		return ambiguous("multipart", r.at, "something behind the closing boundary")
	}
	return nil
}

// part reads one part from behind its boundary up to the next boundary.
func (r *partsReader) part() *Error {
	if r.parts++; r.parts > r.l.Parts {
		return beyond("multipart", r.at, "too many parts", r.l.Parts, "Parts")
	}
	head, err := r.header()
	if err != nil {
		return err
	}
	from := r.at
	end, err := r.delimiter()
	if err != nil {
		return err
	}
	r.add(head, r.data[from:end:end])
	return nil
}

// add stores a part.
func (r *partsReader) add(head partHead, content []byte) {
	p := r.p
	p.CombinedSize += len(content)
	p.PartNames = append(p.PartNames, Pair{Name: head.name, Value: head.name})
	if len(head.file) > 0 {
		p.Files = append(p.Files, File{Field: head.name, Name: head.file, Content: content})
		return
	}
	// A file without a name is what browsers send for an input left empty; services take it for a field, or for nothing.
	p.Args = append(p.Args, Pair{Name: head.name, Value: content})
}

// delimiter finds the boundary that ends the content at hand, goes there, and returns where the content ends. A boundary
// anywhere but behind a CRLF is refused: there are services that split at it.
func (r *partsReader) delimiter() (int, *Error) {
	i := bytes.Index(r.data[r.at:], r.marker)
	if i < 0 {
		return 0, malformed("multipart", len(r.data), "the closing boundary is missing")
	}
	if i < len(crlf) || !bytes.Equal(r.data[r.at+i-len(crlf):r.at+i], crlf) {
		r.p.UnmatchedBoundary = true
		return 0, ambiguous("multipart", r.at+i, "the boundary stands where no line of its own begins")
	}
	r.at += i
	return r.at - len(crlf), nil
}

// header reads the header of a part and the empty line behind it. Its lines are kept under the part's name even if they are refused.
func (r *partsReader) header() (h partHead, err *Error) {
	first := len(r.p.PartHeaders)
	block := r.data[r.at:]
	size := 0
	switch i := bytes.Index(block, blank); {
	case bytes.HasPrefix(block, crlf):
		return h, malformed("multipart", r.at, "a part without a header")
	case i < 0:
		err = malformed("multipart", r.at, "the header of a part does not end")
		size = min(len(block), r.l.PartHeaderBytes)
	default:
		size = i + len(blank)
	}
	if size > r.l.PartHeaderBytes {
		return h, beyond("multipart", r.at, "the header of a part is too large", r.l.PartHeaderBytes, "PartHeaderBytes")
	}
	block = block[:size:size]
	if i := bytes.Index(block, r.marker); i >= 0 {
		r.p.UnmatchedBoundary = true
		r.refuse(ambiguous("multipart", r.at+i, "the boundary stands in the header of a part"))
	}
	r.p.seen = r.p.seen[:0]
	for lines := 0; len(block) > 0; lines++ {
		line, rest, _ := bytes.Cut(block, crlf)
		at := r.at + size - len(block)
		if block = rest; len(line) == 0 {
			break
		}
		if lines >= r.l.PartHeaders {
			err = beyond("multipart", at, "the header of a part has too many lines", r.l.PartHeaders, "PartHeaders")
			break
		}
		r.line(&h, line, at)
	}
	for i := range r.p.PartHeaders[first:] {
		r.p.PartHeaders[first+i].Name = h.name
	}
	if err == nil && !h.disposed {
		r.refuse(malformed("multipart", r.at, "a part without a Content-Disposition that names its field"))
	}
	r.at += size
	return h, err
}

// line reads a header line, keeps it as rules see it, and refuses what has two readings.
func (r *partsReader) line(h *partHead, line []byte, at int) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !token(name) || !printable(value) {
		r.p.PartHeaders = append(r.p.PartHeaders, Pair{Value: line})
		r.refuse(malformed("multipart", at, "a header line of a part that is not name: value"))
		return
	}
	value = trimBlanks(value)
	r.p.PartHeaders = append(r.p.PartHeaders, Pair{Value: r.headerLine(line, name, value)})
	for _, n := range r.p.seen {
		if bytes.EqualFold(n, name) {
			r.refuse(ambiguous("multipart", at, "a header field that a part has twice"))
			return
		}
	}
	r.p.seen = append(r.p.seen, name)
	switch {
	case equalFold(name, "content-disposition"):
		r.disposition(h, value, at)
	case equalFold(name, "content-type"):
		r.contentType(value, at)
	case equalFold(name, "content-transfer-encoding"):
		if !equalFold(value, "7bit") && !equalFold(value, "8bit") && !equalFold(value, "binary") {
			r.refuse(ambiguous("multipart", at, "a Content-Transfer-Encoding: services do not agree whether to decode it (RFC 7578 section 4.7)"))
		}
	}
}

// disposition reads the Content-Disposition of a part (RFC 7578 section 4.2).
func (r *partsReader) disposition(h *partHead, value []byte, at int) {
	end := bytes.IndexByte(value, ';')
	if end < 0 || !equalFold(trimBlanks(value[:end]), "form-data") {
		r.refuse(malformed("multipart", at, "a Content-Disposition that is not form-data"))
		return
	}
	ps := parameters{in: "multipart", base: at, data: value, at: end, raw: true}
	for ps.next(); ps.err == nil && !ps.done; ps.next() {
		switch {
		case equalFold(ps.name, "name"):
			h.name, h.disposed = ps.value, true
		case equalFold(ps.name, "filename"):
			h.file = ps.value
		}
	}
	for _, err := range [...]*Error{ps.doubt, ps.err} {
		if err != nil {
			r.refuse(err)
		}
	}
	if len(h.name) > r.l.NameBytes {
		r.refuse(beyond("multipart", at, "the name of a field is too long", r.l.NameBytes, "NameBytes"))
	}
}

// contentType refuses a part that is a container of its own, or in a charset in which the rules could not read it.
func (r *partsReader) contentType(value []byte, at int) {
	m, err := classify(value, r.mem)
	switch {
	case err != nil:
		err.In, err.At = "multipart", at+err.At
		r.refuse(err)
	case bytes.HasPrefix(m.Type, []byte("multipart/")):
		r.refuse(ambiguous("multipart", at, "a part that is multipart itself"))
	case !latinCharset(m.Charset):
		r.refuse(ambiguous("multipart", at, "a part in a charset that is not known to be a superset of ASCII"))
	}
}

// printable reports whether a field value has no control characters but tabs.
func printable(s []byte) bool {
	for _, c := range s {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// headerLine is the line in its usual form, "Content-Type: text/plain": itself, if it has it.
func (r *partsReader) headerLine(line, name, value []byte) []byte {
	usual := len(line) == len(name)+len(": ")+len(value) && line[len(name)+1] == ' '
	for i, c := range name {
		usual = usual && c == capitalised(name, i)
	}
	if usual {
		return line
	}
	out := r.mem.Alloc(len(name) + len(": ") + len(value))
	for i := range name {
		out[i] = capitalised(name, i)
	}
	copy(out[len(name)+copy(out[len(name):], ": "):], value)
	return out
}

// capitalised is the byte of a field name at i, as in Content-Type.
func capitalised(name []byte, i int) byte {
	c := lower(name[i])
	if (i == 0 || name[i-1] == '-') && c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}
