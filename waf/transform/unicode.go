package transform

import (
	"unicode/utf8"

	"skerry.dev/skerry/waf/match"
)

// appendUnicode appends in with each character beyond ASCII as %u and its number in at least four hexadecimal digits, for
// urlDecodeUni to fold. Bytes that are no character are kept.
func appendUnicode(dst, in []byte) []byte {
	for {
		i := firstHigh(in)
		dst = append(dst, in[:i]...)
		if i == len(in) {
			return dst
		}
		r, size := character(in[i:])
		if r < 0 {
			dst = append(dst, in[i])
		} else {
			dst = appendU(dst, r)
		}
		in = in[i+size:]
	}
}

func appendU(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '%', 'u')
	if r > 0xfffff {
		dst = append(dst, digits[r>>20])
	}
	if r > 0xffff {
		dst = append(dst, digits[r>>16&15])
	}
	return append(dst, digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

func changedUnicode(in []byte) bool {
	for i := firstHigh(in); i < len(in); i += firstHigh(in[i:]) {
		r, size := character(in[i:])
		if r >= 0 {
			return true
		}
		i += size
	}
	return false
}

// firstHigh is where the first byte is that is not ASCII, else the length.
func firstHigh(in []byte) int {
	for i, c := range in {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return len(in)
}

// character decodes the character at the front of in; it may be written longer than it must be (RFC 3629 section 3 calls such
// forms invalid, lenient decoders take them). -1: the byte is no character.
func character(in []byte) (rune, int) {
	r, size := utf8.DecodeRune(in)
	if size > 1 {
		return r, size
	}
	switch c := in[0]; {
	case c == 0xC0 || c == 0xC1:
		size = 2
	case c == 0xE0:
		size = 3
	case c == 0xF0:
		size = 4
	}
	if size == 1 || size > len(in) {
		return -1, 1
	}
	r = rune(in[0] & (0x3f >> (size - 1)))
	for _, c := range in[1:size] {
		if c&0xC0 != 0x80 {
			return -1, 1
		}
		r = r<<6 | rune(c&0x3f)
	}
	if r >= 0xD800 && r <= 0xDFFF {
		return -1, 1
	}
	return r, size
}

func outputUnicode(m match.Mask) match.Mask { return m | maskPercent | maskU | hexMask }

var maskU = maskOf("u")
