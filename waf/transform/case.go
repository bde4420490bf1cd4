package transform

import (
	"unicode"
	"unicode/utf8"

	"skerry.dev/skerry/waf/match"
)

// Bytes in the other case; those that are not ASCII stand for themselves.
var (
	lowerByte = caseTable('A', 'Z')
	upperByte = caseTable('a', 'z')
)

func caseTable(from, to byte) (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
		if byte(c) >= from && byte(c) <= to {
			t[c] ^= 0x20
		}
	}
	return t
}

func appendLower(dst, in []byte) []byte { return appendCase(dst, in, &lowerByte, unicode.ToLower) }
func appendUpper(dst, in []byte) []byte { return appendCase(dst, in, &upperByte, unicode.ToUpper) }

func changedLower(in []byte) bool { return changedCase(in, &lowerByte, unicode.ToLower) }
func changedUpper(in []byte) bool { return changedCase(in, &upperByte, unicode.ToUpper) }

func appendCase(dst, in []byte, table *[256]byte, other func(rune) rune) []byte {
	for len(in) > 0 {
		all, tail := room(dst, len(in))
		n := caseRun(tail, in, table)
		dst, in = all[:len(dst)+n], in[n:]
		for len(in) > 0 && in[0] >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(in)
			o := r
			if !caseless(r) {
				o = other(r)
			}
			if o != r {
				dst = utf8.AppendRune(dst, o)
			} else {
				dst = append(dst, in[:size]...)
			}
			in = in[size:]
		}
	}
	return dst
}

// caseless reports whether r is in the blocks of Chinese, Japanese and Korean, which have no letters with two cases: the search
// in Unicode's tables costs more than all else here.
func caseless(r rune) bool { return r >= 0x2E80 && r < 0xA640 || r >= 0xAC00 && r < 0xFB00 }

// caseRun puts the ASCII bytes at the front of in into out, in the other case, and counts them.
func caseRun(out, in []byte, table *[256]byte) int {
	out = out[:len(in)]
	for i, c := range in {
		if c >= utf8.RuneSelf {
			return i
		}
		out[i] = table[c]
	}
	return len(in)
}

func changedCase(in []byte, table *[256]byte, other func(rune) rune) bool {
	for i := 0; i < len(in); {
		if c := in[i]; c < utf8.RuneSelf {
			if table[c] != c {
				return true
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(in[i:])
		if !caseless(r) && other(r) != r {
			return true
		}
		i += size
	}
	return false
}

// Letters of ASCII that are the other case of one that is not: U+0130 and U+212A (Kelvin) have i and k, U+0131 and U+017F I and S.
var (
	lowerFromHigh = maskOf("ik")
	upperFromHigh = maskOf("is")
)

func outputLower(m match.Mask) match.Mask { return m | ifAny(m&match.MaskHigh, lowerFromHigh) }
func outputUpper(m match.Mask) match.Mask { return m | ifAny(m&match.MaskHigh, upperFromHigh) }
