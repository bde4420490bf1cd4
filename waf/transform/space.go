package transform

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"skerry.dev/skerry/waf/match"
)

// spaces are the white bytes of ASCII, and what trim takes away.
const spaces = " \t\n\v\f\r"

// isSpace is 1 for each of spaces.
var isSpace = func() (t [256]byte) {
	for _, c := range []byte(spaces) {
		t[c] = 1
	}
	return t
}()

// latinSpace reports whether a character that is not ASCII stands at the front of in, is a space of Latin-1, and how long it
// is. A byte 0xA0 that is no part of a character counts: to a database that speaks Latin-1 it is a space.
func latinSpace(in []byte) (space bool, size int) {
	r, size := utf8.DecodeRune(in)
	return r == 0x85 || r == 0xA0 || in[0] == 0xA0, size
}

// anySpace is latinSpace for the spaces of Unicode.
func anySpace(in []byte) (space bool, size int) {
	r, size := utf8.DecodeRune(in)
	return unicode.IsSpace(r) || in[0] == 0xA0, size
}

func appendCompressed(dst, in []byte) []byte {
	all, out := room(dst, len(in))
	n := 0
	var before byte // 1: a space was written last
	for i := 0; i < len(in); {
		c := in[i]
		if c < utf8.RuneSelf {
			space := isSpace[c]
			if space != 0 {
				c = ' '
			}
			out[n] = c // overwritten by the next byte if this one does not count
			n += int(1 - space&before)
			before = space
			i++
			continue
		}
		space, size := latinSpace(in[i:])
		switch {
		case !space:
			n += copy(out[n:], in[i:i+size])
			before = 0
		case before == 0:
			out[n] = ' '
			n++
			before = 1
		}
		i += size
	}
	return all[:len(dst)+n]
}

func changedCompressed(in []byte) bool {
	for i := 0; i < len(in); {
		c := in[i]
		if c >= utf8.RuneSelf {
			space, size := latinSpace(in[i:])
			if space {
				return true
			}
			i += size
			continue
		}
		i++
		if isSpace[c] != 0 && (c != ' ' || i < len(in) && in[i] == ' ') {
			return true
		}
	}
	return false
}

func appendNoSpace(dst, in []byte) []byte {
	all, out := room(dst, len(in))
	n := 0
	for i := 0; i < len(in); {
		c := in[i]
		if c < utf8.RuneSelf {
			out[n] = c // overwritten by the next byte if this one does not count
			n += int(1 - isSpace[c])
			i++
			continue
		}
		space, size := anySpace(in[i:])
		if !space {
			n += copy(out[n:], in[i:i+size])
		}
		i += size
	}
	return all[:len(dst)+n]
}

func changedNoSpace(in []byte) bool {
	for i := 0; i < len(in); {
		if in[i] < utf8.RuneSelf {
			if isSpace[in[i]] != 0 {
				return true
			}
			i++
			continue
		}
		space, size := anySpace(in[i:])
		if space {
			return true
		}
		i += size
	}
	return false
}

func outputCompressed(m match.Mask) match.Mask { return m&^match.MaskWhite | match.MaskSpace }

func appendTrim(dst, in []byte) []byte      { return append(dst, bytes.Trim(in, spaces)...) }
func appendTrimLeft(dst, in []byte) []byte  { return append(dst, bytes.TrimLeft(in, spaces)...) }
func appendTrimRight(dst, in []byte) []byte { return append(dst, bytes.TrimRight(in, spaces)...) }

func changedTrim(in []byte) bool      { return changedTrimLeft(in) || changedTrimRight(in) }
func changedTrimLeft(in []byte) bool  { return len(in) > 0 && isSpace[in[0]] != 0 }
func changedTrimRight(in []byte) bool { return len(in) > 0 && isSpace[in[len(in)-1]] != 0 }
