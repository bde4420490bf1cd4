package transform

import (
	"encoding/base64"

	"skerry.dev/skerry/waf/match"
)

// What a byte is to a base64 decoder, beside the 6 bits of a letter.
const (
	skip64 = 0x80 // stands for nothing
	stop64 = 0x40 // ends the text
)

var (
	// strict64 is RFC 4648 section 4: line ends are skipped, padding and all else end the text.
	strict64 = table64(stop64, false)
	// lenient64 takes section 5's letters as well, and skips what is no letter.
	lenient64 = table64(skip64, true)

	base64Mask = match.MaskLetters | match.MaskDigits | maskOf("+/")
)

func table64(other byte, url bool) (t [256]byte) {
	for c := range t {
		t[c] = other
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	if url {
		t['-'], t['_'] = t['+'], t['/']
	}
	t['\r'], t['\n'] = skip64, skip64
	t['='] = stop64
	return t
}

// Base64Len is how many bytes base64Decode appends for in. It looks no further than decoding would go, which in ordinary text
// is the first space or punctuation mark, and so tells for next to nothing that no pattern fits into the result.
func Base64Len(in []byte) int {
	letters := 0
	for _, c := range in {
		v := strict64[c]
		if v == stop64 {
			break
		}
		if v < stop64 {
			letters++
		}
	}
	return letters * 6 / 8
}

func appendBase64(dst, in []byte) []byte    { return decode64(dst, in, &strict64) }
func appendBase64Ext(dst, in []byte) []byte { return decode64(dst, in, &lenient64) }

// decode64 decodes until the text ends. Two or three letters left over give one byte or two, a single one none.
func decode64(dst, in []byte, table *[256]byte) []byte {
	var bits uint32
	n := 0 // letters in bits
	for i := 0; i < len(in); {
		if n == 0 {
			var quads int
			dst, quads = decode64Quads(dst, in[i:], table)
			if i += quads; i == len(in) {
				break
			}
		}
		v := table[in[i]]
		i++
		if v == stop64 {
			break
		}
		if v == skip64 {
			continue
		}
		bits = bits<<6 | uint32(v)
		if n++; n == 4 {
			dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
			n = 0
		}
	}
	switch n {
	case 2:
		dst = append(dst, byte(bits>>4))
	case 3:
		dst = append(dst, byte(bits>>10), byte(bits>>2))
	}
	return dst
}

// decode64Quads decodes groups of four letters with nothing between them, and says how many bytes those were.
func decode64Quads(dst, in []byte, table *[256]byte) ([]byte, int) {
	i := 0
	for ; i+4 <= len(in); i += 4 {
		a, b, c, d := table[in[i]], table[in[i+1]], table[in[i+2]], table[in[i+3]]
		if a|b|c|d >= stop64 {
			break
		}
		bits := uint32(a)<<18 | uint32(b)<<12 | uint32(c)<<6 | uint32(d)
		dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
	}
	return dst, i
}

func appendBase64Encode(dst, in []byte) []byte { return base64.StdEncoding.AppendEncode(dst, in) }

func decoded64(n int) int { return n/4*3 + n%4*6/8 }
func encoded64(n int) int { return (n + 2) / 3 * 4 }

func outputBase64(m match.Mask) match.Mask { return ifAny(m&base64Mask, match.MaskAll) }
func outputBase64Ext(m match.Mask) match.Mask {
	return ifAny(m&(base64Mask|maskMinusUnderscore), match.MaskAll)
}
func outputBase64Encode(match.Mask) match.Mask { return base64Mask | maskEquals }

var (
	maskMinusUnderscore = maskOf("-_")
	maskEquals          = maskOf("=")
)

// ifAny is then if there is any class in m, else none.
func ifAny(m, then match.Mask) match.Mask {
	if m == 0 {
		return 0
	}
	return then
}
