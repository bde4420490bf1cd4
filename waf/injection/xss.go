package injection

import "bytes"

// XSS reports whether the value is HTML that runs script in a browser: what libinjection says of it.
//
// The value is read as text, as what comes behind the name of a tag, and as what comes behind an opened quote. Time is linear
// in the length of the value.
func XSS(value []byte) bool {
	tags := bytes.IndexByte(value, '<') >= 0
	if !tags && bytes.IndexByte(value, '=') < 0 {
		return false // a tag begins with < and the value of an attribute with =
	}
	if tags && dangerous(value, inData) || dangerous(value, beforeName) {
		return true
	}
	for _, c := range [...]struct {
		quote byte
		state state
	}{{'\'', inSingle}, {'"', inDouble}, {'`', inTick}} {
		if bytes.IndexByte(value, c.quote) >= 0 && dangerous(value, c.state) {
			return true
		}
	}
	return false
}

// attr is the kind of an attribute.
type attr uint8

const (
	attrHarmless attr = iota
	attrBlack         // dangerous with any value
	attrURL           // dangerous with the address of a script
	attrStyle         // dangerous with any value, as styles can be
	attrIndirect      // its value is the name of an attribute
)

// attrName is a row of the table of attributes.
type attrName struct {
	name string
	kind attr
}

// names are the tables of tags and attributes in the form that is asked.
var names = newNames()

type nameIndex struct{ tags, attrs index }

func newNames() *nameIndex {
	n := &nameIndex{}
	for _, t := range tagList {
		n.tags.add(t)
	}
	for _, a := range attrList {
		n.attrs.add(a.name)
	}
	return n
}

// dangerous reads the value from a state on.
func dangerous(value []byte, from state) bool {
	h := html{in: value, state: from}
	kind := attrHarmless
	for h.next() {
		text := value[h.start:h.end]
		if h.kind != attrValue {
			kind = attrHarmless
		}
		switch h.kind {
		case doctype:
			return true
		case tagOpen:
			if blackTag(text) {
				return true
			}
		case attrLabel:
			kind = attrOf(text)
		case attrValue:
			if blackValue(kind, text) {
				return true
			}
			kind = attrHarmless
		case htmlComment:
			if blackComment(text) {
				return true
			}
		}
	}
	return false
}

// name is text in upper case without its NULs.
type name struct {
	buf  [nameMax]byte
	n    int
	hash uint64
}

// read takes the text, and reports whether it fits.
func (m *name) read(text []byte) bool {
	for _, c := range text {
		if c == 0 {
			continue
		}
		if m.n == nameMax {
			return false
		}
		c = upper(c)
		m.buf[m.n] = c
		m.n++
		m.hash = hashStep(m.hash, c)
	}
	return true
}

func (m *name) text() []byte { return m.buf[:m.n] }

// blackTag reports whether a tag is dangerous by itself: one of the list, or anything of SVG and XSL.
func blackTag(text []byte) bool {
	var m name
	if len(text) < 3 || !m.read(text) {
		return false
	}
	return bytes.HasPrefix(m.text(), []byte("SVG")) || bytes.HasPrefix(m.text(), []byte("XSL")) || names.tags.find(m.hash, m.text()) != 0
}

// attrOf is the kind of the attribute with that name.
func attrOf(text []byte) attr {
	var m name
	if !m.read(text) {
		return attrHarmless
	}
	if at := names.attrs.find(m.hash, m.text()); at != 0 {
		return attrList[at-1].kind
	}
	if s := m.text(); string(s) == "XMLNS" || string(s) == "XLINK" {
		return attrBlack
	}
	return attrHarmless
}

// blackValue reports whether a value is dangerous to an attribute of that kind.
func blackValue(kind attr, text []byte) bool {
	switch kind {
	case attrBlack, attrStyle:
		return true
	case attrURL:
		return blackURL(text)
	case attrIndirect:
		return attrOf(text) == attrBlack
	}
	return false
}

// blackComment reports whether a comment is what browsers have run: one with a backtick, which ended it, a conditional one,
// a declaration of XML, an import, an entity.
func blackComment(text []byte) bool {
	if bytes.IndexByte(text, '`') >= 0 {
		return true
	}
	if len(text) > 3 && (same("[IF", text[:3]) || same("XML", text[:3])) {
		return true
	}
	if len(text) < 6 {
		return false
	}
	var begin [6]byte
	n := 0
	for _, c := range text {
		if c == 0 {
			continue
		}
		begin[n] = upper(c)
		if n++; n == len(begin) {
			break
		}
	}
	return string(begin[:n]) == "IMPORT" || string(begin[:n]) == "ENTITY"
}

// schemes are those of scripts, and of what can hold one.
var schemes = [...]string{"DATA", "VIEW-SOURCE", "VBSCRIPT", "JAVA"}

// blackURL reports whether an address is a script or can hold one. White space, control characters and all but ASCII before it
// do not count.
func blackURL(text []byte) bool {
	for len(text) > 0 && (text[0] <= ' ' || text[0] >= 0x7f) {
		text = text[1:]
	}
	for _, scheme := range schemes {
		if begins(text, scheme) {
			return true
		}
	}
	return false
}

// begins reports whether text, with its numeric references decoded, begins with the scheme in any case. What browsers ignore
// is skipped: white space and control characters before it, NULs and line feeds in it.
func begins(text []byte, scheme string) bool {
	leading := true
	for len(text) > 0 {
		c, n := reference(text)
		text = text[n:]
		if leading && c <= ' ' || c == 0 || c == '\n' {
			continue
		}
		leading = false
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if byte(c) != scheme[0] { // the low byte decides, as it does in C
			return false
		}
		if scheme = scheme[1:]; scheme == "" {
			return true
		}
	}
	return false
}

// referenceMax is the highest character that a numeric reference stands for; a higher one is text.
const referenceMax = 0x1000ff

// reference is the character that text begins with, and how many bytes it has: &#106; and &#x6a; are one.
func reference(text []byte) (c, n int) {
	if len(text) < 3 || text[0] != '&' || text[1] != '#' {
		return int(text[0]), 1
	}
	base, i := 10, 2
	if text[2] == 'x' || text[2] == 'X' {
		base, i = 16, 3
	}
	for digits := i; i < len(text); i++ {
		d := hexDigit(text[i])
		if d >= base {
			if i == digits {
				return '&', 1
			}
			if text[i] == ';' {
				i++
			}
			return c, i
		}
		if c = c*base + d; c > referenceMax {
			return '&', 1
		}
	}
	if i == 3 && base == 16 { // &#x at the end
		return '&', 1
	}
	return c, i
}

// hexDigit is the value of a digit, 16 for any other byte.
func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case upper(c) >= 'A' && upper(c) <= 'F':
		return int(upper(c)-'A') + 10
	}
	return 16
}
