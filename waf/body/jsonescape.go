package body

import "unicode/utf8"

// escaped reads the rest of a string that has an escape or a control character, behind its opening quote.
func (r *jsonReader) escaped() ([]byte, *Error) {
	end := r.closing()
	if end < 0 {
		r.at = len(r.data)
		return nil, r.malformed("a string that is not closed")
	}
	out := r.mem.Alloc(end - r.at) // no escape becomes longer than it was
	w := 0
	for {
		n, ascii := plain(r.data[r.at:end])
		if !ascii && !utf8.Valid(r.data[r.at:r.at+n]) {
			return nil, r.malformed("a string that is not UTF-8")
		}
		w += copy(out[w:], r.data[r.at:r.at+n])
		r.at += n
		if r.at >= end {
			break
		}
		if r.data[r.at] != '\\' {
			return nil, r.malformed("a control character in a string")
		}
		n, err := r.escape(out[w:])
		if err != nil {
			return nil, err
		}
		w += n
	}
	r.at = end + 1
	return r.mem.Trim(out, w), nil
}

// closing is where the quote stands that closes the string at hand, -1 if there is none.
func (r *jsonReader) closing() int {
	for i := r.at; ; {
		n, _ := plain(r.data[i:])
		i += n
		switch {
		case i >= len(r.data):
			return -1
		case r.data[i] == '"':
			return i
		case r.data[i] == '\\':
			i++ // and what it escapes
		}
		i++
		if i > len(r.data) {
			return -1
		}
	}
}

// escape decodes the escape at a backslash into out and counts the bytes. There is room: closing has seen to it that a byte
// follows the backslash.
func (r *jsonReader) escape(out []byte) (int, *Error) {
	c := r.data[r.at+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return r.unicode(out)
	default:
		return 0, r.malformed("an escape that JSON does not have")
	}
	out[0] = c
	r.at += 2
	return 1, nil
}

// unicode decodes \uXXXX, or the two of a surrogate pair, into out.
func (r *jsonReader) unicode(out []byte) (int, *Error) {
	c, ok := r.unit()
	if !ok {
		return 0, r.malformed(`\u without four hexadecimal digits`)
	}
	if c >= 0xd800 && c < 0xe000 {
		low, ok := rune(0), false
		if c < 0xdc00 {
			low, ok = r.unit()
		}
		if !ok || low < 0xdc00 || low >= 0xe000 {
			return 0, r.malformed("a lone surrogate")
		}
		c = (c-0xd800)<<10 + (low - 0xdc00) + 0x10000
	}
	var b [utf8.UTFMax]byte
	return copy(out, b[:utf8.EncodeRune(b[:], c)]), nil
}

// unit reads \uXXXX; a string's closing quote is no digit, so it cannot read beyond it.
func (r *jsonReader) unit() (rune, bool) {
	if len(r.data)-r.at < 6 || r.data[r.at] != '\\' || r.data[r.at+1] != 'u' {
		return 0, false
	}
	var c rune
	for _, digit := range r.data[r.at+2 : r.at+6] {
		d := hexDigits[digit]
		if d < 0 {
			return 0, false
		}
		c = c<<4 | rune(d)
	}
	r.at += 6
	return c, true
}
