package body

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// nameBytes are the ASCII characters that a name may have behind its first.
var nameBytes = func() (t [256]bool) {
	for c := range rune(utf8.RuneSelf) {
		t[c] = nameRune(c, false)
	}
	return t
}()

// nameRune reports whether a name may have c, or begin with it (XML 1.0 section 2.3; colons are the caller's).
func nameRune(c rune, first bool) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		return true
	case c < utf8.RuneSelf:
		return !first && (c >= '0' && c <= '9' || c == '-' || c == '.')
	case c == 0xb7, c >= 0x300 && c <= 0x36f, c == 0x203f, c == 0x2040:
		return !first
	}
	return c >= 0xc0 && c <= 0x2ff && c != 0xd7 && c != 0xf7 ||
		c >= 0x370 && c <= 0x1fff && c != 0x37e ||
		c == 0x200c || c == 0x200d || c >= 0x2070 && c <= 0x218f || c >= 0x2c00 && c <= 0x2fef ||
		c >= 0x3001 && c <= 0xd7ff || c >= 0xf900 && c <= 0xfdcf ||
		c >= 0xfdf0 && c <= 0xfffc || c >= 0x10000 && c <= 0xeffff
}

// decoded checks that raw has only characters of XML (section 2.2) and decodes references, if there may be any, and line
// ends (section 2.11). It is raw itself if there is nothing to decode.
func (r *xmlReader) decoded(raw []byte, references bool) ([]byte, *Error) {
	if !xmlCharacters(raw) {
		return nil, r.malformed("a character that XML does not have, or not UTF-8")
	}
	references = references && bytes.IndexByte(raw, '&') >= 0
	if !references && bytes.IndexByte(raw, '\r') < 0 {
		return raw, nil
	}
	out := r.mem.Alloc(len(raw)) // no reference is shorter than what it stands for
	w := 0
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\r':
			if i+1 >= len(raw) || raw[i+1] != '\n' {
				out[w] = '\n'
				w++
			}
		case c == '&' && references:
			var b [utf8.UTFMax]byte
			name, ok := referenceName(raw[i+1:])
			c, known := reference(name)
			if !ok || !known {
				return nil, r.malformed("a reference to a character that there is not, or to an entity that is not one of XML's five")
			}
			w += copy(out[w:], b[:utf8.EncodeRune(b[:], c)])
			i += len(name) + len(";")
		default:
			out[w] = c
			w++
		}
	}
	return r.mem.Trim(out, w), nil
}

// xmlCharacters reports whether s is UTF-8 of characters that XML has.
func xmlCharacters(s []byte) bool {
	ascii := true
	for _, c := range s {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		return true
	}
	for len(s) > 0 {
		c, size := utf8.DecodeRune(s)
		if c == utf8.RuneError && size == 1 || c == 0xfffe || c == 0xffff {
			return false
		}
		s = s[size:]
	}
	return true
}

// referenceName is what stands between & and ;.
func referenceName(s []byte) ([]byte, bool) {
	n := bytes.IndexByte(s[:min(len(s), referenceBytesMax+1)], ';')
	if n < 0 {
		return nil, false
	}
	return s[:n], true
}

// reference is the character that a reference stands for.
func reference(name []byte) (rune, bool) {
	switch string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := bytes.CutPrefix(name, []byte("#"))
	base := 10
	if ok && len(digits) > 0 && digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	c, err := strconv.ParseUint(string(digits), base, 32)
	ok = ok && err == nil && (c >= ' ' || c == '\n' || c == '\r' || c == '\t') && c <= utf8.MaxRune &&
		(c < 0xd800 || c > 0xdfff) && c != 0xfffe && c != 0xffff
	return rune(c), ok
}

// declaration reads an XML declaration at the very beginning (section 2.8): version 1.0, UTF-8.
func (r *xmlReader) declaration() *Error {
	rest := r.data[r.at:]
	if !bytes.HasPrefix(rest, []byte("<?xml")) {
		return nil
	}
	end := bytes.Index(rest[:min(len(rest), declarationBytesMax)], []byte("?>"))
	if end < 0 {
		return r.malformed("an XML declaration that is not closed, or too long")
	}
	text := rest[len("<?xml"):end]
	version, text, ok := pseudo(text, "version")
	if !ok || string(version) != "1.0" {
		return ambiguous("XML", r.at, "a version other than 1.0")
	}
	if encoding, after, ok := pseudo(text, "encoding"); ok {
		if text = after; !equalFold(encoding, "utf-8") && !equalFold(encoding, "us-ascii") {
			return ambiguous("XML", r.at, "an encoding other than UTF-8")
		}
	}
	if alone, after, ok := pseudo(text, "standalone"); ok {
		if text = after; string(alone) != "yes" && string(alone) != "no" {
			return r.malformed("a standalone that is neither yes nor no")
		}
	}
	if len(bytes.Trim(text, " \t\r\n")) > 0 {
		return r.malformed("an XML declaration with something else in it")
	}
	r.at += end + len("?>")
	return nil
}

// pseudo reads ` name="value"` and returns what follows.
func pseudo(text []byte, name string) (value, after []byte, ok bool) {
	const blanks = " \t\r\n"
	s := bytes.TrimLeft(text, blanks)
	if len(s) == len(text) || !bytes.HasPrefix(s, []byte(name)) {
		return nil, text, false
	}
	s, ok = bytes.CutPrefix(bytes.TrimLeft(s[len(name):], blanks), []byte("="))
	s = bytes.TrimLeft(s, blanks)
	if !ok || len(s) == 0 || s[0] != '"' && s[0] != '\'' {
		return nil, text, false
	}
	n := bytes.IndexByte(s[1:], s[0])
	if n < 0 {
		return nil, text, false
	}
	return s[1 : 1+n], s[n+2:], true
}
