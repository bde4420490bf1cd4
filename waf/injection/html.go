package injection

import "bytes"

// htmlKind is what a token of HTML is.
type htmlKind uint8

const (
	text htmlKind = iota // also what ends a tag: nothing is asked of either
	tagOpen
	attrLabel
	attrValue
	htmlComment
	doctype
)

// state is what html reads next.
type state uint8

const (
	inData state = iota
	inTagOpen
	inTagEnd // at the > of a tag
	afterSlash
	beforeName
	afterName
	beforeValue
	afterQuoted
	inSingle
	inDouble
	inTick
	atEnd
)

// html takes text apart into tags, attributes and comments as browsers do, old ones too. Its states are those of section
// 13.2.5 of the HTML standard, as far as libinjection tells them apart.
type html struct {
	in      []byte
	at      int
	state   state
	closing bool // the tag began with </; a tag </> leaves it so

	kind       htmlKind
	start, end int // of the token's text
}

// next reads one token and reports whether there was one.
func (h *html) next() bool {
	switch h.state {
	case inData:
		return h.data()
	case inTagOpen:
		return h.tagOpen()
	case inTagEnd:
		return h.tagEnd()
	case afterSlash:
		return h.afterSlash()
	case beforeName:
		return h.beforeName()
	case afterName:
		return h.afterName()
	case beforeValue:
		return h.beforeValue()
	case afterQuoted:
		return h.afterQuoted()
	case inSingle:
		return h.quotedValue('\'')
	case inDouble:
		return h.quotedValue('"')
	case inTick:
		return h.quotedValue('`')
	}
	return false
}

// emit is the token from start to end; reading goes on at a place, in a state.
func (h *html) emit(kind htmlKind, start, end, at int, next state) bool {
	h.kind, h.start, h.end, h.at, h.state = kind, start, end, at, next
	return true
}

// rest is the token up to the end of the text.
func (h *html) rest(kind htmlKind) bool {
	return h.emit(kind, h.at, len(h.in), len(h.in), atEnd)
}

// upTo is the token up to a byte, which is skipped.
func (h *html) upTo(kind htmlKind, c byte, next state) bool {
	n := bytes.IndexByte(h.in[h.at:], c)
	if n < 0 {
		return h.rest(kind)
	}
	return h.emit(kind, h.at, h.at+n, h.at+n+1, next)
}

// isSpace reports whether a byte is white space to HTML.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// skipSpace skips white space and NULs, and reports whether something follows.
func (h *html) skipSpace() bool {
	for h.at < len(h.in) && (isSpace(h.in[h.at]) || h.in[h.at] == 0) {
		h.at++
	}
	return h.at < len(h.in)
}

// data is the text up to a tag.
func (h *html) data() bool {
	n := bytes.IndexByte(h.in[h.at:], '<')
	switch {
	case n < 0:
		return h.at < len(h.in) && h.rest(text)
	case n > 0:
		return h.emit(text, h.at, h.at+n, h.at+n+1, inTagOpen)
	}
	h.at++
	return h.tagOpen()
}

// tagOpen is what follows a <.
func (h *html) tagOpen() bool {
	if h.at >= len(h.in) {
		return false
	}
	switch c := h.in[h.at]; {
	case c == '!':
		h.at++
		return h.declaration()
	case c == '/':
		h.at++
		h.closing = true
		return h.endTag()
	case c == '?':
		h.at++
		return h.upTo(htmlComment, '>', inData)
	case c == '%':
		h.at++
		return h.percentComment()
	case isLetter(c), c == 0: // Internet Explorer ignored a NUL
		return h.tagName()
	}
	return h.emit(text, h.at-1, h.at, h.at, inData)
}

func isLetter(c byte) bool { return upper(c) >= 'A' && upper(c) <= 'Z' }

// endTag is what follows </.
func (h *html) endTag() bool {
	switch {
	case h.at >= len(h.in):
		return false
	case h.in[h.at] == '>':
		return h.data()
	case isLetter(h.in[h.at]):
		return h.tagName()
	}
	h.closing = false
	return h.upTo(htmlComment, '>', inData)
}

// tagName is the name of a tag; NULs in it are kept.
func (h *html) tagName() bool {
	for i := h.at; i < len(h.in); i++ {
		switch c := h.in[i]; {
		case isSpace(c):
			return h.emit(tagOpen, h.at, i, i+1, beforeName)
		case c == '/':
			return h.emit(tagOpen, h.at, i, i+1, afterSlash)
		case c == '>' && h.closing:
			h.closing = false
			return h.emit(text, h.at, i, i+1, inData)
		case c == '>':
			return h.emit(tagOpen, h.at, i, i, inTagEnd)
		}
	}
	return h.rest(tagOpen)
}

// tagEnd is the > of a tag.
func (h *html) tagEnd() bool {
	h.closing = false
	return h.emit(text, h.at, h.at+1, h.at+1, inData)
}

// afterSlash is what follows a / in a tag.
func (h *html) afterSlash() bool {
	if h.at < len(h.in) && h.in[h.at] == '>' {
		return h.emit(text, h.at-1, h.at+1, h.at+1, inData)
	}
	return h.beforeName()
}

// beforeName is the name of an attribute, or the end of the tag.
func (h *html) beforeName() bool {
	for h.skipSpace() {
		switch h.in[h.at] {
		case '/':
			h.at++
		case '>':
			return h.emit(text, h.at, h.at+1, h.at+1, inData)
		default:
			return h.name()
		}
	}
	return false
}

// name is the name of an attribute; its first byte may be any.
func (h *html) name() bool {
	for i := h.at + 1; i < len(h.in); i++ {
		switch c := h.in[i]; {
		case isSpace(c):
			return h.emit(attrLabel, h.at, i, i+1, afterName)
		case c == '/':
			return h.emit(attrLabel, h.at, i, i+1, afterSlash)
		case c == '=':
			return h.emit(attrLabel, h.at, i, i+1, beforeValue)
		case c == '>':
			return h.emit(attrLabel, h.at, i, i, inTagEnd)
		}
	}
	return h.rest(attrLabel)
}

// afterName is what follows a name and white space.
func (h *html) afterName() bool {
	if !h.skipSpace() {
		return false
	}
	switch h.in[h.at] {
	case '/':
		h.at++
		return h.afterSlash()
	case '=':
		h.at++
		return h.beforeValue()
	case '>':
		return h.tagEnd()
	}
	return h.name()
}

// beforeValue is the value of an attribute.
func (h *html) beforeValue() bool {
	if !h.skipSpace() {
		h.state = atEnd
		return false
	}
	switch c := h.in[h.at]; c {
	case '"', '\'', '`': // the last one is Internet Explorer's
		return h.quotedValue(c)
	}
	for i := h.at; i < len(h.in); i++ {
		switch c := h.in[i]; {
		case isSpace(c):
			return h.emit(attrValue, h.at, i, i+1, beforeName)
		case c == '>':
			return h.emit(attrValue, h.at, i, i, inTagEnd)
		}
	}
	return h.rest(attrValue)
}

// quotedValue is a value up to its quote. At the beginning of the text the quote that opens it is not there.
func (h *html) quotedValue(quote byte) bool {
	if h.at > 0 {
		h.at++
	}
	return h.upTo(attrValue, quote, afterQuoted)
}

// afterQuoted is what follows a quoted value.
func (h *html) afterQuoted() bool {
	if h.at < len(h.in) {
		switch h.in[h.at] {
		case '/':
			h.at++
			return h.afterSlash()
		case '>':
			return h.emit(text, h.at, h.at+1, h.at+1, inData)
		}
	}
	return h.beforeName()
}

// declaration is what follows <!.
func (h *html) declaration() bool {
	rest := h.in[h.at:]
	switch {
	case len(rest) >= 7 && same("DOCTYPE", rest[:7]):
		return h.emit(doctype, h.at, len(h.in), len(h.in), atEnd)
	case bytes.HasPrefix(rest, []byte("[CDATA[")):
		h.at += 7
		return h.cdata()
	case bytes.HasPrefix(rest, []byte("--")):
		h.at += 2
		return h.comment()
	}
	return h.upTo(htmlComment, '>', inData)
}

// cdata is a section of text.
func (h *html) cdata() bool {
	n := bytes.Index(h.in[h.at:], []byte("]]>"))
	if n < 0 {
		return h.rest(text)
	}
	return h.emit(text, h.at, h.at+n, h.at+n+3, inData)
}

// comment ends with --> or -!>, NULs allowed behind the first dash.
func (h *html) comment() bool {
	for i := h.at; ; i++ {
		n := bytes.IndexByte(h.in[i:], '-')
		if n < 0 || i+n+3 > len(h.in) {
			return h.rest(htmlComment)
		}
		i += n
		end := i + 1
		for end < len(h.in) && h.in[end] == 0 {
			end++
		}
		if end+1 >= len(h.in) {
			if end == len(h.in) || h.in[end] == '-' || h.in[end] == '!' {
				return h.rest(htmlComment)
			}
			continue
		}
		if (h.in[end] == '-' || h.in[end] == '!') && h.in[end+1] == '>' {
			return h.emit(htmlComment, h.at, i, end+2, inData)
		}
	}
}

// percentComment is <% up to %>, which old browsers knew. libinjection looks for the > where it would be if the first % were
// the one that was found; so do we.
func (h *html) percentComment() bool {
	for i := h.at; ; {
		n := bytes.IndexByte(h.in[i:], '%')
		if n < 0 || i+n+1 >= len(h.in) {
			return h.rest(htmlComment)
		}
		if h.in[h.at+n+1] == '>' {
			return h.emit(htmlComment, h.at, h.at+n, i+n+2, inData)
		}
		i += n + 1
	}
}
