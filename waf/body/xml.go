package body

import (
	"bytes"
	"unicode/utf8"
)

// xmlReader reads XML 1.0 in UTF-8: well-formed, one root, no document type (so no entities but the five), no processing
// instructions. It does not recurse.
type xmlReader struct {
	p    *Parsed
	data []byte
	at   int
	l    Limits
	mem  *Memory
	text []byte // of the text at hand, from its first byte, if it is one piece of data so far
	join []byte // the text at hand if it has several pieces; from mem
	root bool   // there was one
}

var (
	textName      = []byte("/*")
	attributeName = []byte("//@*")
)

func (p *Parsed) xml(m Media, data []byte, l Limits, mem *Memory) *Error {
	if !unicodeCharset(m.Charset) {
		return ambiguous("XML", 0, "a charset other than UTF-8")
	}
	p.open = p.open[:0]
	r := xmlReader{p: p, data: data, l: l, mem: mem}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		r.at = len("\ufeff") // a service that reads XML must know it (XML 1.0 section 4.3.3)
	}
	if err := r.declaration(); err != nil {
		return err
	}
	for r.at < len(r.data) {
		if err := r.next(); err != nil {
			return err
		}
	}
	switch {
	case len(p.open) > 0:
		return r.malformed("the body ends inside of an element")
	case !r.root:
		return r.malformed("no element")
	}
	return nil
}

// next reads a run of text or one piece of markup.
func (r *xmlReader) next() *Error {
	rest := r.data[r.at:]
	switch {
	case rest[0] != '<':
		return r.characters()
	case bytes.HasPrefix(rest, []byte("<!--")):
		return r.comment()
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return r.cdata()
	case bytes.HasPrefix(rest, []byte("<!")):
		return ambiguous("XML", r.at, "a document type, or other markup that is not read: services do not agree on entities")
	case bytes.HasPrefix(rest, []byte("<?")):
		return ambiguous("XML", r.at, "a processing instruction")
	}
	if err := r.flush(); err != nil {
		return err
	}
	if bytes.HasPrefix(rest, []byte("</")) {
		return r.close()
	}
	return r.element()
}

// characters reads text up to the next markup.
func (r *xmlReader) characters() *Error {
	n := bytes.IndexByte(r.data[r.at:], '<')
	if n < 0 {
		n = len(r.data) - r.at
	}
	raw := r.data[r.at : r.at+n : r.at+n]
	if i := bytes.Index(raw, []byte("]]>")); i >= 0 {
		r.at += i
		return r.malformed("]]> in text")
	}
	text, err := r.decoded(raw, true)
	if err != nil {
		return err
	}
	if len(r.p.open) == 0 {
		for _, c := range raw {
			if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return r.malformed("text outside of the root element")
			}
		}
		text = nil
	}
	r.at += n
	r.piece(text)
	return nil
}

// comment skips a comment.
func (r *xmlReader) comment() *Error {
	from := r.at + len("<!--")
	n := bytes.Index(r.data[from:], []byte("--"))
	if n < 0 || from+n+2 >= len(r.data) || r.data[from+n+2] != '>' {
		return r.malformed("a comment that is not closed, or has -- inside")
	}
	if _, err := r.decoded(r.data[from:from+n], false); err != nil {
		return err
	}
	r.at = from + n + len("-->")
	return nil
}

// cdata reads a CDATA section: text.
func (r *xmlReader) cdata() *Error {
	if len(r.p.open) == 0 {
		return r.malformed("text outside of the root element")
	}
	from := r.at + len("<![CDATA[")
	n := bytes.Index(r.data[from:], []byte("]]>"))
	if n < 0 {
		return r.malformed("a CDATA section that is not closed")
	}
	text, err := r.decoded(r.data[from:from+n:from+n], false)
	if err != nil {
		return err
	}
	r.at = from + n + len("]]>")
	r.piece(text)
	return nil
}

// piece adds to the text at hand.
func (r *xmlReader) piece(text []byte) {
	switch {
	case len(text) == 0:
	case r.text == nil && r.join == nil:
		r.text = text
	case r.join == nil:
		r.join = append(append(r.mem.Alloc(2 * (len(r.text) + len(text)))[:0], r.text...), text...)
	case cap(r.join)-len(r.join) < len(text):
		r.join = append(append(r.mem.Alloc(2 * (len(r.join) + len(text)))[:0], r.join...), text...)
	default:
		r.join = append(r.join, text...)
	}
}

// flush ends the text at hand, at a tag.
func (r *xmlReader) flush() *Error {
	text := r.text
	if r.join != nil {
		text = r.join
	}
	r.text, r.join = nil, nil
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return nil
	}
	return r.add(textName, text[:len(text):len(text)])
}

func (r *xmlReader) add(name, value []byte) *Error {
	if len(r.p.XML) >= r.l.Pairs {
		return beyond("XML", r.at, "too many texts and attributes", r.l.Pairs, "Pairs")
	}
	r.p.XML = append(r.p.XML, Pair{Name: name, Value: value})
	return nil
}

// element reads a start tag or the tag of an empty element.
func (r *xmlReader) element() *Error {
	p := r.p
	switch {
	case len(p.open) == 0 && r.root:
		return r.malformed("a second root element")
	case len(p.open) >= r.l.Depth:
		return beyond("XML", r.at, "elements are nested too deeply", r.l.Depth, "Depth")
	}
	r.at++
	name, err := r.name()
	if err != nil {
		return err
	}
	r.root = true
	p.seen = p.seen[:0]
	for {
		spaced := r.space()
		switch c := r.peek(); {
		case c == '>':
			r.at++
			p.open = append(p.open, name)
			return nil
		case c == '/':
			r.at++
			if r.peek() != '>' {
				return r.malformed("a slash in a tag that does not end it")
			}
			r.at++
			return nil
		case !spaced:
			return r.malformed("no space before an attribute, or a tag that is not closed")
		}
		if err := r.attribute(); err != nil {
			return err
		}
	}
}

// attribute reads name="value". One element has each once (XML 1.0 section 3.1).
func (r *xmlReader) attribute() *Error {
	p := r.p
	if len(p.seen) >= r.l.Attributes {
		return beyond("XML", r.at, "an element has too many attributes", r.l.Attributes, "Attributes")
	}
	name, err := r.name()
	if err != nil {
		return err
	}
	for _, n := range p.seen {
		if bytes.Equal(n, name) {
			return r.malformed("an attribute that an element has twice")
		}
	}
	p.seen = append(p.seen, name)
	r.space()
	if r.peek() != '=' {
		return r.malformed("an attribute without a value")
	}
	r.at++
	r.space()
	quote := r.peek()
	if quote != '"' && quote != '\'' {
		return r.malformed("an attribute's value without quotes")
	}
	r.at++
	n := bytes.IndexByte(r.data[r.at:], quote)
	if n < 0 {
		return r.malformed("an attribute's value that is not closed")
	}
	raw := r.data[r.at : r.at+n : r.at+n]
	if bytes.IndexByte(raw, '<') >= 0 {
		return r.malformed("< in an attribute's value")
	}
	value, err := r.decoded(raw, true)
	if err != nil {
		return err
	}
	r.at += n + 1
	return r.add(attributeName, value)
}

// close reads an end tag.
func (r *xmlReader) close() *Error {
	r.at += len("</")
	name, err := r.name()
	if err != nil {
		return err
	}
	open := r.p.open
	if len(open) == 0 || !bytes.Equal(open[len(open)-1], name) {
		return r.malformed("an end tag that does not match")
	}
	r.space()
	if r.peek() != '>' {
		return r.malformed("an end tag that is not closed")
	}
	r.at++
	r.p.open = open[:len(open)-1]
	return nil
}

// space skips white space and says whether there was any.
func (r *xmlReader) space() bool {
	from := r.at
	for r.at < len(r.data) {
		if c := r.data[r.at]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			break
		}
		r.at++
	}
	return r.at > from
}

// peek is the next byte, 0 at the end; NUL is nowhere allowed.
func (r *xmlReader) peek() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

// name reads a qualified name: at most one colon, inside.
func (r *xmlReader) name() (view, *Error) {
	from, part, colon := r.at, r.at, false // part is where the prefix or the local name begins
	for r.at < len(r.data) {
		c, size := rune(r.data[r.at]), 1
		switch {
		case r.at > part && nameBytes[c&0xff]:
			r.at++
			continue
		case c == ':' && r.at > part && !colon:
			colon, part = true, r.at+1
			r.at++
			continue
		case c >= utf8.RuneSelf:
			c, size = utf8.DecodeRune(r.data[r.at:])
		}
		if !nameRune(c, r.at == part) {
			break
		}
		r.at += size
	}
	switch {
	case r.at == part:
		return nil, r.malformed("no name where one must be")
	case r.at-from > r.l.NameBytes:
		return nil, beyond("XML", from, "the name of an element or attribute is too long", r.l.NameBytes, "NameBytes")
	}
	return r.data[from:r.at:r.at], nil
}

func (r *xmlReader) malformed(what string) *Error { return malformed("XML", r.at, what) }
